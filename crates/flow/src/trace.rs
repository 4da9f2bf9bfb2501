use jiff::Timestamp;
use serde::Serialize;
use tieline_core::JsonMap;

use crate::Branch;

/// What one step of a run did. Holds personal data: what is kept of it is the workspace's setting.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TraceStep {
    /// The step's id in the document.
    pub step: String,
    /// The catalog's name, for example `crm.search_and_pop`.
    #[serde(rename = "use")]
    pub use_: String,
    /// The author's title, when the step has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    pub started: Timestamp,
    /// `None` while the answer is awaited.
    pub ended: Option<Timestamp>,
    /// As evaluated; absent inputs are left out.
    pub inputs: JsonMap,
    pub outputs: JsonMap,
    /// `None` while the answer is awaited.
    pub branch: Option<Branch>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<StepError>,
    /// What went on without stopping the step: an operand that failed inside `||`, an optional
    /// input that could not be computed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// Why a step took its failure branch, or what was odd about an input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StepError {
    /// Stable, for example `input.absent`, or the code the performer answered.
    pub code: String,
    pub detail: String,
}

impl StepError {
    pub fn new(code: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { code: code.into(), detail: detail.into() }
    }
}
