//! Simulated vendors and `tieline serve`, each a process of its own, and what a test asks of them.

#![allow(dead_code, reason = "each test binary uses its part")]

#[path = "../command/harness.rs"]
pub mod harness;

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use harness::{Server, tieline};
use reqwest::Method;
use serde_json::{Value, json};

/// What a configuration of these tests refers to.
pub const VARIABLES: [(&str, &str); 7] = [
    ("TIELINE_SECRET_KEY", "0123456789abcdef0123456789abcdef"),
    ("TIELINE_EVENTBRIDGE_KEY", "event-key"),
    ("TIELINE_FIREHOSE_KEY", "firehose-key"),
    ("TIELINE_DIP_KEY", "dip-key"),
    ("TIELINE_REPORTING_KEY", "reporting-key"),
    ("SALESFORCE_CLIENT_ID", "tieline-sandbox"),
    ("SALESFORCE_CLIENT_SECRET", "sandbox-secret"),
];

/// `tieline serve` with a log that can be read.
pub struct Serve {
    child: Child,
    pub url: String,
    log: Arc<Mutex<String>>,
}

impl Serve {
    /// Starts it and waits until it says where it listens.
    pub fn start(mut command: Command) -> Self {
        command.args(["--log-format", "json"]).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let (mut said, mut line) = (String::new(), String::new());
        let url = loop {
            line.clear();
            assert_ne!(lines.read_line(&mut line).unwrap(), 0, "it ended:\n{said}");
            said.push_str(&line);
            let entry: Value = serde_json::from_str(&line).unwrap_or_default();
            if let Some(listen) = entry["listen"].as_str() {
                break format!("http://{listen}");
            }
        };
        let log = Arc::new(Mutex::new(said));
        let more = Arc::clone(&log);
        // Reads on, or the process would wait for room in the pipe.
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(n @ 1..) = lines.read(&mut buffer) {
                more.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..n]));
            }
        });
        Self { child, url, log }
    }

    /// SIGKILL to this very process: nothing of it runs after this returns.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        assert_eq!(self.child.wait().unwrap().code(), None, "it was killed and did not leave");
    }

    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `tieline serve` on `org`, its database in `folder`; `rest` goes on where the configuration's
/// CRM ends.
pub fn serve(org: &Org, folder: &Path, rest: &str) -> Command {
    let config = folder.join("tieline.toml");
    let text = format!(
        r#"
listen = "127.0.0.1:0"
public_url = "http://panel.localhost:8430"
data = "{data}"
secret_key = "env:TIELINE_SECRET_KEY"

[connections.connect]
kind = "amazon-connect"
instance_url = "http://ccp.localhost:8432"
region = "us-east-1"
firehose_keys = ["env:TIELINE_FIREHOSE_KEY"]

[connections.salesforce]
kind = "salesforce"
instance_url = "{org}"
client_id = "env:SALESFORCE_CLIENT_ID"
client_secret = "env:SALESFORCE_CLIENT_SECRET"
{rest}"#,
        data = folder.join("data").display(),
        org = org.url,
    );
    std::fs::write(&config, text).unwrap();
    let mut command = tieline(&["serve", "--config", &config.display().to_string()]);
    command.envs(VARIABLES);
    command
}

/// The simulated Salesforce in a process of its own.
pub struct Org {
    pub server: Server,
    pub url: String,
    http: reqwest::Client,
    token: String,
}

impl Org {
    pub async fn start() -> Self {
        let server = Server::start(tieline(&["sandbox", "salesforce", "--listen", "127.0.0.1:0", "--json"]));
        let url = harness::loopback(&server.json()["salesforce"]);
        let http = tieline_server::client().unwrap();
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", "tieline-sandbox"),
            ("client_secret", "sandbox-secret"),
        ];
        let token = http.post(format!("{url}/services/oauth2/token")).form(&form).send().await.unwrap();
        let token: Value = token.json().await.unwrap();
        Self { server, url, http, token: token["access_token"].as_str().unwrap().to_owned() }
    }

    pub async fn query(&self, soql: &str) -> Vec<Value> {
        let url = format!("{}/services/data/v62.0/query", self.url);
        let request = self.http.get(url).query(&[("q", soql)]).bearer_auth(&self.token);
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        answer["records"].as_array().unwrap_or_else(|| panic!("{answer}")).clone()
    }

    pub async fn control(&self, method: Method, path: &str, body: Value) -> Value {
        control(&self.http, &self.url, method, path, body).await
    }

    /// Breaks something; the id mends it again.
    pub async fn break_with(&self, fault: Value) -> u64 {
        self.control(Method::POST, "/faults", fault).await["id"].as_u64().unwrap()
    }

    pub async fn mend(&self, fault: u64) {
        self.control(Method::DELETE, &format!("/faults/{fault}"), Value::Null).await;
    }

    /// Every API request it has seen.
    pub async fn requests(&self) -> Vec<Value> {
        let seen = self.control(Method::GET, "/requests", Value::Null).await;
        seen.as_array().unwrap_or_else(|| panic!("{seen}")).clone()
    }
}

/// A call of a sandbox part's own control.
pub async fn control(http: &reqwest::Client, part: &str, method: Method, path: &str, body: Value) -> Value {
    let request = http.request(method, format!("{part}/sandbox/v1{path}")).header("x-tieline-sandbox", "1");
    let request = if body.is_null() { request } else { request.json(&body) };
    let answer = request.send().await.unwrap();
    let (status, text) = (answer.status(), answer.text().await.unwrap());
    assert!(status.is_success(), "{path}: {status} {text}");
    serde_json::from_str(&text).unwrap_or_default()
}

/// A Firehose batch of one record, as Amazon Connect's stream sends it.
pub async fn firehose(http: &reqwest::Client, tieline: &str, key: &str, record: &str) -> reqwest::Response {
    use base64::Engine as _;
    let data = base64::prelude::BASE64_STANDARD.encode(record);
    let body =
        json!({ "requestId": "r-1", "timestamp": 1_780_000_000_000_i64, "records": [{ "data": data }] });
    let request = http.post(format!("{tieline}/v1/connections/connect/deliveries"));
    let request = request.header("x-amz-firehose-request-id", "r-1").header("x-amz-firehose-access-key", key);
    request.json(&body).send().await.unwrap()
}

/// Looks until there is something; a look every now and then, and never longer than `within`.
pub async fn until<T, F: Future<Output = Option<T>>>(
    what: &str,
    within: Duration,
    mut look: impl FnMut() -> F,
) -> T {
    let began = Instant::now();
    let mut looks = tokio::time::interval(Duration::from_millis(50));
    loop {
        looks.tick().await;
        if let Some(found) = look().await {
            return found;
        }
        assert!(began.elapsed() < within, "waited {within:?} for {what}");
    }
}
