//! Forward mode: what arrives is handed to a server, which keeps it and writes it in its own time.
//!
//! Where `TIELINE_URL` is set, a delivery is done when the server has stored it and not before;
//! otherwise its sender keeps it. `TIELINE_CONNECTION` names the connection there, and its key is
//! `TIELINE_DELIVERY_KEY` or the member `TielineDeliveryKey` of the secret that
//! `SF_CREDENTIALS_SECRETS_MANAGER_ARN` names.

use std::time::Duration;

use reqwest::header::{HeaderName, HeaderValue};
use reqwest::redirect;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tieline_aws::Secrets;
use tieline_core::DeliverySource;
use url::Url;

use crate::LambdaError;
use crate::config::{ConfigError, Environment};
use crate::context::Context;
use crate::name::Manner;

/// How the server knows who sends, by what is sent.
const EVENT_KEY: HeaderName = HeaderName::from_static("x-tieline-key");
const STREAM_KEY: HeaderName = HeaderName::from_static("x-amz-firehose-access-key");

/// Within the shortest time limit of a function that forwards, so that its failure is told.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Most of an error answer that is read.
const LONGEST_PROBLEM: usize = 16 * 1024;

/// The server and the key of one connection there.
pub(crate) struct Server {
    http: reqwest::Client,
    address: Url,
    key: SecretString,
}

/// Why a delivery is not with the server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct ForwardError {
    /// Whether the server has judged it and would judge it so again.
    pub permanent: bool,
    message: String,
}

impl From<ForwardError> for LambdaError {
    fn from(error: ForwardError) -> Self {
        Self::new("lambda.not_forwarded", error.message)
    }
}

/// Whether deliveries go to a server rather than into the CRM.
pub(crate) fn is_on(environment: &Environment) -> bool {
    environment.get("TIELINE_URL").is_some_and(|url| !url.is_empty())
}

/// Hands one delivery over: one event, or with [`DeliverySource::Stream`] a Firehose request.
/// Answers when it is on the server's disk.
pub(crate) async fn deliver(
    context: &Context,
    source: DeliverySource,
    body: Vec<u8>,
) -> Result<(), ForwardError> {
    let server = context
        .server
        .get_or_try_init(|| Server::connect(context))
        .await
        .map_err(|error| ForwardError { permanent: false, message: error.error_message })?;
    server.deliver(source, body).await
}

/// Hands over what a bucket, or EventBridge, says of new objects. The server reads them itself.
///
/// Of a queue each message is handed over by itself, and those that were not stored are named, so
/// that they alone come again; where none was, the invocation fails, on which an alarm can stand.
pub(crate) async fn objects(context: &Context, manner: Manner, event: &Value) -> Result<Value, LambdaError> {
    let is_message = |record: &Value| record.get("messageId").is_some() && record.get("body").is_some();
    let messages = event
        .get("Records")
        .and_then(Value::as_array)
        .filter(|records| !records.is_empty() && records.iter().all(is_message));
    let Some(messages) = messages else {
        deliver(context, DeliverySource::Event, event.to_string().into_bytes()).await?;
        return Ok(if manner == Manner::Legacy { Value::Null } else { json!({ "forwarded": 1 }) });
    };
    let (mut failures, mut first) = (Vec::new(), None);
    for message in messages {
        let body = json!({ "Records": [message] }).to_string().into_bytes();
        if let Err(error) = deliver(context, DeliverySource::Event, body).await {
            tracing::warn!(%error, "A delivery waits in its queue");
            failures.push(json!({ "itemIdentifier": message["messageId"] }));
            first.get_or_insert(error);
        }
    }
    match first {
        // By the reference's name a queue was not set up to take a list.
        Some(error) if failures.len() == messages.len() || manner == Manner::Legacy => Err(error.into()),
        _ if manner == Manner::Legacy => Ok(Value::Null),
        _ => Ok(json!({ "batchItemFailures": failures })),
    }
}

impl Server {
    async fn connect(context: &Context) -> Result<Self, LambdaError> {
        let environment = &context.environment;
        let connection = environment.required("TIELINE_CONNECTION")?;
        let address = address(environment.required("TIELINE_URL")?, connection)?;
        let key = match environment.get("TIELINE_DELIVERY_KEY").filter(|key| !key.is_empty()) {
            Some(key) => SecretString::from(key),
            None => secret_key(context).await?,
        };
        // The tree holds one TLS provider; whoever comes first installs it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("tieline/", env!("CARGO_PKG_VERSION")))
            // An answer must not send the key elsewhere.
            .redirect(redirect::Policy::none())
            .connect_timeout(Duration::from_secs(3))
            .timeout(TIMEOUT);
        if address.scheme() == "http" {
            builder = builder.no_proxy();
        }
        let http =
            builder.build().map_err(|error| LambdaError::new("lambda.not_forwarded", error.to_string()))?;
        Ok(Self { http, address, key })
    }

    async fn deliver(&self, source: DeliverySource, body: Vec<u8>) -> Result<(), ForwardError> {
        let header = match source {
            DeliverySource::Event => EVENT_KEY,
            DeliverySource::Stream => STREAM_KEY,
        };
        let mut key = HeaderValue::from_str(self.key.expose_secret()).map_err(|_| ForwardError {
            permanent: false,
            message: "the delivery key has letters no header takes".into(),
        })?;
        key.set_sensitive(true);
        let request = self.http.post(self.address.clone()).header(header, key);
        let sent = request.header("content-type", "application/json").body(body).send().await;
        let mut answer = sent.map_err(|error| ForwardError {
            permanent: false,
            message: format!("the server did not answer: {}", error.without_url()),
        })?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let mut problem = Vec::new();
        while let Ok(Some(chunk)) = answer.chunk().await {
            problem.extend_from_slice(&chunk);
            if problem.len() > LONGEST_PROBLEM {
                break;
            }
        }
        let code = code_of(&problem);
        Err(ForwardError {
            permanent: matches!(
                code.as_deref(),
                Some("delivery_malformed" | "body_too_deep" | "body_too_large")
            ),
            message: match code {
                Some(code) => format!("the server did not store it: {code} (status {status})"),
                None => format!("the server did not store it: status {status}"),
            },
        })
    }
}

/// The code of a problem document, or before the colon of the text Firehose is answered with.
fn code_of(body: &[u8]) -> Option<String> {
    let answer: Value = serde_json::from_slice(body).ok()?;
    let told = answer.get("code").or_else(|| answer.get("errorMessage"))?.as_str()?;
    let code = told.split(':').next()?;
    let is_code =
        code.len() <= 64 && code.bytes().all(|b| b.is_ascii_lowercase() || matches!(b, b'_' | b'.'));
    is_code.then(|| code.to_owned())
}

fn address(url: &str, connection: &str) -> Result<Url, ConfigError> {
    let wrong = |problem: &str| ConfigError::Wrong { name: "TIELINE_URL", problem: problem.to_owned() };
    let mut address = Url::parse(url).map_err(|error| wrong(&format!("is no address: {error}")))?;
    let loopback = matches!(address.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    if address.scheme() != "https" && !(address.scheme() == "http" && loopback) {
        return Err(wrong("must begin with https://, or the key would travel in the open"));
    }
    address.path_segments_mut().map_err(|()| wrong("is no address of a server"))?.pop_if_empty().extend([
        "v1",
        "connections",
        connection,
        "deliveries",
    ]);
    Ok(address)
}

async fn secret_key(context: &Context) -> Result<SecretString, LambdaError> {
    let id = context.environment.get("SF_CREDENTIALS_SECRETS_MANAGER_ARN").filter(|id| !id.is_empty());
    let id = id.ok_or(ConfigError::Missing("TIELINE_DELIVERY_KEY"))?;
    let text = Secrets::new(context.aws().clone())
        .read(id)
        .await
        .map_err(|error| LambdaError::new("lambda.not_forwarded", error.to_string()))?;
    // The parser's message may quote the secret.
    let secret: Option<Value> = serde_json::from_str(text.expose_secret()).ok();
    let key = secret.as_ref().and_then(|secret| secret.get("TielineDeliveryKey")?.as_str());
    key.map(SecretString::from)
        .ok_or_else(|| LambdaError::new("lambda.not_forwarded", "the secret has no `TielineDeliveryKey`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_one_segment_of_the_address_and_the_key_never_travels_in_the_open() {
        let to = |url: &str| address(url, "con/nect").map(String::from);
        assert_eq!(
            to("https://tieline.example.com/base/").unwrap(),
            "https://tieline.example.com/base/v1/connections/con%2Fnect/deliveries"
        );
        assert!(to("http://127.0.0.1:8430").is_ok());
        for bad in ["http://tieline.example.com", "tieline", "ftp://x", "mailto:a@b"] {
            assert!(matches!(to(bad), Err(ConfigError::Wrong { name: "TIELINE_URL", .. })), "{bad}");
        }
    }

    #[test]
    fn only_a_code_is_taken_from_an_error_answer() {
        assert_eq!(code_of(br#"{"code":"overloaded","detail":"x"}"#).as_deref(), Some("overloaded"));
        assert_eq!(
            code_of(br#"{"requestId":"r","errorMessage":"delivery_malformed: NOT_A_BATCH"}"#).as_deref(),
            Some("delivery_malformed")
        );
        for nothing in [&b"<html>"[..], b"{}", br#"{"code":"Jane Doe"}"#, br#"{"code":7}"#] {
            assert_eq!(code_of(nothing), None);
        }
    }
}
