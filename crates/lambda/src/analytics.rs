//! The record of what is known of a contact's conversation, and the files attached to it.
//!
//! One record a contact, whoever comes first: the import of the recording, of Contact Lens, or of
//! a transcript. The lock holds its id; only where an earlier attempt may have ended between
//! making something and noting it is the org asked what is there.
//!
//! Files are Attachments, as the reference's pages and reports expect; ContentVersion is not
//! offered, because the reference's record pages would not show it. An Attachment holds at most
//! 25 MB ("Salesforce Object Reference", Attachment, read 2026-11-21); a longer file is left out
//! and said so.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tieline_bridge::map::MapContext;
use tieline_core::{
    Comparison, Condition, ConnectorError, ConnectorErrorKind, Crm, JsonMap, OutboxRow, Paging, Query,
    RecordId,
};
use tieline_salesforce::Salesforce;

use crate::LambdaError;
use crate::config::ConfigError;
use crate::context::{Context, ONE_RECORD};
use crate::lock::Lock;
use crate::name::Manner;

/// Most bytes of one attachment.
const LARGEST_FILE: usize = 25 * 1024 * 1024;

/// Fields an org may lack before a write is given up.
const UNKNOWN_FIELDS: usize = 8;

/// The org, for one contact.
pub(crate) struct Analytics<'a> {
    salesforce: Salesforce,
    namespace: Option<&'a str>,
    context: &'a Context,
    manner: Manner,
}

/// A file to attach; the text is written in Python's JSON, as the reference does.
pub(crate) struct File {
    pub name: &'static str,
    pub description: &'static str,
    pub text: String,
}

/// The record that was written.
pub(crate) struct Stands {
    id: RecordId,
    /// Whether files may stand there already.
    look: bool,
}

impl<'a> Analytics<'a> {
    pub async fn of(context: &'a Context, manner: Manner) -> Result<Self, LambdaError> {
        let salesforce = context.org_for_the_rest(ONE_RECORD).await?;
        let namespace = context.environment.get("SF_ADAPTER_NAMESPACE").filter(|it| !matches!(*it, "" | "-"));
        Ok(Self { salesforce, namespace, context, manner })
    }

    /// The name of a field of the package.
    pub fn field(&self, name: &str) -> String {
        self.namespace.map_or_else(|| name.to_owned(), |namespace| format!("{namespace}__{name}"))
    }

    /// What the map `name` makes of `document`.
    pub fn row(&self, name: &str, document: &Value, extra: &JsonMap) -> Result<OutboxRow, LambdaError> {
        let map = self.context.map(name)?;
        let context =
            MapContext { namespace: self.namespace, region: None, now: self.context.clock.now(), extra };
        map.row(document, &context)
            .map_err(|error| LambdaError::new("lambda.document_malformed", error.to_string()))
    }

    /// Writes the contact's record, wherever it is.
    pub async fn write(&self, lock: Option<&mut Lock>, row: OutboxRow) -> Result<Stands, LambdaError> {
        let known = lock.as_ref().and_then(|lock| lock.record());
        // Without a lock the reference's name does as the reference: it does not look.
        let may_stand = lock.as_ref().map_or(self.manner == Manner::Ours, |lock| lock.again);
        let mut fields = JsonMap::from_iter([(row.key_field.clone(), Value::from(row.key.clone()))]);
        fields.extend(row.fields.clone());
        let mut looked = false;
        if let Some(id) = known {
            match self.update(&row.object, &id, &mut fields).await {
                Ok(()) => return Ok(Stands { id, look: may_stand }),
                Err(error) if is_gone(&error) => looked = true,
                Err(error) => return Err(error.into()),
            }
        }
        let found = if may_stand || looked { self.find(&row).await? } else { None };
        let id = match found {
            Some(id) => {
                self.update(&row.object, &id, &mut fields).await?;
                id
            }
            None => self.create(&row.object, &mut fields).await?,
        };
        if let Some(lock) = lock {
            lock.note_record(&id).await?;
        }
        Ok(Stands { id, look: may_stand })
    }

    /// Attaches `files`, those that stand there being replaced; answers the names of those too
    /// large to attach.
    pub async fn attach(&self, to: &Stands, files: &[File]) -> Result<Vec<&'static str>, LambdaError> {
        let mut standing =
            if to.look && !files.is_empty() { self.attached(&to.id, files).await? } else { Vec::new() };
        let mut too_large = Vec::new();
        for file in files {
            if file.text.len() > LARGEST_FILE {
                tracing::warn!(
                    file.name,
                    file.bytes = file.text.len(),
                    "{} is larger than an attachment may be",
                    file.name
                );
                too_large.push(file.name);
                continue;
            }
            let body = STANDARD.encode(&file.text);
            let mut fields = JsonMap::from_iter([
                ("ContentType".into(), json!("application/json")),
                ("Description".into(), json!(file.description)),
                ("Name".into(), json!(file.name)),
            ]);
            if let Some(place) = standing.iter().position(|(name, _)| name == file.name) {
                let (_, id) = standing.swap_remove(place);
                fields.insert("Body".into(), body.into());
                self.salesforce.update("Attachment", &id, &fields).await?;
            } else {
                fields.insert("ParentId".into(), to.id.as_str().into());
                fields.insert("Body".into(), body.into());
                self.salesforce.create("Attachment", &fields).await?;
            }
        }
        Ok(too_large)
    }

    async fn find(&self, row: &OutboxRow) -> Result<Option<RecordId>, LambdaError> {
        let query = Query {
            object: row.object.clone(),
            fields: vec!["Id".into()],
            conditions: vec![Condition {
                field: row.key_field.clone(),
                comparison: Comparison::Equals(row.key.clone().into()),
            }],
            limit: Some(1),
            paging: Paging::FirstPage,
        };
        let found = self.salesforce.rows(&query).await?.rows.into_iter().next();
        Ok(found.as_ref().and_then(id_of))
    }

    async fn attached(
        &self,
        parent: &RecordId,
        files: &[File],
    ) -> Result<Vec<(String, RecordId)>, LambdaError> {
        let names = files.iter().map(|file| Value::from(file.name)).collect();
        let query = Query {
            object: "Attachment".into(),
            fields: vec!["Id".into(), "Name".into()],
            conditions: vec![
                Condition {
                    field: "ParentId".into(),
                    comparison: Comparison::Equals(parent.as_str().into()),
                },
                Condition { field: "Name".into(), comparison: Comparison::In(names) },
            ],
            limit: None,
            paging: Paging::FirstPage,
        };
        let found = self.salesforce.rows(&query).await?.rows;
        Ok(found
            .iter()
            .filter_map(|row| Some((row.get("Name")?.as_str()?.to_owned(), id_of(row)?)))
            .collect())
    }

    async fn create(&self, object: &str, fields: &mut JsonMap) -> Result<RecordId, ConnectorError> {
        for _ in 0..UNKNOWN_FIELDS {
            match self.salesforce.create(object, fields).await {
                Err(error) if drop_unknown(&error, fields) => {}
                answer => return answer,
            }
        }
        self.salesforce.create(object, fields).await
    }

    async fn update(&self, object: &str, id: &RecordId, fields: &mut JsonMap) -> Result<(), ConnectorError> {
        // What is not known here may be known to whoever wrote before.
        fields.retain(|_, value| !value.is_null());
        for _ in 0..UNKNOWN_FIELDS {
            match self.salesforce.update(object, id, fields).await {
                Err(error) if drop_unknown(&error, fields) => {}
                answer => return answer,
            }
        }
        self.salesforce.update(object, id, fields).await
    }
}

fn id_of(row: &JsonMap) -> Option<RecordId> {
    RecordId::new(row.get("Id")?.as_str()?).ok()
}

/// Somebody deleted the record.
fn is_gone(error: &ConnectorError) -> bool {
    matches!(&error.kind, ConnectorErrorKind::Rejected { status, code, .. }
        if *status == 404 || matches!(code.as_str(), "NOT_FOUND" | "ENTITY_IS_DELETED"))
}

/// Takes the field out of `fields` that the org says it does not have; whether there was one.
///
/// The message reads `No such column 'X__c' on sobject of type Y__c`, or names the field likewise.
fn drop_unknown(error: &ConnectorError, fields: &mut JsonMap) -> bool {
    let ConnectorErrorKind::Rejected { code, message, .. } = &error.kind else { return false };
    if !matches!(code.as_str(), "INVALID_FIELD" | "INVALID_FIELD_FOR_INSERT_UPDATE") {
        return false;
    }
    let named = message
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .find_map(|word| fields.keys().find(|name| name.eq_ignore_ascii_case(word)).cloned());
    let Some(name) = named else { return false };
    tracing::warn!(crm.field = name, "The org has no field {name}; the rest is written without it");
    fields.shift_remove(&name).is_some()
}

/// The bucket of transcripts and locks, where one is set.
pub(crate) fn state_bucket(context: &Context) -> Option<tieline_aws::Bucket> {
    let name = context.environment.get("TRANSCRIPTS_DESTINATION").filter(|name| !name.is_empty())?;
    Some(context.aws().bucket(name))
}

/// Whether contacts are imported whatever their attributes say; `TIELINE_IMPORT`.
pub(crate) fn imports_all(context: &Context) -> Result<bool, LambdaError> {
    match context.environment.get("TIELINE_IMPORT").unwrap_or_default() {
        "" | "flagged" => Ok(false),
        "all" => Ok(true),
        _ => {
            Err(ConfigError::Wrong { name: "TIELINE_IMPORT", problem: "is none of flagged, all".into() }
                .into())
        }
    }
}

/// Ids of contacts go into the names of locks and jobs.
pub(crate) fn is_contact_id(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}
