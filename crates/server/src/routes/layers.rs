//! What every request passes: the host check, counting, and problems instead of bare errors.

use std::any::Any;
use std::time::Instant;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use tower_http::catch_panic::CatchPanicLayer;

use crate::state::AppState;
use crate::{Code, Problem};

pub(super) fn around(router: Router<AppState>, state: AppState) -> Router {
    router
        .fallback(|| async { Problem::not_found() })
        .method_not_allowed_fallback(|| async {
            Problem::new(Code::MethodNotAllowed, "/openapi.json lists the methods of every address")
        })
        .layer(from_fn(problems))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(state.clone(), hosts))
        .layer(from_fn_with_state(state.clone(), counted))
        .layer(from_fn(headers))
        .with_state(state)
}

/// Refuses names that are not ours: see [`crate::state::Hosts`].
async fn hosts(State(state): State<AppState>, request: Request, next: Next) -> Response {
    if !by_our_name(&state, &request) {
        let detail = format!("call this server by its own name, {}", state.origin());
        return Problem::new(Code::ForeignHost, detail).into_response();
    }
    next.run(request).await
}

/// Whoever names several hosts means one that a check of the first would not see.
fn by_our_name(state: &AppState, request: &Request) -> bool {
    let headers = request.headers().get_all(header::HOST);
    let mut named: Vec<Option<&str>> = headers.iter().map(|host| host.to_str().ok()).collect();
    named.extend(request.uri().authority().map(|authority| Some(authority.as_str())));
    if named.is_empty() {
        return state.hosts.answer_to(None);
    }
    named.into_iter().all(|host| state.hosts.answer_to(host))
}

async fn counted(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = request.method().clone();
    // Routes are matched below this layer, so the pattern is looked up in the answer.
    let response = next.run(request).await;
    let route = response.extensions().get::<Route>().map_or("none", |route| route.0.as_str()).to_owned();
    let took = began.elapsed();
    let status = response.status().as_u16();
    state.metrics.request(&route, method_label(&method), status, took);
    tracing::debug!(route, method = %method, status, duration_ms = took.as_millis(), "Answered a request");
    response
}

/// Methods are part of metrics' labels, and a caller may invent any number of them.
fn method_label(method: &http::Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "HEAD" => "HEAD",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

#[derive(Clone)]
struct Route(String);

/// Notes the route and turns the framework's own plain errors into problems, so that every
/// error has a code.
async fn problems(matched: Option<MatchedPath>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let status = response.status();
    let explained = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| {
        let kind = kind.as_bytes();
        kind.starts_with(b"application/") || kind.starts_with(b"text/html")
    });
    if (status.is_client_error() || status.is_server_error()) && !explained {
        let code = match status {
            StatusCode::NOT_FOUND => Code::NotFound,
            StatusCode::METHOD_NOT_ALLOWED => Code::MethodNotAllowed,
            StatusCode::PAYLOAD_TOO_LARGE => Code::BodyTooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Code::UnsupportedMediaType,
            StatusCode::REQUEST_TIMEOUT => Code::RequestTimeout,
            status if status.is_client_error() => Code::MalformedRequest,
            _ => Code::Internal,
        };
        let allow = response.headers().get(header::ALLOW).cloned();
        response =
            Problem::new(code, "the address, its parameters or its headers cannot be read").into_response();
        if let Some(allow) = allow {
            response.headers_mut().insert(header::ALLOW, allow);
        }
    }
    if let Some(matched) = matched {
        response.extensions_mut().insert(Route(matched.as_str().to_owned()));
    }
    response
}

async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::REFERRER_POLICY).or_insert(HeaderValue::from_static("no-referrer"));
    // Whatever says nothing else about framing is not to be framed at all.
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
    response
}

#[expect(clippy::needless_pass_by_value, reason = "the layer hands the panic over")]
fn panicked(panic: Box<dyn Any + Send>) -> Response {
    tracing::error!(what = crate::panic_text(&*panic), "A request made Tieline stumble");
    Problem::new(Code::Internal, "this is a mistake in Tieline; its log says more").into_response()
}
