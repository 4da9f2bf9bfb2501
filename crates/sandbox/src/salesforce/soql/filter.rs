//! Conditions to SQL.
//!
//! SOQL knows two truth values where SQL knows three: `Name != 'x'` holds for a null name. So
//! comparisons that SQL answers with null are made false wherever a NOT stands above them; at
//! the top SQL's null and false drop the row alike, and plain comparisons can use an index.

use jiff::civil::Date;
use rusqlite::types::Value;

use super::QueryError;
use super::ast::{Filter, Literal, Op, Operand};
use super::compile::{Builder, Column, Scope};
use super::dates;
use super::lexer::plain;
use crate::salesforce::ids;
use crate::salesforce::schema::{Field, Kind};
use crate::salesforce::storage::{start_of_day, stored_time};

impl Builder<'_> {
    /// `negated`: whether a NOT stands somewhere above.
    pub fn filter(
        &mut self,
        scope: &mut Scope,
        filter: &Filter,
        negated: bool,
    ) -> Result<String, QueryError> {
        match filter {
            Filter::And(all) => self.joined(scope, all, "AND", negated),
            Filter::Or(all) => self.joined(scope, all, "OR", negated),
            Filter::Not(inner) => Ok(format!("(NOT {})", self.filter(scope, inner, true)?)),
            Filter::Compare { left, op, value, at } => self.compare(scope, left, *op, value, *at, negated),
            Filter::In { path, negated: not, values, at } => {
                let column = self.column(scope, path)?;
                self.filterable(&column.field, *at)?;
                self.members(&column, *not, values, *at)
            }
            Filter::InQuery { path, negated: not, query, at } => {
                let column = self.column(scope, path)?;
                if !matches!(column.field.kind, Kind::Id | Kind::Reference) {
                    let message = format!("a sub-query compares ids; {} is none", path.text());
                    return Err(self.error_at(QueryError::malformed(message), *at));
                }
                let inner = self.inner(query, *at)?;
                Ok(two_valued(&format!("{} IN ({inner})", column.sql), *not))
            }
        }
    }

    fn joined(
        &mut self,
        scope: &mut Scope,
        all: &[Filter],
        word: &str,
        negated: bool,
    ) -> Result<String, QueryError> {
        let mut parts = Vec::with_capacity(all.len());
        for one in all {
            parts.push(self.filter(scope, one, negated)?);
        }
        Ok(balanced(&parts, word))
    }

    fn compare(
        &mut self,
        scope: &mut Scope,
        left: &Operand,
        op: Op,
        value: &Literal,
        at: usize,
        negated: bool,
    ) -> Result<String, QueryError> {
        let column = match left {
            Operand::Field(path) => {
                let column = self.column(scope, path)?;
                self.filterable(&column.field, at)?;
                column
            }
            Operand::Aggregate(call) => {
                let (sql, kind) = self.aggregate(scope, call)?;
                Column { sql, field: Field::new(&call.path.text(), "", kind) }
            }
            Operand::Count => Column { sql: "COUNT(*)".into(), field: Field::new("COUNT()", "", Kind::Int) },
        };
        if let Literal::Relative(relative) = value {
            if !matches!(column.field.kind, Kind::Date | Kind::DateTime) {
                return Err(self.wrong_type(&column.field, at));
            }
            let Some((from, to)) = dates::range(*relative, self.context.today) else {
                return Err(self.error_at(QueryError::malformed("the date is out of range"), at));
            };
            return self.within(&column, op, from, to, at);
        }
        if op == Op::Like {
            let Literal::Text(pattern) = value else { return Err(self.wrong_type(&column.field, at)) };
            if !column.field.kind.is_text() {
                return Err(self.wrong_operator(at));
            }
            let pattern = self.params.bind(pattern.clone());
            return Ok(format!("COALESCE(sf_like({pattern}, {}), 0)", column.sql));
        }
        let bound = self.value(&column.field, value, at)?;
        let symbol = match op {
            Op::Eq => "IS",
            Op::Ne => "IS NOT",
            Op::Lt => "<",
            Op::Le => "<=",
            Op::Gt => ">",
            Op::Ge => ">=",
            Op::Like | Op::Includes | Op::Excludes => return Err(self.wrong_operator(at)),
        };
        if matches!(op, Op::Eq | Op::Ne) {
            let bound = self.params.bind(bound);
            return Ok(format!("{} {symbol} {bound}", column.sql));
        }
        if bound == Value::Null || column.field.kind == Kind::Boolean {
            return Err(self.wrong_operator(at));
        }
        let bound = self.params.bind(bound);
        let sql = format!("{} {symbol} {bound}", column.sql);
        Ok(if negated { two_valued(&sql, false) } else { sql })
    }

    /// A date literal is a range of days; each comparison asks for one of its sides.
    fn within(
        &mut self,
        column: &Column,
        op: Op,
        from: Date,
        to: Date,
        at: usize,
    ) -> Result<String, QueryError> {
        let text = |day: Date| {
            if column.field.kind == Kind::Date { day.to_string() } else { start_of_day(day) }
        };
        let (from, to) = (self.params.bind(text(from)), self.params.bind(text(to)));
        let sql = &column.sql;
        Ok(match op {
            Op::Eq => two_valued(&format!("({sql} >= {from} AND {sql} < {to})"), false),
            Op::Ne => two_valued(&format!("({sql} >= {from} AND {sql} < {to})"), true),
            Op::Lt => two_valued(&format!("{sql} < {from}"), false),
            Op::Le => two_valued(&format!("{sql} < {to}"), false),
            Op::Gt => two_valued(&format!("{sql} >= {to}"), false),
            Op::Ge => two_valued(&format!("{sql} >= {from}"), false),
            Op::Like | Op::Includes | Op::Excludes => return Err(self.wrong_operator(at)),
        })
    }

    fn members(
        &mut self,
        column: &Column,
        negated: bool,
        values: &[Literal],
        at: usize,
    ) -> Result<String, QueryError> {
        let mut list = Vec::new();
        let mut parts = Vec::new();
        for value in values {
            if let Literal::Relative(relative) = value
                && matches!(column.field.kind, Kind::Date | Kind::DateTime)
                && let Some((from, to)) = dates::range(*relative, self.context.today)
            {
                parts.push(self.within(column, Op::Eq, from, to, at)?);
                continue;
            }
            match self.value(&column.field, value, at)? {
                Value::Null => parts.push(format!("{} IS NULL", column.sql)),
                value => list.push(self.params.bind(value)),
            }
        }
        if !list.is_empty() {
            parts.push(format!("{} IN ({})", column.sql, list.join(", ")));
        }
        let sql = balanced(&parts, "OR");
        Ok(if negated { two_valued(&sql, true) } else { two_valued(&sql, false) })
    }

    fn filterable(&self, field: &Field, at: usize) -> Result<(), QueryError> {
        if field.filterable() {
            return Ok(());
        }
        let message = format!("field '{}' can not be filtered in a query call", field.name);
        Err(self.error_at(QueryError::field(message), at))
    }

    /// A literal as it is stored in a column of `field`'s type.
    fn value(&self, field: &Field, literal: &Literal, at: usize) -> Result<Value, QueryError> {
        let value = match (field.kind, literal) {
            (_, Literal::Null) => Value::Null,
            // Empty text and null are the same thing to Salesforce.
            (kind, Literal::Text(text)) if text.is_empty() && (kind.is_text() || is_id(kind)) => Value::Null,
            (kind, Literal::Text(text)) if kind.is_text() => Value::Text(plain(text)),
            (kind, Literal::Text(text)) if is_id(kind) => {
                if let Some(id) = ids::normalize(text) {
                    Value::Text(id)
                } else {
                    let message = format!("invalid ID field: {}", plain(text));
                    return Err(self.error_at(QueryError::new("INVALID_QUERY_FILTER_OPERATOR", message), at));
                }
            }
            (kind, Literal::Number(number)) if kind.is_number() => Value::Real(*number),
            (Kind::Boolean, Literal::Bool(flag)) => Value::Integer(i64::from(*flag)),
            (Kind::Date, Literal::Date(date)) => Value::Text(date.to_string()),
            (Kind::DateTime, Literal::DateTime(time)) => Value::Text(stored_time(*time)),
            _ => return Err(self.wrong_type(field, at)),
        };
        Ok(value)
    }

    fn wrong_type(&self, field: &Field, at: usize) -> QueryError {
        let (word, quotes) = match field.kind {
            kind if kind.is_text() => ("string", "should be enclosed in quotes"),
            Kind::Id | Kind::Reference => ("ID", "should be enclosed in quotes"),
            Kind::DateTime => ("dateTime", "should not be enclosed in quotes"),
            kind => (kind.word(), "should not be enclosed in quotes"),
        };
        let message = format!(
            "value of filter criterion for field '{}' must be of type {word} and {quotes}",
            field.name
        );
        self.error_at(QueryError::field(message), at)
    }

    fn wrong_operator(&self, at: usize) -> QueryError {
        self.error_at(QueryError::new("INVALID_QUERY_FILTER_OPERATOR", "invalid operator"), at)
    }
}

fn is_id(kind: Kind) -> bool {
    matches!(kind, Kind::Id | Kind::Reference)
}

/// Null becomes false before a NOT turns it round.
fn two_valued(sql: &str, not: bool) -> String {
    if not { format!("(NOT COALESCE({sql}, 0))") } else { format!("COALESCE({sql}, 0)") }
}

/// Joined as a balanced tree: SQLite allows a depth of 1,000, and a plain chain is as deep as it is long.
pub(super) fn balanced(parts: &[String], word: &str) -> String {
    match parts {
        [] => "0".to_owned(),
        [one] => one.clone(),
        many => {
            let (left, right) = many.split_at(many.len() / 2);
            format!("({} {word} {})", balanced(left, word), balanced(right, word))
        }
    }
}
