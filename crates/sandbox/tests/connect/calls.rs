use serde_json::{Value, json};
use tieline_sandbox::connect::Settings;

use crate::harness::Instance;

#[tokio::test]
async fn an_answered_call_is_told_in_five_events_and_one_record() {
    let mut instance = Instance::start().await;
    instance.make("nora.quist", "Available").await;

    let call = instance
        .call(json!({"from": "+12025550143", "queue": "Billing", "attributes": {"intent": "bill"}}))
        .await;
    assert_eq!(instance.state_of(&call).await, "ringing");
    instance.advance("PT4S").await;
    assert_eq!(instance.act(&call, "accept").await, "connected");
    instance.advance("PT10S").await;
    assert_eq!(instance.act(&call, "hold").await, "on_hold");
    instance.advance("PT31S").await;
    assert_eq!(instance.act(&call, "resume").await, "connected");
    instance.advance("PT20S").await;
    assert_eq!(instance.act(&call, "hangup").await, "after_contact_work");
    instance.advance("PT76S").await;
    assert_eq!(instance.act(&call, "clear").await, "over");

    let types = ["INITIATED", "QUEUED", "CONNECTED_TO_AGENT", "DISCONNECTED"];
    assert_eq!(instance.events(4).await, types);
    let completed = instance.next().await.body;
    assert_eq!(completed["detail"]["eventType"], "COMPLETED");
    assert_eq!(completed["detail-type"], "Amazon Connect Contact Event");
    assert_eq!(completed["source"], "aws.connect");
    assert_eq!(completed["account"], "111122223333");
    assert_eq!(completed["time"], "2026-11-20T12:02:21Z");
    let arn = "arn:aws:connect:us-east-1:111122223333:instance/11111111-2222-4333-8444-555555555555";
    assert_eq!(completed["resources"], json!([arn, format!("{arn}/contact/{call}")]));
    let detail = &completed["detail"];
    assert_eq!(detail["contactId"], call);
    assert_eq!(detail["initiationMethod"], "INBOUND");
    assert_eq!(detail["initiationTimestamp"], "2026-11-20T12:00:00.000Z");
    assert_eq!(detail["disconnectTimestamp"], "2026-11-20T12:01:05.000Z");
    assert_eq!(detail["customerEndpoint"], json!({"type": "TELEPHONE_NUMBER", "address": "+12025550143"}));
    assert_eq!(detail["queueInfo"]["queueType"], "STANDARD");
    assert_eq!(detail["agentInfo"]["connectedToAgentTimestamp"], "2026-11-20T12:00:04.000Z");
    assert_eq!(detail["agentInfo"]["agentInitiatedHoldDuration"], 31);
    assert_eq!(detail["agentInfo"]["afterContactWorkDuration"], 76);
    assert!(detail.get("attributes").is_none());

    instance.advance("PT3S").await;
    let record = instance.record().await;
    assert_eq!(record["ContactId"], call);
    assert_eq!(record["Agent"]["Username"], "nora.quist");
    assert_eq!(record["Agent"]["AgentInteractionDuration"], 30);
    assert_eq!(record["Agent"]["CustomerHoldDuration"], 31);
    assert_eq!(record["Agent"]["NumberOfHolds"], 1);
    assert_eq!(record["Agent"]["AfterContactWorkDuration"], 76);
    assert_eq!(record["AgentConnectionAttempts"], 1);
    assert_eq!(record["Attributes"], json!({"intent": "bill"}));
    assert_eq!(record["DisconnectReason"], "CUSTOMER_DISCONNECT");
    assert_eq!(record["DisconnectTimestamp"], "2026-11-20T12:01:05Z");
    assert_eq!(record["LastUpdateTimestamp"], "2026-11-20T12:02:24Z");
    assert_eq!(record["Queue"]["Name"], "Billing");
    assert_eq!(record["Queue"]["Duration"], 4);
    assert_eq!(record["PreviousContactId"], json!(null));
    let keys: Vec<&String> = record.as_object().unwrap().keys().collect();
    assert!(keys.is_sorted(), "captured records list their keys alphabetically: {keys:?}");
}

#[tokio::test]
async fn an_offer_nobody_takes_is_missed_after_twenty_seconds_and_offered_to_the_next_agent() {
    let instance = Instance::start().await;
    instance.make("nora.quist", "Available").await;
    let call = instance.call(json!({"from": "+12025550143"})).await;
    instance.make("otto.lund", "Available").await;

    instance.advance("PT19S").await;
    assert_eq!(
        instance.agent("nora.quist").await["contacts"],
        json!([{"contactId": call, "state": "connecting"}])
    );
    instance.advance("PT1S").await;

    assert_eq!(
        instance.agent("nora.quist").await["contacts"],
        json!([{"contactId": call, "state": "missed"}])
    );
    assert_eq!(
        instance.agent("otto.lund").await["contacts"],
        json!([{"contactId": call, "state": "connecting"}])
    );
    instance.act(&call, "accept").await;
    instance.advance("PT10S").await;
    assert_eq!(instance.agent("nora.quist").await["contacts"], json!([]));
    assert_eq!(instance.agent("nora.quist").await["state"], "Available");
}

#[tokio::test]
async fn one_hour_at_once_is_the_same_as_an_hour_of_waiting() {
    let mut instance = Instance::start().await;
    instance.make("nora.quist", "Available").await;
    let call = instance.call(json!({"from": "+12025550143"})).await;

    // Missed after 20 s, offered again 10 s later, and so on: 120 offers in an hour.
    instance.advance("PT1H").await;
    instance.act(&call, "hangup").await;
    instance.advance("PT3S").await;

    let record = instance.record().await;
    assert_eq!(record["AgentConnectionAttempts"], 121);
    assert_eq!(record["Agent"], json!(null));
    assert_eq!(record["Queue"]["Duration"], 3600);
}

#[tokio::test]
async fn a_rejected_call_goes_to_the_other_agent() {
    let instance = Instance::start().await;
    instance.make("nora.quist", "Available").await;
    let call = instance.call(json!({"from": "+12025550143"})).await;
    instance.make("otto.lund", "Available").await;

    assert_eq!(instance.act(&call, "reject").await, "ringing");

    assert_eq!(instance.agent("otto.lund").await["contacts"][0]["contactId"], call);
}

#[tokio::test]
async fn a_caller_who_gives_up_while_it_rings_leaves_a_record_without_an_agent() {
    let mut instance = Instance::start().await;
    instance.make("nora.quist", "Available").await;
    let call = instance.call(json!({"from": "anonymous"})).await;

    instance.advance("PT5S").await;
    instance.act(&call, "hangup").await;

    assert_eq!(instance.events(4).await, ["INITIATED", "QUEUED", "DISCONNECTED", "COMPLETED"]);
    instance.advance("PT3S").await;
    let record = instance.record().await;
    assert_eq!(record["Agent"], json!(null));
    assert_eq!(record["AgentConnectionAttempts"], 1);
    assert_eq!(record["CustomerEndpoint"]["Address"], "anonymous");
    assert_eq!(record["Queue"]["Duration"], 5);
    assert_eq!(instance.agent("nora.quist").await["contacts"][0]["state"], "missed");
}

#[tokio::test]
async fn a_call_waits_until_an_agent_becomes_available() {
    let instance = Instance::start().await;
    let first = instance.call(json!({"from": "+12025550143"})).await;
    let second = instance.call(json!({"from": "+12025550147", "agent": "otto.lund"})).await;
    assert_eq!(instance.state_of(&first).await, "queued");

    instance.make("nora.quist", "Available").await;
    assert_eq!(instance.state_of(&first).await, "ringing");
    assert_eq!(instance.state_of(&second).await, "queued");
    instance.make("otto.lund", "Available").await;
    assert_eq!(instance.state_of(&second).await, "ringing");
}

#[tokio::test]
async fn a_state_chosen_on_a_call_is_entered_after_it() {
    let instance = Instance::start().await;
    instance.make("nora.quist", "Available").await;
    let call = instance.call(json!({"from": "+12025550143"})).await;
    instance.act(&call, "accept").await;

    let (refused, problem) = instance.post("/agents/nora.quist/state", json!({"state": "Lunch"})).await;
    assert_eq!((refused.as_u16(), &problem["code"]), (409, &json!("conflict")));
    let (_, agent) = instance.post("/agents/nora.quist/state", json!({"state": "Lunch", "next": true})).await;
    assert_eq!((&agent["state"], &agent["nextState"]), (&json!("Available"), &json!("Lunch")));
    instance.act(&call, "end").await;
    assert_eq!(instance.agent("nora.quist").await["state"], "Available");
    instance.act(&call, "clear").await;

    let agent = instance.agent("nora.quist").await;
    assert_eq!((&agent["state"], &agent["nextState"]), (&json!("Lunch"), &json!(null)));
}

#[tokio::test]
async fn choosing_a_state_ends_after_contact_work() {
    let mut instance = Instance::start().await;
    instance.make("nora.quist", "Available").await;
    let call = instance.call(json!({"from": "+12025550143"})).await;
    instance.act(&call, "accept").await;
    instance.act(&call, "end").await;

    instance.make("nora.quist", "Training").await;

    assert_eq!(instance.state_of(&call).await, "over");
    assert_eq!(instance.events(5).await.last().unwrap(), "COMPLETED");
}

#[tokio::test]
async fn attributes_that_change_after_the_call_send_the_record_again_with_a_newer_time() {
    let mut instance = Instance::start().await;
    instance.make("nora.quist", "Available").await;
    let call = instance.call(json!({"from": "+12025550143"})).await;
    instance.act(&call, "hangup").await;
    instance.advance("PT3S").await;
    let first = instance.record().await;

    instance.act_with(&call, "attributes", json!({"attributes": {"disposition": "callback"}})).await;

    let updated = instance.next().await;
    assert_eq!(updated.event_type(), "CONTACT_DATA_UPDATED");
    assert_eq!(updated.body["detail"]["updatedProperties"], json!(["UserDefinedAttributes"]));
    instance.advance("PT3S").await;
    let second = instance.record().await;
    assert_eq!(second["Attributes"], json!({"disposition": "callback"}));
    assert!(second["LastUpdateTimestamp"].as_str() > first["LastUpdateTimestamp"].as_str());
}

#[tokio::test]
async fn what_a_network_may_send_as_a_caller_is_passed_on_as_it_is() {
    let mut instance = Instance::start().await;
    let callers = ["sip:+12025550143@example.com", "anonymous", "\"'; --<img src=x>", ""];

    for from in callers {
        instance.call(json!({"from": from})).await;
        let initiated = instance.next().await;
        assert_eq!(initiated.body["detail"]["customerEndpoint"]["address"], from);
        assert_eq!(instance.next().await.event_type(), "QUEUED");
    }
}

#[tokio::test]
async fn a_crowd_calls_at_its_rate_and_leaves_those_who_play_alone() {
    let mut instance = Instance::start_as(Settings { rate: 6, ..Settings::default() }, |_| {}).await;
    let own = instance.call(json!({"from": "+12025550143"})).await;
    instance.advance("PT59S").await;

    let calls = instance.get("/calls").await;
    let crowd = |calls: &Value| {
        let all = calls.as_array().unwrap().clone();
        all.into_iter().filter(|call| call["contactId"] != own.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(crowd(&calls).len(), 6, "{calls}");
    let agents: std::collections::BTreeSet<String> =
        crowd(&calls).iter().map(|call| call["agent"].as_str().unwrap().to_owned()).collect();
    assert_eq!(agents.len(), 6, "each by an agent of its own: {agents:?}");
    assert_eq!(instance.state_of(&own).await, "queued", "nobody of the crowd takes it");
    assert_eq!(instance.agent("nora.quist").await["contacts"], json!([]));

    instance.advance("PT10M").await;
    let calls = crowd(&instance.get("/calls").await);
    assert_eq!(calls.len(), 66);
    assert!(calls.iter().all(|call| call["state"] != "queued" && call["state"] != "ringing"), "{calls:?}");
    assert!(calls.iter().filter(|call| call["state"] == "over").count() >= 58);
    let record = instance.record().await;
    assert!(record["Agent"]["Username"].as_str().unwrap().starts_with("crowd."), "{record}");
}

#[tokio::test]
async fn a_lifelike_contact_record_takes_a_minute() {
    let mut instance = Instance::start_as(Settings { lifelike: true, ..Settings::default() }, |_| {}).await;
    let call = instance.call(json!({"from": "+12025550143"})).await;
    assert_eq!(instance.act(&call, "hangup").await, "over");
    assert_eq!(instance.events(4).await, ["INITIATED", "QUEUED", "DISCONNECTED", "COMPLETED"]);
    instance.advance("PT59S").await;
    instance.settled_deliveries().await;
    assert!(instance.nothing_arrived());
    instance.advance("PT1S").await;
    assert_eq!(instance.record().await["ContactId"], call);
}
