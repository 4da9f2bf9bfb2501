//! What is known of a contact, from what every source said about it.
//!
//! Two steps, both pure. [`absorb`] takes one change into the part of its kind: contact records
//! replace each other, the newest wins; contact events are joined member by member, each member
//! keeping the word of the event that had come furthest. [`merge`] lays the parts over each other.
//! Whatever the order in which changes arrive, and however often, the contact comes out the same.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tieline_core::{Contact, ContactChange, ContactState, JsonMap, PartKind, PartyMatch, Version, hex};

/// One kind of source's word on a contact, as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptPart {
    pub kind: PartKind,
    pub version: Version,
    /// Its form belongs to the kind; read it with [`merge`], [`party`] or [`flow_fields`].
    pub document: Value,
}

/// Document of [`PartKind::Party`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PartyPart {
    /// The customer's address this was looked up for.
    pub customer: String,
    /// Whom the CRM knows by it, best match first.
    pub matches: Vec<PartyMatch>,
}

/// Document of a kind that is joined member by member.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Joined {
    members: BTreeMap<String, Member>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Member {
    version: Version,
    value: Value,
}

/// Kinds whose word on a contact gives facts, the most trusted first. The page enriches what
/// the contact center said and decides nothing.
const TRUST: [PartKind; 6] = [
    PartKind::Record,
    PartKind::Event,
    PartKind::Recording,
    PartKind::Analysis,
    PartKind::Note,
    PartKind::Page,
];

/// Takes `change` into the part of its kind; `None` when it says nothing new.
pub fn absorb(kept: Option<&KeptPart>, change: &ContactChange) -> Option<KeptPart> {
    match change.kind {
        PartKind::Event | PartKind::Page => join(kept, change),
        _ => {
            if kept.is_some_and(|kept| kept.version >= change.version) {
                return None;
            }
            let document = serde_json::to_value(&change.document).unwrap_or_default();
            Some(KeptPart { kind: change.kind, version: change.version, document })
        }
    }
}

fn join(kept: Option<&KeptPart>, change: &ContactChange) -> Option<KeptPart> {
    let before: Joined = kept.map(|kept| read(&kept.document)).unwrap_or_default();
    let mut members = before.members.clone();
    let Ok(Value::Object(said)) = serde_json::to_value(&change.document) else { return None };
    for (name, value) in said {
        let offered = Member { version: change.version, value };
        match members.get_mut(&name) {
            None => {
                members.insert(name, offered);
            }
            Some(held) if wins(&name, &offered, held) => *held = offered,
            Some(_) => {}
        }
    }
    let version = kept.map_or(change.version, |kept| kept.version.max(change.version));
    if kept.is_some_and(|kept| kept.version == version) && members == before.members {
        return None;
    }
    let document = serde_json::to_value(Joined { members }).unwrap_or_default();
    Some(KeptPart { kind: change.kind, version, document })
}

/// Whether `offered` replaces `held`. A total order, so that joining commutes.
fn wins(name: &str, offered: &Member, held: &Member) -> bool {
    if name == "state" {
        // The furthest state, whoever said it.
        let state = |member: &Member| serde_json::from_value::<ContactState>(member.value.clone()).ok();
        return state(offered) > state(held);
    }
    // The values decide between two events of the same instant: it matters little which, but
    // the same one must win on every machine and in every order.
    (offered.version, offered.value.to_string()) > (held.version, held.value.to_string())
}

fn read<T: Default + for<'de> Deserialize<'de>>(document: &Value) -> T {
    T::deserialize(document).unwrap_or_default()
}

/// Lays the parts over each other and works out what follows from them.
pub fn merge(parts: &[KeptPart]) -> Contact {
    let mut facts = JsonMap::new();
    let mut attributes = JsonMap::new();
    let mut state = None;
    for kind in TRUST {
        let Some(part) = parts.iter().find(|part| part.kind == kind) else { continue };
        let contact = contact_of(part);
        if kind != PartKind::Page {
            state = state.max(contact.state);
        }
        let Ok(Value::Object(said)) = serde_json::to_value(&contact) else { continue };
        for (name, value) in said {
            if name == "attributes" {
                let Value::Object(more) = value else { continue };
                for (name, value) in more {
                    attributes.entry(name).or_insert(value);
                }
            } else {
                fill(&mut facts, name, value);
            }
        }
    }
    facts.insert("attributes".into(), Value::Object(attributes));
    let mut contact: Contact = read(&Value::Object(facts));
    contact.state = state;
    derive(&mut contact);
    contact
}

/// Sets what is still unknown; of an agent or a queue also the id or name alone.
fn fill(facts: &mut JsonMap, name: String, value: Value) {
    match (facts.get_mut(&name), value) {
        (Some(Value::Object(known)), Value::Object(more)) => {
            // The same agent or queue only: one's id must not meet another's name.
            if known.iter().all(|(member, value)| more.get(member).is_none_or(|other| other == value)) {
                for (member, value) in more {
                    known.entry(member).or_insert(value);
                }
            }
        }
        (Some(_), _) => {}
        (None, value) => {
            facts.insert(name, value);
        }
    }
}

fn contact_of(part: &KeptPart) -> Contact {
    match part.kind {
        PartKind::Event | PartKind::Page => {
            let joined: Joined = read(&part.document);
            let members = joined.members.into_iter().map(|(name, member)| (name, member.value)).collect();
            read(&Value::Object(members))
        }
        _ => read(&part.document),
    }
}

/// Durations nobody stated but the times give.
fn derive(contact: &mut Contact) {
    if let (None, Some(connected), Some(ended)) = (contact.talk_secs, contact.connected_at, contact.ended_at)
    {
        contact.talk_secs = Some(whole_secs(connected, ended).saturating_sub(contact.hold_secs.unwrap_or(0)));
    }
    if let (None, Some(ended), Some(wrapped_up)) =
        (contact.after_contact_secs, contact.ended_at, contact.wrapped_up_at)
    {
        contact.after_contact_secs = Some(whole_secs(ended, wrapped_up));
    }
}

/// Whole seconds from one instant to a later one; 0 when it is not later.
pub(crate) fn whole_secs(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.duration_since(from).as_secs()).unwrap_or(0)
}

/// The fields a flow asked for, when one did.
pub fn flow_fields(parts: &[KeptPart]) -> Option<JsonMap> {
    parts.iter().find(|part| part.kind == PartKind::Flow)?.document.as_object().cloned()
}

/// A flow's further wishes laid over its earlier ones.
pub fn flow_part(kept: Option<&KeptPart>, fields: JsonMap, at: Timestamp) -> KeptPart {
    let mut document = kept.and_then(|part| part.document.as_object().cloned()).unwrap_or_default();
    document.extend(fields);
    KeptPart { kind: PartKind::Flow, version: Version { rank: 0, at }, document: Value::Object(document) }
}

/// Whom the CRM knows by the customer's address, when it was asked.
pub fn party(parts: &[KeptPart]) -> Option<PartyPart> {
    let part = parts.iter().find(|part| part.kind == PartKind::Party)?;
    PartyPart::deserialize(&part.document).ok()
}

pub fn party_part(party: &PartyPart, at: Timestamp) -> KeptPart {
    KeptPart {
        kind: PartKind::Party,
        version: Version { rank: 0, at },
        document: serde_json::to_value(party).unwrap_or_default(),
    }
}

/// Lower-case hexadecimal SHA-256 of a document as it is written.
pub fn document_hash(document: &Value) -> String {
    hex(&Sha256::digest(document.to_string().as_bytes()))
}

#[cfg(test)]
mod tests {
    use tieline_core::{AgentRef, ContactId, QueueRef};

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_780_000_000 + second).unwrap()
    }

    fn change(kind: PartKind, rank: u8, second: i64, document: Contact) -> ContactChange {
        let version = Version { rank, at: at(second) };
        ContactChange { contact: ContactId::new("c-42").unwrap(), kind, version, document }
    }

    fn all(changes: &[ContactChange]) -> Contact {
        let mut parts: Vec<KeptPart> = Vec::new();
        for change in changes {
            let place = parts.iter().position(|part| part.kind == change.kind);
            if let Some(part) = absorb(place.map(|place| &parts[place]), change) {
                match place {
                    Some(place) => parts[place] = part,
                    None => parts.push(part),
                }
            }
        }
        merge(&parts)
    }

    #[test]
    fn an_earlier_event_that_comes_late_fills_gaps_and_lowers_nothing() {
        let connected = change(
            PartKind::Event,
            40,
            30,
            Contact {
                state: Some(ContactState::Connected),
                connected_at: Some(at(30)),
                ..Contact::default()
            },
        );
        let started = change(
            PartKind::Event,
            10,
            0,
            Contact {
                state: Some(ContactState::Started),
                customer: Some("+12025550143".into()),
                started_at: Some(at(0)),
                ..Contact::default()
            },
        );
        let contact = all(&[connected, started]);
        assert_eq!(contact.state, Some(ContactState::Connected));
        assert_eq!(contact.customer.as_deref(), Some("+12025550143"));
        assert_eq!(contact.connected_at, Some(at(30)));
    }

    #[test]
    fn the_newest_contact_record_replaces_the_one_before_as_a_whole() {
        let first = Contact { summary: Some("draft".into()), talk_secs: Some(10), ..Contact::default() };
        let second = Contact { talk_secs: Some(12), ..Contact::default() };
        let newest_last =
            [change(PartKind::Record, 0, 1, first.clone()), change(PartKind::Record, 0, 2, second.clone())];
        let newest_first = [change(PartKind::Record, 0, 2, second), change(PartKind::Record, 0, 1, first)];
        for order in [newest_last, newest_first] {
            let contact = all(&order);
            assert_eq!((contact.talk_secs, contact.summary), (Some(12), None));
        }
    }

    #[test]
    fn the_same_record_again_says_nothing_new() {
        let record = change(PartKind::Record, 0, 1, Contact { talk_secs: Some(10), ..Contact::default() });
        let kept = absorb(None, &record).unwrap();
        assert_eq!(absorb(Some(&kept), &record), None);
    }

    #[test]
    fn the_page_enriches_and_does_not_decide() {
        let page = Contact {
            state: Some(ContactState::Completed),
            customer: Some("+12025550147".into()),
            ring_secs: Some(4),
            ..Contact::default()
        };
        let event = Contact {
            state: Some(ContactState::Connected),
            customer: Some("+12025550143".into()),
            ..Contact::default()
        };
        let contact = all(&[change(PartKind::Page, 0, 9, page), change(PartKind::Event, 40, 1, event)]);
        assert_eq!(contact.state, Some(ContactState::Connected));
        assert_eq!(contact.customer.as_deref(), Some("+12025550143"));
        assert_eq!(contact.ring_secs, Some(4));
    }

    #[test]
    fn the_agents_id_and_login_meet_only_when_they_are_the_same_agent() {
        let agent = |id: Option<&str>, login: Option<&str>| {
            Some(AgentRef { id: id.map(Into::into), login: login.map(Into::into) })
        };
        let event = Contact { agent: agent(Some("a-1"), None), ..Contact::default() };
        let same = Contact { agent: agent(Some("a-1"), Some("nora.quist")), ..Contact::default() };
        let other = Contact { agent: agent(Some("a-2"), Some("otto.lund")), ..Contact::default() };
        let contact =
            all(&[change(PartKind::Event, 40, 1, event.clone()), change(PartKind::Page, 0, 2, same)]);
        assert_eq!(contact.agent, agent(Some("a-1"), Some("nora.quist")));
        let contact = all(&[change(PartKind::Event, 40, 1, event), change(PartKind::Page, 0, 2, other)]);
        assert_eq!(contact.agent, agent(Some("a-1"), None));
    }

    #[test]
    fn talk_time_follows_from_the_times_until_somebody_states_it() {
        let event = Contact {
            connected_at: Some(at(10)),
            ended_at: Some(at(100)),
            hold_secs: Some(30),
            queue: Some(QueueRef { id: None, name: Some("Sales".into()) }),
            ..Contact::default()
        };
        assert_eq!(all(&[change(PartKind::Event, 50, 100, event.clone())]).talk_secs, Some(60));
        let record = Contact { talk_secs: Some(58), ..Contact::default() };
        let both = [change(PartKind::Event, 50, 100, event), change(PartKind::Record, 0, 200, record)];
        assert_eq!(all(&both).talk_secs, Some(58));
    }

    #[test]
    fn a_flows_later_wishes_are_laid_over_its_earlier_ones() {
        let fields = |text: &str| serde_json::from_str::<JsonMap>(text).unwrap();
        let first = flow_part(None, fields(r#"{"Subject":"a","Priority":"High"}"#), at(1));
        let second = flow_part(Some(&first), fields(r#"{"Subject":"b"}"#), at(2));
        assert_eq!(flow_fields(&[second]).unwrap(), fields(r#"{"Subject":"b","Priority":"High"}"#));
    }
}
