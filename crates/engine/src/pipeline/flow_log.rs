//! A flow that asks for a call log and waits for it.

use std::time::Duration;

use tieline_bridge::merge::{absorb, flow_part};
use tieline_bridge::profile::{Fact, FieldSource, RecordProfile};
use tieline_bridge::project::key_of;
use tieline_core::{
    AgentId, Contact, ContactChange, ContactId, JsonMap, PartKind, RecordId, Version, WorkspaceName,
};
use tieline_store::{OutboxState, StoreError};

use super::Pipeline;
use super::project::{Agents, kept_parts, replace, update, view};
use super::setup::WorkspaceSetup;

/// Longest a flow waits; the record is written all the same.
const PATIENCE: Duration = Duration::from_secs(8);
const REPEATS: usize = 20;

/// Why a flow got no record.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error("there is no such workspace")]
    UnknownWorkspace,
    #[error("the CRM of this workspace keeps no call log")]
    NoCallLog,
    #[error("contacts of this direction become no call log")]
    NotLogged,
    /// The CRM said no, for good.
    #[error("the CRM refused the call log with {code}: {message}")]
    Refused { code: String, message: String },
    /// It is noted and will be written when the CRM can.
    #[error("the call log was not written in time and will be written later")]
    Late,
    #[error("the call log could not be noted")]
    Store(#[source] StoreError),
}

impl From<StoreError> for LogError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Pipeline {
    /// Has the contact logged now with `fields` (the inputs of the step `crm.create_task`), owned
    /// by `agent`, and answers with the log's record. The log is the one the pipeline keeps anyway:
    /// asking twice changes it and makes no second one.
    pub async fn log_for_flow(
        &self,
        workspace: &WorkspaceName,
        contact: &ContactId,
        fields: &JsonMap,
        agent: Option<&AgentId>,
    ) -> Result<RecordId, LogError> {
        let shared = &self.shared;
        let deadline = shared.clock.now().checked_add(PATIENCE).unwrap_or(jiff::Timestamp::MAX);
        let workspace = shared.workspaces.get(workspace).ok_or(LogError::UnknownWorkspace)?;
        let log = workspace.profile.call_log().ok_or(LogError::NoCallLog)?;
        let (mut asked, notes) = log.spelling.fields(fields);
        for note in notes {
            tracing::info!(contact.id = %contact, note, "Part of a flow's call log was left out");
        }
        if let (Some(agent), Some(owner)) = (agent, owner_field(log)) {
            asked.entry(owner).or_insert_with(|| agent.as_str().into());
        }
        self.note_flow(workspace, contact, &asked).await?;
        shared.wake_writers();

        let key = key_of(log.key, &workspace.name, contact);
        let wanted = self.row(workspace, log, &key).await?.ok_or(LogError::NotLogged)?.generation;
        loop {
            let marked = shared.marked.notified();
            tokio::pin!(marked);
            // Before the look, so that a mark between the look and the wait is not missed.
            marked.as_mut().enable();
            if let Some(row) = self.row(workspace, log, &key).await? {
                match (row.state, row.record) {
                    (OutboxState::Dead, _) => {
                        let code = row.error_code.unwrap_or_default();
                        return Err(LogError::Refused {
                            code,
                            message: row.error_message.unwrap_or_default(),
                        });
                    }
                    (_, Some(record))
                        if row.written_generation >= wanted || row.state == OutboxState::Done =>
                    {
                        return Ok(record);
                    }
                    _ => {}
                }
            }
            tokio::select! {
                () = &mut marked => {}
                () = shared.clock.sleep_until(deadline) => return Err(LogError::Late),
            }
        }
    }

    /// Takes in what an agent's page saw of a contact. It enriches what the contact center says
    /// (names, ringing time) and decides nothing.
    pub async fn note_from_page(
        &self,
        workspace: &WorkspaceName,
        contact: &ContactId,
        facts: Contact,
    ) -> Result<(), LogError> {
        let shared = &self.shared;
        let workspace = shared.workspaces.get(workspace).ok_or(LogError::UnknownWorkspace)?;
        let change = ContactChange {
            contact: contact.clone(),
            kind: PartKind::Page,
            version: Version { rank: 0, at: shared.clock.now() },
            document: facts,
        };
        for _ in 0..REPEATS {
            let id = [(workspace.name.clone(), contact.clone())];
            let Some(snapshot) = shared.store.contacts(&id).await?.pop() else { return Ok(()) };
            let mut parts = kept_parts(&snapshot);
            let kept = parts.iter().find(|part| part.kind == PartKind::Page);
            let Some(part) = absorb(kept, &change) else { return Ok(()) };
            replace(&mut parts, part);
            let view = view(shared, workspace, &snapshot, &parts, &mut Agents::default()).await?;
            let update = update(shared, workspace, &snapshot, &parts, &[PartKind::Page], &view, false);
            if shared.store.save_contacts(vec![update], Vec::new()).await? {
                shared.wake_writers();
                return Ok(());
            }
        }
        Ok(())
    }

    async fn note_flow(
        &self,
        workspace: &WorkspaceSetup,
        contact: &ContactId,
        asked: &JsonMap,
    ) -> Result<(), StoreError> {
        let shared = &self.shared;
        loop {
            let id = [(workspace.name.clone(), contact.clone())];
            let Some(snapshot) = shared.store.contacts(&id).await?.pop() else { return Ok(()) };
            let mut parts = kept_parts(&snapshot);
            let kept = parts.iter().find(|part| part.kind == PartKind::Flow);
            let part = flow_part(kept, asked.clone(), shared.clock.now());
            replace(&mut parts, part);
            let view = view(shared, workspace, &snapshot, &parts, &mut Agents::default()).await?;
            let update = update(shared, workspace, &snapshot, &parts, &[PartKind::Flow], &view, true);
            if shared.store.save_contacts(vec![update], Vec::new()).await? {
                return Ok(());
            }
        }
    }

    async fn row(
        &self,
        workspace: &WorkspaceSetup,
        log: &RecordProfile,
        key: &str,
    ) -> Result<Option<tieline_store::OutboxEntry>, StoreError> {
        self.shared.store.outbox_row(&workspace.name, &workspace.crm, &log.object, key).await
    }
}

/// The field of the log that holds the agent's user.
fn owner_field(log: &RecordProfile) -> Option<String> {
    let rule = log.fields.iter().find(|rule| rule.source == FieldSource::Fact(Fact::AgentRecord))?;
    Some(rule.field.clone())
}
