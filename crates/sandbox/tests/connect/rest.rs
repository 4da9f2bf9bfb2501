//! The Connect API and the instance's bucket, as a client over HTTP sees them.

use serde_json::{Value, json};

use crate::harness::Instance;

const ID: &str = "11111111-2222-4333-8444-555555555555";

/// As a signature looks; its value is not checked.
pub fn authorization(service: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261120/us-east-1/{service}/aws4_request, SignedHeaders=host;x-amz-date, Signature={}",
        "0".repeat(64)
    )
}

pub struct Answer {
    pub status: u16,
    pub code: String,
    pub body: Value,
}

impl Answer {
    async fn read(response: reqwest::Response) -> Self {
        let code = response.headers().get("x-amzn-errortype");
        Self {
            status: response.status().as_u16(),
            code: code.map_or_else(String::new, |code| code.to_str().unwrap().to_owned()),
            body: response.json().await.unwrap_or_default(),
        }
    }
}

impl Instance {
    async fn ask(&self, method: http::Method, path: &str, body: Option<Value>) -> Answer {
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.connect.url()))
            .header("authorization", authorization("connect"))
            .header("x-amz-date", "20261120T120000Z");
        if let Some(body) = body {
            request = request.json(&body);
        }
        Answer::read(request.send().await.unwrap()).await
    }

    /// An operation of a service asked in JSON: `Transcribe.GetTranscriptionJob`.
    pub async fn operation(&self, service: &str, target: &str, body: &Value) -> Answer {
        let request = self
            .http
            .post(format!("{}/{service}/", self.connect.url()))
            .header("authorization", authorization(service))
            .header("x-amz-date", "20261120T120000Z")
            .header("x-amz-target", target)
            .header("content-type", "application/x-amz-json-1.1");
        Answer::read(request.body(body.to_string()).send().await.unwrap()).await
    }

    async fn list(&self, path: &str) -> Value {
        let answer = self.ask(http::Method::GET, path, None).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body
    }

    async fn metrics(&self, change: impl FnOnce(&mut Value)) -> Answer {
        let queues = self.list(&format!("/queues-summary/{ID}?queueTypes=STANDARD")).await;
        let ids: Vec<&Value> =
            queues["QueueSummaryList"].as_array().unwrap().iter().map(|queue| &queue["Id"]).collect();
        let mut body = json!({
            "Filters": {"Channels": ["VOICE"], "Queues": ids},
            "Groupings": ["QUEUE"],
            "CurrentMetrics": [
                {"Name": "AGENTS_ONLINE", "Unit": "COUNT"}, {"Name": "AGENTS_AVAILABLE", "Unit": "COUNT"},
                {"Name": "AGENTS_ON_CONTACT", "Unit": "COUNT"}, {"Name": "CONTACTS_IN_QUEUE", "Unit": "COUNT"},
                {"Name": "OLDEST_CONTACT_AGE", "Unit": "SECONDS"}],
            "MaxResults": 100,
        });
        change(&mut body);
        self.ask(http::Method::POST, &format!("/metrics/current/{ID}"), Some(body)).await
    }
}

/// Values of the result about the queue of this place.
fn values(answer: &Answer, result: usize) -> Vec<f64> {
    let collections = answer.body["MetricResults"][result]["Collections"].as_array().unwrap();
    collections.iter().map(|collection| collection["Value"].as_f64().unwrap()).collect()
}

#[tokio::test]
async fn queues_come_in_pages_with_tokens_that_fit_their_question_only() {
    let instance = Instance::start().await;
    let first = instance.list(&format!("/queues-summary/{ID}?queueTypes=STANDARD&maxResults=2")).await;
    let names = |page: &Value| -> Vec<String> {
        page["QueueSummaryList"]
            .as_array()
            .unwrap()
            .iter()
            .map(|queue| queue["Name"].as_str().unwrap_or_default().to_owned())
            .collect()
    };
    assert_eq!(names(&first), ["Sales", "Billing"]);
    let token = first["NextToken"].as_str().unwrap();
    let path = format!("/queues-summary/{ID}?queueTypes=STANDARD&maxResults=2&nextToken={token}");
    let second = instance.list(&path).await;
    assert_eq!(names(&second), ["Support"]);
    assert_eq!(second["NextToken"], Value::Null);

    let other = format!("/queues-summary/{ID}?queueTypes=AGENT&nextToken={token}");
    for path in [other.as_str(), &format!("/queues-summary/{ID}?maxResults=1001")] {
        let refused = instance.ask(http::Method::GET, path, None).await;
        assert_eq!((refused.status, refused.code.as_str()), (400, "InvalidParameterException"), "{path}");
    }
    instance.advance("PT6M").await;
    assert_eq!(instance.ask(http::Method::GET, &path, None).await.status, 400, "after five minutes");
    assert_eq!(names(&instance.list(&format!("/queues-summary/{ID}")).await).len(), 5, "agents' own too");
}

#[tokio::test]
async fn metrics_are_what_agents_and_callers_do() {
    let instance = Instance::start().await;
    assert_eq!(instance.metrics(|_| {}).await.body["MetricResults"], json!([]), "nobody is there");

    instance.make("nora.quist", "Available").await;
    instance.make("otto.lund", "Lunch").await;
    let contact = instance.call(json!({"from": "+12025550143", "queue": "Sales"})).await;
    instance.act(&contact, "accept").await;
    instance.call(json!({"from": "+12025550147", "queue": "Billing"})).await;
    instance.advance("PT12S").await;

    let answer = instance.metrics(|_| {}).await;
    assert_eq!(answer.body["MetricResults"].as_array().unwrap().len(), 3);
    assert_eq!(values(&answer, 0), [2.0, 0.0, 1.0, 0.0, 0.0], "Sales");
    assert_eq!(values(&answer, 1), [2.0, 0.0, 1.0, 1.0, 12.0], "Billing");
    assert_eq!(answer.body["DataSnapshotTime"], 1_795_176_012.0);
    let together = instance.metrics(|body| body["Groupings"] = json!([])).await;
    assert_eq!(values(&together, 0)[4..], [12_000.0], "milliseconds without groupings");
    assert!(together.body["MetricResults"][0].get("Dimensions").is_none());

    let first = instance.metrics(|body| body["MaxResults"] = json!(2)).await;
    let token = first.body["NextToken"].clone();
    let second = instance
        .metrics(|body| {
            body["MaxResults"] = json!(2);
            body["NextToken"] = token;
        })
        .await;
    assert_eq!(second.body["MetricResults"].as_array().unwrap().len(), 1);
    assert_eq!(second.body.get("NextToken"), None);
}

#[tokio::test]
async fn what_the_api_would_refuse_is_refused_in_its_words() {
    let instance = Instance::start().await;
    let refused = async |change: fn(&mut Value)| {
        let answer = instance.metrics(change).await;
        (answer.status, answer.code)
    };
    let parameter = (400, "InvalidParameterException".to_owned());
    assert_eq!(refused(|body| body["Filters"]["Queues"] = json!([])).await, parameter);
    assert_eq!(refused(|body| body["CurrentMetrics"] = json!([])).await, parameter);
    assert_eq!(refused(|body| body["MaxResults"] = json!(101)).await, parameter);
    assert_eq!(
        refused(|body| body["Filters"]["Queues"] = json!(["nowhere"])).await,
        (404, "ResourceNotFoundException".to_owned())
    );
    let elsewhere = instance.ask(http::Method::GET, "/queues-summary/another", None).await;
    assert_eq!((elsewhere.status, elsewhere.code.as_str()), (404, "ResourceNotFoundException"));

    let url = format!("{}/queues-summary/{ID}", instance.connect.url());
    let unsigned = instance.http.get(&url).send().await.unwrap();
    assert_eq!(unsigned.status(), 403);
    assert_eq!(unsigned.headers()["x-amzn-errortype"], "MissingAuthenticationTokenException");
    let other = instance.http.get(&url).header("authorization", authorization("s3"));
    let other = other.header("x-amz-date", "20261120T120000Z").send().await.unwrap();
    assert_eq!(other.headers()["x-amzn-errortype"], "InvalidSignatureException");

    instance
        .break_with(json!({"kind": "status", "status": 429, "code": "TooManyRequestsException",
            "match": {"path": "/queues-summary"}}))
        .await;
    let throttled = instance.ask(http::Method::GET, &format!("/queues-summary/{ID}"), None).await;
    assert_eq!((throttled.status, throttled.code.as_str()), (429, "TooManyRequestsException"));
    assert_eq!(instance.ask(http::Method::GET, &format!("/queues-summary/{ID}"), None).await.status, 200);
}

#[tokio::test]
async fn a_contact_is_described_and_its_attributes_are_told() {
    let instance = Instance::start().await;
    instance.make("nora.quist", "Available").await;
    let contact = instance.call(json!({"from": "+12025550143", "attributes": {"intent": "billing"}})).await;
    instance.act(&contact, "accept").await;

    let attributes = instance.list(&format!("/contact/attributes/{ID}/{contact}")).await;
    assert_eq!(attributes, json!({"Attributes": {"intent": "billing"}}));
    let described = instance.list(&format!("/contacts/{ID}/{contact}")).await;
    assert_eq!(described["Contact"]["Id"], contact.as_str());
    assert_eq!(described["Contact"]["InitiationMethod"], "INBOUND");
    assert_eq!(described["Contact"]["InitiationTimestamp"], 1_795_176_000.0);
    assert!(described["Contact"]["AgentInfo"]["Id"].is_string());
    assert_eq!(described["Contact"].get("DisconnectTimestamp"), None, "absent, not null");
    for path in [format!("/contacts/{ID}/nobody"), format!("/contact/attributes/{ID}/nobody")] {
        assert_eq!(instance.ask(http::Method::GET, &path, None).await.code, "ResourceNotFoundException");
    }
    let path = format!("/instance/{ID}/storage-configs?resourceType=SCHEDULED_REPORTS");
    let config = &instance.list(&path).await["StorageConfigs"][0]["S3Config"];
    assert_eq!(config["BucketPrefix"], "connect/sandbox/Reports");
}

#[tokio::test]
async fn a_report_lies_in_the_bucket_its_notification_names() {
    let instance = Instance::start().await;
    instance.make("nora.quist", "Available").await;
    let contact = instance.call(json!({"from": "+12025550143"})).await;
    instance.act(&contact, "accept").await;
    instance.advance("PT3M").await;
    instance.act(&contact, "hangup").await;
    instance.act(&contact, "clear").await;

    let ask = json!({"kind": "agent", "rows": 5, "name": "my report.csv", "from_spreadsheet": true});
    let (status, written) = instance.post("/reports", ask).await;
    assert_eq!(status, 201, "{written}");
    let object = &written["event"]["Records"][0]["s3"]["object"];
    assert_eq!(object["key"], "connect/sandbox/Reports/my+report.csv");

    let url = format!(
        "{}/s3/{}/{}",
        instance.connect.url(),
        written["bucket"].as_str().unwrap(),
        "connect/sandbox/Reports/my%20report.csv"
    );
    let signed = |request: reqwest::RequestBuilder| {
        request.header("authorization", authorization("s3")).header("x-amz-date", "20261120T120000Z")
    };
    let file = signed(instance.http.get(&url)).send().await.unwrap();
    assert_eq!(file.headers()["last-modified"], "Fri, 20 Nov 2026 12:03:00 GMT");
    let text = file.text().await.unwrap();
    assert_eq!(object["size"], text.len());
    let lines: Vec<&str> = text.split("\r\n").collect();
    assert!(lines[0].starts_with("\u{FEFF}Agent,StartInterval,EndInterval,"), "{text}");
    assert!(lines[1].starts_with("nora.quist,2026-11-20T12:00:00Z,2026-11-20T12:30:00Z,1,1,180,"), "{text}");
    assert!(lines[3].starts_with("nora.quist,2026-11-20T11:30:00Z,2026-11-20T12:00:00Z,0,0,0,"), "{text}");
    assert_eq!(lines.len(), 7, "a header, five rows, and nothing behind the last end");

    assert_eq!(instance.http.get(&url).send().await.unwrap().status(), 403, "not signed");
    let list =
        format!("{}/s3/{}?list-type=2&prefix=connect/", instance.connect.url(), "tieline-sandbox-connect");
    let list = signed(instance.http.get(list)).send().await.unwrap().text().await.unwrap();
    assert!(list.contains("<Key>connect/sandbox/Reports/my report.csv</Key>"), "{list}");
    let put = |mode: &'static str| signed(instance.http.put(&url)).header("if-none-match", mode).body("x");
    assert_eq!(put("*").send().await.unwrap().status(), 412);
    let missing = signed(instance.http.get(url.replace("my", "no"))).send().await.unwrap();
    assert_eq!(missing.status(), 404);
    assert!(missing.text().await.unwrap().contains("<Code>NoSuchKey</Code>"));

    let (status, _) = instance.post("/reports", json!({"kind": "queue", "rows": 50_001})).await;
    assert_eq!(status, 422);
}
