//! What the bucket says when Amazon Connect has put a report, a recording or an analysis into it.
//!
//! Two senders say it in two shapes: the bucket's own notifications (`Records`, keys URL-encoded
//! with `+` for a blank, several objects at a time, sometimes inside an SQS message or an SNS
//! notification) and EventBridge (`Object Created`, one object, key as it is). A bucket also sends
//! a test event when notifications are switched on; it names no object.
//!
//! Amazon S3 User Guide, "Event message structure" and "EventBridge event message structure"
//! (read 2026-11-21).

use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use crate::wire::Members;

/// An object that has come into a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreatedObject {
    pub bucket: String,
    /// Decoded: as the bucket knows it.
    pub key: String,
    pub version_id: Option<String>,
    /// Of its bytes, where the sender says it.
    pub etag: Option<String>,
    /// Orders what happens to one key.
    pub sequencer: Option<String>,
    /// In bytes.
    pub size: Option<u64>,
    /// Of the bucket, for example `eu-central-1`.
    pub region: Option<String>,
    /// When it came, in the sender's own words: RFC 3339.
    pub time: Option<String>,
}

impl CreatedObject {
    /// The letters behind the last dot of the name, in lower case; `None` where a name has none or
    /// what follows is no file type (`Report 1.2 of May`).
    pub fn extension(&self) -> Option<String> {
        let name = self.key.rsplit('/').next().unwrap_or_default();
        let (_, extension) = name.rsplit_once('.')?;
        let plausible = (1..=5).contains(&extension.len())
            && extension.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && extension.bytes().any(|byte| byte.is_ascii_alphabetic());
        plausible.then(|| extension.to_ascii_lowercase())
    }

    /// Whether this may be a report: a name without a type is read, nothing says that it is something else.
    pub fn may_be_report(&self) -> bool {
        !self.is_folder() && self.extension().is_none_or(|kind| matches!(kind.as_str(), "csv" | "txt"))
    }

    /// Consoles make an empty object for a folder.
    pub fn is_folder(&self) -> bool {
        self.key.ends_with('/')
    }
}

/// The event is not about objects in a bucket, or one of its records cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotAStorageEvent(String);

/// The objects an event says have been created, in its order. Other things that happen to objects,
/// and the bucket's test event, are no objects.
///
/// # Errors
///
/// [`NotAStorageEvent`], naming the record (counted from 0) that cannot be read.
pub fn created_objects(event: &Value) -> Result<Vec<CreatedObject>, NotAStorageEvent> {
    Ok(read(event, 0)?.into_iter().map(|(object, _)| object).collect())
}

/// The same, each with an event that tells of it alone, as it would have come without a queue or a
/// topic in between.
pub(crate) fn apart(event: &Value) -> Result<Vec<(CreatedObject, Value)>, NotAStorageEvent> {
    read(event, 0)
}

/// Whether the event has the form of one about objects; nothing is said of what is in it.
pub(crate) fn has_form(event: Members<'_>) -> bool {
    event.get("Records").is_some_and(Value::is_array)
        || event.text("Event").is_some_and(|name| name.eq_ignore_ascii_case("s3:TestEvent"))
        || event.text("detail-type").is_some_and(|kind| kind.eq_ignore_ascii_case("Object Created"))
}

/// A notification in a message in a queue: two envelopes at most.
const ENVELOPES: u8 = 2;

fn read(event: &Value, depth: u8) -> Result<Vec<(CreatedObject, Value)>, NotAStorageEvent> {
    let Some(members) = Members::of(event) else {
        return Err(NotAStorageEvent("the event is no JSON object".into()));
    };
    if let Some(records) = members.get("Records") {
        let Some(records) = records.as_array() else {
            return Err(NotAStorageEvent("`Records` is no list".into()));
        };
        let mut found = Vec::new();
        for (place, record) in records.iter().enumerate() {
            let read = self::record(record, depth)
                .map_err(|error| NotAStorageEvent(format!("record {place}: {error}")))?;
            found.extend(read);
        }
        return Ok(found);
    }
    if let Some(kind) = members.text("detail-type") {
        return Ok(if kind.eq_ignore_ascii_case("Object Created") {
            vec![(of_event_bridge(members)?, event.clone())]
        } else {
            Vec::new()
        });
    }
    if members.text("Event").is_some_and(|name| name.eq_ignore_ascii_case("s3:TestEvent")) {
        return Ok(Vec::new());
    }
    Err(NotAStorageEvent(
        "the event is neither a notification of a bucket (`Records`) nor `Object Created` of EventBridge"
            .into(),
    ))
}

fn record(record: &Value, depth: u8) -> Result<Vec<(CreatedObject, Value)>, NotAStorageEvent> {
    let Some(members) = Members::of(record) else {
        return Err(NotAStorageEvent("is no JSON object".into()));
    };
    if let Some(object) = members.object("s3") {
        let name = members.text("eventName").unwrap_or("ObjectCreated");
        if !name.trim_start_matches("s3:").starts_with("ObjectCreated") {
            return Ok(Vec::new());
        }
        let object = of_bucket(members, object)?;
        return Ok(vec![(object, json!({ "Records": [record] }))]);
    }
    let inside = members.object("Sns").and_then(|sns| sns.text("Message")).or_else(|| members.text("body"));
    let Some(inside) = inside.filter(|_| depth < ENVELOPES) else {
        return Err(NotAStorageEvent("has no `s3`".into()));
    };
    let inside: Value = serde_json::from_str(inside)
        .map_err(|_| NotAStorageEvent("holds a message that is no JSON".into()))?;
    // SNS in SQS without raw delivery: the notification is JSON in the envelope's `Message`.
    let message = Members::of(&inside)
        .filter(|inside| inside.text("TopicArn").is_some())
        .and_then(|inside| inside.text("Message"));
    match message {
        Some(message) => {
            let inside: Value = serde_json::from_str(message)
                .map_err(|_| NotAStorageEvent("holds a message that is no JSON".into()))?;
            read(&inside, depth + 1)
        }
        None => read(&inside, depth + 1),
    }
}

fn of_bucket(record: Members<'_>, s3: Members<'_>) -> Result<CreatedObject, NotAStorageEvent> {
    let (bucket, object) = bucket_and_object(s3)?;
    // Untrimmed: a key may begin or end with a blank.
    let key = object.get("key").and_then(Value::as_str).unwrap_or_default().replace('+', " ");
    let key = percent_decode_str(&key)
        .decode_utf8()
        .map_err(|_| NotAStorageEvent("the object's key is not UTF-8".into()))?
        .into_owned();
    made(bucket, key, object, record.text("awsRegion"), record.text("eventTime"))
}

fn of_event_bridge(event: Members<'_>) -> Result<CreatedObject, NotAStorageEvent> {
    let detail = event
        .object("detail")
        .ok_or_else(|| NotAStorageEvent("the event `Object Created` has no `detail`".into()))?;
    let (bucket, object) = bucket_and_object(detail)?;
    let key = object.get("key").and_then(Value::as_str).unwrap_or_default().to_owned();
    made(bucket, key, object, event.text("region"), event.text("time"))
}

fn bucket_and_object(members: Members<'_>) -> Result<(&str, Members<'_>), NotAStorageEvent> {
    let bucket = members.object("bucket").and_then(|bucket| bucket.text("name"));
    match (bucket, members.object("object")) {
        (Some(bucket), Some(object)) => Ok((bucket, object)),
        _ => Err(NotAStorageEvent("names no bucket or no object".into())),
    }
}

fn made(
    bucket: &str,
    key: String,
    object: Members<'_>,
    region: Option<&str>,
    time: Option<&str>,
) -> Result<CreatedObject, NotAStorageEvent> {
    if key.is_empty() {
        return Err(NotAStorageEvent("the object has no key".into()));
    }
    Ok(CreatedObject {
        bucket: bucket.to_owned(),
        key,
        version_id: object.text("versionId").or_else(|| object.text("version-id")).map(str::to_owned),
        etag: object.text("eTag").map(str::to_owned),
        sequencer: object.text("sequencer").map(str::to_owned),
        size: object.count("size"),
        region: region.map(str::to_owned),
        time: time.map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(key: &str) -> Value {
        json!({"eventName": "ObjectCreated:Put", "eventTime": "2024-02-28T23:30:00.000Z", "awsRegion": "us-west-2",
               "s3": {"bucket": {"name": "rep"}, "object": {"key": key, "size": 12}}})
    }

    fn keys(event: &Value) -> Vec<String> {
        created_objects(event).unwrap().into_iter().map(|object| object.key).collect()
    }

    #[test]
    fn a_notification_encodes_its_keys_and_may_hold_several() {
        let event = json!({"Records": [
            put("SFDC/my+report.csv"), put("SFDC/my%20report.csv"), put("a%2Bb/Z%C3%BCrich%3A1.csv")]});
        assert_eq!(keys(&event), ["SFDC/my report.csv", "SFDC/my report.csv", "a+b/Zürich:1.csv"]);
        let first = &created_objects(&event).unwrap()[0];
        assert_eq!(
            (first.bucket.as_str(), first.size, first.region.as_deref(), first.time.as_deref()),
            ("rep", Some(12), Some("us-west-2"), Some("2024-02-28T23:30:00.000Z"))
        );
    }

    #[test]
    fn eventbridge_does_not_encode_its_key() {
        let event = json!({"detail-type": "Object Created", "source": "aws.s3", "time": "2026-03-17T09:20:12Z",
            "region": "eu-central-1", "detail": {"bucket": {"name": "acme"}, "object":
                {"key": "a+b%20c/2026-03-17T09:15_UTC.wav", "size": 4, "version-id": "v1"}, "reason": "PutObject"}});
        let objects = created_objects(&event).unwrap();
        assert_eq!(objects[0].key, "a+b%20c/2026-03-17T09:15_UTC.wav");
        assert_eq!(objects[0].version_id.as_deref(), Some("v1"));
        assert_eq!(objects[0].time.as_deref(), Some("2026-03-17T09:20:12Z"));
        assert_eq!(keys(&json!({"detail-type": "Object Deleted", "detail": {}})), [] as [&str; 0]);
    }

    #[test]
    fn what_is_no_creation_is_nothing_to_do() {
        let test = json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Time": "2026-03-17T09:20:12.000Z",
            "Bucket": "rep", "RequestId": "x", "HostId": "y"});
        assert_eq!(keys(&test), [] as [&str; 0]);
        let mut removed = put("x.csv");
        removed["eventName"] = "ObjectRemoved:Delete".into();
        assert_eq!(keys(&json!({"Records": [removed, put("y.csv")]})), ["y.csv"]);
        assert_eq!(keys(&json!({"Records": []})), [] as [&str; 0]);
    }

    #[test]
    fn a_queue_or_a_topic_in_between_changes_nothing() {
        let notification = json!({"Records": [put("a+b.csv")]}).to_string();
        let sqs = json!({"Records": [{"eventSource": "aws:sqs", "messageId": "m", "body": notification}]});
        let sns = json!({"Records": [{"EventSource": "aws:sns", "Sns": {"Message": notification}}]});
        let both = json!({"Records": [{"eventSource": "aws:sqs", "body":
            json!({"Type": "Notification", "TopicArn": "arn:aws:sns:x", "Message": notification}).to_string()}]});
        for event in [sqs, sns, both] {
            assert_eq!(keys(&event), ["a b.csv"], "{event}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_its_place() {
        for event in [json!(null), json!([]), json!({}), json!({"Records": 1}), json!({"Records": [1]})] {
            assert!(created_objects(&event).is_err(), "{event}");
        }
        let mut bad = put("x.csv");
        bad["s3"]["object"]["key"] = json!(7);
        let error = created_objects(&json!({"Records": [put("a.csv"), bad]})).unwrap_err();
        assert_eq!(error.to_string(), "record 1: the object has no key");
        let not_utf8 = created_objects(&json!({"Records": [put("%FF.csv")]})).unwrap_err();
        assert_eq!(not_utf8.to_string(), "record 0: the object's key is not UTF-8");
    }

    #[test]
    fn a_type_is_a_few_letters_behind_the_last_dot() {
        let extension = |key: &str| created_objects(&json!({"Records": [put(key)]})).unwrap()[0].extension();
        assert_eq!(extension("a.b/Report.CSV").as_deref(), Some("csv"));
        for none in ["a.csv/report", "Report+1.2+of+May", "Report+v1.2", "x."] {
            assert_eq!(extension(none), None, "{none}");
        }
    }
}
