//! `sobjects`: describes, and one record at a time.

use rusqlite::types::{Value as Sql, ValueRef};
use serde_json::{Map, Value, json};

use super::{Answer, Api, Failures, Outcome, Request};
use crate::salesforce::records::{Failure, Upserted, record_id};
use crate::salesforce::schema::{Field, Kind, Object, describe, describe_brief};
use crate::salesforce::soql;
use crate::salesforce::soql::ast::{Filter, Literal, Op, Operand, Path, Query, Select};
use crate::salesforce::storage::{Row, file_address, json_value};

pub(super) fn global(api: &Api<'_>, request: &Request) -> Answer {
    let objects: Vec<Value> =
        api.schema.objects().iter().map(|object| describe_brief(object, &request.base())).collect();
    Answer::ok(json!({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": objects}))
}

pub(super) fn head(api: &Api<'_>, request: &Request, object: &str) -> Outcome {
    let object = api.object(object)?;
    Ok(Answer::ok(json!({"objectDescribe": describe_brief(&object, &request.base()), "recentItems": []})))
}

pub(super) fn full(api: &Api<'_>, request: &Request, object: &str) -> Outcome {
    let object = api.object(object)?;
    Ok(Answer::ok(describe(api.schema, &object, &request.base())))
}

pub(super) fn create(api: &mut Api<'_>, request: &Request, object: &str) -> Outcome {
    let object = api.object(object)?;
    let fields = request.object()?;
    let id = api.writer().create(&object, &fields)?;
    let location = format!("{}/sobjects/{}/{id}", request.base(), object.name);
    let body = json!({"id": id, "success": true, "errors": []});
    Ok(Answer::created(body, location))
}

pub(super) fn read(api: &mut Api<'_>, request: &Request, object: &str, id: &str) -> Outcome {
    let object = api.object(object)?;
    let id = record_id(api.schema, &object, id)?;
    let row = api.writer().present(&object, &id)?;
    let record = match request.parameter("fields") {
        None => whole(&object, &row, &id, &request.base()),
        Some(fields) => some(api, request, &object, &id, fields)?,
    };
    Ok(Answer::ok(record))
}

/// Whether `name` is a field of `object` that holds a file.
pub(super) fn is_file(api: &Api<'_>, object: &str, name: &str) -> bool {
    let object = api.schema.object(object);
    object.and_then(|object| object.field(name)).is_some_and(|field| field.kind == Kind::Base64)
}

/// The bytes of a record's file. (REST API Developer Guide, "sObject Blob Get". Read 2026-11-21.)
pub(super) fn read_file(api: &mut Api<'_>, object: &str, id: &str, name: &str) -> Outcome {
    let object = api.object(object)?;
    let id = record_id(api.schema, &object, id)?;
    let mut row = api.writer().present(&object, &id)?;
    let field = object.field(name).ok_or_else(Failure::not_found)?;
    let Some(Sql::Blob(bytes)) = row.remove(&field.name) else { return Err(Failure::not_found().into()) };
    let content_type = match row.remove("ContentType") {
        Some(Sql::Text(text)) => text,
        _ => "application/octet-stream".to_owned(),
    };
    Ok(Answer::file(content_type, bytes))
}

pub(super) fn update(api: &mut Api<'_>, request: &Request, object: &str, id: &str) -> Outcome {
    let object = api.object(object)?;
    let id = record_id(api.schema, &object, id)?;
    let fields = request.object()?;
    if fields.keys().any(|key| key.eq_ignore_ascii_case("Id")) {
        let message = "The Id field should not be specified in the sobject data.";
        return Err(Failure::bad("INVALID_FIELD", message).into());
    }
    api.writer().update(&object, &id, &fields)?;
    Ok(Answer::nothing())
}

pub(super) fn delete(api: &mut Api<'_>, object: &str, id: &str) -> Outcome {
    let object = api.object(object)?;
    let id = record_id(api.schema, &object, id)?;
    api.writer().delete(&object, &id)?;
    Ok(Answer::nothing())
}

/// (REST API Developer Guide, "Insert or Update (Upsert) a Record Using an External ID": 201 created,
/// 200 updated from version 46.0 on and 204 before, 300 with the addresses of several.)
pub(super) fn upsert(api: &mut Api<'_>, request: &Request, object: &str, key: &str, value: &str) -> Outcome {
    let object = api.object(object)?;
    let field = key_field(&object, key)?.clone();
    let fields = request.object()?;
    if fields.keys().any(|name| name.eq_ignore_ascii_case(&field.name)) {
        let message = format!("The {} field should not be specified in the sobject data.", field.name);
        return Err(Failure::bad("INVALID_FIELD", message).into());
    }
    let body = |id: &str, created: bool| {
        let mut body = json!({"id": id, "success": true, "errors": []});
        if request.version >= 46
            && let Some(map) = body.as_object_mut()
        {
            map.insert("created".into(), created.into());
        }
        body
    };
    match api.writer().upsert(&object, &field, &Value::from(value), &fields)? {
        Upserted::Created(id) => {
            let location = format!("{}/sobjects/{}/{id}", request.base(), object.name);
            Ok(Answer::created(body(&id, true), location))
        }
        Upserted::Updated(id) if request.version >= 46 => Ok(Answer::ok(body(&id, false))),
        Upserted::Updated(_) => Ok(Answer::nothing()),
        Upserted::Several(ids) => Ok(several(&object, &ids, &request.base())),
    }
}

pub(super) fn read_by_key(
    api: &mut Api<'_>,
    request: &Request,
    object: &str,
    key: &str,
    value: &str,
) -> Outcome {
    let object = api.object(object)?;
    match by_key(api, &object, key, value)?.as_slice() {
        [id] => read(api, request, &object.name, id),
        many => Ok(several(&object, many, &request.base())),
    }
}

pub(super) fn delete_by_key(
    api: &mut Api<'_>,
    request: &Request,
    object: &str,
    key: &str,
    value: &str,
) -> Outcome {
    let object = api.object(object)?;
    match by_key(api, &object, key, value)?.as_slice() {
        [id] => delete(api, &object.name, id),
        many => Ok(several(&object, many, &request.base())),
    }
}

/// The field a record may be addressed by.
pub(super) fn key_field<'a>(object: &'a Object, name: &str) -> Result<&'a Field, Failure> {
    object.field(name).filter(|field| field.external_id || field.kind == Kind::Id).ok_or_else(|| {
        let message = format!("Provided external ID field does not exist or is not accessible: {name}");
        Failure::new(404, "NOT_FOUND", message)
    })
}

fn by_key(api: &Api<'_>, object: &Object, key: &str, value: &str) -> Result<Vec<String>, Failure> {
    let field = key_field(object, key)?;
    let found = api.storage.find(object, field, &Sql::Text(value.to_owned()), 11)?;
    if found.is_empty() { Err(Failure::not_found()) } else { Ok(found) }
}

fn several(object: &Object, ids: &[String], base: &str) -> Answer {
    let urls: Value = ids.iter().map(|id| format!("{base}/sobjects/{}/{id}", object.name)).collect();
    Answer::with(300, urls)
}

/// All fields of a record.
fn whole(object: &Object, row: &Row, id: &str, base: &str) -> Value {
    let mut map = Map::new();
    let url = format!("{base}/sobjects/{}/{id}", object.name);
    map.insert("attributes".into(), json!({"type": object.name, "url": url}));
    for field in object.stored() {
        let value = match field.kind {
            Kind::Base64 => file_address(&url, &field.name),
            kind => json_value(row.get(&field.name).map_or(ValueRef::Null, ValueRef::from), kind),
        };
        map.insert(field.name.clone(), value);
    }
    Value::Object(map)
}

/// The fields asked for, parents included (`Name,Account.Name`).
fn some(
    api: &Api<'_>,
    request: &Request,
    object: &Object,
    id: &str,
    fields: &str,
) -> Result<Value, Failures> {
    let names: Vec<String> = fields.split(',').map(|name| name.trim().to_owned()).collect();
    let mut found = select(api, request, object, &[id.to_owned()], &names)?;
    Ok(found.pop().unwrap_or(Value::Null))
}

/// `fields` of the records with these ids that are not deleted, in no particular order.
pub(super) fn select(
    api: &Api<'_>,
    request: &Request,
    object: &Object,
    ids: &[String],
    fields: &[String],
) -> Result<Vec<Value>, Failures> {
    let path = |name: &str| Path { parts: name.split('.').map(str::to_owned).collect(), at: 0 };
    let mut select: Vec<Select> = Vec::new();
    for name in fields {
        let item = Select::Field { path: path(name), alias: None };
        if !select.contains(&item) {
            select.push(item);
        }
    }
    let filter = match ids {
        [one] => {
            let left = Operand::Field(path("Id"));
            Filter::Compare { left, op: Op::Eq, value: Literal::Text(one.clone()), at: 0 }
        }
        many => {
            let values = many.iter().map(|id| Literal::Text(id.clone())).collect();
            Filter::In { path: path("Id"), negated: false, values, at: 0 }
        }
    };
    let query = Query {
        select,
        object: Path { parts: vec![object.name.clone()], at: 0 },
        alias: None,
        filter: Some(filter),
        group_by: Vec::new(),
        having: None,
        order_by: Vec::new(),
        limit: None,
        offset: None,
    };
    let compiled = soql::compile(super::query::context(api, "", false), &query).map_err(|mut error| {
        // There is no query text to show a place in.
        if let Some((_, message)) = error.message.rsplit_once('\n') {
            error.message = message.to_owned();
        }
        error
    })?;
    Ok(soql::read_rows(&api.storage.conn, &compiled, &request.base())?.1)
}
