//! What follows from a record's values: names made of two fields, statuses that close.
//!
//! (Salesforce, Object Reference: Contact, Lead, Case, Task, Opportunity. Read 2026-11-20.)

use rusqlite::types::Value as Sql;

use crate::salesforce::schema::{Object, Schema};
use crate::salesforce::storage::{Row, Storage};

/// Children that are deleted with their parent rather than let go, as (object, field).
const CASCADES: [(&str, &str); 3] =
    [("Contact", "AccountId"), ("Opportunity", "AccountId"), ("Attachment", "ParentId")];

pub(crate) fn cascades(object: &str, field: &str) -> bool {
    CASCADES.contains(&(object, field))
}

/// Fills in the fields nobody may write. `row` is the record as it is going to be, `before`
/// what it was; `now` as stored.
pub(super) fn derive(
    storage: &Storage,
    object: &Object,
    row: &mut Row,
    before: Option<&Row>,
    now: &str,
) -> rusqlite::Result<()> {
    match object.name.as_str() {
        "Contact" | "Lead" | "User" => {
            let parts = [text(row, "FirstName"), text(row, "LastName")];
            let name = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
            row.insert("Name".into(), Sql::Text(name));
        }
        "Case" => {
            let closed = text(row, "Status").as_deref() == Some("Closed");
            close(row, before, closed, "ClosedDate", now);
            if before.is_none() && text(row, "AccountId").is_none() {
                let account = parent(storage, "Contact", text(row, "ContactId"), "AccountId")?;
                row.insert("AccountId".into(), account);
            }
        }
        "Task" => {
            let closed = text(row, "Status").as_deref() == Some("Completed");
            close(row, before, closed, "CompletedDateTime", now);
            let high = text(row, "Priority").as_deref() == Some("High");
            row.insert("IsHighPriority".into(), Sql::Integer(i64::from(high)));
            row.insert("AccountId".into(), account_of_task(storage, row)?);
        }
        "Attachment" => {
            if let Some(Sql::Blob(bytes)) = row.get("Body") {
                let length = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
                row.insert("BodyLength".into(), Sql::Integer(length));
            }
        }
        "Opportunity" => {
            let stage = text(row, "StageName").unwrap_or_default();
            row.insert("IsClosed".into(), Sql::Integer(i64::from(stage.starts_with("Closed"))));
            row.insert("IsWon".into(), Sql::Integer(i64::from(stage == "Closed Won")));
        }
        _ => {}
    }
    Ok(())
}

/// A closed task with a day is an activity of all it belongs to.
///
/// (Salesforce, Object Reference, Contact, `LastActivityDate`: the due date of the most recently closed
/// task or event. Read 2026-11-21.)
pub(super) fn last_activity(
    schema: &Schema,
    storage: &mut Storage,
    object: &Object,
    row: &Row,
) -> rusqlite::Result<()> {
    let (Some(day), Some(Sql::Integer(1))) = (text(row, "ActivityDate"), row.get("IsClosed")) else {
        return Ok(());
    };
    if object.name != "Task" {
        return Ok(());
    }
    for id in ["WhoId", "WhatId", "AccountId"].iter().filter_map(|field| text(row, field)) {
        let Some(owner) = schema.object_of(&id).filter(|owner| owner.field("LastActivityDate").is_some())
        else {
            continue;
        };
        let known = storage.get(owner, &id)?.and_then(|row| text(&row, "LastActivityDate"));
        if known.is_none_or(|known| known < day) {
            storage.update(
                owner,
                &id,
                &Row::from([("LastActivityDate".to_owned(), Sql::Text(day.clone()))]),
            )?;
        }
    }
    Ok(())
}

fn close(row: &mut Row, before: Option<&Row>, closed: bool, date: &str, now: &str) {
    let was = before.is_some_and(|row| row.get("IsClosed") == Some(&Sql::Integer(1)));
    row.insert("IsClosed".into(), Sql::Integer(i64::from(closed)));
    if !closed {
        row.insert(date.into(), Sql::Null);
    } else if !was {
        row.insert(date.into(), Sql::Text(now.into()));
    }
}

/// The account a task belongs to: its `What` when that is one or has one, else its contact's.
fn account_of_task(storage: &Storage, row: &Row) -> rusqlite::Result<Sql> {
    let what = text(row, "WhatId");
    let from_what = match what.as_deref().and_then(|id| id.get(..3)) {
        Some("001") => return Ok(what.map_or(Sql::Null, Sql::Text)),
        Some("006") => parent(storage, "Opportunity", what, "AccountId")?,
        Some("500") => parent(storage, "Case", what, "AccountId")?,
        _ => Sql::Null,
    };
    if from_what != Sql::Null {
        return Ok(from_what);
    }
    let contact = text(row, "WhoId").filter(|id| id.starts_with("003"));
    parent(storage, "Contact", contact, "AccountId")
}

fn parent(storage: &Storage, object: &str, id: Option<String>, field: &str) -> rusqlite::Result<Sql> {
    let Some(id) = id else { return Ok(Sql::Null) };
    let sql = format!("SELECT \"{field}\" FROM \"{object}\" WHERE \"Id\" = ?1");
    let mut statement = storage.conn.prepare_cached(&sql)?;
    let mut rows = statement.query([id])?;
    rows.next()?.map_or(Ok(Sql::Null), |row| row.get(0))
}

fn text(row: &Row, field: &str) -> Option<String> {
    match row.get(field) {
        Some(Sql::Text(text)) => Some(text.clone()),
        _ => None,
    }
}
