use std::time::Duration;

use tieline_core::{Caller, JsonMap, PartyMatch, Query, RecordId};

use super::Shape;
use super::find::{CallerMatch, FindCaller};

/// What a contact flow asks, in our words.
#[derive(Debug, Clone, PartialEq)]
pub enum Operation {
    /// Records that fulfil conditions: the first one, and how many there are.
    Lookup(Query),
    /// Who owns a number: the best match, and how many there are.
    PhoneLookup {
        caller: Caller,
        /// One object only; all that own numbers when `None`.
        object: Option<String>,
        fields: Vec<String>,
    },
    Create {
        object: String,
        fields: JsonMap,
    },
    /// A query in the CRM's own language, its parameters filled in safely.
    Query {
        text: String,
    },
    /// Who calls: a ranked search over several objects.
    FindCaller(FindCaller),
}

/// A flow's parameters, understood.
#[derive(Debug, Clone, PartialEq)]
pub struct Understood {
    /// The operation's name as the flow wrote it; keys are granted by it.
    pub name: &'static str,
    pub operation: Operation,
    pub shape: Shape,
    /// How long this flow says it can wait; never longer than the settings allow.
    pub deadline: Option<Duration>,
}

/// What the CRM said. Rows are as the CRM gave them.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    /// At most one row, and how many there are in all.
    First {
        row: Option<JsonMap>,
        total: usize,
    },
    /// The best owner of a number, with the fields asked for.
    Party {
        best: Option<PartyMatch>,
        row: Option<JsonMap>,
        total: usize,
    },
    Rows {
        rows: Vec<JsonMap>,
        total: usize,
    },
    Created(RecordId),
    /// In their order, no more than were asked for, and how many there are in all.
    Callers {
        matches: Vec<CallerMatch>,
        total: usize,
    },
}

impl Operation {
    /// Whether a second performance would do it a second time.
    pub fn changes(&self) -> bool {
        match self {
            Self::Create { .. } => true,
            Self::Lookup(_) | Self::PhoneLookup { .. } | Self::Query { .. } | Self::FindCaller(_) => false,
        }
    }
}
