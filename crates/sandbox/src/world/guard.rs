//! What every part does with every request: answers only to its own names, lets only
//! pages of this world call it, and lets nothing be changed by a request a foreign page
//! could make without a preflight.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::{Router, middleware};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

use super::{Part, Problem, World};

/// Proves nothing but that the caller could send it: a page of another origin could not
/// without a preflight, which is answered for pages of this world only.
pub const CHANGE_HEADER: HeaderName = HeaderName::from_static("x-tieline-sandbox");

#[derive(Clone)]
struct Guard {
    world: World,
    part: Part,
}

/// Puts the checks around all of a part's routes. `Host` is checked for all of them, the
/// change header for `/sandbox/v1` (vendor APIs have credentials of their own).
pub fn guarded(world: &World, part: Part, router: Router) -> Router {
    let guard = Guard { world: world.clone(), part };
    router.layer(middleware::from_fn_with_state(guard, check))
}

/// # Errors
///
/// When a request that changes something lacks [`CHANGE_HEADER`]. For routes outside of
/// `/sandbox/v1` that a part's own page calls.
pub fn may_change(headers: &HeaderMap) -> Result<(), Problem> {
    if headers.get(CHANGE_HEADER).is_some_and(|value| value == "1") {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::FORBIDDEN,
        "change_header_missing",
        "requests that change something need the header `X-Tieline-Sandbox: 1`",
    ))
}

async fn check(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    if !knows_host(guard.part, &request) {
        let detail = format!("this server answers to {}, 127.0.0.1 and localhost", guard.part.host());
        let problem = Problem::new(StatusCode::MISDIRECTED_REQUEST, "unknown_host", detail);
        return with_cors(problem.into_response(), None);
    }
    let origin = request.headers().get(header::ORIGIN).cloned();
    let from_elsewhere = origin.as_ref().is_some_and(|origin| !is_its_own(origin, request.headers()));
    let friend = origin.filter(|origin| {
        origin
            .to_str()
            .is_ok_and(|origin| guard.world.addresses().origins().iter().any(|known| known == origin))
    });
    if request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
    {
        return with_cors(StatusCode::NO_CONTENT.into_response(), friend.as_ref());
    }
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if changes && request.uri().path().starts_with("/sandbox/v1/") {
        if from_elsewhere && friend.is_none() {
            let detail = "only pages of this world change it; `--allow-origin` adds one";
            let problem = Problem::new(StatusCode::FORBIDDEN, "foreign_origin", detail);
            return with_cors(problem.into_response(), None);
        }
        if let Err(problem) = may_change(request.headers()) {
            return with_cors(problem.into_response(), friend.as_ref());
        }
    }
    with_cors(next.run(request).await, friend.as_ref())
}

/// Whether a page of the very address that is called makes the request.
fn is_its_own(origin: &HeaderValue, headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).map(HeaderValue::as_bytes);
    let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
    origin.is_some_and(|(_, authority)| host == Some(authority.as_bytes()))
}

/// Whether every name it is called by is one of ours, and there is one.
fn knows_host(part: Part, request: &Request) -> bool {
    let mut named = request
        .headers()
        .get_all(header::HOST)
        .iter()
        .map(|host| host.to_str().ok())
        .chain(request.uri().authority().map(|authority| Some(authority.as_str())))
        .peekable();
    named.peek().is_some() && named.all(|host| host.is_some_and(|host| is_ours(part, host)))
}

fn is_ours(part: Part, host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, digits)) if digits.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    [part.host(), "127.0.0.1", "localhost", "[::1]"].iter().any(|known| known.eq_ignore_ascii_case(name))
}

fn with_cors(mut response: Response, friend: Option<&HeaderValue>) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Pages say who may frame them; whatever else a browser shows is not to be framed at all.
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = friend {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(
            header::ACCESS_CONTROL_ALLOW_METHODS,
            HeaderValue::from_static("GET, POST, PUT, PATCH, DELETE"),
        );
        headers.insert(
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            HeaderValue::from_static("Content-Type, Authorization, X-Tieline-Sandbox"),
        );
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    }
    response
}
