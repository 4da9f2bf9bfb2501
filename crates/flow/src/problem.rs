use std::fmt;

use serde::Serialize;

/// One thing that is wrong with a flow document, and where.
///
/// Checking reports all of them together. A flow with problems can be kept as a
/// draft; it cannot be loaded, so it cannot be published.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Problem {
    /// Stable and machine-readable, for example `branch.dangling`.
    pub code: &'static str,
    /// A path into the document (`steps.search.with.call_type`), a line of a file that is not JSON
    /// (`line 3, column 7`), or empty for the document as a whole.
    pub place: String,
    /// What is wrong and what would be right, for the person who wrote the flow.
    pub message: String,
}

impl Problem {
    pub fn new(code: &'static str, place: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code, place: place.into(), message: message.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.place.is_empty() {
            write!(f, "{} [{}]", self.message, self.code)
        } else {
            write!(f, "{}: {} [{}]", self.place, self.message, self.code)
        }
    }
}
