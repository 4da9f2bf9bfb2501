//! Deliveries, contacts and the outbox behave the same whatever database holds them.
#![allow(clippy::unwrap_used)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Value, json};
use tieline_core::{
    Allowance, Channel, Clock, ConnectionName, ContactId, ContactState, Delivery, DeliverySource, Direction,
    HourOfCalls, PartKind, Purpose, RecordId, Report, Version, Word, WorkspaceName,
};
use tieline_store::{
    Budget, ClaimedRow, ContactFilter, ContactRow, ContactUpdate, DeliveryMark, DeliveryOutcome,
    DocumentPart, DocumentPut, Insertion, OutboxPut, OutboxState, Part, RecordStore, RowOutcome, SqliteStore,
    StoreError, Swept,
};

struct TestClock(Mutex<Timestamp>);

#[async_trait]
impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    async fn sleep_until(&self, _: Timestamp) {
        std::future::pending::<()>().await;
    }
}

struct World {
    store: SqliteStore,
    clock: Arc<TestClock>,
    folder: tempfile::TempDir,
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_166_400 + second).unwrap()
}

fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(TestClock(Mutex::new(at(0))));
    let store = SqliteStore::open(folder.path().join("t.db"), clock.clone()).unwrap();
    World { store, clock, folder }
}

fn demo() -> WorkspaceName {
    WorkspaceName::new("demo").unwrap()
}

fn crm() -> ConnectionName {
    ConnectionName::new("crm").unwrap()
}

fn connect() -> ConnectionName {
    ConnectionName::new("connect").unwrap()
}

fn id(text: &str) -> ContactId {
    ContactId::new(text).unwrap()
}

fn delivery(key: &str) -> Delivery {
    Delivery {
        source: DeliverySource::Event,
        dedupe_key: key.into(),
        body: format!("{{\"id\":\"{key}\"}}").into_bytes(),
        received_at: at(0),
    }
}

fn contact_row(contact: &str, started: i64) -> ContactRow {
    ContactRow {
        workspace: demo(),
        contact: id(contact),
        root: None,
        channel: Some(Channel::Voice),
        direction: Some(Direction::Inbound),
        state: Some(ContactState::Connected),
        agent: Some("nora.quist".into()),
        queue: None,
        customer: Some("+12025550143".into()),
        started_at: Some(at(started)),
        ended_at: None,
        updated_at: at(0),
    }
}

fn put(object: &str, contact: &str, hash: &str) -> OutboxPut {
    OutboxPut {
        target: crm(),
        object: object.into(),
        key_field: "Key".into(),
        key: contact.into(),
        fields: [("Value".to_owned(), json!(hash))].into_iter().collect(),
        hash: hash.into(),
        after: (object == "Interaction").then(|| ("Task".into(), contact.into())),
        priority: 1,
        not_before: at(0),
    }
}

impl World {
    fn advance(&self, secs: u64) {
        let mut now = self.clock.0.lock().unwrap();
        *now = now.checked_add(Duration::from_secs(secs)).unwrap();
    }

    /// Saves the contact with these rows, as the newest word.
    async fn save(&self, contact: &str, outbox: Vec<OutboxPut>) {
        let revision = self.revision(contact).await;
        let update = ContactUpdate {
            expected_revision: revision,
            row: contact_row(contact, 0),
            parts: Vec::new(),
            outbox,
        };
        assert!(self.store.save_contacts(vec![update], Vec::new()).await.unwrap());
    }

    async fn revision(&self, contact: &str) -> i64 {
        self.store.contacts(&[(demo(), id(contact))]).await.unwrap()[0].revision
    }

    async fn claim(&self, object: &str) -> Vec<ClaimedRow> {
        self.store.claim_rows(&crm(), object, 3, 200, Duration::from_secs(60)).await.unwrap()
    }

    async fn row(&self, object: &str, contact: &str) -> tieline_store::OutboxEntry {
        self.store.outbox_row(&demo(), &crm(), object, contact).await.unwrap().unwrap()
    }

    async fn mark(&self, row: &ClaimedRow, outcome: RowOutcome) {
        self.store.mark_rows(vec![row.mark(outcome)]).await.unwrap();
    }
}

fn written(record: &str) -> RowOutcome {
    RowOutcome::Written { record: Some(RecordId::new(record).unwrap()), created: true, dropped: Vec::new() }
}

/// The row's own fault when it `counts`, otherwise an answer that never came.
fn retry(second: i64, counts: bool) -> RowOutcome {
    let (code, message) = ("BUSY".into(), "later".into());
    RowOutcome::Retry { not_before: at(second), code, message, counts, in_doubt: !counts }
}

#[tokio::test]
async fn the_same_delivery_is_stored_once_and_another_source_is_another_delivery() {
    let world = world();
    let connection = connect();
    let add = |deliveries| world.store.add_deliveries(&connection, deliveries);
    assert_eq!(
        add(vec![delivery("a"), delivery("a")]).await.unwrap(),
        [Insertion::Stored, Insertion::Duplicate]
    );
    assert_eq!(add(vec![delivery("a")]).await.unwrap(), [Insertion::Duplicate]);
    let stream = Delivery { source: DeliverySource::Stream, ..delivery("a") };
    assert_eq!(add(vec![stream]).await.unwrap(), [Insertion::Stored]);
    assert_eq!(world.store.waiting_deliveries().await.unwrap(), 2);
}

#[tokio::test]
async fn what_was_stored_is_there_after_the_file_is_opened_again() {
    let world = world();
    world.store.add_deliveries(&connect(), vec![delivery("a")]).await.unwrap();
    let again = SqliteStore::open(world.folder.path().join("t.db"), world.clock.clone()).unwrap();
    let claimed = again.claim_deliveries(10, Duration::from_secs(10)).await.unwrap();
    assert_eq!(claimed[0].delivery, delivery("a"));
    assert_eq!(claimed[0].connection, connect());
}

#[tokio::test]
async fn a_claimed_delivery_comes_back_when_its_lease_ends() {
    let world = world();
    world.store.add_deliveries(&connect(), vec![delivery("a"), delivery("b")]).await.unwrap();
    let lease = Duration::from_secs(10);
    let claimed = world.store.claim_deliveries(1, lease).await.unwrap();
    assert_eq!((claimed.len(), claimed[0].attempts), (1, 1));
    let rest = world.store.claim_deliveries(10, lease).await.unwrap();
    assert_eq!(rest[0].delivery.dedupe_key, "b");
    assert!(world.store.claim_deliveries(10, lease).await.unwrap().is_empty());
    let done = DeliveryMark { id: rest[0].id, outcome: DeliveryOutcome::Done };
    world.store.save_contacts(Vec::new(), vec![done]).await.unwrap();
    world.advance(11);
    let again = world.store.claim_deliveries(10, lease).await.unwrap();
    assert_eq!((again.len(), again[0].id, again[0].attempts), (1, claimed[0].id, 2));
}

#[tokio::test]
async fn a_dead_delivery_can_be_revived_once() {
    let world = world();
    world.store.add_deliveries(&connect(), vec![delivery("a")]).await.unwrap();
    let id = world.store.claim_deliveries(1, Duration::from_secs(10)).await.unwrap()[0].id;
    let dead = DeliveryMark { id, outcome: DeliveryOutcome::Dead { error: "not JSON".into() } };
    world.store.save_contacts(Vec::new(), vec![dead]).await.unwrap();
    let letters = world.store.dead_deliveries(10).await.unwrap();
    assert_eq!((letters[0].error.as_str(), letters[0].bytes), ("not JSON", 10));
    assert!(world.store.revive_delivery(id).await.unwrap());
    assert!(!world.store.revive_delivery(id).await.unwrap());
    assert_eq!(world.store.delivery(id).await.unwrap().unwrap().attempts, 0);
}

#[tokio::test]
async fn of_two_changes_made_from_the_same_revision_one_must_be_made_again() {
    let world = world();
    let update = |hash: &str| ContactUpdate {
        expected_revision: 0,
        row: contact_row("c-1", 0),
        parts: vec![Part {
            kind: PartKind::Event,
            version: Version { rank: 10, at: at(1) },
            hash: hash.into(),
            document: json!({"said": hash}),
        }],
        outbox: vec![put("Task", "c-1", hash)],
    };
    world.store.add_deliveries(&connect(), vec![delivery("a")]).await.unwrap();
    let done = vec![DeliveryMark { id: 1, outcome: DeliveryOutcome::Done }];
    assert!(world.store.save_contacts(vec![update("one")], Vec::new()).await.unwrap());
    assert!(!world.store.save_contacts(vec![update("two")], done).await.unwrap());
    let contact = world.store.contacts(&[(demo(), id("c-1"))]).await.unwrap().remove(0);
    assert_eq!((contact.revision, contact.parts[0].document["said"].as_str()), (1, Some("one")));
    assert_eq!(contact.parts[0].version, Version { rank: 10, at: at(1) });
    assert_eq!(contact.outbox[0].hash, "one");
    assert_eq!(world.store.waiting_deliveries().await.unwrap(), 1, "the mark was undone too");
    let unknown = world.store.contacts(&[(demo(), id("c-9"))]).await.unwrap().remove(0);
    assert_eq!((unknown.revision, unknown.row), (0, None));
}

#[tokio::test]
async fn a_group_of_changes_at_once_keeps_all_of_them() {
    let world = world();
    let adds = (0..600).map(|number| {
        let store = world.store.clone();
        tokio::spawn(
            async move { store.add_deliveries(&connect(), vec![delivery(&number.to_string())]).await },
        )
    });
    for add in adds.collect::<Vec<_>>() {
        assert_eq!(add.await.unwrap().unwrap(), [Insertion::Stored]);
    }
    assert_eq!(world.store.waiting_deliveries().await.unwrap(), 600);
}

#[tokio::test]
async fn the_same_content_makes_no_generation_and_another_one_does() {
    let world = world();
    world.save("c-1", vec![put("Task", "c-1", "one")]).await;
    world.save("c-1", vec![put("Task", "c-1", "one")]).await;
    assert_eq!(world.row("Task", "c-1").await.generation, 1);
    world.save("c-1", vec![put("Task", "c-1", "two")]).await;
    let row = world.row("Task", "c-1").await;
    assert_eq!((row.generation, row.hash.as_str()), (2, "two"));
}

#[tokio::test]
async fn a_row_is_claimed_once_and_again_after_its_lease() {
    let world = world();
    world.save("c-1", vec![put("Task", "c-1", "one")]).await;
    let first = world.claim("Task").await;
    assert!(!first[0].in_doubt);
    assert!(world.claim("Task").await.is_empty());
    world.advance(61);
    let second = world.claim("Task").await;
    assert!(second[0].in_doubt, "what the first claimer did is unknown");
    assert_ne!(first[0].lease, second[0].lease);
    // The first claimer is late, and did write: its word stands, the lease of the second too.
    world.mark(&first[0], written("r-1")).await;
    assert_eq!(world.row("Task", "c-1").await.state, OutboxState::Done);
    world.mark(&second[0], retry(5, false)).await;
    assert_eq!(world.row("Task", "c-1").await.record.unwrap().as_str(), "r-1");
}

#[tokio::test]
async fn a_row_changed_while_it_was_written_waits_again() {
    let world = world();
    world.save("c-1", vec![put("Task", "c-1", "one")]).await;
    let claimed = world.claim("Task").await.remove(0);
    world.save("c-1", vec![put("Task", "c-1", "two")]).await;
    world.mark(&claimed, written("r-1")).await;
    let row = world.row("Task", "c-1").await;
    assert_eq!((row.state, row.generation, row.written_generation), (OutboxState::Wait, 2, 1));
    assert_eq!(row.written_hash.as_deref(), Some("one"));
    assert_eq!(world.claim("Task").await[0].entry.hash, "two");
}

#[tokio::test]
async fn content_that_the_crm_has_already_needs_no_write_unless_something_is_in_doubt() {
    let world = world();
    world.save("c-1", vec![put("Task", "c-1", "one")]).await;
    let claimed = world.claim("Task").await.remove(0);
    world.mark(&claimed, written("r-1")).await;
    world.save("c-1", vec![put("Task", "c-1", "two")]).await;
    world.save("c-1", vec![put("Task", "c-1", "one")]).await;
    assert_eq!(world.row("Task", "c-1").await.state, OutboxState::Done);

    world.save("c-1", vec![put("Task", "c-1", "two")]).await;
    let claimed = world.claim("Task").await.remove(0);
    world.mark(&claimed, retry(0, false)).await;
    world.save("c-1", vec![put("Task", "c-1", "one")]).await;
    assert_eq!(world.row("Task", "c-1").await.state, OutboxState::Wait, "`two` may have reached the CRM");
}

#[tokio::test]
async fn a_doubt_outlives_a_failure_whose_outcome_is_known_and_ends_with_a_write() {
    let world = world();
    world.save("c-1", vec![put("Task", "c-1", "one")]).await;
    world.mark(&world.claim("Task").await[0], retry(0, true)).await;
    let known = world.claim("Task").await.remove(0);
    assert!(!known.in_doubt, "the first try did nothing");
    world.mark(&known, retry(0, false)).await;
    let unknown = world.claim("Task").await.remove(0);
    assert!(unknown.in_doubt);
    world.mark(&unknown, retry(0, true)).await;
    let still = world.claim("Task").await.remove(0);
    assert!(still.in_doubt, "what became of the second try is as unknown as before");
    world.mark(&still, written("r-1")).await;
    world.save("c-1", vec![put("Task", "c-1", "two")]).await;
    assert!(!world.claim("Task").await[0].in_doubt);
}

#[tokio::test]
async fn a_row_after_another_waits_until_that_is_done_or_dead_or_fails_too_often() {
    let world = world();
    for contact in ["done", "dead", "stuck"] {
        world.save(contact, vec![put("Task", contact, "t"), put("Interaction", contact, "i")]).await;
    }
    assert!(world.claim("Interaction").await.is_empty());
    for row in world.claim("Task").await {
        let outcome = match row.entry.key.as_str() {
            "done" => written("r-1"),
            "dead" => RowOutcome::Dead { code: "NO".into(), message: "no".into() },
            _ => retry(0, true),
        };
        world.mark(&row, outcome).await;
    }
    let free: Vec<String> = world.claim("Interaction").await.into_iter().map(|row| row.entry.key).collect();
    assert_eq!(free, ["done", "dead"]);
    for _ in 0..2 {
        let row = world.claim("Task").await.remove(0);
        world.mark(&row, retry(0, true)).await;
    }
    assert_eq!(world.claim("Interaction").await[0].entry.key, "stuck");
}

#[tokio::test]
async fn a_record_that_becomes_known_is_linked_and_wakes_the_rows_after_it() {
    let world = world();
    world.save("c-1", vec![put("Task", "c-1", "t"), put("Interaction", "c-1", "i")]).await;
    let task = world.claim("Task").await.remove(0);
    world.mark(&task, RowOutcome::Dead { code: "NO".into(), message: "no".into() }).await;
    let interaction = world.claim("Interaction").await.remove(0);
    world.mark(&interaction, written("i-1")).await;

    assert!(world.store.revive_row(task.entry.id).await.unwrap());
    let task = world.claim("Task").await.remove(0);
    world.mark(&task, written("t-1")).await;
    assert_eq!(world.row("Interaction", "c-1").await.state, OutboxState::Wait);
    let contact = world.store.contacts(&[(demo(), id("c-1"))]).await.unwrap().remove(0);
    let links: Vec<(&str, &str)> =
        contact.links.iter().map(|link| (link.role.as_str(), link.record.as_str())).collect();
    assert_eq!(links, [("Interaction", "i-1"), ("Task", "t-1")]);

    let interaction = world.claim("Interaction").await.remove(0);
    world.mark(&interaction, RowOutcome::Unchanged).await;
    let row = world.row("Interaction", "c-1").await;
    assert_eq!((row.state, row.record.unwrap().as_str()), (OutboxState::Done, "i-1"));
}

/// A document of one of several sources of the row `c-1`, made from the delivery of that number.
async fn part(world: &World, source: &str, (rank, second): (u8, i64), delivery: i64, fields: Value) {
    let Value::Object(fields) = fields else { panic!("fields are an object") };
    let hash = serde_json::to_string(&fields).unwrap();
    let document = DocumentPut {
        workspace: demo(),
        contact: Some(id("c-1")),
        version: at(second),
        delivery,
        part: Some(DocumentPart { source: source.into(), alone: false, rank }),
        put: OutboxPut { fields, hash, after: None, ..put("Analytics", "c-1", "") },
    };
    assert!(world.store.save_delivered(Vec::new(), vec![document], Vec::new()).await.unwrap());
}

#[tokio::test]
async fn several_sources_fill_one_row_and_the_highest_rank_stands_over_the_others() {
    let world = world();
    let fields = async |world: &World| Value::Object(world.row("Analytics", "c-1").await.fields);
    part(&world, "recording", (0, 10), 1, json!({"Path": "raw", "Region": "eu"})).await;
    part(&world, "lens", (0, 20), 2, json!({"Text": "4111", "Path": "other"})).await;
    assert_eq!(fields(&world).await, json!({"Path": "other", "Region": "eu", "Text": "4111"}));
    let row = world.claim("Analytics").await.remove(0);
    world.mark(&row, written("a-1")).await;

    // Made earlier, and kept for good.
    part(&world, "lens", (1, 5), 3, json!({"Text": "[PII]", "Path": "redacted"})).await;
    part(&world, "lens", (0, 30), 2, json!({"Text": "4111"})).await;
    part(&world, "recording", (0, 9), 1, json!({"Path": "old"})).await;
    part(&world, "recording", (0, 40), 1, json!({"Path": "raw", "Region": "us"})).await;
    assert_eq!(fields(&world).await, json!({"Path": "redacted", "Region": "us", "Text": "[PII]"}));
    let row = world.row("Analytics", "c-1").await;
    assert_eq!((row.state, row.generation, row.version), (OutboxState::Wait, 4, Some(at(40))));
    assert_eq!(row.record.unwrap().as_str(), "a-1");

    let claimed = world.claim("Analytics").await.remove(0);
    world.mark(&claimed, written("a-1")).await;
    part(&world, "recording", (0, 40), 1, json!({"Path": "raw", "Region": "us"})).await;
    let row = world.row("Analytics", "c-1").await;
    assert_eq!((row.state, row.generation), (OutboxState::Done, 4), "the same again is nothing new");
}

#[tokio::test]
async fn a_dead_row_of_several_sources_is_made_once_more_from_all_of_them() {
    let world = world();
    world.store.add_deliveries(&connect(), ["a", "b", "c"].map(delivery).to_vec()).await.unwrap();
    let done = |id| DeliveryMark { id, outcome: DeliveryOutcome::Done };
    world.store.save_contacts(Vec::new(), (1..=3).map(done).collect()).await.unwrap();
    part(&world, "lens", (0, 1), 1, json!({"Text": "x"})).await;
    part(&world, "transcript", (0, 2), 3, json!({"Mood": "y"})).await;
    let row = world.claim("Analytics").await.remove(0);
    world.mark(&row, RowOutcome::Dead { code: "NO".into(), message: "no".into() }).await;
    assert!(world.store.revive_row(row.entry.id).await.unwrap());
    let again = world.store.claim_deliveries(9, Duration::from_secs(9)).await.unwrap();
    assert_eq!(again.iter().map(|delivery| delivery.id).collect::<Vec<_>>(), [1, 3]);
}

#[tokio::test]
async fn what_a_file_says_is_kept_once_and_until_it_is_written() {
    let world = world();
    let file = |rank: u8, second: i64, text: &str| DocumentPut {
        workspace: demo(),
        contact: Some(id("c-1")),
        version: at(second),
        delivery: 1,
        part: Some(DocumentPart { source: "lens".into(), alone: true, rank }),
        put: OutboxPut { key_field: String::new(), ..put("File", "c-1", text) },
    };
    for document in [file(0, 9, "4111"), file(1, 5, "[PII]"), file(0, 10, "4111")] {
        world.store.save_delivered(Vec::new(), vec![document], Vec::new()).await.unwrap();
    }
    assert_eq!(world.row("File", "c-1").await.fields["Value"], "[PII]");
    let raw = rusqlite::Connection::open(world.folder.path().join("t.db")).unwrap();
    let kept = |table: &str| -> String {
        raw.query_row(&format!("SELECT fields FROM {table}"), [], |row| row.get(0)).unwrap()
    };
    assert_eq!(kept("document_part"), "{}");
    let shown = world.store.contacts(&[(demo(), id("c-1"))]).await.unwrap().remove(0);
    assert!(shown.outbox[0].fields.is_empty());
    let row = world.claim("File").await.remove(0);
    world.mark(&row, written("f-1")).await;
    assert_eq!(kept("outbox"), "{}");
    world.store.save_delivered(Vec::new(), vec![file(1, 20, "[PII]")], Vec::new()).await.unwrap();
    assert_eq!(kept("outbox"), "{}", "nor when it comes once more");
    world.store.save_delivered(Vec::new(), vec![file(1, 30, "mended")], Vec::new()).await.unwrap();
    assert_eq!(world.row("File", "c-1").await.fields["Value"], "mended");
    let row = world.claim("File").await.remove(0);
    world.mark(&row, written("f-1")).await;
    let shown = world.store.contacts(&[(demo(), id("c-1"))]).await.unwrap().remove(0);
    assert_eq!((shown.links.len(), shown.outbox[0].state), (0, OutboxState::Done), "no key, no link");
}

#[tokio::test]
async fn parts_go_with_their_row() {
    let world = world();
    part(&world, "lens", (0, 1), 1, json!({"Text": "x"})).await;
    let row = world.claim("Analytics").await.remove(0);
    world.mark(&row, written("a-1")).await;
    assert_eq!(world.store.sweep(at(1), at(1), 100).await.unwrap().outbox, 1);
    let raw = rusqlite::Connection::open(world.folder.path().join("t.db")).unwrap();
    let left: i64 = raw.query_row("SELECT count(*) FROM document_part", [], |row| row.get(0)).unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn due_rows_are_counted_up_to_the_limit_and_the_next_one_is_announced() {
    let world = world();
    for number in 0..5 {
        world.save(&format!("c-{number}"), vec![put("Task", &format!("c-{number}"), "t")]).await;
    }
    let later = OutboxPut { not_before: at(30), ..put("Task", "later", "t") };
    world.save("later", vec![later]).await;
    let due = world.store.due_rows(&crm(), "Task", 3, 3).await.unwrap();
    assert_eq!((due.rows, due.priority, due.since, due.next), (3, Some(1), Some(at(0)), Some(at(30))));
    let urgent = OutboxPut { not_before: at(0), priority: 0, ..put("Task", "later", "t") };
    world.save("later", vec![urgent]).await;
    assert_eq!(world.store.due_rows(&crm(), "Task", 3, 3).await.unwrap().priority, Some(0));
    assert_eq!(world.claim("Task").await[0].entry.key, "later");
}

#[tokio::test]
async fn contacts_are_listed_latest_first_page_by_page() {
    let world = world();
    for number in 0..5 {
        let mut row = contact_row(&format!("c-{number}"), number);
        row.agent = Some(if number % 2 == 0 { "nora.quist" } else { "otto.lund" }.into());
        let update = ContactUpdate { expected_revision: 0, row, parts: Vec::new(), outbox: Vec::new() };
        world.store.save_contacts(vec![update], Vec::new()).await.unwrap();
    }
    let list = |filter: ContactFilter, limit| {
        let store = world.store.clone();
        async move {
            let rows = store.list_contacts(&demo(), &filter, limit).await.unwrap();
            rows.into_iter().map(|row| row.contact.to_string()).collect::<Vec<_>>()
        }
    };
    assert_eq!(list(ContactFilter::default(), 2).await, ["c-4", "c-3"]);
    let after = ContactFilter { after: Some((at(3), id("c-3"))), ..ContactFilter::default() };
    assert_eq!(list(after, 9).await, ["c-2", "c-1", "c-0"]);
    let nora =
        ContactFilter { agent: Some("nora.quist".into()), since: Some(at(1)), ..ContactFilter::default() };
    assert_eq!(list(nora, 9).await, ["c-4", "c-2"]);
    let other = WorkspaceName::new("other").unwrap();
    assert!(world.store.list_contacts(&other, &ContactFilter::default(), 9).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_latest_word_on_the_allowance_stands() {
    let world = world();
    let said = |used, second| Word { allowance: Allowance { used, allowed: 1000 }, heard_at: at(second) };
    let report = |used, second| Report { word: Some(said(used, second)), calls: Vec::new() };
    world.store.share_budget(&crm(), report(10, 5), 0).await.unwrap();
    let shared = world.store.share_budget(&crm(), report(9, 4), 0).await.unwrap();
    assert_eq!(shared.word, Some(said(10, 5)));
    let other = world.store.share_budget(&connect(), Report::default(), 0).await.unwrap();
    assert_eq!(other, Budget::default());
}

#[tokio::test]
async fn calls_of_all_processes_add_up_until_the_window_has_passed_them() {
    let world = world();
    let made = |hour, purpose, calls| HourOfCalls { hour, purpose, calls };
    let report = |calls| Report { word: None, calls };
    world.store.share_budget(&crm(), report(vec![made(7, Purpose::Dip, 3)]), 0).await.unwrap();
    let more = report(vec![made(7, Purpose::Dip, 2), made(8, Purpose::Other, 1)]);
    let shared = world.store.share_budget(&crm(), more, 0).await.unwrap();
    assert_eq!(shared.calls, [made(7, Purpose::Dip, 5), made(8, Purpose::Other, 1)]);
    let later = world.store.share_budget(&crm(), Report::default(), 8).await.unwrap();
    assert_eq!(later.calls, [made(8, Purpose::Other, 1)]);
}

#[tokio::test]
async fn a_sweep_removes_what_is_old_and_nothing_that_waits() {
    let world = world();
    world.store.add_deliveries(&connect(), vec![delivery("a"), delivery("b")]).await.unwrap();
    let done = DeliveryMark { id: 1, outcome: DeliveryOutcome::Done };
    world.store.save_contacts(Vec::new(), vec![done]).await.unwrap();
    world.save("c-1", vec![put("Task", "c-1", "t")]).await;
    let swept = world.store.sweep(at(1), at(1), 100).await.unwrap();
    assert_eq!(swept, Swept { deliveries: 1, parts: 0, outbox: 0 });
    let depths = world.store.queue_depths().await.unwrap();
    assert_eq!((depths.deliveries_new, depths.outbox_wait), (1, 1));
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_not_touched() {
    let world = world();
    let path = world.folder.path().join("t.db");
    let raw = rusqlite::Connection::open(&path).unwrap();
    raw.execute("INSERT INTO migration (name, applied_at) VALUES ('9999_future', 0)", []).unwrap();
    let error = SqliteStore::open(&path, world.clock.clone()).err().unwrap();
    assert!(matches!(error, StoreError::FromTheFuture(name) if name == "9999_future"));
}
