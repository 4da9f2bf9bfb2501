//! Jobs of Amazon Transcribe that make text of a contact's recording.
//!
//! "Amazon Transcribe API Reference", `StartTranscriptionJob`, `GetTranscriptionJob` (read
//! 2026-11-21).

use http::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tieline_aws::{Aws, AwsCall, AwsError, Service};
use tieline_core::hex;

/// A job to be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TranscriptionJob<'a> {
    pub name: &'a str,
    pub language: &'a str,
    /// For example `wav`.
    pub media_format: &'a str,
    /// `s3://bucket/key`, which means the same in every region and partition.
    pub media: &'a str,
    pub output_bucket: &'a str,
    /// Encrypts the transcript; the bucket's own encryption where there is none.
    pub output_key: Option<&'a str>,
    pub settings: &'a Value,
}

/// The name of the job that transcribes a recording of a contact: the same recording always gets
/// the same name, so a repetition cannot start a second job.
pub fn job_name(contact: &str, recording: &str) -> String {
    let digest = hex(&Sha256::digest(recording.as_bytes()));
    format!("{contact}_{}", &digest[..32])
}

/// The contact a job of ours (or of the reference functions) is about; `None` for others' jobs.
pub fn contact_of_job(name: &str) -> Option<&str> {
    let (contact, rest) = name.split_once('_')?;
    (!contact.is_empty() && !rest.is_empty()).then_some(contact)
}

/// Starts a job; answers it, or `None` when it had been started before.
pub async fn start_transcription(aws: &Aws, job: &TranscriptionJob<'_>) -> Result<Option<Value>, AwsError> {
    let mut body = json!({
        "TranscriptionJobName": job.name,
        "LanguageCode": job.language,
        "MediaFormat": job.media_format,
        "Media": {"MediaFileUri": job.media},
        "OutputBucketName": job.output_bucket,
        "Settings": job.settings,
    });
    if let Some(key) = job.output_key {
        body["OutputEncryptionKMSKeyId"] = key.into();
    }
    // A repetition meets the conflict, so it is safe.
    let call = AwsCall::new(Service::Transcribe, Method::POST, "/")
        .target("Transcribe.StartTranscriptionJob")
        .body(body)
        .repeatable();
    match aws.call(&call).await {
        Ok(mut answer) => Ok(Some(answer["TranscriptionJob"].take())),
        Err(AwsError::Refused { code, .. }) if code == "ConflictException" => Ok(None),
        Err(error) => Err(error),
    }
}

/// Hands a job to the reference's state machine, which submits it and waits for it. The execution
/// has the job's name, so a repetition is the same execution.
///
/// ("AWS Step Functions API Reference", `StartExecution`, read 2026-11-21: a name is taken for 90
/// days, has at most 80 characters, and an execution that runs already is answered as if begun.)
pub async fn start_execution(aws: &Aws, machine: &str, name: &str, input: &Value) -> Result<(), AwsError> {
    let name = if name.len() <= 80 { name.to_owned() } else { hex(&Sha256::digest(name.as_bytes())) };
    let call = AwsCall::new(Service::StepFunctions, Method::POST, "/")
        .target("AWSStepFunctions.StartExecution")
        .body(json!({"stateMachineArn": machine, "name": name, "input": input.to_string()}))
        .repeatable();
    match aws.call(&call).await {
        Err(AwsError::Refused { code, .. }) if code == "ExecutionAlreadyExists" => Ok(()),
        answer => answer.map(drop),
    }
}

/// How a job is.
pub async fn transcription(aws: &Aws, name: &str) -> Result<Value, AwsError> {
    let call = AwsCall::new(Service::Transcribe, Method::POST, "/")
        .target("Transcribe.GetTranscriptionJob")
        .body(json!({"TranscriptionJobName": name}))
        .repeatable();
    Ok(aws.call(&call).await?["TranscriptionJob"].take())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_s_job_has_one_name_that_tells_the_contact() {
        let name = job_name("b7d1f6a2-0c3e-4e58-9a47-51c8e2d0f963", "bucket/key.wav");
        assert_eq!(name, job_name("b7d1f6a2-0c3e-4e58-9a47-51c8e2d0f963", "bucket/key.wav"));
        assert_ne!(name, job_name("b7d1f6a2-0c3e-4e58-9a47-51c8e2d0f963", "bucket/other.wav"));
        assert_eq!(name.len(), 36 + 1 + 32);
        assert_eq!(contact_of_job(&name), Some("b7d1f6a2-0c3e-4e58-9a47-51c8e2d0f963"));
        for other in ["", "x", "_x", "x_"] {
            assert_eq!(contact_of_job(other), None, "{other}");
        }
    }
}
