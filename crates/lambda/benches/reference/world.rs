//! The stand-in that is Salesforce, Secrets Manager and S3 for all alike, and the Runtime API.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::{Value, json};
use tokio::sync::mpsc as asynchronous;

use crate::events;

pub struct World {
    address: String,
    shared: Arc<Shared>,
    runtime: tokio::runtime::Runtime,
}

#[derive(Default)]
struct Shared {
    /// Requests Salesforce got since [`World::asked`] was called last.
    asked: Mutex<Vec<Asked>>,
    /// How long Salesforce takes for an answer.
    delay_ms: AtomicU64,
}

/// One request to Salesforce.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    pub method: String,
    pub path_and_query: String,
    pub body: Bytes,
}

impl Asked {
    /// Without what its values are: the exchange it belongs to.
    pub fn kind(&self) -> String {
        let path = self.path_and_query.split('?').next().unwrap_or_default();
        format!("{} {path}", self.method)
    }
}

/// The Runtime API's side of one process.
struct Waiting {
    events: tokio::sync::Mutex<asynchronous::UnboundedReceiver<Value>>,
    answers: mpsc::Sender<Result<Value, String>>,
}

/// The platform's side: hands one event over, gets one answer.
///
/// Each process has an address of its own: one that was stopped while it asked for its next event
/// must not take that of another.
pub struct Platform {
    pub address: String,
    events: asynchronous::UnboundedSender<Value>,
    answers: mpsc::Receiver<Result<Value, String>>,
}

impl Platform {
    pub fn invoke(&self, event: &Value) -> Value {
        self.events.send(event.clone()).unwrap();
        let answer = self.answers.recv_timeout(Duration::from_secs(120)).expect("bootstrap answers");
        answer.unwrap_or_else(|error| panic!("bootstrap: {error}"))
    }
}

impl World {
    pub fn start() -> Self {
        // A thread of its own, so that it is not what is measured.
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let shared = Arc::new(Shared::default());
        let app = Router::new().fallback(respond).with_state(Arc::clone(&shared));
        let address = listen(&runtime, app);
        Self { address, shared, runtime }
    }

    /// The environment the reference's template gives its functions, and AWS's own.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let url = format!("http://{}", self.address);
        [
            ("SF_HOST", url.as_str()),
            ("SF_VERSION", "v62.0"),
            ("SF_USERNAME", "api@example.com"),
            ("SF_PRODUCTION", "false"),
            ("SF_ADAPTER_NAMESPACE", "amazonconnect"),
            ("SF_CREDENTIALS_SECRETS_MANAGER_ARN", "sf"),
            ("LOGGING_LEVEL", "INFO"),
            ("POSTCALL_CTR_IMPORT_ENABLED", "true"),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_DEFAULT_REGION", "eu-central-1"),
            ("AWS_ENDPOINT_URL", url.as_str()),
            ("AWS_ACCESS_KEY_ID", "dummy"),
            ("AWS_SECRET_ACCESS_KEY", "dummy"),
            ("NO_PROXY", "127.0.0.1"),
        ]
        .into_iter()
        .map(|(name, value)| (name, value.to_owned()))
        .collect()
    }

    /// What Salesforce was asked since this was called last.
    pub fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.shared.asked.lock().unwrap())
    }

    pub fn answer_after(&self, delay: Duration) {
        let ms = u64::try_from(delay.as_millis()).unwrap();
        self.shared.delay_ms.store(ms, Ordering::Relaxed);
    }

    /// The Runtime API of one process.
    pub fn platform(&self) -> Platform {
        let (events, waiting) = asynchronous::unbounded_channel();
        let (told, answers) = mpsc::channel();
        let waiting = Arc::new(Waiting { events: waiting.into(), answers: told });
        let app = Router::new().fallback(runtime_api).with_state(waiting);
        Platform { address: listen(&self.runtime, app), events, answers }
    }
}

fn listen(runtime: &tokio::runtime::Runtime, app: Router) -> String {
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    runtime.spawn(async move { axum::serve(listener, app).await.unwrap() });
    address
}

async fn respond(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    if path.starts_with("/services/") {
        shared.asked.lock().unwrap().push(Asked {
            method: parts.method.to_string(),
            path_and_query: parts.uri.path_and_query().unwrap().to_string(),
            body: body.clone(),
        });
        let ms = shared.delay_ms.load(Ordering::Relaxed);
        if ms > 0 {
            tokio::time::sleep(Duration::from_millis(ms)).await;
        }
        return salesforce(path, &body);
    }
    aws(path, &parts.headers)
}

async fn runtime_api(State(waiting): State<Arc<Waiting>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path();
    if path.ends_with("/next") {
        let Some(event) = waiting.events.lock().await.recv().await else {
            // Its platform is gone, so it will be too.
            return std::future::pending().await;
        };
        let mut answer = reply(200, event.to_string());
        for (name, value) in [
            ("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd"),
            ("lambda-runtime-deadline-ms", "9999999999999"),
            ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:eu-central-1:1:function:dip"),
        ] {
            answer.headers_mut().insert(name, value.parse().unwrap());
        }
        return answer;
    }
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let text = || String::from_utf8_lossy(&body).into_owned();
    let result = match serde_json::from_slice(&body) {
        Ok(answer) if path.ends_with("/response") => Ok(answer),
        _ => Err(text()),
    };
    // Nobody listens any more when the run is over.
    let _ = waiting.answers.send(result);
    reply(202, String::new())
}

fn aws(path: &str, headers: &HeaderMap) -> Response {
    if headers.contains_key("x-amz-target") {
        let secret = json!({"ConsumerKey": "ck", "ConsumerSecret": "cs", "Password": "pw", "AccessToken": "st",
                            "AuthToken": "T1"});
        let secret = json!({"ARN": "sf", "Name": "sf", "SecretString": secret.to_string()});
        return reply(200, secret.to_string());
    }
    if path.starts_with("/reports/") {
        return reply(200, events::csv());
    }
    reply(404, String::new())
}

fn salesforce(path: &str, body: &[u8]) -> Response {
    let contact = json!({"attributes": {"type": "Contact", "url": "/x"}, "Id": "003000000000001AAA", "Name": "Anna Keller"});
    let done = json!({"id": "a00000000000001AAA", "success": true, "created": true, "errors": []});
    if path.ends_with("/query") {
        return reply(200, json!({"totalSize": 1, "done": true, "records": [contact]}).to_string());
    }
    if path.ends_with("/parameterizedSearch") {
        return reply(200, json!({"searchRecords": [contact]}).to_string());
    }
    if path.ends_with("/describe") {
        return reply(200, events::describe().to_string());
    }
    if path.contains("/composite/sobjects") {
        let body: Value = serde_json::from_slice(body).unwrap();
        let rows = body["records"].as_array().unwrap().len();
        return reply(200, json!(vec![done; rows]).to_string());
    }
    reply(201, done.to_string())
}

fn reply(status: u16, body: String) -> Response {
    Response::builder().status(status).header("content-type", "application/json").body(body.into()).unwrap()
}
