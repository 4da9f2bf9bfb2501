//! What kind of event a page reports, and by what two reports are one.

use sha2::{Digest, Sha256};
use tieline_core::{AgentRef, ContactChange, ContactState, Direction, PartKind, QueueRef, Version, hex};

use crate::protocol::{self, PageEvent};

/// The stations of a contact's life; all tabs see the same ones.
const LIFE: [&str; 8] =
    ["incoming", "pending", "connecting", "accepted", "connected", "missed", "ended", "destroy"];
/// Events of the agent that every tab sees alike.
const AGENT: [&str; 6] =
    ["init", "state_change", "routable", "not_routable", "offline", "after_contact_work"];

pub(super) fn is_contact_source(source: &str) -> bool {
    matches!(source, "voice_contact" | "callback_contact" | "chat_contact" | "task_contact")
}

/// Part of a contact's life.
pub(super) fn is_life_cycle(source: &str, event: &str) -> bool {
    is_contact_source(source) && LIFE.contains(&event)
}

/// Whether pages send it without being asked: the life cycle, and what a person did.
pub(super) fn always_sent(source: &str, event: &str) -> bool {
    is_life_cycle(source, event) || is_gesture(source, event)
}

/// Something a person did to make something happen.
pub(super) fn is_gesture(source: &str, event: &str) -> bool {
    source == "action" || is_click(source, event)
}

pub(super) fn is_click(source: &str, event: &str) -> bool {
    source == "crm_page" && event == "click_to_dial"
}

/// Two events of one agent with the same key are one event.
///
/// Life-cycle events are known by contact, event and state time, so that all tabs and all
/// reloads speak of the same one; a removal has no state time and happens once. Everything
/// else is known by the page's own id, which a resent event keeps.
pub(super) fn key(event: &PageEvent) -> String {
    let mut hash = Sha256::new();
    let mut add = |text: &str| {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    };
    let source = event.source.as_str();
    let shared = is_life_cycle(source, &event.event) && event.contact.is_some()
        || source == "agent" && AGENT.contains(&event.event.as_str()) && event.state_at.is_some();
    if shared {
        add("state");
        add(source);
        add(&event.event);
        add(event.contact.as_ref().map_or("", |contact| contact.as_str()));
        match event.state_at {
            Some(at) if event.event != "destroy" => add(&at.get().to_string()),
            _ => add(""),
        }
    } else {
        add("id");
        add(event.id.as_str());
    }
    hex(&hash.finalize())
}

/// What the page saw of a contact, as a part of its record; `None` when the event tells nothing of one.
pub(super) fn as_part(
    event: &PageEvent,
    login: Option<&str>,
    received: jiff::Timestamp,
) -> Option<ContactChange> {
    let snapshot = event.snapshot.as_ref()?;
    let state = state_of(&event.event)?;
    let mut contact = facts(snapshot);
    contact.state = Some(state);
    contact.agent = login.map(|login| AgentRef { id: None, login: Some(login.to_owned()) });
    let at = event.state_at.map_or(received, crate::protocol::Millis::at);
    match state {
        ContactState::Connected => contact.connected_at = Some(at),
        ContactState::Ended => contact.ended_at = Some(at),
        ContactState::Completed => contact.wrapped_up_at = Some(at),
        ContactState::Started | ContactState::Queued => {}
    }
    Some(ContactChange {
        contact: snapshot.id.clone(),
        kind: PartKind::Page,
        version: Version { rank: state as u8, at },
        document: contact,
    })
}

fn facts(snapshot: &protocol::Contact) -> tieline_core::Contact {
    tieline_core::Contact {
        channel: Some(snapshot.channel),
        direction: Some(snapshot.direction),
        initiation: snapshot.initiation.clone(),
        // What an outbound call shows as its customer is the number dialled, and that is who it is about.
        customer: snapshot.customer.clone().filter(|_| snapshot.direction != Direction::Internal),
        queue: snapshot.queue.clone().map(|name| QueueRef { id: None, name: Some(name) }),
        attributes: snapshot.attributes.clone(),
        ..tieline_core::Contact::default()
    }
}

fn state_of(event: &str) -> Option<ContactState> {
    match event {
        "incoming" | "pending" | "connecting" | "accepted" => Some(ContactState::Queued),
        "connected" => Some(ContactState::Connected),
        "ended" | "missed" => Some(ContactState::Ended),
        "destroy" => Some(ContactState::Completed),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(text: &str) -> PageEvent {
        serde_json::from_str(text).unwrap()
    }

    fn ringing(id: &str, contact: &str, state_at: i64) -> PageEvent {
        event(&format!(
            r#"{{"n":1,"id":"{id}","source":"voice_contact","event":"connecting","contact":"{contact}","state_at":{state_at},"seen_at":1}}"#
        ))
    }

    #[test]
    fn two_tabs_that_see_the_same_ringing_speak_of_one_event() {
        assert_eq!(key(&ringing("a", "c", 1000)), key(&ringing("b", "c", 1000)));
        assert_ne!(key(&ringing("a", "c", 1000)), key(&ringing("a", "c", 2000)));
        assert_ne!(key(&ringing("a", "c", 1000)), key(&ringing("a", "d", 1000)));
    }

    #[test]
    fn a_removal_happens_once_whatever_time_is_told() {
        let removed = |id: &str, at: &str| {
            event(&format!(
                r#"{{"n":1,"id":"{id}","source":"voice_contact","event":"destroy","contact":"c","seen_at":1{at}}}"#
            ))
        };
        assert_eq!(key(&removed("a", "")), key(&removed("b", r#","state_at":5"#)));
    }

    #[test]
    fn refreshes_views_messages_actions_and_clicks_are_known_by_the_pages_id() {
        for (source, name) in [
            ("voice_contact", "refresh"),
            ("chat_contact", "view_contact"),
            ("chat_contact", "message_received"),
            ("action", ""),
            ("crm_page", "click_to_dial"),
        ] {
            let one = |id: &str| {
                event(&format!(
                    r#"{{"n":1,"id":"{id}","source":"{source}","event":"{name}","contact":"c","state_at":5,"seen_at":1}}"#
                ))
            };
            assert_ne!(key(&one("a")), key(&one("b")), "{source}.{name}");
            assert_eq!(key(&one("a")), key(&one("a")), "{source}.{name}");
        }
    }

    #[test]
    fn texts_that_run_together_are_still_two_keys() {
        let one =
            event(r#"{"n":1,"id":"x","source":"voice_contact","event":"ended","contact":"a1","seen_at":1}"#);
        let two = event(
            r#"{"n":1,"id":"x","source":"voice_contact","event":"ended","contact":"a","state_at":1,"seen_at":1}"#,
        );
        assert_ne!(key(&one), key(&two));
    }
}
