//! `composite` and `composite/batch`: several requests in one.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Answer, Api, Method, Outcome, Request, VERSIONS, handle};
use crate::salesforce::records::Failure;

/// (REST API Developer Guide, "Composite" and "Composite Batch": 25 requests each.)
const MOST: usize = 25;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Composite {
    #[serde(default)]
    all_or_none: bool,
    composite_request: Vec<Part>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    method: String,
    url: String,
    reference_id: String,
    #[serde(default)]
    body: Value,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Batch {
    #[serde(default)]
    halt_on_error: bool,
    batch_requests: Vec<BatchPart>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct BatchPart {
    method: String,
    url: String,
    #[serde(default)]
    rich_input: Value,
}

pub(super) fn composite(api: &mut Api<'_>, request: &Request) -> Outcome {
    let composite: Composite = read(request)?;
    check_count(composite.composite_request.len())?;
    let mut answers: Vec<(String, Answer)> = Vec::new();
    let run = api.undoable(|api| {
        let mut bodies: HashMap<String, Value> = HashMap::new();
        for part in &composite.composite_request {
            let answer = one(api, part, &bodies)?;
            bodies.insert(part.reference_id.clone(), answer.body.clone().unwrap_or(Value::Null));
            answers.push((part.reference_id.clone(), answer));
        }
        let failed = answers.iter().any(|(_, answer)| answer.failed());
        if composite.all_or_none && failed { Err(Stopped::Undo) } else { Ok(()) }
    });
    match run {
        Ok(()) => {}
        Err(Stopped::Broken(error)) => return Err(error.into()),
        Err(Stopped::Undo) => {
            let message =
                "The transaction was rolled back since another operation in the same transaction failed.";
            for (_, answer) in answers.iter_mut().filter(|(_, answer)| !answer.failed()) {
                *answer = Answer::failures(&[Failure::bad("PROCESSING_HALTED", message)]);
            }
        }
    }
    let parts: Vec<Value> = answers
        .into_iter()
        .map(|(reference, answer)| {
            let mut headers = Map::new();
            if let Some(location) = answer.location {
                headers.insert("Location".into(), location.into());
            }
            json!({
                "body": answer.body,
                "httpHeaders": headers,
                "httpStatusCode": answer.status,
                "referenceId": reference,
            })
        })
        .collect();
    Ok(Answer::ok(json!({"compositeResponse": parts})))
}

pub(super) fn batch(api: &mut Api<'_>, request: &Request) -> Outcome {
    let batch: Batch = read(request)?;
    check_count(batch.batch_requests.len())?;
    let mut results = Vec::new();
    let mut failed = false;
    for part in &batch.batch_requests {
        if failed && batch.halt_on_error {
            let failure = Failure::new(412, "BATCH_PROCESSING_HALTED", "Batch processing halted per request");
            results.push(json!({"statusCode": 412, "result": [failure.json()]}));
            continue;
        }
        let answer = inner(api, &part.method, &part.url, &part.rich_input, false)?;
        failed |= answer.failed();
        results.push(json!({"statusCode": answer.status, "result": answer.body}));
    }
    Ok(Answer::ok(json!({"hasErrors": failed, "results": results})))
}

fn read<T: serde::de::DeserializeOwned>(request: &Request) -> Result<T, Failure> {
    serde_json::from_value(Value::Object(request.object()?))
        .map_err(|error| Failure::bad("JSON_PARSER_ERROR", error.to_string()))
}

fn check_count(count: usize) -> Result<(), Failure> {
    if count <= MOST {
        return Ok(());
    }
    Err(Failure::bad("LIMIT_EXCEEDED", format!("the request has {count} parts; at most {MOST} are allowed")))
}

enum Stopped {
    Undo,
    Broken(rusqlite::Error),
}

impl From<rusqlite::Error> for Stopped {
    fn from(error: rusqlite::Error) -> Self {
        Self::Broken(error)
    }
}

fn one(api: &mut Api<'_>, part: &Part, bodies: &HashMap<String, Value>) -> rusqlite::Result<Answer> {
    // What a reference names is put in before anything is read, as text where text stands.
    let resolved = fill_text(&part.url, bodies).and_then(|url| Ok((url, fill(&part.body, bodies)?)));
    match resolved {
        Ok((url, body)) => inner(api, &part.method, &url, &body, true),
        Err(failure) => Ok(Answer::failures(&[failure])),
    }
}

/// Runs one part in a savepoint of its own, so that a refused part writes nothing.
fn inner(
    api: &mut Api<'_>,
    method: &str,
    url: &str,
    body: &Value,
    absolute: bool,
) -> rusqlite::Result<Answer> {
    let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    let Some(request) = part_request(method, url, bytes, absolute) else {
        return Ok(Answer::failures(&[Failure::not_found()]));
    };
    let result = api.undoable(|api| {
        let answer = handle(api, &request);
        if answer.failed() { Err(Refused::Answer(answer)) } else { Ok(answer) }
    });
    match result {
        Ok(answer) | Err(Refused::Answer(answer)) => Ok(answer),
        Err(Refused::Broken(error)) => Err(error),
    }
}

enum Refused {
    Answer(Answer),
    Broken(rusqlite::Error),
}

impl From<rusqlite::Error> for Refused {
    fn from(error: rusqlite::Error) -> Self {
        Self::Broken(error)
    }
}

/// `composite` has whole paths, `batch` has `v62.0/…`; neither may hold another of its kind.
fn part_request(method: &str, url: &str, body: Vec<u8>, absolute: bool) -> Option<Request> {
    let method = Method::from_word(method)?;
    let rest = match url.strip_prefix("/services/data/") {
        Some(rest) => rest,
        None if !absolute => url.trim_start_matches('/'),
        None => return None,
    };
    let (version, rest) = rest.split_once('/').unwrap_or((rest, ""));
    let version: u32 = version.strip_prefix('v')?.strip_suffix(".0")?.parse().ok()?;
    let request = Request::new(method, version, rest, body).filter(|_| VERSIONS.contains(&version))?;
    let nested = matches!(request.path.as_slice(), [one] if one == "composite")
        || matches!(request.path.as_slice(), [one, two] if one == "composite" && two == "batch");
    (!nested).then_some(request)
}

fn fill(value: &Value, bodies: &HashMap<String, Value>) -> Result<Value, Failure> {
    Ok(match value {
        Value::String(text) => Value::String(fill_text(text, bodies)?),
        Value::Array(items) => items.iter().map(|item| fill(item, bodies)).collect::<Result<_, _>>()?,
        Value::Object(map) => {
            let mut filled = Map::new();
            for (key, value) in map {
                filled.insert(key.clone(), fill(value, bodies)?);
            }
            Value::Object(filled)
        }
        other => other.clone(),
    })
}

/// `@{reference.path[0].id}` within text.
fn fill_text(text: &str, bodies: &HashMap<String, Value>) -> Result<String, Failure> {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("@{") {
        let Some((path, tail)) = after.split_once('}') else { break };
        filled.push_str(before);
        let failed = || {
            Failure::bad(
                "PROCESSING_HALTED",
                format!("Invalid reference specified. No value for {path} found"),
            )
        };
        let (reference, inside) = path.split_once('.').unwrap_or((path, ""));
        let pointer = inside.replace(['.', '['], "/").replace(']', "");
        let pointer = if pointer.is_empty() { String::new() } else { format!("/{pointer}") };
        let value = bodies.get(reference).and_then(|body| body.pointer(&pointer)).ok_or_else(failed)?;
        match value {
            Value::String(text) => filled.push_str(text),
            Value::Number(_) | Value::Bool(_) => filled.push_str(&value.to_string()),
            _ => return Err(failed()),
        }
        rest = tail;
    }
    filled.push_str(rest);
    Ok(filled)
}
