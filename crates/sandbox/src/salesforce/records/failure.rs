//! Errors as Salesforce reports them.

use serde_json::{Value, json};

use crate::salesforce::soql::QueryError;

/// One error: what a REST answer lists as `{message, errorCode, fields}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub status: u16,
    pub code: &'static str,
    pub message: String,
    pub fields: Vec<String>,
}

impl Failure {
    pub fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), fields: Vec::new() }
    }

    pub fn bad(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(400, code, message)
    }

    pub fn on(mut self, field: &str) -> Self {
        self.fields.push(field.to_owned());
        self
    }

    pub fn not_found() -> Self {
        Self::new(404, "NOT_FOUND", "The requested resource does not exist")
    }

    pub fn deleted() -> Self {
        Self::new(404, "ENTITY_IS_DELETED", "entity is deleted")
    }

    pub fn no_such_column(field: &str, object: &str) -> Self {
        Self::bad("INVALID_FIELD", format!("No such column '{field}' on sobject of type {object}"))
    }

    /// As an element of an error answer's array.
    pub fn json(&self) -> Value {
        let mut json = json!({"message": self.message, "errorCode": self.code});
        if !self.fields.is_empty()
            && let Some(map) = json.as_object_mut()
        {
            map.insert("fields".into(), self.fields.clone().into());
        }
        json
    }

    /// As an element of `errors` within a collection's result.
    pub fn row_json(&self) -> Value {
        json!({"statusCode": self.code, "message": self.message, "fields": self.fields})
    }
}

impl From<QueryError> for Failure {
    fn from(error: QueryError) -> Self {
        Self::bad(error.code, error.message)
    }
}

impl From<rusqlite::Error> for Failure {
    /// A statement of ours that SQLite refuses is our mistake; the caller gets what Salesforce
    /// says of its own.
    fn from(error: rusqlite::Error) -> Self {
        tracing::error!(%error, "The simulated Salesforce made a statement that SQLite refuses");
        Self::new(500, "UNKNOWN_EXCEPTION", "An unexpected error occurred in the sandbox")
    }
}
