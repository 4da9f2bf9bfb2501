use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::RecordId;

/// A person or company of the CRM that owns a number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartyMatch {
    pub record: RecordId,
    /// The CRM's object, for example `Contact`.
    pub object: String,
    pub name: String,
    /// The field that holds the number, for example `MobilePhone`; `None` when the CRM
    /// matched in a way we could not trace to a field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Whether this party is a person (true) or a company.
    pub person: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modified_at: Option<Timestamp>,
}
