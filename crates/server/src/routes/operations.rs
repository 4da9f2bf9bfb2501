//! For those who run the server.

use std::sync::OnceLock;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, header};
use serde::Serialize;
use utoipa::ToSchema;

use tieline_bridge::dip::Dips;

use crate::guard;
use crate::problem::ProblemBody;
use crate::state::AppState;
use crate::{Code, Problem};

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Health {
    #[schema(example = "ok")]
    status: &'static str,
}

/// Whether the process lives.
#[utoipa::path(get, path = "/healthz", tag = "operations", responses((status = 200, body = Health)))]
pub(super) async fn healthz() -> axum::Json<Health> {
    axum::Json(Health { status: "ok" })
}

/// Whether it can do its work: the database answers.
#[utoipa::path(get, path = "/readyz", tag = "operations", responses(
    (status = 200, body = Health),
    (status = 503, description = "`not_ready`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(super) async fn readyz(State(state): State<AppState>) -> Result<axum::Json<Health>, Problem> {
    match state.store.queue_depths().await {
        Ok(_) => Ok(axum::Json(Health { status: "ready" })),
        Err(error) => {
            tracing::error!(error = %tieline_core::error_chain(&error), "The database does not answer");
            Err(Problem::new(Code::NotReady, "the database does not answer"))
        }
    }
}

/// Counters and gauges for Prometheus (OpenMetrics text).
///
/// Asks for `metrics_key` where the configuration has one.
#[utoipa::path(get, path = "/metrics", tag = "operations", responses(
    (status = 200, description = "OpenMetrics text", body = String, content_type = "application/openmetrics-text"),
    (status = 401, description = "`unauthorized`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "`store_unavailable`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(super) async fn metrics(State(state): State<AppState>, headers: HeaderMap) -> Result<Response, Problem> {
    if let Some(key) = &state.config.metrics_key
        && !guard::bearer(&headers).is_some_and(|presented| key.accept(presented))
    {
        return Err(Problem::unauthorized());
    }
    for (name, workspace) in state.workspaces.workspaces() {
        if let Some(counts) = workspace.dips.as_ref().and_then(Dips::remembered) {
            state.metrics.remembered(name.as_str(), counts);
        }
    }
    let text = state.metrics.text(state.store.queue_depths().await?, &state.pipeline);
    Ok(([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text)
        .into_response())
}

/// This description.
#[utoipa::path(get, path = "/openapi.json", tag = "operations", responses(
    (status = 200, description = "OpenAPI 3.1", body = serde_json::Value),
))]
pub(super) async fn openapi() -> Response {
    static TEXT: OnceLock<Bytes> = OnceLock::new();
    let text = TEXT.get_or_init(|| super::openapi().to_json().unwrap_or_default().into());
    ([(header::CONTENT_TYPE, "application/json")], text.clone()).into_response()
}
