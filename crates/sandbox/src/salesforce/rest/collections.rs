//! `composite/sobjects`: up to 200 records a call, each with its own result.
//!
//! With `allOrNone` one refused record undoes the others, and they say so.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::sobjects::{key_field, select};
use super::{Answer, Api, Failures, Outcome, Request};
use crate::salesforce::ids;
use crate::salesforce::records::{Failure, Upserted, record_id};
use crate::salesforce::schema::Object;

const MOST: usize = 200;
/// (REST API Developer Guide, "Get Multiple Records with Fewer Round-Trips": 2,000 by POST.)
const MOST_READ: usize = 2_000;

type Fields = Map<String, Value>;

/// One record's result: its id, if known, and whether it was created, for upserts.
type RowResult = Result<(String, Option<bool>), Failure>;

pub(super) fn create(api: &mut Api<'_>, request: &Request) -> Outcome {
    let (all_or_none, records) = body(request)?;
    run(api, all_or_none, &records, |api, _, record| {
        let object = object_of(api, record)?;
        api.writer().create(&object, record).map(|id| (id, None))
    })
}

pub(super) fn update(api: &mut Api<'_>, request: &Request) -> Outcome {
    let (all_or_none, records) = body(request)?;
    run(api, all_or_none, &records, |api, _, record| {
        let object = object_of(api, record)?;
        let id =
            record.iter().find(|(key, _)| key.eq_ignore_ascii_case("Id")).and_then(|(_, id)| id.as_str());
        let Some(id) = id else {
            return Err(Failure::bad("MISSING_ARGUMENT", "Id not specified in an update call"));
        };
        let id = record_id(api.schema, &object, id).map_err(in_collection)?;
        api.writer().update(&object, &id, record).map_err(in_collection)?;
        Ok((id, None))
    })
}

pub(super) fn upsert(api: &mut Api<'_>, request: &Request, object: &str, key: &str) -> Outcome {
    let object = api.object(object)?;
    let field = key_field(&object, key)?.clone();
    let (all_or_none, records) = body(request)?;
    let value_of = |record: &Fields| {
        record.iter().find(|(name, _)| name.eq_ignore_ascii_case(&field.name)).map(|(_, value)| value.clone())
    };
    let mut times: HashMap<String, usize> = HashMap::new();
    for value in records.iter().filter_map(value_of) {
        *times.entry(value.to_string()).or_default() += 1;
    }
    run(api, all_or_none, &records, |api, _, record| {
        let own = object_of(api, record)?;
        if own.name != object.name {
            let message = format!("Entity type {} does not match the request's {}", own.name, object.name);
            return Err(Failure::bad("INVALID_TYPE", message));
        }
        let Some(value) = value_of(record).filter(|value| !value.is_null()) else {
            return Err(Failure::bad("MISSING_ARGUMENT", format!("{} not specified", field.name)));
        };
        if times.get(&value.to_string()).is_some_and(|times| *times > 1) {
            let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            return Err(Failure::bad("DUPLICATE_VALUE", format!("Duplicate external id specified: {shown}")));
        }
        let mut fields = record.clone();
        fields.retain(|name, _| !name.eq_ignore_ascii_case(&field.name));
        match api.writer().upsert(&object, &field, &value, &fields).map_err(in_collection)? {
            Upserted::Created(id) => Ok((id, Some(true))),
            Upserted::Updated(id) => Ok((id, Some(false))),
            Upserted::Several(ids) => {
                let message = format!(
                    "{}: more than one record found for external id field: [{}]",
                    field.name,
                    ids.join(", ")
                );
                Err(Failure::bad("DUPLICATE_EXTERNAL_ID", message))
            }
        }
    })
}

pub(super) fn delete(api: &mut Api<'_>, request: &Request) -> Outcome {
    let ids: Vec<String> = request
        .parameter("ids")
        .unwrap_or_default()
        .split(',')
        .filter(|id| !id.is_empty())
        .map(str::to_owned)
        .collect();
    check_count(ids.len(), MOST)?;
    let all_or_none = request.parameter("allOrNone").is_some_and(|text| text.eq_ignore_ascii_case("true"));
    let records: Vec<Fields> =
        ids.into_iter().map(|id| Fields::from_iter([("Id".to_owned(), Value::from(id))])).collect();
    run(api, all_or_none, &records, |api, _, record| {
        let text = record.get("Id").and_then(Value::as_str).unwrap_or_default();
        let malformed = || Failure::bad("MALFORMED_ID", format!("malformed id {text}"));
        let id = ids::normalize(text).ok_or_else(malformed)?;
        let object = api.schema.object_of(&id).cloned().ok_or_else(malformed)?;
        api.writer().delete(&object, &id).map_err(in_collection)?;
        Ok((id, None))
    })
}

pub(super) fn read_get(api: &mut Api<'_>, request: &Request, object: &str) -> Outcome {
    let list = |name: &str| -> Vec<String> {
        let text = request.parameter(name).unwrap_or_default();
        text.split(',').map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect()
    };
    read(api, request, object, &list("ids"), &list("fields"))
}

pub(super) fn read_post(api: &mut Api<'_>, request: &Request, object: &str) -> Outcome {
    let body = request.object()?;
    let list = |name: &str| -> Vec<String> {
        let items = body.get(name).and_then(Value::as_array);
        items
            .map(|items| items.iter().filter_map(|i| i.as_str().map(str::to_owned)).collect())
            .unwrap_or_default()
    };
    read(api, request, object, &list("ids"), &list("fields"))
}

/// Records in the order of `ids`; null where there is none.
fn read(api: &mut Api<'_>, request: &Request, object: &str, ids: &[String], fields: &[String]) -> Outcome {
    let object = api.object(object)?;
    check_count(ids.len(), MOST_READ)?;
    if ids.is_empty() || fields.is_empty() {
        return Err(Failure::bad("MISSING_ARGUMENT", "ids and fields have to be specified").into());
    }
    let wanted: Vec<Option<String>> = ids.iter().map(|id| ids::normalize(id)).collect();
    let known: Vec<String> = wanted.iter().flatten().cloned().collect();
    if known.is_empty() {
        return Ok(Answer::ok(vec![Value::Null; ids.len()].into()));
    }
    let found = select(api, request, &object, &known, fields)?;
    let id_of = |record: &Value| {
        let url = record.pointer("/attributes/url").and_then(Value::as_str).unwrap_or_default();
        url.rsplit('/').next().unwrap_or_default().to_owned()
    };
    let by_id: HashMap<String, Value> = found.into_iter().map(|record| (id_of(&record), record)).collect();
    let records: Vec<Value> = wanted
        .iter()
        .map(|id| id.as_ref().and_then(|id| by_id.get(id)).cloned().unwrap_or(Value::Null))
        .collect();
    Ok(Answer::ok(records.into()))
}

fn body(request: &Request) -> Result<(bool, Vec<Fields>), Failures> {
    let body = request.object()?;
    let all_or_none = body.get("allOrNone").and_then(Value::as_bool).unwrap_or(false);
    let Some(Value::Array(records)) = body.get("records") else {
        return Err(Failure::bad("JSON_PARSER_ERROR", "records: an array is required").into());
    };
    check_count(records.len(), MOST)?;
    let mut all = Vec::with_capacity(records.len());
    for record in records {
        let Value::Object(map) = record else {
            return Err(Failure::bad("JSON_PARSER_ERROR", "records: every element must be an object").into());
        };
        all.push(map.clone());
    }
    Ok((all_or_none, all))
}

fn check_count(count: usize, most: usize) -> Result<(), Failure> {
    if count <= most {
        return Ok(());
    }
    let message = format!("record limit reached. cannot submit more than {most} records into this call");
    Err(Failure::bad("EXCEEDED_ID_LIMIT", message))
}

/// Runs `work` for each record; a refused one leaves nothing behind.
fn run(
    api: &mut Api<'_>,
    all_or_none: bool,
    records: &[Fields],
    mut work: impl FnMut(&mut Api<'_>, usize, &Fields) -> RowResult,
) -> Outcome {
    let mut results: Vec<RowResult> = Vec::with_capacity(records.len());
    // An error of the transaction itself ends the call; errors of rows are results.
    let undone = api.undoable(|api| {
        for (index, record) in records.iter().enumerate() {
            results.push(api.undoable(|api| work(api, index, record)));
        }
        if all_or_none && results.iter().any(Result::is_err) { Err(Undo::Rows) } else { Ok(()) }
    });
    match undone {
        Ok(()) => {}
        Err(Undo::Rows) => {
            for result in results.iter_mut().filter(|result| result.is_ok()) {
                let message = "Record rolled back because not all records were valid and the request was using AllOrNone header";
                *result = Err(Failure::bad("ALL_OR_NONE_OPERATION_ROLLED_BACK", message));
            }
        }
        Err(Undo::Broken(error)) => return Err(error.into()),
    }
    Ok(Answer::ok(results.iter().map(row).collect()))
}

enum Undo {
    Rows,
    Broken(rusqlite::Error),
}

impl From<rusqlite::Error> for Undo {
    fn from(error: rusqlite::Error) -> Self {
        Self::Broken(error)
    }
}

fn row(result: &RowResult) -> Value {
    match result {
        Ok((id, created)) => {
            let mut row = json!({"id": id, "success": true, "errors": []});
            if let (Some(created), Some(map)) = (created, row.as_object_mut()) {
                map.insert("created".into(), (*created).into());
            }
            row
        }
        Err(failure) => json!({"success": false, "errors": [failure.row_json()]}),
    }
}

fn object_of(api: &Api<'_>, record: &Fields) -> Result<Arc<Object>, Failure> {
    let name = record.get("attributes").and_then(|a| a.get("type")).and_then(Value::as_str);
    let Some(name) = name else {
        return Err(Failure::bad("INVALID_INPUT", "attributes.type has to be specified for every record"));
    };
    api.schema
        .object(name)
        .cloned()
        .ok_or_else(|| Failure::bad("INVALID_TYPE", format!("sObject type '{name}' is not supported.")))
}

/// Within a collection a missing record is a bad reference rather than a missing address.
fn in_collection(failure: Failure) -> Failure {
    match failure.code {
        "NOT_FOUND" => Failure::bad("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id"),
        _ => failure,
    }
}
