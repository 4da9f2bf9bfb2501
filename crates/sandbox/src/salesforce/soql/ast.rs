//! A query as a tree. Names are as written; whether they exist is `compile`'s business.

/// A dotted name and where it stands in the text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Path {
    pub parts: Vec<String>,
    pub at: usize,
}

impl Path {
    pub fn text(&self) -> String {
        self.parts.join(".")
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Query {
    pub select: Vec<Select>,
    pub object: Path,
    pub alias: Option<String>,
    pub filter: Option<Filter>,
    pub group_by: Vec<Path>,
    pub having: Option<Filter>,
    pub order_by: Vec<Order>,
    pub limit: Option<u64>,
    pub offset: Option<u64>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Select {
    Field {
        path: Path,
        alias: Option<String>,
    },
    /// `COUNT()`: the number alone.
    Count,
    Aggregate {
        call: Aggregate,
        alias: Option<String>,
    },
    /// `FIELDS(ALL)` and its kind.
    Fields {
        which: FieldSet,
        at: usize,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FieldSet {
    All,
    Standard,
    Custom,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Aggregate {
    pub function: Function,
    pub path: Path,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Function {
    Count,
    CountDistinct,
    Sum,
    Avg,
    Min,
    Max,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Filter {
    And(Vec<Filter>),
    Or(Vec<Filter>),
    Not(Box<Filter>),
    Compare {
        left: Operand,
        op: Op,
        value: Literal,
        at: usize,
    },
    In {
        path: Path,
        negated: bool,
        values: Vec<Literal>,
        at: usize,
    },
    /// `Id IN (SELECT AccountId FROM Contact …)`.
    InQuery {
        path: Path,
        negated: bool,
        query: Box<Query>,
        at: usize,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Operand {
    Field(Path),
    /// In HAVING only.
    Aggregate(Aggregate),
    /// `COUNT()` in HAVING.
    Count,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    Like,
    Includes,
    Excludes,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Literal {
    Null,
    Text(String),
    Number(f64),
    Bool(bool),
    /// `2026-11-20`.
    Date(jiff::civil::Date),
    DateTime(jiff::Timestamp),
    /// `TODAY`, `LAST_N_DAYS:30`.
    Relative(Relative),
}

/// A date literal: a range of days relative to today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Relative {
    pub unit: Unit,
    pub span: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Span {
    /// The one unit this many units from now: 0 is this one, -1 the last, 1 the next.
    At(i32),
    /// The last so many units; for days today is included, for others the current one is not.
    Last(i32),
    /// The next so many units, the current one not included.
    Next(i32),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Order {
    pub by: Operand,
    pub descending: bool,
    /// Salesforce puts nulls first unless told otherwise, in either direction.
    pub nulls_last: bool,
    pub at: usize,
}
