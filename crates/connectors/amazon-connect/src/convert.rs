//! From contact events and contact records to [`ContactChange`].

use jiff::Timestamp;
use serde_json::Value;
use tieline_core::{
    AgentRef, Channel, ConnectorErrorKind, Contact, ContactChange, ContactId, ContactState, Direction,
    JsonMap, PartKind, QueueRef, RecordingState, SourceDocument, Version,
};

use crate::wire::{EventType, InitiationMethod, Members, arn_id};
use crate::{not_json, refused};

const CONTACT_EVENT: &str = "Amazon Connect Contact Event";

/// What one JSON document says about a contact; `None` when it is genuine and says nothing.
pub(crate) fn changes(
    body: &[u8],
    received_at: Timestamp,
    instance_arn: Option<&str>,
) -> Result<Option<ContactChange>, ConnectorErrorKind> {
    let document: Value = serde_json::from_slice(body).map_err(not_json)?;
    let Some(members) = Members::of(&document) else {
        return Err(refused("NOT_AN_OBJECT", "the delivery is JSON and no object"));
    };
    if let Some(detail_type) = members.text("detail-type") {
        if let Some(detail) = wrapped_record(members) {
            return if is_foreign(detail, instance_arn) {
                Ok(None)
            } else {
                record(detail, received_at).map(Some)
            };
        }
        if !detail_type.eq_ignore_ascii_case(CONTACT_EVENT) {
            return Ok(None);
        }
        let Some(detail) = members.object("detail") else {
            return Err(refused("NO_DETAIL", "the event has no `detail`"));
        };
        if is_foreign(detail, instance_arn) {
            return Ok(None);
        }
        return event(members, detail, received_at).map(Some);
    }
    // Agent events share the stream where it was set up so; they are about no contact.
    if members.get("ContactId").is_none() && members.get("AgentARN").is_some() {
        return Ok(None);
    }
    if is_foreign(members, instance_arn) {
        return Ok(None);
    }
    record(members, received_at).map(Some)
}

/// The contact record in a delivery, whole.
pub(crate) fn documents(
    body: &[u8],
    received_at: Timestamp,
    instance_arn: Option<&str>,
) -> Result<Vec<SourceDocument>, ConnectorErrorKind> {
    let document: Value = serde_json::from_slice(body).map_err(not_json)?;
    let Some(members) = Members::of(&document) else {
        return Err(refused("NOT_AN_OBJECT", "the delivery is JSON and no object"));
    };
    let wrapped = wrapped_record(members);
    let is_record =
        wrapped.is_some() || (members.get("ContactId").is_some() && members.text("detail-type").is_none());
    let members = wrapped.unwrap_or(members);
    if !is_record || is_foreign(members, instance_arn) {
        return Ok(Vec::new());
    }
    let contact = contact_id(members)?;
    let version = record_version(members, received_at);
    Ok(vec![SourceDocument {
        map: "contact-record",
        contact: Some(contact),
        version,
        rank: None,
        document: if wrapped.is_some() { document["detail"].clone() } else { document },
        extra: JsonMap::new(),
        extra_in_region: JsonMap::new(),
        files: Vec::new(),
    }])
}

fn is_foreign(members: Members<'_>, instance_arn: Option<&str>) -> bool {
    match (instance_arn, members.text("instanceArn")) {
        (Some(ours), Some(theirs)) => ours != theirs,
        _ => false,
    }
}

fn contact_id(members: Members<'_>) -> Result<ContactId, ConnectorErrorKind> {
    let Some(id) = members.text("contactId") else {
        return Err(refused("NO_CONTACT_ID", "the delivery names no contact"));
    };
    ContactId::new(id).map_err(|error| refused("BAD_CONTACT_ID", error.to_string()))
}

/// How far the contact had come, and the rank of events that say so. Events that are no step of
/// the contact's life have rank 0: they fill gaps only.
fn step(event: &EventType) -> (u8, Option<ContactState>) {
    match event {
        EventType::Initiated => (10, Some(ContactState::Started)),
        EventType::ConnectedToSystem => (20, Some(ContactState::Started)),
        EventType::Queued => (30, Some(ContactState::Queued)),
        EventType::ConnectedToAgent => (40, Some(ContactState::Connected)),
        EventType::Disconnected => (50, Some(ContactState::Ended)),
        EventType::Completed => (60, Some(ContactState::Completed)),
        EventType::ContactDataUpdated
        | EventType::Paused
        | EventType::Resumed
        | EventType::AmdDisabled
        | EventType::WebrtcApi
        | EventType::Unknown(_) => (0, None),
    }
}

fn event(
    envelope: Members<'_>,
    detail: Members<'_>,
    received_at: Timestamp,
) -> Result<ContactChange, ConnectorErrorKind> {
    let (rank, state) = step(&EventType::read(detail.text("eventType").unwrap_or_default()));
    let at = envelope.time("time").unwrap_or(received_at);
    let mut contact = shared(detail);
    contact.state = state;
    if let Some(queue) = detail.object("queueInfo") {
        contact.queue = queue_ref(queue.text("queueArn"), None);
        contact.queued_at = queue.time("enqueueTimestamp");
        contact.queue_secs = between(contact.queued_at, queue.time("dequeueTimestamp"));
    }
    if let Some(agent) = detail.object("agentInfo") {
        contact.agent = agent_ref(agent.text("agentArn"), None);
        contact.connected_at = agent.time("connectedToAgentTimestamp");
        contact.hold_secs = agent.count("agentInitiatedHoldDuration");
        contact.wrapped_up_at = agent.time("afterContactWorkEndTimestamp");
        contact.after_contact_secs = agent.count("afterContactWorkDuration");
    }
    if contact.queue_secs.is_none() {
        contact.queue_secs = between(contact.queued_at, contact.connected_at);
    }
    Ok(ContactChange {
        contact: contact_id(detail)?,
        kind: PartKind::Event,
        version: Version { rank, at },
        document: contact,
    })
}

fn record(members: Members<'_>, received_at: Timestamp) -> Result<ContactChange, ConnectorErrorKind> {
    let mut contact = shared(members);
    // A record is only sent once the contact is over.
    contact.state = Some(ContactState::Completed);
    if let Some(queue) = members.object("Queue") {
        contact.queue = queue_ref(queue.text("ARN"), queue.text("Name"));
        contact.queued_at = queue.time("EnqueueTimestamp");
        contact.queue_secs = queue.count("Duration");
    }
    if let Some(agent) = members.object("Agent") {
        contact.agent = agent_ref(agent.text("ARN"), agent.text("Username"));
        contact.connected_at = agent.time("ConnectedToAgentTimestamp");
        contact.talk_secs = agent.count("AgentInteractionDuration");
        contact.hold_secs = agent.count("CustomerHoldDuration");
        contact.wrapped_up_at = agent.time("AfterContactWorkEndTimestamp");
        contact.after_contact_secs = agent.count("AfterContactWorkDuration");
    }
    if let Some(attributes) = members.object("Attributes") {
        contact.attributes = attributes.texts().map(|(name, value)| (name.to_owned(), value)).collect();
    }
    let at = record_version(members, received_at);
    Ok(ContactChange {
        contact: contact_id(members)?,
        kind: PartKind::Record,
        version: Version { rank: 0, at },
        document: contact,
    })
}

/// A contact record that a pipe or a bus of somebody's own has put into an event.
fn wrapped_record(members: Members<'_>) -> Option<Members<'_>> {
    let kind = members.text("detail-type")?;
    let detail = members.object("detail").filter(|_| !kind.eq_ignore_ascii_case(CONTACT_EVENT))?;
    // Exactly so: events of other kinds write it otherwise.
    detail.has("ContactId").then_some(detail)
}

fn record_version(members: Members<'_>, received_at: Timestamp) -> Timestamp {
    let said = members.time("LastUpdateTimestamp").or_else(|| members.time("disconnectTimestamp"));
    said.unwrap_or(received_at)
}

/// What events and records say in the same words.
fn shared(members: Members<'_>) -> Contact {
    let channel = members.text("channel").and_then(channel);
    let method = members.text("initiationMethod");
    let initiated = method.map(InitiationMethod::read);
    let started_at = members.time("initiationTimestamp");
    let id = |name: &str| members.text(name).and_then(|id| ContactId::new(id).ok());
    let address = |name: &str| members.object(name).and_then(|e| e.text("address")).map(str::to_owned);
    Contact {
        root: id("initialContactId"),
        previous: id("previousContactId"),
        channel,
        direction: initiated.as_ref().and_then(|method| direction(method, channel, members)),
        initiation: method.map(str::to_owned),
        customer: address("customerEndpoint"),
        system: address("systemEndpoint"),
        started_at,
        ended_at: members.time("disconnectTimestamp"),
        // Only a call the agent dialled says when ringing began and when the customer answered.
        ring_secs: match initiated {
            Some(InitiationMethod::Outbound) => {
                between(started_at, members.time("connectedToSystemTimestamp"))
            }
            _ => None,
        },
        disconnect_reason: members.text("disconnectReason").map(str::to_owned),
        recording: recording(members),
        ..Contact::default()
    }
}

fn channel(text: &str) -> Option<Channel> {
    match text.to_ascii_uppercase().as_str() {
        "VOICE" => Some(Channel::Voice),
        "CHAT" => Some(Channel::Chat),
        "TASK" => Some(Channel::Task),
        "EMAIL" => Some(Channel::Email),
        _ => None,
    }
}

/// Who began, seen from the company; `None` for a method nobody has told us of.
fn direction(method: &InitiationMethod, channel: Option<Channel>, members: Members<'_>) -> Option<Direction> {
    match method {
        InitiationMethod::Inbound | InitiationMethod::WebrtcApi => Some(Direction::Inbound),
        InitiationMethod::Outbound
        | InitiationMethod::Callback
        | InitiationMethod::ExternalOutbound
        | InitiationMethod::AgentReply
        | InitiationMethod::Flow
        | InitiationMethod::CampaignPreview => Some(Direction::Outbound),
        // A call made by the API goes out; a chat or task made by it is the customer's.
        InitiationMethod::Api => Some(match channel {
            Some(Channel::Voice) => Direction::Outbound,
            _ => Direction::Inbound,
        }),
        InitiationMethod::Monitor => Some(Direction::Internal),
        // The next leg of a contact: as the first one, where the segment attributes tell.
        InitiationMethod::Transfer | InitiationMethod::QueueTransfer | InitiationMethod::Disconnect => {
            let told = members.object("segmentAttributes").and_then(|all| all.object("connect:Direction"));
            match told.and_then(|value| value.text("valueString")) {
                Some(text) if text.eq_ignore_ascii_case("OUTBOUND") => Some(Direction::Outbound),
                _ => Some(Direction::Inbound),
            }
        }
        InitiationMethod::Unknown(_) => None,
    }
}

fn queue_ref(arn: Option<&str>, name: Option<&str>) -> Option<QueueRef> {
    let id = arn.and_then(|arn| arn_id(arn, "queue"));
    (id.is_some() || name.is_some())
        .then(|| QueueRef { id: id.map(str::to_owned), name: name.map(str::to_owned) })
}

fn agent_ref(arn: Option<&str>, login: Option<&str>) -> Option<AgentRef> {
    let id = arn.and_then(|arn| arn_id(arn, "agent"));
    (id.is_some() || login.is_some())
        .then(|| AgentRef { id: id.map(str::to_owned), login: login.map(str::to_owned) })
}

/// Of sound or picture: a chat's transcript is listed among the recordings too.
fn recording(members: Members<'_>) -> Option<RecordingState> {
    let legacy = members.object("Recording");
    let all = members.list("Recordings").iter().filter_map(Members::of).chain(legacy);
    let mut found = None;
    for recording in all {
        let medium = recording.text("MediaStreamType").or(recording.text("Type"));
        if medium.is_some_and(|medium| medium.eq_ignore_ascii_case("CHAT")) {
            continue;
        }
        let state = match recording.text("Status").map(str::to_ascii_uppercase).as_deref() {
            Some("AVAILABLE") => RecordingState::Available,
            Some("DELETED") => RecordingState::Deleted,
            _ => RecordingState::Pending,
        };
        // One that can be played counts; else one that is still to come.
        found = match (found, state) {
            (Some(RecordingState::Available), _) | (_, RecordingState::Available) => {
                Some(RecordingState::Available)
            }
            (Some(RecordingState::Pending), _) | (_, RecordingState::Pending) => {
                Some(RecordingState::Pending)
            }
            _ => Some(RecordingState::Deleted),
        };
    }
    found
}

/// Whole seconds between two instants, when both are known and in order.
fn between(from: Option<Timestamp>, to: Option<Timestamp>) -> Option<u64> {
    u64::try_from(to?.duration_since(from?).as_secs()).ok()
}
