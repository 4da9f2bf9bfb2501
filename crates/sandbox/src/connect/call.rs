use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::instance::Named;

/// What kind of voice contact every call here is.
pub const SUBTYPE: &str = "connect:Telephony";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Inbound,
    Outbound,
}

/// Where a call stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Waits for an agent.
    Queued,
    /// Offered to [`Call::agent`].
    Ringing,
    /// Outbound: the callee's telephone rings.
    Dialing,
    Talking,
    /// The other side is gone, the agent does after-contact work.
    Wrapping,
    /// Outbound that reached nobody; shown to the agent until cleared.
    Failed,
    Over,
}

/// Why a call ended, in the words of the contact record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    Customer,
    Agent,
    Busy,
    Unanswered,
    Cancelled,
}

impl Ending {
    pub fn reason(self) -> &'static str {
        match self {
            Self::Customer => "CUSTOMER_DISCONNECT",
            Self::Agent => "AGENT_DISCONNECT",
            Self::Busy => "TELECOM_BUSY",
            Self::Unanswered => "TELECOM_UNANSWERED",
            Self::Cancelled => "TELECOM_ORIGINATOR_CANCEL",
        }
    }
}

/// One thing said or pressed, for recording and transcript.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Utterance {
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// `customer` or `agent`.
    pub who: &'static str,
    /// What was said; absent for digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digits: Option<String>,
}

/// How often and how long the customer was on hold.
#[derive(Debug, Clone, Copy, Default)]
pub struct Holds {
    pub since: Option<Timestamp>,
    pub count: u32,
    pub total_ms: i64,
    pub longest_ms: i64,
}

impl Holds {
    pub fn begin(&mut self, at: Timestamp) {
        self.since = Some(at);
        self.count += 1;
    }

    pub fn end(&mut self, at: Timestamp) {
        if let Some(since) = self.since.take() {
            let length = at.as_millisecond() - since.as_millisecond();
            self.total_ms += length;
            self.longest_ms = self.longest_ms.max(length);
        }
    }
}

#[derive(Debug, Clone)]
pub struct Call {
    pub id: String,
    pub direction: Direction,
    /// The other side as the network wrote it: a number, `anonymous`, a SIP address, garbage.
    pub customer: String,
    /// Our number.
    pub system: String,
    /// `None` for outbound calls.
    pub queue: Option<Named>,
    pub attributes: BTreeMap<String, String>,
    /// Only this agent may get it.
    pub wanted: Option<String>,
    pub agent: Option<String>,
    pub phase: Phase,
    /// Since when [`Call::phase`].
    pub since: Timestamp,
    pub started: Timestamp,
    /// Inbound: as started; outbound: when the callee answered.
    pub reached: Option<Timestamp>,
    pub queued: Option<Timestamp>,
    pub dequeued: Option<Timestamp>,
    /// When the agent joined.
    pub joined: Option<Timestamp>,
    pub ended: Option<Timestamp>,
    pub ending: Option<Ending>,
    /// Begin and end of after-contact work.
    pub wrap_up: (Option<Timestamp>, Option<Timestamp>),
    /// When the contact was over, after-contact work included.
    pub completed: Option<Timestamp>,
    pub holds: Holds,
    pub muted: bool,
    /// How many agents it was offered to.
    pub attempts: u32,
    pub customer_connection: String,
    pub agent_connection: String,
    pub transcript: Vec<Utterance>,
    /// `LastUpdateTimestamp` of the newest contact record sent.
    pub recorded: Option<Timestamp>,
}

impl Call {
    /// Whether it still occupies an agent (after-contact work does).
    pub fn is_live(&self) -> bool {
        !matches!(self.phase, Phase::Queued | Phase::Over)
    }

    /// Type of an address in events and records.
    pub fn customer_type(&self) -> &'static str {
        if self.customer.starts_with("sip:") { "VOIP" } else { "TELEPHONE_NUMBER" }
    }

    pub fn initiation(&self) -> &'static str {
        match self.direction {
            Direction::Inbound => "INBOUND",
            Direction::Outbound => "OUTBOUND",
        }
    }

    /// The control API's word for [`Call::phase`] among an agent's contacts.
    pub fn seen_by_agent(&self) -> &'static str {
        match self.phase {
            Phase::Ringing | Phase::Dialing => "connecting",
            Phase::Talking if self.holds.since.is_some() => "hold",
            Phase::Talking => "connected",
            Phase::Wrapping => "ended",
            Phase::Failed | Phase::Queued | Phase::Over => "error",
        }
    }

    /// The control API's word for [`Call::phase`].
    pub fn state(&self) -> &'static str {
        match self.phase {
            Phase::Queued => "queued",
            Phase::Ringing => "ringing",
            Phase::Dialing => "dialing",
            Phase::Talking if self.holds.since.is_some() => "on_hold",
            Phase::Talking => "connected",
            Phase::Wrapping => "after_contact_work",
            Phase::Failed => "failed",
            Phase::Over => "over",
        }
    }
}
