use http::{Method, StatusCode};
use serde_json::{Value, json};
use tieline_sandbox::salesforce::{Options, RunningSalesforce, Salesforce};
use tieline_sandbox::{Addresses, SimClock, World};

/// An org of seed 1 at Friday noon with a frozen clock, and a session of the integration user.
pub struct Org {
    pub world: World,
    pub salesforce: RunningSalesforce,
    pub http: reqwest::Client,
    pub token: String,
}

/// An answer: status, headers, body as JSON (null when empty).
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: http::HeaderMap,
    pub body: Value,
}

impl Answer {
    /// `errorCode` of the first error.
    pub fn code(&self) -> &str {
        self.body[0]["errorCode"].as_str().unwrap_or_default()
    }

    pub fn message(&self) -> &str {
        self.body[0]["message"].as_str().unwrap_or_default()
    }

    pub fn id(&self) -> String {
        self.body["id"].as_str().unwrap_or_default().to_owned()
    }

    pub async fn read(response: reqwest::Response) -> Self {
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.unwrap();
        let body = if text.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&text).unwrap_or(Value::String(text))
        };
        Self { status, headers, body }
    }
}

impl Org {
    pub async fn start() -> Self {
        // Another test of this process may have been first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let clock = SimClock::frozen("2026-11-20T12:00:00Z".parse().unwrap());
        let world = World::with_clock(1, Addresses::default(), clock);
        let salesforce = Salesforce::start(&world, Options::new(([127, 0, 0, 1], 0).into())).await.unwrap();
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        let mut org = Self { world, salesforce, http, token: String::new() };
        org.token = org.session("integration@example.com").await;
        org
    }

    pub async fn session(&self, username: &str) -> String {
        let answer = self.control("sessions", json!({"username": username})).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.body["access_token"].as_str().unwrap().to_owned()
    }

    /// `POST /sandbox/v1/<path>`.
    pub async fn control(&self, path: &str, body: Value) -> Answer {
        let url = format!("{}/sandbox/v1/{path}", self.salesforce.url());
        let request = self.http.post(url).header("x-tieline-sandbox", "1").json(&body);
        Answer::read(request.send().await.unwrap()).await
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.salesforce.url())
    }

    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let path = if path.starts_with("/services") {
            path.to_owned()
        } else {
            format!("/services/data/v62.0{path}")
        };
        self.http.request(method, self.url(&path)).bearer_auth(&self.token)
    }

    pub async fn call(&self, method: Method, path: &str, body: Value) -> Answer {
        let mut request = self.request(method, path);
        if !body.is_null() {
            request = request.json(&body);
        }
        Answer::read(request.send().await.unwrap()).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, Value::Null).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, body).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.call(Method::PATCH, path, body).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path, Value::Null).await
    }

    pub async fn create(&self, object: &str, fields: Value) -> String {
        let answer = self.post(&format!("/sobjects/{object}"), fields).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.id()
    }

    pub async fn query(&self, soql: &str) -> Answer {
        let request = self.request(Method::GET, "/query").query(&[("q", soql)]);
        Answer::read(request.send().await.unwrap()).await
    }

    /// The records of a query that must succeed.
    pub async fn rows(&self, soql: &str) -> Vec<Value> {
        let answer = self.query(soql).await;
        assert_eq!(answer.status, 200, "{soql}: {answer:?}");
        answer.body["records"].as_array().unwrap().clone()
    }

    /// One text field of the records of a query.
    pub async fn texts(&self, soql: &str, field: &str) -> Vec<String> {
        let rows = self.rows(soql).await;
        rows.iter().map(|row| row[field].as_str().unwrap_or("null").to_owned()).collect()
    }

    /// `totalSize` of `SELECT COUNT() FROM …`.
    pub async fn count(&self, from: &str) -> u64 {
        let answer = self.query(&format!("SELECT COUNT() FROM {from}")).await;
        answer.body["totalSize"].as_u64().unwrap_or_else(|| panic!("{answer:?}"))
    }

    /// `Name` of what a search finds.
    pub async fn found(&self, sosl: &str) -> Vec<String> {
        let request = self.request(Method::GET, "/search").query(&[("q", sosl)]);
        let answer = Answer::read(request.send().await.unwrap()).await;
        assert_eq!(answer.status, 200, "{sosl}: {answer:?}");
        names(&answer.body["searchRecords"])
    }
}

pub fn names(records: &Value) -> Vec<String> {
    records.as_array().unwrap().iter().map(|r| r["Name"].as_str().unwrap_or_default().to_owned()).collect()
}
