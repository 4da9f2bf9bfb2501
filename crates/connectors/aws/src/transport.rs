//! One HTTP client for signed calls and for `object_store`, and what is to be seen in every answer.

use std::net::IpAddr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, DATE, ETAG, HeaderMap, HeaderValue};
use http::{Method, StatusCode};
use http_body_util::BodyExt;
use jiff::Timestamp;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody,
    HttpService,
};

/// The largest body buffered here: answers of JSON calls, refusals, objects without a length.
pub(crate) const LARGEST_BODY: usize = 64 * 1024 * 1024;

/// How long nothing may arrive before an exchange is given up.
const LONGEST_SILENCE: Duration = Duration::from_secs(10);

/// The true time: what is on the wire is signed with it, whatever a test's clock says, because AWS
/// compares it with its own.
#[expect(clippy::disallowed_methods, reason = "AWS checks signatures against the true time")]
pub(crate) fn true_time() -> Timestamp {
    Timestamp::now()
}

/// Cheap to clone; clones share the connections and what was seen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Connector(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    direct: OnceLock<reqwest::Client>,
    /// Through the environment's proxy, where one is set.
    proxied: OnceLock<reqwest::Client>,
    /// AWS's time minus ours in seconds plus one day; zero when no answer had a date.
    skew: AtomicI64,
}

const DAY: i64 = 86_400;

impl Connector {
    pub fn client_for(&self, host: &str) -> reqwest::Result<&reqwest::Client> {
        let here = is_this_machine(host);
        let cell = if here { &self.0.direct } else { &self.0.proxied };
        if let Some(client) = cell.get() {
            return Ok(client);
        }
        let client = client(here)?;
        Ok(cell.get_or_init(|| client))
    }

    /// Compares the answer's `Date` with the machine's clock.
    pub fn note_date(&self, headers: &HeaderMap) {
        let date = headers.get(DATE).and_then(|date| date.to_str().ok());
        let Some(theirs) = date.and_then(|date| jiff::fmt::rfc2822::parse(date).ok()) else { return };
        let ahead = theirs.timestamp().as_second() - true_time().as_second();
        self.0.skew.store(ahead.clamp(1 - DAY, DAY) + DAY, Ordering::Relaxed);
    }

    /// How far the machine's clock was from AWS's at the last answer; `None` before the first.
    pub fn skew(&self) -> Option<Duration> {
        match self.0.skew.load(Ordering::Relaxed) {
            0 => None,
            seen => Some(Duration::from_secs((seen - DAY).unsigned_abs())),
        }
    }
}

fn client(here: bool) -> reqwest::Result<reqwest::Client> {
    // The tree holds one TLS provider; whoever comes first installs it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder()
        .user_agent(concat!("tieline/", env!("CARGO_PKG_VERSION")))
        // An answer must not send a signature elsewhere.
        .redirect(reqwest::redirect::Policy::none())
        // An object's bytes are wanted as they are stored.
        .no_gzip()
        .connect_timeout(Duration::from_secs(2))
        .read_timeout(LONGEST_SILENCE)
        .pool_idle_timeout(Duration::from_secs(20))
        .tcp_nodelay(true);
    if here { builder.no_proxy() } else { builder }.build()
}

/// Whether `host`, as written in an address, can only be this machine.
fn is_this_machine(host: &str) -> bool {
    host == "localhost"
        || host.ends_with(".localhost")
        || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl HttpConnector for Connector {
    fn connect(&self, _options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

/// What S3 answered instead of a success, kept beside `object_store`'s error, which folds it away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub status: u16,
    pub code: Option<String>,
    pub message: String,
}

/// Travels with a request and brings its refusal back.
#[derive(Debug, Clone, Default)]
pub(crate) struct Note(Arc<Mutex<Option<Refusal>>>);

impl Note {
    pub fn take(&self) -> Option<Refusal> {
        self.0.lock().expect("no panic while the lock is held").take()
    }

    fn put(&self, refusal: Option<Refusal>) {
        *self.0.lock().expect("no panic while the lock is held") = refusal;
    }
}

#[async_trait]
impl HttpService for Connector {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let note = request.extensions().get::<Note>().cloned();
        let method = request.method().clone();
        let host = request.uri().host().unwrap_or_default().to_owned();
        let client = self.client_for(&host).map_err(|error| HttpError::new(HttpErrorKind::Connect, error))?;
        let (mut parts, body) = HttpService::call(client, request).await?.into_parts();
        self.note_date(&parts.headers);
        if parts.status.is_success() {
            let body = complete(&method, &mut parts.headers, body).await?;
            return Ok(HttpResponse::from_parts(parts, body));
        }
        let body = if method == Method::HEAD { Bytes::new() } else { collect(body).await? };
        if let Some(note) = note {
            note.put(Some(refusal(parts.status, &body)));
        }
        Ok(HttpResponse::from_parts(parts, body.into()))
    }
}

/// `object_store` insists on an `ETag` after a PUT and on a length; servers that look like S3 leave them out.
async fn complete(
    method: &Method,
    headers: &mut HeaderMap,
    body: HttpResponseBody,
) -> Result<HttpResponseBody, HttpError> {
    if method == Method::PUT && !headers.contains_key(ETAG) {
        headers.insert(ETAG, HeaderValue::from_static(""));
    }
    if headers.contains_key(CONTENT_LENGTH) || !(method == Method::GET || method == Method::HEAD) {
        return Ok(body);
    }
    let body = if method == Method::HEAD { Bytes::new() } else { collect(body).await? };
    headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    Ok(body.into())
}

async fn collect(body: HttpResponseBody) -> Result<Bytes, HttpError> {
    let mut body = body;
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            if whole.len() + data.len() > LARGEST_BODY {
                return Err(HttpError::new(HttpErrorKind::Decode, TooMuch));
            }
            whole.extend_from_slice(&data);
        }
    }
    Ok(whole.freeze())
}

#[derive(Debug, thiserror::Error)]
#[error("the answer is larger than we read")]
struct TooMuch;

fn refusal(status: StatusCode, body: &[u8]) -> Refusal {
    let (code, message) = xml_error(body);
    let code = code.or_else(|| match status.as_u16() {
        // A HEAD has no body that could say it.
        301 => Some("PermanentRedirect".to_owned()),
        307 => Some("TemporaryRedirect".to_owned()),
        _ => None,
    });
    Refusal { status: status.as_u16(), code, message }
}

/// `Code` and `Message` of S3's error document, wherever in it they are.
pub(crate) fn xml_error(body: &[u8]) -> (Option<String>, String) {
    let Ok(text) = std::str::from_utf8(body) else { return (None, String::new()) };
    let Ok(document) = roxmltree::Document::parse(text.trim_start_matches('\u{feff}').trim()) else {
        return (None, String::new());
    };
    let text_of = |name: &str| {
        document
            .descendants()
            .find(|node| node.tag_name().name() == name)
            .and_then(|node| node.text())
            .map(|text| text.trim().to_owned())
            .filter(|text| !text.is_empty())
    };
    (text_of("Code"), text_of("Message").unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_s_code_is_found_in_every_shape_s3_has() {
        let body = b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>NoSuchKey</Code><Message>gone</Message></Error>";
        assert_eq!(refusal(StatusCode::NOT_FOUND, body).code.as_deref(), Some("NoSuchKey"));
        let old = b"<ErrorResponse xmlns=\"urn:x\"><Error><Code>AccessDenied</Code></Error></ErrorResponse>";
        assert_eq!(refusal(StatusCode::FORBIDDEN, old).code.as_deref(), Some("AccessDenied"));
        assert_eq!(refusal(StatusCode::MOVED_PERMANENTLY, b"").code.as_deref(), Some("PermanentRedirect"));
        for nothing in [&b""[..], b"<html>", b"\xff"] {
            assert_eq!(refusal(StatusCode::NOT_FOUND, nothing).code, None);
        }
    }

    #[test]
    fn the_clock_s_distance_is_read_from_the_date() {
        let connector = Connector::default();
        assert_eq!(connector.skew(), None);
        let mut headers = HeaderMap::new();
        headers.insert(DATE, HeaderValue::from_static("Mon, 15 Jan 2024 12:34:56 GMT"));
        connector.note_date(&headers);
        assert!(connector.skew().unwrap() >= Duration::from_secs(80_000), "long past");
        headers.insert(DATE, HeaderValue::from_static("yesterday"));
        connector.note_date(&headers);
        assert!(connector.skew().is_some(), "what cannot be read changes nothing");
    }
}
