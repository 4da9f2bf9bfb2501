//! Amazon Transcribe: jobs of `center` as its API shows them.
//!
//! The recording itself is not read and may be missing: what is heard is what the control API
//! says, or what was said on the call.
//!
//! Written from Amazon Transcribe API Reference, `StartTranscriptionJob`, `GetTranscriptionJob`
//! (read 2026-11-21).

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Exception, epoch, without_null};
use crate::connect::center::{Center, Job, NewJob};

/// # Errors
///
/// `ConflictException` for a name that is taken, `BadRequestException` for what cannot be done.
pub fn start(center: &mut Center, request: &Value, now: Timestamp) -> Result<Value, Exception> {
    let asked = read(request)?;
    let region = center.instance.region;
    let taken = "The requested job name already exists. Use a different job name.";
    let job = center.start_job(now, asked).map_err(|_| Exception::bad("ConflictException", taken))?;
    Ok(json!({"TranscriptionJob": described(job, region)}))
}

/// # Errors
///
/// `BadRequestException` when there is no such job.
pub fn show(center: &Center, request: &Value) -> Result<Value, Exception> {
    let name = text(request, "TranscriptionJobName")?;
    let missing = "The requested job couldn't be found. Check the job name and try your request again.";
    let job = center.jobs.get(name).ok_or_else(|| refused(missing))?;
    Ok(json!({"TranscriptionJob": described(job, center.instance.region)}))
}

fn read(request: &Value) -> Result<NewJob, Exception> {
    let name = text(request, "TranscriptionJobName")?;
    let usable = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if name.len() > 200 || !name.chars().all(usable) {
        return Err(refused("TranscriptionJobName has 1 to 200 letters, digits and `._-`"));
    }
    let language = text(request, "LanguageCode")?;
    let media = text(&request["Media"], "MediaFileUri")?;
    if !media.starts_with("s3://") && !media.starts_with("https://") {
        return Err(refused("The S3 URI that you provided isn't valid"));
    }
    let bucket = request["OutputBucketName"].as_str().unwrap_or_default();
    if bucket.is_empty() {
        return Err(refused("the sandbox's service has no bucket of its own: OutputBucketName is missing"));
    }
    let key = match request["OutputKey"].as_str().unwrap_or_default() {
        folder if folder.is_empty() || folder.ends_with('/') => format!("{folder}{name}.json"),
        key => key.to_owned(),
    };
    Ok(NewJob {
        name: name.to_owned(),
        language: language.to_owned(),
        media: media.to_owned(),
        media_format: request["MediaFormat"].as_str().map(str::to_owned),
        bucket: bucket.to_owned(),
        key,
        settings: request.get("Settings").filter(|settings| settings.is_object()).cloned(),
    })
}

fn text<'a>(value: &'a Value, name: &str) -> Result<&'a str, Exception> {
    let text = value[name].as_str().filter(|text| !text.is_empty());
    text.ok_or_else(|| refused(&format!("{name} is missing or no text")))
}

fn refused(message: &str) -> Exception {
    Exception::bad("BadRequestException", message)
}

fn described(job: &Job, region: &str) -> Value {
    let NewJob { name, language, media, media_format, bucket, key, settings } = &job.asked;
    let file = format!("https://s3.{region}.amazonaws.com/{bucket}/{key}");
    let written = job.done.is_some() && job.failure.is_none();
    let mut described = json!({
        "TranscriptionJobName": name,
        "TranscriptionJobStatus": job.status(),
        "LanguageCode": language,
        "MediaFormat": media_format,
        "Media": {"MediaFileUri": media},
        "Transcript": written.then(|| json!({"TranscriptFileUri": file})),
        "CreationTime": epoch(job.started),
        "StartTime": epoch(job.started),
        "CompletionTime": job.done.map(epoch),
        "FailureReason": job.failure,
        "Settings": settings,
    });
    without_null(&mut described);
    described
}
