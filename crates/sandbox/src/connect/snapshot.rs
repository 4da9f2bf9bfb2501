//! One agent's part of the instance in the shapes of the softphone library.
//!
//! Times are written as `{"$date": <epoch milliseconds>}`: the library wants `Date`
//! objects, which JSON has not; the page turns one into the other.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::call::{Call, Direction, Ending, Phase, SUBTYPE};
use super::center::{Agent, Center, NotTaken};
use super::instance::{AgentState, Instance, Named};

/// The data of one `agent::update`.
pub fn agent_data(center: &Center, login: &str, now: Timestamp) -> Value {
    json!({"snapshot": snapshot(center, login, now), "configuration": configuration(center, login)})
}

pub fn snapshot(center: &Center, login: &str, now: Timestamp) -> Value {
    let Ok(agent) = center.agent(login) else { return Value::Null };
    let instance = &center.instance;
    let mut contacts: Vec<(Timestamp, Value)> = Vec::new();
    if let Some(call) = center.live_call(login) {
        contacts.push((call.since, contact(instance, call, View::of(call))));
    }
    if let Some(missed) = &agent.not_taken {
        contacts.push((missed.since, contact(instance, &missed.offered, View::not_taken(missed))));
    }
    contacts.sort_by_key(|(since, _)| *since);
    let next = agent.next.and_then(|name| instance.state(name));
    let mut snapshot = json!({
        "state": system_state(center, agent),
        "agentAvailabilityState": {"state": agent.chosen, "timeStamp": date(agent.chosen_since)},
        "contacts": contacts.into_iter().map(|(_, contact)| contact).collect::<Vec<_>>(),
        "snapshotTimestamp": date(now),
    });
    if let Some(next) = next {
        snapshot["nextState"] = state_value(instance, next, None);
    }
    snapshot
}

/// What the library calls the agent's state: the chosen one, or the system's while on a contact.
fn system_state(center: &Center, agent: &Agent) -> Value {
    let system = |name: &str, kind: &str, since: Timestamp| json!({"agentStateARN": null, "type": kind, "name": name, "startTimestamp": date(since)});
    if let Some(missed) = &agent.not_taken {
        return system(missed.state, "error", missed.since);
    }
    let Some(call) = center.live_call(&agent.login) else {
        let state = center.instance.state(agent.chosen);
        return state
            .map_or(Value::Null, |state| state_value(&center.instance, state, Some(agent.chosen_since)));
    };
    match call.phase {
        Phase::Ringing => system("PendingBusy", "system", call.since),
        Phase::Dialing => system("CallingCustomer", "system", call.since),
        Phase::Wrapping => system("AfterCallWork", "system", call.since),
        Phase::Failed if call.ending == Some(Ending::Busy) => {
            system("LineEngagedCustomer", "error", call.since)
        }
        Phase::Failed => system("FailedConnectCustomer", "error", call.since),
        Phase::Talking | Phase::Queued | Phase::Over => system("Busy", "system", call.since),
    }
}

fn state_value(instance: &Instance, state: &AgentState, since: Option<Timestamp>) -> Value {
    let mut value = json!({
        "agentStateARN": instance.child("agent-state", &state.id),
        "type": state.kind,
        "name": state.name,
    });
    if let Some(since) = since {
        value["startTimestamp"] = date(since);
    }
    value
}

pub fn states(instance: &Instance) -> Value {
    instance.states.iter().map(|state| state_value(instance, state, None)).collect()
}

pub fn queues(instance: &Instance) -> Value {
    instance.queues.iter().map(|named| queue(instance, named)).collect()
}

fn queue(instance: &Instance, queue: &Named) -> Value {
    let arn = instance.child("queue", &queue.id);
    json!({"queueARN": arn, "queueId": arn, "name": queue.name})
}

pub const PERMISSIONS: [&str; 1] = ["outboundCall"];
pub const COUNTRIES: [&str; 6] = ["us", "gb", "de", "it", "fr", "se"];

pub fn configuration(center: &Center, login: &str) -> Value {
    let instance = &center.instance;
    let (Some((_, name)), Ok(agent)) = (instance.agent(login), center.agent(login)) else {
        return Value::Null;
    };
    let profile = instance.child("routing-profile", &instance.routing_profile.id);
    json!({
        "name": name,
        "username": login,
        "agentARN": instance.agent_arn(login),
        "softphoneEnabled": agent.softphone_enabled,
        "softphoneAutoAccept": agent.auto_accept,
        "extension": agent.extension,
        "agentPreferences": agent.preferences,
        "routingProfile": {
            "name": instance.routing_profile.name,
            "routingProfileARN": profile,
            "routingProfileId": profile,
            "defaultOutboundQueue": queue(instance, &instance.queues[0]),
            "queues": queues(instance),
            "channelConcurrencyMap": {"VOICE": 1, "CHAT": 0, "TASK": 0, "EMAIL": 0},
        },
        "agentStates": states(instance),
        "permissions": PERMISSIONS,
        "dialableCountries": COUNTRIES,
    })
}

/// How a contact and its two connections look to the agent.
#[derive(Clone, Copy)]
struct View {
    state: &'static str,
    since: Timestamp,
    agent: &'static str,
    customer: &'static str,
}

impl View {
    fn of(call: &Call) -> Self {
        let (state, agent, customer) = match call.phase {
            Phase::Ringing => ("connecting", "connecting", "connected"),
            Phase::Dialing => ("connecting", "connected", "connecting"),
            Phase::Talking if call.holds.since.is_some() => ("connected", "connected", "hold"),
            Phase::Talking => ("connected", "connected", "connected"),
            Phase::Wrapping => ("ended", "disconnected", "disconnected"),
            Phase::Failed | Phase::Queued | Phase::Over => ("error", "disconnected", "disconnected"),
        };
        Self { state, since: call.since, agent, customer }
    }

    /// The documentation promises `missed` and `rejected` here; the service has always sent
    /// `error` (amazon-connect-streams issues 391, 551, 658, 792, read 2026-11-20), with the
    /// customer still connected.
    fn not_taken(missed: &NotTaken) -> Self {
        Self { state: "error", since: missed.since, agent: "disconnected", customer: "connected" }
    }
}

fn contact(instance: &Instance, call: &Call, view: View) -> Value {
    let state = json!({"type": view.state, "timestamp": date(view.since)});
    let attributes: Map<String, Value> = call
        .attributes
        .iter()
        .map(|(name, value)| (name.clone(), json!({"name": name, "value": value})))
        .collect();
    let customer = endpoint("phone_number", Some(&call.customer), None);
    let kind = match call.direction {
        Direction::Inbound => "inbound",
        Direction::Outbound => "outbound",
    };
    let line = |id: &str, kind: &str, initial: bool, endpoint: Value, state: &str| {
        json!({
            "connectionId": id,
            "endpoint": endpoint,
            "address": endpoint,
            "state": {"type": state, "timestamp": date(view.since)},
            "type": kind,
            "initial": initial,
            "mute": kind == "agent" && call.muted,
            "forcedMute": false,
        })
    };
    let mut own = line(
        &call.agent_connection,
        "agent",
        false,
        endpoint("agent", None, call.agent.as_deref()),
        view.agent,
    );
    own["softphoneMediaInfo"] = json!({"callType": "audio_only", "autoAccept": false});
    let other = line(&call.customer_connection, kind, true, customer.clone(), view.customer);
    let mut contact = json!({
        "contactId": call.id,
        "initialContactId": call.id,
        "type": "voice",
        "state": state,
        "status": state,
        "connections": [own, other],
        "attributes": attributes,
        "initiationMethod": kind,
        "contactFeatures": {"attachmentsEnabled": false, "multiPartyConferenceEnabled": false},
        "segmentAttributes": {"connect:Subtype": {"ValueString": SUBTYPE}},
        "customerEndpoint": customer,
        "connectSystemEndpoint": endpoint("phone_number", Some(&call.system), None),
    });
    // An outbound contact belongs to the queue it was dialled from and never waited in it.
    contact["queue"] = queue(instance, call.queue.as_ref().unwrap_or(&instance.queues[0]));
    if let Some(queued) = call.queued {
        contact["queueTimestamp"] = date(queued);
    }
    contact
}

fn endpoint(kind: &str, number: Option<&str>, login: Option<&str>) -> Value {
    json!({
        "endpointARN": null,
        "endpointId": null,
        "type": kind,
        "name": null,
        "phoneNumber": number,
        "agentLogin": login,
        "queue": null,
    })
}

/// See the module's text.
pub fn date(at: Timestamp) -> Value {
    json!({"$date": at.as_millisecond()})
}
