//! What a request does to records, told alike for single requests and collections.

use serde_json::{Map, Value, json};

use super::stand_in::{Reply, Seen};

/// Where a write goes: the path after `/services/data/vNN.N/`, in pieces.
fn pieces(path: &str) -> Vec<&str> {
    path.split('/').skip(4).collect()
}

/// What a recorded request writes; nothing for reads.
pub fn of_record(request: &Value) -> Vec<Value> {
    let text = |name: &str| request[name].as_str().unwrap();
    writes(text("method"), text("path"), &request["body"])
}

/// What a request of ours writes.
pub fn of_request(request: &Seen) -> Vec<Value> {
    if request.method == "GET" || request.is_token_request() {
        return Vec::new();
    }
    writes(&request.method, &request.path, &request.json())
}

fn writes(method: &str, path: &str, body: &Value) -> Vec<Value> {
    if method == "GET" || path.ends_with("/oauth2/token") {
        return Vec::new();
    }
    match (method, pieces(path).as_slice()) {
        // The value of a key may hold a slash.
        ("PATCH", ["sobjects", object, field, value @ ..]) if !value.is_empty() => {
            vec![write("upsert", object, field, &value.join("/"), body)]
        }
        ("PATCH", ["sobjects", object, id]) => vec![write("update", object, "Id", id, body)],
        ("DELETE", ["sobjects", object, id]) => vec![write("delete", object, "Id", id, &Value::Null)],
        ("POST", ["sobjects", object]) => vec![write("create", object, "", "", body)],
        ("PATCH", ["composite", "sobjects", object, field]) => records(body)
            .into_iter()
            .map(|mut record| {
                let key = record.remove(*field).unwrap_or_default();
                write("upsert", object, field, &plain(&key), &record.into())
            })
            .collect(),
        ("POST", ["composite", "sobjects"]) => records(body)
            .into_iter()
            .zip(body["records"].as_array().unwrap())
            .map(|(record, whole)| {
                write("create", whole["attributes"]["type"].as_str().unwrap(), "", "", &record.into())
            })
            .collect(),
        (_, pieces) => vec![json!({ "verb": method, "at": pieces.join("/"), "fields": sorted(body) })],
    }
}

fn write(verb: &str, object: &str, field: &str, key: &str, fields: &Value) -> Value {
    json!({ "verb": verb, "object": object, "field": field, "key": key, "fields": sorted(fields) })
}

fn records(body: &Value) -> Vec<Map<String, Value>> {
    let records = body["records"].as_array().unwrap().iter();
    records
        .map(|record| {
            let mut record = record.as_object().unwrap().clone();
            record.remove("attributes");
            record
        })
        .collect()
}

/// The order of members does not matter to Salesforce.
fn sorted(body: &Value) -> Value {
    match body {
        Value::Object(members) => {
            let mut members: Vec<(String, Value)> =
                members.iter().map(|(name, value)| (name.clone(), sorted(value))).collect();
            members.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(members.into_iter().collect())
        }
        other => other.clone(),
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Answers an upsert of many with the replies that their single upserts were recorded with.
pub fn collection_reply(request: &Seen, exchanges: &mut Vec<Value>) -> Option<Reply> {
    let pieces = pieces(&request.path);
    let ["composite", "sobjects", ..] = pieces.as_slice() else { return None };
    let results: Option<Vec<Value>> = of_request(request)
        .iter()
        .enumerate()
        .map(|(n, ours)| {
            let position = exchanges.iter().position(|exchange| {
                of_record(&exchange["request"]).first().is_some_and(|recorded| {
                    ["verb", "object", "field", "key"].iter().all(|member| recorded[member] == ours[member])
                })
            })?;
            let response = exchanges.remove(position)["response"].clone();
            Some(if response["status"].as_u64().unwrap() < 300 {
                let created = response["status"] == 201;
                let id = response["body"]["id"].as_str().map_or_else(|| format!("a00{n:012}"), str::to_owned);
                json!({ "id": id, "success": true, "created": created, "errors": [] })
            } else {
                let error = &response["body"][0];
                json!({ "success": false, "errors": [
                    { "statusCode": error["errorCode"], "message": error["message"], "fields": [] },
                ] })
            })
        })
        .collect();
    Some(Reply::Json(200, Value::Array(results?)))
}
