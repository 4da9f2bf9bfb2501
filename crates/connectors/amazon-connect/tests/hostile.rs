//! Whatever is sent, decoding answers; it never panics and never invents a contact.
#![allow(clippy::unwrap_used)]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use tieline_amazon_connect::{AmazonConnect, request_id};
use tieline_core::{ContactCenter, DeliverySource};

/// JSON of any shape, its members named as ours are more often than not.
fn any_json() -> impl Strategy<Value = Value> {
    let name = prop_oneof![
        select(vec![
            "contactId",
            "ContactId",
            "detail",
            "detail-type",
            "id",
            "time",
            "eventType",
            "channel",
            "Agent",
            "Queue",
            "agentInfo",
            "queueInfo",
            "Recordings",
            "Recording",
            "Attributes",
            "initiationMethod",
            "instanceArn",
            "initiationTimestamp",
            "DisconnectTimestamp",
            "LastUpdateTimestamp",
            "segmentAttributes",
            "AgentARN",
            "customerEndpoint",
            "address",
            "records",
            "data",
            "requestId",
            "queueArn",
            "Duration",
            "connect:Direction",
        ])
        .prop_map(str::to_owned),
        ".{0,8}",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,24}".prop_map(Value::from),
        select(vec![
            "",
            " ",
            "Amazon Connect Contact Event",
            "INITIATED",
            "completed",
            "MONITOR",
            "9999-12-31T23:59:59.999Z",
            "-009999-01-01T00:00:00Z",
            "2026-11-20T09:00:00+25:00",
            "arn:",
            "arn:aws:connect:::x/queue/",
            "NaN",
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 64, 8, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            btree_map(name.clone(), inner, 0..8)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn survives(source: DeliverySource, body: &[u8]) {
    let connect = AmazonConnect::default();
    let _ = request_id(body);
    let Ok(deliveries) = connect.split(source, body, Timestamp::UNIX_EPOCH) else { return };
    for delivery in deliveries {
        assert!(!delivery.dedupe_key.is_empty() && delivery.dedupe_key.len() <= 128);
        if let Ok(changes) = connect.decode(&delivery) {
            for change in changes {
                assert!(!change.contact.as_str().is_empty());
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_bytes_survive(body in vec(any::<u8>(), 0..512)) {
        survives(DeliverySource::Event, &body);
        survives(DeliverySource::Stream, &body);
    }

    #[test]
    fn any_json_survives(body in any_json()) {
        survives(DeliverySource::Event, body.to_string().as_bytes());
        survives(DeliverySource::Stream, body.to_string().as_bytes());
    }

    #[test]
    fn any_detail_and_any_record_survive(detail in any_json(), other in any_json()) {
        let event = json!({"id": other, "detail-type": "Amazon Connect Contact Event", "time": other, "detail": detail});
        survives(DeliverySource::Event, event.to_string().as_bytes());
        let text = format!("{detail}{other}{}", r#"{"ContactId":"c"}"#);
        let batch = json!({"records": [{"data": STANDARD.encode(text)}, other, {"data": detail}]});
        survives(DeliverySource::Stream, batch.to_string().as_bytes());
    }
}

#[test]
fn depth_is_refused_and_not_followed() {
    let deep = "[".repeat(200_000);
    survives(DeliverySource::Event, deep.as_bytes());
    let batch =
        json!({"records": [{"data": STANDARD.encode(format!("{deep}{}", "]".repeat(200_000)))}]}).to_string();
    let connect = AmazonConnect::default();
    let deliveries = connect.split(DeliverySource::Stream, batch.as_bytes(), Timestamp::UNIX_EPOCH).unwrap();
    assert_eq!(deliveries.len(), 1);
    assert!(connect.decode(&deliveries[0]).is_err());
}
