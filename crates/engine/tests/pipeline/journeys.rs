//! An ordinary call's way, deliveries that repeat and overtake each other, and who the customer is.

use std::time::Duration;

use serde_json::json;
use tieline_core::ContactState;
use tieline_store::OutboxState;

use crate::support::{World, at, call, contact_id, fields, workspace};

#[tokio::test]
async fn a_call_is_written_when_it_is_answered_and_when_it_is_over() {
    let world = World::new();
    world.crm.party("+12025550143", "Contact", "003000000000001AAA", "Anna Keller");
    let call = call("c-1");

    world.event(&call.initiated()).await;
    world.event(&call.queued()).await;
    world.drain().await;
    assert_eq!(world.crm.calls(), [], "a ringing call is not written");

    world.event(&call.connected()).await;
    world.drain().await;
    let task = world.crm.only("Task");
    assert_eq!(task.fields["Status"], "In Progress");
    assert_eq!(task.fields["WhoId"], "003000000000001AAA");
    let interaction = world.crm.only("Interaction__c");
    assert_eq!(interaction.fields["Key__c"], "demo:c-1");
    assert_eq!(interaction.fields["Task_Id__c"], task.id.as_str());
    assert_eq!(interaction.fields["State__c"], "Connected");

    world.event(&call.disconnected()).await;
    world.drain().await;
    world.event(&call.completed()).await;
    world.pass(Duration::from_secs(5)).await;
    world.records(&[call.record(160)]).await;
    world.pass(Duration::from_secs(120)).await;

    let task = world.crm.only("Task");
    assert_eq!(
        (&task.fields["Status"], &task.fields["CallDurationInSeconds"]),
        (&"Completed".into(), &120.into())
    );
    let interaction = world.crm.only("Interaction__c");
    assert_eq!(interaction.fields["State__c"], "Completed");
    assert_eq!(interaction.fields["Talk_Seconds__c"], 110);
    assert_eq!(interaction.fields["Agent__c"], "nora.quist");
    assert_eq!((task.writes, interaction.writes), (2, 2), "at the start and at the end");
    assert_eq!(world.crm.look_ups(), [1], "the customer is looked up once");
}

#[tokio::test]
async fn a_contact_record_alone_is_enough() {
    let world = World::new();
    world.records(&[call("c-1").record(160)]).await;
    world.drain().await;
    assert_eq!(world.crm.only("Task").fields["Status"], "Completed");
    let interaction = world.crm.only("Interaction__c");
    assert_eq!((interaction.writes, interaction.fields.contains_key("Task_Id__c")), (1, true));
}

#[tokio::test]
async fn a_finished_call_whose_record_never_comes_is_closed_all_the_same() {
    let world = World::new();
    let call = call("c-1");
    for event in [call.connected(), call.completed()] {
        world.event(&event).await;
    }
    world.pass(Duration::from_secs(15)).await;
    let task = world.crm.only("Task");
    assert_eq!(task.fields["CallDurationInSeconds"], 120);
    assert_eq!(world.crm.only("Interaction__c").fields["After_Contact_Seconds__c"], 15);
}

#[tokio::test]
async fn what_is_delivered_twice_is_logged_once() {
    let world = World::new();
    let call = call("c-1");
    let (connected, record) = (call.connected(), call.record(160));
    assert_eq!(world.event(&connected).await.stored, 1);
    assert_eq!(world.records(std::slice::from_ref(&record)).await.stored, 1);
    world.drain().await;
    let before = world.crm.calls();

    assert_eq!(world.event(&connected).await.duplicates, 1);
    assert_eq!(world.records(&[record.clone(), record]).await.duplicates, 2);
    world.pass(Duration::from_secs(7200)).await;

    assert_eq!(world.crm.calls(), before);
    assert_eq!((world.crm.only("Task").writes, world.crm.only("Interaction__c").writes), (1, 1));
}

#[tokio::test]
async fn versions_out_of_order_leave_the_newest() {
    let world = World::new();
    let call = call("c-1");
    let version = |second: i64, talk: u64| {
        let mut record = call.record(second);
        record["Agent"]["AgentInteractionDuration"] = talk.into();
        record
    };
    for record in [version(300, 3), version(100, 1), version(200, 2)] {
        world.records(&[record]).await;
        world.drain().await;
    }
    for event in [call.completed(), call.connected(), call.initiated()] {
        world.event(&event).await;
    }
    world.pass(Duration::from_secs(120)).await;
    let interaction = world.crm.only("Interaction__c");
    assert_eq!(interaction.fields["Talk_Seconds__c"], 3);
    assert_eq!((world.crm.only("Task").writes, interaction.writes), (1, 1), "the older ones changed nothing");
    assert_eq!(world.contact("c-1").await.contact.state, Some(ContactState::Completed));
}

#[tokio::test]
async fn a_projection_equal_to_what_was_written_is_not_written_again() {
    let world = World::new();
    let call = call("c-1");
    world.records(&[call.record(160)]).await;
    world.drain().await;
    // Sent again with a newer time and nothing else new.
    world.records(&[call.record(161)]).await;
    world.pass(Duration::from_secs(60)).await;
    assert_eq!((world.crm.only("Task").writes, world.crm.only("Interaction__c").writes), (1, 1));
}

#[tokio::test]
async fn what_a_person_changed_is_not_changed_back() {
    let world = World::new();
    let call = call("c-1");
    world.event(&call.connected()).await;
    world.drain().await;
    world.crm.edit("Task", "Status", "Deferred");
    world.crm.edit("Task", "Subject", "Wants a pony");
    world.records(&[call.record(160)]).await;
    world.drain().await;
    let task = world.crm.only("Task");
    assert_eq!(task.fields["Status"], "Deferred");
    assert_eq!(task.fields["Subject"], "Wants a pony");
    assert_eq!(task.fields["CallDurationInSeconds"], 120);
}

#[tokio::test]
async fn several_matches_leave_the_choice_to_a_person() {
    let world = World::new();
    world.crm.party("+12025550150", "Contact", "003000000000010AAA", "Dana Moss");
    world.crm.party("+12025550150", "Contact", "003000000000011AAA", "Eli Moss");
    world.records(&[call("c-1").from("(202) 555-0150").record(160)]).await;
    world.drain().await;
    assert!(!world.crm.only("Task").fields.contains_key("WhoId"));
    let candidates = world.crm.only("Interaction__c").fields["Candidates__c"].clone();
    assert!(
        candidates.as_str().unwrap().contains("Dana Moss")
            && candidates.as_str().unwrap().contains("Eli Moss")
    );
}

#[tokio::test]
async fn candidates_leave_the_record_once_a_flow_has_chosen() {
    let world = World::new();
    world.crm.party("+12025550150", "Contact", "003000000000010AAA", "Dana Moss");
    world.crm.party("+12025550150", "Contact", "003000000000011AAA", "Eli Moss");
    let call = call("c-1").from("(202) 555-0150");
    world.event(&call.connected()).await;
    world.drain().await;
    assert!(world.crm.only("Interaction__c").fields["Candidates__c"].is_string());

    let running = world.pipeline.start();
    let chosen = fields(json!({"WhoId": "003000000000011AAA"}));
    world.pipeline.log_for_flow(&workspace("demo"), &contact_id("c-1"), &chosen, None).await.unwrap();
    running.stop().await;
    world.records(&[call.record(160)]).await;
    world.drain().await;

    let interaction = world.crm.only("Interaction__c");
    assert_eq!(interaction.fields["Contact__c"], "003000000000011AAA");
    assert!(interaction.fields["Candidates__c"].is_null());
}

#[tokio::test]
async fn strange_callers_and_strange_text_are_logged_as_they_are() {
    let world = World::new();
    world.crm.party("+12025550147", "Contact", "003000000000002AAA", "Sean O'Neil");
    let mut strange = call("c-2").from("anonymous").record(160);
    strange["DisconnectReason"] = r#"<img src=x onerror=alert(1)> "'; --"#.into();
    world.records(&[call("c-1").from("(202) 555-0147").record(160), strange]).await;
    world.records(&[call("c-3").from("sip:\"'; DROP TABLE--@example.com").record(160)]).await;
    world.drain().await;
    let interactions = world.crm.records("Interaction__c");
    let of = |key: &str| &interactions.iter().find(|record| record.fields["Key__c"] == key).unwrap().fields;
    assert_eq!(of("demo:c-1")["Customer_Name__c"], "Sean O'Neil");
    assert_eq!(of("demo:c-2")["Customer_Address__c"], "anonymous");
    assert_eq!(of("demo:c-2")["Disconnect_Reason__c"], r#"<img src=x onerror=alert(1)> "'; --"#);
    assert!(!of("demo:c-3").contains_key("Customer_Number__c"));
    assert_eq!(world.crm.records("Task").len(), 3);
    assert_eq!(world.crm.look_ups(), [1], "only a number is looked up");
}

#[tokio::test]
async fn every_workspace_of_a_connection_logs_the_call() {
    let world = World::with(&["demo", "other"]);
    world.records(&[call("c-1").record(160)]).await;
    world.drain().await;
    let mut keys: Vec<String> = world
        .crm
        .records("Interaction__c")
        .iter()
        .map(|r| r.fields["Key__c"].as_str().unwrap().into())
        .collect();
    keys.sort();
    assert_eq!(keys, ["demo:c-1", "other:c-1"]);
}

#[tokio::test]
async fn a_contact_shows_its_facts_its_sources_and_its_records() {
    let world = World::new();
    let call = call("c-1");
    world.event(&call.initiated()).await;
    world.records(&[call.record(160)]).await;
    world.drain().await;
    let detail = world.contact("c-1").await;
    assert_eq!(detail.contact.ended_at, Some(at(140)));
    assert_eq!(detail.parts.len(), 3, "event, record and party");
    assert!(detail.records.iter().all(|record| record.state == OutboxState::Done && record.record.is_some()));
}
