//! One fixture per shape Amazon Connect sends, read as the pipeline reads it.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use jiff::Timestamp;
use tieline_amazon_connect::AmazonConnect;
use tieline_core::{
    AgentRef, Channel, Contact, ContactCenter, ContactChange, ContactState, DeliverySource, Direction,
    PartKind, QueueRef, RecordingState,
};

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(format!("{name}.json")))
        .unwrap()
}

fn received() -> Timestamp {
    "2026-11-20T23:00:00Z".parse().unwrap()
}

fn decode(source: DeliverySource, body: &[u8]) -> Vec<ContactChange> {
    let connect = AmazonConnect::default();
    let deliveries = connect.split(source, body, received()).unwrap();
    deliveries.iter().flat_map(|delivery| connect.decode(delivery).unwrap()).collect()
}

fn event(name: &str) -> ContactChange {
    let mut changes = decode(DeliverySource::Event, &fixture(name));
    assert_eq!(changes.len(), 1);
    let change = changes.remove(0);
    assert_eq!(change.kind, PartKind::Event);
    change
}

fn record(name: &str) -> ContactChange {
    // A contact record is decoded from what is inside a Firehose record: the file itself.
    let connect = AmazonConnect::default();
    let delivery = tieline_core::Delivery {
        source: DeliverySource::Stream,
        dedupe_key: name.into(),
        body: fixture(name),
        received_at: received(),
    };
    let mut changes = connect.decode(&delivery).unwrap();
    assert_eq!(changes.len(), 1);
    let change = changes.remove(0);
    assert_eq!(change.kind, PartKind::Record);
    change
}

#[expect(clippy::unnecessary_wraps, reason = "compared with facts that may be unknown")]
fn time(text: &str) -> Option<Timestamp> {
    Some(text.parse().unwrap())
}

const AGENT: &str = "aaaa0001-0000-4000-8000-000000000001";
const QUEUE: &str = "bbbb0001-0000-4000-8000-000000000001";

#[test]
fn initiated_tells_who_calls_whom() {
    let change = event("event-initiated");
    assert_eq!(change.contact.as_str(), "c0ffee00-0001-4aaa-8bbb-000000000042");
    assert_eq!((change.version.rank, Some(change.version.at)), (10, time("2026-11-20T09:00:00Z")));
    assert_eq!(
        change.document,
        Contact {
            channel: Some(Channel::Voice),
            direction: Some(Direction::Inbound),
            initiation: Some("INBOUND".into()),
            state: Some(ContactState::Started),
            customer: Some("+12025550143".into()),
            system: Some("+12025550100".into()),
            started_at: time("2026-11-20T09:00:00.250Z"),
            ..Contact::default()
        }
    );
}

#[test]
fn connected_to_system_tells_how_long_an_outbound_call_rang() {
    let change = event("event-connected-to-system");
    assert_eq!(change.version.rank, 20);
    assert_eq!(change.document.direction, Some(Direction::Outbound));
    assert_eq!(change.document.ring_secs, Some(7));
}

#[test]
fn queued_tells_the_queue() {
    let change = event("event-queued");
    assert_eq!((change.version.rank, change.document.state), (30, Some(ContactState::Queued)));
    assert_eq!(change.document.queue, Some(QueueRef { id: Some(QUEUE.into()), name: None }));
    assert_eq!(change.document.queued_at, time("2026-11-20T09:00:12Z"));
}

#[test]
fn connected_to_agent_tells_who_answered_and_when() {
    let change = event("event-connected-to-agent");
    assert_eq!((change.version.rank, change.document.state), (40, Some(ContactState::Connected)));
    assert_eq!(change.document.agent, Some(AgentRef { id: Some(AGENT.into()), login: None }));
    assert_eq!(change.document.connected_at, time("2026-11-20T09:00:31.500Z"));
    assert_eq!(change.document.queue_secs, Some(19));
}

#[test]
fn disconnected_and_completed_tell_the_end_and_the_work_after_it() {
    let ended = event("event-disconnected");
    assert_eq!((ended.version.rank, ended.document.state), (50, Some(ContactState::Ended)));
    assert_eq!(ended.document.ended_at, time("2026-11-20T09:03:01.750Z"));
    assert_eq!(ended.document.hold_secs, Some(15));
    let completed = event("event-completed");
    assert_eq!((completed.version.rank, completed.document.state), (60, Some(ContactState::Completed)));
    assert_eq!(completed.document.after_contact_secs, Some(40));
    assert_eq!(completed.document.wrapped_up_at, time("2026-11-20T09:03:41.900Z"));
}

#[test]
fn an_update_has_no_rank_and_a_time_of_1970_is_none() {
    let change = event("event-data-updated");
    assert_eq!((change.version.rank, change.document.state), (0, None));
    assert_eq!(change.document.channel, Some(Channel::Chat));
    assert_eq!(change.document.direction, Some(Direction::Inbound));
    assert_eq!(change.document.ring_secs, None);
}

#[test]
fn capitalised_members_other_partitions_and_news_are_understood() {
    let change = event("event-pascal-case");
    assert_eq!(change.version.rank, 40);
    let contact = change.document;
    assert_eq!(contact.root.unwrap().as_str(), "c0ffee00-0004-4aaa-8bbb-000000000001");
    assert_eq!(contact.previous.unwrap().as_str(), "c0ffee00-0004-4aaa-8bbb-000000000002");
    assert_eq!(contact.channel, Some(Channel::Voice));
    assert_eq!(contact.direction, Some(Direction::Outbound));
    assert_eq!(contact.agent.unwrap().id.as_deref(), Some(AGENT));
    assert_eq!(contact.queue.unwrap().id, Some(format!("agent/{AGENT}")));
    assert_eq!(contact.queue_secs, Some(3));
}

#[test]
fn genuine_deliveries_about_something_else_say_nothing() {
    assert_eq!(decode(DeliverySource::Event, &fixture("event-rules-matched")), []);
    let connect = AmazonConnect::default();
    let delivery = tieline_core::Delivery {
        source: DeliverySource::Stream,
        dedupe_key: "a".into(),
        body: fixture("agent-event"),
        received_at: received(),
    };
    assert_eq!(connect.decode(&delivery).unwrap(), []);
}

#[test]
fn events_of_another_instance_are_not_for_us() {
    let connect = AmazonConnect::new(Some("arn:aws:connect:us-east-1:111122223333:instance/other".into()));
    let deliveries = connect.split(DeliverySource::Event, &fixture("event-queued"), received()).unwrap();
    assert_eq!(connect.decode(&deliveries[0]).unwrap(), []);
}

#[test]
fn a_contact_record_is_the_whole_account() {
    let change = record("record-voice-handled");
    assert_eq!((change.version.rank, Some(change.version.at)), (0, time("2026-11-20T09:04:44Z")));
    assert_eq!(
        change.document,
        Contact {
            channel: Some(Channel::Voice),
            direction: Some(Direction::Inbound),
            initiation: Some("INBOUND".into()),
            state: Some(ContactState::Completed),
            customer: Some("+12025550143".into()),
            system: Some("+12025550100".into()),
            agent: Some(AgentRef { id: Some(AGENT.into()), login: Some("nora.quist".into()) }),
            queue: Some(QueueRef { id: Some(QUEUE.into()), name: Some("Sales".into()) }),
            started_at: time("2026-11-20T09:00:00Z"),
            queued_at: time("2026-11-20T09:00:12Z"),
            connected_at: time("2026-11-20T09:00:31Z"),
            ended_at: time("2026-11-20T09:03:01Z"),
            wrapped_up_at: time("2026-11-20T09:03:41Z"),
            queue_secs: Some(19),
            talk_secs: Some(135),
            hold_secs: Some(15),
            after_contact_secs: Some(40),
            disconnect_reason: Some("CUSTOMER_DISCONNECT".into()),
            recording: Some(RecordingState::Available),
            attributes: [
                ("intent", "order_status"),
                ("caller", "O'Neil"),
                ("note", "<img src=x onerror=alert(1)>"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
            ..Contact::default()
        }
    );
}

#[test]
fn an_abandoned_call_has_no_agent_and_a_chat_no_recording() {
    let abandoned = record("record-voice-abandoned").document;
    assert_eq!((abandoned.agent, abandoned.connected_at, abandoned.recording), (None, None, None));
    assert_eq!(abandoned.customer.as_deref(), Some("anonymous"));
    assert_eq!(abandoned.queue_secs, Some(108));
    let chat = record("record-chat-handled").document;
    assert_eq!((chat.channel, chat.recording), (Some(Channel::Chat), None));
    assert_eq!(chat.attributes["retries"], "3");
}

#[test]
fn what_is_missing_or_new_is_absent() {
    let sparse = record("record-sparse").document;
    assert_eq!(
        sparse,
        Contact {
            state: Some(ContactState::Completed),
            initiation: Some("TELEPATHY".into()),
            recording: Some(RecordingState::Pending),
            ..Contact::default()
        }
    );
}

#[test]
fn a_firehose_batch_is_taken_apart_into_contact_records() {
    let changes = decode(DeliverySource::Stream, &fixture("firehose-batch"));
    let contacts: Vec<&str> = changes.iter().map(|change| &change.contact.as_str()[9..13]).collect();
    assert_eq!(contacts, ["0001", "0005", "0007"]);
}
