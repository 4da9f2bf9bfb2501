//! Writes every API request into the log, whatever becomes of it.

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;

use super::{Site, data};
use crate::salesforce::records::Failure;
use crate::world::Closed;

/// (Salesforce, REST API Developer Guide, "Insert or Update Blob Data": requests of up to 50 MB. Read 2026-11-21.)
const LARGEST: usize = 50 * 1024 * 1024;

/// The entry of a request, for handlers that know more about it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry(pub u64);

pub(super) async fn keep(State(site): State<Site>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    if !path.starts_with("/services/") {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    let Ok(bytes) = to_bytes(body, LARGEST).await else {
        // (As quoted in issue 195 of simple-salesforce.)
        let message = format!("Maximum size of request reached. Maximum size of request is {LARGEST} bytes.");
        return data::failed(&Failure::bad("JSON_PARSER_ERROR", message));
    };
    let query = parts.uri.query().unwrap_or_default();
    let now = site.org.world.now();
    let n = site.org.state().log.add(now, parts.method.as_str(), &path, query, &bytes);
    parts.extensions.insert(Entry(n));
    let response = next.run(Request::from_parts(parts, Body::from(bytes))).await;
    let closed = response.extensions().get::<Closed>().is_some();
    site.org.state().log.answered(n, (!closed).then(|| response.status().as_u16()));
    response
}
