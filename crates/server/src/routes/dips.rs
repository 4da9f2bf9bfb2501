//! Look-ups during calls.

use axum::body::Body;
use axum::extract::{Path, State};
use http::HeaderMap;
use serde_json::Value;

use crate::body::{self, DIP_LIMIT};
use crate::guard;
use crate::problem::ProblemBody;
use crate::state::AppState;
use crate::{Code, Problem};

/// Answers a contact flow.
///
/// The body is the event a contact flow sends to a function. The answer is flat, every value
/// text, unless the parameters ask for `"shape": "nested"`.
/// A workspace with `compat = "legacy"` answers in the reference functions' shapes instead.
#[utoipa::path(post, path = "/v1/workspaces/{workspace}/dips", tag = "dips",
    request_body(content = serde_json::Value, description = "The contact flow's event; at most 64 KiB"),
    params(("workspace" = String, Path)), security(("key" = [])),
    responses(
        (status = 200, description = "What the CRM knows", body = serde_json::Value),
        (status = 400, description = "`malformed_request`, `body_too_deep`, `dip.malformed_event`, `dip.unknown_operation`, `dip.missing_parameter`, `dip.invalid_parameter`, `dip.unsafe_value`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "`unauthorized`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "`operation_not_allowed`, `dip.not_allowed`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 408, description = "`request_timeout`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "`dip.outcome_unknown`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "`body_too_large`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "`unsupported_media_type`, `unsupported_encoding`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "`dip.crm_rejected`, `dip.crm_unsupported`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 502, description = "`dip.crm_unauthorized`, `dip.crm_unreachable`, `dip.crm_unavailable`, `dip.crm_malformed`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "`dip.crm_throttled`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 504, description = "`dip.deadline`", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub(super) async fn dip(
    State(state): State<AppState>,
    Path(workspace): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<axum::Json<Value>, Problem> {
    let (workspace, _, key) = guard::keyed(&state, &workspace, &headers)?;
    if !key.has("dips") {
        return Err(Problem::new(
            Code::OperationNotAllowed,
            format!("the key `{}` was not given any `dips:` operation", key.name),
        ));
    }
    let event: Value = body::json(&headers, body, DIP_LIMIT).await?;
    let dips = state.workspaces.workspace(&workspace).and_then(|workspace| workspace.dips.as_ref());
    let dips = dips.ok_or_else(Problem::not_found)?;
    let answer = dips.answer(&event, &key.dips()).await;
    let outcome = match &answer {
        Ok(_) => "answered",
        Err(error) => error.code.as_str(),
    };
    state.metrics.dip(workspace.as_str(), outcome);
    answer.map(axum::Json).map_err(|error| {
        let problem = Problem::from(error);
        if problem.code.status().is_server_error() {
            tracing::warn!(workspace = %workspace, key = %key.name, code = outcome, "A dip was not answered");
        }
        problem
    })
}
