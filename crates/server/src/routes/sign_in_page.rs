//! Sign-in as the pop-up sees it: to the provider and back.

use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use utoipa::IntoParams;

use super::sign_in::{private, with_cookie};
use crate::guard;
use crate::problem::ProblemBody;
use crate::state::AppState;
use crate::{Code, Problem};

#[derive(Debug, Deserialize, IntoParams)]
pub(super) struct StartQuery {
    /// As `start_url` names it: `<workspace>.<attempt>`.
    attempt: String,
}

#[derive(Debug, Deserialize, IntoParams)]
pub(super) struct CallbackQuery {
    state: String,
    code: Option<String>,
    error: Option<String>,
}

/// Sends the pop-up to the identity provider.
#[utoipa::path(get, path = "/auth/start", tag = "sign-in", params(StartQuery), responses(
    (status = 302, description = "To the identity provider"),
    (status = 403, description = "`foreign_origin`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "`attempt_unknown`, `not_found`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 502, description = "`identity_provider_unreachable`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(super) async fn start(
    State(state): State<AppState>,
    Query(query): Query<StartQuery>,
    headers: HeaderMap,
) -> Response {
    match depart(&state, &query, &headers).await {
        Ok(response) => response,
        Err(problem) => page(&headers, None, &Err(problem)),
    }
}

async fn depart(state: &AppState, query: &StartQuery, headers: &HeaderMap) -> Result<Response, Problem> {
    // Somebody else's attempt, opened by a link in a mail or on another site, would sign its
    // maker in as whoever clicks. Browsers say where a navigation began; the panel's own
    // pop-up begins on our origin.
    let from = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    if from.is_some_and(|site| site != b"same-origin") {
        return Err(Problem::new(Code::ForeignOrigin, "sign in by the button in the panel"));
    }
    let (workspace, attempt) = query.attempt.split_once('.').ok_or_else(Problem::not_found)?;
    let (workspace, _) = state.workspace(workspace)?;
    let (url, browser) = state.sign_in.depart(&workspace, attempt).await?;
    let location = HeaderValue::from_str(url.as_str()).map_err(|_| {
        Problem::new(Code::IdentityNotProved, "the identity provider's address cannot be used")
    })?;
    let mut response = StatusCode::FOUND.into_response();
    response.headers_mut().insert(header::LOCATION, location);
    let cookie = format!(
        "{}={browser}; Path=/; Max-Age=600; Secure; HttpOnly; SameSite=Lax",
        way_cookie(&query.attempt)
    );
    Ok(private(with_cookie(response, &cookie)))
}

/// Takes the identity provider's answer, tells the panel, and closes the pop-up.
#[utoipa::path(get, path = "/auth/callback", tag = "sign-in", params(CallbackQuery), responses(
    (status = 200, description = "A page that tells the panel and closes itself", body = String, content_type = "text/html"),
    (status = 403, description = "`sign_in_refused`, `other_browser`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "`attempt_unknown`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 502, description = "`identity_provider_unreachable`, `identity_not_proved`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(super) async fn callback(
    State(state): State<AppState>,
    Query(query): Query<CallbackQuery>,
    headers: HeaderMap,
) -> Response {
    let named = query.state.rsplit_once('.').map(|(attempt, _)| attempt.to_owned());
    let way = named.as_deref().map(way_cookie);
    let browser = way.as_deref().and_then(|name| guard::cookie(&headers, name));
    let code = match (&query.code, &query.error) {
        (Some(code), None) => Ok(code.as_str()),
        (_, Some(error)) => Err(error.as_str()),
        (None, None) => {
            let problem = Problem::new(Code::MalformedRequest, "there is neither code nor error");
            return page(&headers, None, &Err(problem));
        }
    };
    let outcome = state.sign_in.arrive(&query.state, browser, code).await.map_err(Problem::from);
    let attempt = named.as_deref().and_then(|named| named.split_once('.')).map(|(_, attempt)| attempt);
    let mut response = page(&headers, attempt, &outcome);
    if let Some(way) = way.filter(|_| browser.is_some()) {
        response =
            with_cookie(response, &format!("{way}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax"));
    }
    response
}

/// The script of the callback page.
#[utoipa::path(get, path = "/auth/callback.js", tag = "sign-in", responses(
    (status = 200, description = "JavaScript", body = String, content_type = "text/javascript"),
))]
pub(super) async fn script() -> Response {
    let headers =
        [(header::CONTENT_TYPE, "text/javascript; charset=utf-8"), (header::CACHE_CONTROL, "no-cache")];
    (headers, SCRIPT).into_response()
}

/// The panel's frame has our own origin, so nobody else can read the message; providers may
/// have cut the opener off, in which case the frame finds out by asking.
const SCRIPT: &str = r#"const told = JSON.parse(document.getElementById("tieline-sign-in").textContent);
if (window.opener && told.attempt) {
  window.opener.postMessage({ type: "tieline.sign-in", attempt: told.attempt }, window.location.origin);
}
if (told.done) window.close();
"#;

/// Several sign-ins may be on their way in one browser, each with a cookie of its own.
fn way_cookie(named: &str) -> String {
    let digest = Sha256::digest(named.as_bytes());
    format!("__Host-tieline-way-{}", BASE64_URL_SAFE_NO_PAD.encode(&digest[..9]))
}

/// A page for people, a problem for programs.
fn page(headers: &HeaderMap, attempt: Option<&str>, outcome: &Result<(), Problem>) -> Response {
    let person = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"));
    let (status, title, text) = match outcome {
        Ok(()) => (StatusCode::OK, "You are signed in", "You can close this window."),
        Err(problem) if person => (problem.code.status(), problem.code.title(), problem.detail.as_str()),
        Err(problem) => return problem.clone().into_response(),
    };
    let told = serde_json::json!({ "attempt": attempt, "done": outcome.is_ok() });
    let html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{title}</title>\n\
         <script type=\"application/json\" id=\"tieline-sign-in\">{told}</script>\n\
         <script type=\"module\" src=\"/auth/callback.js\"></script>\n</head>\n\
         <body>\n<h1>{title}</h1>\n<p>{text}</p>\n</body>\n</html>\n",
        title = escaped(title),
        told = super::panel::json_in_html(&told),
        text = escaped(text),
    );
    let mut response = (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response();
    response.headers_mut().insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; script-src 'self'; base-uri 'none'; frame-ancestors 'none'",
        ),
    );
    private(response)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
