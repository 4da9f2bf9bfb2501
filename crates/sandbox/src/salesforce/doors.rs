//! What the simulated org makes of a statement, without the org around it: for the tests that send
//! it statements by the million (`crates/properties`). Nobody else calls this.

use std::fmt::Write as _;

use jiff::civil::Date;

use super::schema::Schema;
use super::soql::ast::{Aggregate, Filter, Literal, Operand, Path, Query, Select};
use super::soql::{self, Context, QueryError};
use super::sosl::{self, Expression, Returning};
use super::storage::{self, Storage};

/// A statement as it was understood.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reading {
    /// Everything but the texts compared with or searched for.
    pub shape: String,
    /// Those texts, in order, as they are meant. Of `LIKE` as written, escapes kept.
    pub texts: Vec<String>,
    /// Objects and fields it names, an alias or the object's own name in front of a field taken off.
    pub named: Vec<(String, Vec<String>)>,
}

/// Reads a query.
///
/// # Errors
///
/// The code Salesforce would answer.
pub fn query(text: &str) -> Result<Reading, &'static str> {
    let query = soql::parse(text).map_err(|error| error.code)?;
    let mut reading = Reading::default();
    reading.query(&query);
    Ok(reading)
}

/// Reads a search.
///
/// # Errors
///
/// The code Salesforce would answer.
pub fn search(text: &str) -> Result<Reading, &'static str> {
    let search = sosl::parse(text).map_err(|error| error.code)?;
    let mut reading = Reading::default();
    reading.expression(&search.expression);
    let _ = write!(reading.shape, " in {:?} limit {}", search.group, search.limit);
    for one in &search.returning {
        reading.query(&one.query);
    }
    Ok(reading)
}

/// Whether the inside of a `LIKE` literal, its escapes undone as [`query`] does, is all of `text`.
pub fn is_like(pattern: &str, text: &str) -> bool {
    storage::like(pattern, text)
}

/// An org without records, to run statements on.
pub struct EmptyOrg {
    schema: Schema,
    storage: Storage,
}

impl EmptyOrg {
    /// # Panics
    ///
    /// When the package's metadata or SQLite is broken.
    pub fn new() -> Self {
        let schema = Schema::load(None).expect("the package's metadata is checked by a test");
        let storage = Storage::open(&schema).expect("a database in memory can be opened");
        Self { schema, storage }
    }

    /// Runs a query; `Ok` is what a client is answered, rows or a code.
    ///
    /// # Errors
    ///
    /// SQLite's own words when a query was taken that cannot be run: a mistake of ours.
    pub fn query(&self, text: &str) -> Result<Result<usize, &'static str>, String> {
        let compiled = soql::parse(text).and_then(|query| soql::compile(self.context(text), &query));
        self.run(compiled)
    }

    /// As [`Self::query`], for a search.
    ///
    /// # Errors
    ///
    /// SQLite's own words.
    pub fn search(&self, text: &str) -> Result<Result<usize, &'static str>, String> {
        let search = match sosl::parse(text) {
            Ok(search) => search,
            Err(error) => return Ok(Err(error.code)),
        };
        let mut found = 0;
        for Returning { query } in &search.returning {
            let compiled = soql::compile_search(self.context(text), query, |object, params| {
                Some(sosl::condition(&search.expression, search.group, object, params))
            });
            match self.run(compiled)? {
                Ok(rows) => found += rows,
                refused @ Err(_) => return Ok(refused),
            }
        }
        Ok(Ok(found))
    }

    fn context<'a>(&'a self, source: &'a str) -> Context<'a> {
        let today = Date::constant(2026, 11, 20);
        Context { schema: &self.schema, source, today, deleted: false }
    }

    fn run(
        &self,
        compiled: Result<soql::Compiled, QueryError>,
    ) -> Result<Result<usize, &'static str>, String> {
        match compiled {
            Err(error) => Ok(Err(error.code)),
            Ok(compiled) => soql::read_rows(&self.storage.conn, &compiled, "")
                .map(|(rows, _)| Ok(rows))
                .map_err(|error| format!("{error}: {}", compiled.sql)),
        }
    }
}

impl Default for EmptyOrg {
    fn default() -> Self {
        Self::new()
    }
}

/// The query whose fields are being read.
struct Names<'a> {
    object: String,
    alias: Option<&'a str>,
    fields: Vec<String>,
}

impl Names<'_> {
    fn add(&mut self, path: &Path) {
        let first = &path.parts[0];
        let own = path.parts.len() > 1
            && (first.eq_ignore_ascii_case(&self.object)
                || self.alias.is_some_and(|alias| first.eq_ignore_ascii_case(alias)));
        self.fields.push(path.parts[usize::from(own)..].join("."));
    }
}

impl Reading {
    fn query(&mut self, query: &Query) {
        let mut names =
            Names { object: query.object.text(), alias: query.alias.as_deref(), fields: Vec::new() };
        self.shape.push_str("(select");
        for item in &query.select {
            match item {
                Select::Field { path, alias } => {
                    let _ = write!(self.shape, " {} {alias:?}", path.text());
                    names.add(path);
                }
                Select::Count => self.shape.push_str(" count()"),
                Select::Aggregate { call, alias } => {
                    self.aggregate(call, &mut names);
                    let _ = write!(self.shape, " {alias:?}");
                }
                Select::Fields { which, .. } => {
                    let _ = write!(self.shape, " fields {which:?}");
                    names.fields.push("*".to_owned());
                }
            }
        }
        let _ = write!(self.shape, " from {} {:?}", names.object, names.alias);
        for filter in query.filter.iter().chain(&query.having) {
            self.filter(filter, &mut names);
        }
        for path in &query.group_by {
            let _ = write!(self.shape, " group {}", path.text());
            names.add(path);
        }
        for order in &query.order_by {
            let _ = write!(self.shape, " order {} {}", order.descending, order.nulls_last);
            self.operand(&order.by, &mut names);
        }
        let _ = write!(self.shape, " {:?} {:?})", query.limit, query.offset);
        self.named.push((names.object, names.fields));
    }

    fn aggregate(&mut self, call: &Aggregate, names: &mut Names<'_>) {
        let _ = write!(self.shape, " {:?}({})", call.function, call.path.text());
        names.add(&call.path);
    }

    fn operand(&mut self, operand: &Operand, names: &mut Names<'_>) {
        match operand {
            Operand::Field(path) => {
                let _ = write!(self.shape, " {}", path.text());
                names.add(path);
            }
            Operand::Aggregate(call) => self.aggregate(call, names),
            Operand::Count => self.shape.push_str(" count()"),
        }
    }

    fn filter(&mut self, filter: &Filter, names: &mut Names<'_>) {
        match filter {
            Filter::And(all) | Filter::Or(all) => {
                self.shape.push_str(if matches!(filter, Filter::And(_)) { " (and" } else { " (or" });
                for one in all {
                    self.filter(one, names);
                }
                self.shape.push(')');
            }
            Filter::Not(inner) => {
                self.shape.push_str(" not");
                self.filter(inner, names);
            }
            Filter::Compare { left, op, value, .. } => {
                self.operand(left, names);
                let _ = write!(self.shape, " {op:?}");
                self.literal(value, *op == soql::ast::Op::Like);
            }
            Filter::In { path, negated, values, .. } => {
                let _ = write!(self.shape, " {} in {negated}", path.text());
                names.add(path);
                for value in values {
                    self.literal(value, false);
                }
            }
            Filter::InQuery { path, negated, query, .. } => {
                let _ = write!(self.shape, " {} in {negated}", path.text());
                names.add(path);
                self.query(query);
            }
        }
    }

    fn literal(&mut self, literal: &Literal, like: bool) {
        if let Literal::Text(text) = literal {
            self.shape.push_str(" text");
            self.texts.push(if like { text.clone() } else { soql::plain(text) });
        } else {
            let _ = write!(self.shape, " {literal:?}");
        }
    }

    fn expression(&mut self, expression: &Expression) {
        match expression {
            Expression::Term(text) => {
                self.shape.push_str(" term");
                self.texts.push(text.clone());
            }
            Expression::And(all) | Expression::Or(all) => {
                self.shape.push_str(if matches!(expression, Expression::And(_)) { " (and" } else { " (or" });
                for one in all {
                    self.expression(one);
                }
                self.shape.push(')');
            }
            Expression::Not(inner) => {
                self.shape.push_str(" not");
                self.expression(inner);
            }
        }
    }
}
