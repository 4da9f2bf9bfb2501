use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    ConnectorError, ConnectorErrorKind, Governor, JsonMap, OutboxRow, PartyMatch, PhoneNumber, Purpose,
    RecordId, RowResult,
};

/// What the bridge asks of a CRM.
#[async_trait]
pub trait Crm: Send + Sync {
    /// Finds the parties that own each of `phones`, one list per number in the order given,
    /// best match first, at most `limit` each. One call may cover many numbers.
    async fn find_by_phone(
        &self,
        phones: &[PhoneNumber],
        limit: usize,
    ) -> Result<Vec<Vec<PartyMatch>>, ConnectorError>;

    /// Reads `fields` of one record; `None` when there is no such record or the user may not see it.
    async fn record(
        &self,
        object: &str,
        id: &RecordId,
        fields: &[String],
    ) -> Result<Option<JsonMap>, ConnectorError>;

    /// Runs a structured read. Field values come back as the CRM gave them, related records nested.
    async fn rows(&self, query: &Query) -> Result<Rows, ConnectorError>;

    /// Writes rows of one object, at most 200, each keyed: a second call with the
    /// same rows changes nothing. One result per row, in the order given.
    async fn write(&self, rows: &[OutboxRow]) -> Result<Vec<RowResult>, ConnectorError>;

    /// The object whose records are the files that [`Crm::attach`] makes; `None` where the CRM
    /// keeps none.
    fn file_object(&self) -> Option<&str> {
        None
    }

    /// Puts files at records, at most 200. One that stands at its record under its name is replaced,
    /// so a second call with the same changes nothing. One result per file, in the order given.
    async fn attach(&self, files: &[Attached<'_>]) -> Result<Vec<RowResult>, ConnectorError> {
        let _ = files;
        Err(ConnectorError {
            connector: "crm",
            operation: "attach",
            kind: ConnectorErrorKind::Unsupported,
            said: None,
        })
    }

    /// Who may spend what of the allowance of API calls; `None` where the CRM has no such thing.
    fn governor(&self) -> Option<&Governor> {
        None
    }

    /// The fields `object` has; `None` where the CRM cannot say.
    async fn field_names(&self, object: &str) -> Result<Option<FieldNames>, ConnectorError> {
        let _ = object;
        Ok(None)
    }

    /// The same CRM for calls of another purpose; `None` where that makes no difference.
    fn with_purpose(&self, purpose: Purpose) -> Option<Arc<dyn Crm>> {
        let _ = purpose;
        None
    }

    /// The same CRM with an agent's own rights; `None` where the CRM has no such thing.
    fn as_agent(&self, token: SecretString) -> Option<Arc<dyn Crm>>;
}

/// A file at a record: JSON text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordFile {
    /// One file of a name at a record.
    pub name: String,
    pub description: String,
    pub text: String,
}

/// A file and where it belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attached<'a> {
    pub parent: &'a RecordId,
    pub file: &'a RecordFile,
    /// The file's own record, when it is known already: it is replaced without looking.
    pub record: Option<&'a RecordId>,
}

/// The fields an object has, compared without case.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FieldNames(HashMap<String, String>);

impl FieldNames {
    /// The CRM's own spelling of a field; `None` when it has none of this name.
    pub fn spelling(&self, name: &str) -> Option<&str> {
        self.0.get(&name.to_ascii_lowercase()).map(String::as_str)
    }
}

impl<N: Into<String>> FromIterator<N> for FieldNames {
    fn from_iter<I: IntoIterator<Item = N>>(names: I) -> Self {
        let names = names.into_iter().map(Into::into);
        Self(names.map(|name: String| (name.to_ascii_lowercase(), name)).collect())
    }
}

/// API calls used and allowed in the CRM's own window, for example of 24 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    pub used: u64,
    pub allowed: u64,
}

/// A read in our words; a connector turns it into its query language with every value escaped.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    pub object: String,
    /// Field names or paths (`Account.Name`).
    pub fields: Vec<String>,
    /// All must hold.
    pub conditions: Vec<Condition>,
    pub limit: Option<usize>,
    pub paging: Paging,
}

/// How many pages to follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paging {
    FirstPage,
    /// Every page, up to this many rows.
    UpTo(usize),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    pub field: String,
    pub comparison: Comparison,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Comparison {
    Equals(Value),
    In(Vec<Value>),
    /// A pattern whose `%` and `_` are wildcards on purpose.
    Like(String),
}

/// Rows of a read and how many there are in all.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rows {
    pub rows: Vec<JsonMap>,
    /// The CRM's own count, which may exceed `rows.len()`.
    pub total: usize,
}
