//! Does on the server what flows ask for: reads of the CRM and the call log.

use std::sync::Arc;

use async_trait::async_trait;
use futures::future::BoxFuture;
use serde_json::Value;
use tieline_bridge::profile::Profile;
use tieline_core::{
    AgentId, ConnectorError, ConnectorErrorKind, ContactChange, ContactId, Crm, JsonMap, OutboxRow,
    PartyMatch, PhoneNumber, RecordId, RowFailure, WorkspaceName,
};
use tieline_flow::{Answer, Rights};

use super::Gate;
use super::desk::{Owner, ServerEffect};

/// Most parties looked at when a person is searched by number.
const CANDIDATES: usize = 25;
/// Prospects own numbers, too, but a flow that looks for a person means somebody's contact; both CRMs
/// know them by this name.
const PROSPECT: &str = "Lead";

/// The rest of the house, as far as flows need it.
#[async_trait]
pub trait Backstage: Send + Sync {
    /// The workspace's CRM with the workspace's rights; `None` when there is no such workspace.
    fn crm(&self, workspace: &WorkspaceName) -> Option<Arc<dyn Crm>>;

    /// How records of this workspace are mapped.
    fn profile(&self, workspace: &WorkspaceName) -> Option<Arc<Profile>>;

    /// Puts a flow's wishes into the call log of a contact and waits until it is written; the record
    /// that stands for the call. `asked` has the names of the step's inputs.
    async fn log_for_flow(
        &self,
        workspace: &WorkspaceName,
        contact: &ContactId,
        asked: &JsonMap,
        owner: &AgentId,
    ) -> Result<RecordId, LogFailure>;

    /// Takes what a page saw of a contact; enriches the call log, never decides it.
    async fn page_saw(&self, workspace: &WorkspaceName, part: ContactChange) -> Result<(), LogFailure>;
}

/// Why a call log was not written in time. It may still be: its writer goes on trying.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {detail}")]
pub struct LogFailure {
    pub code: String,
    pub detail: String,
}

/// See the module's text.
pub(super) struct Performer {
    pub backstage: Arc<dyn Backstage>,
    pub gate: Arc<dyn Gate>,
}

impl Performer {
    /// Performs one effect. Never waits longer than the connectors' own time-outs.
    pub async fn perform(&self, owner: &Owner, region: &str, effect: &ServerEffect) -> Answer {
        let result = match effect.op {
            "crm.find_person" => self.find_person(owner, region, effect).await,
            "crm.get_record" => self.get_record(owner, effect).await,
            "crm.create_task" => self.create_task(owner, effect).await,
            _ => Err(refuse("step.unknown", "this version of the server cannot perform the step")),
        };
        result.map_or_else(|failed| failed, Answer::Done)
    }

    async fn find_person(
        &self,
        owner: &Owner,
        region: &str,
        effect: &ServerEffect,
    ) -> Result<JsonMap, Answer> {
        let number = effect.args.get("number").and_then(Value::as_str).unwrap_or_default();
        let phone = PhoneNumber::parse(number, Some(region))
            .map_err(|error| refuse("number.unusable", &error.to_string()))?;
        let found = self
            .with_crm(owner, effect.rights, |crm| {
                let phone = phone.clone();
                Box::pin(async move { crm.find_by_phone(&[phone], CANDIDATES).await })
            })
            .await?;
        let field = effect.args.get("field").and_then(Value::as_str);
        let people = ranked(found.into_iter().flatten().collect(), field);
        let mut outputs = JsonMap::new();
        outputs.insert("count".into(), people.len().into());
        if let Some(best) = people.first() {
            outputs.insert("id".into(), best.record.as_str().into());
        }
        Ok(outputs)
    }

    async fn get_record(&self, owner: &Owner, effect: &ServerEffect) -> Result<JsonMap, Answer> {
        let text = |name: &str| effect.args.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let object = text("object");
        let id = RecordId::new(text("id")).map_err(|error| refuse("input.invalid", &error.to_string()))?;
        let fields = names(effect.args.get("fields"));
        let record = self
            .with_crm(owner, effect.rights, |crm| {
                let (object, id, fields) = (object.clone(), id.clone(), fields.clone());
                Box::pin(async move { crm.record(&object, &id, &fields).await })
            })
            .await?;
        Ok([("record".to_owned(), record.map_or(Value::Null, Value::Object))].into_iter().collect())
    }

    async fn create_task(&self, owner: &Owner, effect: &ServerEffect) -> Result<JsonMap, Answer> {
        let mut asked = effect.args.clone();
        let named = asked.shift_remove("contact").and_then(|id| id.as_str().map(str::to_owned));
        let contact = match named {
            Some(id) => {
                Some(ContactId::new(id).map_err(|error| refuse("input.invalid", &error.to_string()))?)
            }
            None => effect.contact.clone(),
        };
        // Whoever may not sign in to the CRM any more shall not write into it through us either.
        if effect.rights == Rights::Agent {
            self.agents_crm(owner).await?;
        }
        let record = match contact {
            Some(contact) => self
                .backstage
                .log_for_flow(&owner.workspace, &contact, &asked, &owner.agent.id)
                .await
                .map_err(|failure| Answer::Failed { code: failure.code, detail: failure.detail })?,
            None => self.log_without_contact(owner, effect, &asked).await?,
        };
        let mut outputs = JsonMap::new();
        outputs.insert("id".into(), record.as_str().into());
        outputs.insert("values".into(), Value::Object(asked));
        Ok(outputs)
    }

    /// A call log of no contact: its key is our own, so that asking again finds it.
    async fn log_without_contact(
        &self,
        owner: &Owner,
        effect: &ServerEffect,
        asked: &JsonMap,
    ) -> Result<RecordId, Answer> {
        let profile = self.backstage.profile(&owner.workspace);
        let Some(record) = profile.as_ref().and_then(|profile| profile.call_log()) else {
            return Err(refuse("crm.unsupported", "this workspace has no call log that a flow could write"));
        };
        let (fields, _) = record.spelling.fields(asked);
        let row = OutboxRow {
            object: record.object.clone(),
            key_field: record.key_field.clone(),
            key: format!("tieline:{}:{}", effect.run, effect.step),
            record: None,
            fields,
            unless_changed: JsonMap::new(),
        };
        let results = self
            .with_crm(owner, effect.rights, |crm| {
                let row = row.clone();
                Box::pin(async move { crm.write(&[row]).await })
            })
            .await?;
        match results.into_iter().next() {
            Some(Ok(written)) => written
                .record
                .ok_or_else(|| refuse("crm.malformed", "the CRM did not say where it wrote the record")),
            Some(Err(RowFailure::Permanent { code, message } | RowFailure::Contention { code, message })) => {
                Err(refuse(&code, &message))
            }
            None => Err(refuse("crm.malformed", "the CRM did not say what became of the record")),
        }
    }

    /// Calls the CRM with the rights a step has; once more when the agent's token was stale.
    async fn with_crm<T>(
        &self,
        owner: &Owner,
        rights: Rights,
        call: impl Fn(Arc<dyn Crm>) -> BoxFuture<'static, Result<T, ConnectorError>>,
    ) -> Result<T, Answer> {
        if rights == Rights::Workspace {
            let crm = self.backstage.crm(&owner.workspace).ok_or_else(no_crm)?;
            return call(crm).await.map_err(|error| failure(&error));
        }
        let (token, crm) = self.agents_crm(owner).await?;
        let first = call(crm).await;
        let Err(ConnectorError { kind: ConnectorErrorKind::Unauthorized, .. }) = &first else {
            return first.map_err(|error| failure(&error));
        };
        let fresh = self
            .gate
            .refresh_crm_token(&owner.workspace, &owner.agent.id, &token)
            .await
            .map_err(|_| refuse("crm.unreachable", "the agent's access could not be renewed"))?
            .ok_or_else(signed_out)?;
        let crm =
            self.backstage.crm(&owner.workspace).and_then(|crm| crm.as_agent(fresh)).ok_or_else(no_crm)?;
        call(crm).await.map_err(|error| failure(&error))
    }

    async fn agents_crm(&self, owner: &Owner) -> Result<(secrecy::SecretString, Arc<dyn Crm>), Answer> {
        let crm = self.backstage.crm(&owner.workspace).ok_or_else(no_crm)?;
        let token = self
            .gate
            .crm_token(&owner.workspace, &owner.agent.id)
            .await
            .map_err(|_| refuse("crm.unreachable", "the agent's access could not be looked up"))?
            .ok_or_else(signed_out)?;
        let theirs = crm.as_agent(token.clone()).ok_or_else(|| {
            refuse(
                "crm.no_agent_rights",
                "this CRM knows no rights of agents; publish the flow with the workspace's",
            )
        })?;
        Ok((token, theirs))
    }
}

/// People first by `field`, then by who was modified last. Nobody is left out for the field.
fn ranked(found: Vec<PartyMatch>, field: Option<&str>) -> Vec<PartyMatch> {
    let mut people: Vec<PartyMatch> =
        found.into_iter().filter(|party| party.person && party.object != PROSPECT).collect();
    people.sort_by(|one, two| {
        let matches = |party: &PartyMatch| field.is_some() && party.field.as_deref() == field;
        (matches(two), two.modified_at).cmp(&(matches(one), one.modified_at))
    });
    people
}

/// Names written as a list, or in one text with commas.
fn names(value: Option<&Value>) -> Vec<String> {
    let trimmed = |text: &str| text.trim().to_owned();
    match value {
        Some(Value::String(text)) => text.split(',').map(trimmed).filter(|name| !name.is_empty()).collect(),
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).map(trimmed).collect(),
        _ => Vec::new(),
    }
}

fn refuse(code: &str, detail: &str) -> Answer {
    Answer::Failed { code: code.to_owned(), detail: detail.to_owned() }
}

fn no_crm() -> Answer {
    refuse("crm.unsupported", "this workspace has no CRM that can do it")
}

fn signed_out() -> Answer {
    refuse("crm.signed_out", "the agent's access to the CRM has ended; signing in again renews it")
}

fn failure(error: &ConnectorError) -> Answer {
    let (code, detail) = match &error.kind {
        ConnectorErrorKind::Unauthorized => ("crm.unauthorized".to_owned(), error.kind.to_string()),
        ConnectorErrorKind::Throttled { .. } | ConnectorErrorKind::AllowanceKept { .. } => {
            ("crm.throttled".to_owned(), error.kind.to_string())
        }
        ConnectorErrorKind::Unreachable(_) => ("crm.unreachable".to_owned(), error.kind.to_string()),
        ConnectorErrorKind::Unavailable { .. } => ("crm.unavailable".to_owned(), error.kind.to_string()),
        ConnectorErrorKind::Rejected { code, message, .. } => (code.clone(), message.clone()),
        ConnectorErrorKind::Malformed { .. } => ("crm.malformed".to_owned(), error.kind.to_string()),
        _ => ("crm.unsupported".to_owned(), error.kind.to_string()),
    };
    Answer::Failed { code, detail }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn party(id: &str, object: &str, field: &str, modified: i64) -> PartyMatch {
        PartyMatch {
            record: RecordId::new(id).unwrap(),
            object: object.into(),
            name: "Anna Example".into(),
            field: Some(field.into()),
            person: object != "Account",
            modified_at: Some(jiff::Timestamp::from_second(modified).unwrap()),
        }
    }

    fn order(people: &[PartyMatch]) -> Vec<&str> {
        people.iter().map(|party| party.record.as_str()).collect()
    }

    #[test]
    fn of_several_people_the_one_modified_last_comes_first() {
        let found = vec![
            party("a", "Contact", "Phone", 1),
            party("b", "Contact", "MobilePhone", 3),
            party("c", "Account", "Phone", 9),
            party("d", "Lead", "Phone", 9),
        ];
        assert_eq!(order(&ranked(found, None)), ["b", "a"]);
    }

    #[test]
    fn a_field_ranks_first_and_leaves_nobody_out() {
        let found = vec![
            party("a", "Contact", "Phone", 1),
            party("b", "Contact", "MobilePhone", 3),
            party("c", "Contact", "Phone", 2),
        ];
        assert_eq!(order(&ranked(found.clone(), Some("Phone"))), ["c", "a", "b"]);
        assert_eq!(order(&ranked(found, Some("HomePhone"))), ["b", "c", "a"]);
    }

    #[test]
    fn names_come_as_a_list_or_as_one_text() {
        assert_eq!(names(Some(&json!("Id, Account.Name,"))), ["Id", "Account.Name"]);
        assert_eq!(names(Some(&json!(["Id"]))), ["Id"]);
    }
}
