//! A pipeline with a clock that stands still, and the deliveries of an ordinary call.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;
use tieline_amazon_connect::{AmazonConnect, Conversations, Import, InstanceFiles, Redacted};
use tieline_aws::{Aws, AwsSettings};
use tieline_bridge::map::FieldMaps;
use tieline_bridge::profile::Profile;
use tieline_core::{
    Clock, ConnectionName, ContactCenter, ContactId, Crm, DeliverySource, JsonMap, WorkspaceName,
};
use tieline_engine::pipeline::{
    ContactDetail, DeadLetter, Pipeline, PipelineOptions, PipelineSetup, RecordMaps, Taken, WorkspaceSetup,
    queries,
};
use tieline_store::SqliteStore;
use tokio::sync::watch;

use crate::crm::FakeCrm;

/// A clock that moves when it is told to, and wakes who waits for it.
pub struct TestClock(watch::Sender<Timestamp>);

impl TestClock {
    pub fn advance(&self, by: Duration) {
        self.0.send_modify(|now| *now = now.checked_add(by).unwrap());
    }
}

#[async_trait]
impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        *self.0.borrow()
    }

    async fn sleep_until(&self, at: Timestamp) {
        let _ = self.0.subscribe().wait_for(|now| *now >= at).await;
    }
}

/// 2026-11-20, nine o'clock.
pub fn at(second: i64) -> Timestamp {
    "2026-11-20T09:00:00Z"
        .parse::<Timestamp>()
        .unwrap()
        .checked_add(jiff::SignedDuration::from_secs(second))
        .unwrap()
}

pub fn workspace(name: &str) -> WorkspaceName {
    WorkspaceName::new(name).unwrap()
}

pub fn connection(name: &str) -> ConnectionName {
    ConnectionName::new(name).unwrap()
}

pub fn contact_id(id: &str) -> ContactId {
    ContactId::new(id).unwrap()
}

pub struct World {
    pub pipeline: Pipeline,
    pub crm: Arc<FakeCrm>,
    pub clock: Arc<TestClock>,
    pub store: SqliteStore,
    workspaces: Vec<&'static str>,
    /// The one connection's contact center.
    center: Arc<dyn ContactCenter>,
    pub records: RecordMaps,
    dir: TempDir,
}

impl World {
    /// One workspace, `demo`.
    pub fn new() -> Self {
        Self::with(&["demo"])
    }

    pub fn with(workspaces: &[&'static str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(TestClock(watch::Sender::new(at(0))));
        let store = SqliteStore::open(dir.path().join("tieline.db"), clock.clone()).unwrap();
        let crm = Arc::new(FakeCrm::default());
        let center: Arc<dyn ContactCenter> = Arc::new(AmazonConnect::default());
        let records = RecordMaps::default();
        let pipeline = pipeline(&store, &clock, &crm, workspaces, &center, &records);
        Self { pipeline, crm, clock, store, workspaces: workspaces.to_vec(), center, records, dir }
    }

    /// The same, keeping records of these maps too; files lie in the folder `files`, the bucket `rep`.
    pub fn keeping(maps: &[&str]) -> Self {
        let mut world = Self::new();
        std::fs::create_dir(world.file("")).unwrap();
        world.center = Arc::new(AmazonConnect::default().with_files(world.files()));
        world.keep(maps, &[]);
        world
    }

    /// Starts again with these maps, some of them an administrator's own.
    pub fn keep(&mut self, maps: &[&str], own: &[(&str, &str)]) {
        let mut all = FieldMaps::built_in("amazon-connect", "salesforce").unwrap();
        for (file, text) in own {
            all.put(file, text).unwrap();
        }
        let of = |name: &&str| ((*name).to_owned(), all.get(name).unwrap());
        self.records.maps = maps.iter().map(of).collect();
        self.restart();
    }

    pub fn files(&self) -> InstanceFiles {
        let aws = Aws::new(AwsSettings::from_environment(|_| None), self.clock.clone());
        let bucket = aws.bucket("rep").in_folder(&self.file("")).unwrap();
        let conversations = Conversations::new(aws, None, Import::All, Redacted::Prefer);
        InstanceFiles {
            buckets: vec![bucket],
            conversations: Some(conversations),
            ..InstanceFiles::default()
        }
    }

    /// Has the contact center do otherwise, from the next start on.
    pub fn replace_center(&mut self, center: Arc<dyn ContactCenter>) {
        self.center = center;
        self.restart();
    }

    /// The place of a file in the bucket.
    pub fn file(&self, key: &str) -> std::path::PathBuf {
        self.dir.path().join("files").join(key)
    }

    /// Puts a file into the bucket and says so as S3 does, at `second`.
    pub async fn put_file(&self, key: &str, text: &str, second: i64) -> Taken {
        let path = self.file(key);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self.event(&created(key, second)).await
    }

    /// The process died and was started again: everything but the store is new.
    pub fn restart(&mut self) {
        self.pipeline =
            pipeline(&self.store, &self.clock, &self.crm, &self.workspaces, &self.center, &self.records);
    }

    pub async fn event(&self, event: &Value) -> Taken {
        let body = event.to_string();
        self.pipeline.intake(&connection("connect"), DeliverySource::Event, body.as_bytes()).await.unwrap()
    }

    pub async fn records(&self, records: &[Value]) -> Taken {
        let texts: Vec<String> = records.iter().map(Value::to_string).collect();
        self.stream(&texts).await
    }

    pub async fn stream(&self, records: &[String]) -> Taken {
        let records: Vec<Value> = records.iter().map(|text| json!({"data": STANDARD.encode(text)})).collect();
        let body = json!({"requestId": "r-1", "timestamp": 1, "records": records}).to_string();
        self.pipeline.intake(&connection("connect"), DeliverySource::Stream, body.as_bytes()).await.unwrap()
    }

    pub async fn drain(&self) {
        self.crm.set_time(self.clock.now());
        self.pipeline.drain().await.unwrap();
    }

    /// Lets time pass in small steps, doing what becomes due at each.
    pub async fn pass(&self, span: Duration) {
        let mut left = span;
        while !left.is_zero() {
            let step = left.min(Duration::from_secs(5));
            left -= step;
            self.clock.advance(step);
            self.drain().await;
        }
    }

    pub async fn contact(&self, id: &str) -> ContactDetail {
        queries::contact(&self.store, &workspace("demo"), &contact_id(id)).await.unwrap().unwrap()
    }

    pub async fn dead_letters(&self) -> Vec<DeadLetter> {
        queries::dead_letters(&self.store, 100).await.unwrap()
    }
}

fn pipeline(
    store: &SqliteStore,
    clock: &Arc<TestClock>,
    crm: &Arc<FakeCrm>,
    workspaces: &[&str],
    center: &Arc<dyn ContactCenter>,
    records: &RecordMaps,
) -> Pipeline {
    let profile = Arc::new(Profile::built_in("amazon-connect", "salesforce").unwrap());
    Pipeline::new(PipelineSetup {
        store: Arc::new(store.clone()),
        clock: clock.clone(),
        contact_centers: [(connection("connect"), Arc::clone(center))].into(),
        crms: [(connection("crm"), crm.clone() as Arc<dyn Crm>)].into(),
        workspaces: workspaces
            .iter()
            .map(|name| WorkspaceSetup {
                name: workspace(name),
                contact_center: connection("connect"),
                crm: connection("crm"),
                region: "US".into(),
                profile: profile.clone(),
                records: records.clone(),
            })
            .collect(),
        options: PipelineOptions { request: Duration::from_millis(200), ..PipelineOptions::default() },
    })
}

/// What S3 says of a new object; another second is another version.
pub fn created(key: &str, second: i64) -> Value {
    json!({"Records": [{"eventName": "ObjectCreated:Put", "eventTime": at(second).to_string(),
        "s3": {"bucket": {"name": "rep"}, "object": {"key": key, "eTag": second.to_string()}}}]})
}

/// An inbound call of 120 seconds that Nora answers after 20.
pub struct Call {
    pub id: String,
    customer: String,
}

pub fn call(id: impl Into<String>) -> Call {
    Call { id: id.into(), customer: "+12025550143".into() }
}

impl Call {
    pub fn from(mut self, customer: &str) -> Self {
        self.customer = customer.into();
        self
    }

    fn event(&self, event_type: &str, second: i64, more: &Value) -> Value {
        let mut detail = json!({
            "eventType": event_type, "contactId": self.id, "channel": "VOICE", "initiationMethod": "INBOUND",
            "initiationTimestamp": at(0).to_string(),
            "customerEndpoint": {"type": "TELEPHONE_NUMBER", "address": self.customer},
        });
        detail.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({
            "id": format!("{}-{event_type}", self.id), "detail-type": "Amazon Connect Contact Event",
            "source": "aws.connect", "time": at(second).to_string(), "detail": detail,
        })
    }

    pub fn initiated(&self) -> Value {
        self.event("INITIATED", 0, &json!({}))
    }

    pub fn queued(&self) -> Value {
        self.event(
            "QUEUED",
            5,
            &json!({"queueInfo": {"queueArn": QUEUE, "enqueueTimestamp": at(5).to_string()}}),
        )
    }

    pub fn connected(&self) -> Value {
        self.event("CONNECTED_TO_AGENT", 20, &json!({"agentInfo": agent(), "queueInfo": {"queueArn": QUEUE}}))
    }

    pub fn disconnected(&self) -> Value {
        let more = json!({"agentInfo": agent(), "disconnectTimestamp": at(140).to_string()});
        self.event("DISCONNECTED", 140, &more)
    }

    pub fn completed(&self) -> Value {
        let mut agent = agent();
        agent["afterContactWorkDuration"] = 15.into();
        let more = json!({"agentInfo": agent, "disconnectTimestamp": at(140).to_string()});
        self.event("COMPLETED", 155, &more)
    }

    /// The contact record, last updated at `second`.
    pub fn record(&self, second: i64) -> Value {
        json!({
            "ContactId": self.id, "Channel": "VOICE", "InitiationMethod": "INBOUND",
            "InitiationTimestamp": at(0).to_string(), "DisconnectTimestamp": at(140).to_string(),
            "LastUpdateTimestamp": at(second).to_string(),
            "CustomerEndpoint": {"Type": "TELEPHONE_NUMBER", "Address": self.customer},
            "Agent": {
                "ARN": AGENT, "Username": "nora.quist", "ConnectedToAgentTimestamp": at(20).to_string(),
                "AgentInteractionDuration": 110, "CustomerHoldDuration": 10, "AfterContactWorkDuration": 15,
            },
            "Queue": {"ARN": QUEUE, "Name": "Sales", "Duration": 15},
        })
    }
}

const AGENT: &str = "arn:aws:connect:us-east-1:111122223333:instance/i/agent/a-1";
const QUEUE: &str = "arn:aws:connect:us-east-1:111122223333:instance/i/queue/q-1";

fn agent() -> Value {
    json!({"agentArn": AGENT, "connectedToAgentTimestamp": at(20).to_string()})
}

pub fn fields(value: Value) -> JsonMap {
    let Value::Object(fields) = value else { panic!("fields are an object") };
    fields
}
