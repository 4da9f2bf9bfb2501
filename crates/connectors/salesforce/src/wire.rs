//! Salesforce's shapes as sent, tolerant of members we do not know.
//!
//! "REST API Developer Guide" (errors, query, describe, sObject Collections), read 2026-11-20.

use std::fmt;

use serde::Deserialize;
use serde_json::Value;
use tieline_core::JsonMap;

/// One element of an error answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub code: String,
    pub message: String,
    pub fields: Vec<String>,
}

impl Problem {
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into(), fields: Vec::new() }
    }

    /// The elements of an error list that hold a message; empty when `body` is anything else.
    pub fn read_all(body: &[u8]) -> Vec<Self> {
        #[derive(Deserialize)]
        struct Element {
            message: Option<String>,
            #[serde(rename = "errorCode")]
            code: Option<String>,
            #[serde(default)]
            fields: Vec<String>,
        }
        let Ok(Value::Array(elements)) = serde_json::from_slice(body) else { return Vec::new() };
        elements
            .into_iter()
            .filter_map(|element| serde_json::from_value::<Element>(element).ok())
            .filter_map(|element| {
                Some(Self {
                    message: element.message?,
                    code: element.code.unwrap_or_else(|| "UNKNOWN".into()),
                    fields: element.fields,
                })
            })
            .collect()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

/// How OAuth endpoints say no.
#[derive(Debug, Deserialize)]
pub(crate) struct LoginProblem {
    pub error: String,
    pub error_description: Option<String>,
}

impl LoginProblem {
    pub fn read(body: &[u8]) -> Option<Self> {
        // Through a map, because a list of two texts would pass for a struct of two members.
        let object: JsonMap = serde_json::from_slice(body).ok()?;
        serde_json::from_value(Value::Object(object)).ok()
    }

    pub fn into_problem(self) -> Problem {
        Problem::new(&self.error, self.error_description.unwrap_or_default())
    }
}

/// One page of a query.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct QueryPage {
    #[serde(default)]
    pub total_size: usize,
    pub records: Vec<JsonMap>,
    pub next_records_url: Option<String>,
}

/// Answer of both kinds of search.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SearchAnswer {
    pub search_records: Vec<JsonMap>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct CreateAnswer {
    pub id: String,
}

fn yes() -> bool {
    true
}

/// One row's result of a collections call.
#[derive(Debug, Deserialize)]
pub(crate) struct SaveResult {
    pub id: Option<String>,
    /// A success's answer may leave it out; a refusal has `errors`.
    #[serde(default = "yes")]
    pub success: bool,
    /// Upserts only.
    pub created: Option<bool>,
    #[serde(default)]
    pub errors: Vec<SaveError>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SaveError {
    pub status_code: String,
    #[serde(default)]
    pub message: String,
    #[serde(default)]
    pub fields: Vec<String>,
}

impl From<Problem> for SaveError {
    fn from(problem: Problem) -> Self {
        Self { status_code: problem.code, message: problem.message, fields: problem.fields }
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct DescribeAnswer {
    pub fields: Vec<FieldDescribe>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct FieldDescribe {
    pub name: String,
    pub createable: bool,
    pub updateable: bool,
    /// `None` where the description does not speak of it.
    pub external_id: Option<bool>,
    pub id_lookup: Option<bool>,
    pub relationship_name: Option<String>,
    /// `phone`, `email`, `string` …
    #[serde(rename = "type")]
    pub kind: Option<String>,
    pub name_field: bool,
}

impl Default for FieldDescribe {
    /// What is not said is allowed: the org has the last word when it is written.
    fn default() -> Self {
        Self {
            name: String::new(),
            createable: true,
            updateable: true,
            external_id: None,
            id_lookup: None,
            relationship_name: None,
            kind: None,
            name_field: false,
        }
    }
}
