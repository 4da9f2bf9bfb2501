//! Chatter: posts on records and comments on posts, kept as the objects `FeedItem` and `FeedComment`,
//! where a query finds them.
//!
//! (Salesforce, Connect REST API Developer Guide: Feed Elements; Comments Capability Items; Message
//! Segment Input; Feed Item Input, which says 10,000 characters. Object Reference: FeedItem, FeedComment.
//! Read 2026-11-21.)
//!
//! Statuses of failures are the guide's ("Status Codes and Error Responses": 400 for an id of the wrong
//! kind, 404 for what is not there). It names no codes for them: `POST_BODY_PARSE_ERROR`,
//! `MISSING_ARGUMENT`, `INVALID_ID_FIELD`, `STRING_TOO_LONG` and their texts are how we expect an org
//! to answer here, checked against no org. Nothing in Tieline depends on them.

use rusqlite::types::Value as Sql;
use serde_json::{Map, Value, json};

use super::{Answer, Api, Failures, Outcome, Request};
use crate::salesforce::ids;
use crate::salesforce::records::{Failure, record_id};
use crate::salesforce::storage::Row;

/// Characters of a post or a comment.
const LONGEST: usize = 10_000;

pub(super) fn post(api: &mut Api<'_>, request: &Request) -> Outcome {
    let input = request.object()?;
    match input.get("feedElementType").and_then(Value::as_str) {
        Some("FeedItem") => {}
        Some(other) => return Err(unreadable(&format!("Invalid feedElementType: {other}")).into()),
        None => return Err(missing("feedElementType").into()),
    }
    let subject = input.get("subjectId").and_then(Value::as_str).ok_or_else(|| missing("subjectId"))?;
    let subject = if subject == "me" { api.actor.user.clone() } else { known(api, subject)? };
    let text = message(api, &input)?;
    let object = api.object("FeedItem")?;
    let fields = columns([("ParentId", &subject), ("Body", &text)]);
    let id = api.writer().create(&object, &fields)?;
    Ok(Answer::with(201, element(api, request, &id)?))
}

pub(super) fn read(api: &mut Api<'_>, request: &Request, element_id: &str) -> Outcome {
    let object = api.object("FeedItem")?;
    let id = record_id(api.schema, &object, element_id).map_err(|_| Failure::not_found())?;
    Ok(Answer::ok(element(api, request, &id)?))
}

pub(super) fn comment(api: &mut Api<'_>, request: &Request, element_id: &str) -> Outcome {
    let items = api.object("FeedItem")?;
    let id = record_id(api.schema, &items, element_id).map_err(|_| Failure::not_found())?;
    api.writer().present(&items, &id)?;
    let text = message(api, &request.object()?)?;
    let object = api.object("FeedComment")?;
    let fields = columns([("FeedItemId", &id), ("CommentBody", &text)]);
    let comment = api.writer().create(&object, &fields)?;
    let row = api.writer().present(&object, &comment)?;
    Ok(Answer::with(201, comment_json(request, &row)))
}

pub(super) fn comments(api: &mut Api<'_>, request: &Request, element_id: &str) -> Outcome {
    let object = api.object("FeedItem")?;
    let id = record_id(api.schema, &object, element_id).map_err(|_| Failure::not_found())?;
    api.writer().present(&object, &id)?;
    Ok(Answer::ok(comment_page(api, request, &id)?))
}

fn element(api: &mut Api<'_>, request: &Request, id: &str) -> Result<Value, Failures> {
    let object = api.object("FeedItem")?;
    let row = api.writer().present(&object, id)?;
    let comments = comment_page(api, request, id)?;
    Ok(json!({
        "id": id,
        "feedElementType": "FeedItem",
        "type": "TextPost",
        "url": format!("{}/chatter/feed-elements/{id}", request.base()),
        "actor": { "id": text(&row, "CreatedById") },
        "parent": { "id": text(&row, "ParentId") },
        "body": body(&row, "Body"),
        "createdDate": text(&row, "CreatedDate"),
        "capabilities": { "comments": { "page": comments } },
    }))
}

fn comment_page(api: &mut Api<'_>, request: &Request, id: &str) -> Result<Value, Failures> {
    let object = api.object("FeedComment")?;
    let field = object.field("FeedItemId").ok_or_else(Failure::not_found)?.clone();
    let found = api.storage.find(&object, &field, &Sql::Text(id.to_owned()), 1_000)?;
    let mut items = Vec::new();
    for comment in found {
        items.push(comment_json(request, &api.writer().present(&object, &comment)?));
    }
    Ok(json!({ "total": items.len(), "items": items, "nextPageUrl": null }))
}

fn comment_json(request: &Request, row: &Row) -> Value {
    let id = text(row, "Id");
    json!({
        "id": id,
        "url": format!("{}/chatter/comments/{id}", request.base()),
        "feedElement": { "id": text(row, "FeedItemId") },
        "user": { "id": text(row, "CreatedById") },
        "body": body(row, "CommentBody"),
        "createdDate": text(row, "CreatedDate"),
    })
}

fn body(row: &Row, field: &str) -> Value {
    let text = text(row, field);
    json!({ "text": text, "isRichText": false, "messageSegments": [{ "type": "Text", "text": text }] })
}

/// The segments as one text; a mention as `@` and the user's name.
fn message(api: &mut Api<'_>, input: &Map<String, Value>) -> Result<String, Failures> {
    let segments = input.get("body").and_then(|body| body.get("messageSegments")).and_then(Value::as_array);
    let segments = segments.ok_or_else(|| missing("messageSegments"))?;
    let mut message = String::new();
    for segment in segments {
        let member = |name: &str| segment.get(name).and_then(Value::as_str);
        match member("type") {
            Some("Text") => message.push_str(member("text").ok_or_else(|| missing("text"))?),
            Some("Mention") => {
                let id = known(api, member("id").ok_or_else(|| missing("id"))?)?;
                let users = api.object("User")?;
                let id = record_id(api.schema, &users, &id)?;
                let user = api.writer().present(&users, &id)?;
                message.push('@');
                message.push_str(&text(&user, "Name"));
            }
            Some(other) => return Err(unreadable(&format!("Invalid message segment type: {other}")).into()),
            None => return Err(missing("type").into()),
        }
    }
    if message.is_empty() {
        return Err(Failure::bad("MISSING_ARGUMENT", "A post or a comment needs a body").into());
    }
    if message.chars().count() > LONGEST {
        let failure = Failure::bad("STRING_TOO_LONG", format!("Feed Post exceeds {LONGEST} characters"));
        return Err(failure.into());
    }
    Ok(message)
}

/// The id of a record that is there.
fn known(api: &mut Api<'_>, text: &str) -> Result<String, Failures> {
    let invalid = || Failure::bad("INVALID_ID_FIELD", format!("Invalid identifier: {text}"));
    let id = ids::normalize(text).ok_or_else(invalid)?;
    let object = api.schema.object_of(&id).cloned().ok_or_else(invalid)?;
    api.writer().present(&object, &id)?;
    Ok(id)
}

fn text(row: &Row, field: &str) -> String {
    match row.get(field) {
        Some(Sql::Text(text)) => text.clone(),
        _ => String::new(),
    }
}

fn columns(values: [(&str, &str); 2]) -> Map<String, Value> {
    values.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect()
}

fn missing(name: &str) -> Failure {
    Failure::bad("POST_BODY_PARSE_ERROR", format!("Required field is missing: {name}"))
}

fn unreadable(message: &str) -> Failure {
    Failure::bad("POST_BODY_PARSE_ERROR", message)
}
