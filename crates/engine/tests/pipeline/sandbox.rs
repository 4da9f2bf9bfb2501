//! The same ways with the simulated Salesforce over HTTP in place of a CRM in memory.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use serde_json::Value;
use tempfile::TempDir;
use tieline_amazon_connect::AmazonConnect;
use tieline_bridge::profile::Profile;
use tieline_core::{Clock, Crm, DeliverySource, JsonMap, Paging, PhoneNumber, Purpose, Query, Standing};
use tieline_engine::pipeline::{
    Pipeline, PipelineOptions, PipelineSetup, RecordMaps, WorkspaceSetup, queries,
};
use tieline_salesforce::{Credentials, GrantSecrets, OrgSettings, Salesforce};
use tieline_sandbox::world::{FaultKind, FaultMatch, FaultRequest};
use tieline_sandbox::{Addresses, Part, SimClock, salesforce};
use tieline_store::SqliteStore;

use crate::support::{at, call, connection, workspace};

struct Org {
    world: tieline_sandbox::World,
    /// For dips, and for tests to look with.
    crm: Arc<dyn Crm>,
    pipeline: Pipeline,
    store: SqliteStore,
    server: salesforce::RunningSalesforce,
    dir: TempDir,
}

async fn org() -> Org {
    let world = tieline_sandbox::World::with_clock(1, Addresses::default(), SimClock::frozen(at(0)));
    let options = salesforce::Options::new("127.0.0.1:0".parse().unwrap());
    let server = salesforce::Salesforce::start(&world, options).await.unwrap();
    let credentials = Credentials {
        client_id: "tieline-sandbox".into(),
        secrets: GrantSecrets::ClientCredentials { client_secret: SecretString::from("sandbox-secret") },
        token: None,
    };
    let settings = OrgSettings::new(server.url().parse().unwrap());
    let clock: Arc<dyn Clock> = world.shared_clock();
    let salesforce = Salesforce::new(&settings, Arc::new(credentials), clock.clone()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path().join("tieline.db"), clock.clone()).unwrap();
    let pipeline = pipeline(&store, clock, &salesforce);
    Org { world, crm: Arc::new(salesforce), pipeline, store, server, dir }
}

/// The pipeline of one process.
fn pipeline(store: &SqliteStore, clock: Arc<dyn Clock>, salesforce: &Salesforce) -> Pipeline {
    Pipeline::new(PipelineSetup {
        store: Arc::new(store.clone()),
        clock,
        contact_centers: [(connection("connect"), Arc::new(AmazonConnect::default()) as _)].into(),
        crms: [(connection("crm"), Arc::new(salesforce.for_purpose(Purpose::CallLog)) as _)].into(),
        workspaces: vec![WorkspaceSetup {
            name: workspace("demo"),
            contact_center: connection("connect"),
            crm: connection("crm"),
            region: "US".into(),
            profile: Arc::new(Profile::built_in("amazon-connect", "salesforce").unwrap()),
            records: RecordMaps::default(),
        }],
        options: PipelineOptions { request: Duration::from_secs(5), ..PipelineOptions::default() },
    })
}

impl Org {
    async fn event(&self, event: Value) {
        let body = event.to_string();
        self.pipeline.intake(&connection("connect"), DeliverySource::Event, body.as_bytes()).await.unwrap();
    }

    async fn records(&self, records: &[Value]) {
        use base64::Engine;
        use base64::engine::general_purpose::STANDARD;
        let records: Vec<Value> = records
            .iter()
            .map(|record| serde_json::json!({"data": STANDARD.encode(record.to_string())}))
            .collect();
        let body = serde_json::json!({"records": records}).to_string();
        self.pipeline.intake(&connection("connect"), DeliverySource::Stream, body.as_bytes()).await.unwrap();
    }

    async fn drain(&self) {
        self.pipeline.drain().await.unwrap();
    }

    async fn pass(&self, secs: u64) {
        for _ in 0..secs.div_ceil(5) {
            self.world.clock().advance(Duration::from_secs(5));
            self.drain().await;
        }
    }

    fn fault(&self, kind: FaultKind, path: &str, times: u32, status: Option<u16>) {
        let matches = FaultMatch { path: Some(path.into()), ..FaultMatch::default() };
        let request = FaultRequest { kind, matches, times, delay_ms: None, status, method: None, code: None };
        self.world.faults(Part::Salesforce).add(request).unwrap();
    }

    /// Changes a setting of the simulated org, as its control page does.
    async fn set(&self, settings: &Value) {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let address = self.server.url().replace("http://", "").trim_end_matches('/').to_owned();
        let mut stream = tokio::net::TcpStream::connect(address.as_str()).await.unwrap();
        let body = settings.to_string();
        let length = body.len();
        let request = format!(
            "POST /sandbox/v1/settings HTTP/1.1\r\nHost: {address}\r\nX-Tieline-Sandbox: 1\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    fn standing(&self) -> Standing {
        self.crm.governor().unwrap().standing(self.world.clock().now())
    }

    fn used(&self) -> u64 {
        self.standing().word.unwrap().allowance.used
    }

    /// A look-up during a call.
    async fn dip(&self) -> usize {
        let anna = PhoneNumber::parse("+12025550143", None).unwrap();
        self.crm.find_by_phone(&[anna], 5).await.unwrap()[0].len()
    }

    async fn rows(&self, object: &str, fields: &[&str]) -> Vec<JsonMap> {
        let query = Query {
            object: object.into(),
            fields: fields.iter().map(|field| (*field).to_owned()).collect(),
            conditions: Vec::new(),
            limit: None,
            paging: Paging::UpTo(5000),
        };
        self.crm.rows(&query).await.unwrap().rows
    }

    /// Tasks of calls; the seed may hold others.
    async fn tasks(&self) -> Vec<JsonMap> {
        let fields = ["Id", "CallObject", "Status", "Subject", "CallDurationInSeconds", "WhoId", "CallType"];
        let mut tasks = self.rows("Task", &fields).await;
        tasks.retain(|task| task["CallObject"].as_str().is_some_and(|call| call.starts_with("c-")));
        tasks
    }

    async fn interactions(&self) -> Vec<JsonMap> {
        let fields =
            ["Key__c", "Task_Id__c", "State__c", "Customer_Name__c", "Contact__c", "Talk_Seconds__c"];
        let mut all = self.rows("Interaction__c", &fields).await;
        all.retain(|row| row["Key__c"].as_str().is_some_and(|key| key.starts_with("demo:c-")));
        all
    }

    async fn assert_nothing_is_dead(&self) {
        assert_eq!(queries::dead_letters(&self.store, 10).await.unwrap(), []);
    }
}

#[tokio::test]
async fn a_call_of_annas_stands_on_her_page() {
    let org = org().await;
    let call = call("c-1");
    org.event(call.connected()).await;
    org.drain().await;
    org.assert_nothing_is_dead().await;
    assert_eq!(org.tasks().await[0]["Status"], "In Progress");

    org.records(&[call.record(160)]).await;
    org.records(&[call.record(160)]).await;
    org.drain().await;
    org.assert_nothing_is_dead().await;
    let tasks = org.tasks().await;
    assert_eq!(tasks.len(), 1);
    assert_eq!(tasks[0]["Status"], "Completed");
    assert_eq!(tasks[0]["CallDurationInSeconds"], 120);
    assert_eq!(tasks[0]["CallType"], "Inbound");
    let interactions = org.interactions().await;
    assert_eq!(interactions.len(), 1);
    assert_eq!(interactions[0]["Task_Id__c"], tasks[0]["Id"]);
    assert_eq!(interactions[0]["Customer_Name__c"], "Anna Keller");
    assert_eq!(interactions[0]["Contact__c"], tasks[0]["WhoId"]);
    assert!(org.pipeline.counts().rows_partial == 0, "our package has every field of the map");
}

#[tokio::test]
async fn an_answer_lost_after_the_commit_makes_no_second_record() {
    let org = org().await;
    org.fault(FaultKind::CommitThenLose, "composite/sobjects", 1, None);
    org.records(&[call("c-1").record(160)]).await;
    org.drain().await;
    org.fault(FaultKind::CommitThenLose, "Interaction__c", 1, None);
    org.pass(120).await;
    let (tasks, interactions) = (org.tasks().await, org.interactions().await);
    assert_eq!((tasks.len(), interactions.len()), (1, 1));
    assert_eq!(interactions[0]["Task_Id__c"], tasks[0]["Id"]);
    org.assert_nothing_is_dead().await;
}

#[tokio::test]
async fn after_an_outage_everything_is_there_once() {
    let org = org().await;
    org.fault(FaultKind::Status, "", 0, Some(503));
    for number in 0..40 {
        let call = call(format!("c-{number}"));
        org.event(call.connected()).await;
        org.records(&[call.record(160)]).await;
    }
    org.pass(120).await;
    org.world.faults(Part::Salesforce).clear();
    org.pass(120).await;
    org.assert_nothing_is_dead().await;
    let (tasks, interactions) = (org.tasks().await, org.interactions().await);
    assert_eq!((tasks.len(), interactions.len()), (40, 40));
    assert!(interactions.iter().all(|row| row["Task_Id__c"].is_string() && row["State__c"] == "Completed"));
}

#[tokio::test]
async fn strange_callers_and_strange_text_arrive_as_they_are() {
    let org = org().await;
    let mut strange = call("c-2").from("anonymous").record(160);
    strange["DisconnectReason"] = r#"<img src=x onerror=alert(1)> "'; --"#.into();
    org.records(&[call("c-1").from("(202) 555-0147").record(160), strange]).await;
    org.records(&[call("c-3").from("+390655500123").record(160), call("c-4'; --").record(160)]).await;
    org.drain().await;
    org.assert_nothing_is_dead().await;
    let all = org.rows("Interaction__c", &["Key__c", "Customer_Name__c", "Disconnect_Reason__c"]).await;
    let of = |key: &str| all.iter().find(|row| row["Key__c"] == key).unwrap().clone();
    assert_eq!(of("demo:c-1")["Customer_Name__c"], "Sean O'Neil");
    assert_eq!(of("demo:c-2")["Disconnect_Reason__c"], r#"<img src=x onerror=alert(1)> "'; --"#);
    assert_eq!(of("demo:c-3")["Customer_Name__c"], "Giulia Rossi");
    assert_eq!(org.tasks().await.len(), 4);
}

#[tokio::test]
async fn a_locked_task_is_tried_again() {
    let org = org().await;
    org.fault(FaultKind::Lock, "composite/sobjects", 1, None);
    org.records(&[call("c-1").record(160), call("c-2").record(160)]).await;
    org.pass(30).await;
    org.assert_nothing_is_dead().await;
    assert_eq!((org.tasks().await.len(), org.interactions().await.len()), (2, 2));
}

#[tokio::test]
async fn a_flood_of_records_leaves_the_dips_their_fifth_and_is_written_when_the_window_has_moved_on() {
    let org = org().await;
    org.set(&serde_json::json!({"daily_api_requests": 1000})).await;
    let mut calls = 0;
    while calls < 1000 && org.standing().refused[1].1 == 0 && org.standing().made[1].1 < 810 {
        org.records(&[call(format!("c-{calls}")).record(160)]).await;
        org.drain().await;
        calls += 1;
        if org.standing().word.is_some() && org.used() >= 800 {
            break;
        }
    }
    for more in calls..calls + 20 {
        org.records(&[call(format!("c-{more}")).record(160)]).await;
    }
    org.drain().await;
    assert_eq!(org.used(), 800, "the call log stops at its share");
    let depths = org.pipeline.depths().await.unwrap();
    assert!(depths.outbox_wait >= 20, "what is not written waits: {depths:?}");

    for _ in 0..150 {
        assert_eq!(org.dip().await, 1, "look-ups go on in the fifth that is kept for them");
    }
    org.drain().await;
    assert_eq!(org.used(), 950, "and nothing else touches it");

    for _ in 0..25 {
        org.world.clock().advance(Duration::from_secs(3600));
        org.drain().await;
    }
    org.pass(1200).await;
    org.assert_nothing_is_dead().await;
    let (tasks, interactions) = (org.tasks().await, org.interactions().await);
    assert_eq!((tasks.len(), interactions.len()), (calls + 20, calls + 20));
}

#[tokio::test]
async fn another_process_with_the_same_store_keeps_to_the_same_allowance() {
    let org = org().await;
    org.set(&serde_json::json!({"daily_api_requests": 10})).await;
    for _ in 0..8 {
        org.dip().await;
    }
    org.drain().await;
    let credentials = Credentials {
        client_id: "tieline-sandbox".into(),
        secrets: GrantSecrets::ClientCredentials { client_secret: SecretString::from("sandbox-secret") },
        token: None,
    };
    let settings = OrgSettings::new(org.server.url().parse().unwrap());
    let clock: Arc<dyn Clock> = org.world.shared_clock();
    let other = Salesforce::new(&settings, Arc::new(credentials), clock.clone()).unwrap();
    let store = SqliteStore::open(org.dir.path().join("tieline.db"), clock.clone()).unwrap();
    let pipeline = pipeline(&store, clock, &other);
    org.records(&[call("c-1").record(160)]).await;
    pipeline.drain().await.unwrap();
    let standing = &pipeline.health()[0].spending.clone().unwrap();
    assert_eq!(standing.word.unwrap().allowance.used, 8, "it asked nobody to know it");
    assert_eq!(standing.made, [(Purpose::Dip, 0), (Purpose::CallLog, 0), (Purpose::Other, 0)]);
    assert!(pipeline.depths().await.unwrap().outbox_wait > 0);
}
