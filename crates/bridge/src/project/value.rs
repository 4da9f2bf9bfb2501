//! What a fact is for a contact, as the CRM may be given it.

use serde_json::Value;
use tieline_core::{AgentId, Caller, Channel, Contact, ContactState, Direction, is_unseen};

use super::record::Known;
use super::who::Who;
use crate::merge::whole_secs;
use crate::profile::Fact;

/// The customer's number, when the address is one.
pub fn customer_number(contact: &Contact, region: &str) -> Option<tieline_core::PhoneNumber> {
    let address = contact.customer.as_deref()?;
    Caller::parse(address, Some(region)).number().cloned()
}

/// Whether the contact has ended, so that its log is closed.
pub fn has_ended(contact: &Contact) -> bool {
    contact.state >= Some(ContactState::Ended)
}

pub(super) fn value_of(fact: &Fact, known: &Known<'_>, who: &Who<'_>) -> Option<Value> {
    let contact = known.contact;
    let text = |text: Option<&str>| text.map(str::trim).filter(|text| !text.is_empty()).map(Value::from);
    let word = |word: Option<serde_json::Result<Value>>| word.and_then(Result::ok);
    match fact {
        Fact::Workspace => text(Some(known.workspace.as_str())),
        Fact::Contact => text(Some(known.contact_id.as_str())),
        Fact::Root => text(Some(contact.root.as_ref().unwrap_or(known.contact_id).as_str())),
        Fact::Channel => word(contact.channel.map(serde_json::to_value)),
        Fact::Direction => word(contact.direction.map(serde_json::to_value)),
        Fact::Initiation => text(contact.initiation.as_deref()),
        Fact::State => word(contact.state.map(serde_json::to_value)),
        Fact::Phase => text(Some(if has_ended(contact) { "closed" } else { "open" })),
        Fact::Subject => Some(subject(contact).into()),
        Fact::CustomerNumber => customer_number(contact, known.region).map(|number| number.e164().into()),
        Fact::CustomerAddress => text(contact.customer.as_deref()),
        Fact::CustomerName => text(who.name()),
        Fact::System => text(contact.system.as_deref()),
        Fact::AgentLogin => text(contact.agent.as_ref().and_then(|agent| agent.login.as_deref())),
        Fact::AgentRecord => text(known.agent.map(AgentId::as_str)),
        Fact::Queue => text(contact.queue.as_ref().and_then(|queue| queue.name.as_deref())),
        Fact::StartedAt => contact.started_at.map(instant),
        Fact::StartedOn => {
            contact.started_at.map(|at| at.to_zoned(jiff::tz::TimeZone::UTC).date().to_string().into())
        }
        Fact::QueuedAt => contact.queued_at.map(instant),
        Fact::ConnectedAt => contact.connected_at.map(instant),
        Fact::EndedAt => contact.ended_at.map(instant),
        Fact::RingSecs => contact.ring_secs.map(Value::from),
        Fact::QueueSecs => contact.queue_secs.map(Value::from),
        Fact::TalkSecs => contact.talk_secs.map(Value::from),
        Fact::HoldSecs => contact.hold_secs.map(Value::from),
        Fact::AfterContactSecs => contact.after_contact_secs.map(Value::from),
        Fact::CallSecs => Some(call_secs(contact).into()),
        Fact::Disposition => text(contact.disposition.as_deref()),
        Fact::DisconnectReason => text(contact.disconnect_reason.as_deref()),
        Fact::Recording => word(contact.recording.map(serde_json::to_value)),
        Fact::Summary => text(contact.summary.as_deref()),
        Fact::Person => who.person.as_ref().map(|party| party.record.as_str().into()),
        Fact::Company => who.company.as_ref().map(|party| party.record.as_str().into()),
        Fact::Candidates => who.list().map(Value::from),
        Fact::Record(object) => known.records.get(object).map(|record| record.as_str().into()),
        Fact::Attribute(name) => text(contact.attributes.get(name).map(String::as_str)),
    }
}

/// Milliseconds, always: the CRM compares what it is given with what it holds.
fn instant(at: jiff::Timestamp) -> Value {
    format!("{at:.3}").into()
}

/// From the agent joining to the end, 0 when none did.
fn call_secs(contact: &Contact) -> u64 {
    match (contact.connected_at, contact.ended_at) {
        (Some(connected), Some(ended)) => whole_secs(connected, ended),
        _ => contact.talk_secs.unwrap_or(0).saturating_add(contact.hold_secs.unwrap_or(0)),
    }
}

/// `Voice inbound – Sales`; what is unknown is left out.
fn subject(contact: &Contact) -> String {
    let channel = match contact.channel {
        Some(Channel::Voice) => "Voice",
        Some(Channel::Chat) => "Chat",
        Some(Channel::Task) => "Task",
        Some(Channel::Email) => "Email",
        Some(Channel::Messaging) => "Messaging",
        None => "Contact",
    };
    let mut subject = channel.to_owned();
    match contact.direction {
        Some(Direction::Inbound) => subject.push_str(" inbound"),
        Some(Direction::Outbound) => subject.push_str(" outbound"),
        Some(Direction::Internal) => subject.push_str(" internal"),
        None => {}
    }
    if let Some(queue) = contact.queue.as_ref().and_then(|queue| queue.name.as_deref()) {
        subject.push_str(" – ");
        subject.push_str(queue);
    }
    subject
}

/// Text as it may stand in the CRM: without control and direction characters, no longer than
/// the field. Customers write some of it.
pub(super) fn clean(value: Value, max: Option<usize>) -> Value {
    let Value::String(text) = value else { return value };
    let kept = text.chars().filter(|c| !is_unseen(*c));
    let mut units = 0;
    kept.take_while(|c| {
        units += c.len_utf16();
        max.is_none_or(|max| units <= max)
    })
    .collect::<String>()
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_to_the_field_without_breaking_a_letter() {
        let cut = clean("a😀b".into(), Some(2));
        assert_eq!(cut, "a");
        assert_eq!(clean("a😀b".into(), Some(3)), "a😀");
    }
}
