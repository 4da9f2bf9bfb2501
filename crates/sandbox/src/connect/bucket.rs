//! What the instance's bucket says of a new object, in the two forms it can say it.
//!
//! Written from Amazon S3 User Guide, "Event message structure" and "EventBridge event message
//! structure" (read 2026-11-21).

use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::event::{milliseconds, seconds};
use super::instance::Instance;

/// Where the instance keeps its files.
pub const BUCKET: &str = "tieline-sandbox-connect";

/// What a bucket's notification leaves as it is.
const KEY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'*');

/// A new object of [`BUCKET`].
#[derive(Debug, Clone)]
pub struct Created {
    pub key: String,
    pub size: usize,
    /// In quotes, as the bucket says it in its headers.
    pub etag: String,
    pub at: Timestamp,
}

impl Created {
    fn sequencer(&self) -> String {
        format!("{:016X}", self.at.as_millisecond())
    }

    /// What the bucket tells a function or a queue.
    pub fn notification(&self, instance: &Instance) -> Value {
        let key = utf8_percent_encode(&self.key, KEY).to_string().replace("%20", "+");
        json!({"Records": [{
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "awsRegion": instance.region,
            "eventTime": milliseconds(self.at),
            "eventName": "ObjectCreated:Put",
            "s3": {
                "s3SchemaVersion": "1.0",
                "bucket": {"name": BUCKET, "arn": format!("arn:aws:s3:::{BUCKET}")},
                "object": {
                    "key": key,
                    "size": self.size,
                    "eTag": self.etag.trim_matches('"'),
                    "sequencer": self.sequencer(),
                },
            },
        }]})
    }

    /// What EventBridge tells its targets. `id` names the event.
    pub fn event(&self, instance: &Instance, id: &str) -> Value {
        json!({
            "version": "0",
            "id": id,
            "detail-type": OBJECT_CREATED,
            "source": "aws.s3",
            "account": instance.account,
            "time": seconds(self.at),
            "region": instance.region,
            "resources": [format!("arn:aws:s3:::{BUCKET}")],
            "detail": {
                "version": "0",
                "bucket": {"name": BUCKET},
                "object": {
                    "key": self.key,
                    "size": self.size,
                    "etag": self.etag.trim_matches('"'),
                    "sequencer": self.sequencer(),
                },
                "request-id": id.replace('-', "")[..16].to_uppercase(),
                "requester": instance.account,
                "source-ip-address": "127.0.0.1",
                "reason": "PutObject",
            },
        })
    }
}

pub const OBJECT_CREATED: &str = "Object Created";
