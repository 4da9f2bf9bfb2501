//! The instance's bucket, as much of S3 as its files need: put, get, head, list.
//!
//! Path-style under `/s3` of this part's address: `AWS_ENDPOINT_URL_S3=http://127.0.0.1:8432/s3`.
//! Requests must look signed, in the header or (presigned) in the query; the signature's value is
//! not checked. Nothing is kept over a restart or a reset.
//!
//! Written from Amazon S3 API Reference, `PutObject`, `GetObject`, `HeadObject`, `ListObjectsV2`
//! and "Error responses" (read 2026-11-21).

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::rest;
use super::server::Hall;

/// Larger than any file the sandbox makes.
const LARGEST: usize = 64 * 1024 * 1024;

#[derive(Debug, Clone)]
struct Stored {
    bytes: Bytes,
    content_type: Option<HeaderValue>,
    metadata: Vec<(HeaderName, HeaderValue)>,
    etag: String,
    modified: Timestamp,
}

/// Everything in all buckets, by bucket and key.
#[derive(Debug, Default)]
pub struct Storage(Mutex<BTreeMap<(String, String), Stored>>);

impl Storage {
    /// The new object's tag, in quotes.
    pub fn put(&self, bucket: &str, key: &str, bytes: impl Into<Bytes>, now: Timestamp) -> String {
        self.store(bucket, key, bytes.into(), &HeaderMap::new(), now)
    }

    pub fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<(String, String), Stored>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, bucket: &str, key: &str) -> Option<Stored> {
        self.lock().get(&(bucket.to_owned(), key.to_owned())).cloned()
    }

    fn store(&self, bucket: &str, key: &str, bytes: Bytes, headers: &HeaderMap, now: Timestamp) -> String {
        let digest = Sha256::digest(&bytes);
        let etag = digest[..16].iter().fold("\"".to_owned(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        }) + "\"";
        let metadata = headers.iter().filter(|(name, _)| name.as_str().starts_with("x-amz-meta-"));
        let stored = Stored {
            bytes,
            content_type: headers.get(header::CONTENT_TYPE).cloned(),
            metadata: metadata.map(|(name, value)| (name.clone(), value.clone())).collect(),
            etag: etag.clone(),
            modified: now,
        };
        self.lock().insert((bucket.to_owned(), key.to_owned()), stored);
        etag
    }
}

pub fn routes(hall: Arc<Hall>) -> Router {
    Router::new()
        .route("/s3/{bucket}", get(list))
        .route("/s3/{bucket}/", get(list))
        .route("/s3/{bucket}/{*key}", get(read).put(write))
        .layer(DefaultBodyLimit::max(LARGEST))
        .with_state(hall)
}

fn looks_signed(headers: &HeaderMap, query: Option<&str>) -> Option<Response> {
    let presigned = query.is_some_and(|query| query.contains("X-Amz-Signature="));
    if presigned || rest::looks_signed(headers, "s3") {
        return None;
    }
    Some(error(StatusCode::FORBIDDEN, "AccessDenied", "the request is not signed"))
}

fn error(status: StatusCode, code: &str, message: &str) -> Response {
    let xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    );
    (status, [(header::CONTENT_TYPE, "application/xml")], xml).into_response()
}

async fn read(
    State(hall): State<Arc<Hall>>,
    Path((bucket, key)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    if let Some(refused) = looks_signed(&headers, query.as_deref()) {
        return refused;
    }
    let Some(stored) = hall.storage.find(&bucket, &key) else {
        return error(StatusCode::NOT_FOUND, "NoSuchKey", "The specified key does not exist.");
    };
    let mut response = stored.bytes.into_response();
    let answer = response.headers_mut();
    let kind = stored.content_type.unwrap_or(HeaderValue::from_static("binary/octet-stream"));
    answer.insert(header::CONTENT_TYPE, kind);
    let modified = stored.modified.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    for (name, value) in [(header::ETAG, stored.etag), (header::LAST_MODIFIED, modified)] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            answer.insert(name, value);
        }
    }
    answer.extend(stored.metadata);
    response
}

async fn write(
    State(hall): State<Arc<Hall>>,
    Path((bucket, key)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if let Some(refused) = looks_signed(&headers, None) {
        return refused;
    }
    let found = hall.storage.find(&bucket, &key);
    let failed =
        || error(StatusCode::PRECONDITION_FAILED, "PreconditionFailed", "A precondition did not hold.");
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if text(header::IF_NONE_MATCH) == Some("*") && found.is_some() {
        return failed();
    }
    if let Some(expected) = text(header::IF_MATCH)
        && found.is_none_or(|found| found.etag != expected)
    {
        return failed();
    }
    let etag = hall.storage.store(&bucket, &key, body, &headers, hall.world.now());
    (StatusCode::OK, [(header::ETAG, etag)]).into_response()
}

async fn list(
    State(hall): State<Arc<Hall>>,
    Path(bucket): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    if let Some(refused) = looks_signed(&headers, query.as_deref()) {
        return refused;
    }
    let query: BTreeMap<String, String> =
        url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect();
    let text = |name: &str| query.get(name).map_or("", String::as_str);
    let most = text("max-keys").parse().unwrap_or(1000_usize).min(1000);
    let after = text("continuation-token").max(text("start-after"));
    let storage = hall.storage.lock();
    let found: Vec<_> = storage
        .iter()
        .filter(|((of, key), _)| *of == bucket && key.starts_with(text("prefix")) && key.as_str() > after)
        .take(most + 1)
        .collect();
    let more = found.len() > most;
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>{}</Name><Prefix>{}</Prefix><KeyCount>{}</KeyCount><MaxKeys>{most}</MaxKeys><IsTruncated>{more}</IsTruncated>",
        escaped(&bucket),
        escaped(text("prefix")),
        found.len().min(most),
    );
    for ((_, key), stored) in found.iter().take(most) {
        let _ = write!(
            xml,
            "<Contents><Key>{}</Key><LastModified>{}</LastModified><ETag>{}</ETag><Size>{}</Size><StorageClass>STANDARD</StorageClass></Contents>",
            escaped(key),
            super::event::milliseconds(stored.modified),
            escaped(&stored.etag),
            stored.bytes.len(),
        );
    }
    if let (true, Some(((_, last), _))) = (more, found.get(most.saturating_sub(1))) {
        let _ = write!(xml, "<NextContinuationToken>{}</NextContinuationToken>", escaped(last));
    }
    xml.push_str("</ListBucketResult>");
    ([(header::CONTENT_TYPE, "application/xml")], xml).into_response()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
