//! Dead letters and their replay.

use tieline_engine::pipeline::{DeadLetterId, DeadLetterKind};

use crate::crm::Refusal;
use crate::support::{World, call};

#[tokio::test]
async fn a_refused_record_is_replayed_with_what_is_known_by_then() {
    let world = World::new();
    world.crm.refuse("c-1", Refusal::Row);
    let call = call("c-1");
    world.records(&[call.record(160)]).await;
    world.drain().await;
    let dead = world.dead_letters().await;
    assert_eq!((dead.len(), dead[0].kind), (1, DeadLetterKind::Record));
    assert_eq!(dead[0].contact.as_ref().unwrap().as_str(), "c-1");

    world.crm.accept("c-1");
    world.crm.party("+12025550143", "Contact", "003000000000001AAA", "Anna Keller");
    assert!(world.pipeline.replay(dead[0].id).await.unwrap());
    assert!(!world.pipeline.replay(dead[0].id).await.unwrap(), "it is no dead letter any more");
    world.drain().await;

    let task = world.crm.only("Task");
    assert_eq!(task.writes, 1);
    assert_eq!(world.crm.only("Interaction__c").fields["Task_Id__c"], task.id.as_str());
    assert_eq!(world.dead_letters().await, []);
}

#[tokio::test]
async fn a_newer_version_of_a_dead_record_is_tried_by_itself() {
    let world = World::new();
    world.crm.refuse("c-1", Refusal::Row);
    let call = call("c-1");
    world.records(&[call.record(160)]).await;
    world.drain().await;
    world.crm.accept("c-1");
    let mut longer = call.record(170);
    longer["DisconnectTimestamp"] = crate::support::at(150).to_string().into();
    world.records(&[longer]).await;
    world.drain().await;
    assert_eq!(world.crm.only("Task").fields["CallDurationInSeconds"], 130);
    assert_eq!(world.dead_letters().await, []);
}

#[tokio::test]
async fn a_delivery_that_still_cannot_be_read_is_dead_again() {
    let world = World::new();
    world.stream(&["{\"ContactId\":".into()]).await;
    world.drain().await;
    let dead = world.dead_letters().await;
    assert_eq!((dead.len(), dead[0].code.as_str()), (1, "DECODE"));
    assert!(world.pipeline.replay(dead[0].id).await.unwrap());
    world.drain().await;
    assert_eq!(world.dead_letters().await.len(), 1);
    let unknown = DeadLetterId { kind: DeadLetterKind::Delivery, number: 999 };
    assert!(!world.pipeline.replay(unknown).await.unwrap());
}
