//! The sources and events a flow may wait for, with the words the reference product uses.
//!
//! One table for the check, the editor, and the importer's `--on`.

use serde::Serialize;

/// Something that raises events.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct SourceSpec {
    /// What documents write, for example `voice_contact`.
    pub name: &'static str,
    pub title: &'static str,
    /// The name in the reference product's list of sources, where it has one.
    pub reference: Option<&'static str>,
    /// Empty when the source itself is the event (`action`).
    pub events: &'static [EventSpec],
}

/// One event of a source.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct EventSpec {
    pub name: &'static str,
    pub title: &'static str,
    pub reference: Option<&'static str>,
}

/// Every source, in the order the editor shows them.
pub fn sources() -> &'static [SourceSpec] {
    SOURCES
}

pub fn source(name: &str) -> Option<&'static SourceSpec> {
    SOURCES.iter().find(|source| source.name == name)
}

/// Understands `voice_contact.connecting`, the reference's `Voice Contact.onConnecting`, or `action`.
///
/// `None` when there is no such event.
pub fn parse(text: &str) -> Option<(&'static SourceSpec, Option<&'static EventSpec>)> {
    let (source, event) = match text.split_once(['.', '/']) {
        Some((source, event)) => (source.trim(), Some(event.trim())),
        None => (text.trim(), None),
    };
    let source = SOURCES.iter().find(|spec| {
        // The guide itself often leaves the vendor's name out.
        let short = spec.reference.and_then(|name| name.strip_prefix("Amazon "));
        let shorter = short.and_then(|name| name.strip_prefix("Connect "));
        same(spec.name, spec.reference, source)
            || [short, shorter].into_iter().flatten().any(|name| name.eq_ignore_ascii_case(source))
    })?;
    match event {
        None if source.events.is_empty() => Some((source, None)),
        None => None,
        Some(event) => source
            .events
            .iter()
            .find(|spec| same(spec.name, spec.reference, event))
            .map(|e| (source, Some(e))),
    }
}

fn same(name: &str, reference: Option<&str>, given: &str) -> bool {
    given == name || reference.is_some_and(|reference| reference.eq_ignore_ascii_case(given))
}

const fn event(name: &'static str, title: &'static str, reference: &'static str) -> EventSpec {
    EventSpec { name, title, reference: Some(reference) }
}

/// Life-cycle events that every kind of contact has.
const CONNECTING: EventSpec = event("connecting", "Connecting", "onConnecting");
const CONNECTED: EventSpec = event("connected", "Connected", "onConnected");
const ENDED: EventSpec = event("ended", "Ended", "onEnded");
const REFRESH: EventSpec = event("refresh", "Updated", "onRefresh");
const ACCEPTED: EventSpec = event("accepted", "Accepted", "onAccepted");
const PENDING: EventSpec = event("pending", "Pending", "onPending");
const MISSED: EventSpec = event("missed", "Missed", "onMissed");
const DESTROY: EventSpec = event("destroy", "Removed", "onDestroy");
const INCOMING: EventSpec = event("incoming", "Incoming (queued callback)", "onIncoming");

const SOURCES: &[SourceSpec] = &[
    SourceSpec {
        name: "voice_contact",
        title: "Voice contact",
        reference: Some("Amazon Connect Voice Contact"),
        events: &[INCOMING, CONNECTING, CONNECTED, ENDED, REFRESH, ACCEPTED, PENDING, MISSED, DESTROY],
    },
    SourceSpec {
        name: "callback_contact",
        title: "Queue callback contact",
        reference: Some("Amazon Connect Queue Callback Contact"),
        events: &[INCOMING, CONNECTING, CONNECTED, ENDED, REFRESH, ACCEPTED, PENDING, MISSED, DESTROY],
    },
    SourceSpec {
        name: "chat_contact",
        title: "Chat contact",
        reference: Some("Amazon Connect Chat Contact"),
        events: &[
            CONNECTING,
            CONNECTED,
            ENDED,
            REFRESH,
            ACCEPTED,
            PENDING,
            MISSED,
            DESTROY,
            event("message_received", "Message from the customer", "onMessageReceived"),
            event("message_sent", "Message to the customer", "onMessageSent"),
            event("view_contact", "Brought into view", "onViewContact"),
        ],
    },
    SourceSpec {
        name: "task_contact",
        title: "Task contact",
        reference: Some("Amazon Connect Task Contact"),
        events: &[
            INCOMING,
            CONNECTING,
            CONNECTED,
            ENDED,
            REFRESH,
            ACCEPTED,
            PENDING,
            MISSED,
            DESTROY,
            event("transfer_initiated", "Transfer started", "onTransferInitiated"),
            event("transfer_succeeded", "Transfer succeeded", "onTransferSucceeded"),
            event("transfer_failed", "Transfer failed", "onTransferFailed"),
            event("expiring", "Expires in two hours", "onTaskExpiring"),
            event("expired", "Expired", "onTaskExpired"),
        ],
    },
    SourceSpec {
        name: "agent",
        title: "Agent in the contact center",
        reference: Some("Amazon Connect Agent"),
        events: &[
            event("init", "Signed in", "onInit"),
            event("refresh", "Updated", "onRefresh"),
            event("state_change", "State changed", "onStateChange"),
            event("routable", "Available for contacts", "onRoutable"),
            event("not_routable", "Not available for contacts", "onNotRoutable"),
            event("offline", "Offline", "onOffline"),
            event("error", "System error", "onError"),
            event("after_contact_work", "After-contact work", "onAfterCallWork"),
        ],
    },
    SourceSpec {
        name: "crm_agent",
        title: "Agent in the CRM",
        reference: Some("Salesforce Agent"),
        events: &[
            event("state_change", "State changed", "onStateChange"),
            event("work_accepted", "Work accepted", "onWorkAccepted"),
            event("workload_changed", "Workload changed", "onWorkloadChanged"),
        ],
    },
    SourceSpec {
        name: "crm_page",
        title: "CRM page",
        reference: Some("Salesforce UI"),
        events: &[
            event("click_to_dial", "Phone number clicked", "onClickToDial"),
            event("navigation", "Page changed", "onNavigationChange"),
            event("cadence_work_start", "Sales-cadence call started", "onHvsWorkStart"),
        ],
    },
    SourceSpec {
        name: "initialization",
        title: "Panel",
        reference: Some("Initialization"),
        events: &[event("init", "Ready", "onInit")],
    },
    SourceSpec { name: "action", title: "Action button", reference: Some("CTI Action"), events: &[] },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_holds_the_49_named_events_of_the_reference() {
        // The queue-callback source has no list of its own there; ours is that of voice.
        let named: usize =
            SOURCES.iter().filter(|s| s.name != "callback_contact").map(|s| s.events.len()).sum();
        assert_eq!(named, 49);
    }

    #[test]
    fn our_names_and_the_reference_names_mean_the_same_event() {
        for text in [
            "voice_contact.connecting",
            "Amazon Connect Voice Contact/onConnecting",
            "Voice Contact / onConnecting",
        ] {
            let (source, event) = parse(text).unwrap();
            assert_eq!((source.name, event.unwrap().name), ("voice_contact", "connecting"), "{text}");
        }
        assert!(parse("CTI Action").unwrap().1.is_none());
        assert!(parse("action").is_some());
        assert!(parse("voice_contact").is_none());
        assert_eq!(parse("Connect Agent.onStateChange").unwrap().0.name, "agent");
        assert_eq!(parse("Salesforce Agent.onStateChange").unwrap().0.name, "crm_agent");
        assert!(parse("voice_contact.ringing").is_none());
    }
}
