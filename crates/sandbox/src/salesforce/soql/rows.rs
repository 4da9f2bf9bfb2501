//! Rows to JSON, as the REST API writes records.

use rusqlite::{Connection, Row, params_from_iter};
use serde_json::{Map, Value, json};

use super::compile::{Compiled, Member, Node, Shape};
use crate::salesforce::schema::Kind;
use crate::salesforce::storage::{file_address, json_value};

/// All rows of a query, and how many they are: for `COUNT()` the number without rows.
///
/// `base` is the path records are addressed under (`/services/data/v62.0`).
pub(crate) fn read_rows(
    conn: &Connection,
    query: &Compiled,
    base: &str,
) -> rusqlite::Result<(usize, Vec<Value>)> {
    let mut statement = conn.prepare_cached(&query.sql)?;
    let mut rows = statement.query(params_from_iter(&query.params))?;
    let mut records = Vec::new();
    while let Some(row) = rows.next()? {
        match &query.shape {
            Shape::Count => {
                let count: i64 = row.get(0)?;
                return Ok((usize::try_from(count).unwrap_or(0), records));
            }
            Shape::Records(node) => records.push(record(row, node, base)?),
            Shape::Aggregates(columns) => records.push(aggregate(row, columns)?),
        }
    }
    Ok((records.len(), records))
}

fn record(row: &Row<'_>, node: &Node, base: &str) -> rusqlite::Result<Value> {
    let Some(id) = row.get::<_, Option<String>>(node.id)? else { return Ok(Value::Null) };
    let kind = match node.kind {
        Some(column) => row.get::<_, String>(column)?,
        None => node.object.clone(),
    };
    let url = format!("{base}/sobjects/{kind}/{id}");
    let mut map = Map::new();
    // A record reached through a reference to several objects is of type `Name`; its address
    // still says what it is.
    map.insert("attributes".into(), json!({"type": node.object, "url": url}));
    for member in &node.members {
        match member {
            Member::Value { name, kind: Kind::Base64, .. } => {
                map.insert(name.clone(), file_address(&url, name));
            }
            Member::Value { name, column, kind } => {
                map.insert(name.clone(), json_value(row.get_ref(*column)?, *kind));
            }
            Member::Parent { name, node } => {
                map.insert(name.clone(), record(row, node, base)?);
            }
        }
    }
    Ok(Value::Object(map))
}

fn aggregate(row: &Row<'_>, columns: &[(String, Kind)]) -> rusqlite::Result<Value> {
    let mut map = Map::new();
    map.insert("attributes".into(), json!({"type": "AggregateResult"}));
    for (index, (name, kind)) in columns.iter().enumerate() {
        map.insert(name.clone(), json_value(row.get_ref(index)?, *kind));
    }
    Ok(Value::Object(map))
}
