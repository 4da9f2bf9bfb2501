//! The outbox's writes: up to 200 rows of one object in as few calls as Salesforce allows.
//!
//! Where the key field is an external id, one upsert call does it; a single row is upserted by its
//! address, as the reference functions do it. Objects without one, such as
//! Task, are looked up by the key field with one query for the whole batch, then updated or created.
//! A row's failure never touches the others (`allOrNone` is off).

use std::collections::{BTreeSet, HashMap, HashSet};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tieline_core::{JsonMap, OutboxRow, RecordId, RowFailure, RowResult, Written};
use tracing::warn;

use crate::client::{Call, Client};
use crate::convert;
use crate::describe::Describe;
use crate::failure::Failure;
use crate::rows;
use crate::soql;
use crate::wire::{Problem, SaveError, SaveResult};

/// What Salesforce takes in one collections call.
pub(crate) const ROWS_A_CALL: usize = 200;

/// Several records have the key; none was written. Collections say so with this code.
const SEVERAL_RECORDS: &str = "DUPLICATE_EXTERNAL_ID";

/// How long the list of keys in one look-up may be: the address of a request ends at 16 KiB.
const KEYS_TEXT: usize = 6_000;

/// How a row reaches the org.
#[derive(Debug, Clone, PartialEq, Eq)]
enum How {
    Upsert,
    Update(RecordId),
    Create,
}

/// One row on its way.
struct Pending<'a> {
    place: usize,
    row: &'a OutboxRow,
    how: How,
    fields: JsonMap,
    dropped: Vec<String>,
}

/// A row whose fields are not what the org has, and what the org said.
struct Complaint<'a> {
    row: Pending<'a>,
    error: SaveError,
    /// Said of the request as a whole, so that this row may be innocent.
    of_all: bool,
}

/// How many rows the caller gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rows {
    One,
    Many,
}

/// Whether fields may still be taken out of a row that is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Try {
    First,
    Last,
}

/// What became of a row in one call.
enum Outcome {
    Done(RowResult),
    /// Fields of it are not what the org has.
    Schema(SaveError),
}

pub(crate) async fn write(client: &Client, rows: &[OutboxRow]) -> Result<Vec<RowResult>, Failure> {
    let Some(first) = rows.first() else { return Ok(Vec::new()) };
    let (object, key_field) = (first.object.as_str(), first.key_field.as_str());
    if rows.iter().any(|row| row.object != object || row.key_field != key_field) || rows.len() > ROWS_A_CALL {
        return Err(Failure::refused_by_us(
            "MIXED_ROWS",
            "one write takes at most 200 rows of one object and key",
        ));
    }
    for name in [object, key_field] {
        if !soql::is_name(name) {
            return Err(Failure::refused_by_us(
                "UNSAFE_NAME",
                "a name must be letters, digits and underscores",
            ));
        }
    }
    let describe = client.describe(object).await?;
    let alone = if rows.len() == 1 { Rows::One } else { Rows::Many };
    let pending = plan(client, rows, &describe).await?;
    let mut results: Vec<Option<RowResult>> = vec![None; rows.len()];
    let again = send_all(client, object, key_field, pending, (alone, Try::First), &mut results).await?;
    if !again.is_empty() {
        let mended = mend(client, object, again, &mut results).await?;
        for complaint in send_all(client, object, key_field, mended, (alone, Try::Last), &mut results).await?
        {
            refuse(&mut results, &complaint.row, complaint.error);
        }
    }
    Ok(results.into_iter().map(|result| result.expect("every row was sent or refused")).collect())
}

/// Decides per row how it is written, after one look at what the org holds already.
async fn plan<'a>(
    client: &Client,
    rows: &'a [OutboxRow],
    describe: &Describe,
) -> Result<Vec<Pending<'a>>, Failure> {
    let upsert = describe.is_key(&rows[0].key_field);
    let current = look(client, rows, upsert, describe).await?;
    let refused = client.refused_fields(&rows[0].object);
    Ok(rows
        .iter()
        .enumerate()
        .map(|(place, row)| {
            let found = current.of(row);
            let how = match (&row.record, found) {
                (Some(record), _) => How::Update(record.clone()),
                (None, _) if upsert => How::Upsert,
                (None, Some(found)) => match convert::text(found, "Id").map(RecordId::new) {
                    Some(Ok(id)) => How::Update(id),
                    _ => How::Create,
                },
                (None, None) => How::Create,
            };
            let mut fields = row.fields.clone();
            if let Some(found) = found {
                for (field, was) in &row.unless_changed {
                    if !convert::same_value(found.get(field), was) {
                        fields.shift_remove(field);
                    }
                }
            }
            let mut dropped = Vec::new();
            fields.retain(|field, _| {
                let keep = !refused.contains(&field.to_ascii_lowercase());
                if !keep {
                    dropped.push(field.clone());
                }
                keep
            });
            Pending { place, row, how, fields, dropped }
        })
        .collect())
}

/// Rows the org holds already, by key and by id.
#[derive(Default)]
struct Current {
    by_key: HashMap<String, JsonMap>,
    by_id: HashMap<String, JsonMap>,
}

impl Current {
    fn of(&self, row: &OutboxRow) -> Option<&JsonMap> {
        match &row.record {
            Some(record) => self.by_id.get(short(record.as_str())),
            None => self.by_key.get(&row.key),
        }
    }
}

/// An id of 18 characters is one of 15 with a checksum.
fn short(id: &str) -> &str {
    id.get(..15).unwrap_or(id)
}

/// One query for the batch: rows whose record is unknown by key, rows with something to protect by key or id.
async fn look(
    client: &Client,
    rows: &[OutboxRow],
    upsert: bool,
    describe: &Describe,
) -> Result<Current, Failure> {
    let key_field = rows[0].key_field.as_str();
    let by_key: Vec<&str> = rows
        .iter()
        .filter(|row| row.record.is_none() && (!upsert || !row.unless_changed.is_empty()))
        .map(|row| row.key.as_str())
        .collect();
    let by_id: Vec<&str> = rows
        .iter()
        .filter(|row| !row.unless_changed.is_empty())
        .filter_map(|row| row.record.as_ref().map(RecordId::as_str))
        .filter(|id| convert::is_record_id(id))
        .collect();
    let mut columns: BTreeSet<&str> =
        rows.iter().flat_map(|row| row.unless_changed.keys().map(String::as_str)).collect();
    columns.remove("Id");
    columns.remove(key_field);
    // What the org has not cannot have been changed there; writing it will say so.
    columns.retain(|column| soql::is_name(column) && describe.field(column).is_some());
    let mut select = format!("SELECT Id, {key_field}");
    for column in columns {
        select.push_str(", ");
        select.push_str(column);
    }
    let mut current = Current::default();
    for condition in conditions(key_field, &by_key, &by_id) {
        // The oldest wins, should there ever be two: it is the one people have worked with.
        let text = format!("{select} FROM {} WHERE {condition} ORDER BY CreatedDate, Id", rows[0].object);
        let found = rows::run(client, &text, tieline_core::Paging::UpTo(10 * ROWS_A_CALL)).await?;
        for row in found.rows {
            if let Some(id) = convert::text(&row, "Id") {
                current.by_id.insert(short(id).to_owned(), row.clone());
            }
            if let Some(key) = convert::text(&row, key_field).map(str::to_owned) {
                current.by_key.entry(key).or_insert(row);
            }
        }
    }
    Ok(current)
}

/// `CallObject IN (…) OR Id IN (…)`, in as few pieces as the length of an address allows.
fn conditions(key_field: &str, by_key: &[&str], by_id: &[&str]) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut piece: Vec<(&str, Vec<String>)> = Vec::new();
    let mut length = 0;
    let all = by_key.iter().map(|key| (key_field, *key)).chain(by_id.iter().map(|id| ("Id", *id)));
    let close = |piece: &mut Vec<(&str, Vec<String>)>| {
        let parts: Vec<String> =
            piece.drain(..).map(|(field, values)| format!("{field} IN ({})", values.join(", "))).collect();
        parts.join(" OR ")
    };
    for (field, value) in all {
        let value = soql::literal(value);
        // As the address will hold it, an escape taking three characters.
        length += value.len() * 2 + 6;
        if length > KEYS_TEXT && !piece.is_empty() {
            pieces.push(close(&mut piece));
            length = value.len() * 2 + 6;
        }
        match piece.last_mut() {
            Some((last, values)) if *last == field => values.push(value),
            _ => piece.push((field, vec![value])),
        }
    }
    if !piece.is_empty() {
        pieces.push(close(&mut piece));
    }
    pieces
}

/// Sends everything, one collections call per way of writing; returns what must be mended.
async fn send_all<'a>(
    client: &Client,
    object: &str,
    key_field: &str,
    pending: Vec<Pending<'a>>,
    (alone, attempt): (Rows, Try),
    results: &mut [Option<RowResult>],
) -> Result<Vec<Complaint<'a>>, Failure> {
    let mut ways: [Vec<Pending<'a>>; 3] = Default::default();
    for row in pending {
        ways[match row.how {
            How::Upsert => 0,
            How::Update(_) => 1,
            How::Create => 2,
        }]
        .push(row);
    }
    let mut again = Vec::new();
    for way in ways {
        // A request Salesforce refuses as a whole is halved until the row is found.
        let mut parts = vec![way];
        while let Some(mut part) = parts.pop() {
            if part.is_empty() {
                continue;
            }
            match send(client, object, key_field, alone, &part).await {
                Ok(outcomes) => {
                    for (row, outcome) in part.into_iter().zip(outcomes) {
                        match outcome {
                            Outcome::Done(result) => results[row.place] = Some(result),
                            Outcome::Schema(error) => again.push(Complaint { row, error, of_all: false }),
                        }
                    }
                }
                Err(failure @ Failure::Rejected { status: 400, .. }) => {
                    let error = save_error(&failure);
                    if attempt == Try::First && is_schema(&error.status_code) {
                        again.extend(part.into_iter().map(|row| Complaint {
                            row,
                            error: error.clone(),
                            of_all: true,
                        }));
                    } else if part.len() == 1 {
                        refuse(results, &part[0], error);
                    } else {
                        let half = part.split_off(part.len() / 2);
                        parts.push(half);
                        parts.push(part);
                    }
                }
                Err(other) => return Err(other),
            }
        }
    }
    Ok(again)
}

fn refuse(results: &mut [Option<RowResult>], row: &Pending<'_>, error: SaveError) {
    results[row.place] = Some(Err(RowFailure::Permanent { code: error.status_code, message: error.message }));
}

fn save_error(failure: &Failure) -> SaveError {
    match failure {
        Failure::Rejected { problem, .. } => problem.clone().into(),
        _ => SaveError { status_code: String::new(), message: String::new(), fields: Vec::new() },
    }
}

async fn send(
    client: &Client,
    object: &str,
    key_field: &str,
    alone: Rows,
    part: &[Pending<'_>],
) -> Result<Vec<Outcome>, Failure> {
    if let [row] = part
        && alone == Rows::One
        && row.how == How::Upsert
        && fits_an_address(&row.row.key)
    {
        return Ok(vec![upsert_one(client, object, key_field, row).await?]);
    }
    let records: Vec<Value> = part.iter().map(|row| record(object, key_field, row)).collect();
    let body = json!({"allOrNone": false, "records": records});
    let call = match part[0].how {
        // "REST API Developer Guide", "Upsert Records Using sObject Collections": API 46 and later;
        // the other collections are of API 42. (Read 2026-11-21.)
        How::Upsert => Call::new(Method::PATCH, &["composite", "sobjects", object, key_field]).since(46),
        How::Update(_) => Call::new(Method::PATCH, &["composite", "sobjects"]).since(42),
        How::Create => Call::new(Method::POST, &["composite", "sobjects"]).since(42),
    };
    let answers: Vec<SaveResult> = client.call(call.json(&body)).await?;
    if answers.len() != part.len() {
        let error = serde::de::Error::custom(format!("{} results for {} rows", answers.len(), part.len()));
        return Err(Failure::malformed(200, error));
    }
    Ok(part.iter().zip(answers).map(|(row, answer)| outcome(key_field, row, answer)).collect())
}

/// Whether a key can be the last segment of an address. Dots alone would climb, and Salesforce
/// takes `.inc` and other endings for a file's and answers 404. ("REST API Developer Guide",
/// "Upsert Records Using sObject Rows by External ID", read 2026-11-21.)
fn fits_an_address(key: &str) -> bool {
    match key.rsplit_once('.') {
        None => !key.is_empty(),
        Some((_, ending)) => !ending.chars().all(char::is_alphabetic),
    }
}

/// One row, by the address of its key.
///
/// Salesforce answers 201 when it made the record and 200 when it changed one, with its id;
/// before API 46 it answers a change with 204 and nothing. 300 says that several records have the
/// key, and that none was written. (The same guide, "Insert or Update (Upsert) a Record Using an
/// External ID", read 2026-11-21.)
async fn upsert_one(
    client: &Client,
    object: &str,
    key_field: &str,
    row: &Pending<'_>,
) -> Result<Outcome, Failure> {
    let mut fields = record(object, key_field, row);
    if let Value::Object(members) = &mut fields {
        members.shift_remove("attributes");
        // The key is in the address, and must not be in the body as well.
        members.shift_remove(key_field);
    }
    let call = Call::new(Method::PATCH, &["sobjects", object, key_field, &row.row.key]).json(&fields);
    match client.bytes(call).await {
        Ok((status, body)) if body.trim_ascii().is_empty() => Ok(Outcome::Done(Ok(Written {
            record: None,
            created: status == StatusCode::CREATED,
            dropped: row.dropped.clone(),
        }))),
        Ok((status, body)) => {
            let mut answer: SaveResult =
                serde_json::from_slice(&body).map_err(|error| Failure::malformed(status.as_u16(), error))?;
            answer.created.get_or_insert(status == StatusCode::CREATED);
            Ok(outcome(key_field, row, answer))
        }
        Err(Failure::Rejected { status: 300, problem, .. }) => {
            Ok(Outcome::Done(Err(RowFailure::Permanent {
                code: SEVERAL_RECORDS.into(),
                message: problem.message,
            })))
        }
        // What collections say of a row, as an answer of its own; what they never say of one is
        // about the request: the object, the key field, the user.
        // Nothing is known of a field to leave out, so another try would be a guess.
        Err(Failure::Rejected { status: 400, problem, others })
            if is_schema(&problem.code) && others.is_empty() && !names_a_field(&problem, &row.fields) =>
        {
            Ok(Outcome::Done(Err(RowFailure::Permanent { code: problem.code, message: problem.message })))
        }
        Err(Failure::Rejected { status: 400, problem, others }) => {
            let errors = std::iter::once(problem).chain(others).map(SaveError::from).collect();
            Ok(outcome(key_field, row, SaveResult { id: None, success: false, created: None, errors }))
        }
        Err(failure) => Err(failure),
    }
}

fn record(object: &str, key_field: &str, row: &Pending<'_>) -> Value {
    let mut record = JsonMap::new();
    record.insert("attributes".into(), json!({"type": object}));
    match &row.how {
        How::Update(id) => {
            record.insert("id".into(), id.as_str().into());
        }
        How::Upsert | How::Create => {
            record.insert(key_field.into(), row.row.key.as_str().into());
        }
    }
    for (field, value) in &row.fields {
        // The key is ours to set, and never changes.
        if !field.eq_ignore_ascii_case(key_field) && !field.eq_ignore_ascii_case("id") {
            record.insert(field.clone(), value.clone());
        }
    }
    Value::Object(record)
}

fn outcome(key_field: &str, row: &Pending<'_>, answer: SaveResult) -> Outcome {
    let known = match &row.how {
        How::Update(id) => Some(id.clone()),
        How::Upsert | How::Create => None,
    };
    if answer.success {
        let Some(record) = answer.id.and_then(|id| RecordId::new(id).ok()).or(known) else {
            return Outcome::Done(Err(RowFailure::Permanent {
                code: "NO_ID".into(),
                message: "the org wrote the row and did not say its id".into(),
            }));
        };
        let created = answer.created.unwrap_or(row.how == How::Create);
        return Outcome::Done(Ok(Written { record: Some(record), created, dropped: row.dropped.clone() }));
    }
    let mut errors = answer.errors.into_iter();
    let Some(mut error) = errors.next() else {
        return Outcome::Done(Err(RowFailure::Permanent {
            code: "UNKNOWN".into(),
            message: "the org refused the row without a reason".into(),
        }));
    };
    if is_schema(&error.status_code) {
        error.fields.extend(errors.flat_map(|other| other.fields));
        return Outcome::Schema(error);
    }
    let code = error.status_code.clone();
    let mut message = error.message;
    for other in errors {
        message.push_str("; ");
        message.push_str(&other.status_code);
        message.push_str(": ");
        message.push_str(&other.message);
    }
    let held = code == "UNABLE_TO_LOCK_ROW"
        // Somebody created a row of the same key at the same moment; the next try updates theirs.
        || (code == "DUPLICATE_VALUE" && row.how == How::Upsert && message.contains(key_field));
    Outcome::Done(Err(if held {
        RowFailure::Contention { code, message }
    } else {
        RowFailure::Permanent { code, message }
    }))
}

/// Codes that say the org's fields are not what we think.
fn is_schema(code: &str) -> bool {
    matches!(
        code,
        "INVALID_FIELD"
            | "INVALID_FIELD_FOR_INSERT_UPDATE"
            | "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
            | "INVALID_TYPE_ON_FIELD_IN_RECORD"
    )
}

/// Takes out of each row what the org has not, after asking it what it has.
async fn mend<'a>(
    client: &Client,
    object: &str,
    again: Vec<Complaint<'a>>,
    results: &mut [Option<RowResult>],
) -> Result<Vec<Pending<'a>>, Failure> {
    let describe = client.refresh_describe(object).await?;
    let mut mended = Vec::with_capacity(again.len());
    for Complaint { mut row, error, of_all } in again {
        let bad = bad_fields(&describe, &row.fields, &error);
        if bad.is_empty() && !of_all {
            refuse(results, &row, error);
            continue;
        }
        // A refused value is wrong in this row; a refused field is wrong in all.
        let whole_field = is_about_the_field(&error.status_code);
        for field in bad {
            row.fields.shift_remove(&field);
            if whole_field {
                client.remember_refused(object, &field);
            }
            warn!(
                crm.object = object,
                crm.field = field,
                code = error.status_code,
                "Dropped a field Salesforce refuses"
            );
            row.dropped.push(field);
        }
        mended.push(row);
    }
    Ok(mended)
}

fn names_a_field(problem: &Problem, fields: &JsonMap) -> bool {
    !problem.fields.is_empty()
        || problem.message.contains('\'')
        || fields.keys().any(|field| problem.message.contains(field.as_str()))
}

fn is_about_the_field(code: &str) -> bool {
    matches!(code, "INVALID_FIELD" | "INVALID_FIELD_FOR_INSERT_UPDATE")
}

/// The fields of a row that the error names, or that the fresh description does not have.
fn bad_fields(describe: &Describe, fields: &JsonMap, error: &SaveError) -> Vec<String> {
    let named: HashSet<String> = error.fields.iter().map(|field| field.to_ascii_lowercase()).collect();
    fields
        .keys()
        .filter(|field| {
            named.contains(&field.to_ascii_lowercase())
                || (is_about_the_field(&error.status_code) && !describe.can_write(field))
                // `No such column 'Foo__c' on sobject of type Task`
                || error.message.contains(&format!("'{field}'"))
        })
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_condition_looks_for_keys_and_ids_together() {
        assert_eq!(
            conditions("CallObject", &["c-1", "c'2"], &["00T000000000001"]),
            [r"CallObject IN ('c-1', 'c\'2') OR Id IN ('00T000000000001')"]
        );
        assert!(conditions("CallObject", &[], &[]).is_empty());
    }

    #[test]
    fn two_hundred_long_keys_are_looked_for_in_pieces_that_fit_an_address() {
        let keys: Vec<String> = (0..200).map(|i| format!("{i:0>250}")).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let pieces = conditions("CallObject", &keys, &[]);
        assert!(pieces.iter().all(|piece| piece.len() < 8_000));
        assert_eq!(pieces.iter().map(|piece| piece.matches("', '").count() + 1).sum::<usize>(), 200);
    }
}
