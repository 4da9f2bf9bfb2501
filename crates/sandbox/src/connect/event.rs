//! Contact events as Connect puts them on EventBridge's default bus.
//!
//! Written from Amazon Connect administrator guide, "Amazon Connect contact events"
//! (read 2026-11-20).

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::call::{Call, SUBTYPE};
use super::instance::Instance;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventType {
    Initiated,
    ConnectedToSystem,
    Queued,
    ConnectedToAgent,
    DataUpdated,
    Disconnected,
    Completed,
}

impl EventType {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Initiated => "INITIATED",
            Self::ConnectedToSystem => "CONNECTED_TO_SYSTEM",
            Self::Queued => "QUEUED",
            Self::ConnectedToAgent => "CONNECTED_TO_AGENT",
            Self::DataUpdated => "CONTACT_DATA_UPDATED",
            Self::Disconnected => "DISCONNECTED",
            Self::Completed => "COMPLETED",
        }
    }
}

/// The envelope around what is known of `call` at this moment. `id` names the event.
pub fn envelope(instance: &Instance, call: &Call, kind: EventType, at: Timestamp, id: &str) -> Value {
    json!({
        "version": "0",
        "id": id,
        "detail-type": "Amazon Connect Contact Event",
        "source": "aws.connect",
        "account": instance.account,
        "time": seconds(at),
        "region": instance.region,
        "resources": [instance.arn(), instance.child("contact", &call.id)],
        "detail": detail(instance, call, kind),
    })
}

fn detail(instance: &Instance, call: &Call, kind: EventType) -> Value {
    let mut detail = Map::new();
    let mut put = |name: &str, value: Value| {
        if !value.is_null() {
            detail.insert(name.to_owned(), value);
        }
    };
    put("eventType", json!(kind.as_str()));
    put("contactId", json!(call.id));
    put("channel", json!("VOICE"));
    put("instanceArn", json!(instance.arn()));
    put("initiationMethod", json!(call.initiation()));
    if kind == EventType::DataUpdated {
        // Which property changed, never its value: attributes are fetched by REST.
        put("updatedProperties", json!(["UserDefinedAttributes"]));
    }
    put("initiationTimestamp", json!(milliseconds(call.started)));
    put("connectedToSystemTimestamp", json!(call.reached.map(milliseconds)));
    put("disconnectTimestamp", json!(call.ended.map(milliseconds)));
    put("customerEndpoint", json!({"type": call.customer_type(), "address": call.customer}));
    put("systemEndpoint", json!({"type": "TELEPHONE_NUMBER", "address": call.system}));
    if let (Some(queue), Some(queued)) = (&call.queue, call.queued) {
        put(
            "queueInfo",
            json!({
                "queueArn": instance.child("queue", &queue.id),
                "queueType": "STANDARD",
                "enqueueTimestamp": milliseconds(queued),
            }),
        );
    }
    if let (Some(agent), Some(joined)) = (&call.agent, call.joined) {
        put("agentInfo", agent_info(&instance.agent_arn(agent), joined, call));
    }
    put("segmentAttributes", json!({"connect:Subtype": {"valueString": SUBTYPE}}));
    put("tags", json!({"aws:connect:instanceId": instance.id, "aws:connect:systemEndpoint": call.system}));
    Value::Object(detail)
}

fn agent_info(arn: &str, joined: Timestamp, call: &Call) -> Value {
    let mut agent = Map::new();
    agent.insert("agentArn".into(), json!(arn));
    agent.insert("connectedToAgentTimestamp".into(), json!(milliseconds(joined)));
    if call.ended.is_some() {
        agent.insert("agentInitiatedHoldDuration".into(), json!(whole_seconds(call.holds.total_ms)));
    }
    if let (Some(begin), Some(end)) = call.wrap_up {
        agent.insert("afterContactWorkStartTimestamp".into(), json!(milliseconds(begin)));
        agent.insert("afterContactWorkEndTimestamp".into(), json!(milliseconds(end)));
        let length = end.as_millisecond() - begin.as_millisecond();
        agent.insert("afterContactWorkDuration".into(), json!(whole_seconds(length)));
    }
    Value::Object(agent)
}

/// `2026-03-17T09:14:02.118Z`, as in events.
pub fn milliseconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// `2026-03-17T09:14:02Z`, as in envelopes and contact records.
pub fn seconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// To the nearest second.
pub fn whole_seconds(ms: i64) -> i64 {
    (ms + 500).div_euclid(1000)
}
