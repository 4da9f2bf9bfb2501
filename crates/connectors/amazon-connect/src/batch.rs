//! How contact records and events are handed to a function, and what one of them is.
//!
//! Several senders wrap the same documents: a Kinesis stream, a queue (with or without a topic in
//! front), a topic, EventBridge itself or one of its pipes, Firehose as a transformation or as an
//! endpoint, and the reference package's own functions among each other. A [`Batch`] is all of
//! them: items, each with the name by which its sender is told that it failed.
//!
//! AWS Lambda Developer Guide, "Process Amazon Kinesis Data Streams records with Lambda", "Using
//! Lambda with Amazon SQS"; Amazon Data Firehose Developer Guide, "Transform source data"
//! (read 2026-11-21).

use jiff::Timestamp;
use serde_json::Value;
use tieline_core::ContactId;

use crate::envelope::{documents, from_base64};
use crate::wire::Members;

/// What a function was invoked with.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    pub form: BatchForm,
    pub items: Vec<BatchItem>,
}

/// Who handed it over, which decides how it wants to be told of failures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BatchForm {
    /// A stream or a queue: takes `batchItemFailures`.
    Polled,
    /// Firehose wants every record back with a result.
    FirehoseTransformation,
    /// A request of Firehose to an HTTP endpoint, with its id.
    FirehoseEndpoint { request_id: String },
    /// The reference's `{"async": true, "record": …}`.
    Reference,
    /// One event or document, or a topic's message: all or nothing.
    Whole,
}

#[derive(Debug, Clone, PartialEq)]
pub struct BatchItem {
    /// Sequence number, message id or record id; empty where the sender knows none.
    pub id: String,
    /// The bytes as sent; `None` when they cannot be unwrapped.
    pub data: Option<Vec<u8>>,
}

impl Batch {
    /// Takes an invocation's event apart; `None` when it has no form we know.
    pub fn read(event: &Value) -> Option<Self> {
        if let Value::Array(items) = event {
            // A pipe hands over the records themselves, without the list's name.
            let items = items.iter().map(piped).collect();
            return Some(Self { form: BatchForm::Polled, items });
        }
        let members = Members::of(event)?;
        if let Some(Value::Array(records)) = event.get("Records") {
            let is_topic = records.iter().any(|record| record.get("Sns").is_some());
            let form = if is_topic { BatchForm::Whole } else { BatchForm::Polled };
            return Some(Self { form, items: records.iter().map(record).collect() });
        }
        if let Some(Value::Array(records)) = event.get("records") {
            let form = match (event.get("invocationId"), event.get("requestId")) {
                (None, Some(id)) => {
                    BatchForm::FirehoseEndpoint { request_id: id.as_str().unwrap_or_default().to_owned() }
                }
                _ => BatchForm::FirehoseTransformation,
            };
            let items = records.iter().map(|record| encoded(record, "recordId")).collect();
            return Some(Self { form, items });
        }
        if let Some(record) = event.get("record") {
            let data = record.as_str().and_then(from_base64);
            let item = BatchItem { id: String::new(), data };
            return Some(Self { form: BatchForm::Reference, items: vec![item] });
        }
        let known = ["detail-type", "contactId", "AgentARN"].iter().any(|name| members.get(name).is_some());
        known.then(|| Self { form: BatchForm::Whole, items: vec![itself(String::new(), event)] })
    }
}

fn record(record: &Value) -> BatchItem {
    if let Some(kinesis) = record.get("kinesis") {
        return encoded(kinesis, "sequenceNumber");
    }
    if let Some(message) = record.pointer("/Sns/Message") {
        return text(String::new(), message);
    }
    match record.get("body") {
        Some(body) => text(name(record, "messageId"), body),
        None => BatchItem { id: name(record, "messageId"), data: None },
    }
}

fn piped(item: &Value) -> BatchItem {
    if item.get("data").is_some() {
        encoded(item, "sequenceNumber")
    } else if let Some(body) = item.get("body") {
        text(name(item, "messageId"), body)
    } else {
        itself(String::new(), item)
    }
}

fn name(record: &Value, member: &str) -> String {
    record.get(member).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn encoded(record: &Value, id: &str) -> BatchItem {
    let data = record.get("data").and_then(Value::as_str).and_then(from_base64);
    BatchItem { id: name(record, id), data }
}

fn text(id: String, text: &Value) -> BatchItem {
    match text {
        Value::String(text) => BatchItem { id, data: Some(text.clone().into_bytes()) },
        other => itself(id, other),
    }
}

fn itself(id: String, document: &Value) -> BatchItem {
    BatchItem { id, data: Some(document.to_string().into_bytes()) }
}

/// What one document is about.
#[derive(Debug, Clone, PartialEq)]
pub enum Said {
    Record(RecordDocument),
    /// A contact event, which brings less than the record that follows.
    Event,
    /// Genuine, and about no contact: an agent event on the same stream, a test message.
    Nothing,
}

/// A contact record as it came.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordDocument {
    pub contact: ContactId,
    /// Its version: a newer one replaces all of it.
    pub updated_at: Option<Timestamp>,
    pub document: Value,
}

impl RecordDocument {
    /// One of the contact's own attributes, when it is a text.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.document.get("Attributes")?.get(name)?.as_str()
    }
}

/// Why a document cannot be read. Says nothing of what is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnreadableRecord {
    #[error("the data is not encoded as its sender encodes it")]
    Encoding,
    #[error("the data is no JSON")]
    NotJson,
    #[error("the document names no contact")]
    NoContact,
}

/// An event in a message in a message: as deep as AWS's services nest.
const ENVELOPES: u8 = 3;

/// What the documents of one item say, in order; back to back or on lines of their own.
///
/// # Errors
///
/// [`UnreadableRecord`] when any of them cannot be read: the item is not done then.
pub fn read_item(item: &BatchItem) -> Result<Vec<Said>, UnreadableRecord> {
    let data = item.data.as_deref().ok_or(UnreadableRecord::Encoding)?;
    let documents = documents(data);
    if documents.is_empty() {
        return Err(UnreadableRecord::NotJson);
    }
    documents
        .into_iter()
        .map(|text| {
            let document = serde_json::from_slice(text).map_err(|_| UnreadableRecord::NotJson)?;
            said(document, ENVELOPES)
        })
        .collect()
}

fn said(document: Value, depth: u8) -> Result<Said, UnreadableRecord> {
    let Some(members) = Members::of(&document) else { return Err(UnreadableRecord::NoContact) };
    if let Some(id) = document.get("ContactId").and_then(Value::as_str) {
        let contact = ContactId::new(id).map_err(|_| UnreadableRecord::NoContact)?;
        let updated_at = members.time("LastUpdateTimestamp");
        return Ok(Said::Record(RecordDocument { contact, updated_at, document }));
    }
    if members.text("contactId").is_some() {
        return Ok(Said::Event);
    }
    if members.get("AgentARN").is_some() {
        return Ok(Said::Nothing);
    }
    if let Some(inner) = members.get("detail").filter(|_| members.get("detail-type").is_some()) {
        let inner = inner.clone();
        // Rules can send other events of the same service our way.
        return if depth > 0 && inner.is_object() && inner.get("ContactId").is_some() {
            said(inner, depth - 1)
        } else {
            Ok(if Members::of(&inner).is_some_and(|m| m.get("contactId").is_some()) {
                Said::Event
            } else {
                Said::Nothing
            })
        };
    }
    // A topic's message in a queue.
    if let Some(message) = members.text("Message").filter(|_| members.text("TopicArn").is_some() && depth > 0)
    {
        let inner = serde_json::from_str(message).map_err(|_| UnreadableRecord::NotJson)?;
        return said(inner, depth - 1);
    }
    Err(UnreadableRecord::NoContact)
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde_json::json;

    use super::*;

    fn b64(text: &str) -> String {
        STANDARD.encode(text)
    }

    fn contacts(event: &Value) -> Vec<Result<Vec<String>, UnreadableRecord>> {
        let name = |said: Said| match said {
            Said::Record(record) => record.contact.as_str().to_owned(),
            Said::Event => "event".to_owned(),
            Said::Nothing => "nothing".to_owned(),
        };
        let batch = Batch::read(event).unwrap();
        batch.items.iter().map(|item| Ok(read_item(item)?.into_iter().map(name).collect())).collect()
    }

    const RECORD: &str = r#"{"ContactId":"c-1","LastUpdateTimestamp":"2026-03-17T09:22:04Z"}"#;

    #[test]
    fn a_record_is_found_in_every_wrapping() {
        let event = json!({"id": "e", "detail-type": "Contact Record", "detail": {"ContactId": "c-1"}});
        let topic = json!({"Type": "Notification", "TopicArn": "arn", "Message": RECORD});
        for (event, form) in [
            (
                json!({"Records": [{"kinesis": {"sequenceNumber": "7", "data": b64(RECORD)}}]}),
                BatchForm::Polled,
            ),
            (json!({"Records": [{"messageId": "m", "body": RECORD}]}), BatchForm::Polled),
            (json!({"Records": [{"messageId": "m", "body": event.to_string()}]}), BatchForm::Polled),
            (json!({"Records": [{"messageId": "m", "body": topic.to_string()}]}), BatchForm::Polled),
            (json!([{"sequenceNumber": "7", "data": b64(RECORD)}]), BatchForm::Polled),
            (json!({"Records": [{"Sns": {"Message": RECORD}}]}), BatchForm::Whole),
            (
                json!({"invocationId": "i", "records": [{"recordId": "r", "data": b64(RECORD)}]}),
                BatchForm::FirehoseTransformation,
            ),
            (
                json!({"requestId": "q", "records": [{"data": b64(RECORD)}]}),
                BatchForm::FirehoseEndpoint { request_id: "q".into() },
            ),
            (json!({"async": true, "record": b64(RECORD)}), BatchForm::Reference),
            (event.clone(), BatchForm::Whole),
            (serde_json::from_str(RECORD).unwrap(), BatchForm::Whole),
        ] {
            assert_eq!(Batch::read(&event).unwrap().form, form, "{event}");
            assert_eq!(contacts(&event), [Ok(vec!["c-1".to_owned()])], "{event}");
        }
    }

    #[test]
    fn what_is_about_no_contact_is_nothing_and_what_cannot_be_read_says_why() {
        let agent = json!({"AgentARN": "arn", "EventType": "HEART_BEAT"}).to_string();
        let event = json!({"detail-type": "Amazon Connect Contact Event", "detail": {"contactId": "c", "eventType": "QUEUED"}}).to_string();
        let other = json!({"detail-type": "Object Created", "detail": {}}).to_string();
        let data = [&agent, &event, &other, "{}", "7", "nonsense", "", &format!("{RECORD}\n{agent}{RECORD}")];
        let records: Vec<Value> = data.iter().map(|data| json!({"kinesis": {"data": b64(data)}})).collect();
        let one = |text: &str| Ok(vec![text.to_owned()]);
        assert_eq!(
            contacts(&json!({"Records": records})),
            [
                one("nothing"),
                one("event"),
                one("nothing"),
                Err(UnreadableRecord::NoContact),
                Err(UnreadableRecord::NoContact),
                Err(UnreadableRecord::NotJson),
                Err(UnreadableRecord::NotJson),
                Ok(vec!["c-1".into(), "nothing".into(), "c-1".into()]),
            ]
        );
        assert_eq!(
            contacts(&json!({"Records": [{"kinesis": {"data": "?"}}, {"kinesis": 7}, {}, 7]})),
            vec![Err(UnreadableRecord::Encoding); 4]
        );
        for unknown in [json!({}), json!(7), json!({"Records": 7}), json!({"a": []}), json!(null)] {
            assert_eq!(Batch::read(&unknown), None, "{unknown}");
        }
    }
}
