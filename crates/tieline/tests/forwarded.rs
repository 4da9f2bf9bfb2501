//! The two modes of the functions side by side: what a function writes itself, and what a server
//! writes that it forwards to. One simulated Amazon Connect with its bucket, two orgs.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tieline_core::Clock;
use tieline_engine::config::{Config, Environment as Variables};
use tieline_lambda::{Environment, Functions};
use tieline_sandbox::connect::{AmazonConnect, Settings};
use tieline_sandbox::salesforce::{Options, RunningSalesforce, Salesforce};
use tieline_sandbox::{Addresses, Running, SimClock, World};
use tieline_server::{AppState, Hosts, Tieline, open_store, router};
use tokio::net::TcpListener;

const BUCKET: &str = "BUCKET";

/// An org and what was asked of it.
struct Org {
    server: RunningSalesforce,
    session: String,
    http: reqwest::Client,
}

impl Org {
    async fn start(world: &World) -> Self {
        let server = Salesforce::start(world, Options::new(([127, 0, 0, 1], 0).into())).await.unwrap();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut org = Self { server, session: String::new(), http };
        org.sign_in().await;
        org
    }

    async fn sign_in(&mut self) {
        let who = json!({"username": "integration@example.com"});
        let session = control(&self.http, &self.server.url(), "sessions", who).await;
        session["access_token"].as_str().unwrap().clone_into(&mut self.session);
    }

    async fn get(&self, path: &str, query: &[(&str, &str)]) -> Value {
        let request = self.http.get(format!("{}/services/data/v62.0/{path}", self.server.url()));
        request.query(query).bearer_auth(&self.session).send().await.unwrap().json().await.unwrap()
    }

    /// All records of an object by key, every field of the package.
    async fn records(&self, object: &str, key: &str) -> BTreeMap<String, Value> {
        let described = self.get(&format!("sobjects/{object}/describe"), &[]).await;
        let fields: Vec<&str> = described["fields"]
            .as_array()
            .unwrap()
            .iter()
            .map(|field| field["name"].as_str().unwrap())
            .filter(|name| name.ends_with("__c"))
            .collect();
        let query = format!("SELECT {} FROM {object} ORDER BY {key} LIMIT 2000", fields.join(", "));
        let found = self.get("query", &[("q", &query)]).await;
        let records = found["records"].as_array().unwrap_or_else(|| panic!("{found}"));
        let plain = |record: &Value| {
            let mut record = record.clone();
            record.as_object_mut().unwrap().remove("attributes");
            (record[key].as_str().unwrap().to_owned(), record)
        };
        records.iter().map(plain).collect()
    }

    /// Names and texts of the files at the record of a contact.
    async fn files(&self, contact: &str) -> BTreeMap<String, String> {
        let of = format!("SELECT Id FROM AC_ContactChannelAnalytics__c WHERE ContactId__c = '{contact}'");
        let found = self.get("query", &[("q", &of)]).await;
        assert_eq!(found["totalSize"], 1, "{found}");
        let parent = found["records"][0]["Id"].as_str().unwrap();
        let query = format!("SELECT Name, Body FROM Attachment WHERE ParentId = '{parent}'");
        let found = self.get("query", &[("q", &query)]).await;
        let mut files = BTreeMap::new();
        for file in found["records"].as_array().unwrap() {
            let body = format!("{}{}", self.server.url(), file["Body"].as_str().unwrap());
            let answer = self.http.get(body).bearer_auth(&self.session).send().await.unwrap();
            let name = file["Name"].as_str().unwrap().to_owned();
            assert_eq!(files.insert(name, answer.text().await.unwrap()), None, "one file of a name");
        }
        files
    }

    /// Calls about the package's objects, our own questions left out.
    async fn calls(&self) -> Vec<String> {
        let url = format!("{}/sandbox/v1/requests", self.server.url());
        let requests: Value = self.http.get(url).send().await.unwrap().json().await.unwrap();
        let text = |request: &Value| {
            format!("{} {}", request["method"].as_str().unwrap(), request["path"].as_str().unwrap())
        };
        requests.as_array().unwrap().iter().map(text).filter(|text| text.contains("/sobjects/AC_")).collect()
    }
}

async fn control(http: &reqwest::Client, base: &str, path: &str, body: Value) -> Value {
    let request = http.post(format!("{base}/sandbox/v1/{path}")).header("x-tieline-sandbox", "1");
    let answer = request.json(&body).send().await.unwrap();
    assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
    answer.json().await.unwrap()
}

struct House {
    connect: Running,
    /// What the functions write themselves.
    direct: Functions,
    org: Org,
    /// What the server writes.
    forwarding: Functions,
    server_org: Org,
    server: AppState,
    http: reqwest::Client,
    /// Both worlds, whose clocks go together.
    worlds: [World; 2],
    _data: tempfile::TempDir,
}

impl House {
    async fn start(records: &str) -> Self {
        Self::importing(records, "all").await
    }

    async fn importing(records: &str, import: &str) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let start = "2026-03-17T10:00:00Z".parse().unwrap();
        let frozen = || World::with_clock(1, Addresses::default(), SimClock::frozen(start));
        let (world, other) = (frozen(), frozen());
        let connect = AmazonConnect::start(&world, ([127, 0, 0, 1], 0).into(), Settings::default()).unwrap();
        let (org, server_org) = (Org::start(&world).await, Org::start(&other).await);
        let http = reqwest::Client::builder().no_proxy().build().unwrap();

        let data = tempfile::tempdir().unwrap();
        let aws = [
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "dummy".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "dummy".to_owned()),
            ("AWS_ENDPOINT_URL_S3", format!("{}/s3", connect.url())),
            ("AWS_ENDPOINT_URL_CONNECT", connect.url()),
            ("AWS_ENDPOINT_URL_TRANSCRIBE", connect.url()),
            ("AWS_ENDPOINT_URL_COMPREHEND", connect.url()),
        ];
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let clock: Arc<dyn Clock> = world.shared_clock();
        let asked = control(&http, &connect.url(), "reports", json!({"kind": "agent", "rows": 1})).await;
        let bucket = asked["event"]["Records"][0]["s3"]["bucket"]["name"].as_str().unwrap().to_owned();
        let text = configuration(&server_org.server.url(), data.path(), records)
            .replace(BUCKET, &bucket)
            .replace("import = \"all\"", &format!("import = \"{import}\""));
        let given = [
            ("SECRET_KEY", "0123456789abcdef0123456789abcdef".to_owned()),
            ("KEY", "k3y".to_owned()),
            ("SECRET", "sandbox-secret".to_owned()),
        ];
        let variables: Variables = aws.clone().into_iter().chain(given).collect();
        let config = Config::parse(&text, &variables).unwrap();
        let store = open_store(&config, &clock).unwrap();
        let hosts = Hosts::on_loopback("panel.localhost", address.port());
        let tieline = Tieline::assemble(config, Arc::clone(&clock), store, hosts).await.unwrap();
        let server = tieline.state.clone();
        let service = router(server.clone());
        tokio::spawn(async move { axum::serve(listener, service).await });

        let secret = json!({"Password": "sandbox", "AccessToken": "token",
            "ConsumerKey": "tieline-sandbox", "ConsumerSecret": "sandbox-secret"});
        let secrets = secrets(secret).await;
        let mut environment: BTreeMap<&str, String> = aws.into_iter().collect();
        environment.extend([
            ("SF_HOST", org.server.url()),
            ("SF_VERSION", "v62.0".to_owned()),
            ("SF_USERNAME", "integration@example.com".to_owned()),
            ("SF_ADAPTER_NAMESPACE", "-".to_owned()),
            ("SF_CREDENTIALS_SECRETS_MANAGER_ARN", "sf".to_owned()),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", secrets),
            ("TIELINE_IMPORT", import.to_owned()),
            ("TRANSCRIPTS_DESTINATION", bucket.clone()),
            ("AMAZON_CONNECT_INSTANCE_ID", "11111111-2222-4333-8444-555555555555".to_owned()),
            ("AMAZON_CONNECT_INSTANCE_REGION", "us-east-1".to_owned()),
        ]);
        let direct = Functions::new(environment.clone().into_iter().collect(), Arc::clone(&clock));
        let forward: Environment = [
            ("TIELINE_URL", format!("http://{address}")),
            ("TIELINE_CONNECTION", "connect".to_owned()),
            ("TIELINE_DELIVERY_KEY", "k3y".to_owned()),
        ]
        .into_iter()
        .collect();
        let forwarding = Functions::new(forward, clock);
        let worlds = [world, other];
        Self { connect, direct, org, forwarding, server_org, server, http, worlds, _data: data }
    }

    async fn report(&self, ask: Value) -> Value {
        control(&self.http, &self.connect.url(), "reports", ask).await["event"].clone()
    }

    /// A call that was and is over.
    async fn call(&self) -> String {
        self.call_with(json!({})).await
    }

    async fn call_with(&self, attributes: Value) -> String {
        let ask = json!({"from": "+12025550143", "attributes": attributes});
        let call = control(&self.http, &self.connect.url(), "calls", ask).await;
        let contact = call["contactId"].as_str().unwrap().to_owned();
        control(&self.http, &self.connect.url(), &format!("calls/{contact}/hangup"), json!({})).await;
        contact
    }

    /// The notification of an analysis, and its contact.
    async fn analysis(&self, ask: Value) -> (Value, String) {
        let mut ask = ask;
        ask["deliver"] = false.into();
        let written = control(&self.http, &self.connect.url(), "analyses", ask).await;
        (written["event"].clone(), written["contact"].as_str().unwrap().to_owned())
    }

    async fn drain(&self) {
        self.server.pipeline.drain().await.unwrap();
    }

    /// Runs a function in both modes.
    async fn both(&self, function: &str, event: &Value) {
        self.direct.invoke(function, event).await.unwrap();
        self.forwarding.invoke(function, event).await.unwrap();
        self.drain().await;
    }
}

fn configuration(org: &str, data: &std::path::Path, records: &str) -> String {
    format!(
        r#"
listen = "127.0.0.1:0"
public_url = "http://panel.localhost:8430"
data = "{}"
secret_key = "env:SECRET_KEY"

[connections.connect]
kind = "amazon-connect"
instance_url = "http://ccp.localhost:8432"
region = "us-east-1"
instance_arn = "arn:aws:connect:us-east-1:111122223333:instance/11111111-2222-4333-8444-555555555555"
eventbridge_keys = ["env:KEY"]
firehose_keys = ["env:KEY"]

[connections.connect.files]
buckets = ["{BUCKET}"]
import = "all"

[connections.connect.files.transcription]
bucket = "{BUCKET}"

[connections.salesforce]
kind = "salesforce"
instance_url = "{org}"
client_id = "tieline-sandbox"
client_secret = "env:SECRET"

[workspaces.acme]
contact_center = "connect"
crm = "salesforce"
records = {records}
"#,
        data.display()
    )
}

/// Secrets Manager, which knows one secret.
async fn secrets(secret: Value) -> String {
    let answer = json!({"ARN": "arn", "Name": "sf", "SecretString": secret.to_string()});
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let routes = axum::Router::new().fallback(move || {
        let answer = answer.clone();
        async move { axum::Json(answer) }
    });
    tokio::spawn(async move { axum::serve(listener, routes).await });
    format!("http://{address}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forwarded_report_is_the_same_rows_in_as_many_calls() {
    let house = House::start(r#"["agent-report", "queue-report"]"#).await;
    let ask = json!({"kind": "agent", "rows": 1000, "name": "a report+1.csv", "from_spreadsheet": true});
    let report = house.report(ask).await;
    house.both("agent-report", &report).await;
    let (object, key) = ("AC_AgentPerformance__c", "AC_Record_Id__c");
    let calls = house.server_org.calls().await;
    assert_eq!(calls.iter().filter(|call| call.ends_with("/describe")).count(), 1);
    assert_eq!(calls.len(), 6, "one description and five writes: {calls:?}");
    let (direct, forwarded) =
        (house.org.records(object, key).await, house.server_org.records(object, key).await);
    assert_eq!(direct.len(), 1000);
    assert_eq!(direct, forwarded);

    let before = house.server_org.calls().await.len();
    house.forwarding.invoke("agent-report", &report).await.unwrap();
    house.drain().await;
    assert_eq!(house.server_org.calls().await.len(), before, "the same again changes nothing");

    let report = house.report(json!({"kind": "queue", "rows": 6})).await;
    house.both("queue-report", &report).await;
    let object = "AC_HistoricalQueueMetrics__c";
    let (direct, forwarded) =
        (house.org.records(object, key).await, house.server_org.records(object, key).await);
    assert_eq!(direct.len(), 6);
    assert_eq!(direct, forwarded);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forwarded_contact_record_is_the_same_record() {
    let house = House::start(r#"["contact-record"]"#).await;
    let record = |contact: &str, at: &str| {
        json!({"ContactId": contact, "Channel": "VOICE", "InitiationMethod": "INBOUND",
            "AWSContactTraceRecordFormatVersion": "2017-03-10", "LastUpdateTimestamp": at,
            "InitiationTimestamp": "2026-03-17T09:15:00Z", "DisconnectTimestamp": "2026-03-17T09:20:00Z",
            "CustomerEndpoint": {"Type": "TELEPHONE_NUMBER", "Address": "+12025550143"},
            "Attributes": {"z\u{fc}rich": "\u{1F600}", "a": "b"},
            "Agent": {"ARN": "arn:aws:connect:us-east-1:111122223333:instance/i/agent/a-1", "Username": "nora.quist",
                "AgentInteractionDuration": 110, "HierarchyGroups": {"Level1": {"GroupName": "East"}}},
            "Queue": {"ARN": "arn:aws:connect:us-east-1:111122223333:instance/i/queue/q", "Name": "Sales", "Duration": 15}})
    };
    let records = [
        record("c-1", "2026-03-17T09:22:04Z"),
        record("c-2", "2026-03-17T09:22:04Z"),
        record("c-1", "2026-03-17T09:25:00Z"),
        record("c-1", "2026-03-17T09:21:00Z"),
    ];
    let kinesis = |(n, record): (usize, &Value)| json!({"kinesis": {"sequenceNumber": n.to_string(), "data": STANDARD.encode(record.to_string())}});
    let event = json!({"Records": records.iter().enumerate().map(kinesis).collect::<Vec<_>>()});
    house.both("contact-records", &event).await;
    let event = json!({"id": "e-1", "detail-type": "Contact Record", "detail": record("c-3", "2026-03-17T09:22:04Z")});
    house.both("contact-records", &event).await;
    let (object, key) = ("AC_ContactTraceRecord__c", "ContactId__c");
    let (direct, forwarded) =
        (house.org.records(object, key).await, house.server_org.records(object, key).await);
    assert_eq!(direct.len(), 3);
    assert_eq!(direct, forwarded);
    assert!(forwarded["c-1"]["LastUpdateTimestamp__c"].as_str().unwrap().starts_with("2026-03-17T09:25:00"));
}

const ANALYTICS: &str = "AC_ContactChannelAnalytics__c";

#[tokio::test(flavor = "multi_thread")]
async fn a_forwarded_analysis_is_the_same_record_with_the_same_file() {
    let house = House::start(r#"["analytics"]"#).await;
    let said = json!([
        {"who": "customer", "text": "My card 4111 1111 1111 1111 is l\u{f6}st, o'clock."},
        {"who": "agent", "text": "I am sorry to hear that."},
    ]);
    let (contact, other) = (house.call().await, house.call().await);
    let (raw, _) = house.analysis(json!({"contact": contact, "said": said})).await;
    let (redacted, _) = house.analysis(json!({"contact": contact, "said": said, "redacted": true})).await;
    let (chat, _) = house.analysis(json!({"contact": other, "channel": "chat", "said": said})).await;
    for event in [&raw, &redacted, &chat, &raw] {
        house.both("contact-lens", event).await;
    }
    let (direct, forwarded) = (
        house.org.records(ANALYTICS, "ContactId__c").await,
        house.server_org.records(ANALYTICS, "ContactId__c").await,
    );
    assert_eq!(direct.keys().collect::<Vec<_>>(), forwarded.keys().collect::<Vec<_>>());
    assert_eq!(direct, forwarded);
    assert_eq!(direct.len(), 2);
    for contact in [&contact, &other] {
        let files = house.server_org.files(contact).await;
        assert_eq!(files, house.org.files(contact).await);
        assert_eq!(files.keys().collect::<Vec<_>>(), ["ContactLensTranscripts.json"]);
    }
    let text = &house.server_org.files(&contact).await["ContactLensTranscripts.json"];
    assert!(text.contains("[PII]") && !text.contains("4111"), "{text}");

    let before = house.server_org.calls().await.len();
    house.forwarding.invoke("contact-lens", &redacted).await.unwrap();
    house.drain().await;
    assert_eq!(house.server_org.calls().await.len(), before, "the same again changes nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forwarded_recording_is_transcribed_once_and_is_the_same_record() {
    let house = House::start(r#"["analytics", "recording", "transcript"]"#).await;
    let attributes = json!({"postcallTranscribeLanguage": "en-US",
        "postcallTranscribeComprehendAnalysis": "snt,kw,dl,ne,syn"});
    let contact = house.call_with(attributes.clone()).await;
    let mut record = trace(&contact);
    record["Attributes"] = attributes;
    record["CustomerEndpoint"] = json!({"Type": "TELEPHONE_NUMBER", "Address": "+12025550143"});
    let wav = json!({"Location": format!("rec/{contact}.wav"), "Status": "AVAILABLE", "Type": "AUDIO"});
    record["Recording"] = wav;
    house.both("transcription-start", &record).await;
    let url = format!("{}/sandbox/v1/transcriptions", house.connect.url());
    let jobs: Value = house.http.get(url).send().await.unwrap().json().await.unwrap();
    assert_eq!(jobs.as_array().unwrap().len(), 1, "one job, whoever starts it: {jobs}");
    let job = jobs[0]["job"].as_str().unwrap();

    let ended = |status: &str| {
        json!({"id": status, "detail-type": "Transcribe Job State Change", "source": "aws.transcribe",
            "time": "2026-03-17T10:01:00Z",
            "detail": {"TranscriptionJobName": job, "TranscriptionJobStatus": status}})
    };
    house.forwarding.invoke("transcription-result", &ended("IN_PROGRESS")).await.unwrap();
    let said = json!([
        {"who": "customer", "text": "There is a problem with my bill, Anna."},
        {"who": "agent", "text": "I look at it."},
    ]);
    control(&house.http, &house.connect.url(), "transcriptions", json!({"job": job, "said": said})).await;
    house.both("transcription-result", &ended("COMPLETED")).await;
    house.both("transcription-result", &ended("COMPLETED")).await;
    let (analysis, _) = house.analysis(json!({"contact": contact, "said": said})).await;
    house.both("contact-lens", &analysis).await;

    let (direct, forwarded) = (
        house.org.records(ANALYTICS, "ContactId__c").await,
        house.server_org.records(ANALYTICS, "ContactId__c").await,
    );
    assert_eq!(direct, forwarded);
    let one = &forwarded[&contact];
    assert_eq!(one["RecordingPath__c"], format!("rec/{contact}.wav"));
    assert!(one["Sentiment__c"].as_str().unwrap().starts_with("NEGATIVE, "), "{one}");
    assert_eq!((&one["DominantLanguage__c"], &one["DataSource__c"]), (&json!("en"), &json!("Contact_Lens")));
    let files = house.server_org.files(&contact).await;
    assert_eq!(files, house.org.files(&contact).await);
    assert_eq!(
        files.keys().collect::<Vec<_>>(),
        [
            "AgentTranscripts.json",
            "ComprehendSyntax.json",
            "ContactLensTranscripts.json",
            "CustomerTranscripts.json"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn only_flagged_contacts_are_imported_and_who_cannot_say_is_asked_again() {
    let house = House::importing(r#"["analytics"]"#, "flagged").await;
    let flagged = house.call_with(json!({"contactLensImportEnabled": "true"})).await;
    let other = house.call_with(json!({"contactLensImportEnabled": "no"})).await;
    let late = house.call_with(json!({"contactLensImportEnabled": "true"})).await;
    for contact in [&flagged, &other] {
        house.both("contact-lens", &house.analysis(json!({"contact": contact})).await.0).await;
    }
    let kept = async || house.server_org.records(ANALYTICS, "ContactId__c").await;
    assert_eq!(kept().await.keys().collect::<Vec<_>>(), [&flagged]);
    assert_eq!(kept().await, house.org.records(ANALYTICS, "ContactId__c").await);

    let fault =
        json!({"kind": "status", "status": 503, "times": 100, "match": {"path": "/contact/attributes"}});
    control(&house.http, &house.connect.url(), "faults", fault).await;
    let (event, _) = house.analysis(json!({"contact": late})).await;
    house.forwarding.invoke("contact-lens", &event).await.unwrap();
    house.drain().await;
    assert_eq!(kept().await.len(), 1, "nobody knows whether it may be imported");
    let faults = format!("{}/sandbox/v1/faults", house.connect.url());
    let gone = house.http.delete(faults).header("x-tieline-sandbox", "1").send().await.unwrap();
    assert!(gone.status().is_success());
    for world in &house.worlds {
        world.clock().advance(Duration::from_secs(60));
    }
    house.drain().await;
    assert_eq!(kept().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transcription_that_failed_is_a_dead_letter_with_its_reason() {
    let house = House::start(r#"["transcript"]"#).await;
    let contact = house.call_with(json!({"postcallTranscribeLanguage": "en-US"})).await;
    let mut record = trace(&contact);
    record["Attributes"] = json!({"postcallTranscribeLanguage": "en-US"});
    record["Recording"] =
        json!({"Location": format!("rec/{contact}.wav"), "Status": "AVAILABLE", "Type": "AUDIO"});
    house.forwarding.invoke("transcription-start", &record).await.unwrap();
    house.drain().await;
    let url = format!("{}/sandbox/v1/transcriptions", house.connect.url());
    let jobs: Value = house.http.get(url).send().await.unwrap().json().await.unwrap();
    let job = jobs[0]["job"].as_str().unwrap();
    let failure = json!({"job": job, "fail": "Unsupported sample rate"});
    control(&house.http, &house.connect.url(), "transcriptions", failure).await;
    let event = json!({"detail-type": "Transcribe Job State Change", "source": "aws.transcribe",
        "detail": {"TranscriptionJobName": job, "TranscriptionJobStatus": "FAILED"}});
    house.forwarding.invoke("transcription-result", &event).await.unwrap();
    house.drain().await;
    let dead = tieline_engine::pipeline::queries::dead_letters(&*house.server.store, 9).await.unwrap();
    let told: Vec<_> = dead.iter().map(|it| (it.code.as_str(), it.message.contains("sample rate"))).collect();
    assert_eq!(told, [("import.transcription_failed", true)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_the_server_would_not_keep_is_not_called_done() {
    let house = House::start(r#"["contact-record"]"#).await;
    let report = house.report(json!({"kind": "queue", "rows": 1})).await;
    house.call().await;
    let (analysis, _) = house.analysis(json!({})).await;
    for (function, event) in [("queue-report", report), ("contact-lens", analysis)] {
        let error = house.forwarding.invoke(function, &event).await.unwrap_err();
        assert_eq!(error.error_type, "lambda.not_forwarded");
        assert!(error.error_message.contains("delivery_malformed"), "{error}");
    }
}

fn trace(contact: &str) -> Value {
    json!({"ContactId": contact, "Channel": "VOICE", "InitiationMethod": "INBOUND",
        "LastUpdateTimestamp": "2026-03-17T09:22:04Z", "InitiationTimestamp": "2026-03-17T09:15:00Z",
        "DisconnectTimestamp": "2026-03-17T09:20:00Z"})
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_org_s_calls_run_low_reports_wait_and_the_call_log_goes_on() {
    let mut house = House::start(r#"["contact-record", "agent-report"]"#).await;
    let org = &house.server_org;
    let limit = |calls: u32| json!({"daily_api_requests": calls});
    control(&house.http, &org.server.url(), "settings", limit(400)).await;
    for _ in 0..290 {
        org.get("sobjects/Task/describe", &[]).await;
    }
    house.forwarding.invoke("contact-records", &trace("c-1")).await.unwrap();
    house.drain().await;
    let report = house.report(json!({"kind": "agent", "rows": 5})).await;
    house.forwarding.invoke("agent-report", &report).await.unwrap();
    house.forwarding.invoke("contact-records", &trace("c-2")).await.unwrap();
    house.drain().await;
    let about = |calls: &[String], object: &str| calls.iter().filter(|call| call.contains(object)).count();
    let calls = org.calls().await;
    assert_eq!(about(&calls, "AC_AgentPerformance__c"), 0, "nothing is asked for a report: {calls:?}");
    assert!(about(&calls, "AC_ContactTraceRecord__c") >= 2, "{calls:?}");

    control(&house.http, &org.server.url(), "settings", limit(100_000)).await;
    for _ in 0..30 {
        for world in &house.worlds {
            world.clock().advance(Duration::from_secs(3600));
        }
        house.drain().await;
    }
    house.server_org.sign_in().await;
    let written = house.server_org.records("AC_AgentPerformance__c", "AC_Record_Id__c").await;
    assert_eq!(written.len(), 5);
}
