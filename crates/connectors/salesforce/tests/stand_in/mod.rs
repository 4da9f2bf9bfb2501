//! A server that says what a test wants and remembers what it was asked.

#![allow(dead_code, reason = "each test binary uses its part")]

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::Response;
use futures::{StreamExt, stream};
use serde_json::Value;
use url::Url;

/// One request as it came.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: String,
    /// Decoded.
    pub path: String,
    /// As written in the request line.
    pub target: String,
    pub query: Vec<(String, String)>,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub fn authorization(&self) -> Option<&str> {
        self.header("authorization")
    }

    pub fn json(&self) -> Value {
        if self.body.is_empty() { Value::Null } else { serde_json::from_slice(&self.body).unwrap() }
    }

    /// The pairs of a form body.
    pub fn form(&self) -> Vec<(String, String)> {
        url::form_urlencoded::parse(&self.body).into_owned().collect()
    }

    pub fn soql(&self) -> &str {
        self.query.iter().find(|(name, _)| name == "q").map_or("", |(_, text)| text)
    }

    pub fn is_token_request(&self) -> bool {
        self.path == "/services/oauth2/token"
    }
}

pub enum Reply {
    Json(u16, Value),
    Text(u16, &'static str, String),
    /// Bytes with these headers and no other.
    Bytes(u16, Vec<(String, String)>, Vec<u8>),
    /// With one more header.
    With(u16, Value, &'static str, String),
    /// Sends this and then nothing for ever.
    Drip(&'static str),
    /// Sends this and breaks the connection.
    Cut(&'static str),
}

pub struct StandIn {
    pub addr: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl StandIn {
    pub async fn start(answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        Self::serve(answer, true).await
    }

    /// Remembers nothing: for measuring.
    pub async fn quiet(answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        Self::serve(answer, false).await
    }

    async fn serve(answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static, remember: bool) -> Self {
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let (log, answer) = (Arc::clone(&seen), Arc::new(answer));
        let app = Router::new().fallback(move |request: Request| {
            let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
            async move {
                let request = read(request).await;
                let reply = answer(&request);
                if remember {
                    log.lock().unwrap().push(request);
                }
                respond(reply)
            }
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { addr, seen }
    }

    /// Gives these replies in order, and an error that names itself when they are used up.
    pub async fn scripted(replies: impl IntoIterator<Item = Reply>) -> Self {
        let replies: Mutex<VecDeque<Reply>> = Mutex::new(replies.into_iter().collect());
        Self::start(move |_| {
            let next = replies.lock().unwrap().pop_front();
            next.unwrap_or_else(|| Reply::Text(500, "text/plain", "the script is over".into()))
        })
        .await
    }

    pub fn url(&self) -> Url {
        Url::parse(&format!("http://{}", self.addr)).unwrap()
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

async fn read(request: Request) -> Seen {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let path = percent_encoding::percent_decode_str(parts.uri.path()).decode_utf8_lossy().into_owned();
    let query = parts.uri.query().unwrap_or_default();
    Seen {
        method: parts.method.to_string(),
        path,
        target: parts.uri.to_string(),
        query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        headers: parts.headers,
        body,
    }
}

fn respond(reply: Reply) -> Response {
    let of = |status: u16, kind: &str, body: Body| {
        Response::builder()
            .status(StatusCode::from_u16(status).unwrap())
            .header("content-type", kind)
            .body(body)
            .unwrap()
    };
    match reply {
        // A body of nothing is nothing, not the text `null`.
        Reply::Json(status, Value::Null) => of(status, "application/json", Body::empty()),
        Reply::Json(status, body) => of(status, "application/json", body.to_string().into()),
        Reply::Text(status, kind, text) => of(status, kind, text.into()),
        Reply::Bytes(status, headers, body) => {
            let mut response = Response::new(body.into());
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            for (name, value) in headers {
                response.headers_mut().insert(HeaderName::try_from(name).unwrap(), value.parse().unwrap());
            }
            response
        }
        Reply::With(status, body, name, value) => {
            let mut response = of(status, "application/json", body.to_string().into());
            response.headers_mut().insert(name, value.parse().unwrap());
            response
        }
        Reply::Drip(text) => {
            let bytes = stream::once(async move { Ok::<_, Infallible>(Bytes::from(text)) });
            of(200, "application/json", Body::from_stream(bytes.chain(stream::pending())))
        }
        Reply::Cut(text) => {
            let pieces = [Ok(Bytes::from(text)), Err(std::io::Error::other("cut"))];
            of(200, "application/json", Body::from_stream(stream::iter(pieces)))
        }
    }
}
