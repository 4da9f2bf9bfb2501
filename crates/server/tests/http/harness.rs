//! A running server with the demo's configuration, a clock tests can move, and a browser
//! reduced to its cookies.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::Value;
use tieline_core::Clock;
use tieline_engine::config::{Config, DemoAddresses};
use tieline_server::{AppState, Hosts, Tieline, client, open_store, router};
use tieline_store::Store;
use tokio::net::TcpListener;

use crate::issuer::Issuer;

/// A clock that stands until it is moved.
pub struct TestClock(Mutex<Timestamp>);

#[async_trait]
impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    async fn sleep_until(&self, at: Timestamp) {
        while self.now() < at {
            tokio::task::yield_now().await;
        }
    }
}

impl TestClock {
    pub fn advance(&self, span: Duration) {
        let mut now = self.0.lock().unwrap();
        *now = now.checked_add(span).unwrap();
    }
}

pub struct Server {
    pub address: String,
    pub state: AppState,
    pub clock: Arc<TestClock>,
    pub store: Arc<dyn Store>,
    pub issuer: Issuer,
    pub http: reqwest::Client,
    _data: tempfile::TempDir,
}

impl Server {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let data = tempfile::tempdir().unwrap();
        let clock = Arc::new(TestClock(Mutex::new("2026-11-20T09:00:00Z".parse().unwrap())));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let listen = listener.local_addr().unwrap();
        let issuer = Issuer::start(Arc::clone(&clock) as Arc<dyn Clock>).await;
        let addresses = DemoAddresses {
            listen,
            tieline: format!("http://panel.localhost:{}", listen.port()).parse().unwrap(),
            salesforce: issuer.origin.parse().unwrap(),
            amazon_connect: "http://ccp.localhost:8432".parse().unwrap(),
        };
        let secret_key = "0123456789abcdef0123456789abcdef".to_owned().into();
        let mut config = Config::demo(&addresses, data.path().to_owned(), secret_key);
        change(&mut config);
        let dyn_clock: Arc<dyn Clock> = clock.clone();
        let store = open_store(&config, &dyn_clock).unwrap();
        let hosts = Hosts::on_loopback("panel.localhost", listen.port());
        let tieline = Tieline::assemble(config, dyn_clock, Arc::clone(&store), hosts).await.unwrap();
        let state = tieline.state.clone();
        // The pipeline stands still: what is stored stays as it came.
        let service = router(state.clone());
        tokio::spawn(async move { axum::serve(listener, service).await });
        let http = client().unwrap();
        Self { address: format!("http://{listen}"), state, clock, store, issuer, http, _data: data }
    }

    /// Our own origin, as the panel's browser sends it.
    pub fn origin(&self) -> String {
        self.state.origin()
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.address))
    }

    pub fn get(&self, path: &str) -> RequestBuilder {
        self.request(Method::GET, path)
    }

    pub fn post(&self, path: &str) -> RequestBuilder {
        self.request(Method::POST, path)
    }

    /// A call as the panel makes it.
    pub fn panel(&self, method: Method, path: &str) -> RequestBuilder {
        self.request(method, path).header("origin", self.origin()).header("x-tieline-panel", "1")
    }
}

/// An answer read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
}

impl Answer {
    pub async fn of(request: RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        Self { status, headers, text: response.text().await.unwrap() }
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The code of a problem; panics when it is none.
    pub fn problem(&self) -> String {
        assert_eq!(self.headers["content-type"], "application/problem+json", "{self:?}");
        let problem = self.json();
        assert_eq!(problem["status"], self.status.as_u16(), "{self:?}");
        problem["code"].as_str().unwrap().to_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name}: {self:?}")).to_str().unwrap()
    }

    /// `name=value` of the one cookie it sets.
    pub fn cookie(&self) -> String {
        self.header("set-cookie").split(';').next().unwrap().to_owned()
    }
}
