//! Flows that ask for a call log and wait for it.

use std::time::Duration;

use serde_json::json;
use tieline_core::{AgentId, AgentRef, Contact};
use tieline_engine::pipeline::LogError;

use crate::crm::Refusal;
use crate::support::{World, call, contact_id, fields, workspace};

#[tokio::test]
async fn a_flow_gets_the_one_task_even_while_the_call_rings() {
    let world = World::new();
    let running = world.pipeline.start();
    let call = call("c-1");
    world.event(&call.initiated()).await;
    let asked = fields(
        json!({"subject1": "HVS", "subject2": "voice", "CallType": "inbound", "Status": "In Progress"}),
    );
    let agent = AgentId::new("005000000000001AAA").unwrap();
    let (workspace, contact) = (workspace("demo"), contact_id("c-1"));
    let log = || world.pipeline.log_for_flow(&workspace, &contact, &asked, Some(&agent));

    let first = log().await.unwrap();
    let second = log().await.unwrap();
    assert_eq!(first, second);
    running.stop().await;

    let task = world.crm.only("Task");
    assert_eq!((task.id.as_str(), task.writes), (first.as_str(), 1));
    assert_eq!(task.fields["Subject"], "HVS - voice");
    assert_eq!(task.fields["OwnerId"], "005000000000001AAA");
    assert_eq!(
        world.crm.records("Interaction__c").len(),
        0,
        "the interaction comes when the call is answered"
    );

    world.event(&call.connected()).await;
    world.records(&[call.record(160)]).await;
    world.pass(Duration::from_secs(5)).await;
    let task = world.crm.only("Task");
    assert_eq!(
        (&task.fields["Subject"], &task.fields["Status"]),
        (&"HVS - voice".into(), &"Completed".into())
    );
    assert_eq!(world.crm.only("Interaction__c").fields["Task_Id__c"], first.as_str());
}

#[tokio::test]
async fn a_flow_hears_why_the_crm_refused() {
    let world = World::new();
    world.crm.refuse("c-1", Refusal::Row);
    let running = world.pipeline.start();
    let asked = fields(json!({"Subject": "x"}));
    let refused =
        world.pipeline.log_for_flow(&workspace("demo"), &contact_id("c-1"), &asked, None).await.unwrap_err();
    assert!(matches!(refused, LogError::Refused { code, .. } if code == "FIELD_CUSTOM_VALIDATION_EXCEPTION"));
    running.stop().await;
}

#[tokio::test]
async fn a_flow_hears_at_once_that_listening_in_is_not_logged() {
    let world = World::new();
    let mut listening = call("c-1").connected();
    listening["detail"]["initiationMethod"] = "MONITOR".into();
    world.event(&listening).await;
    world.drain().await;
    let asked = fields(json!({"Subject": "x"}));
    let result = world.pipeline.log_for_flow(&workspace("demo"), &contact_id("c-1"), &asked, None).await;
    assert!(matches!(result, Err(LogError::NotLogged)));
}

#[tokio::test]
async fn a_flow_does_not_wait_for_ever_and_the_log_is_written_later() {
    let world = World::new();
    world.crm.down(true);
    let asked = fields(json!({"Subject": "x"}));
    let (workspace, contact) = (workspace("demo"), contact_id("c-1"));
    let log = world.pipeline.log_for_flow(&workspace, &contact, &asked, None);
    let (result, ()) = tokio::join!(log, async {
        world.drain().await;
        world.clock.advance(Duration::from_secs(9));
    });
    assert!(matches!(result, Err(LogError::Late)));
    world.crm.down(false);
    world.pass(Duration::from_secs(70)).await;
    assert_eq!(world.crm.only("Task").fields["Subject"], "x");
}

#[tokio::test]
async fn the_pages_word_on_the_agent_gives_the_task_its_owner_early() {
    let world = World::new();
    let call = call("c-1");
    let facts = Contact {
        agent: Some(AgentRef { id: Some("a-1".into()), login: Some("nora.quist".into()) }),
        ring_secs: Some(6),
        ..Contact::default()
    };
    bind(&world).await;
    world.pipeline.note_from_page(&workspace("demo"), &contact_id("c-1"), facts).await.unwrap();
    world.drain().await;
    assert_eq!(world.crm.calls(), [], "the page decides nothing");
    world.event(&call.connected()).await;
    world.drain().await;
    assert_eq!(world.crm.only("Task").fields["OwnerId"], "005000000000001AAA");
    assert_eq!(world.crm.only("Interaction__c").fields["Ring_Seconds__c"], 6);
}

async fn bind(world: &World) {
    use tieline_store::{AgentBinding, AgentStore, BindingMaker};
    let binding = AgentBinding {
        agent: AgentId::new("005000000000001AAA").unwrap(),
        phone_login: "Nora.Quist".into(),
        made_by: BindingMaker::Bound,
        made_at: crate::support::at(0),
    };
    world.store.bind_agent(&workspace("demo"), binding).await.unwrap();
}
