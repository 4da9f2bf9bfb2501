//! The CCP page's server side, spoken to as the page does. The genuine library in a
//! browser is tried in `e2e/streams.test.mjs`.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::harness::Instance;

type Stream = tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

struct Page(Stream);

impl Page {
    async fn open(instance: &Instance, query: &str) -> Self {
        let url = format!("ws://{}/ccp-v2/api/socket{query}", instance.connect.addr);
        Self(tokio_tungstenite::connect_async(url).await.unwrap().0)
    }

    async fn next(&mut self) -> Value {
        let message =
            tokio::time::timeout(Duration::from_secs(20), self.0.next()).await.expect("nothing came");
        serde_json::from_str(message.unwrap().unwrap().to_text().unwrap()).unwrap()
    }

    /// The next message for which `wanted` holds.
    async fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let message = self.next().await;
            if wanted(&message) {
                return message;
            }
        }
    }

    async fn down(&mut self, event: &str) -> Value {
        self.until(|message| message["t"] == "down" && message["event"] == event).await["data"].take()
    }

    /// The agent's snapshot once it is in `state`.
    async fn agent_in(&mut self, state: &str) -> Value {
        self.until(|message| message["t"] == "agent" && message["data"]["snapshot"]["state"]["name"] == state)
            .await["data"]["snapshot"]
            .take()
    }

    async fn up(&mut self, event: &str, data: Value) {
        self.0
            .send(Message::text(json!({"t": "up", "event": event, "data": data}).to_string()))
            .await
            .unwrap();
    }

    /// Asks as the library does; data and error of the response.
    async fn request(&mut self, method: &str, params: Value) -> (Value, Value) {
        self.up(
            "api_request",
            json!({"event": "api_request", "requestId": "r1", "method": method, "params": params}),
        )
        .await;
        let response = self.down("api_response").await;
        assert_eq!(response["requestId"], "r1");
        let err = response["err"].as_str().map_or(Value::Null, |text| serde_json::from_str(text).unwrap());
        (response["data"].clone(), err)
    }
}

#[tokio::test]
async fn the_first_page_of_an_agent_makes_the_agent_available() {
    let instance = Instance::start().await;

    let mut page = Page::open(&instance, "?agent=nora.quist").await;

    assert_eq!(page.next().await["agent"], json!({"login": "nora.quist", "name": "Nora Quist"}));
    assert!(page.down("acknowledge").await["id"].is_string());
    let agent = page.until(|message| message["t"] == "agent").await;
    let (snapshot, configuration) = (&agent["data"]["snapshot"], &agent["data"]["configuration"]);
    assert_eq!(
        (&snapshot["state"]["name"], &snapshot["state"]["type"]),
        (&json!("Available"), &json!("routable"))
    );
    assert_eq!(snapshot["state"]["startTimestamp"], json!({"$date": 1_795_176_000_000_i64}));
    assert_eq!(configuration["username"], "nora.quist");
    assert_eq!(configuration["permissions"], json!(["outboundCall"]));
    let profile = configuration["routingProfile"]["routingProfileId"].as_str().unwrap();
    assert!(profile.starts_with(
        "arn:aws:connect:us-east-1:111122223333:instance/11111111-2222-4333-8444-555555555555/routing-profile/"
    ));
    assert_eq!(configuration["agentStates"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn a_page_that_names_nobody_may_choose() {
    let instance = Instance::start().await;

    let choice = Page::open(&instance, "").await.next().await;

    assert_eq!(choice["t"], "choose");
    assert_eq!(choice["agents"][1], json!({"login": "otto.lund", "name": "Otto Lund"}));
}

#[tokio::test]
async fn a_page_of_another_origin_is_refused() {
    let instance = Instance::start().await;
    let mut request = format!("ws://{}/ccp-v2/api/socket?agent=nora.quist", instance.connect.addr)
        .into_client_request()
        .unwrap();
    request.headers_mut().insert("Origin", "http://rebound.example.com".parse().unwrap());

    let refused = tokio_tungstenite::connect_async(request).await;

    assert!(refused.is_err());
}

#[tokio::test]
async fn a_call_is_taken_held_and_ended_through_the_library() {
    let instance = Instance::start().await;
    let mut page = Page::open(&instance, "?agent=nora.quist").await;
    page.agent_in("Available").await;
    let call = instance.call(json!({"from": "+12025550143", "attributes": {"intent": "bill"}})).await;

    let ringing = page.agent_in("PendingBusy").await["contacts"][0].clone();
    assert_eq!(ringing["contactId"], call);
    assert_eq!(ringing["state"]["type"], "connecting");
    assert_eq!(ringing["attributes"]["intent"], json!({"name": "intent", "value": "bill"}));
    assert_eq!(ringing["queue"]["name"], "Sales");
    let (own, customer) = (&ringing["connections"][0], &ringing["connections"][1]);
    assert_eq!(
        (&own["type"], &own["initial"], &own["state"]["type"]),
        (&json!("agent"), &json!(false), &json!("connecting"))
    );
    assert_eq!((&customer["type"], &customer["initial"]), (&json!("inbound"), &json!(true)));
    assert_eq!(customer["endpoint"]["phoneNumber"], "+12025550143");

    assert_eq!(page.request("acceptContact", json!({"contactId": call})).await, (json!({}), Value::Null));
    assert_eq!(instance.state_of(&call).await, "connected");
    let connection = json!({"contactId": call, "connectionId": customer["connectionId"]});
    page.request("holdConnection", connection.clone()).await;
    assert_eq!(instance.state_of(&call).await, "on_hold");
    let (_, err) = page.request("holdConnection", connection.clone()).await;
    assert_eq!(err["type"], "InvalidStateException");
    page.request("resumeConnection", connection).await;
    page.request("destroyConnection", json!({"contactId": call, "connectionId": own["connectionId"]})).await;
    assert_eq!(instance.state_of(&call).await, "after_contact_work");
    page.request("clearContact", json!({"contactId": call})).await;

    assert_eq!(instance.state_of(&call).await, "over");
    assert_eq!(instance.get(&format!("/calls/{call}")).await["disconnectReason"], "AGENT_DISCONNECT");
}

#[tokio::test]
async fn the_pages_own_button_announces_the_acceptance_to_all_pages_and_the_library_does_it_itself() {
    let instance = Instance::start().await;
    let mut page = Page::open(&instance, "?agent=nora.quist").await;
    let mut other = Page::open(&instance, "?agent=nora.quist").await;
    other.agent_in("Available").await;
    let call = instance.call(json!({"from": "+12025550143"})).await;
    page.agent_in("PendingBusy").await;

    let accept = json!({"t": "call", "n": 1, "method": "acceptContact", "params": {"contactId": call}});
    page.0.send(Message::text(accept.to_string())).await.unwrap();

    assert_eq!(other.down("contact::accepted").await, json!({"contactId": call}));
    assert_eq!(other.down(&format!("contact::accepted::{call}")).await, json!({"contactId": call}));
    page.up("broadcast", json!({"event": "contact::view", "data": {"contactId": call}})).await;
    assert_eq!(other.down("contact::view").await, json!({"contactId": call}));
}

#[tokio::test]
async fn an_outbound_call_is_answered_after_two_seconds() {
    let mut instance = Instance::start().await;
    let mut page = Page::open(&instance, "?agent=nora.quist").await;
    page.agent_in("Available").await;

    let endpoint = json!({"type": "phone_number", "phoneNumber": "+12025550147", "endpointARN": null});
    let (answer, _) =
        page.request("createOutboundContact", json!({"endpoint": endpoint, "queueARN": "q"})).await;
    let call = answer["contactId"].as_str().unwrap().to_owned();
    assert_eq!(instance.state_of(&call).await, "dialing");
    instance.advance("PT2S").await;
    let contact = page.agent_in("Busy").await["contacts"][0].clone();
    instance.act(&call, "hangup").await;
    instance.act(&call, "clear").await;

    assert_eq!(contact["connections"][1]["type"], "outbound");
    assert!(contact.get("queueTimestamp").is_none());
    let types = ["INITIATED", "CONNECTED_TO_SYSTEM", "CONNECTED_TO_AGENT", "DISCONNECTED", "COMPLETED"];
    assert_eq!(instance.events(5).await, types);
    instance.advance("PT3S").await;
    let record = instance.record().await;
    assert_eq!((&record["InitiationMethod"], &record["Queue"]), (&json!("OUTBOUND"), &json!(null)));
    assert_eq!(record["ConnectedToSystemTimestamp"], "2026-11-20T12:00:02Z");
}

#[tokio::test]
async fn an_outbound_call_can_meet_a_busy_line_or_nobody() {
    for (behaviour, state, reason) in [
        ("busy", "LineEngagedCustomer", "TELECOM_BUSY"),
        ("no-answer", "FailedConnectCustomer", "TELECOM_UNANSWERED"),
    ] {
        let mut instance = Instance::start().await;
        instance.change(http::Method::PUT, "/callee", json!({"behaviour": behaviour})).await;
        let mut page = Page::open(&instance, "?agent=nora.quist").await;
        page.agent_in("Available").await;
        let endpoint = json!({"type": "phone_number", "phoneNumber": "+12025550147"});
        page.request("createOutboundContact", json!({"endpoint": endpoint})).await;

        instance.advance("PT2S").await;

        let snapshot = page.agent_in(state).await;
        assert_eq!(snapshot["state"]["type"], "error");
        assert_eq!(snapshot["contacts"][0]["state"]["type"], "error");
        instance.advance("PT10S").await;
        page.agent_in("Available").await;
        let record = instance.record().await;
        assert_eq!(record["DisconnectReason"], reason);
        assert_eq!(record["Agent"]["Username"], "nora.quist");
        assert_eq!(record["Agent"]["ConnectedToAgentTimestamp"], Value::Null);
    }
}

#[tokio::test]
async fn what_is_no_number_cannot_be_dialled() {
    let instance = Instance::start().await;
    let mut page = Page::open(&instance, "?agent=nora.quist").await;
    page.agent_in("Available").await;

    for number in ["", "+", "O'Neil", "+1202555014x", "12", "+1234567890123456"] {
        let endpoint = json!({"type": "phone_number", "phoneNumber": number});
        let (_, err) = page.request("createOutboundContact", json!({"endpoint": endpoint})).await;
        assert_eq!(err["type"], "BadEndpointException", "{number}");
    }
    assert_eq!(instance.get("/calls").await, json!([]));
}

#[tokio::test]
async fn a_missed_call_is_an_error_state_that_choosing_a_state_ends() {
    let instance = Instance::start().await;
    let mut page = Page::open(&instance, "?agent=nora.quist").await;
    page.agent_in("Available").await;
    let call = instance.call(json!({"from": "+12025550143"})).await;

    instance.advance("PT20S").await;
    let missed = page.agent_in("MissedCallAgent").await;
    assert_eq!(missed["contacts"][0]["state"]["type"], "error");
    assert_eq!(missed["contacts"][0]["connections"][1]["state"]["type"], "connected");
    instance.act(&call, "hangup").await;
    page.request("putAgentState", json!({"state": {"name": "Lunch"}, "enqueueNextState": false})).await;

    let agent = instance.agent("nora.quist").await;
    assert_eq!((&agent["state"], &agent["contacts"]), (&json!("Lunch"), &json!([])));
}

#[tokio::test]
async fn faults_of_the_page_happen_as_asked() {
    let instance = Instance::start().await;
    instance.break_with(json!({"kind": "no_ack"})).await;
    let mut silent = Page::open(&instance, "?agent=nora.quist").await;
    let agent = silent.until(|message| message["t"] != "hello").await;
    assert_eq!((&agent["t"], &agent["forward"]), (&json!("agent"), &json!(false)));

    let mut page = Page::open(&instance, "?agent=nora.quist").await;
    page.down("acknowledge").await;
    instance
        .break_with(json!({"kind": "api_error", "method": "putAgentState", "code": "AccessDeniedException"}))
        .await;
    let (_, err) = page.request("putAgentState", json!({"state": {"name": "Lunch"}})).await;
    assert_eq!((&err["type"], &err["statusCode"]), (&json!("AccessDeniedException"), &json!(403)));
    let (_, err) = page.request("putAgentState", json!({"state": {"name": "Lunch"}})).await;
    assert_eq!(err, Value::Null);
    instance.break_with(json!({"kind": "terminated"})).await;
    assert_eq!(page.down("terminated").await, Value::Null);
}

#[tokio::test]
async fn one_page_is_master_of_a_topic_until_another_takes_over() {
    let instance = Instance::start().await;
    let mut first = Page::open(&instance, "?agent=nora.quist").await;
    let mut second = Page::open(&instance, "?agent=nora.quist").await;
    let request = |method: &str| json!({"event": "master_request", "requestId": "m1", "method": method, "params": {"topic": "connect::ringtone"}});

    first.up("master_request", request("becomeMaster")).await;
    assert_eq!(first.down("master_response").await["data"]["takeOver"], false);
    second.up("master_request", request("checkMaster")).await;
    assert_eq!(second.down("master_response").await["data"]["isMaster"], false);
    second.up("master_request", request("becomeMaster")).await;
    assert_eq!(first.down("master_response").await["data"]["takeOver"], true);
    first.up("master_request", request("checkMaster")).await;
    assert_eq!(first.down("master_response").await["data"]["isMaster"], false);
}

#[tokio::test]
async fn a_reset_takes_the_calls_from_the_pages_and_leaves_the_agents_at_work() {
    let instance = Instance::start().await;
    let mut page = Page::open(&instance, "?agent=nora.quist").await;
    page.agent_in("Available").await;
    instance.call(json!({"from": "+12025550143"})).await;
    page.agent_in("PendingBusy").await;

    instance.post("/reset", json!({})).await;

    assert_eq!(page.agent_in("Available").await["contacts"], json!([]));
    let call = instance.call(json!({"from": "+12025550147"})).await;
    assert_eq!(page.agent_in("PendingBusy").await["contacts"][0]["contactId"], call);
}

#[tokio::test]
async fn an_agent_who_accepts_automatically_is_connected_at_once() {
    let instance = Instance::start().await;
    let mut page = Page::open(&instance, "?agent=nora.quist").await;
    page.agent_in("Available").await;
    page.request("updateAgentConfiguration", json!({"configuration": {"softphoneAutoAccept": true}})).await;

    let call = instance.call(json!({"from": "+12025550143"})).await;

    assert_eq!(page.down("contact::accepted").await, json!({"contactId": call}));
    assert_eq!(instance.state_of(&call).await, "connected");
}
