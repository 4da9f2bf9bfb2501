//! The flow document: what an author writes, the store keeps, and the editor shows.
//!
//! A [`Document`] may be wrong in every way that can be written down; [`crate::check`] says how,
//! and only [`crate::Flow::load`] turns one without problems into something that runs.

mod decode;
mod encode;
mod json;

use indexmap::IndexMap;
use serde_json::Value;
use tieline_core::JsonMap;

pub use decode::{DOCUMENT_BYTES, Decoded};
pub(crate) use decode::{join, kind, not_json, position};
pub(crate) use encode::coordinate;
pub(crate) use json::parse;

/// The version of the form, the member `tieline_flow`.
pub const FORM: u64 = 1;

/// One flow.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Document {
    /// Stable name inside a workspace, for example `pop-the-caller`.
    pub id: String,
    /// What people call it.
    pub name: String,
    pub description: Option<String>,
    /// When it runs; `None` in a draft that has not been given an event yet.
    pub on: Option<Trigger>,
    /// Flows for the same event run in this order, smallest first; absent counts as 0.
    pub order: Option<i64>,
    /// The id of the first step.
    pub start: Option<String>,
    /// By id, in the order written.
    pub steps: IndexMap<String, Step>,
    /// Where the editor draws each step, `[x, y]`.
    pub canvas: IndexMap<String, [f64; 2]>,
    /// What an imported file held that has no place here; kept so that exporting gives it back.
    pub origin: Option<Value>,
    /// Members we do not know. Kept, and reported by the check.
    pub extra: JsonMap,
}

/// The event a flow waits for, by the names of [`crate::sources`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Trigger {
    pub source: String,
    /// `None` for sources without events (`action`).
    pub event: Option<String>,
    pub extra: JsonMap,
}

/// One step of a flow.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Step {
    /// A name of the [`crate::catalog`], for example `crm.search_and_pop`.
    pub use_: String,
    /// What the author calls this step; the catalog's title when absent.
    pub title: Option<String>,
    /// Inputs by name: literals, `$.` references, `=` expressions, `{"literal": …}`.
    pub with: JsonMap,
    /// Branch → id of the next step. A branch without a target ends the run.
    pub next: IndexMap<String, String>,
    /// As [`Document::origin`], for this step.
    pub origin: Option<Value>,
    pub extra: JsonMap,
}

impl Document {
    /// Reads a document; every problem of form is reported, each with its place.
    ///
    /// Only the form is looked at here. What the flow means is [`crate::check`]'s business.
    ///
    /// # Errors
    ///
    /// All places where the text is not JSON or does not have the shape of a document.
    pub fn from_json(bytes: &[u8]) -> Result<Self, Vec<crate::Problem>> {
        let decoded = Decoded::from_json(bytes);
        if decoded.problems.is_empty() { Ok(decoded.document) } else { Err(decoded.problems) }
    }

    /// As JSON text with two spaces of indentation and a final line break.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a document holds only JSON values");
        text.push('\n');
        text
    }
}
