//! Records the contact center writes itself: contact records and reports, by field maps.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Value, json};
use tieline_amazon_connect::{AmazonConnect, InstanceFiles};
use tieline_core::{
    ConnectorError, ContactCenter, ContactChange, Delivery, DeliverySource, FileContents, FileError,
    FileSource, Telling,
};
use tieline_engine::pipeline::IntakeError;
use tieline_store::{DeliveryMark, DeliveryOutcome, RecordStore};

use crate::crm::Refusal;
use crate::support::{World, at, call, connection, created};

const TRACE: &str = "AC_ContactTraceRecord__c";
const AGENTS: &str = "AC_AgentPerformance__c";
const QUEUES: &str = "AC_HistoricalQueueMetrics__c";

fn report(rows: &[(&str, u32)]) -> String {
    let rows: Vec<String> = rows.iter().map(|(agent, n)| format!("{agent},T1,{n}%\n")).collect();
    format!("Agent,StartInterval,Occupancy\n{}", rows.concat())
}

/// Ids and one value of the agents' rows.
fn agents(world: &World) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let records = world.crm.records(AGENTS);
    let mut all: Vec<String> = records
        .iter()
        .map(|it| format!("{} {}", text(&it.fields["AC_Record_Id__c"]), text(&it.fields["occupancy__c"])))
        .collect();
    all.sort();
    all
}

#[tokio::test]
async fn a_contact_record_is_kept_once_in_its_newest_version_however_it_comes() {
    let world = World::keeping(&["contact-record"]);
    let mut newest = call("c-1").record(170);
    newest["DisconnectReason"] = "AGENT_DISCONNECT".into();
    let mut oldest = call("c-1").record(150);
    oldest["DisconnectReason"] = "OTHER".into();
    for record in [call("c-1").record(160), newest.clone(), oldest, call("c-1").record(160), newest] {
        world.records(&[record]).await;
        world.drain().await;
    }
    let kept = world.crm.only(TRACE);
    assert_eq!(kept.fields["ContactId__c"], "c-1");
    assert_eq!(kept.fields["LastUpdateTimestamp__c"], at(170).to_string());
    assert_eq!(kept.writes, 2, "what is older or the same is not written");
    assert_eq!(world.crm.only("Task").fields["CallObject"], "c-1");
    let records = world.contact("c-1").await.records;
    assert!(records.iter().any(|record| record.object == TRACE), "it is among the contact's records");
}

#[tokio::test]
async fn contact_records_are_written_two_hundred_at_a_time_and_poison_stops_none() {
    let world = World::keeping(&["contact-record"]);
    let mut texts: Vec<String> = (0..250).map(|n| call(format!("c-{n}")).record(160).to_string()).collect();
    texts.insert(120, "{\"ContactId\": 7".into());
    texts.insert(60, "{}".into());
    world.stream(&texts).await;
    world.drain().await;
    assert_eq!(world.crm.records(TRACE).len(), 250);
    let calls: Vec<usize> =
        world.crm.calls().into_iter().filter(|(object, _)| object == TRACE).map(|(_, rows)| rows).collect();
    assert_eq!(calls, [200, 50]);
    assert_eq!(world.dead_letters().await.len(), 2);
}

#[tokio::test]
async fn a_map_that_finds_no_key_costs_the_record_and_not_the_call_log() {
    let mut world = World::keeping(&[]);
    let own = "object = \"Own__c\"\nkey_field = \"Key__c\"\nkey = \"Attributes.order\"\n[fields]\nC__c = \"Channel\"\n";
    world.keep(&["contact-record"], &[("contact-record.toml", own)]);
    world.records(&[call("c-1").record(160)]).await;
    let mut with_order = call("c-2").record(160);
    with_order["Attributes"] = json!({"order": "A-7"});
    world.records(&[with_order]).await;
    world.drain().await;
    assert_eq!(world.crm.records("Task").len(), 2);
    assert_eq!(world.crm.only("Own__c").fields["Key__c"], "A-7");
    let dead = world.dead_letters().await;
    assert_eq!(dead.len(), 1);
    assert_eq!(dead[0].message, "contact-record: the document has no key for `Key__c`");

    world
        .keep(&["contact-record"], &[("contact-record.toml", &own.replace("Attributes.order", "ContactId"))]);
    assert!(world.pipeline.replay(dead[0].id).await.unwrap());
    world.drain().await;
    assert_eq!(world.crm.records("Own__c").len(), 2);
}

#[tokio::test]
async fn a_row_of_a_report_without_a_key_costs_no_other() {
    let mut world = World::keeping(&[]);
    let own = "object = \"Own__c\"\nkey_field = \"Key__c\"\nkey = \"order\"\n[fields]\nC__c = \"agent\"\n";
    world.keep(&["agent-report"], &[("agent-report.toml", own)]);
    let report = "Agent,StartInterval,Order\njane,T1,A-1\nomar,T1,\nkim,T1,A-3\n";
    world.put_file("orders.csv", report, 0).await;
    world.drain().await;
    let mut keys: Vec<Value> =
        world.crm.records("Own__c").iter().map(|it| it.fields["Key__c"].clone()).collect();
    keys.sort_by_key(Value::to_string);
    assert_eq!(keys, ["A-1", "A-3"]);
    let dead = world.dead_letters().await;
    assert_eq!(dead.len(), 1);
    assert_eq!(dead[0].message, "agent-report: the document has no key for `Key__c`");
}

#[tokio::test]
async fn a_refused_record_is_made_once_more_when_it_is_replayed() {
    let mut world = World::keeping(&["contact-record"]);
    world.crm.refuse("c-1", Refusal::Row);
    world.records(&[call("c-1").record(160)]).await;
    world.drain().await;
    let dead: Vec<_> =
        world.dead_letters().await.into_iter().filter(|it| it.object.as_deref() == Some(TRACE)).collect();
    assert_eq!(dead.len(), 1);
    world.crm.accept("c-1");
    let own = "extends = \"built-in\"\n[fields]\nOwn__c = \"Channel\"\n";
    world.keep(&["contact-record"], &[("contact-record.toml", own)]);
    assert!(world.pipeline.replay(dead[0].id).await.unwrap());
    world.drain().await;
    assert_eq!(world.crm.only(TRACE).fields["Own__c"], "VOICE", "by the map as it is now");
}

#[tokio::test]
async fn a_report_is_read_after_it_was_acknowledged_even_by_another_process() {
    let mut world = World::keeping(&["agent-report", "queue-report"]);
    let taken = world.put_file("a report.csv", &report(&[("jane", 1), ("omar", 2)]), 0).await;
    assert_eq!(taken.stored, 1);
    assert_eq!(world.crm.calls(), [], "nothing was read yet");
    world.restart();
    world.drain().await;
    assert_eq!(agents(&world), ["janeT1 1", "omarT1 2"]);
    let first = world.crm.records(AGENTS)[0].fields["Created_Date__c"].clone();
    assert_eq!(first, at(0).to_string());

    world.put_file("q.csv", "Queue,StartInterval,Contacts queued\nSales,T1,4\n", 1).await;
    world.drain().await;
    assert_eq!(world.crm.only(QUEUES).fields["contacts_queued__c"], "4", "its header tells what it is");
    assert_eq!(world.dead_letters().await, []);
}

#[tokio::test]
async fn a_report_that_comes_twice_or_late_changes_nothing() {
    let world = World::keeping(&["agent-report"]);
    world.put_file("new.csv", &report(&[("jane", 9)]), 60).await;
    world.drain().await;
    assert_eq!(world.event(&created("new.csv", 60)).await.duplicates, 1);
    world.put_file("old.csv", &report(&[("jane", 1), ("omar", 1)]), 30).await;
    world.drain().await;
    assert_eq!(agents(&world), ["janeT1 9", "omarT1 1"], "the older file adds what is new to it alone");
    world.put_file("new.csv", &report(&[("jane", 10)]), 90).await;
    world.drain().await;
    assert_eq!(agents(&world), ["janeT1 10", "omarT1 1"]);
    let writes: usize = world.crm.records(AGENTS).iter().map(|record| record.writes).sum();
    assert_eq!(writes, 3);
}

#[tokio::test]
async fn a_file_that_cannot_be_used_is_a_dead_letter_with_a_code_and_the_others_go_on() {
    let world = World::keeping(&["agent-report"]);
    world.put_file("bad.csv", "Agent,StartInterval\njane,\"T1\n", 1).await;
    world.put_file("other.csv", "Name,Value\na,1\n", 2).await;
    world.event(&created("gone.csv", 3)).await;
    world.put_file("good.csv", &format!("{},short\n,T1,3%\n", report(&[("jane", 1)])), 4).await;
    world.put_file("recording.wav", "RIFF", 5).await;
    let mut elsewhere = created("good.csv", 6);
    elsewhere["Records"][0]["s3"]["bucket"]["name"] = "somebody-s".into();
    world.event(&elsewhere).await;
    world.drain().await;
    assert_eq!(agents(&world), ["janeT1 1"], "rows that are none are left out");
    assert_eq!(world.pipeline.counts().rows_left_out, 2);
    let dead = world.dead_letters().await;
    let codes: Vec<&str> = dead.iter().map(|it| it.code.as_str()).collect();
    assert_eq!(
        codes,
        ["report.open_quote", "report.no_column", "report.not_found", "report.bucket_not_ours"]
    );
    assert!(dead.iter().all(|it| !it.message.contains("jane")));

    std::fs::write(world.file("gone.csv"), report(&[("omar", 2)])).unwrap();
    assert!(world.pipeline.replay(dead[2].id).await.unwrap());
    world.drain().await;
    assert_eq!(agents(&world), ["janeT1 1", "omarT1 2"]);
}

#[tokio::test]
async fn rows_have_the_region_in_their_id_where_the_crm_tells_regions_apart() {
    let mut world = World::keeping(&[]);
    let files = InstanceFiles { region: Some("eu-west-2".into()), ..world.files() };
    world.replace_center(Arc::new(AmazonConnect::default().with_files(files)));
    world.records.region = Some("eu-west-2".into());
    world.keep(&["agent-report"], &[]);
    world.crm.describe(&["AC_Record_Id__c", "AC_Object_Name__c", "occupancy__C", "Region__c"]);
    world.put_file("a.csv", &report(&[("jane", 1)]), 0).await;
    world.drain().await;
    let row = world.crm.only(AGENTS);
    assert_eq!(row.fields["AC_Record_Id__c"], "janeT1eu-west-2");
    assert_eq!(row.fields["occupancy__C"], "1", "as the CRM spells it");
    assert!(!row.fields.contains_key("startinterval__c"), "what it lacks is left out");
}

#[tokio::test]
async fn a_crm_that_is_down_is_waited_for_and_nothing_is_lost() {
    let world = World::keeping(&["agent-report", "contact-record"]);
    world.crm.down(true);
    world.put_file("a.csv", &report(&[("jane", 1)]), 0).await;
    world.records(&[call("c-1").record(160)]).await;
    world.pass(Duration::from_secs(60)).await;
    world.crm.down(false);
    world.pass(Duration::from_secs(180)).await;
    assert_eq!(agents(&world), ["janeT1 1"]);
    assert_eq!(world.crm.only(TRACE).fields["ContactId__c"], "c-1");
    assert_eq!(world.dead_letters().await, []);
}

#[tokio::test]
async fn files_that_nobody_keeps_are_not_taken() {
    let world = World::new();
    let body = created("a.csv", 0).to_string();
    let bridge = json!({"id": "e", "detail-type": "Object Created", "detail": {"bucket": {"name": "rep"},
        "object": {"key": "a.csv"}}})
    .to_string();
    for body in [body, bridge] {
        let taken =
            world.pipeline.intake(&connection("connect"), DeliverySource::Event, body.as_bytes()).await;
        let Err(IntakeError::Refused { code, .. }) = taken else { panic!("{taken:?}") };
        assert_eq!(code, "FILES_NOT_KEPT");
    }
}

/// A storage that fails some times before it answers.
struct Flaky {
    center: AmazonConnect,
    failures: AtomicUsize,
}

impl ContactCenter for Flaky {
    fn split(
        &self,
        from: DeliverySource,
        body: &[u8],
        at: Timestamp,
    ) -> Result<Vec<Delivery>, ConnectorError> {
        self.center.split(from, body, at)
    }

    fn decode(&self, delivery: &Delivery) -> Result<Vec<ContactChange>, ConnectorError> {
        self.center.decode(delivery)
    }

    fn files(&self) -> Option<&dyn FileSource> {
        Some(self)
    }
}

#[async_trait]
impl FileSource for Flaky {
    fn tells_of_files(&self, delivery: &Delivery, maps: &[&str]) -> Telling {
        self.center.files().unwrap().tells_of_files(delivery, maps)
    }

    async fn read(&self, delivery: &Delivery, maps: &[&str]) -> Result<FileContents, FileError> {
        if self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
        {
            return Err(FileError::Later { code: "report.not_read", message: "down".into() });
        }
        self.center.files().unwrap().read(delivery, maps).await
    }
}

#[tokio::test]
async fn a_storage_that_fails_is_asked_again_while_contacts_go_on() {
    let mut world = World::keeping(&["agent-report"]);
    let center = AmazonConnect::default().with_files(world.files());
    world.replace_center(Arc::new(Flaky { center, failures: AtomicUsize::new(12) }));
    world.put_file("a.csv", &report(&[("jane", 1)]), 0).await;
    world.records(&[call("c-1").record(160)]).await;
    world.drain().await;
    assert_eq!(world.crm.records("Task").len(), 1, "the call log does not wait for a file");
    assert_eq!((agents(&world).len(), world.dead_letters().await.len()), (0, 0));
    world.pass(Duration::from_secs(3 * 3600)).await;
    assert_eq!(agents(&world), ["janeT1 1"]);
}

#[tokio::test]
async fn a_file_whose_reader_died_is_read_by_the_next() {
    let mut world = World::keeping(&["agent-report"]);
    world.put_file("a.csv", &report(&[("jane", 1)]), 0).await;
    let lease = Duration::from_secs(180);
    let found = world.store.claim_deliveries(1, lease).await.unwrap();
    let mark = DeliveryMark { id: found[0].id, outcome: DeliveryOutcome::File };
    world.store.save_delivered(Vec::new(), Vec::new(), vec![mark]).await.unwrap();
    assert_eq!(world.store.claim_files(1, lease).await.unwrap().len(), 1, "and then it died");
    world.restart();
    world.drain().await;
    assert!(agents(&world).is_empty(), "it may yet be at work");
    world.pass(lease).await;
    assert_eq!(agents(&world), ["janeT1 1"]);
}

#[tokio::test]
async fn what_waits_to_be_read_is_not_forgotten_with_the_setting() {
    let mut world = World::keeping(&["agent-report"]);
    world.put_file("a.csv", &report(&[("jane", 1)]), 0).await;
    world.replace_center(Arc::new(Flaky {
        center: AmazonConnect::default().with_files(world.files()),
        failures: AtomicUsize::new(1),
    }));
    world.drain().await;
    world.keep(&["contact-record"], &[]);
    world.pass(Duration::from_secs(60)).await;
    let dead = world.dead_letters().await;
    assert_eq!(dead.len(), 1, "somebody should know");
    world.keep(&["agent-report"], &[]);
    assert!(world.pipeline.replay(dead[0].id).await.unwrap());
    world.drain().await;
    assert_eq!(agents(&world), ["janeT1 1"]);
}
