//! Contacts and dead letters, for people. These read the store alone, so that a command can use
//! them beside a running server.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tieline_bridge::merge::merge;
use tieline_core::{Contact, ContactId, PartKind, RecordId, WorkspaceName};
use tieline_store::{ContactFilter, ContactRow, OutboxState, RecordStore, StoreError};

use super::Pipeline;
use super::project::kept_parts;

/// All that is known of one contact, and what became of it in the CRM.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ContactDetail {
    pub workspace: WorkspaceName,
    pub id: ContactId,
    pub contact: Contact,
    pub parts: Vec<PartSummary>,
    pub records: Vec<ContactRecord>,
    pub updated_at: Timestamp,
}

/// Where knowledge of a contact came from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PartSummary {
    pub kind: PartKind,
    /// The time by which the source orders its versions.
    pub version_at: Timestamp,
}

/// One record of the CRM.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ContactRecord {
    pub target: String,
    pub object: String,
    pub key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<RecordId>,
    pub state: OutboxState,
    /// Whether fields were left out because the CRM does not have them.
    pub partial: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    pub attempts: u32,
    pub updated_at: Timestamp,
}

/// Names a dead letter: `delivery-17`, `record-4`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeadLetterId {
    pub kind: DeadLetterKind,
    pub number: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeadLetterKind {
    /// Something that arrived and could not be decoded.
    Delivery,
    /// A record the CRM refused for good.
    Record,
}

/// Something that needs a person: its cause is to be mended, then it is replayed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    pub id: DeadLetterId,
    pub kind: DeadLetterKind,
    /// The connection it came by or was to go to.
    pub connection: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace: Option<WorkspaceName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<ContactId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// The CRM's code, what is wrong with a file (`report.not_found`), or `DECODE`.
    pub code: String,
    pub message: String,
    pub attempts: u32,
    /// Since when it is dead, or when it arrived.
    pub at: Timestamp,
}

impl fmt::Display for DeadLetterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            DeadLetterKind::Delivery => write!(f, "delivery-{}", self.number),
            DeadLetterKind::Record => write!(f, "record-{}", self.number),
        }
    }
}

/// Text that names no dead letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a dead letter is named like `delivery-17` or `record-4`")]
pub struct BadDeadLetterId;

impl FromStr for DeadLetterId {
    type Err = BadDeadLetterId;
    fn from_str(text: &str) -> Result<Self, BadDeadLetterId> {
        let (kind, number) = text.rsplit_once('-').ok_or(BadDeadLetterId)?;
        let kind = match kind {
            "delivery" => DeadLetterKind::Delivery,
            "record" => DeadLetterKind::Record,
            _ => return Err(BadDeadLetterId),
        };
        Ok(Self { kind, number: number.parse().map_err(|_| BadDeadLetterId)? })
    }
}

impl TryFrom<String> for DeadLetterId {
    type Error = BadDeadLetterId;
    fn try_from(text: String) -> Result<Self, BadDeadLetterId> {
        text.parse()
    }
}

impl From<DeadLetterId> for String {
    fn from(id: DeadLetterId) -> String {
        id.to_string()
    }
}

/// One page of a workspace's contacts, latest start first.
pub async fn contacts(
    store: &(impl RecordStore + ?Sized),
    workspace: &WorkspaceName,
    filter: &ContactFilter,
    limit: usize,
) -> Result<Vec<ContactRow>, StoreError> {
    store.list_contacts(workspace, filter, limit).await
}

/// One contact; `None` when nothing is known of it.
pub async fn contact(
    store: &(impl RecordStore + ?Sized),
    workspace: &WorkspaceName,
    id: &ContactId,
) -> Result<Option<ContactDetail>, StoreError> {
    let Some(snapshot) = store.contacts(&[(workspace.clone(), id.clone())]).await?.pop() else {
        return Ok(None);
    };
    let Some(row) = &snapshot.row else { return Ok(None) };
    let parts = snapshot
        .parts
        .iter()
        .map(|part| PartSummary { kind: part.kind, version_at: part.version.at })
        .collect();
    let records = snapshot
        .outbox
        .iter()
        .map(|entry| ContactRecord {
            target: entry.target.to_string(),
            object: entry.object.clone(),
            key: entry.key.clone(),
            record: entry.record.clone(),
            state: entry.state,
            partial: !entry.dropped.is_empty(),
            code: entry.error_code.clone(),
            message: entry.error_message.clone(),
            attempts: entry.attempts,
            updated_at: entry.updated_at,
        })
        .collect();
    Ok(Some(ContactDetail {
        workspace: workspace.clone(),
        id: id.clone(),
        contact: merge(&kept_parts(&snapshot)),
        parts,
        records,
        updated_at: row.updated_at,
    }))
}

/// What needs a person: at most `limit` deliveries and as many records, oldest first.
pub async fn dead_letters(
    store: &(impl RecordStore + ?Sized),
    limit: usize,
) -> Result<Vec<DeadLetter>, StoreError> {
    let deliveries = store.dead_deliveries(limit).await?.into_iter().map(|dead| DeadLetter {
        id: DeadLetterId { kind: DeadLetterKind::Delivery, number: dead.id },
        kind: DeadLetterKind::Delivery,
        connection: dead.connection.to_string(),
        workspace: None,
        contact: None,
        object: None,
        code: file_code(&dead.error).unwrap_or("DECODE").to_owned(),
        message: dead.error,
        attempts: dead.attempts,
        at: dead.received_at,
    });
    let records = store.dead_rows(limit).await?.into_iter().map(|entry| DeadLetter {
        id: DeadLetterId { kind: DeadLetterKind::Record, number: entry.id },
        kind: DeadLetterKind::Record,
        connection: entry.target.to_string(),
        workspace: Some(entry.workspace),
        contact: entry.contact,
        object: Some(entry.object),
        code: entry.error_code.unwrap_or_default(),
        message: entry.error_message.unwrap_or_default(),
        attempts: entry.attempts,
        at: entry.updated_at,
    });
    Ok(deliveries.chain(records).collect())
}

/// The code before the colon of what was said of a file.
fn file_code(error: &str) -> Option<&str> {
    let (code, _) = error.split_once(": ")?;
    let is_code = code.contains('.')
        && code.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.'));
    is_code.then_some(code)
}

/// Makes a dead letter wait again: a delivery is decoded once more, a record is projected once more
/// with the map as it is now. `false` when there is no such dead letter. A running server notices
/// within a minute.
pub async fn replay(store: &(impl RecordStore + ?Sized), id: DeadLetterId) -> Result<bool, StoreError> {
    match id.kind {
        DeadLetterKind::Delivery => store.revive_delivery(id.number).await,
        DeadLetterKind::Record => store.revive_row(id.number).await,
    }
}

impl Pipeline {
    /// As [`replay`], noticed at once.
    pub async fn replay(&self, id: DeadLetterId) -> Result<bool, StoreError> {
        let store: &dyn RecordStore = &*self.shared.store;
        let found = replay(store, id).await?;
        self.shared.arrived.notify_one();
        self.shared.wake_writers();
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_file_has_its_own_code() {
        assert_eq!(file_code("report.not_utf8: the file is UTF-16"), Some("report.not_utf8"));
        for other in ["contact-record: no key", "the body: x", "Report.x: y", "report.x", ""] {
            assert_eq!(file_code(other), None, "{other}");
        }
    }

    #[test]
    fn dead_letters_have_names_that_read_back() {
        for text in ["delivery-17", "record-4"] {
            assert_eq!(text.parse::<DeadLetterId>().unwrap().to_string(), text);
        }
        for text in ["", "delivery", "delivery-", "letter-1", "record-x"] {
            assert!(text.parse::<DeadLetterId>().is_err(), "{text}");
        }
    }
}
