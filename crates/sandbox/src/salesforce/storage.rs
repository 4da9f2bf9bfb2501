//! The rows: one table per object in an in-memory SQLite, made from the schema.
//!
//! Text compares without case (the collation `SF`), as in Salesforce; ids and case-sensitive
//! keys byte by byte. Times are kept as fixed-width text in UTC, so that their order is the
//! order of the text. Deleted rows stay, marked, until the world is reset.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use rusqlite::functions::FunctionFlags;
use rusqlite::types::{Value as Sql, ValueRef};
use rusqlite::{Connection, OptionalExtension, params_from_iter};
use serde_json::{Number, Value};

use super::ids;
use super::schema::{Field, Kind, Object, Schema};
use super::sosl;
use super::wildcard::{Piece, matches};

/// A row by the names of its fields.
pub(crate) type Row = HashMap<String, Sql>;

/// The connection and the counters of ids.
pub(crate) struct Storage {
    pub conn: Connection,
    /// Last number given per id prefix, and per automatic number (`Case.CaseNumber`).
    counters: HashMap<String, u64>,
    /// Rows written and not undone.
    written: u64,
}

impl Storage {
    /// An empty database with the schema's tables.
    pub fn open(schema: &Schema) -> rusqlite::Result<Self> {
        let conn = Connection::open_in_memory()?;
        conn.set_prepared_statement_cache_capacity(256);
        conn.create_collation("SF", compare_text)?;
        functions(&conn)?;
        for object in schema.objects() {
            conn.execute_batch(&table(object))?;
        }
        conn.execute_batch(&names(schema))?;
        Ok(Self { conn, counters: HashMap::new(), written: 0 })
    }

    /// The next number of the counter `name`, from 1.
    pub fn count(&mut self, name: &str) -> u64 {
        let counter = self.counters.entry(name.to_owned()).or_insert(0);
        *counter += 1;
        *counter
    }

    pub fn next_id(&mut self, object: &Object) -> String {
        let number = self.count(&object.prefix);
        ids::nth(&object.prefix, number)
    }

    /// Makes the counter go on from `number`.
    pub fn set_counter(&mut self, name: &str, number: u64) {
        self.counters.insert(name.to_owned(), number);
    }

    pub fn insert(&mut self, object: &Object, row: &Row) -> rusqlite::Result<()> {
        let columns: Vec<&Field> = object.stored().collect();
        let names: Vec<String> = columns.iter().map(|f| format!("\"{}\"", f.name)).collect();
        let marks: Vec<String> = (1..=columns.len()).map(|i| format!("?{i}")).collect();
        let sql =
            format!("INSERT INTO \"{}\" ({}) VALUES ({})", object.name, names.join(", "), marks.join(", "));
        let values = columns.iter().map(|f| row.get(&f.name).cloned().unwrap_or(Sql::Null));
        self.conn.prepare_cached(&sql)?.execute(params_from_iter(values))?;
        self.written += 1;
        Ok(())
    }

    /// Sets the columns named in `changes`.
    pub fn update(&mut self, object: &Object, id: &str, changes: &Row) -> rusqlite::Result<()> {
        let mut names: Vec<&String> = changes.keys().collect();
        names.sort();
        let sets: Vec<String> =
            names.iter().enumerate().map(|(i, n)| format!("\"{n}\" = ?{}", i + 1)).collect();
        let sql =
            format!("UPDATE \"{}\" SET {} WHERE \"Id\" = ?{}", object.name, sets.join(", "), names.len() + 1);
        let mut values: Vec<Sql> = names.iter().map(|n| changes[*n].clone()).collect();
        values.push(Sql::Text(id.to_owned()));
        self.conn.prepare_cached(&sql)?.execute(params_from_iter(values))?;
        self.written += 1;
        Ok(())
    }

    /// A row by its id, deleted ones too.
    pub fn get(&self, object: &Object, id: &str) -> rusqlite::Result<Option<Row>> {
        let columns: Vec<&Field> = object.stored().collect();
        let names: Vec<String> = columns.iter().map(|f| format!("\"{}\"", f.name)).collect();
        let sql = format!("SELECT {} FROM \"{}\" WHERE \"Id\" = ?1", names.join(", "), object.name);
        self.conn
            .prepare_cached(&sql)?
            .query_row([id], |row| {
                columns.iter().enumerate().map(|(i, f)| Ok((f.name.clone(), row.get(i)?))).collect()
            })
            .optional()
    }

    /// Ids of rows that are not deleted and whose `field` is `value`, oldest first, at most `limit`.
    pub fn find(
        &self,
        object: &Object,
        field: &Field,
        value: &Sql,
        limit: usize,
    ) -> rusqlite::Result<Vec<String>> {
        let sql = format!(
            "SELECT \"Id\" FROM \"{}\" WHERE \"{}\" = ?1 AND \"IsDeleted\" = 0 ORDER BY rowid LIMIT {limit}",
            object.name, field.name
        );
        let mut statement = self.conn.prepare_cached(&sql)?;
        let rows = statement.query_map([value], |row| row.get(0))?;
        rows.collect()
    }

    /// Whether there is a row with this id that is not deleted.
    pub fn exists(&self, object: &Object, id: &str) -> rusqlite::Result<bool> {
        let sql = format!("SELECT 1 FROM \"{}\" WHERE \"Id\" = ?1 AND \"IsDeleted\" = 0", object.name);
        self.conn.prepare_cached(&sql)?.exists([id])
    }

    /// Rows written and not undone since the database was opened: what tells whether a request
    /// committed something.
    pub fn written(&self) -> u64 {
        self.written
    }

    pub fn begin(&self) -> rusqlite::Result<()> {
        self.conn.execute_batch("BEGIN")
    }

    pub fn commit(&self) -> rusqlite::Result<()> {
        self.conn.execute_batch("COMMIT")
    }

    /// Back to what was before [`Storage::begin`], when `written` rows had been.
    pub fn roll_back(&mut self, written: u64) -> rusqlite::Result<()> {
        self.written = written;
        self.conn.execute_batch("ROLLBACK")
    }

    /// Begins a part of the transaction that can be undone alone; parts nest.
    pub fn begin_part(&self) -> rusqlite::Result<()> {
        self.conn.execute_batch("SAVEPOINT part")
    }

    pub fn keep_part(&self) -> rusqlite::Result<()> {
        self.conn.execute_batch("RELEASE part")
    }

    pub fn undo_part(&mut self, written: u64) -> rusqlite::Result<()> {
        self.written = written;
        self.conn.execute_batch("ROLLBACK TO part; RELEASE part")
    }
}

/// `2026-11-20T10:00:00.000+0000`: as the API writes it, and so kept.
pub(crate) fn stored_time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%.3f+0000").to_string()
}

pub(crate) fn start_of_day(day: Date) -> String {
    format!("{day}T00:00:00.000+0000")
}

/// Where the bytes of a record's file are, as answers say instead of them.
///
/// (REST API Developer Guide, "sObject Blob Get". Read 2026-11-21.)
pub(crate) fn file_address(record: &str, field: &str) -> Value {
    format!("{record}/{field}").into()
}

/// A stored value in an answer; a file is not one, see [`file_address`].
pub(crate) fn json_value(value: ValueRef<'_>, kind: Kind) -> Value {
    match value {
        ValueRef::Null | ValueRef::Blob(_) if kind == Kind::Boolean => Value::Bool(false),
        ValueRef::Null | ValueRef::Blob(_) => Value::Null,
        ValueRef::Text(text) => Value::String(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Integer(number) => match kind {
            Kind::Boolean => Value::Bool(number != 0),
            Kind::Int => Value::from(number),
            #[expect(clippy::cast_precision_loss, reason = "a sum of whole numbers, far below 2^53")]
            _ => Number::from_f64(number as f64).map_or(Value::Null, Value::Number),
        },
        ValueRef::Real(number) => match kind {
            #[expect(clippy::cast_possible_truncation, reason = "whole numbers of at most nine digits")]
            Kind::Int => Value::from(number as i64),
            _ => Number::from_f64(number).map_or(Value::Null, Value::Number),
        },
    }
}

fn table(object: &Object) -> String {
    let columns: Vec<String> = object.stored().map(column).collect();
    let name = &object.name;
    let mut sql = format!("CREATE TABLE \"{name}\" ({});\n", columns.join(", "));
    for field in object.stored() {
        let field_name = &field.name;
        if field.unique {
            // A deleted record gives its key free, as in Salesforce.
            let _ = writeln!(
                sql,
                "CREATE UNIQUE INDEX \"{name}.{field_name}\" ON \"{name}\" (\"{field_name}\") WHERE \"IsDeleted\" = 0;"
            );
        } else if field.indexed || field.external_id || field.kind == Kind::Reference {
            let _ = writeln!(sql, "CREATE INDEX \"{name}.{field_name}\" ON \"{name}\" (\"{field_name}\");");
        }
    }
    sql
}

fn column(field: &Field) -> String {
    let definition = match field.kind {
        Kind::Id => "TEXT NOT NULL UNIQUE",
        Kind::Reference | Kind::Date | Kind::DateTime => "TEXT",
        Kind::Boolean => "INTEGER NOT NULL DEFAULT 0",
        Kind::Base64 => "BLOB",
        kind if kind.is_number() => "REAL",
        _ if field.case_sensitive => "TEXT",
        _ => "TEXT COLLATE SF",
    };
    format!("\"{}\" {definition}", field.name)
}

/// A view over all objects, by which references to several of them are read (`Who.Name`).
fn names(schema: &Schema) -> String {
    let any = schema.any();
    let parts: Vec<String> = schema
        .objects()
        .iter()
        .filter_map(|object| {
            let name = object.name_field()?;
            let columns: Vec<String> = any
                .fields()
                .iter()
                .map(|field| match field.name.as_str() {
                    "Name" => format!("\"{}\" AS \"Name\"", name.name),
                    "Type" => format!("'{}' AS \"Type\"", object.name),
                    other => match object.field(other).filter(|f| f.stored()) {
                        Some(_) => format!("\"{other}\""),
                        None => format!("NULL AS \"{other}\""),
                    },
                })
                .collect();
            Some(format!("SELECT {} FROM \"{}\"", columns.join(", "), object.name))
        })
        .collect();
    format!("CREATE VIEW \"Name\" AS {};", parts.join(" UNION ALL "))
}

fn functions(conn: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    conn.create_scalar_function("sf_like", 2, flags, |call| {
        let (pattern, text): (String, Option<String>) = (call.get(0)?, call.get(1)?);
        Ok(text.is_some_and(|text| like(&pattern, &text)))
    })?;
    conn.create_scalar_function("sf_word", 2, flags, |call| {
        // Reading a pattern costs more than comparing it, and it is the same for all rows.
        let pattern: Arc<sosl::Pattern> = call.get_or_create_aux(0, |value| {
            Ok::<_, rusqlite::types::FromSqlError>(sosl::Pattern::new(value.as_str()?))
        })?;
        let text: Option<String> = call.get(1)?;
        Ok(text.is_some_and(|text| pattern.matches_words(&text)))
    })?;
    conn.create_scalar_function("sf_phone", 2, flags, |call| {
        let pattern: Arc<sosl::Pattern> = call.get_or_create_aux(0, |value| {
            Ok::<_, rusqlite::types::FromSqlError>(sosl::Pattern::new(value.as_str()?))
        })?;
        let text: Option<String> = call.get(1)?;
        Ok(text.is_some_and(|text| pattern.matches_phone(&text)))
    })
}

/// Text without regard to case, in every script.
fn compare_text(left: &str, right: &str) -> Ordering {
    let (mut a, mut b) =
        (left.chars().flat_map(char::to_lowercase), right.chars().flat_map(char::to_lowercase));
    loop {
        match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (x, y) if x == y => {}
            (x, y) => return x.cmp(&y),
        }
    }
}

/// LIKE: `%` any text, `_` one character, a backslash takes the next character as it is; case
/// does not matter.
pub(crate) fn like(pattern: &str, text: &str) -> bool {
    let mut pieces = Vec::new();
    let mut chars = pattern.chars().flat_map(char::to_lowercase);
    while let Some(c) = chars.next() {
        match c {
            '%' => pieces.push(Piece::Any),
            '_' => pieces.push(Piece::One),
            '\\' => pieces.extend(chars.next().map(Piece::Char)),
            c => pieces.push(Piece::Char(c)),
        }
    }
    let text: String = text.chars().flat_map(char::to_lowercase).collect();
    matches(&pieces, &text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_knows_wildcards_escapes_and_no_case() {
        for (pattern, text, expected) in [
            ("%keller%", "Anna KELLER", true),
            ("An_a%", "Anna Keller", true),
            ("An_a", "Anna Keller", false),
            ("100\\%", "100%", true),
            ("100\\%", "1000", false),
            ("a\\\\b", "a\\b", true),
            ("%", "", true),
            ("", "x", false),
            ("%ß%", "STRASSE ß", true),
            ("%a%a%a%b", "aaaaaaaaaaaaaaaaaaaa", false),
        ] {
            assert_eq!(like(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn text_compares_without_case_in_every_script() {
        assert_eq!(compare_text("ÄRGER", "ärger"), Ordering::Equal);
        assert_eq!(compare_text("a", "B"), Ordering::Less);
        assert_eq!(compare_text("a", "ab"), Ordering::Less);
    }

    #[test]
    fn times_are_kept_so_that_text_order_is_time_order() {
        let time: Timestamp = "2026-11-20T09:08:07.123456Z".parse().unwrap();
        assert_eq!(stored_time(time), "2026-11-20T09:08:07.123+0000");
    }
}
