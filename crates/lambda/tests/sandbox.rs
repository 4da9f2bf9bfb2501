//! Reports and queue metrics from one end to the other: the simulated Amazon Connect and its bucket,
//! the simulated Salesforce with the objects of `packages/salesforce`, and the functions between.
#![allow(clippy::unwrap_used)]

#[path = "../../connectors/salesforce/tests/stand_in/mod.rs"]
mod stand_in;

use serde_json::{Value, json};
use stand_in::{Reply, StandIn};
use tieline_lambda::{Environment, Functions};
use tieline_sandbox::connect::{AmazonConnect, Settings};
use tieline_sandbox::salesforce::{Options, RunningSalesforce, Salesforce};
use tieline_sandbox::{Addresses, Running, World};

struct Sandbox {
    salesforce: RunningSalesforce,
    connect: Running,
    functions: Functions,
    http: reqwest::Client,
    session: String,
    _secrets: StandIn,
}

impl Sandbox {
    async fn start() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let world = World::new(1, Addresses::default());
        let free = ([127, 0, 0, 1], 0).into();
        let salesforce = Salesforce::start(&world, Options::new(free)).await.unwrap();
        let connect = AmazonConnect::start(&world, free, Settings::default()).unwrap();
        let secrets = StandIn::start(|_| {
            let secret = json!({"Password": "sandbox", "AccessToken": "token",
                "ConsumerKey": "tieline-sandbox", "ConsumerSecret": "sandbox-secret"});
            Reply::Json(200, json!({"ARN": "arn", "Name": "sf", "SecretString": secret.to_string()}))
        })
        .await;
        let environment: Environment = [
            ("SF_HOST", salesforce.url()),
            ("SF_VERSION", "v62.0".to_owned()),
            ("SF_USERNAME", "integration@example.com".to_owned()),
            ("SF_ADAPTER_NAMESPACE", "-".to_owned()),
            ("SF_CREDENTIALS_SECRETS_MANAGER_ARN", "sf".to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "dummy".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "dummy".to_owned()),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", secrets.url().to_string()),
            ("AWS_ENDPOINT_URL_CONNECT", connect.url()),
            ("AWS_ENDPOINT_URL_S3", format!("{}/s3", connect.url())),
            ("AMAZON_CONNECT_INSTANCE_ID", "11111111-2222-4333-8444-555555555555".to_owned()),
        ]
        .into_iter()
        .collect();
        let functions = Functions::new(environment, world.shared_clock());
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut sandbox =
            Self { salesforce, connect, functions, http, session: String::new(), _secrets: secrets };
        let session = sandbox
            .control(&sandbox.salesforce.url(), "sessions", json!({"username": "integration@example.com"}))
            .await;
        session["access_token"].as_str().unwrap().clone_into(&mut sandbox.session);
        sandbox
    }

    async fn control(&self, base: &str, path: &str, body: Value) -> Value {
        let request = self.http.post(format!("{base}/sandbox/v1/{path}")).header("x-tieline-sandbox", "1");
        let answer = request.json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
        answer.json().await.unwrap()
    }

    async fn query(&self, soql: &str) -> Value {
        let url = format!("{}/services/data/v62.0/query", self.salesforce.url());
        let request = self.http.get(url).query(&[("q", soql)]).bearer_auth(&self.session);
        request.send().await.unwrap().json().await.unwrap()
    }

    /// What the functions have asked of Salesforce: method and path.
    async fn requests(&self) -> Vec<String> {
        let url = format!("{}/sandbox/v1/requests", self.salesforce.url());
        let requests: Value = self.http.get(url).send().await.unwrap().json().await.unwrap();
        let text = |request: &Value| {
            format!("{} {}", request["method"].as_str().unwrap(), request["path"].as_str().unwrap())
        };
        requests.as_array().unwrap().iter().map(text).filter(|text| text.contains("/sobjects/AC_")).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_of_a_thousand_rows_becomes_a_thousand_records_once() {
    let sandbox = Sandbox::start().await;
    let connect = sandbox.connect.url();
    sandbox.control(&connect, "agents/nora.quist/state", json!({"state": "Available"})).await;
    let call = sandbox.control(&connect, "calls", json!({"from": "+12025550143"})).await;
    let call = call["contactId"].as_str().unwrap();
    sandbox.control(&connect, &format!("calls/{call}/accept"), json!({})).await;

    let ask = json!({"kind": "agent", "rows": 1000, "name": "a report+1.csv", "from_spreadsheet": true});
    let report = sandbox.control(&connect, "reports", ask).await;
    for _ in 0..2 {
        let answer = sandbox.functions.invoke("agent-report", &report["event"]).await.unwrap();
        assert_eq!(
            (answer["rows"].as_u64(), answer["written"].as_u64()),
            (Some(1000), Some(1000)),
            "{answer}"
        );
    }
    assert_eq!(sandbox.query("SELECT COUNT() FROM AC_AgentPerformance__c").await["totalSize"], 1000);
    let calls = sandbox.requests().await;
    assert_eq!(calls.iter().filter(|call| call.ends_with("/describe")).count(), 1);
    assert_eq!(calls.len(), 11, "one description and twice five writes: {calls:?}");
    let newest = sandbox
        .query("SELECT AC_Object_Name__c, Contacts_handled__c FROM AC_AgentPerformance__c WHERE AC_Object_Name__c = 'nora.quist' ORDER BY StartInterval__c DESC LIMIT 1")
        .await;
    assert_eq!(newest["records"][0]["Contacts_handled__c"], 1.0, "{newest}");

    let report = sandbox.control(&connect, "reports", json!({"kind": "queue", "rows": 6})).await;
    let answer = sandbox.functions.invoke("queue-report", &report["event"]).await.unwrap();
    assert_eq!(answer["written"], 6, "{answer}");
    let queues = sandbox.query("SELECT COUNT() FROM AC_HistoricalQueueMetrics__c").await;
    assert_eq!(queues["totalSize"], 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_agents_and_callers_do_stands_in_the_queues_records() {
    let sandbox = Sandbox::start().await;
    let connect = sandbox.connect.url();
    let numbers = async || {
        let answer = sandbox.functions.invoke("queue-metrics", &json!({})).await.unwrap();
        assert_eq!(answer["written"], 3, "{answer}");
        let found = sandbox
            .query("SELECT Name, Agents_Online__c, Agents_Non_Productive__c, Contacts_In_Queue__c FROM AC_QueueMetrics__c ORDER BY Name")
            .await;
        let number = |row: &Value, field: &str| row[field].as_f64().map(|number| number.to_string());
        found["records"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| {
                let numbers = ["Agents_Online__c", "Agents_Non_Productive__c", "Contacts_In_Queue__c"]
                    .map(|field| number(row, field).unwrap_or_default());
                format!("{} {}", row["Name"].as_str().unwrap(), numbers.join(" "))
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(numbers().await, ["Billing 0 0 0", "Sales 0 0 0", "Support 0 0 0"], "nobody is there");
    sandbox.control(&connect, "agents/nora.quist/state", json!({"state": "Lunch"})).await;
    sandbox.control(&connect, "calls", json!({"from": "+12025550143", "queue": "Billing"})).await;
    assert_eq!(numbers().await, ["Billing 1 1 1", "Sales 1 1 0", "Support 1 1 0"]);
    sandbox.control(&connect, "reset", json!({})).await;
    let fault = json!({"kind": "status", "status": 429, "code": "TooManyRequestsException",
        "match": {"path": "/queues-summary"}});
    sandbox.control(&connect, "faults", fault).await;
    let throttled = sandbox.functions.invoke("queue-metrics", &json!({})).await;
    assert!(throttled.is_ok(), "throttling is waited out: {throttled:?}");
}
