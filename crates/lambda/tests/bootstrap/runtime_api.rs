//! A stand-in for AWS Lambda's Runtime API: hands out the events a test gives it and keeps what
//! the program says to them. (AWS Lambda developer guide, "Using the Lambda runtime API for custom
//! runtimes", read 2026-11-21.)

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;
use tokio::sync::{Mutex, mpsc};

/// What the program said.
#[derive(Debug)]
pub struct Said {
    /// What follows `/2018-06-01/runtime/`.
    pub path: String,
    pub headers: HeaderMap,
    pub body: Value,
}

struct Event {
    body: Vec<u8>,
    time: Duration,
}

pub struct RuntimeApi {
    pub addr: SocketAddr,
    events: mpsc::UnboundedSender<Event>,
    said: Mutex<mpsc::UnboundedReceiver<Said>>,
}

impl RuntimeApi {
    pub async fn start() -> Self {
        let (events, waiting) = mpsc::unbounded_channel::<Event>();
        let (told, said) = mpsc::unbounded_channel();
        let (waiting, number) = (Arc::new(Mutex::new(waiting)), Arc::new(AtomicUsize::new(0)));
        let app = Router::new().fallback(move |request: Request| {
            let (waiting, number, told) = (Arc::clone(&waiting), Arc::clone(&number), told.clone());
            async move {
                let path = request.uri().path().to_owned();
                let path = path.strip_prefix("/2018-06-01/runtime/").unwrap_or(&path).to_owned();
                if path == "invocation/next" {
                    let Some(event) = waiting.lock().await.recv().await else {
                        return StatusCode::GONE.into_response();
                    };
                    return next(event, number.fetch_add(1, Ordering::Relaxed));
                }
                let (parts, body) = request.into_parts();
                let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
                let body = serde_json::from_slice(&body).unwrap();
                told.send(Said { path, headers: parts.headers, body }).unwrap();
                StatusCode::ACCEPTED.into_response()
            }
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { addr, events, said: Mutex::new(said) }
    }

    /// Hands out an event that has 10 s and waits for what is said to it.
    pub async fn invoke(&self, event: impl ToString) -> Said {
        self.invoke_within(Duration::from_secs(10), event).await
    }

    pub async fn invoke_within(&self, time: Duration, event: impl ToString) -> Said {
        self.events.send(Event { body: event.to_string().into_bytes(), time }).ok().unwrap();
        self.said().await
    }

    pub async fn said(&self) -> Said {
        let mut said = self.said.lock().await;
        let next = tokio::time::timeout(Duration::from_secs(30), said.recv()).await;
        next.expect("the program says something").unwrap()
    }
}

#[expect(clippy::disallowed_methods, reason = "the program reads the machine's clock")]
fn next(event: Event, number: usize) -> Response {
    let deadline = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + event.time;
    Response::builder()
        .header("Content-Type", "application/json")
        .header("Lambda-Runtime-Aws-Request-Id", format!("8476a536-e9f4-11e8-9739-{number:012}"))
        .header("Lambda-Runtime-Deadline-Ms", deadline.as_millis().to_string())
        .header(
            "Lambda-Runtime-Invoked-Function-Arn",
            "arn:aws:lambda:eu-central-1:123456789012:function:tieline-dip",
        )
        .header("Lambda-Runtime-Trace-Id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0")
        .body(Body::from(event.body))
        .unwrap()
}
