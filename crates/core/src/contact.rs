use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ContactId;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    Voice,
    Chat,
    Task,
    Email,
    Messaging,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    Inbound,
    Outbound,
    Internal,
}

/// How far a contact has come. Ordered: a later state never gives way to an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContactState {
    Started,
    Queued,
    Connected,
    /// The customer side ended; the agent may still be in after-contact work.
    Ended,
    /// Over, after-contact work included.
    Completed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordingState {
    Pending,
    Available,
    Deleted,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AgentRef {
    /// The contact center's own id of the agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The name the agent signs in with, for example `nora.quist`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub login: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct QueueRef {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// What one source says about a contact; every member may be unknown.
///
/// One of these is the document of one part (one contact, one [`PartKind`]); merging
/// the parts gives what is known of the contact.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Contact {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root: Option<ContactId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<ContactId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direction: Option<Direction>,
    /// The vendor's word for how the contact began, kept for the record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initiation: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<ContactState>,
    /// The customer's address as the contact center wrote it: a number, `anonymous`, an address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer: Option<String>,
    /// The number dialled (inbound) or shown (outbound).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentRef>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<QueueRef>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queued_at: Option<Timestamp>,
    /// When the agent joined.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connected_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wrapped_up_at: Option<Timestamp>,
    /// Durations in whole seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ring_secs: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue_secs: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub talk_secs: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold_secs: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_contact_secs: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disconnect_reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disposition: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recording: Option<RecordingState>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
}

/// What kind of source a part comes from; the newest version wins within a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartKind {
    /// Early word from the contact center, best effort and unordered.
    Event,
    /// The contact center's final account.
    Record,
    /// What the agent's page saw; enriches, never decides.
    Page,
    /// Fields a flow asked to have on the call log.
    Flow,
    /// Which parties of the CRM the customer is.
    Party,
    Analysis,
    Recording,
    Note,
}

impl PartKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Record => "record",
            Self::Page => "page",
            Self::Flow => "flow",
            Self::Party => "party",
            Self::Analysis => "analysis",
            Self::Recording => "recording",
            Self::Note => "note",
        }
    }
}

/// Orders two accounts of one kind: by `rank`, then by `at`.
///
/// Contact records all have rank 0 and are ordered by their time of last update;
/// contact events are ordered by how far the contact had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Version {
    pub rank: u8,
    pub at: Timestamp,
}
