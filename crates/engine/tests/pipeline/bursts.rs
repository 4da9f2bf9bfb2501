//! Many records at once.

use std::time::Duration;

use tieline_store::RecordStore;

use crate::support::{World, call};

#[tokio::test]
async fn a_thousand_contact_records_take_five_calls_per_object_and_look_up() {
    let world = World::new();
    let records: Vec<_> = (0..1000)
        .map(|number| {
            call(format!("c-{number}")).from(&format!("+1202555{:04}", 100 + number % 100)).record(160)
        })
        .collect();
    assert_eq!(world.records(&records).await.stored, 1000);
    world.drain().await;
    assert_eq!(world.crm.calls_of("Task"), [200; 5]);
    assert_eq!(world.crm.calls_of("Interaction__c"), [200; 5]);
    assert!(world.crm.look_ups().len() <= 5, "{:?}", world.crm.look_ups());
    let tasks = world.crm.records("Task");
    assert!(tasks.len() == 1000 && tasks.iter().all(|task| task.writes == 1));
}

#[tokio::test]
async fn old_deliveries_and_parts_are_removed_and_what_still_waits_is_not() {
    let world = World::new();
    world.records(&[call("c-1").record(160)]).await;
    world.drain().await;
    world.clock.advance(Duration::from_secs(15 * 86_400));
    world.crm.down(true);
    world.records(&[call("c-2").record(160)]).await;
    world.drain().await;

    let swept = world.pipeline.sweep().await.unwrap();
    assert_eq!((swept.deliveries, swept.parts, swept.outbox), (1, 0, 0));

    world.clock.advance(Duration::from_secs(80 * 86_400));
    let swept = world.pipeline.sweep().await.unwrap();
    assert_eq!(
        (swept.deliveries, swept.parts, swept.outbox),
        (1, 2, 2),
        "the first contact's, its party included"
    );
    assert_eq!(world.store.queue_depths().await.unwrap().outbox_wait, 2);
    world.crm.down(false);
    world.pass(Duration::from_secs(70)).await;
    assert_eq!(world.crm.records("Task").len(), 2);
}
