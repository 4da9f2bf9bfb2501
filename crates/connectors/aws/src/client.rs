use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use http::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rand::RngExt;
use serde_json::Value;
use tieline_core::Clock;
use url::Url;

use crate::credentials::Source;
use crate::sign::{self, Scope};
use crate::transport::{Connector, LARGEST_BODY, true_time, xml_error};
use crate::{AwsError, AwsKeys, AwsSettings, Bucket, Service};

/// RFC 3986's unreserved characters stay; so demands the signature.
pub(crate) const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A caller waits behind most calls: rather an error in time than an answer too late.
const USUAL_DEADLINE: Duration = Duration::from_secs(8);

/// Attempts of one call, the first included.
const ATTEMPTS: u32 = 4;

/// AWS in one account and region. Cheap to clone; clones share connections and credentials.
#[derive(Clone)]
pub struct Aws(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub settings: AwsSettings,
    pub clock: Arc<dyn Clock>,
    pub connector: Connector,
    source: OnceLock<Source>,
}

impl fmt::Debug for Aws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aws").field("region", &self.0.settings.region).finish_non_exhaustive()
    }
}

/// One JSON call.
#[derive(Debug, Clone, PartialEq)]
pub struct AwsCall {
    pub service: Service,
    pub method: Method,
    /// Begins with a slash; encoded, as [`AwsCall::path_segments`] does.
    pub path: String,
    pub query: Vec<(String, String)>,
    /// `X-Amz-Target` of the services that speak AWS JSON 1.1.
    pub target: Option<&'static str>,
    pub body: Option<Value>,
    /// Whether AWS may get it twice: then passing failures are tried again.
    pub repeatable: bool,
    /// All attempts together.
    pub deadline: Duration,
    /// Another region than the settings'.
    pub region: Option<String>,
}

impl AwsCall {
    pub fn new(service: Service, method: Method, path: impl Into<String>) -> Self {
        Self {
            service,
            method,
            path: path.into(),
            query: Vec::new(),
            target: None,
            body: None,
            repeatable: false,
            deadline: USUAL_DEADLINE,
            region: None,
        }
    }

    /// A path of which each segment is escaped by itself: an id is one segment, slashes and all.
    ///
    /// # Errors
    ///
    /// [`AwsError::UnsafeKey`] for an empty segment or one of dots, which would climb.
    pub fn path_segments(segments: &[&str]) -> Result<String, AwsError> {
        let mut path = String::new();
        for segment in segments {
            if matches!(*segment, "" | "." | "..") {
                return Err(AwsError::UnsafeKey);
            }
            path.push('/');
            path.extend(utf8_percent_encode(segment, SEGMENT));
        }
        Ok(path)
    }

    #[must_use]
    pub fn target(mut self, target: &'static str) -> Self {
        self.target = Some(target);
        self
    }

    #[must_use]
    pub fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    #[must_use]
    pub fn query(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.query.push((name.into(), value.into()));
        self
    }

    #[must_use]
    pub fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }

    #[must_use]
    pub fn within(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    fn url(&self, settings: &AwsSettings, region: &str) -> String {
        let mut url = match settings.endpoint_of(self.service.endpoint_variable()) {
            Some(endpoint) => endpoint.to_owned(),
            None => self.service.address(region),
        };
        url.push_str(&self.path);
        for (index, (name, value)) in self.query.iter().enumerate() {
            url.push(if index == 0 { '?' } else { '&' });
            url.extend(utf8_percent_encode(name, SEGMENT));
            url.push('=');
            url.extend(utf8_percent_encode(value, SEGMENT));
        }
        url
    }
}

impl Aws {
    /// `clock` says when a presigned address begins; what goes over the wire is signed with the
    /// true time.
    pub fn new(settings: AwsSettings, clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Inner { settings, clock, connector: Connector::default(), source: OnceLock::new() }))
    }

    pub fn region(&self) -> Option<&str> {
        self.0.settings.region.as_deref()
    }

    /// How far the machine's clock was from AWS's at the last answer; `None` before the first.
    pub fn skew(&self) -> Option<Duration> {
        self.0.connector.skew()
    }

    /// A bucket of S3 (or of what looks like it, where an endpoint is set).
    pub fn bucket(&self, bucket: &str) -> Bucket {
        Bucket::new(self.clone(), bucket)
    }

    pub(crate) fn source(&self) -> Result<&Source, AwsError> {
        if let Some(source) = self.0.source.get() {
            return Ok(source);
        }
        let source = Source::new(&self.0.settings, &self.0.connector)?;
        Ok(self.0.source.get_or_init(|| source))
    }

    pub(crate) async fn keys(&self) -> Result<AwsKeys, AwsError> {
        self.source()?.keys().await
    }

    /// Signs and sends one call; answers the JSON body, `{}` where there was none.
    ///
    /// Throttling is always tried again, other passing failures where the call is repeatable,
    /// with jitter and inside the call's deadline.
    pub async fn call(&self, call: &AwsCall) -> Result<Value, AwsError> {
        let end = Instant::now() + call.deadline;
        let mut attempt = 1;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let error = match tokio::time::timeout(left, self.attempt(call)).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(error)) => error,
                Err(_) => return Err(AwsError::Unavailable("timed out".into())),
            };
            let throttled = matches!(error, AwsError::Throttled { .. });
            let again = throttled || (call.repeatable && error.is_passing());
            let pause = pause(attempt, &error);
            if !again || attempt == ATTEMPTS || Instant::now() + pause >= end {
                return Err(error);
            }
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    async fn attempt(&self, call: &AwsCall) -> Result<Value, AwsError> {
        let settings = &self.0.settings;
        let region = call.region.as_deref().or(self.region()).ok_or(AwsError::NoRegion)?;
        let keys = self.keys().await?;
        let url = call.url(settings, region);
        let body = call.body.as_ref().map(|body| body.to_string().into_bytes()).unwrap_or_default();
        let content_type = if call.target.is_some() { call.service.json_type() } else { "application/json" };
        let mut headers = vec![("content-type", content_type)];
        if let Some(target) = call.target {
            headers.push(("x-amz-target", target));
        }
        let scope = Scope { keys: &keys, region, service: call.service.signing_name(), at: true_time() };
        let signature = sign::headers(&scope, call.method.as_str(), &url, &headers, &body)?;

        let url = Url::parse(&url).map_err(|_| AwsError::Unavailable("the endpoint is no address".into()))?;
        let client = self
            .0
            .connector
            .client_for(url.host_str().unwrap_or_default())
            .map_err(|error| unreachable(&error))?;
        let mut request = client.request(call.method.clone(), url);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        for (name, value) in signature {
            request = request.header(name, value);
        }
        let mut response = request.body(body).send().await.map_err(|error| unreachable(&error))?;
        self.0.connector.note_date(response.headers());
        let status = response.status().as_u16();
        let kind = response.headers().get("x-amzn-errortype").and_then(|kind| kind.to_str().ok());
        let kind = kind.map(str::to_owned);
        let mut answer = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| unreachable(&error))? {
            if answer.len() + chunk.len() > LARGEST_BODY {
                return Err(AwsError::TooLarge { limit: LARGEST_BODY });
            }
            answer.extend_from_slice(&chunk);
        }
        read(status, kind.as_deref(), &answer)
    }
}

fn read(status: u16, kind: Option<&str>, body: &[u8]) -> Result<Value, AwsError> {
    let json = if body.iter().all(u8::is_ascii_whitespace) {
        Ok(Value::Object(serde_json::Map::new()))
    } else {
        serde_json::from_slice::<Value>(body)
    };
    if (200..300).contains(&status) {
        return json.map_err(|_| AwsError::Malformed);
    }
    let text = |names: &[&str]| {
        let json = json.as_ref().ok()?;
        names.iter().find_map(|name| json.get(name)?.as_str()).map(str::to_owned)
    };
    let (xml_code, xml_message) = xml_error(body);
    let code = kind
        .map(str::to_owned)
        .or_else(|| text(&["__type", "code", "Code"]))
        .or(xml_code)
        .as_deref()
        .map(bare_code)
        .filter(|code| !code.is_empty());
    Err(AwsError::from_answer(status, code, text(&["message", "Message"]).unwrap_or(xml_message)))
}

/// `com.amazon.coral.service#AccessDeniedException:http://internal…` is `AccessDeniedException`.
///
/// ("Smithy", "AWS restJson1 protocol", operation error serialization, read 2026-11-21.)
fn bare_code(text: &str) -> String {
    let text = text.split(':').next().unwrap_or_default();
    text.rsplit('#').next().unwrap_or_default().trim().to_owned()
}

/// Only whether it was time, name or connection: the client's own text may hold the address.
pub(crate) fn unreachable(error: &reqwest::Error) -> AwsError {
    let why = if error.is_timeout() {
        "timed out"
    } else if error.is_connect() {
        "no connection"
    } else {
        "the connection broke"
    };
    AwsError::Unavailable(why.into())
}

fn pause(attempt: u32, error: &AwsError) -> Duration {
    let base = if matches!(error, AwsError::Throttled { .. }) { 250 } else { 50 };
    let whole = Duration::from_millis(base << (attempt - 1).min(5));
    whole.mul_f64(rand::rng().random_range(0.5..1.0))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_segment_cannot_leave_its_place_in_the_path() {
        assert_eq!(
            AwsCall::path_segments(&["queues-summary", "arn:aws:connect:x/y z"]).unwrap(),
            "/queues-summary/arn%3Aaws%3Aconnect%3Ax%2Fy%20z"
        );
        for bad in ["", ".", ".."] {
            assert_eq!(AwsCall::path_segments(&["users", bad]), Err(AwsError::UnsafeKey));
        }
    }

    #[test]
    fn an_error_s_code_is_found_in_header_and_body() {
        let code = |kind: Option<&str>, body: &str| {
            read(400, kind, body.as_bytes()).unwrap_err().code().map(str::to_owned)
        };
        assert_eq!(
            code(Some("InvalidParameterException:http://x/"), r#"{"Message":"m"}"#).as_deref(),
            Some("InvalidParameterException")
        );
        assert_eq!(
            code(None, r#"{"__type":"com.amazonaws#ResourceNotFoundException","Message":"m"}"#).as_deref(),
            Some("ResourceNotFoundException")
        );
        assert_eq!(code(None, r#"{"Code":"BadRequest"}"#).as_deref(), Some("BadRequest"));
        assert_eq!(code(None, "<Error><Code>AccessDenied</Code></Error>").as_deref(), Some("AccessDenied"));
        assert_eq!(code(None, "<html>").as_deref(), Some("400"));
    }

    #[test]
    fn an_empty_success_is_an_empty_object_and_a_broken_one_is_malformed() {
        assert_eq!(read(200, None, b" \n"), Ok(json!({})));
        assert_eq!(read(200, None, b"{\"a\":"), Err(AwsError::Malformed));
    }
}
