//! What contact centers send: verified, stored raw, acknowledged; everything else comes later.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use tieline_amazon_connect::FirehoseAnswer;
use tieline_core::{ConnectionName, DeliverySource};
use tieline_engine::config::Connection;
use tieline_engine::pipeline::IntakeError;
use tokio::sync::SemaphorePermit;

use crate::body::{self, BATCH_LIMIT, DELIVERY_LIMIT};
use crate::problem::ProblemBody;
use crate::state::AppState;
use crate::{Code, Problem};

const EVENTBRIDGE_KEY: HeaderName = HeaderName::from_static("x-tieline-key");
const FIREHOSE_KEY: HeaderName = HeaderName::from_static("x-amz-firehose-access-key");
const FIREHOSE_REQUEST: HeaderName = HeaderName::from_static("x-amz-firehose-request-id");

/// Longest access key Firehose sends.
const LONGEST_KEY: usize = 4096;

/// Takes a delivery.
///
/// With `x-tieline-key` the body is one EventBridge event, or a bucket's notification of new objects
/// (at most 1 MiB); with
/// `X-Amz-Firehose-Access-Key` it is a Firehose request (at most 8 MiB after unpacking), and
/// every answer has the form Firehose expects.
#[utoipa::path(post, path = "/v1/connections/{connection}/deliveries", tag = "deliveries",
    request_body(content = serde_json::Value, description = "An EventBridge event, a bucket's notification, or a Firehose request"),
    params(("connection" = String, Path)),
    security(("eventbridge" = []), ("firehose" = [])),
    responses(
        (status = 200, description = "Stored; decoded later", body = serde_json::Value),
        (status = 400, description = "`delivery_malformed`, `malformed_request`, `body_too_deep`: sending it again cannot help", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "`unauthorized`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 408, description = "`request_timeout`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "`body_too_large`; never to Firehose, which would throw the batch away", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "`unsupported_encoding`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "`overloaded`, `store_unavailable`: with `Retry-After`", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub(super) async fn deliver(
    State(state): State<AppState>,
    Path(connection): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    if headers.contains_key(&FIREHOSE_KEY) || headers.contains_key(&FIREHOSE_REQUEST) {
        return stream(&state, &connection, &headers, body).await;
    }
    match event(&state, &connection, &headers, body).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

/// One EventBridge event. 401 is sent again (a key may be on its way), 400 is not, 503 is.
async fn event(
    state: &AppState,
    connection: &str,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let presented = headers.get(&EVENTBRIDGE_KEY).and_then(|key| key.to_str().ok());
    let name = verified(state, connection, presented, Kind::Event)?;
    let _slot = slot(state)?;
    let body = body::read(headers, body, DELIVERY_LIMIT).await?;
    let outcome = store(state, &name, DeliverySource::Event, body).await;
    state.metrics.delivery(name.as_str(), "event", label(&outcome));
    outcome?;
    Ok((StatusCode::OK, axum::Json(serde_json::json!({}))).into_response())
}

/// One Firehose request. The answer echoes the request's id whatever happens, or Firehose
/// would take it for no answer at all.
async fn stream(state: &AppState, connection: &str, headers: &HeaderMap, body: Body) -> Response {
    let mut request = headers
        .get(&FIREHOSE_REQUEST)
        .and_then(|id| id.to_str().ok())
        .map_or_else(String::new, |id| id.chars().take(256).collect());
    let outcome = stream_stored(state, connection, headers, body, &mut request).await;
    let now = state.clock.now();
    let (answer, retry_after) = match outcome {
        Ok(()) => (FirehoseAnswer::stored(&request, now), None),
        Err(problem) => {
            let message = format!("{}: {}", problem.code.as_str(), problem.detail);
            let status = problem.code.status().as_u16();
            (FirehoseAnswer::failed(&request, now, status, &message), problem.retry_after)
        }
    };
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, [(header::CONTENT_TYPE, "application/json")], answer.body).into_response();
    if let Some(after) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(after.as_secs().max(1)));
    }
    response
}

async fn stream_stored(
    state: &AppState,
    connection: &str,
    headers: &HeaderMap,
    body: Body,
    request: &mut String,
) -> Result<(), Problem> {
    let presented = headers.get(&FIREHOSE_KEY).and_then(|key| key.to_str().ok());
    let name = verified(state, connection, presented, Kind::Stream)?;
    let _slot = slot(state)?;
    let body = body::read(headers, body, BATCH_LIMIT).await?;
    if request.is_empty()
        && let Some(id) = tieline_amazon_connect::request_id(&body)
    {
        *request = id.chars().take(256).collect();
    }
    let outcome = store(state, &name, DeliverySource::Stream, body).await;
    state.metrics.delivery(name.as_str(), "stream", label(&outcome));
    outcome
}

/// A place among those taken in at the same time; before the body is read, so that it costs nothing.
fn slot(state: &AppState) -> Result<SemaphorePermit<'_>, Problem> {
    state.intake.try_acquire().map_err(|_| {
        Problem::new(Code::Overloaded, "many deliveries arrive at once; send this one again")
            .retry_after(Duration::from_secs(2))
    })
}

#[derive(Clone, Copy)]
enum Kind {
    Event,
    Stream,
}

/// The connection of an address, when the sender has its key.
///
/// An unknown connection answers like a wrong key, so that names cannot be tried out.
fn verified(
    state: &AppState,
    connection: &str,
    presented: Option<&str>,
    kind: Kind,
) -> Result<ConnectionName, Problem> {
    let presented = presented.filter(|key| key.len() <= LONGEST_KEY).ok_or_else(Problem::unauthorized)?;
    let name = ConnectionName::new(connection).map_err(|_| Problem::unauthorized())?;
    let Some(Connection::AmazonConnect(connect)) = state.config.connections.get(&name) else {
        return Err(Problem::unauthorized());
    };
    let keys = match kind {
        Kind::Event => &connect.eventbridge_keys,
        Kind::Stream => &connect.firehose_keys,
    };
    if keys.accept(presented) { Ok(name) } else { Err(Problem::unauthorized()) }
}

/// Hands a verified body to the pipeline and returns when it is on disk.
async fn store(
    state: &AppState,
    connection: &ConnectionName,
    source: DeliverySource,
    body: Bytes,
) -> Result<(), Problem> {
    // Records inside are taken apart and judged one by one later; the request as a whole is judged now.
    if body::too_deep(&body, body::DEPTH) {
        return Err(Problem::new(
            Code::BodyTooDeep,
            format!("nest at most {} lists and objects", body::DEPTH),
        ));
    }
    match state.pipeline.intake(connection, source, &body).await {
        Ok(_) => Ok(()),
        Err(IntakeError::UnknownConnection) => Err(Problem::unauthorized()),
        Err(IntakeError::Refused { code, message }) => {
            tracing::warn!(connection = %connection, code, "Refused a delivery");
            Err(Problem::new(Code::DeliveryMalformed, format!("{code}: {message}")))
        }
        Err(IntakeError::Store(error)) => Err(error.into()),
    }
}

fn label(outcome: &Result<(), Problem>) -> &'static str {
    outcome.as_ref().map_or_else(|problem| problem.code.as_str(), |()| "stored")
}
