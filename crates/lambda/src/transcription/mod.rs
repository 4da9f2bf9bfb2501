//! Transcription of recordings, from the start of a job to what is known of its text.
//!
//! A finished call's record starts a job ([`start`]), the job's end brings the transcript
//! ([`result`]): Amazon Transcribe says it through EventBridge, so nothing polls. For those who
//! keep the reference's state machine, [`submit`] and [`status`] are its two steps in between.

mod result;
mod start;

use jiff::Timestamp;
use serde_json::Value;
use tieline_amazon_connect::{TranscriptionJob, start_transcription, transcription};
use tieline_aws::AwsError;

use crate::LambdaError;
use crate::context::Context;
use crate::name::Manner;
use crate::wording;

pub(crate) use result::run as result;
pub(crate) use start::run as start;

/// The reference's step that starts the job its state machine describes.
pub(crate) async fn submit(context: &Context, manner: Manner, event: &Value) -> Result<Value, LambdaError> {
    let job = TranscriptionJob {
        name: text(event, "jobName")?,
        language: text(event, "languageCode")?,
        media_format: text(event, "mediaFormat")?,
        media: text(event, "fileUri")?,
        output_bucket: text(event, "transcriptDestination")?,
        output_key: event
            .get("outputEncryptionKMSKeyId")
            .and_then(Value::as_str)
            .filter(|key| !key.is_empty()),
        settings: event.get("settings").unwrap_or(&Value::Null),
    };
    let started = start_transcription(context.aws(), &job)
        .await
        .map_err(|error| told(manner, error, ("StartTranscriptionJob", "start_transcription_job")))?;
    // The state machine tries again after a lost answer; the job runs then.
    let started = match started {
        Some(job) => job,
        None => asked(context, manner, job.name).await?,
    };
    Ok(as_recorded(started))
}

/// The reference's step that asks how a job is.
pub(crate) async fn status(context: &Context, manner: Manner, event: &Value) -> Result<Value, LambdaError> {
    Ok(as_recorded(asked(context, manner, text(event, "TranscriptionJobName")?).await?))
}

async fn asked(context: &Context, manner: Manner, name: &str) -> Result<Value, LambdaError> {
    transcription(context.aws(), name)
        .await
        .map_err(|error| told(manner, error, ("GetTranscriptionJob", "get_transcription_job")))
}

/// A call that AWS refused, named as AWS names it or, in the reference's words, as its SDK does.
fn told(manner: Manner, error: AwsError, (ours, theirs): (&str, &str)) -> LambdaError {
    match manner {
        Manner::Ours => LambdaError::from(error).during(ours),
        Manner::Legacy => wording::of_aws(&error, theirs),
    }
}

/// A job as the reference answers it: its times as `2024-02-28T10:07:00.125000+0000`.
fn as_recorded(mut job: Value) -> Value {
    for name in ["CreationTime", "StartTime", "CompletionTime"] {
        let Some(time) = job.get_mut(name) else { continue };
        if let Some(read) = seconds(time) {
            *time = format!("{}+0000", read.strftime("%Y-%m-%dT%H:%M:%S.%6f")).into();
        }
    }
    job
}

/// A time as the JSON protocols write it: seconds since 1970, with a fraction.
#[expect(clippy::cast_possible_truncation, reason = "`as` saturates, and such a time is refused")]
fn seconds(value: &Value) -> Option<Timestamp> {
    let seconds = value.as_f64()?;
    Timestamp::from_microsecond((seconds * 1e6).round() as i64).ok()
}

fn text<'a>(event: &'a Value, name: &str) -> Result<&'a str, LambdaError> {
    event
        .get(name)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
        .ok_or_else(|| LambdaError::new("lambda.malformed_event", format!("the event has no text `{name}`")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn times_are_written_as_the_reference_writes_them() {
        let job = json!({"CreationTime": 1_709_114_820.125, "StartTime": 1_709_114_820, "CompletionTime": "soon", "Other": 5});
        assert_eq!(
            as_recorded(job),
            json!({
                "CreationTime": "2024-02-28T10:07:00.125000+0000", "StartTime": "2024-02-28T10:07:00.000000+0000",
                "CompletionTime": "soon", "Other": 5
            })
        );
        assert_eq!(as_recorded(json!({"StartTime": 1e300})), json!({"StartTime": 1e300}));
        assert_eq!(as_recorded(Value::Null), Value::Null);
    }
}
