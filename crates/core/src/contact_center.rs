use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{ConnectorError, Contact, ContactId, JsonMap, PartKind, RecordFile, Version};

/// How a delivery came in; decides how its body is split and which key removes doubles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliverySource {
    /// One event a request.
    Event,
    /// One record out of a batched stream request.
    Stream,
}

impl DeliverySource {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Stream => "stream",
        }
    }
}

/// Something that arrived, verified and stored, exactly as it came.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    pub source: DeliverySource,
    /// Removes identical deliveries, never versions.
    pub dedupe_key: String,
    pub body: Vec<u8>,
    pub received_at: Timestamp,
}

/// One source's word on one contact.
#[derive(Debug, Clone, PartialEq)]
pub struct ContactChange {
    pub contact: ContactId,
    pub kind: PartKind,
    pub version: Version,
    pub document: Contact,
}

/// A record the contact center wrote itself, whole, which becomes a CRM record by a field map.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceDocument {
    /// Name of the field map: `contact-record`, `agent-report`.
    pub map: &'static str,
    /// `None` for what is about no contact: a row of a report.
    pub contact: Option<ContactId>,
    /// A newer one replaces an older one of the same key.
    pub version: Timestamp,
    /// Set where documents of several maps fill one record together: a higher one replaces a lower
    /// one of its map whatever the version, and its fields stand over theirs.
    pub rank: Option<u8>,
    pub document: Value,
    /// What the map takes beside the document.
    pub extra: JsonMap,
    /// Members of `extra` that are others in a CRM that tells regions apart.
    pub extra_in_region: JsonMap,
    /// Files that stand with the record.
    pub files: Vec<RecordFile>,
}

/// What is in the files a delivery tells of.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FileContents {
    pub documents: Vec<SourceDocument>,
    /// Rows that are no records: line (the header is line 1) and a stable code.
    pub refused: Vec<(u64, &'static str)>,
    /// Files that are none of those the maps are for.
    pub left_alone: usize,
    /// Why the rest is not here, where this is not all.
    pub unfinished: Option<FileError>,
}

/// What reading the files of a delivery brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Telling {
    /// It tells of a contact, and of no file that any of the maps is for.
    Nothing,
    /// It tells of files and of nothing else.
    Files,
    /// The same, and none of the maps is for them: to take it would be to say that something was done.
    Unkept,
    /// It is to be decoded, and tells of a file besides.
    FilesToo,
}

/// Why a file was not read. Texts say where and never what stands there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// The storage failed: ask again.
    #[error("{code}: {message}")]
    Later { code: &'static str, message: String },
    /// Reading it again would give the same.
    #[error("{code}: {message}")]
    Never { code: &'static str, message: String },
}

/// The files a contact center leaves in its storage and tells of in deliveries.
#[async_trait]
pub trait FileSource: Send + Sync {
    /// Whether the delivery tells of files rather than, or besides, of a contact. Cheap.
    fn tells_of_files(&self, delivery: &Delivery, maps: &[&str]) -> Telling;

    /// Reads what a delivery tells of as far as it becomes records of the field maps `maps`; empty
    /// when the files are others. It may have a file made that a later delivery tells of. A second
    /// call with the same delivery changes nothing.
    async fn read(&self, delivery: &Delivery, maps: &[&str]) -> Result<FileContents, FileError>;
}

/// What the bridge asks of a contact center.
///
/// Implementations hold their settings and no other state: two calls with the same
/// arguments may run on different machines.
pub trait ContactCenter: Send + Sync {
    /// Takes a verified request body apart into what is stored one by one, each with the
    /// key that removes doubles. `source` says by which way it came.
    ///
    /// # Errors
    ///
    /// [`ConnectorError`] with kind `Malformed` or `Rejected` when the body as a whole cannot be
    /// taken apart; nothing of it is stored then and the sender is told.
    fn split(
        &self,
        source: DeliverySource,
        body: &[u8],
        received_at: Timestamp,
    ) -> Result<Vec<Delivery>, ConnectorError>;

    /// Decodes one delivery that was verified and stored before, in vendor order. Empty when
    /// the delivery is genuine and says nothing about a contact.
    fn decode(&self, delivery: &Delivery) -> Result<Vec<ContactChange>, ConnectorError>;

    /// The vendor's own records in a delivery that [`ContactCenter::decode`] has read, for field maps.
    fn documents(&self, delivery: &Delivery) -> Result<Vec<SourceDocument>, ConnectorError> {
        let _ = delivery;
        Ok(Vec::new())
    }

    /// Where the vendor leaves files; `None` where it leaves none, or where they are not known.
    fn files(&self) -> Option<&dyn FileSource> {
        None
    }
}
