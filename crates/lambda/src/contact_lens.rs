//! Contact Lens analyses of finished contacts.
//!
//! A bucket says that an analysis has come; it is read, checked against what may be imported, and
//! written to the contact's analytics record with everything said as an attachment. Several files
//! of one event are independent: one that cannot be imported does not hold up the others.
//!
//! Where `TIELINE_URL` is set the event goes to a server, which does the same: see [`crate::forward`].
//!
//! A contact may have two analyses, one of them redacted. `TIELINE_REDACTED` says which is kept:
//! `prefer` (default): the redacted one replaces the other and is never replaced by it; `only`:
//! the other is not imported; `never`: the redacted one is not.

use serde_json::{Value, json};
use tieline_amazon_connect::{
    ANALYSIS, Analysis, ConnectApi, CreatedObject, Import, LARGEST_ANALYSIS, REDACTED_RECORDING, Redacted,
    Roles, Unseen, analysis_extra, analysis_file, created_objects, is_contact_id, is_redacted_analysis,
    redacted_recording,
};
use tieline_core::ConnectorErrorKind;

use crate::LambdaError;
use crate::analytics::{Analytics, import_setting, state_bucket};
use crate::config::ConfigError;
use crate::context::Context;
use crate::forward;
use crate::lock::{Lock, State, Taken, Work};
use crate::name::Manner;
use crate::wording;

/// Among a contact's finished work: that the redacted analysis is in.
const REDACTED_IN: &str = "lens-redacted";

/// Which of two analyses is kept; `TIELINE_REDACTED`.
pub(crate) fn redacted_policy(context: &Context) -> Result<Redacted, ConfigError> {
    match context.environment.get("TIELINE_REDACTED").unwrap_or_default() {
        "" => Ok(Redacted::default()),
        word => Redacted::named(word).ok_or_else(|| ConfigError::Wrong {
            name: "TIELINE_REDACTED",
            problem: format!("is none of {}", Redacted::NAMES),
        }),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Imported,
    /// Not asked for, or not an analysis of ours.
    Skipped,
}

pub(crate) async fn run(context: &Context, manner: Manner, event: &Value) -> Result<Value, LambdaError> {
    let all = import_setting(context)? == Import::All;
    let enabled = match context.environment.get("CONTACT_LENS_IMPORT_ENABLED") {
        None => manner == Manner::Ours,
        Some(text) => text.eq_ignore_ascii_case("true"),
    };
    let objects = created_objects(event)
        .map_err(|error| LambdaError::new("lambda.malformed_event", error.to_string()))?;
    let may_be_ours = (all || enabled) && objects.iter().any(|it| it.extension().as_deref() == Some("json"));
    if may_be_ours && forward::is_on(&context.environment) {
        let answer = forward::objects(context, manner, event).await?;
        return Ok(if manner == Manner::Legacy { json!({"Done": true}) } else { answer });
    }
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
    let policy = redacted_policy(context)?;
    let is_redacted = is_redacted_analysis(&object.key);
    if !policy.takes(is_redacted) || object.extension().as_deref() != Some("json") {
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
    let mut wants_recording = all;
    if !all {
        let api = ConnectApi::new(context.aws().clone(), instance);
        let attributes = api
            .contact_attributes(contact)
            .await
            .map_err(|error| LambdaError::from(error).during("GetContactAttributes"))?
            .unwrap_or_default();
        let is_on = |name: &str| attributes.get(name).is_some_and(|value| value == "true");
        if !is_on(ANALYSIS) {
            return Ok(Outcome::Skipped);
        }
        wants_recording = is_on(REDACTED_RECORDING);
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
    let unseen = match manner {
        Manner::Ours => Unseen::Unknown,
        Manner::Legacy => Unseen::Guess,
    };
    let recording =
        if wants_recording { redacted_recording(&bucket, &object.key, contact, unseen).await } else { None };
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
    let extra = analysis_extra(analysis, recording.as_deref());
    let mut row = analytics.row("analytics", analysis.document(), &extra)?;
    if recording.as_deref() == Some("") {
        row.fields.insert(analytics.field("RecordingPath__c"), "".into());
    }
    let stands = analytics.write(lock, row).await?;
    let roles = match manner {
        Manner::Ours => Roles::Everybody,
        Manner::Legacy => Roles::Named,
    };
    let file = analysis_file(analysis, roles);
    analytics.attach(&stands, file.as_slice()).await
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
