//! Sign-in as the panel's frame sees it: attempts, the session, tickets.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde::{Deserialize, Serialize};
use tieline_core::WorkspaceName;
use tieline_engine::sign_in::{AgentProfile, AttemptState, SignedIn};
use utoipa::ToSchema;

use crate::body::{self, PANEL_LIMIT};
use crate::guard;
use crate::problem::ProblemBody;
use crate::state::AppState;
use crate::{Code, Problem};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewAttempt {
    /// A name the frame makes up: 16 to 128 letters, digits, `-` and `_`.
    attempt: String,
    /// base64url of the SHA-256 of the verifier, which stays in the frame.
    challenge: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Started {
    /// What to open in the pop-up, once.
    #[schema(example = "https://tieline.example.com/auth/start?attempt=acme.3f0a…")]
    start_url: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AttemptAnswer {
    #[schema(example = "pending")]
    state: AttemptWord,
    /// The code of what went wrong, when it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum AttemptWord {
    Pending,
    Done,
    Failed,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Redeem {
    attempt: String,
    verifier: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SessionAnswer {
    agent: Agent,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Agent {
    /// The CRM's id of its user.
    id: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Ticket {
    /// Goes into the socket's `hello`, once.
    ticket: String,
    /// RFC 3339.
    expires_at: String,
}

impl From<AgentProfile> for SessionAnswer {
    fn from(agent: AgentProfile) -> Self {
        Self { agent: Agent { id: agent.id.into(), name: agent.name, email: agent.email } }
    }
}

/// Begins a sign-in.
#[utoipa::path(post, path = "/v1/workspaces/{workspace}/agent/attempts", tag = "sign-in",
    request_body = NewAttempt,
    params(("workspace" = String, Path), ("X-Tieline-Panel" = String, Header, description = "`1`")),
    responses(
        (status = 201, body = Started),
        (status = 400, description = "`attempt_malformed`, `malformed_request`, `body_too_deep`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "`foreign_origin`, `panel_header_missing`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "`not_found`, `sign_in_not_configured`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "`attempt_exists`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "`too_many_requests`", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub(super) async fn begin(
    State(state): State<AppState>,
    Path(workspace): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    guard::same_site(&state, &Method::POST, &headers)?;
    let (workspace, _) = state.workspace(&workspace)?;
    let new: NewAttempt = body::json(&headers, body, PANEL_LIMIT).await?;
    state.attempts.take(state.clock.now())?;
    state.sign_in.begin(&workspace, &new.attempt, &new.challenge).await?;
    let start_url = format!("{}/auth/start?attempt={workspace}.{}", state.origin(), new.attempt);
    Ok((StatusCode::CREATED, axum::Json(Started { start_url })).into_response())
}

/// How a sign-in stands; the frame asks once a second.
#[utoipa::path(get, path = "/v1/workspaces/{workspace}/agent/attempts/{attempt}", tag = "sign-in",
    params(("workspace" = String, Path), ("attempt" = String, Path)),
    responses(
        (status = 200, body = AttemptAnswer),
        (status = 404, description = "`attempt_unknown`, `not_found`", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub(super) async fn attempt(
    State(state): State<AppState>,
    Path((workspace, attempt)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    guard::same_site(&state, &Method::GET, &headers)?;
    let (workspace, _) = state.workspace(&workspace)?;
    let (word, problem) = match state.sign_in.attempt_state(&workspace, &attempt).await? {
        AttemptState::Pending => (AttemptWord::Pending, None),
        AttemptState::Done => (AttemptWord::Done, None),
        AttemptState::Failed(code) => (AttemptWord::Failed, Some(code)),
    };
    Ok(private(axum::Json(AttemptAnswer { state: word, problem }).into_response()))
}

/// Turns a finished sign-in into a session; the answer sets its cookie.
#[utoipa::path(post, path = "/v1/workspaces/{workspace}/agent/session", tag = "sign-in",
    request_body = Redeem,
    params(("workspace" = String, Path), ("X-Tieline-Panel" = String, Header, description = "`1`")),
    responses(
        (status = 200, body = SessionAnswer),
        (status = 400, description = "`malformed_request`, `body_too_deep`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "`foreign_origin`, `panel_header_missing`, `verifier_wrong`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "`attempt_unknown`, `sign_in_not_configured`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "`attempt_not_finished`", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub(super) async fn open_session(
    State(state): State<AppState>,
    Path(workspace): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    guard::same_site(&state, &Method::POST, &headers)?;
    let (workspace, _) = state.workspace(&workspace)?;
    let redeem: Redeem = body::json(&headers, body, PANEL_LIMIT).await?;
    let (secret, signed_in) = state.sign_in.redeem(&workspace, &redeem.attempt, &redeem.verifier).await?;
    tracing::info!(workspace = %workspace, agent.id = %signed_in.agent.id, "An agent signed in");
    let lasts = signed_in.expires_at.as_second() - state.clock.now().as_second();
    let cookie = session_cookie(&workspace, &secret, lasts.max(0));
    let answer = axum::Json(SessionAnswer::from(signed_in.agent)).into_response();
    Ok(private(with_cookie(answer, &cookie)))
}

/// Who is signed in.
#[utoipa::path(get, path = "/v1/workspaces/{workspace}/agent/session", tag = "sign-in",
    params(("workspace" = String, Path)), security(("session" = [])),
    responses(
        (status = 200, body = SessionAnswer),
        (status = 401, description = "`not_signed_in`", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub(super) async fn session(
    State(state): State<AppState>,
    Path(workspace): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    guard::same_site(&state, &Method::GET, &headers)?;
    let (_, signed_in) = current(&state, &workspace, &headers).await?;
    Ok(private(axum::Json(SessionAnswer::from(signed_in.agent)).into_response()))
}

/// Signs out.
#[utoipa::path(delete, path = "/v1/workspaces/{workspace}/agent/session", tag = "sign-in",
    params(("workspace" = String, Path), ("X-Tieline-Panel" = String, Header, description = "`1`")),
    security(("session" = [])),
    responses(
        (status = 204, description = "Nobody is signed in any more"),
        (status = 401, description = "`not_signed_in`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "`foreign_origin`, `panel_header_missing`", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub(super) async fn close_session(
    State(state): State<AppState>,
    Path(workspace): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    guard::same_site(&state, &Method::DELETE, &headers)?;
    let (workspace, signed_in) = current(&state, &workspace, &headers).await?;
    let secret =
        guard::cookie(&headers, &guard::cookie_name(&workspace)).ok_or_else(Problem::not_signed_in)?;
    state.sign_in.sign_out(&workspace, secret).await?;
    tracing::info!(workspace = %workspace, agent.id = %signed_in.agent.id, "An agent signed out");
    let cookie = session_cookie(&workspace, "", 0);
    Ok(private(with_cookie(StatusCode::NO_CONTENT.into_response(), &cookie)))
}

/// A word that opens one socket within 60 seconds.
#[utoipa::path(post, path = "/v1/workspaces/{workspace}/agent/tickets", tag = "sign-in",
    params(("workspace" = String, Path), ("X-Tieline-Panel" = String, Header, description = "`1`")),
    security(("session" = [])),
    responses(
        (status = 201, body = Ticket),
        (status = 401, description = "`not_signed_in`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "`foreign_origin`, `panel_header_missing`", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub(super) async fn ticket(
    State(state): State<AppState>,
    Path(workspace): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    guard::same_site(&state, &Method::POST, &headers)?;
    let (_, signed_in) = current(&state, &workspace, &headers).await?;
    let (ticket, expires_at) = state.sign_in.ticket(&signed_in).await?;
    let answer = Ticket { ticket, expires_at: expires_at.to_string() };
    Ok(private((StatusCode::CREATED, axum::Json(answer)).into_response()))
}

/// An unknown workspace has no sessions, and looks like it.
async fn current(
    state: &AppState,
    workspace: &str,
    headers: &HeaderMap,
) -> Result<(WorkspaceName, SignedIn), Problem> {
    let (workspace, _) = state.workspace(workspace).map_err(|_| Problem::not_signed_in())?;
    let signed_in = guard::signed_in(state, &workspace, headers).await?;
    Ok((workspace, signed_in))
}

/// `Partitioned` keeps the cookie in the frame's partition, where it is set and read; without
/// it browsers that partition third-party cookies would drop it.
fn session_cookie(workspace: &WorkspaceName, secret: &str, lasts: i64) -> String {
    format!(
        "{}={secret}; Path=/; Max-Age={lasts}; Secure; HttpOnly; SameSite=None; Partitioned",
        guard::cookie_name(workspace)
    )
}

pub(super) fn with_cookie(mut response: Response, cookie: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}

pub(super) fn private(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Anybody may begin a sign-in, and each one is a row: this many a minute are enough for a
/// shift that starts at once, and too few to fill a disk.
pub(crate) const ATTEMPTS_A_MINUTE: u32 = 600;

/// Counts within the current minute.
#[derive(Debug, Default)]
pub struct Attempts(std::sync::Mutex<(i64, u32)>);

impl Attempts {
    fn take(&self, now: jiff::Timestamp) -> Result<(), Problem> {
        let minute = now.as_second().div_euclid(60);
        let mut count = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if count.0 != minute {
            *count = (minute, 0);
        }
        count.1 += 1;
        if count.1 <= ATTEMPTS_A_MINUTE {
            return Ok(());
        }
        Err(Problem::new(Code::TooManyRequests, "many agents are signing in; try again in a minute")
            .retry_after(std::time::Duration::from_secs(60)))
    }
}
