//! Services asked in JSON at one address, where `X-Amz-Target` names the operation.
//!
//! They answer at `/` and, so that a fault can be about one of them, at `/transcribe` and
//! `/comprehend`: `AWS_ENDPOINT_URL_TRANSCRIBE=http://127.0.0.1:8432/transcribe`.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};

use super::{Exception, comprehend, signed, transcribe};
use crate::connect::server::Hall;

pub fn routes(hall: Arc<Hall>) -> Router {
    Router::new()
        .route("/", post(ask))
        .route("/transcribe", post(ask))
        .route("/transcribe/", post(ask))
        .route("/comprehend", post(ask))
        .route("/comprehend/", post(ask))
        .with_state(hall)
}

async fn ask(State(hall): State<Arc<Hall>>, headers: HeaderMap, body: Bytes) -> Response {
    match answer(&hall, &headers, &body) {
        Ok(answer) => written(StatusCode::OK, &answer),
        Err(Exception { status, code, message }) => {
            let mut response = written(status, &json!({"__type": code, "Message": message}));
            let code = http::HeaderValue::from_static(code);
            response.headers_mut().insert("x-amzn-errortype", code);
            response
        }
    }
}

fn written(status: StatusCode, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/x-amz-json-1.1")], body.to_string()).into_response()
}

fn answer(hall: &Hall, headers: &HeaderMap, body: &[u8]) -> Result<Value, Exception> {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let unknown = || Exception::bad("UnknownOperationException", "there is no such operation here");
    let (service, operation) = target.split_once('.').ok_or_else(unknown)?;
    let service = match service {
        "Transcribe" => "transcribe",
        "Comprehend_20171127" => "comprehend",
        _ => return Err(unknown()),
    };
    signed::look(headers, service)?;
    let request: Value = serde_json::from_slice(body)
        .map_err(|_| Exception::bad("SerializationException", "the body is no JSON"))?;
    match (service, operation) {
        ("transcribe", "StartTranscriptionJob") => {
            hall.with(|center, now| transcribe::start(center, &request, now))
        }
        ("transcribe", "GetTranscriptionJob") => hall.with(|center, _| transcribe::show(center, &request)),
        ("comprehend", operation) => comprehend::answer(operation, &request)?.ok_or_else(unknown),
        _ => Err(unknown()),
    }
}
