//! The CRM fails in every way it can; nothing is lost and nothing is double.

use std::time::Duration;

use serde_json::json;

use crate::crm::{Fault, Refusal};
use crate::support::{World, at, call};

#[tokio::test]
async fn an_hour_of_outage_ends_in_one_write_per_record() {
    let world = World::new();
    world.crm.down(true);
    let calls: Vec<_> = (0..200).map(|number| call(format!("c-{number}"))).collect();
    for (number, call) in calls.iter().enumerate() {
        for event in [call.initiated(), call.connected(), call.completed()] {
            world.event(&event).await;
        }
        world.records(&[call.record(160), call.record(170)]).await;
        if number % 20 == 0 {
            world.pass(Duration::from_secs(360)).await;
        }
    }
    assert_eq!(world.crm.records("Task").len(), 0);
    let during = world.crm.calls().len();
    assert!(during < 80, "{during} calls to a CRM that is down");

    world.crm.down(false);
    world.pass(Duration::from_secs(300)).await;

    for object in ["Task", "Interaction__c"] {
        let records = world.crm.records(object);
        assert_eq!(records.len(), 200, "{object}");
        assert!(records.iter().all(|record| record.writes == 1), "{object}");
    }
    assert_eq!(world.dead_letters().await, []);
    assert!(
        world.crm.records("Interaction__c").iter().all(|record| record.fields.contains_key("Task_Id__c"))
    );
}

#[tokio::test]
async fn an_answer_that_is_lost_after_the_commit_makes_no_second_record() {
    for fault in [Fault::CommitThenLose, Fault::CommitThenHang, Fault::CommitThenTruncate] {
        let world = World::new();
        world.crm.fail_next(fault.clone());
        world.records(&[call("c-1").record(160)]).await;
        world.drain().await;
        world.crm.fail_next(fault);
        world.pass(Duration::from_secs(180)).await;
        let (task, interaction) = (world.crm.only("Task"), world.crm.only("Interaction__c"));
        assert_eq!(interaction.fields["Task_Id__c"], task.id.as_str());
        assert_eq!(world.dead_letters().await, []);
    }
}

#[tokio::test]
async fn a_process_killed_between_commit_and_note_logs_the_call_once() {
    let mut world = World::new();
    world.crm.fail_next(Fault::CommitThenHang);
    world.records(&[call("c-1").record(160)]).await;
    // Killed while the CRM holds its answer.
    let pipeline = world.pipeline.clone();
    let killed = tokio::spawn(async move { pipeline.drain().await });
    while world.crm.calls().is_empty() {
        tokio::task::yield_now().await;
    }
    killed.abort();
    assert!(killed.await.unwrap_err().is_cancelled());
    assert_eq!(world.crm.records("Task").len(), 1);
    world.restart();

    world.drain().await;
    assert_eq!(world.crm.calls().len(), 1, "the row still belongs to the dead process");
    world.pass(Duration::from_secs(65)).await;

    let (task, interaction) = (world.crm.only("Task"), world.crm.only("Interaction__c"));
    assert_eq!(interaction.fields["Task_Id__c"], task.id.as_str());
}

#[tokio::test]
async fn a_delivery_that_cannot_be_read_dies_alone() {
    let world = World::new();
    let (good, other) = (call("c-1").record(160).to_string(), call("c-2").record(160).to_string());
    world.stream(&[good, "{\"ContactId\":\"c-3\",".into(), "{}".into(), other]).await;
    world.drain().await;
    assert_eq!(world.crm.records("Task").len(), 2);
    let dead = world.dead_letters().await;
    assert_eq!(dead.len(), 2);
    assert!(dead[1].message.contains("NO_CONTACT_ID"), "{}", dead[1].message);
}

#[tokio::test]
async fn a_row_the_crm_refuses_dies_alone_with_the_crms_words() {
    let world = World::new();
    world.crm.refuse("c-3", Refusal::Row);
    let records: Vec<_> = (0..7).map(|number| call(format!("c-{number}")).record(160)).collect();
    world.records(&records).await;
    world.drain().await;
    assert_eq!(world.crm.records("Task").len(), 6);
    let dead = world.dead_letters().await;
    assert_eq!(dead.len(), 1);
    assert_eq!(
        (dead[0].code.as_str(), dead[0].message.as_str()),
        ("FIELD_CUSTOM_VALIDATION_EXCEPTION", "no such luck")
    );
    // Its interaction does not wait for ever.
    let interactions = world.crm.records("Interaction__c");
    assert_eq!(interactions.len(), 7);
    assert_eq!(interactions.iter().filter(|record| !record.fields.contains_key("Task_Id__c")).count(), 1);
}

#[tokio::test]
async fn a_request_refused_as_a_whole_is_halved_until_the_row_is_found() {
    let world = World::new();
    world.crm.refuse("c-77", Refusal::Request);
    let records: Vec<_> = (0..200).map(|number| call(format!("c-{number}")).record(160)).collect();
    world.records(&records).await;
    world.drain().await;
    let tasks = world.crm.records("Task");
    assert_eq!(tasks.len(), 199);
    assert!(tasks.iter().all(|task| task.writes == 1));
    assert!(world.crm.calls_of("Task").len() <= 17, "{:?}", world.crm.calls_of("Task"));
    assert_eq!(world.dead_letters().await[0].code, "JSON_PARSER_ERROR");
}

#[tokio::test]
async fn a_locked_row_is_tried_again_and_the_others_do_not_wait_for_it() {
    let world = World::new();
    world.crm.lock_row("c-1", 2);
    world.records(&[call("c-0").record(160), call("c-1").record(160)]).await;
    world.drain().await;
    assert_eq!(world.crm.records("Task").len(), 1);
    assert_eq!(world.crm.records("Interaction__c").len(), 1, "the locked task's interaction waits for it");
    world.pass(Duration::from_secs(10)).await;
    assert_eq!(world.crm.records("Task").len(), 2);
    let interactions = world.crm.records("Interaction__c");
    assert!(interactions.iter().all(|record| record.writes == 1 && record.fields.contains_key("Task_Id__c")));
}

#[tokio::test]
async fn an_interaction_goes_on_without_a_task_that_stays_locked_and_learns_its_id_later() {
    let world = World::new();
    world.crm.lock_row("c-1", 4);
    world.records(&[call("c-1").record(160)]).await;
    world.pass(Duration::from_secs(15)).await;
    assert!(!world.crm.only("Interaction__c").fields.contains_key("Task_Id__c"));
    world.pass(Duration::from_secs(60)).await;
    let task = world.crm.only("Task");
    assert_eq!(world.crm.only("Interaction__c").fields["Task_Id__c"], task.id.as_str());
}

#[tokio::test]
async fn a_throttling_crm_is_left_alone_for_as_long_as_it_asks() {
    let world = World::new();
    world.crm.fail_next(Fault::Throttled(Some(Duration::from_secs(120))));
    world.records(&[call("c-1").record(160)]).await;
    world.pass(Duration::from_secs(115)).await;
    assert_eq!(world.crm.calls().len(), 1);
    assert!(world.pipeline.health()[0].paused);
    world.pass(Duration::from_secs(15)).await;
    assert_eq!(world.crm.records("Task").len(), 1);
    assert!(!world.pipeline.health()[0].paused);
}

#[tokio::test]
async fn a_crm_that_reads_and_takes_no_writes_is_left_alone_for_longer_and_longer() {
    let world = World::new();
    for number in 0..12 {
        world.crm.fail_next(Fault::Unavailable);
        world.records(&[call(format!("c-{number}")).record(160)]).await;
        world.pass(Duration::from_secs(5)).await;
    }
    let calls = world.crm.calls().len();
    assert!(calls <= 7, "{calls} writes in a minute");
    assert!(world.crm.look_ups().len() > 1, "customers were looked up in between");
}

#[tokio::test]
async fn a_pause_counts_against_no_row() {
    let world = World::new();
    world.crm.down(true);
    world.records(&[call("c-1").record(160)]).await;
    world.pass(Duration::from_secs(4 * 3600)).await;
    assert!(world.contact("c-1").await.records.iter().all(|record| record.attempts == 0));
    world.crm.down(false);
    world.pass(Duration::from_secs(70)).await;
    assert_eq!(world.crm.only("Interaction__c").writes, 1);
}

#[tokio::test]
async fn a_pause_before_anything_was_sent_does_not_change_back_what_a_person_changed() {
    let world = World::new();
    let known = call("c-1");
    world.event(&known.connected()).await;
    world.drain().await;
    world.crm.edit("Task", "Status", "Deferred");
    // The CRM is down when the customer of the other call is looked up: neither row goes out.
    world.crm.down(true);
    world.records(&[known.record(160), call("c-2").record(160)]).await;
    world.drain().await;
    world.crm.down(false);
    world.pass(Duration::from_secs(60)).await;
    let tasks = world.crm.records("Task");
    assert_eq!(tasks.len(), 2);
    assert_eq!((&tasks[0].fields["Status"], tasks[0].writes), (&"Deferred".into(), 2));
}

#[tokio::test]
async fn a_field_the_crm_does_not_have_is_left_out_and_noted() {
    let world = World::new();
    world.crm.forget_field("Summary__c");
    world.crm.forget_field("Queue__c");
    world.records(&[call("c-1").record(160)]).await;
    world.drain().await;
    let detail = world.contact("c-1").await;
    let partial: Vec<bool> = detail.records.iter().map(|record| record.partial).collect();
    assert_eq!(partial, [false, true]);
    assert_eq!(world.pipeline.counts().rows_partial, 1);
}

#[tokio::test]
async fn a_fifth_of_the_crms_allowance_is_kept_for_dips() {
    let world = World::new();
    world.crm.allow(799, 1000);
    world.records(&[call("c-1").record(160)]).await;
    world.drain().await;
    assert_eq!(world.crm.calls().len(), 1, "the call that reaches the line is the last");
    world.pass(Duration::from_secs(14 * 60)).await;
    assert_eq!(world.crm.calls().len(), 1);
    // The window rolls on; one call is spent to hear how it stands.
    world.crm.allow(300, 1000);
    world.pass(Duration::from_secs(120)).await;
    assert_eq!(world.crm.only("Interaction__c").writes, 1);
}

#[tokio::test]
async fn a_new_version_while_a_row_is_under_way_is_written_after_it() {
    let world = World::new();
    let call = call("c-1");
    world.event(&call.connected()).await;
    world.crm.fail_next(Fault::CommitThenHang);
    let (hung, ()) = tokio::join!(world.pipeline.drain(), async {
        while world.crm.calls().is_empty() {
            tokio::task::yield_now().await;
        }
        world.records(&[call.record(160)]).await;
    });
    hung.unwrap();
    world.pass(Duration::from_secs(120)).await;
    assert_eq!(world.crm.only("Task").fields["Status"], "Completed");
    assert_eq!(world.crm.only("Interaction__c").fields["Ended_At__c"], json!(format!("{:.3}", at(140))));
}
