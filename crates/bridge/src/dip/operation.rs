use std::time::Duration;

use tieline_core::{Caller, Comparison, JsonMap, PartyMatch, Query, RecordId};

use super::Shape;
use super::find::{CallerMatch, FindCaller, Wanted};

/// What a contact flow asks, in our words.
#[derive(Debug, Clone, PartialEq)]
pub enum Operation {
    /// Records that fulfil conditions: the first one, and how many there are.
    Lookup(Query),
    /// Records that fulfil conditions, all of them.
    LookupAll(Query),
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
    Update {
        object: String,
        id: String,
        fields: JsonMap,
    },
    Delete {
        object: String,
        id: String,
    },
    /// A query in the CRM's own language, its parameters filled in safely.
    Query {
        text: String,
        wanted: Which,
    },
    /// Who calls: a ranked search over several objects.
    FindCaller(FindCaller),
    /// Records of one object by words in them.
    Search(Search),
    /// A search in the CRM's own language, its parameters filled in safely.
    SearchText {
        text: String,
        wanted: Which,
    },
    /// A note for people, on a record.
    Post {
        record: String,
        text: String,
        /// Who is told of it.
        mention: Option<String>,
    },
    /// An answer to a note.
    Comment {
        post: String,
        text: String,
    },
}

/// Which of the records that were found are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    All,
    /// The record when it is the only one, and only how many there are otherwise.
    OnlyOne,
}

/// A search for words.
#[derive(Debug, Clone, PartialEq)]
pub struct Search {
    /// What was typed or said.
    pub words: String,
    pub object: String,
    pub fields: Vec<String>,
    /// A condition in the CRM's own language, its parameters filled in safely.
    pub filter: Option<String>,
    pub limit: usize,
    pub wanted: Which,
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
    /// The record named in the question was changed or is gone.
    Changed(String),
}

impl Found {
    /// `rows` of `total`, as many of them as are wanted.
    pub fn wanted(rows: Vec<JsonMap>, total: usize, wanted: Which) -> Self {
        match wanted {
            Which::All => Self::Rows { rows, total },
            Which::OnlyOne => Self::First { row: rows.into_iter().next().filter(|_| total == 1), total },
        }
    }
}

impl Operation {
    /// Whether a second performance would do it a second time, or undo what came between.
    pub fn changes(&self) -> bool {
        match self {
            Self::Create { .. }
            | Self::Update { .. }
            | Self::Delete { .. }
            | Self::Post { .. }
            | Self::Comment { .. } => true,
            Self::Lookup(_)
            | Self::LookupAll(_)
            | Self::PhoneLookup { .. }
            | Self::Query { .. }
            | Self::Search(_)
            | Self::SearchText { .. }
            | Self::FindCaller(_) => false,
        }
    }

    /// The texts that came from the caller or are about them: what a message must not repeat.
    pub(crate) fn values(&self) -> Vec<&str> {
        match self {
            Self::Lookup(query) | Self::LookupAll(query) => {
                query.conditions.iter().flat_map(|condition| texts_of(&condition.comparison)).collect()
            }
            Self::PhoneLookup { caller, .. } => match caller {
                Caller::Known(number) => vec![number.e164()],
                Caller::Other(text) => vec![text],
                Caller::Withheld => Vec::new(),
            },
            Self::Create { fields, .. } | Self::Update { fields, .. } => {
                fields.values().filter_map(|value| value.as_str()).collect()
            }
            // The insides of literals: every second piece between quotes.
            Self::Query { text, .. } | Self::SearchText { text, .. } => {
                text.split(['\'', '{', '}']).skip(1).step_by(2).collect()
            }
            Self::Search(search) => vec![&search.words],
            Self::Post { text, .. } | Self::Comment { text, .. } => vec![text],
            Self::FindCaller(find) => match &find.wanted {
                Wanted::Phone(number) => vec![number.e164()],
                Wanted::Email(text) | Wanted::Text(text) => vec![text],
                Wanted::Endpoint | Wanted::Nobody => Vec::new(),
            },
            Self::Delete { .. } => Vec::new(),
        }
    }
}

fn texts_of(comparison: &Comparison) -> Vec<&str> {
    match comparison {
        Comparison::Equals(value) => value.as_str().into_iter().collect(),
        Comparison::In(values) => values.iter().filter_map(|value| value.as_str()).collect(),
        Comparison::Like(pattern) => pattern.split(['%', '\\']).collect(),
    }
}
