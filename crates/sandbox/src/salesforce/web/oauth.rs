//! Sign-in over HTTP: decodes, asks `sign_in`, encodes.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::response::{Html, IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::Value;

use super::Site;
use super::data::bearer;
use crate::salesforce::org::User;
use crate::salesforce::sign_in;

type Form = Vec<(String, String)>;

fn form(bytes: &[u8]) -> Form {
    url::form_urlencoded::parse(bytes).into_owned().collect()
}

pub(super) async fn token(
    State(site): State<Site>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let caller = site.caller(&headers);
    // Salesforce takes the parameters from the address too, however unwise that is.
    let mut form = form(&body);
    form.extend(self::form(query.unwrap_or_default().as_bytes()));
    let answer = sign_in::token(&mut site.org.state(), &caller, &form, basic(&headers).as_ref());
    let mut response = match answer {
        Ok(answer) => Json(answer).into_response(),
        Err(refused) => (StatusCode::BAD_REQUEST, Json(refused.json())).into_response(),
    };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Client id and secret of `Authorization: Basic …`, each form-encoded (RFC 6749 §2.3.1).
fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
    let text = String::from_utf8(STANDARD.decode(text.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let decode = |part: &str| {
        let part = part.replace('+', " ");
        percent_encoding::percent_decode_str(&part).decode_utf8().ok().map(std::borrow::Cow::into_owned)
    };
    Some((decode(id)?, decode(secret)?))
}

pub(super) async fn authorize(State(site): State<Site>, RawQuery(query): RawQuery) -> Response {
    let query = form(query.unwrap_or_default().as_bytes());
    show(sign_in::page(&site.org.state(), &query))
}

pub(super) async fn decide(State(site): State<Site>, body: Bytes) -> Response {
    let now = site.org.world.now();
    show(sign_in::decide(&mut site.org.state(), &form(&body), now))
}

fn show(answer: sign_in::Decision) -> Response {
    let page = |status: StatusCode, html: String, leads_to: &str| {
        // A sign-in page is never framed, and its form leads to us and on to the client only.
        let policy = format!(
            "default-src 'none'; style-src 'unsafe-inline'; form-action 'self' {leads_to}; base-uri 'none'; frame-ancestors 'none'"
        );
        let mut response = (status, Html(html)).into_response();
        if let Ok(policy) = HeaderValue::from_str(&policy) {
            response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    };
    match answer {
        sign_in::Decision::Page { html, leads_to } => page(StatusCode::OK, html, &leads_to),
        sign_in::Decision::Refused(html) => page(StatusCode::BAD_REQUEST, html, ""),
        sign_in::Decision::Redirect(to) => match HeaderValue::from_str(&to) {
            Ok(to) => (StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response(),
            Err(_) => StatusCode::BAD_REQUEST.into_response(),
        },
    }
}

pub(super) async fn revoke_get(State(site): State<Site>, RawQuery(query): RawQuery) -> Response {
    revoke(&site, query.unwrap_or_default().as_bytes())
}

pub(super) async fn revoke_post(State(site): State<Site>, body: Bytes) -> Response {
    revoke(&site, &body)
}

fn revoke(site: &Site, bytes: &[u8]) -> Response {
    match sign_in::revoke(&mut site.org.state(), &form(bytes)) {
        Ok(()) => StatusCode::OK.into_response(),
        Err(refused) => (StatusCode::BAD_REQUEST, Json(refused.json())).into_response(),
    }
}

pub(super) async fn user_info(State(site): State<Site>, headers: HeaderMap) -> Response {
    let caller = site.caller(&headers);
    match signed_in(&site, &headers) {
        Some(user) => Json(sign_in::user_info(&user, &caller.issuer, &caller.host)).into_response(),
        // In plain text, as Salesforce says it.
        None => (StatusCode::FORBIDDEN, "Bad_OAuth_Token").into_response(),
    }
}

pub(super) async fn identity(
    State(site): State<Site>,
    Path((_, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let caller = site.caller(&headers);
    match signed_in(&site, &headers).filter(|user| user.id == id) {
        Some(user) => Json(sign_in::identity(&user, &caller.host)).into_response(),
        None => (StatusCode::FORBIDDEN, "Bad_OAuth_Token").into_response(),
    }
}

fn signed_in(site: &Site, headers: &HeaderMap) -> Option<User> {
    let now = site.org.world.now();
    let mut state = site.org.state();
    let session = state.sessions.touch(bearer(headers)?, now)?;
    state.user(&session.user)
}

pub(super) async fn discovery(State(site): State<Site>, headers: HeaderMap) -> Json<Value> {
    Json(sign_in::discovery(&site.caller(&headers).issuer))
}

pub(super) async fn jwks() -> Json<Value> {
    Json(sign_in::jwks())
}

pub(super) async fn soap(
    State(site): State<Site>,
    Path((kind, version)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let known =
        matches!(kind.as_str(), "u" | "c") && version.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    if !known {
        return StatusCode::NOT_FOUND.into_response();
    }
    let caller = site.caller(&headers);
    let (status, xml) = sign_in::soap_login(&mut site.org.state(), &caller, &kind, &version, &body);
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [(header::CONTENT_TYPE, "text/xml;charset=UTF-8")], xml).into_response()
}
