//! Reading what Amazon Connect writes, whatever its mood.
//!
//! Member names are found in any case (contact events are documented in camelCase, and their
//! samples show PascalCase too); null, empty text and a value of another type all mean absent.

use jiff::Timestamp;
use serde_json::{Map, Value};

/// A JSON object, read tolerantly.
#[derive(Clone, Copy)]
pub(crate) struct Members<'a>(&'a Map<String, Value>);

impl<'a> Members<'a> {
    pub(crate) fn of(value: &'a Value) -> Option<Self> {
        value.as_object().map(Self)
    }

    pub(crate) fn get(self, name: &str) -> Option<&'a Value> {
        let value = self.0.get(name).or_else(|| {
            self.0.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
        })?;
        (!value.is_null()).then_some(value)
    }

    /// Whether there is a member of this name, in this case.
    pub(crate) fn has(self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(crate) fn object(self, name: &str) -> Option<Self> {
        self.get(name).and_then(Self::of)
    }

    pub(crate) fn list(self, name: &str) -> &'a [Value] {
        self.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn text(self, name: &str) -> Option<&'a str> {
        self.get(name)?.as_str().map(str::trim).filter(|text| !text.is_empty())
    }

    /// Whole seconds or another count; fractions are dropped, negative numbers are absent.
    pub(crate) fn count(self, name: &str) -> Option<u64> {
        let value = self.get(name)?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "`as` saturates, and what is negative is gone"
        )]
        let whole = |number: f64| (number >= 0.0).then_some(number as u64);
        value.as_u64().or_else(|| whole(value.as_f64()?)).or_else(|| value.as_str()?.trim().parse().ok())
    }

    /// An instant; the documented samples write one of 1970 for "not yet".
    pub(crate) fn time(self, name: &str) -> Option<Timestamp> {
        let value = self.get(name)?;
        let time = match value {
            Value::String(text) => text.trim().parse().ok(),
            Value::Number(number) => epoch(number.as_f64()?),
            _ => None,
        };
        time.filter(|time| *time >= EARLIEST)
    }

    /// Name and text of every member; other values as they are written in JSON.
    pub(crate) fn texts(self) -> impl Iterator<Item = (&'a str, String)> {
        self.0.iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| {
            (name.as_str(), value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        })
    }
}

/// Amazon Connect is from 2017.
const EARLIEST: Timestamp = Timestamp::constant(1_420_070_400, 0);

/// Seconds, or milliseconds where seconds would lie beyond the year 5000.
#[expect(clippy::cast_possible_truncation, reason = "`as` saturates, and what is out of range is refused")]
fn epoch(number: f64) -> Option<Timestamp> {
    let millis = if number.abs() < 1e11 { number * 1000.0 } else { number };
    Timestamp::from_millisecond(millis as i64).ok()
}

/// The id behind `/<kind>/` of an ARN in any partition:
/// `arn:aws-cn:connect:…:instance/<id>/agent/<id>`. An agent's own queue keeps its `agent/`.
pub(crate) fn arn_id<'a>(arn: &'a str, kind: &str) -> Option<&'a str> {
    let resource = arn.splitn(6, ':').nth(5)?;
    let (_, id) = resource.split_once(&format!("/{kind}/"))?;
    (!id.is_empty()).then_some(id)
}

/// What a contact event says has happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EventType {
    Initiated,
    ConnectedToSystem,
    Queued,
    ConnectedToAgent,
    Disconnected,
    Completed,
    ContactDataUpdated,
    Paused,
    Resumed,
    AmdDisabled,
    WebrtcApi,
    Unknown(String),
}

impl EventType {
    pub(crate) fn read(text: &str) -> Self {
        match text.to_ascii_uppercase().as_str() {
            "INITIATED" => Self::Initiated,
            "CONNECTED_TO_SYSTEM" => Self::ConnectedToSystem,
            "QUEUED" => Self::Queued,
            "CONNECTED_TO_AGENT" => Self::ConnectedToAgent,
            "DISCONNECTED" => Self::Disconnected,
            "COMPLETED" => Self::Completed,
            "CONTACT_DATA_UPDATED" => Self::ContactDataUpdated,
            "PAUSED" => Self::Paused,
            "RESUMED" => Self::Resumed,
            "AMD_DISABLED" => Self::AmdDisabled,
            "WEBRTC_API" => Self::WebrtcApi,
            _ => Self::Unknown(text.to_owned()),
        }
    }
}

/// How a contact came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum InitiationMethod {
    Inbound,
    Outbound,
    Transfer,
    QueueTransfer,
    Callback,
    Api,
    WebrtcApi,
    ExternalOutbound,
    Monitor,
    Disconnect,
    AgentReply,
    Flow,
    CampaignPreview,
    Unknown(String),
}

impl InitiationMethod {
    pub(crate) fn read(text: &str) -> Self {
        match text.to_ascii_uppercase().as_str() {
            "INBOUND" => Self::Inbound,
            "OUTBOUND" => Self::Outbound,
            "TRANSFER" => Self::Transfer,
            "QUEUE_TRANSFER" => Self::QueueTransfer,
            "CALLBACK" => Self::Callback,
            "API" => Self::Api,
            "WEBRTC_API" => Self::WebrtcApi,
            "EXTERNAL_OUTBOUND" => Self::ExternalOutbound,
            "MONITOR" => Self::Monitor,
            "DISCONNECT" => Self::Disconnect,
            "AGENT_REPLY" => Self::AgentReply,
            "FLOW" => Self::Flow,
            "CAMPAIGN_PREVIEW" => Self::CampaignPreview,
            _ => Self::Unknown(text.to_owned()),
        }
    }
}
