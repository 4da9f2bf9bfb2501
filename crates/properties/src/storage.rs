use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use tieline_amazon_connect::created_objects;

use crate::input::{parts, says_nothing_of, text};

/// An object's name arrives as the bucket knows it, whoever tells of it; what is no such event is
/// refused without a word of what it holds. (an event; or bucket and key)
pub fn storage_event(data: &[u8]) {
    let input = text(data);
    if let Ok(event) = serde_json::from_str::<Value>(&input) {
        told(&event);
    }
    let [bucket, key] = parts(&input);
    if bucket.trim().is_empty() || bucket != bucket.trim() || key.is_empty() {
        return;
    }
    let encoded = utf8_percent_encode(key, NON_ALPHANUMERIC).to_string().replace("%20", "+");
    let s3 = json!({"bucket": {"name": bucket}, "object": {"key": encoded, "size": 5}});
    let notification = json!({"Records": [{"eventName": "ObjectCreated:Put", "s3": s3}]});
    let topic = json!({"TopicArn": "arn", "Message": notification.to_string()});
    let bridged = json!({"detail-type": "Object Created", "detail": {"bucket": {"name": bucket}, "object": {"key": key}}});
    for event in [
        json!({"Records": [{"body": notification.to_string()}]}),
        json!({"Records": [{"body": topic.to_string()}]}),
        json!({"Records": [{"Sns": {"Message": notification.to_string()}}]}),
        notification,
        bridged,
    ] {
        let objects = created_objects(&event).expect("an event of a bucket");
        let [object] = &objects[..] else { panic!("one object: {event}") };
        assert_eq!((object.bucket.as_str(), object.key.as_str()), (bucket, key), "{event}");
    }
}

fn told(event: &Value) {
    match created_objects(event) {
        Ok(objects) => {
            for object in &objects {
                assert!(!object.bucket.is_empty() && !object.key.is_empty(), "{object:?}");
                assert_eq!(object.is_folder(), object.key.ends_with('/'));
                if let Some(extension) = object.extension() {
                    assert!(
                        object.key.to_ascii_lowercase().ends_with(&format!(".{extension}")),
                        "{object:?}"
                    );
                }
            }
            let queued = json!({"Records": [{"body": event.to_string()}]});
            // One envelope more may be one too many.
            if let Ok(again) = created_objects(&queued) {
                assert_eq!(again, objects);
            }
        }
        Err(error) => says_nothing_of(event, &error.to_string(), |event| {
            created_objects(event).err().iter().map(ToString::to_string).collect()
        }),
    }
}
