//! Contact Lens analyses of finished contacts.
//!
//! A bucket says that an analysis has come; it is read, checked against what may be imported, and
//! written to the contact's analytics record with everything said as an attachment. Several files
//! of one event are independent: one that cannot be imported does not hold up the others.
//!
//! A contact may have two analyses, one of them redacted. `TIELINE_REDACTED` says which is kept:
//! `prefer` (default): the redacted one replaces the other and is never replaced by it; `only`:
//! the other is not imported; `never`: the redacted one is not.

use serde_json::{Value, json};
use tieline_amazon_connect::{Analysis, ConnectApi, CreatedObject, Roles, created_objects};
use tieline_aws::Bucket;
use tieline_bridge::map::python_json;
use tieline_core::{ConnectorErrorKind, JsonMap};

use crate::LambdaError;
use crate::analytics::{Analytics, File, imports_all, is_contact_id, state_bucket};
use crate::config::ConfigError;
use crate::context::Context;
use crate::lock::{Lock, State, Taken, Work};
use crate::name::Manner;
use crate::wording;

/// An analysis of a call of hours is a few megabytes.
const LARGEST_ANALYSIS: usize = 32 * 1024 * 1024;

/// Among a contact's finished work: that the redacted analysis is in.
const REDACTED_IN: &str = "lens-redacted";

/// Which of two analyses is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Redacted {
    Prefer,
    Only,
    Never,
}

impl Redacted {
    pub fn of(context: &Context) -> Result<Self, ConfigError> {
        match context.environment.get("TIELINE_REDACTED").unwrap_or_default() {
            "" | "prefer" => Ok(Self::Prefer),
            "only" => Ok(Self::Only),
            "never" => Ok(Self::Never),
            _ => Err(ConfigError::Wrong {
                name: "TIELINE_REDACTED",
                problem: "is none of prefer, only, never".into(),
            }),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Imported,
    /// Not asked for, or not an analysis of ours.
    Skipped,
}

pub(crate) async fn run(context: &Context, manner: Manner, event: &Value) -> Result<Value, LambdaError> {
    let all = imports_all(context)?;
    let enabled = match context.environment.get("CONTACT_LENS_IMPORT_ENABLED") {
        None => manner == Manner::Ours,
        Some(text) => text.eq_ignore_ascii_case("true"),
    };
    let objects = created_objects(event)
        .map_err(|error| LambdaError::new("lambda.malformed_event", error.to_string()))?;
    let (mut imported, mut skipped, mut failures) = (0, 0, Vec::new());
    for object in &objects {
        let outcome =
            if all || enabled { import(context, manner, all, object).await } else { Ok(Outcome::Skipped) };
        match outcome {
            Ok(Outcome::Imported) => imported += 1,
            Ok(Outcome::Skipped) => skipped += 1,
            Err(error) => {
                tracing::warn!(error = %error.error_type, "An analysis was not imported");
                failures.push(error);
            }
        }
    }
    let count = failures.len();
    if let Some(first) = failures.into_iter().next() {
        // What is imported stays imported: the lock knows it when the platform calls again.
        return Err(if objects.len() == 1 {
            first
        } else {
            first.during(&format!("{count} of {} files", objects.len()))
        });
    }
    Ok(match manner {
        Manner::Legacy => json!({"Done": imported > 0}),
        Manner::Ours => json!({"imported": imported, "skipped": skipped}),
    })
}

async fn import(
    context: &Context,
    manner: Manner,
    all: bool,
    object: &CreatedObject,
) -> Result<Outcome, LambdaError> {
    let policy = Redacted::of(context)?;
    let is_redacted = object.key.contains("_analysis_redacted_");
    let unwanted = if is_redacted { policy == Redacted::Never } else { policy == Redacted::Only };
    if unwanted || object.extension().as_deref() != Some("json") {
        return Ok(Outcome::Skipped);
    }
    let bucket = context.aws().bucket(&object.bucket);
    let gone = || wording::gone(manner, "the analysis is not in the bucket any more");
    let file = bucket.read(&object.key, LARGEST_ANALYSIS).await?.ok_or_else(gone)?;
    let analysis = Analysis::parse(&file.bytes).map_err(|kind| document_error(&kind))?;
    let contact = analysis.contact_id();
    if !is_contact_id(contact) {
        return Err(LambdaError::new("lambda.document_malformed", "the analysis has no usable contact id"));
    }
    let instance = match context.environment.get("AMAZON_CONNECT_INSTANCE_ID").filter(|id| !id.is_empty()) {
        Some(instance) if instance == analysis.instance_id() => instance,
        Some(_) => return Ok(Outcome::Skipped),
        None if all => "",
        None => return Err(ConfigError::Missing("AMAZON_CONNECT_INSTANCE_ID").into()),
    };
    let mut redacted_recording = all;
    if !all {
        let api = ConnectApi::new(context.aws().clone(), instance);
        let attributes = api
            .contact_attributes(contact)
            .await
            .map_err(|error| LambdaError::from(error).during("GetContactAttributes"))?
            .unwrap_or_default();
        let is_on = |name: &str| attributes.get(name).is_some_and(|value| value == "true");
        if !is_on("contactLensImportEnabled") {
            return Ok(Outcome::Skipped);
        }
        redacted_recording = is_on("postcallRedactedRecordingImportEnabled");
    }
    let mut lock = match state_bucket(context) {
        None => None,
        Some(state) => {
            let of = format!("{}/{}", object.bucket, object.key);
            let work = Work { task: "lens", of, theirs: false, codes: None };
            match Lock::take(state, contact, &context.clock, &work).await? {
                Taken::Now(lock) => Some(lock),
                Taken::Done => return Ok(Outcome::Imported),
            }
        }
    };
    if policy == Redacted::Prefer
        && !is_redacted
        && lock.as_ref().is_some_and(|lock| lock.is_marked(REDACTED_IN))
    {
        if let Some(lock) = lock {
            lock.finish(State::Completed).await?;
        }
        return Ok(Outcome::Skipped);
    }
    let recording =
        if redacted_recording { recording_path(&bucket, &object.key, contact, manner).await } else { None };
    let written = write(context, manner, &analysis, recording, lock.as_mut()).await;
    match (written, lock) {
        (Ok(()), Some(mut lock)) => {
            if is_redacted {
                lock.mark(REDACTED_IN);
            }
            lock.finish(State::Completed).await?;
        }
        (Ok(()), None) => {}
        (Err(error), lock) => {
            if let Some(lock) = lock {
                lock.release().await;
            }
            return Err(error);
        }
    }
    Ok(Outcome::Imported)
}

async fn write(
    context: &Context,
    manner: Manner,
    analysis: &Analysis,
    recording: Option<String>,
    lock: Option<&mut Lock>,
) -> Result<(), LambdaError> {
    let analytics = Analytics::of(context, manner).await?;
    let mut row = analytics.row("analytics", analysis.document(), &extra(analysis, recording.as_deref()))?;
    if recording.as_deref() == Some("") {
        row.fields.insert(analytics.field("RecordingPath__c"), "".into());
    }
    let stands = analytics.write(lock, row).await?;
    let roles = match manner {
        Manner::Ours => Roles::Everybody,
        Manner::Legacy => Roles::Named,
    };
    let said = analysis.utterances(roles);
    if said.is_empty() {
        return Ok(());
    }
    let file = File {
        name: "ContactLensTranscripts.json",
        description: "Contact Lens Transcripts",
        text: python_json(&Value::Array(said)),
    };
    analytics.attach(&stands, &[file]).await?;
    Ok(())
}

/// What the map takes beside the document. Lists and objects are text here already: one that is
/// there and empty is sent, one that is missing is not.
fn extra(analysis: &Analysis, recording: Option<&str>) -> JsonMap {
    let mut extra = analysis.facts();
    for value in extra.values_mut() {
        if value.is_array() || value.is_object() {
            *value = python_json(value).into();
        }
    }
    extra.insert("dataSource".into(), "Contact_Lens".into());
    if let Some(recording) = recording {
        extra.insert("recordingPath".into(), recording.into());
    }
    extra
}

/// Where the redacted recording that belongs to an analysis is, as `bucket/key`.
///
/// Its key follows from the analysis's. Whether it is there is asked; where it is not, or not yet,
/// ours say nothing, and the reference's name gives the key it will have, or an empty text where
/// the analysis is stored under a name of its own.
async fn recording_path(bucket: &Bucket, key: &str, contact: &str, manner: Manner) -> Option<String> {
    let place = match (Place::of(key, contact), manner) {
        (Some(place), _) => place,
        // Somebody's own name: the reference looks through all there are.
        (None, Manner::Legacy) if parts(key, contact).is_none() => {
            Place::Below("Analysis/Voice/Redacted".into())
        }
        (None, _) => return None,
    };
    if let Place::At { key, .. } = &place {
        match bucket.head(key).await {
            Ok(Some(_)) => return Some(format!("{}/{key}", bucket.name())),
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "Whether a redacted recording is there could not be asked"),
        }
    }
    let (Place::At { prefix, .. } | Place::Below(prefix)) = &place;
    let wanted = format!("{contact}_call_recording_redacted_");
    let found = match bucket.list(prefix, 1000).await {
        Ok((objects, _)) => objects
            .into_iter()
            .map(|object| object.key)
            .find(|key| key.split_once(&wanted).is_some_and(|(_, rest)| rest.strip_suffix(".wav").is_some())),
        Err(error) => {
            tracing::warn!(%error, "Redacted recordings could not be listed");
            None
        }
    };
    match (found, place, manner) {
        (Some(key), ..) | (None, Place::At { key, .. }, Manner::Legacy) => {
            Some(format!("{}/{key}", bucket.name()))
        }
        (None, Place::Below(_), Manner::Legacy) => Some(String::new()),
        (None, _, Manner::Ours) => None,
    }
}

/// Where to look for a redacted recording.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    At {
        key: String,
        /// Of all redacted recordings of the contact on that day.
        prefix: String,
    },
    Below(String),
}

impl Place {
    /// `None` for a chat, which has no recording, and for a key that says nothing of a call.
    fn of(key: &str, contact: &str) -> Option<Self> {
        if let Some((root, channel, day, stamp)) = parts(key, contact) {
            if channel == "Chat" {
                return None;
            }
            let prefix = format!("{root}Analysis/Voice/Redacted/{day}/{contact}_call_recording_redacted_");
            return Some(Self::At { key: format!("{prefix}{stamp}.wav"), prefix });
        }
        let (_, after) = key.split_once("/Voice")?;
        let between = &after[..after.find(contact)?];
        Some(Self::Below(format!("Analysis/Voice/Redacted{between}")))
    }
}

/// What stands before `Analysis/`, the channel, the day and the time of
/// `Analysis/(Voice|Chat)[/Redacted]/YYYY/MM/DD/{contact}_analysis[_redacted]_{time}Z.json`.
fn parts<'a>(key: &'a str, contact: &str) -> Option<(&'a str, &'a str, &'a str, &'a str)> {
    let start = if key.starts_with("Analysis/") { 0 } else { key.find("/Analysis/")? + 1 };
    let (root, rest) = key.split_at(start);
    let (channel, rest) = rest.strip_prefix("Analysis/")?.split_once('/')?;
    let rest = rest.strip_prefix("Redacted/").unwrap_or(rest);
    let (day, name) = rest.rsplit_once('/')?;
    let name = name.strip_prefix(contact)?.strip_prefix("_analysis_")?;
    let stamp = name.strip_prefix("redacted_").unwrap_or(name).strip_suffix(".json")?;
    (matches!(channel, "Voice" | "Chat")
        && has_shape(day, "0000/00/00")
        && has_shape(stamp, "0000-00-00T00:00:00Z"))
    .then_some((root, channel, day, stamp))
}

/// Whether `text` is `shape` with any digits for its zeros.
fn has_shape(text: &str, shape: &str) -> bool {
    text.len() == shape.len()
        && text.bytes().zip(shape.bytes()).all(|(a, b)| if b == b'0' { a.is_ascii_digit() } else { a == b })
}

/// A document that cannot be read, without a word of it.
pub(crate) fn document_error(kind: &ConnectorErrorKind) -> LambdaError {
    LambdaError::new(
        "lambda.document_malformed",
        match kind {
            ConnectorErrorKind::Rejected { message, .. } => message.clone(),
            ConnectorErrorKind::Malformed { source, .. } => {
                format!("the file is no JSON (line {}, column {})", source.line(), source.column())
            }
            _ => "the file cannot be read".into(),
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(key: &str) -> Option<String> {
        match Place::of(key, "c-1")? {
            Place::At { key, .. } => Some(key),
            Place::Below(prefix) => Some(format!("below {prefix}")),
        }
    }

    #[test]
    fn a_redacted_recording_s_key_follows_from_the_analysis_s() {
        let recording =
            "Analysis/Voice/Redacted/2024/02/28/c-1_call_recording_redacted_2024-02-28T10:10:00Z.wav";
        for (key, expected) in [
            ("Analysis/Voice/2024/02/28/c-1_analysis_2024-02-28T10:10:00Z.json", Some(recording.to_owned())),
            (
                "Analysis/Voice/Redacted/2024/02/28/c-1_analysis_redacted_2024-02-28T10:10:00Z.json",
                Some(recording.to_owned()),
            ),
            (
                "connect/x/Analysis/Voice/2024/02/28/c-1_analysis_2024-02-28T10:10:00Z.json",
                Some(format!("connect/x/{recording}")),
            ),
            ("Analysis/Chat/2024/02/28/c-1_analysis_2024-02-28T10:10:00Z.json", None),
            ("Analysis/Chat/Redacted/2024/02/28/c-1_analysis_redacted_2024-02-28T10:10:00Z.json", None),
            // Names of another form are looked for.
            (
                "Analysis/Voice/2024/02/28/c-1_analysis_20240228T10:10_UTC.json",
                Some("below Analysis/Voice/Redacted/2024/02/28/".into()),
            ),
            ("Analysis/Voice/c-1.json", Some("below Analysis/Voice/Redacted/".into())),
            ("other/c-1.json", None),
            ("Analysis/Voice/2024/02/28/c-2.json", None),
            ("Analysis/Voicé/c-1_analysis_2024-02-28T10:10:00Z.json", None),
        ] {
            assert_eq!(at(key), expected, "{key}");
        }
    }
}
