//! Takes request bodies apart into deliveries, each with the key that removes doubles.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use tieline_core::{ConnectorErrorKind, Delivery, DeliverySource, hex};

use crate::storage_event::{self, CreatedObject};
use crate::{not_json, refused};

/// Most records of one Firehose request.
const RECORDS: usize = 10_000;

/// Longest event id taken as a key; EventBridge sends UUIDs.
const EVENT_ID: usize = 128;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// One EventBridge event per request, or a bucket's notification, which may tell of several objects:
/// each becomes a delivery of its own.
pub(crate) fn events(body: &[u8], received_at: Timestamp) -> Result<Vec<Delivery>, ConnectorErrorKind> {
    /// Only what tells the two apart.
    #[derive(Deserialize)]
    struct Form {
        #[serde(rename = "detail-type", default)]
        detail_type: Value,
        #[serde(rename = "Records", default)]
        records: Option<IgnoredAny>,
        #[serde(rename = "Event", default)]
        event: Option<IgnoredAny>,
    }
    let form: Form = serde_json::from_slice(body).map_err(not_json)?;
    let of_objects = match form.detail_type.as_str() {
        Some(kind) => kind.eq_ignore_ascii_case("Object Created"),
        None => form.records.is_some() || form.event.is_some(),
    };
    if !of_objects {
        return event(body, received_at).map(|delivery| vec![delivery]);
    }
    let event: Value = serde_json::from_slice(body).map_err(not_json)?;
    let apart =
        storage_event::apart(&event).map_err(|error| refused("NOT_A_STORAGE_EVENT", error.to_string()))?;
    let delivery = |(object, event): (CreatedObject, Value)| {
        let body = event.to_string().into_bytes();
        // Of its own part: two objects of one notification are not the same news.
        let dedupe_key = object_key(&object).unwrap_or_else(|| digest(&body));
        Delivery { source: DeliverySource::Event, dedupe_key, body, received_at }
    };
    Ok(apart.into_iter().map(delivery).collect())
}

/// Bucket, key, and which version: the same in whatever shape, and however often, it is told.
///
/// An unversioned bucket tells versions apart by the tag of their bytes; what is overwritten and
/// written as before is news again, which the sequencer says.
fn object_key(object: &CreatedObject) -> Option<String> {
    let version = object.version_id.as_deref().or(object.etag.as_deref())?;
    let sequencer = object.sequencer.as_deref().unwrap_or_default();
    let text = [object.bucket.as_str(), object.key.as_str(), version, sequencer].join("\0");
    Some(format!("s3-{}", digest(text.as_bytes())))
}

/// One EventBridge event per request.
pub(crate) fn event(body: &[u8], received_at: Timestamp) -> Result<Delivery, ConnectorErrorKind> {
    #[derive(Deserialize)]
    struct Envelope {
        #[serde(default)]
        id: Value,
        #[serde(rename = "detail-type", default)]
        detail_type: Value,
        #[serde(default)]
        detail: Value,
    }
    let envelope: Envelope = serde_json::from_slice(body).map_err(not_json)?;
    if envelope.detail_type.as_str().is_none_or(str::is_empty) || !envelope.detail.is_object() {
        return Err(refused(
            "NOT_AN_EVENT",
            "the body has no `detail-type` and `detail` of an EventBridge event",
        ));
    }
    let key = match envelope.id.as_str() {
        Some(id) if !id.is_empty() && id.len() <= EVENT_ID => id.to_owned(),
        _ => digest(body),
    };
    Ok(Delivery { source: DeliverySource::Event, dedupe_key: key, body: body.to_vec(), received_at })
}

/// The records of a Firehose request, each of which may hold several JSON documents.
///
/// A record that cannot be read does not hold up the others: it becomes a delivery of its own,
/// which decoding will refuse and keep.
pub(crate) fn stream(body: &[u8], received_at: Timestamp) -> Result<Vec<Delivery>, ConnectorErrorKind> {
    #[derive(Deserialize)]
    struct Envelope<'a> {
        #[serde(borrow)]
        records: Option<Vec<&'a RawValue>>,
    }
    #[derive(Deserialize)]
    struct Record {
        data: String,
    }
    let envelope: Envelope<'_> = serde_json::from_slice(body).map_err(not_json)?;
    let Some(records) = envelope.records else {
        return Err(refused("NOT_A_BATCH", "the body has no `records` of a Firehose request"));
    };
    if records.len() > RECORDS {
        return Err(refused("TOO_MANY_RECORDS", format!("a request holds at most {RECORDS} records")));
    }
    let mut deliveries = Vec::with_capacity(records.len());
    let mut add = |body: &[u8]| {
        deliveries.push(Delivery {
            source: DeliverySource::Stream,
            dedupe_key: digest(body),
            body: body.to_vec(),
            received_at,
        });
    };
    for record in records {
        let data = serde_json::from_str::<Record>(record.get()).ok();
        match data.and_then(|record| from_base64(&record.data)) {
            Some(data) => documents(&data).into_iter().for_each(&mut add),
            None => add(record.get().as_bytes()),
        }
    }
    Ok(deliveries)
}

pub(crate) fn from_base64(text: &str) -> Option<Vec<u8>> {
    BASE64.decode(text.trim()).ok()
}

/// The JSON documents in `data`, back to back or on lines of their own; what cannot be read is
/// the last of them.
pub(crate) fn documents(data: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    let mut rest = data.trim_ascii();
    while !rest.is_empty() {
        let mut reader = serde_json::Deserializer::from_slice(rest).into_iter::<IgnoredAny>();
        let end = match reader.next() {
            Some(Ok(_)) => reader.byte_offset(),
            _ => rest.len(),
        };
        let (document, after) = rest.split_at(end);
        found.push(document.trim_ascii());
        rest = after.trim_ascii();
    }
    found
}

fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(records: &[&[u8]]) -> Vec<u8> {
        let records: Vec<Value> =
            records.iter().map(|data| serde_json::json!({"data": BASE64.encode(data)})).collect();
        serde_json::json!({"requestId": "r-1", "timestamp": "1780000000000", "records": records})
            .to_string()
            .into_bytes()
    }

    fn bodies(body: &[u8]) -> Vec<String> {
        let deliveries = stream(body, Timestamp::UNIX_EPOCH).unwrap();
        deliveries.into_iter().map(|delivery| String::from_utf8_lossy(&delivery.body).into_owned()).collect()
    }

    #[test]
    fn documents_back_to_back_are_deliveries_of_their_own() {
        let body =
            batch(&[br#"{"ContactId":"a"}{"ContactId":"b"}"#, b"", b" {\"ContactId\":\"c\"}\n", b"\n"]);
        assert_eq!(bodies(&body), [r#"{"ContactId":"a"}"#, r#"{"ContactId":"b"}"#, r#"{"ContactId":"c"}"#]);
    }

    #[test]
    fn a_record_that_cannot_be_read_stands_alone_and_the_others_go_on() {
        let good = BASE64.encode(r#"{"ContactId":"a"}"#);
        let body = format!(
            r#"{{"records":[{{"data":"?"}},{{"data":"{good}"}},{{}},7,{{"data":"{}"}}]}}"#,
            BASE64.encode(r#"{"ContactId":"b"}{"Cont"#)
        );
        assert_eq!(
            bodies(body.as_bytes()),
            [r#"{"data":"?"}"#, r#"{"ContactId":"a"}"#, "{}", "7", r#"{"ContactId":"b"}"#, r#"{"Cont"#]
        );
    }

    #[test]
    fn the_key_of_an_event_is_its_id_and_of_a_record_its_hash() {
        let body = br#"{"id":"e-1","detail-type":"x","detail":{}}"#;
        assert_eq!(event(body, Timestamp::UNIX_EPOCH).unwrap().dedupe_key, "e-1");
        let without = br#"{"id":null,"detail-type":"x","detail":{}}"#;
        assert_eq!(event(without, Timestamp::UNIX_EPOCH).unwrap().dedupe_key.len(), 64);
        let records = stream(&batch(&[b"{}", b"{}", b"{ }"]), Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(records[0].dedupe_key, records[1].dedupe_key);
        assert_ne!(records[0].dedupe_key, records[2].dedupe_key);
    }

    #[test]
    fn objects_are_deliveries_of_their_own_under_one_key_in_every_shape() {
        let record = |key: &str, tag: &str| {
            serde_json::json!({"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "rep"},
                "object": {"key": key, "eTag": tag, "sequencer": "0A"}}})
        };
        let split = |event: &Value| {
            let deliveries = events(event.to_string().as_bytes(), Timestamp::UNIX_EPOCH).unwrap();
            deliveries.into_iter().map(|delivery| delivery.dedupe_key).collect::<Vec<_>>()
        };
        let two = serde_json::json!({"Records": [record("a+b.csv", "1"), record("c.csv", "1")]});
        let keys = split(&two);
        assert_eq!(keys.len(), 2);
        assert_ne!(keys[0], keys[1]);
        let queue = serde_json::json!({"Records": [{"messageId": "m", "body": two.to_string()}]});
        assert_eq!(split(&queue), keys);
        let bridge = serde_json::json!({"id": "e", "detail-type": "Object Created", "detail": {
            "bucket": {"name": "rep"}, "object": {"key": "a b.csv", "etag": "1", "sequencer": "0A"}}});
        assert_eq!(split(&bridge), keys[..1]);
        assert_ne!(split(&serde_json::json!({"Records": [record("a+b.csv", "2")]})), keys[..1]);
        assert_eq!(
            split(&serde_json::json!({"Service": "Amazon S3", "Event": "s3:TestEvent"})),
            [] as [&str; 0]
        );
        for bad in [r#"{"Records":[7]}"#, r#"{"Records":7}"#, r#"{"Event":"x"}"#] {
            assert!(events(bad.as_bytes(), Timestamp::UNIX_EPOCH).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_body_of_another_type_is_not_quoted() {
        let number = "+442079460018";
        for body in [format!("\"{number}\""), format!("{{\"records\":\"{number}\"}}")] {
            for error in [
                events(body.as_bytes(), Timestamp::UNIX_EPOCH).unwrap_err(),
                stream(body.as_bytes(), Timestamp::UNIX_EPOCH).unwrap_err(),
            ] {
                let text = format!("{error} {error:?}");
                assert!(!text.contains(number), "{text}");
            }
        }
    }

    #[test]
    fn objects_of_one_notification_have_keys_of_their_own() {
        let object = |key: &str| serde_json::json!({"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "b"}, "object": {"key": key}}});
        let body = serde_json::json!({"Records": [object("a.csv"), object("b.csv")]}).to_string();
        let keys = || -> Vec<String> {
            let found = events(body.as_bytes(), Timestamp::UNIX_EPOCH).unwrap();
            found.into_iter().map(|delivery| delivery.dedupe_key).collect()
        };
        assert_ne!(keys()[0], keys()[1]);
        assert_eq!(keys(), keys());
    }

    #[test]
    fn a_body_that_is_neither_is_refused_as_a_whole() {
        for body in
            ["", "7", "[]", "{}", "{\"detail-type\":\"x\"}", "{\"detail-type\":\"\",\"detail\":{}}", "{} {}"]
        {
            assert!(event(body.as_bytes(), Timestamp::UNIX_EPOCH).is_err(), "{body}");
        }
        for body in ["", "[]", "{}", "{\"records\":7}", "{\"records\":null}", "\u{0}"] {
            assert!(stream(body.as_bytes(), Timestamp::UNIX_EPOCH).is_err(), "{body}");
        }
        assert_eq!(bodies(br#"{"records":[]}"#), [] as [&str; 0]);
    }
}
