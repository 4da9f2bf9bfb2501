use serde::{Deserialize, Serialize};

use crate::{JsonMap, RecordId};

/// What one CRM record should hold.
///
/// Writing it twice changes nothing: `key_field` is either an external id of the CRM
/// (upsert), or, where the CRM has none for the object, a field by which the connector
/// looks before it creates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutboxRow {
    pub object: String,
    pub key_field: String,
    pub key: String,
    /// The record, when it is already known: it is updated without looking.
    pub record: Option<RecordId>,
    pub fields: JsonMap,
    /// Members of `fields` that must not overwrite what a person changed: written only
    /// when the record is created or still holds the value given here as `was`.
    #[serde(default, skip_serializing_if = "JsonMap::is_empty")]
    pub unless_changed: JsonMap,
}

/// The record a row was written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// `None` when the CRM wrote the row and did not say where, as Salesforce before API 46 does.
    pub record: Option<RecordId>,
    pub created: bool,
    /// Fields the CRM does not have, dropped so that the rest could be written.
    pub dropped: Vec<String>,
}

/// Why one row of a batch was not written while others may have been.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowFailure {
    /// A rule of the CRM forbids it: retrying the same row cannot help.
    Permanent { code: String, message: String },
    /// Somebody holds the record: back off and retry.
    Contention { code: String, message: String },
}

pub type RowResult = Result<Written, RowFailure>;
