//! The end of a transcription job: the transcript and what is found in it come into the CRM.

use serde_json::{Value, json};
use tieline_amazon_connect::{
    Comprehend, End, Findings, LARGEST_TRANSCRIPT, Transcript, contact_of_job, customer_text, is_contact_id,
    is_our_job, transcript_files, transcript_place,
};
use tieline_core::DeliverySource;

use super::{asked, text};
use crate::LambdaError;
use crate::analytics::Analytics;
use crate::contact_lens::document_error;
use crate::context::Context;
use crate::forward;
use crate::lock::{Lock, State, Taken, Work};
use crate::name::Manner;
use crate::wording;

/// Takes `{TranscriptionJob}` of the reference's state machine, or EventBridge's `Transcribe Job
/// State Change`.
///
/// ("Amazon Transcribe Developer Guide", "Using Amazon EventBridge with Amazon Transcribe", read
/// 2026-11-21: the event has the job's name and status, not where its transcript is.)
pub(crate) async fn run(context: &Context, manner: Manner, event: &Value) -> Result<Value, LambdaError> {
    if forward::is_on(&context.environment) {
        return hand_over(context, manner, event).await;
    }
    if let Some(job) = event.get("TranscriptionJob") {
        return import(context, manner, job).await;
    }
    let Some(detail) = event
        .get("detail")
        .filter(|_| event.get("detail-type").and_then(Value::as_str) == Some("Transcribe Job State Change"))
    else {
        return Err(LambdaError::new(
            "lambda.malformed_event",
            "the event is neither a `TranscriptionJob` nor a `Transcribe Job State Change`",
        ));
    };
    let name = text(detail, "TranscriptionJobName")?;
    // EventBridge tells of every job of the account; ours are named after contact and recording.
    let is_ours = is_our_job(name);
    match detail.get("TranscriptionJobStatus").and_then(Value::as_str) {
        Some("COMPLETED") if is_ours => {
            let job = asked(context, manner, name).await?;
            import(context, manner, &job).await
        }
        Some("FAILED") if is_ours => {
            let job = asked(context, manner, name).await?;
            Err(failed(&job))
        }
        _ => Ok(answer(manner, false, &Findings::default())),
    }
}

/// Tells a server of the job; it asks Transcribe for the rest.
async fn hand_over(context: &Context, manner: Manner, event: &Value) -> Result<Value, LambdaError> {
    let event = match event.get("TranscriptionJob") {
        Some(job) => json!({
            "detail-type": "Transcribe Job State Change",
            "source": "aws.transcribe",
            "detail": {
                "TranscriptionJobName": text(job, "TranscriptionJobName")?,
                // The reference's state machine calls when it is.
                "TranscriptionJobStatus": job.get("TranscriptionJobStatus").unwrap_or(&json!("COMPLETED")),
            },
        }),
        None => event.clone(),
    };
    forward::deliver(context, DeliverySource::Event, event.to_string().into_bytes()).await?;
    Ok(match manner {
        Manner::Legacy => json!({"Done": true}),
        Manner::Ours => json!({"forwarded": 1}),
    })
}

/// Goes to the function's failure destination, where somebody sees it: no repetition helps.
fn failed(job: &Value) -> LambdaError {
    // A reason tells of format, length or rights, never of what was said.
    let reason = job.get("FailureReason").and_then(Value::as_str).unwrap_or("no reason given");
    LambdaError::new(
        "lambda.transcription_failed",
        format!("Amazon Transcribe could not transcribe a recording: {reason}"),
    )
}

async fn import(context: &Context, manner: Manner, job: &Value) -> Result<Value, LambdaError> {
    if job.get("TranscriptionJobStatus").and_then(Value::as_str) == Some("FAILED") {
        return Err(failed(job));
    }
    let name = text(job, "TranscriptionJobName")?;
    let contact = contact_of_job(name).filter(|contact| is_contact_id(contact)).ok_or_else(|| {
        LambdaError::new("lambda.malformed_event", "the job's name does not begin with a contact's id")
    })?;
    let (bucket, key) = transcript_place(job).ok_or_else(|| {
        LambdaError::new(
            "lambda.malformed_event",
            "the job has no `Transcript.TranscriptFileUri` in a bucket",
        )
    })?;
    let bucket = context.aws().bucket(&bucket);
    // Locks lie beside the transcripts.
    let work = Work { task: "result", of: name.to_owned(), theirs: false, codes: None };
    let mut lock = match Lock::take(bucket.clone(), contact, &context.clock, &work).await? {
        Taken::Now(lock) => lock,
        Taken::Done => return Ok(answer(manner, true, &Findings::default())),
    };
    let read = async {
        let gone = || wording::gone(manner, "the transcript is not in the bucket");
        let file = bucket.read(&key, LARGEST_TRANSCRIPT).await?.ok_or_else(gone)?;
        let end = match manner {
            Manner::Ours => End::OfLastWord,
            Manner::Legacy => End::OfFirstWord,
        };
        let transcript = Transcript::parse(&file.bytes, end).map_err(|kind| document_error(&kind))?;
        drop(file);
        write(context, manner, (contact, job), &transcript, &mut lock).await
    };
    match read.await {
        Ok(findings) if findings.is_worth_repeating() => {
            lock.release().await;
            let codes: Vec<&str> = findings.failed.iter().map(|(code, _)| *code).collect();
            Err(LambdaError::new(
                "lambda.analysis_incomplete",
                format!("the transcript is in the CRM, but these analyses failed: {}", codes.join(", ")),
            ))
        }
        Ok(findings) => {
            lock.finish(State::Completed).await?;
            Ok(answer(manner, true, &findings))
        }
        Err(error) => {
            lock.release().await;
            Err(error)
        }
    }
}

fn answer(manner: Manner, done: bool, findings: &Findings) -> Value {
    match manner {
        Manner::Legacy => json!({"Done": done}),
        Manner::Ours => {
            let failed: Vec<&str> = findings.failed.iter().map(|(code, _)| *code).collect();
            json!({"imported": done, "failed_analyses": failed})
        }
    }
}

async fn write(
    context: &Context,
    manner: Manner,
    (contact, job): (&str, &Value),
    transcript: &Transcript,
    lock: &mut Lock,
) -> Result<Findings, LambdaError> {
    let said = customer_text(transcript);
    let findings = if said.is_empty() {
        Findings::default()
    } else {
        let language = job.get("LanguageCode").and_then(Value::as_str).unwrap_or_default();
        let comprehend = Comprehend::new(context.aws().clone(), language);
        Findings::about(&comprehend, &said, lock.codes()).await
    };
    let analytics = Analytics::of(context, manner).await?;
    let mut extra = findings.extra();
    extra.insert("contactId".into(), contact.into());
    let row = analytics.row("transcript", &json!({}), &extra)?;
    let stands = analytics.write(Some(lock), row).await?;
    analytics.attach(&stands, &transcript_files(transcript, &findings)).await?;
    Ok(findings)
}
