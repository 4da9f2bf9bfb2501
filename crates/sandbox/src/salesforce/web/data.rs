//! `/services/data`: who calls, the transaction, the faults, the headers.

use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, Method as HttpMethod, StatusCode, Uri, header};
use serde_json::{Value, json};

use super::Site;
use super::logged::Entry;
use crate::salesforce::org::{Org, State as OrgState};
use crate::salesforce::records::{Actor, Failure};
use crate::salesforce::rest::{Answer, Api, Method, Request, VERSIONS, handle};
use crate::world::{Closed, FaultKind, Part, Probe};

const JSON: HeaderValue = HeaderValue::from_static("application/json;charset=UTF-8");

/// The versions there are; needs no session.
pub(super) async fn versions() -> Response {
    let versions: Vec<Value> = VERSIONS
        .map(|number| {
            json!({
                "label": format!("API {number}.0"),
                "url": format!("/services/data/v{number}.0"),
                "version": format!("{number}.0"),
            })
        })
        .collect();
    write(&Answer::ok(versions.into()), None)
}

pub(super) async fn rest(
    State(site): State<Site>,
    Extension(Entry(n)): Extension<Entry>,
    method: HttpMethod,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let now = site.org.world.now();
    let Some(request) = read(&method, &uri, &headers, &body) else {
        return failed(&Failure::not_found());
    };
    // The lock is held from here to the end of the transaction, and not while anything waits.
    let (answer, used, committed) = {
        let mut state = site.org.state();
        let session = bearer(&headers).and_then(|token| state.sessions.touch(token, now));
        let Some(session) = session else {
            return failed(&Failure::new(401, "INVALID_SESSION_ID", "Session expired or invalid"));
        };
        if !session.may_use_api() {
            let message = "This session is not valid for use with the REST API";
            return failed(&Failure::new(403, "INVALID_SESSION_ID", message));
        }
        if !state.count_call(now) {
            return failed(&Failure::new(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."));
        }
        let locked = !matches!(request.method, Method::Get)
            && site
                .org
                .world
                .faults(Part::Salesforce)
                .take(&[FaultKind::Lock], probe(&site.org, &uri, &request).as_probe())
                .is_some();
        let actor = Actor { user: session.user, now };
        let (answer, committed) = transaction(&site.org, &mut state, actor, locked, &request);
        if committed {
            state.log.committed(n);
        }
        (answer, format!("api-usage={}/{}", state.used(), state.settings.daily_api_requests), committed)
    };
    if committed {
        let faults = site.org.world.faults(Part::Salesforce);
        let kinds = [FaultKind::CommitThenLose, FaultKind::CommitThenHang];
        if let Some(fault) = faults.take(&kinds, probe(&site.org, &uri, &request).as_probe()) {
            if fault.kind == FaultKind::CommitThenLose {
                return Closed::response();
            }
            faults.deleted(fault.id).await;
        }
    }
    write(&answer, Some(&used))
}

/// Runs a request whole or not at all; whether a change was kept.
fn transaction(
    org: &Org,
    state: &mut OrgState,
    actor: Actor,
    locked: bool,
    request: &Request,
) -> (Answer, bool) {
    let allowed = state.settings.daily_api_requests;
    let daily = (allowed, allowed.saturating_sub(state.used()));
    let page_size = state.settings.page_size;
    let before = state.storage.written();
    let run = || -> rusqlite::Result<Answer> {
        state.storage.begin()?;
        let mut api = Api {
            schema: &org.schema,
            storage: &mut state.storage,
            cursors: &mut state.cursors,
            actor,
            locked,
            page_size,
            daily,
        };
        let answer = handle(&mut api, request);
        if answer.failed() {
            state.storage.roll_back(before)?;
        } else {
            state.storage.commit()?;
        }
        Ok(answer)
    };
    match run() {
        Ok(answer) => (answer, state.storage.written() > before),
        Err(error) => (Answer::failures(&[error.into()]), false),
    }
}

/// `/services/data/v62.0/…`; `None` for any other address.
fn read(method: &HttpMethod, uri: &Uri, headers: &HeaderMap, body: &Bytes) -> Option<Request> {
    let rest = uri.path().strip_prefix("/services/data/")?;
    let (version, rest) = rest.split_once('/').unwrap_or((rest, ""));
    let version: u32 = version.strip_prefix('v')?.strip_suffix(".0")?.parse().ok()?;
    if !VERSIONS.contains(&version) {
        return None;
    }
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let method = Method::from_word(method.as_str())?;
    let mut request = Request::new(method, version, &format!("{rest}{query}"), body.to_vec())?;
    request.batch_size = headers
        .get("sforce-query-options")
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.split_once('='))
        .filter(|(name, _)| name.trim().eq_ignore_ascii_case("batchSize"))
        .and_then(|(_, size)| size.trim().parse().ok());
    Some(request)
}

/// `Authorization: Bearer …`, or `OAuth …` as older clients write it.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = text.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("Bearer") || scheme.eq_ignore_ascii_case("OAuth")).then(|| token.trim())
}

struct OwnedProbe {
    method: String,
    path: String,
    contact: String,
}

impl OwnedProbe {
    fn as_probe(&self) -> Probe<'_> {
        Probe { method: &self.method, path: &self.path, contact: &self.contact }
    }
}

/// What faults are compared with. Salesforce knows no contacts of a contact center; a fault for
/// one matches a request that speaks of it anywhere.
fn probe(org: &Org, uri: &Uri, request: &Request) -> OwnedProbe {
    let faults = org.world.faults(Part::Salesforce).list();
    let mentions = |id: &String| {
        uri.path().contains(id.as_str())
            || request.query.iter().any(|(_, value)| value.contains(id.as_str()))
            || String::from_utf8_lossy(&request.body).contains(id.as_str())
    };
    let contact = faults.into_iter().filter_map(|fault| fault.matches.contact).find(mentions);
    OwnedProbe {
        method: request.method.word().to_owned(),
        path: uri.path().to_owned(),
        contact: contact.unwrap_or_default(),
    }
}

pub(super) fn failed(failure: &Failure) -> Response {
    write(&Answer::failures(std::slice::from_ref(failure)), None)
}

fn write(answer: &Answer, used: Option<&str>) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = match (&answer.body, &answer.file) {
        (Some(body), _) => (status, [(header::CONTENT_TYPE, JSON)], body.to_string()).into_response(),
        (None, Some(file)) => {
            let kind = HeaderValue::from_str(&file.content_type);
            let kind = kind.unwrap_or(HeaderValue::from_static("application/octet-stream"));
            (status, [(header::CONTENT_TYPE, kind)], file.bytes.clone()).into_response()
        }
        (None, None) => status.into_response(),
    };
    let mut set = |name: http::HeaderName, value: Option<&str>| {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(value).ok()) {
            response.headers_mut().insert(name, value);
        }
    };
    set(http::HeaderName::from_static("sforce-limit-info"), used);
    set(header::LOCATION, answer.location.as_deref());
    response
}

/// The answer of the fault `status`: what Salesforce, or what stands in front of it, says with that status.
pub(super) fn status_body(status: u16, code: Option<&str>) -> Response {
    let (usual, message) = match status {
        401 => ("INVALID_SESSION_ID", "Session expired or invalid"),
        403 => ("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
        404 => ("NOT_FOUND", "The requested resource does not exist"),
        429 => ("REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded."),
        503 if code.is_none() => {
            let page = "<html><head><title>Service Unavailable</title></head><body><h1>503 Service Unavailable</h1></body></html>";
            return (StatusCode::SERVICE_UNAVAILABLE, axum::response::Html(page)).into_response();
        }
        500..=599 => ("SERVER_UNAVAILABLE", "The server is temporarily unavailable"),
        _ => ("UNKNOWN_EXCEPTION", "The sandbox was told to answer so"),
    };
    let body = json!([{"message": message, "errorCode": code.unwrap_or(usual)}]);
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [(header::CONTENT_TYPE, JSON)], body.to_string()).into_response()
}
