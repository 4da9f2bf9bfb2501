//! The calls of the Amazon Connect API that Tieline makes, for clients such as boto3, and those of
//! Amazon Transcribe and Amazon Comprehend (`json`).
//!
//! Requests must look signed (`signed`); a signature is not computed again. Numbers come from the
//! center as it stands (`metrics`), pages and their tokens from `page`.
//!
//! Written from Amazon Connect API Reference, `ListQueues`, `GetCurrentMetricData`,
//! `GetContactAttributes`, `DescribeContact`, `ListInstanceStorageConfigs` and "Common Error Types"
//! (read 2026-11-21).

mod comprehend;
mod json;
mod metrics;
mod page;
mod signed;
mod transcribe;
mod words;

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::bucket::BUCKET;
use super::call::{Call, Direction, Ending};
use super::center::Center;
use super::instance::Instance;
use super::server::Hall;
use page::Pager;

pub fn routes(hall: Arc<Hall>) -> Router {
    Router::new()
        .route("/queues-summary/{instance}", get(list_queues))
        .route("/metrics/current/{instance}", post(current_metrics))
        .route("/contact/attributes/{instance}/{contact}", get(contact_attributes))
        .route("/contacts/{instance}/{contact}", get(describe_contact))
        .route("/instance/{instance}/storage-configs", get(storage_configs))
        .layer(middleware::from_fn(signed::check))
        .with_state(Arc::clone(&hall))
        .merge(json::routes(hall))
}

/// An error as the API writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    pub status: StatusCode,
    pub code: &'static str,
    pub message: String,
}

impl Exception {
    fn parameter(message: impl Into<String>) -> Self {
        Self::bad("InvalidParameterException", message)
    }

    fn bad(code: &'static str, message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code, message: message.into() }
    }

    fn not_found(message: &str) -> Self {
        Self { status: StatusCode::NOT_FOUND, code: "ResourceNotFoundException", message: message.to_owned() }
    }
}

impl IntoResponse for Exception {
    fn into_response(self) -> Response {
        error(self.status, self.code, &self.message)
    }
}

/// The code is in a header, for clients; the text in the body, for people.
pub fn error(status: StatusCode, code: &str, message: &str) -> Response {
    let mut response = (status, Json(json!({"Message": message}))).into_response();
    if let Ok(code) = HeaderValue::from_str(code) {
        response.headers_mut().insert("x-amzn-errortype", code);
    }
    response
}

/// Whether the request's `Authorization` is of Signature Version 4, for this service.
pub fn looks_signed(headers: &HeaderMap, service: &str) -> bool {
    signed::look(headers, service).is_ok()
}

type Answer = Result<Json<Value>, Exception>;

/// The query of a request: names may repeat.
struct Query(Vec<(String, String)>);

impl Query {
    fn read(query: Option<String>) -> Self {
        let query = query.unwrap_or_default();
        Self(url::form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn one(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// `maxResults` and `nextToken` of a list; `call` is everything else the request asks.
    fn pager(&self, most: usize, call: &str, now: Timestamp) -> Result<Pager, Exception> {
        let size = match self.one("maxResults") {
            None => None,
            Some(text) => Some(text.parse().map_err(|_| Exception::parameter("maxResults is not a number"))?),
        };
        Pager::new(size, most, self.one("nextToken"), call, now)
    }
}

fn known_instance(instance: &Instance, id: &str) -> Result<(), Exception> {
    if id == instance.id || id == instance.arn() {
        return Ok(());
    }
    Err(Exception::not_found("The instance does not exist"))
}

async fn list_queues(
    State(hall): State<Arc<Hall>>,
    Path(instance): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer {
    let query = Query::read(query);
    hall.with(|center, now| {
        known_instance(&center.instance, &instance)?;
        let types: Vec<&str> = query.all("queueTypes").collect();
        if let Some(other) = types.iter().find(|kind| !matches!(**kind, "STANDARD" | "AGENT")) {
            return Err(Exception::parameter(format!("there is no queue type {other}")));
        }
        let wanted = |kind: &str| types.is_empty() || types.contains(&kind);
        let (instance, mut queues) = (&center.instance, Vec::new());
        let standard = instance.queues.iter().filter(|_| wanted("STANDARD"));
        queues.extend(standard.map(|queue| {
            json!({
                "Id": queue.id,
                "Arn": instance.child("queue", &queue.id),
                "Name": queue.name,
                "QueueType": "STANDARD",
                "LastModifiedTime": SET_UP,
                "LastModifiedRegion": instance.region,
            })
        }));
        // An agent's own queue has the agent's id and no name.
        let own = instance.agents.iter().filter(|_| wanted("AGENT"));
        queues.extend(own.map(|(agent, _)| {
            let arn = instance.child("queue", &format!("agent/{}", agent.id));
            json!({"Id": agent.id, "Arn": arn, "QueueType": "AGENT"})
        }));
        let pager = query.pager(1000, &format!("queues {types:?}"), now)?;
        Ok(Json(pager.answer("QueueSummaryList", queues)))
    })
}

/// When the instance was set up, in epoch seconds.
const SET_UP: i64 = 1_750_000_000;

async fn current_metrics(State(hall): State<Arc<Hall>>, Path(instance): Path<String>, body: Bytes) -> Answer {
    let request: Value = serde_json::from_slice(&body).map_err(|_| Exception {
        status: StatusCode::BAD_REQUEST,
        code: "SerializationException",
        message: "the body is no JSON".to_owned(),
    })?;
    hall.with(|center, now| {
        known_instance(&center.instance, &instance)?;
        metrics::current(center, &request, now).map(Json)
    })
}

fn call_of<'a>(center: &'a Center, contact: &str) -> Result<&'a Call, Exception> {
    center.calls.get(contact).ok_or_else(|| Exception::not_found("The contact does not exist"))
}

async fn contact_attributes(
    State(hall): State<Arc<Hall>>,
    Path((instance, contact)): Path<(String, String)>,
) -> Answer {
    hall.with(|center, _| {
        known_instance(&center.instance, &instance)?;
        Ok(Json(json!({"Attributes": call_of(center, &contact)?.attributes})))
    })
}

async fn describe_contact(
    State(hall): State<Arc<Hall>>,
    Path((instance, contact)): Path<(String, String)>,
) -> Answer {
    hall.with(|center, _| {
        known_instance(&center.instance, &instance)?;
        Ok(Json(json!({"Contact": described(&center.instance, call_of(center, &contact)?)})))
    })
}

/// Members that are not known are absent, where a contact record has null.
fn described(instance: &Instance, call: &Call) -> Value {
    let time = |at: Option<Timestamp>| at.map(epoch);
    let agent =
        call.agent.as_ref().filter(|_| call.joined.is_some() || call.direction == Direction::Outbound);
    let mut contact = json!({
        "Arn": instance.child("contact", &call.id),
        "Id": call.id,
        "InitialContactId": null,
        "InitiationMethod": call.initiation(),
        "Channel": "VOICE",
        "QueueInfo": call.queue.as_ref().map(|queue| {
            json!({"Id": queue.id, "EnqueueTimestamp": time(call.queued)})
        }),
        "AgentInfo": agent.and_then(|login| instance.agent(login)).map(|(agent, _)| json!({
            "Id": agent.id,
            "ConnectedToAgentTimestamp": time(call.joined),
            "AfterContactWorkStartTimestamp": time(call.wrap_up.0),
            "AfterContactWorkEndTimestamp": time(call.wrap_up.1),
        })),
        "InitiationTimestamp": epoch(call.started),
        "ConnectedToSystemTimestamp": time(call.reached),
        "DisconnectTimestamp": time(call.ended),
        "DisconnectReason": call.ending.map(Ending::reason),
        "LastUpdateTimestamp": epoch(call.recorded.unwrap_or(call.since)),
        "CustomerEndpoint": {"Type": call.customer_type(), "Address": call.customer},
        "SystemEndpoint": {"Type": "TELEPHONE_NUMBER", "Address": call.system},
        "Attributes": call.attributes,
        "Tags": {"aws:connect:instanceId": instance.id, "aws:connect:systemEndpoint": call.system},
    });
    without_null(&mut contact);
    contact
}

fn without_null(value: &mut Value) {
    if let Value::Object(members) = value {
        members.retain(|_, member| !member.is_null());
        members.values_mut().for_each(without_null);
    }
}

/// JSON services write instants as seconds, with a fraction where there is one.
#[expect(clippy::cast_precision_loss, reason = "milliseconds of our time have room in 52 bits")]
fn epoch(at: Timestamp) -> f64 {
    at.as_millisecond() as f64 / 1000.0
}

const RESOURCE_TYPES: [&str; 13] = [
    "CHAT_TRANSCRIPTS",
    "CALL_RECORDINGS",
    "SCHEDULED_REPORTS",
    "MEDIA_STREAMS",
    "CONTACT_TRACE_RECORDS",
    "AGENT_EVENTS",
    "REAL_TIME_CONTACT_ANALYSIS_SEGMENTS",
    "ATTACHMENTS",
    "CONTACT_EVALUATIONS",
    "SCREEN_RECORDINGS",
    "REAL_TIME_CONTACT_ANALYSIS_CHAT_SEGMENTS",
    "REAL_TIME_CONTACT_ANALYSIS_VOICE_SEGMENTS",
    "EMAIL_MESSAGES",
];

async fn storage_configs(
    State(hall): State<Arc<Hall>>,
    Path(instance): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer {
    let query = Query::read(query);
    hall.with(|center, now| {
        let seed = hall.world.seed();
        known_instance(&center.instance, &instance)?;
        let kind = query.one("resourceType").unwrap_or_default();
        if !RESOURCE_TYPES.contains(&kind) {
            return Err(Exception::parameter("resourceType is missing or none of the API's"));
        }
        let folder = match kind {
            "CHAT_TRANSCRIPTS" => Some("ChatTranscripts"),
            "CALL_RECORDINGS" => Some("CallRecordings"),
            "SCHEDULED_REPORTS" => Some("Reports"),
            _ => None,
        };
        let configs = folder.map(|folder| {
            json!({
                "AssociationId": crate::world::stable_uuid(seed, &format!("connect/storage/{kind}"))
                    .simple()
                    .to_string(),
                "StorageType": "S3",
                "S3Config": {
                    "BucketName": BUCKET,
                    "BucketPrefix": format!("connect/{}/{folder}", center.instance.alias),
                },
            })
        });
        let pager = query.pager(10, kind, now)?;
        Ok(Json(pager.answer("StorageConfigs", configs.into_iter().collect())))
    })
}
