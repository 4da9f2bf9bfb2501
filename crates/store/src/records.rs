//! Deliveries, parts, contacts and the outbox: see [`RecordStore`].

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tieline_core::{
    Channel, ConnectionName, ContactId, ContactState, Delivery, Direction, HourOfCalls, JsonMap, PartKind,
    RecordId, Report, Version, Word, WorkspaceName,
};

use crate::StoreError;

/// What became of a delivery that was handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Insertion {
    Stored,
    /// The same delivery was stored before; nothing was changed.
    Duplicate,
}

/// A delivery that waits to be decoded.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredDelivery {
    pub id: i64,
    pub connection: ConnectionName,
    pub delivery: Delivery,
    /// How often decoding was begun, this time included.
    pub attempts: u32,
}

/// A delivery that could not be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadDelivery {
    pub id: i64,
    pub connection: ConnectionName,
    pub source: String,
    pub received_at: Timestamp,
    pub attempts: u32,
    pub error: String,
    pub bytes: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliveryOutcome {
    Done,
    /// It tells of files, which [`RecordStore::claim_files`] gives out.
    File,
    /// Not now: it waits until `not_before`, as it is.
    Later {
        not_before: Timestamp,
        error: String,
    },
    Dead {
        error: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryMark {
    pub id: i64,
    pub outcome: DeliveryOutcome,
}

/// What one kind of source says about a contact; the document's form belongs to the kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    pub kind: PartKind,
    pub version: Version,
    /// Of the document, to tell a duplicate.
    pub hash: String,
    pub document: Value,
}

/// A contact as lists show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactRow {
    pub workspace: WorkspaceName,
    pub contact: ContactId,
    pub root: Option<ContactId>,
    pub channel: Option<Channel>,
    pub direction: Option<Direction>,
    pub state: Option<ContactState>,
    pub agent: Option<String>,
    pub queue: Option<String>,
    /// The customer's address as the contact center wrote it.
    pub customer: Option<String>,
    pub started_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    pub updated_at: Timestamp,
}

/// Which contacts a list shows; newest start first.
#[derive(Debug, Clone, Default)]
pub struct ContactFilter {
    pub state: Option<ContactState>,
    pub agent: Option<String>,
    pub queue: Option<String>,
    pub customer: Option<String>,
    /// Contacts that started at or after this.
    pub since: Option<Timestamp>,
    /// Contacts that started before this.
    pub until: Option<Timestamp>,
    /// The last row of the previous page: only what follows it is shown.
    pub after: Option<(Timestamp, ContactId)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutboxState {
    Wait,
    Done,
    Dead,
}

/// One record of the CRM as it should be, and how far that has come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutboxEntry {
    pub id: i64,
    pub workspace: WorkspaceName,
    pub target: ConnectionName,
    pub object: String,
    pub key_field: String,
    pub key: String,
    /// `None` for a record that is about no contact.
    pub contact: Option<ContactId>,
    /// Of the document the row was made from; `None` for a row projected from a contact.
    pub version: Option<Timestamp>,
    pub fields: JsonMap,
    pub hash: String,
    pub generation: i64,
    pub priority: u8,
    pub state: OutboxState,
    pub attempts: u32,
    pub not_before: Timestamp,
    pub written_generation: i64,
    pub written_hash: Option<String>,
    /// What the CRM was given last, as far as we know.
    pub written_fields: Option<JsonMap>,
    pub record: Option<RecordId>,
    /// Fields the CRM did not have.
    pub dropped: Vec<String>,
    pub error_code: Option<String>,
    pub error_message: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// What a projection wants the CRM to hold.
///
/// The same `hash` as the row has changes nothing but may bring its time or priority forward;
/// another one makes a new generation that waits to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct OutboxPut {
    pub target: ConnectionName,
    pub object: String,
    pub key_field: String,
    pub key: String,
    pub fields: JsonMap,
    pub hash: String,
    /// Object and key of the row that should be written first.
    pub after: Option<(String, String)>,
    pub priority: u8,
    pub not_before: Timestamp,
}

/// A row made from a document, in the version the document has: an older one changes nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct DocumentPut {
    pub workspace: WorkspaceName,
    pub contact: Option<ContactId>,
    pub version: Timestamp,
    /// Where the document came from.
    pub delivery: i64,
    /// Set where several sources fill the row together; `put` holds what this one gives.
    pub part: Option<DocumentPart>,
    pub put: OutboxPut,
}

/// One of the sources of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentPart {
    pub source: String,
    /// Whether no other source fills the row, so that what it gives is kept in the row alone.
    pub alone: bool,
    /// A higher one replaces a lower one of the same source whatever its version, and stands over
    /// lower ones of other sources.
    pub rank: u8,
}

/// A record of the CRM that belongs to a contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    pub target: ConnectionName,
    pub role: String,
    pub record: RecordId,
    /// Whether we made the record or found it.
    pub made_by: String,
    pub linked_at: Timestamp,
}

/// All that is kept about one contact, read in one snapshot.
#[derive(Debug, Clone, PartialEq)]
pub struct ContactSnapshot {
    pub workspace: WorkspaceName,
    pub contact: ContactId,
    /// 0 for a contact nothing is known of yet.
    pub revision: i64,
    pub row: Option<ContactRow>,
    pub parts: Vec<Part>,
    pub outbox: Vec<OutboxEntry>,
    pub links: Vec<Link>,
}

/// A change of one contact, valid only while its revision is still the one it was made from.
#[derive(Debug, Clone, PartialEq)]
pub struct ContactUpdate {
    pub expected_revision: i64,
    pub row: ContactRow,
    /// Parts that changed; each replaces the one of its kind.
    pub parts: Vec<Part>,
    pub outbox: Vec<OutboxPut>,
}

/// A row whose lease the caller holds.
#[derive(Debug, Clone, PartialEq)]
pub struct ClaimedRow {
    pub entry: OutboxEntry,
    /// Proves the lease when the row is marked.
    pub lease: String,
    /// Whether an earlier claim ended without a known outcome, so that the CRM may hold
    /// something else than `written_fields`.
    pub in_doubt: bool,
}

impl ClaimedRow {
    /// Says how it ended, of the generation that was claimed.
    pub fn mark(&self, outcome: RowOutcome) -> RowMark {
        RowMark {
            id: self.entry.id,
            lease: self.lease.clone(),
            generation: self.entry.generation,
            hash: self.entry.hash.clone(),
            fields: self.entry.fields.clone(),
            outcome,
        }
    }
}

/// How writing one generation of a row ended.
#[derive(Debug, Clone, PartialEq)]
pub enum RowOutcome {
    Written {
        /// `None` when the CRM did not say; a link that is known already stays.
        record: Option<RecordId>,
        created: bool,
        dropped: Vec<String>,
    },
    /// The CRM already holds this: nothing was sent.
    Unchanged,
    Dead {
        code: String,
        message: String,
    },
    /// Try again at `not_before`.
    Retry {
        not_before: Timestamp,
        code: String,
        message: String,
        /// Whether this was the row's own fault.
        counts: bool,
        /// Whether the CRM may have taken the row all the same.
        in_doubt: bool,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub struct RowMark {
    pub id: i64,
    pub lease: String,
    pub generation: i64,
    /// Hash and fields of that generation.
    pub hash: String,
    pub fields: JsonMap,
    pub outcome: RowOutcome,
}

/// How much of one object waits for a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Due {
    /// Rows that may be claimed now, counted up to the limit asked for.
    pub rows: usize,
    /// The lowest priority number among them.
    pub priority: Option<u8>,
    /// Since when the longest waiting of them is due.
    pub since: Option<Timestamp>,
    /// When the next of the others becomes due.
    pub next: Option<Timestamp>,
}

/// What all processes know of a CRM's allowance of API calls.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Budget {
    /// The latest word of the CRM.
    pub word: Option<Word>,
    /// Calls of all processes.
    pub calls: Vec<HourOfCalls>,
}

/// Rows waiting and dead, for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct QueueDepths {
    pub deliveries_new: u64,
    pub deliveries_dead: u64,
    pub outbox_wait: u64,
    pub outbox_dead: u64,
}

/// What a sweep removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    pub deliveries: u64,
    pub parts: u64,
    pub outbox: u64,
}

/// Tables of the way from a delivery to the CRM.
///
/// Every method is one transaction; those that change something return when it is on disk.
#[async_trait]
pub trait RecordStore: Send + Sync {
    /// Stores deliveries of one request, all or none; one answer each, in the order given.
    async fn add_deliveries(
        &self,
        connection: &ConnectionName,
        deliveries: Vec<Delivery>,
    ) -> Result<Vec<Insertion>, StoreError>;

    /// Takes up to `limit` deliveries that wait, oldest first, for as long as `lease`.
    async fn claim_deliveries(
        &self,
        limit: usize,
        lease: Duration,
    ) -> Result<Vec<StoredDelivery>, StoreError>;

    /// The same for deliveries that tell of files.
    async fn claim_files(&self, limit: usize, lease: Duration) -> Result<Vec<StoredDelivery>, StoreError>;

    /// Deliveries that wait to be decoded, claimed ones included.
    async fn waiting_deliveries(&self) -> Result<u64, StoreError>;

    async fn dead_deliveries(&self, limit: usize) -> Result<Vec<DeadDelivery>, StoreError>;

    /// The stored body of one delivery.
    async fn delivery(&self, id: i64) -> Result<Option<StoredDelivery>, StoreError>;

    /// Makes a dead delivery wait again; `false` when there is none with this id.
    async fn revive_delivery(&self, id: i64) -> Result<bool, StoreError>;

    /// Reads contacts; one snapshot each, in the order given, empty ones for the unknown.
    async fn contacts(&self, ids: &[(WorkspaceName, ContactId)]) -> Result<Vec<ContactSnapshot>, StoreError>;

    /// Saves changed contacts and marks the deliveries they came from, all or none.
    /// `false` when a contact was changed meanwhile: read again and repeat.
    async fn save_contacts(
        &self,
        updates: Vec<ContactUpdate>,
        marks: Vec<DeliveryMark>,
    ) -> Result<bool, StoreError> {
        self.save_delivered(updates, Vec::new(), marks).await
    }

    /// The same together with rows made from documents.
    async fn save_delivered(
        &self,
        updates: Vec<ContactUpdate>,
        documents: Vec<DocumentPut>,
        marks: Vec<DeliveryMark>,
    ) -> Result<bool, StoreError>;

    /// One page of a workspace's contacts, latest start first.
    async fn list_contacts(
        &self,
        workspace: &WorkspaceName,
        filter: &ContactFilter,
        limit: usize,
    ) -> Result<Vec<ContactRow>, StoreError>;

    /// How much of `object` waits for `target`, counting no more than `limit` rows.
    async fn due_rows(
        &self,
        target: &ConnectionName,
        object: &str,
        patience: u32,
        limit: usize,
    ) -> Result<Due, StoreError>;

    /// Takes up to `limit` due rows of one object for as long as `lease`, most urgent first.
    /// A row that comes after another waits for it to be done or dead, or to have failed
    /// `patience` times by its own fault.
    async fn claim_rows(
        &self,
        target: &ConnectionName,
        object: &str,
        patience: u32,
        limit: usize,
        lease: Duration,
    ) -> Result<Vec<ClaimedRow>, StoreError>;

    /// Notes how writing went, by generation: a row that was changed meanwhile waits again.
    /// A record that was not known before becomes a link under its object's name, and rows that
    /// come after it are looked at again.
    async fn mark_rows(&self, marks: Vec<RowMark>) -> Result<(), StoreError>;

    /// One row by what it is about.
    async fn outbox_row(
        &self,
        workspace: &WorkspaceName,
        target: &ConnectionName,
        object: &str,
        key: &str,
    ) -> Result<Option<OutboxEntry>, StoreError>;

    async fn dead_rows(&self, limit: usize) -> Result<Vec<OutboxEntry>, StoreError>;

    /// Makes a dead row wait again, and with it the delivery it was made from; `false` when there is
    /// none with this id.
    async fn revive_row(&self, id: i64) -> Result<bool, StoreError>;

    /// Adds what one process reports of a CRM's allowance and answers what all have reported,
    /// calls from the hour `since` on. Older ones are forgotten.
    async fn share_budget(
        &self,
        target: &ConnectionName,
        report: Report,
        since: i64,
    ) -> Result<Budget, StoreError>;

    async fn queue_depths(&self) -> Result<QueueDepths, StoreError>;

    /// Removes what is older: deliveries that do not wait, parts, and rows that do not wait. At
    /// most `limit` of each; call again while anything was removed.
    async fn sweep(
        &self,
        deliveries_before: Timestamp,
        parts_before: Timestamp,
        limit: usize,
    ) -> Result<Swept, StoreError>;
}
