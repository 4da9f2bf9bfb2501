//! The functions that make and read text of queries, without an org behind them: for the tests that
//! send them texts by the million (`crates/properties`). Nobody else calls this.

use jiff::Timestamp;
use tieline_bridge::dip::Touched;
use tieline_core::{JsonMap, Query};

use crate::legacy::{self, LegacyError};
use crate::template::{self, Language, Matching};
use crate::{soql, touched};

pub use crate::soql::{like, literal, pattern, sosl};

/// The text of a structured read; `None` when a name or a value is refused.
pub fn select(query: &Query) -> Option<String> {
    soql::select(query).ok()
}

/// An author's query with values in it, as our own front does it, or, `anywhere` in its words, as
/// the reference's does; `None` when a value is refused.
pub fn fill_query(template: &str, parameters: &[(&str, &str)], anywhere: bool) -> Option<String> {
    template::fill(template, parameters, matching(anywhere), Language::Query).ok()
}

/// As [`fill_query`], for a search.
pub fn fill_search(template: &str, parameters: &[(&str, &str)], anywhere: bool) -> Option<String> {
    template::fill(template, parameters, matching(anywhere), Language::Search).ok()
}

fn matching(anywhere: bool) -> Matching {
    if anywhere { Matching::Substrings } else { Matching::Words }
}

/// What a query names; `None` when it is not understood.
pub fn named_by_query(text: &str) -> Option<Vec<Touched>> {
    touched::by_query(text)
}

/// What a search names.
pub fn named_by_search(text: &str) -> Option<Vec<Touched>> {
    touched::by_search(text)
}

/// What a condition on `object` names.
pub fn named_by_filter(object: &str, text: &str) -> Option<Vec<Touched>> {
    touched::by_filter(object, text)
}

/// The query of the reference's `lookup`, or of its `lookup_all`.
///
/// # Errors
///
/// [`LegacyError`], as a flow would see it.
pub fn lookup(parameters: &JsonMap, all: bool) -> Result<String, LegacyError> {
    if all { legacy::lookup_all_text(parameters) } else { legacy::lookup_text(parameters) }
}

/// A text of the reference's date language, written out.
///
/// # Errors
///
/// [`LegacyError`], as a flow would see it.
pub fn dated(text: &str, now: Timestamp) -> Result<String, LegacyError> {
    legacy::dated(text, now)
}

/// The message of the reference's `createChatterPost`.
///
/// # Errors
///
/// [`LegacyError`], as a flow would see it.
pub fn chatter(template: &str, parameters: &JsonMap) -> Result<String, LegacyError> {
    legacy::filled(template, parameters, &legacy::POST)
}
