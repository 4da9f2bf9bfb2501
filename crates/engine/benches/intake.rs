//! How many deliveries a second are acknowledged, each on disk with a full sync before its
//! acknowledgement: through the pipeline's intake, and beside it by the plainest way there is, one
//! insert and one sync per request on a bare connection. The two alternate in one run.
//!
//! The last lines pace 500 deliveries a second while the pipeline decodes and writes to a CRM that
//! answers at once, which is the budget's case.
//!
//! `cargo bench -p tieline-engine --bench intake`; figures depend on the disk under `target/tmp`.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use secrecy::SecretString;
use serde_json::json;
use tempfile::TempDir;
use tieline_amazon_connect::AmazonConnect;
use tieline_bridge::profile::Profile;
use tieline_core::{
    ConnectionName, ConnectorError, ConnectorErrorKind, Crm, DeliverySource, JsonMap, OutboxRow, PartyMatch,
    PhoneNumber, Query, RecordId, RowResult, Rows, WorkspaceName, Written,
};
use tieline_engine::SystemClock;
use tieline_engine::pipeline::{Pipeline, PipelineOptions, PipelineSetup, RecordMaps, WorkspaceSetup};
use tieline_store::SqliteStore;
use tokio::task::JoinSet;

const ROUND: Duration = Duration::from_secs(2);
const ROUNDS: usize = 2;

/// Writes nothing and says it did.
struct WillingCrm;

#[async_trait]
impl Crm for WillingCrm {
    async fn find_by_phone(
        &self,
        phones: &[PhoneNumber],
        _: usize,
    ) -> Result<Vec<Vec<PartyMatch>>, ConnectorError> {
        Ok(vec![Vec::new(); phones.len()])
    }

    async fn record(&self, _: &str, _: &RecordId, _: &[String]) -> Result<Option<JsonMap>, ConnectorError> {
        Err(unsupported())
    }

    async fn rows(&self, _: &Query) -> Result<Rows, ConnectorError> {
        Err(unsupported())
    }

    async fn write(&self, rows: &[OutboxRow]) -> Result<Vec<RowResult>, ConnectorError> {
        let written = |row: &OutboxRow| {
            let record = RecordId::new(format!("r-{}", row.key)).unwrap();
            Ok(Written { record: Some(record), created: true, dropped: Vec::new() })
        };
        Ok(rows.iter().map(written).collect())
    }

    fn as_agent(&self, _: SecretString) -> Option<Arc<dyn Crm>> {
        None
    }
}

fn unsupported() -> ConnectorError {
    ConnectorError {
        connector: "bench",
        operation: "read",
        kind: ConnectorErrorKind::Unsupported,
        said: None,
    }
}

fn connection(name: &str) -> ConnectionName {
    ConnectionName::new(name).unwrap()
}

fn folder() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

fn pipeline(folder: &TempDir, options: PipelineOptions) -> Pipeline {
    let clock = Arc::new(SystemClock);
    let store = SqliteStore::open(folder.path().join("tieline.db"), clock.clone()).unwrap();
    Pipeline::new(PipelineSetup {
        store: Arc::new(store),
        clock,
        contact_centers: [(connection("connect"), Arc::new(AmazonConnect::default()) as _)].into(),
        crms: [(connection("crm"), Arc::new(WillingCrm) as Arc<dyn Crm>)].into(),
        workspaces: vec![WorkspaceSetup {
            name: WorkspaceName::new("demo").unwrap(),
            contact_center: connection("connect"),
            crm: connection("crm"),
            region: "US".into(),
            profile: Arc::new(Profile::built_in("amazon-connect", "salesforce").unwrap()),
            records: RecordMaps::default(),
        }],
        options,
    })
}

/// A contact event of about the size Amazon Connect sends.
fn event(number: usize) -> Vec<u8> {
    let arn = "arn:aws:connect:us-east-1:111122223333:instance/11111111-2222-4333-8444-555555555555";
    json!({
        "version": "0", "id": format!("event-{number}"), "detail-type": "Amazon Connect Contact Event",
        "source": "aws.connect", "account": "111122223333", "time": "2026-11-20T09:00:32Z", "region": "us-east-1",
        "resources": [arn, format!("{arn}/contact/contact-{number}")],
        "detail": {
            "eventType": "COMPLETED", "contactId": format!("contact-{number}"), "channel": "VOICE",
            "instanceArn": arn, "initiationMethod": "INBOUND", "initiationTimestamp": "2026-11-20T09:00:00.250Z",
            "disconnectTimestamp": "2026-11-20T09:03:01.750Z",
            "customerEndpoint": {"type": "TELEPHONE_NUMBER", "address": "+12025550143"},
            "queueInfo": {"queueArn": format!("{arn}/queue/q-1"), "enqueueTimestamp": "2026-11-20T09:00:12.000Z"},
            "agentInfo": {
                "agentArn": format!("{arn}/agent/a-1"), "connectedToAgentTimestamp": "2026-11-20T09:00:31.500Z",
                "afterContactWorkDuration": 40,
            },
            "tags": {"aws:connect:instanceId": "11111111-2222-4333-8444-555555555555"},
        },
    })
    .to_string()
    .into_bytes()
}

/// Time from request to acknowledgement, sorted.
struct Figures {
    waits: Vec<Duration>,
    took: Duration,
}

impl Figures {
    fn of(mut waits: Vec<Duration>, took: Duration) -> Self {
        waits.sort();
        Self { waits, took }
    }

    fn rate(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a rate to be read by a person")]
        let count = self.waits.len() as f64;
        count / self.took.as_secs_f64()
    }

    fn at(&self, hundredth: usize) -> f64 {
        let place = (self.waits.len() * hundredth / 100).min(self.waits.len() - 1);
        self.waits[place].as_secs_f64() * 1000.0
    }
}

async fn ours(concurrency: usize) -> Figures {
    let folder = folder();
    let pipeline = pipeline(&folder, PipelineOptions::default());
    let number = Arc::new(AtomicUsize::new(0));
    load(concurrency, move || {
        let (pipeline, number) = (pipeline.clone(), number.clone());
        async move {
            let body = event(number.fetch_add(1, Ordering::Relaxed));
            let began = Instant::now();
            pipeline.intake(&connection("connect"), DeliverySource::Event, &body).await.unwrap();
            began.elapsed()
        }
    })
    .await
}

/// One connection, one insert and one sync per request.
async fn bare(concurrency: usize) -> Figures {
    let folder = folder();
    let db = rusqlite::Connection::open(folder.path().join("bare.db")).unwrap();
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         CREATE TABLE delivery (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, body BLOB NOT NULL)",
    )
    .unwrap();
    let db = Arc::new(std::sync::Mutex::new(db));
    let number = Arc::new(AtomicUsize::new(0));
    load(concurrency, move || {
        let (db, number) = (db.clone(), number.clone());
        async move {
            let number = number.fetch_add(1, Ordering::Relaxed);
            let body = event(number);
            let began = Instant::now();
            tokio::task::spawn_blocking(move || {
                let db = db.lock().unwrap();
                let mut insert =
                    db.prepare_cached("INSERT INTO delivery (key, body) VALUES (?1, ?2)").unwrap();
                insert.execute((format!("event-{number}"), body)).unwrap();
            })
            .await
            .unwrap();
            began.elapsed()
        }
    })
    .await
}

async fn load<F, R>(concurrency: usize, request: F) -> Figures
where
    F: Fn() -> R + Clone + Send + 'static,
    R: Future<Output = Duration> + Send,
{
    let began = Instant::now();
    let mut clients = JoinSet::new();
    for _ in 0..concurrency {
        let request = request.clone();
        clients.spawn(async move {
            let mut waits = Vec::new();
            while began.elapsed() < ROUND {
                waits.push(request().await);
            }
            waits
        });
    }
    let waits = clients.join_all().await.into_iter().flatten().collect();
    Figures::of(waits, began.elapsed())
}

/// A fixed rate, while everything behind is at work. Waits count from when a request was due, so
/// that a stall is felt by all that came during it.
async fn paced(rate: u32, span: Duration) -> Figures {
    let folder = folder();
    // Every contact is written as soon as it is decoded: the most there can be to do meanwhile.
    let options = PipelineOptions { record_wait: Duration::ZERO, ..PipelineOptions::default() };
    let pipeline = pipeline(&folder, options);
    let running = pipeline.start();
    let began = Instant::now();
    let mut requests = JoinSet::new();
    let every = Duration::from_secs(1) / rate;
    let count = (span.as_secs_f64() * f64::from(rate)).round();
    for number in 0_u32.. {
        if f64::from(number) >= count {
            break;
        }
        let due = began + every * number;
        tokio::time::sleep_until(due.into()).await;
        let pipeline = pipeline.clone();
        requests.spawn(async move {
            let body = event(usize::try_from(number).unwrap());
            pipeline.intake(&connection("connect"), DeliverySource::Event, &body).await.unwrap();
            due.elapsed()
        });
    }
    let waits = requests.join_all().await;
    let took = began.elapsed();
    let counts = pipeline.counts();
    println!(
        "  meanwhile: {} decoded, {} rows written in {} calls",
        counts.deliveries_decoded, counts.rows_written, counts.crm_calls
    );
    running.stop().await;
    Figures::of(waits, took)
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    println!("intake: deliveries acknowledged with full sync, under {}", env!("CARGO_TARGET_TMPDIR"));
    println!("  {:>11}  {:>7}  {:>9}  {:>8}  {:>8}", "concurrency", "way", "acks/s", "p50 ms", "p99 ms");
    for concurrency in [1, 8, 64, 256] {
        for _ in 0..ROUNDS {
            for (way, figures) in
                [("ours", runtime.block_on(ours(concurrency))), ("bare", runtime.block_on(bare(concurrency)))]
            {
                println!(
                    "  {concurrency:>11}  {way:>7}  {:>9.0}  {:>8.2}  {:>8.2}",
                    figures.rate(),
                    figures.at(50),
                    figures.at(99)
                );
            }
        }
    }
    let figures = runtime.block_on(paced(500, Duration::from_secs(10)));
    println!(
        "  500 a second while decoding and writing: p50 {:.2} ms, p99 {:.2} ms",
        figures.at(50),
        figures.at(99)
    );
}
