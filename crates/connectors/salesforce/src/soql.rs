//! Text of queries and searches: the one place where values become SOQL or SOSL.
//!
//! One escaping function per place a value can stand in: [`literal`], [`like`], [`sosl`].
//! Names are checked, never escaped, because nothing can be quoted into a name.
//!
//! "SOQL and SOSL Reference": Quoted String Escape Sequences; Reserved Characters (SOSL), read 2026-11-20.

use std::fmt::Write as _;

use serde_json::Value;
use tieline_core::{Comparison, Condition, Query};

use crate::failure::Failure;

/// A text value as a quoted literal.
pub fn literal(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('\'');
    for c in text.chars() {
        push_escaped(&mut out, c);
    }
    out.push('\'');
    out
}

/// A text value as the inside of a `LIKE` pattern, without quotes, its own wildcards escaped.
pub fn like(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '%' | '_') {
            out.push('\\');
            out.push(c);
        } else {
            push_escaped(&mut out, c);
        }
    }
    out
}

/// A pattern whose `%` and `_` are wildcards on purpose, as a quoted literal; `\\%` and `\\_` stand for
/// the characters themselves.
pub fn pattern(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('\'');
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match rest.peek() {
            Some(&wildcard @ ('%' | '_')) if c == '\\' => {
                rest.next();
                out.push('\\');
                out.push(wildcard);
            }
            _ => push_escaped(&mut out, c),
        }
    }
    out.push('\'');
    out
}

/// A text value inside `FIND {…}`.
pub fn sosl(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '?' | '&' | '|' | '!' | '{' | '}' | '[' | ']' | '(' | ')' | '^' | '~' | '*' | ':' | '\\'
            | '"' | '\'' | '+' | '-' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// What is, or by [`sosl`] becomes, a blank between words: `\0OR` would be an operator otherwise.
pub(crate) fn is_blank(c: char) -> bool {
    c.is_whitespace() || c.is_control()
}

/// Escapes one character of a quoted literal. A double quote is an ordinary one between single quotes.
pub(crate) fn push_escaped(out: &mut String, c: char) {
    match c {
        '\\' => out.push_str("\\\\"),
        '\'' => out.push_str("\\'"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        c => out.push(c),
    }
}

/// A path of names: `Name`, `Account.Owner.Name`, `My__c`.
pub(crate) fn is_path(text: &str) -> bool {
    !text.is_empty() && text.split('.').all(is_name)
}

pub(crate) fn is_name(text: &str) -> bool {
    text.len() <= 255
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn checked<'a>(what: &str, text: &'a str) -> Result<&'a str, Failure> {
    if is_path(text) {
        Ok(text)
    } else {
        Err(Failure::refused_by_us("UNSAFE_NAME", format!("{what} must be letters, digits and underscores")))
    }
}

/// The text of a structured read.
pub(crate) fn select(query: &Query) -> Result<String, Failure> {
    let mut text = String::from("SELECT ");
    if query.fields.is_empty() {
        text.push_str("Id");
    }
    for (i, field) in query.fields.iter().enumerate() {
        if i > 0 {
            text.push_str(", ");
        }
        text.push_str(checked("a field", field)?);
    }
    text.push_str(" FROM ");
    text.push_str(checked("an object", &query.object)?);
    for (i, condition) in query.conditions.iter().enumerate() {
        text.push_str(if i == 0 { " WHERE " } else { " AND " });
        push_condition(&mut text, condition)?;
    }
    if let Some(limit) = query.limit {
        let _ = write!(text, " LIMIT {limit}");
    }
    Ok(text)
}

fn push_condition(text: &mut String, condition: &Condition) -> Result<(), Failure> {
    text.push_str(checked("a field", &condition.field)?);
    match &condition.comparison {
        Comparison::Equals(value) => {
            text.push_str(" = ");
            push_value(text, value)?;
        }
        Comparison::In(values) if values.is_empty() => {
            return Err(Failure::refused_by_us("EMPTY_LIST", "a list to compare with is empty"));
        }
        Comparison::In(values) => {
            text.push_str(" IN (");
            for (i, value) in values.iter().enumerate() {
                if i > 0 {
                    text.push_str(", ");
                }
                push_value(text, value)?;
            }
            text.push(')');
        }
        Comparison::Like(wanted) => {
            text.push_str(" LIKE ");
            text.push_str(&pattern(wanted));
        }
    }
    Ok(())
}

fn push_value(text: &mut String, value: &Value) -> Result<(), Failure> {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(flag) => text.push_str(if *flag { "true" } else { "false" }),
        Value::Number(number) => {
            let _ = write!(text, "{number}");
        }
        Value::String(value) => text.push_str(&literal(value)),
        Value::Array(_) | Value::Object(_) => {
            return Err(Failure::refused_by_us(
                "UNSAFE_VALUE",
                "a list or an object is no value to compare with",
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tieline_core::Paging;

    use super::*;

    #[test]
    fn a_literal_cannot_be_left() {
        assert_eq!(literal("O'Neil"), r"'O\'Neil'");
        assert_eq!(literal("x' OR Id!='"), r"'x\' OR Id!=\''");
        assert_eq!(literal(r"\"), r"'\\'");
        assert_eq!(literal(r"\'; --"), r"'\\\'; --'");
        assert_eq!(literal("a\nb\t\"c\""), r#"'a\nb\t"c"'"#);
        assert_eq!(literal("Zoë 東京 %_"), "'Zoë 東京 %_'");
    }

    #[test]
    fn a_value_in_a_pattern_brings_no_wildcards() {
        assert_eq!(like("50%_O'N\\"), r"50\%\_O\'N\\");
        assert_eq!(pattern("S%'"), r"'S%\''");
        assert_eq!(pattern(r"50\%\'\"), r"'50\%\\\'\\'");
    }

    #[test]
    fn a_search_term_brings_no_operators() {
        assert_eq!(sosl(r#"a*(b) "c" {d} AND\"#), r#"a\*\(b\) \"c\" \{d\} AND\\"#);
        assert_eq!(sosl("+1-202?"), r"\+1\-202\?");
        assert_eq!(sosl("a\nb"), "a b");
    }

    fn query(field: &str, comparison: Comparison) -> Query {
        Query {
            object: "Contact".into(),
            fields: vec!["Id".into(), "Account.Name".into()],
            conditions: vec![Condition { field: field.into(), comparison }],
            limit: Some(5),
            paging: Paging::FirstPage,
        }
    }

    #[test]
    fn a_structured_read_becomes_a_query() {
        assert_eq!(
            select(&query("LastName", Comparison::Equals(json!("O'Neil")))).unwrap(),
            r"SELECT Id, Account.Name FROM Contact WHERE LastName = 'O\'Neil' LIMIT 5"
        );
        assert_eq!(
            select(&query("N__c", Comparison::In(vec![json!(1), json!(true), json!(null), json!("a")])))
                .unwrap(),
            "SELECT Id, Account.Name FROM Contact WHERE N__c IN (1, true, null, 'a') LIMIT 5"
        );
        assert_eq!(
            select(&query("Name", Comparison::Like("S%".into()))).unwrap(),
            "SELECT Id, Account.Name FROM Contact WHERE Name LIKE 'S%' LIMIT 5"
        );
    }

    #[test]
    fn a_name_that_is_none_never_reaches_the_org() {
        for field in ["", "Id FROM User", "Name='", "a..b", "1a", "Näme"] {
            assert!(select(&query(field, Comparison::Equals(json!("x")))).is_err(), "{field}");
        }
        assert!(select(&query("Id", Comparison::Equals(json!(["x"])))).is_err());
        assert!(select(&query("Id", Comparison::In(vec![]))).is_err());
    }
}
