//! Writes every API request into the log, whatever becomes of it.

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::StatusCode;

use super::Site;
use crate::world::{Closed, Problem};

/// (Salesforce, REST API: requests of up to 50 MB; what Tieline sends is far below a tenth of that.)
const LARGEST: usize = 8 * 1024 * 1024;

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
        let detail = "the body is over 8 MiB or was cut off";
        return Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail).into_response();
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
