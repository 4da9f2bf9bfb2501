//! Analyses and recordings: several documents of one contact that fill one record, with files.

use std::time::Duration;

use serde_json::{Value, json};

use tieline_core::DeliverySource;
use tieline_engine::pipeline::IntakeError;

use crate::crm::{Fault, Record, Refusal};
use crate::support::{World, call, connection, created};

const ANALYTICS: &str = "AC_ContactChannelAnalytics__c";
const FILE: &str = "Attachment";

fn analysis(contact: &str, said: &str) -> String {
    json!({
        "CustomerMetadata": {"ContactId": contact, "InstanceId": "i-1"},
        "Participants": [{"ParticipantId": "p-1", "ParticipantRole": "CUSTOMER"}],
        "Transcript": [{"Id": "t-1", "ParticipantId": "p-1", "Content": said, "BeginOffsetMillis": 0}],
        "ConversationCharacteristics": {"Sentiment": {"OverallSentiment": {"CUSTOMER": 1.5}}},
    })
    .to_string()
}

fn raw(contact: &str) -> String {
    format!("Analysis/Voice/2026/11/20/{contact}_analysis_2026-11-20T09:02:30Z.json")
}

fn redacted(contact: &str) -> String {
    format!("Analysis/Voice/Redacted/2026/11/20/{contact}_analysis_redacted_2026-11-20T09:02:30Z.json")
}

fn text(record: &Record, field: &str) -> String {
    record.fields.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// What the contact's record and its file hold of what was said.
fn said(world: &World) -> (String, String) {
    let full = text(&world.crm.only(ANALYTICS), "ContactLensTranscriptsFullText__c");
    let file: Value = serde_json::from_str(&text(&world.crm.only(FILE), "Body")).unwrap();
    (full, file[0]["content"].as_str().unwrap().to_owned())
}

fn with_recording(contact: &str, second: i64) -> Value {
    let mut record = call(contact).record(second);
    record["Recording"] =
        json!({"Location": format!("rep/{contact}.wav"), "Status": "AVAILABLE", "Type": "AUDIO"});
    record
}

#[tokio::test]
async fn an_analysis_becomes_the_contact_s_record_with_what_was_said_as_a_file() {
    let world = World::keeping(&["analytics"]);
    let taken = world.put_file(&raw("c-1"), &analysis("c-1", "My card is lost"), 1).await;
    assert_eq!((taken.stored, world.crm.calls().len()), (1, 0), "stored, and nothing else yet");
    world.drain().await;
    let record = world.crm.only(ANALYTICS);
    assert_eq!(text(&record, "ContactId__c"), "c-1");
    assert_eq!(text(&record, "DataSource__c"), "Contact_Lens");
    assert_eq!(record.fields["ContactLensCustomerSentiment__c"], 1.5);
    assert_eq!(said(&world), ("My card is lost".into(), "My card is lost".into()));

    // The same again, and the same file told of another way.
    assert_eq!(world.put_file(&raw("c-1"), &analysis("c-1", "My card is lost"), 1).await.duplicates, 1);
    world.put_file(&raw("c-1"), &analysis("c-1", "My card is lost"), 9).await;
    world.drain().await;
    assert_eq!((world.crm.only(ANALYTICS).writes, world.crm.only(FILE).writes), (1, 1));
}

#[tokio::test]
async fn a_record_with_a_namespace_has_its_file_too() {
    let mut world = World::keeping(&["analytics"]);
    world.records.namespace = Some("amazonconnect".into());
    world.restart();
    world.put_file(&raw("c-1"), &analysis("c-1", "My card is lost"), 1).await;
    world.drain().await;
    let record = world.crm.only("amazonconnect__AC_ContactChannelAnalytics__c");
    assert_eq!(text(&record, "amazonconnect__ContactId__c"), "c-1");
    let place = text(&world.crm.only(FILE), "Place");
    assert_eq!(place, format!("{}/ContactLensTranscripts.json", record.id));
    assert_eq!(world.dead_letters().await, []);
}

#[tokio::test]
async fn the_redacted_analysis_stands_whichever_comes_last() {
    for redacted_first in [true, false] {
        let world = World::keeping(&["analytics"]);
        let mut both = [(raw("c-1"), "Card 4111"), (redacted("c-1"), "Card [PII]")];
        if redacted_first {
            both.reverse();
        }
        for (second, (key, words)) in (1..).zip(both) {
            world.put_file(&key, &analysis("c-1", words), second).await;
            world.drain().await;
        }
        assert_eq!(said(&world), ("Card [PII]".into(), "Card [PII]".into()), "{redacted_first}");
    }
}

#[tokio::test]
async fn a_recording_and_an_analysis_fill_one_record_in_one_write() {
    let world = World::keeping(&["analytics", "recording"]);
    world.records(&[with_recording("c-1", 160)]).await;
    world.put_file(&raw("c-1"), &analysis("c-1", "Hello"), 5).await;
    world.drain().await;
    let record = world.crm.only(ANALYTICS);
    assert_eq!(text(&record, "RecordingPath__c"), "rep/c-1.wav");
    assert_eq!(text(&record, "CustomerEndpointAddress__c"), "+12025550143");
    assert_eq!(text(&record, "ContactLensTranscriptsFullText__c"), "Hello");
    assert_eq!(record.writes, 1);
    assert_eq!(world.crm.only("Task").fields["CallObject"], "c-1", "and the call is logged");

    // A version of the record without it takes nothing away.
    world.records(&[call("c-1").record(200)]).await;
    world.drain().await;
    assert_eq!(text(&world.crm.only(ANALYTICS), "RecordingPath__c"), "rep/c-1.wav");
}

#[tokio::test]
async fn analyses_of_many_contacts_are_written_together() {
    let world = World::keeping(&["analytics"]);
    for n in 0..30 {
        let contact = format!("c-{n}");
        world.put_file(&raw(&contact), &analysis(&contact, "Hi"), 1).await;
    }
    world.drain().await;
    let of = |object: &str| {
        world.crm.calls().iter().filter(|(it, _)| it == object).map(|(_, rows)| *rows).collect::<Vec<_>>()
    };
    assert_eq!(of(ANALYTICS), [30]);
    assert_eq!(of(FILE), [10, 10, 10], "files may be large");
}

#[tokio::test]
async fn a_lost_answer_and_an_outage_leave_one_record_and_one_file() {
    let world = World::keeping(&["analytics"]);
    world.crm.fail_next(Fault::CommitThenLose);
    world.put_file(&raw("c-1"), &analysis("c-1", "Hello"), 1).await;
    world.drain().await;
    world.crm.fail_next(Fault::Unavailable);
    world.pass(Duration::from_secs(60)).await;
    world.crm.fail_next(Fault::CommitThenHang);
    world.put_file(&raw("c-1"), &analysis("c-1", "Goodbye"), 9).await;
    world.pass(Duration::from_secs(300)).await;
    assert_eq!(said(&world), ("Goodbye".into(), "Goodbye".into()));
    assert_eq!(world.dead_letters().await, []);
}

#[tokio::test]
async fn the_file_of_a_refused_record_waits_for_it() {
    let world = World::keeping(&["analytics"]);
    world.crm.refuse("c-1", Refusal::Row);
    world.put_file(&raw("c-1"), &analysis("c-1", "Hello"), 1).await;
    world.drain().await;
    let dead = world.dead_letters().await;
    assert_eq!(dead.iter().map(|it| it.object.as_deref().unwrap()).collect::<Vec<_>>(), [ANALYTICS]);
    assert!(world.crm.records(FILE).is_empty());
    world.crm.accept("c-1");
    assert!(world.pipeline.replay(dead[0].id).await.unwrap());
    world.drain().await;
    assert_eq!(said(&world), ("Hello".into(), "Hello".into()));
}

#[tokio::test]
async fn what_is_no_analysis_is_a_dead_letter_or_left_alone() {
    let world = World::keeping(&["analytics"]);
    world.put_file(&raw("bad"), "{\"CustomerMetadata\":", 1).await;
    world.put_file(&raw("nobody"), "{\"Transcript\": []}", 2).await;
    world.put_file(&raw("odd"), &analysis("../../x", "Hi"), 3).await;
    world.put_file("connect/acme/ChatTranscripts/2026/11/20/c-1.json", "{}", 4).await;
    world.put_file("Analysis/Voice/2026/11/20/c-1_analysis_x.wav", "RIFF", 5).await;
    world.put_file(&raw("c-1"), &analysis("c-1", "Hello"), 6).await;
    world.drain().await;
    let dead = world.dead_letters().await;
    let codes: Vec<&str> = dead.iter().map(|it| it.code.as_str()).collect();
    assert_eq!(codes, ["import.malformed"; 3]);
    assert!(dead.iter().all(|it| !it.message.contains("..")), "{dead:?}");
    assert_eq!(said(&world).0, "Hello");

    std::fs::write(world.file(&raw("bad")), analysis("c-2", "Mended")).unwrap();
    assert!(world.pipeline.replay(dead[0].id).await.unwrap());
    world.drain().await;
    assert_eq!(world.crm.records(ANALYTICS).len(), 2);
}

#[tokio::test]
async fn an_analysis_that_nobody_keeps_is_not_taken() {
    let world = World::keeping(&["agent-report"]);
    let job = json!({"id": "e-1", "detail-type": "Transcribe Job State Change", "detail":
        {"TranscriptionJobName": "c-1_0123456789abcdef0123456789abcdef", "TranscriptionJobStatus": "COMPLETED"}});
    for news in [created(&raw("c-1"), 1), job] {
        let body = news.to_string();
        let taken =
            world.pipeline.intake(&connection("connect"), DeliverySource::Event, body.as_bytes()).await;
        let Err(IntakeError::Refused { code, .. }) = taken else { panic!("{taken:?}") };
        assert_eq!(code, "FILES_NOT_KEPT");
    }
    let mut both = created(&raw("c-1"), 1);
    std::fs::write(world.file("a.csv"), "Agent,StartInterval,Occupancy\njane,T1,1%\n").unwrap();
    both["Records"].as_array_mut().unwrap().push(created("a.csv", 1)["Records"][0].clone());
    assert_eq!(world.event(&both).await.stored, 2);
    world.drain().await;
    let dead = world.dead_letters().await;
    assert_eq!(dead.len(), 1, "what is kept goes on: {dead:?}");
    assert_eq!(world.crm.records("AC_AgentPerformance__c").len(), 1);

    world.records(&[with_recording("c-1", 160)]).await;
    world.event(&created("c-1.wav", 1)).await;
    world.drain().await;
    assert!(world.crm.records(ANALYTICS).is_empty() && world.crm.records(FILE).is_empty());
    assert_eq!((world.crm.records("Task").len(), world.dead_letters().await.len()), (1, 1));
}
