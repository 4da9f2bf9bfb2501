//! The record of a finished call: its recording is noted in the CRM, and its transcription begins.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tieline_amazon_connect::{
    COMPREHEND, Note, TranscriptionJob, Wanted, is_contact_id, job_name, recording_place, start_execution,
    start_transcription, transcription_settings,
};
use tieline_core::JsonMap;

use crate::LambdaError;
use crate::analytics::{Analytics, import_setting, state_bucket};
use crate::config::ConfigError;
use crate::contact_lens::redacted_policy;
use crate::contact_records;
use crate::context::Context;
use crate::forward;
use crate::lock::{Lock, State, Taken, Work};
use crate::name::Manner;

/// One contact record that came.
struct Arrived {
    /// What a partial-batch answer calls it.
    item: Option<String>,
    record: Result<Value, LambdaError>,
}

/// Takes contact records as the reference's trigger hands them on (`{record}`, base64), as a
/// Kinesis or SQS batch, or as an EventBridge event's `detail`. A batch answers which of its
/// records failed, so that the others are not repeated.
///
/// Where `TIELINE_URL` is set they go to a server, which does the same; it knows those again that
/// the function of contact records has handed over.
pub(crate) async fn run(context: &Context, manner: Manner, event: &Value) -> Result<Value, LambdaError> {
    if forward::is_on(&context.environment) {
        let answer = contact_records::hand_over(context, manner, event).await?;
        let is_of_batch = answer.get("batchItemFailures").is_some();
        return Ok(if is_of_batch { answer } else { done(manner, None) });
    }
    let (is_batch, arrived) = arrived(event)?;
    if !is_batch {
        let Some(one) = arrived.into_iter().next() else { return Ok(done(manner, None)) };
        let job = one_record(context, manner, &one.record?).await?;
        return Ok(done(manner, job.as_deref()));
    }
    let mut failures = Vec::new();
    for one in arrived {
        let outcome = match one.record {
            Ok(record) => one_record(context, manner, &record).await.map(drop),
            Err(error) => Err(error),
        };
        if let Err(error) = outcome {
            tracing::warn!(error = %error.error_type, "A contact's recording was not imported");
            // An empty name would fail the whole batch, and say nothing.
            let Some(item) = one.item.filter(|item| !item.is_empty()) else { return Err(error) };
            failures.push(json!({"itemIdentifier": item}));
        }
    }
    Ok(json!({"batchItemFailures": failures}))
}

fn done(manner: Manner, job: Option<&str>) -> Value {
    match manner {
        Manner::Legacy => json!("Done"),
        Manner::Ours => json!({"job": job}),
    }
}

fn arrived(event: &Value) -> Result<(bool, Vec<Arrived>), LambdaError> {
    if let Some(record) = event.get("record") {
        return Ok((false, vec![Arrived { item: None, record: decoded(record) }]));
    }
    if let Some(records) = event.get("Records").and_then(Value::as_array) {
        let arrived = records
            .iter()
            .map(|record| {
                let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
                match record.get("kinesis") {
                    Some(kinesis) => Arrived {
                        item: text(kinesis.get("sequenceNumber")),
                        record: decoded(kinesis.get("data").unwrap_or(&Value::Null)),
                    },
                    None => Arrived {
                        item: text(record.get("messageId")),
                        record: record
                            .get("body")
                            .and_then(Value::as_str)
                            .and_then(|body| serde_json::from_str::<Value>(body).ok())
                            .map(|body| {
                                body.get("detail").filter(|it| it.is_object()).cloned().unwrap_or(body)
                            })
                            .ok_or_else(malformed),
                    },
                }
            })
            .collect();
        return Ok((true, arrived));
    }
    let record = event.get("detail").filter(|detail| detail.is_object()).unwrap_or(event);
    if !record.is_object() || (record.get("ContactId").is_none() && event.get("detail").is_none()) {
        return Err(malformed());
    }
    Ok((false, vec![Arrived { item: None, record: Ok(record.clone()) }]))
}

fn decoded(data: &Value) -> Result<Value, LambdaError> {
    data.as_str()
        .and_then(|data| STANDARD.decode(data.trim()).ok())
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .ok_or_else(malformed)
}

fn malformed() -> LambdaError {
    LambdaError::new("lambda.malformed_event", "the event holds no contact record that can be read")
}

/// What a contact's attributes and the package's switches ask for.
fn wanted<'a>(context: &'a Context, manner: Manner, record: &'a Value) -> Result<Wanted<'a>, LambdaError> {
    // The reference's trigger looks at these, and either opens both; where we are called without it,
    // we do.
    let is_on = |name: &str| {
        context.environment.get(name).is_none_or(|it| it.is_empty() || it.eq_ignore_ascii_case("true"))
    };
    let is_on = |name: &str| manner == Manner::Legacy || is_on(name);
    let language = context.environment.get("TIELINE_TRANSCRIBE_LANGUAGE");
    let asked = Wanted::of(record, import_setting(context)?, redacted_policy(context)?, language);
    Ok(Wanted {
        note: asked.note.filter(|_| is_on("POSTCALL_RECORDING_IMPORT_ENABLED")),
        language: asked.language.filter(|_| is_on("POSTCALL_TRANSCRIBE_ENABLED")),
    })
}

/// Answers the job it started, where one was wanted.
async fn one_record(
    context: &Context,
    manner: Manner,
    record: &Value,
) -> Result<Option<String>, LambdaError> {
    let Some(contact) = record.get("ContactId").and_then(Value::as_str).filter(|it| !it.is_empty()) else {
        // An agent event on the same stream.
        return Ok(None);
    };
    let wanted = wanted(context, manner, record)?;
    // A record without its recording is an early version: nothing is noted, a later one is welcome.
    let Some(place) = recording_place(record) else { return Ok(None) };
    if wanted.note.is_none() && wanted.language.is_none() {
        return Ok(None);
    }
    if !is_contact_id(contact) {
        return Err(malformed());
    }
    let bucket = state_bucket(context).ok_or(ConfigError::Missing("TRANSCRIPTS_DESTINATION"))?;
    let codes = record
        .get("Attributes")
        .and_then(|attributes| attributes.get(COMPREHEND)?.as_str())
        .map(str::to_owned);
    let work = Work { task: "start", of: place.to_owned(), theirs: true, codes };
    let mut lock = match Lock::take(bucket, contact, &context.clock, &work).await? {
        Taken::Now(lock) => lock,
        Taken::Done => return Ok(None),
    };
    match begin(context, manner, record, (contact, place), &wanted, &mut lock).await {
        Ok(job) => {
            lock.finish(State::InProgress).await?;
            Ok(job)
        }
        Err(error) => {
            lock.release().await;
            Err(error)
        }
    }
}

async fn begin(
    context: &Context,
    manner: Manner,
    record: &Value,
    (contact, place): (&str, &str),
    wanted: &Wanted<'_>,
    lock: &mut Lock,
) -> Result<Option<String>, LambdaError> {
    let environment = &context.environment;
    if let Some(note) = wanted.note {
        let text = |name: &str| environment.get(name).map_or(Value::Null, Value::from);
        let mut extra = JsonMap::from_iter([
            ("instanceId".into(), text("AMAZON_CONNECT_INSTANCE_ID")),
            ("region".into(), text("AMAZON_CONNECT_INSTANCE_REGION")),
        ]);
        if note == Note::WithPlace {
            extra.insert("recordingPath".into(), place.into());
        }
        let analytics = Analytics::of(context, manner).await?;
        let row = analytics.row("recording", record, &extra)?;
        analytics.write(Some(lock), row).await?;
    }
    let Some(language) = wanted.language else { return Ok(None) };
    let job = TranscriptionJob {
        name: &job_name(contact, place),
        language,
        media_format: environment.get("MEDIA_FORMAT").filter(|it| !it.is_empty()).unwrap_or("wav"),
        media: &format!("s3://{place}"),
        output_bucket: environment.get("TRANSCRIPTS_DESTINATION").unwrap_or_default(),
        output_key: environment.get("TRANSCRIPTS_DESTINATION_KMS").filter(|it| !it.is_empty()),
        settings: &transcription_settings(),
    };
    let machine = environment.get("TRANSCRIBE_STATE_MACHINE_ARN").filter(|it| !it.is_empty());
    match machine.filter(|_| manner == Manner::Legacy) {
        Some(machine) => {
            // The reference's role may start its state machine, not a job; it stays in charge.
            start_execution(context.aws(), machine, job.name, &described(context, &job, place))
                .await
                .map_err(|error| LambdaError::from(error).during("StartExecution"))?;
        }
        None => {
            start_transcription(context.aws(), &job)
                .await
                .map_err(|error| LambdaError::from(error).during("StartTranscriptionJob"))?;
        }
    }
    Ok(Some(job.name.to_owned()))
}

/// A job as the reference's state machine takes it.
fn described(context: &Context, job: &TranscriptionJob<'_>, place: &str) -> Value {
    let is_in_china = context.aws().region().is_some_and(|region| region.starts_with("cn-"));
    let uri = if is_in_china { job.media.to_owned() } else { format!("https://s3.amazonaws.com/{place}") };
    json!({
        "jobName": job.name,
        "mediaFormat": job.media_format,
        "fileUri": uri,
        "languageCode": job.language,
        "transcriptDestination": job.output_bucket,
        "outputEncryptionKMSKeyId": job.output_key.unwrap_or_default(),
        "wait_time": context.environment.get("WAIT_TIME").unwrap_or("20"),
        "settings": job.settings,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_of_all_shapes_hold_records() {
        let encoded = STANDARD.encode(r#"{"ContactId":"c-1"}"#);
        let ids = |event: Value| -> Result<Vec<Option<String>>, String> {
            let (_, arrived) = arrived(&event).map_err(|error| error.error_type)?;
            Ok(arrived
                .into_iter()
                .map(|one| {
                    one.record.ok().map(|record| record["ContactId"].as_str().unwrap_or("none").to_owned())
                })
                .collect())
        };
        let c1 = || Ok(vec![Some("c-1".to_owned())]);
        assert_eq!(ids(json!({"async": true, "record": encoded})), c1());
        assert_eq!(ids(json!({"detail-type": "x", "detail": {"ContactId": "c-1"}})), c1());
        assert_eq!(ids(json!({"ContactId": "c-1"})), c1());
        assert_eq!(
            ids(json!({"Records": [
                {"kinesis": {"sequenceNumber": "1", "data": encoded}}, {"kinesis": {"data": "?"}}, {"kinesis": 7},
                {"messageId": "m", "body": "{\"detail\":{\"ContactId\":\"c-1\"}}"}, {"body": "{"}, 7,
            ]})),
            Ok(vec![Some("c-1".into()), None, None, Some("c-1".into()), None, None])
        );
        assert_eq!(ids(json!({"record": "e30="})), Ok(vec![Some("none".into())]));
        for event in [json!({}), json!(null), json!([]), json!({"Records": 7})] {
            assert_eq!(ids(event.clone()), Err("lambda.malformed_event".into()), "{event}");
        }
    }
}
