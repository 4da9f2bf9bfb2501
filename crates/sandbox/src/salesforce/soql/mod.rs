//! SOQL: text to tree (`lexer`, `parser`), tree to SQL with bound values (`compile`), rows
//! to JSON (`rows`).
//!
//! Nothing here runs a query itself or pastes a value into SQL: names come from the schema,
//! values are parameters. One object with its parents, to any of five levels; semi-joins;
//! aggregates with GROUP BY and HAVING. Not done, and said so in the error: sub-queries in
//! SELECT, TYPEOF, geolocation, data categories.
//!
//! (Salesforce, SOQL and SOSL Reference. Read 2026-11-20.)

pub(crate) mod ast;
mod compile;
mod dates;
mod filter;
mod lexer;
mod parser;
mod rows;

pub(crate) use compile::{Compiled, Context, Params, compile, compile_search};
pub(crate) use lexer::{Lexer, Token, plain};
pub(crate) use parser::{Parser, parse, timestamp};
pub(crate) use rows::read_rows;

/// A query that cannot be run: the code and the message Salesforce gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct QueryError {
    pub code: &'static str,
    pub message: String,
}

impl QueryError {
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    pub fn malformed(message: impl Into<String>) -> Self {
        Self::new("MALFORMED_QUERY", message)
    }

    pub fn field(message: impl Into<String>) -> Self {
        Self::new("INVALID_FIELD", message)
    }

    /// The message with the place in the query, as Salesforce draws it.
    pub fn at(mut self, source: &str, offset: usize) -> Self {
        let offset = offset.min(source.len());
        let before = source.get(..offset).unwrap_or("");
        let row = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        // Some text around the place, with a mark under it.
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        let line = source[line_start..].lines().next().unwrap_or("");
        let skip = column.saturating_sub(40);
        let shown: String = line.chars().skip(skip).take(80).collect();
        let mark = " ".repeat(column - 1 - skip);
        self.message = format!("\n{shown}\n{mark}^\nERROR at Row:{row}:Column:{column}\n{}", self.message);
        self
    }
}
