//! Puts the analysis of a contact into the bucket, as Contact Lens does after it is over.
//!
//! Written from Amazon Connect Administrator Guide, "Output file locations" and the examples of
//! output files (read 2026-11-21).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::said::{Line, Say, Who, lines};
use super::{chat, tone, voice, wav};
use crate::connect::bucket::{BUCKET, Created, OBJECT_CREATED};
use crate::connect::call::Call;
use crate::connect::center::Center;
use crate::connect::instance::Instance;
use crate::connect::storage::Storage;
use crate::world::{Problem, stable_uuid};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    #[default]
    Voice,
    Chat,
}

/// An analysis to write.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WriteAnalysis {
    /// The id of a contact that is over; the newest such when absent.
    pub contact: Option<String>,
    /// `voice` when absent. There are no chats here: an analysis of one takes the contact's id.
    #[serde(default)]
    pub channel: Channel,
    /// Without the numbers that were said; with a call's recording without them beside it.
    #[serde(default)]
    pub redacted: bool,
    /// What was said; what the call's transcript holds, or a few words about a bill, when absent.
    pub said: Option<Vec<Say>>,
    /// Whether Tieline is told by EventBridge (`Object Created`); it is when absent.
    #[serde(default = "yes")]
    pub deliver: bool,
}

fn yes() -> bool {
    true
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct AnalysisWritten {
    pub bucket: String,
    pub key: String,
    pub contact: String,
    /// What the bucket tells a function.
    pub event: Value,
}

/// What an analysis is about.
pub struct About<'a> {
    pub instance: &'a Instance,
    pub contact: &'a str,
    /// When the agent was there.
    pub began: Timestamp,
    pub redacted: bool,
    /// The key of the recording or transcript that was analysed.
    pub input: String,
}

impl About<'_> {
    pub fn content(&self) -> Value {
        if !self.redacted {
            return json!({"Output": "Raw"});
        }
        json!({
            "Output": "Redacted",
            "RedactionTypes": ["PII"],
            "RedactionTypesMetadata": {"PII": {"RedactionMaskMode": "PII"}},
        })
    }

    pub fn metadata(&self) -> Value {
        json!({
            "InputS3Uri": format!("s3://{BUCKET}/{}", self.input),
            "ContactId": self.contact,
            "InstanceId": self.instance.id,
        })
    }

    pub fn turn_id(&self, place: usize) -> String {
        stable_uuid(0, &format!("connect/turn/{}/{place}", self.contact)).to_string()
    }

    pub fn participant(&self, who: Who) -> String {
        stable_uuid(0, &format!("connect/participant/{}/{}", self.contact, who.role())).to_string()
    }
}

/// Words that put a contact into a category of this instance, whoever says them.
const CATEGORIES: [(&str, &[&str]); 3] = [
    ("Billing", &["bill", "bills", "invoice"]),
    ("Cancellation", &["cancel", "cancellation"]),
    ("Refund", &["refund", "refunds"]),
];

/// The categories a conversation is in, each with the places of the lines that say so.
pub fn categories(lines: &[Line]) -> Vec<(&'static str, Vec<usize>)> {
    let says = |line: &Line, of: &[&str]| tone::words(&line.text).any(|word| of.contains(&word.as_str()));
    CATEGORIES
        .iter()
        .map(|(name, of)| (*name, (0..lines.len()).filter(|place| says(&lines[*place], of)).collect()))
        .filter(|(_, places): &(_, Vec<usize>)| !places.is_empty())
        .collect()
}

/// # Errors
///
/// When there is no such contact, or it is not over.
pub fn write(
    center: &mut Center,
    storage: &Storage,
    ask: &WriteAnalysis,
    now: Timestamp,
) -> Result<AnalysisWritten, Problem> {
    let call = contact(center, ask.contact.as_deref())?;
    let lines = lines(ask.said.as_deref(), Some(call))?;
    let contact = call.id.clone();
    let began = call.joined.unwrap_or(call.started);
    let (folder, kind) = match ask.channel {
        Channel::Voice => ("CallRecordings", "wav"),
        Channel::Chat => ("ChatTranscripts", "json"),
    };
    let input = format!(
        "connect/{}/{folder}/{}/{contact}_{}_UTC.{kind}",
        center.instance.alias,
        began.strftime("%Y/%m/%d"),
        began.strftime("%Y%m%dT%H:%M")
    );
    let about = About { instance: &center.instance, contact: &contact, began, redacted: ask.redacted, input };
    let document = match ask.channel {
        Channel::Voice => voice::analysis(&about, &lines),
        Channel::Chat => chat::analysis(&about, &lines),
    };
    if ask.channel == Channel::Voice {
        storage.put(BUCKET, &about.input, wav::silence(2), now);
        if ask.redacted {
            storage.put(BUCKET, &key(ask, &about, "call_recording_redacted", "wav"), wav::silence(1), now);
        }
    }
    let name = if ask.redacted { "analysis_redacted" } else { "analysis" };
    let key = key(ask, &about, name, "json");
    let text = document.to_string();
    let size = text.len();
    let created = Created { etag: storage.put(BUCKET, &key, text, now), key, size, at: now };
    if ask.deliver {
        center.announce(now, &contact, OBJECT_CREATED, |instance, id| created.event(instance, id));
    }
    let event = created.notification(&center.instance);
    Ok(AnalysisWritten { bucket: BUCKET.to_owned(), key: created.key, contact, event })
}

fn key(ask: &WriteAnalysis, about: &About<'_>, name: &str, kind: &str) -> String {
    let channel = if ask.channel == Channel::Voice { "Voice" } else { "Chat" };
    let redacted = if about.redacted { "/Redacted" } else { "" };
    let (day, time) = (about.began.strftime("%Y/%m/%d"), about.began.strftime("%Y-%m-%dT%H:%M:%SZ"));
    format!("Analysis/{channel}{redacted}/{day}/{}_{name}_{time}.{kind}", about.contact)
}

fn contact<'a>(center: &'a Center, asked: Option<&str>) -> Result<&'a Call, Problem> {
    let Some(id) = asked else {
        let over = center.calls.values().filter(|call| call.ended.is_some());
        return over
            .max_by(|a, b| (a.ended, &a.id).cmp(&(b.ended, &b.id)))
            .ok_or_else(|| Problem::conflict("no contact is over yet"));
    };
    let call = center.calls.get(id).ok_or_else(|| Problem::invalid("there is no such contact"))?;
    if call.ended.is_none() {
        return Err(Problem::conflict("the contact is not over yet"));
    }
    Ok(call)
}
