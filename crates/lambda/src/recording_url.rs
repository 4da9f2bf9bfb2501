//! An address by which one recording can be played for a short while.
//!
//! Ours signs for S3 (SigV4), and only what lies in the folders of this instance
//! (`TIELINE_RECORDINGS_BUCKET`, `TIELINE_RECORDINGS_PREFIX`). It is asked with a contact
//! (`contactId`, `connectedAt`) or a path (`path`, as a contact record's `Recording.Location` has
//! it); the members may stand in the event itself or among a contact flow's parameters.
//!
//! The reference's signs for a CloudFront distribution. Unlike it, this one signs nothing outside
//! of the recordings' folders (serverless.md §15.1 S9), and takes keys in every PEM form.

use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};
use tieline_amazon_connect::recordings::{LONGEST_LIFE, Layout, Recordings, USUAL_LIFE, Which, id_of};
use tieline_aws::{Secrets, playable_by_browsers, sign_cloudfront};
use tieline_core::{RecordingError, next_poll};

use crate::LambdaError;
use crate::config::{ConfigError, Environment};
use crate::context::Context;
use crate::name::Manner;

/// How long the reference's addresses live; it is also the most ours may.
const REFERENCE_LIFE: Duration = LONGEST_LIFE;

pub(crate) async fn run(context: &Context, manner: Manner, event: &Value) -> Result<Value, LambdaError> {
    match manner {
        Manner::Ours => ours(context, event).await,
        Manner::Legacy => legacy(context, event).await,
    }
}

impl From<RecordingError> for LambdaError {
    fn from(error: RecordingError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

async fn ours(context: &Context, event: &Value) -> Result<Value, LambdaError> {
    let environment = &context.environment;
    let bucket_name = environment.required("TIELINE_RECORDINGS_BUCKET")?;
    let layout = Layout::new(
        environment.required("TIELINE_RECORDINGS_PREFIX")?,
        environment.text("TIELINE_RECORDINGS_REDACTED_PREFIX"),
    );
    let life = asked_life(event, life(environment, USUAL_LIFE)?)?;
    let mut bucket = context.aws().bucket(bucket_name);
    if let Some(region) = environment.text("TIELINE_RECORDINGS_REGION") {
        bucket = bucket.in_region(region);
    }
    let recordings = Recordings::new(bucket, layout.clone(), which(environment)?);
    let now = context.clock.now();

    if let Some(path) = member(event, "path") {
        if member(event, "bucket").is_some_and(|bucket| bucket != bucket_name) {
            return Err(RecordingError::NotOurs.into());
        }
        // `Recording.Location` begins with the bucket.
        let key = path.strip_prefix(bucket_name).and_then(|rest| rest.strip_prefix('/')).unwrap_or(path);
        let url = recordings.address(key, life).await?;
        let read = layout.read(key);
        let mut answer = available(&url, life, now);
        answer.insert("recording_id".into(), id_of(key).into());
        if let Some(read) = read {
            answer.insert("contact_id".into(), read.contact.into());
            answer.insert("redacted".into(), read.redacted.to_string().into());
        }
        return Ok(Value::Object(answer));
    }

    let contact = member(event, "contactId")
        .or_else(|| event.pointer("/Details/ContactData/ContactId").and_then(Value::as_str))
        .ok_or_else(|| {
            LambdaError::new("recording.invalid_contact", "give `contactId`, or `path` of a recording")
        })?;
    let connected = member(event, "connectedAt").map(str::parse::<Timestamp>).transpose().map_err(|_| {
        LambdaError::new("recording.bad_request", "`connectedAt` is no time such as 2026-01-15T12:30:00Z")
    })?;
    let found = recordings.find(contact, connected.unwrap_or(now)).await?;
    let Some(first) = found.first() else {
        // Amazon Connect puts a recording there some minutes after the call.
        let next = next_poll(connected.unwrap_or(now), now);
        let state = if next.is_some() { "pending" } else { "missing" };
        let mut answer = Map::from_iter([("state".to_owned(), state.into())]);
        if let Some(next) = next {
            answer.insert("next_look_at".into(), next.to_string().into());
        }
        return Ok(Value::Object(answer));
    };
    let url = recordings.address(&first.key, life).await?;
    let mut answer = available(&url, life, now);
    answer.insert("recording_id".into(), first.recording.id.clone().into());
    answer.insert("contact_id".into(), contact.into());
    answer.insert("redacted".into(), first.recording.redacted.to_string().into());
    // More than one asks for a person's choice: the list of the server's API shows them all.
    answer.insert("count".into(), found.len().to_string().into());
    Ok(Value::Object(answer))
}

fn available(url: &str, life: Duration, now: Timestamp) -> Map<String, Value> {
    let until = now.checked_add(life).unwrap_or(Timestamp::MAX);
    let answer = json!({"state": "available", "url": url, "expires_at": until.to_string()});
    match answer {
        Value::Object(answer) => answer,
        _ => Map::new(),
    }
}

/// A text of the event, or of the parameters of a contact flow.
fn member<'a>(event: &'a Value, name: &str) -> Option<&'a str> {
    [event.get(name), event.pointer("/Details/Parameters").and_then(|parameters| parameters.get(name))]
        .into_iter()
        .flatten()
        .find_map(Value::as_str)
        .filter(|text| !text.is_empty())
}

fn which(environment: &Environment) -> Result<Which, ConfigError> {
    let name = environment.text("TIELINE_RECORDINGS_SHOW").unwrap_or("raw");
    Which::named(name).ok_or_else(|| ConfigError::Wrong {
        name: "TIELINE_RECORDINGS_SHOW",
        problem: "is none of raw, redacted, both".into(),
    })
}

/// `TIELINE_RECORDINGS_EXPIRES`, in whole seconds, 1 to 3600.
fn life(environment: &Environment, usual: Duration) -> Result<Duration, ConfigError> {
    let Some(text) = environment.text("TIELINE_RECORDINGS_EXPIRES") else { return Ok(usual) };
    match text.parse::<u64>().map(Duration::from_secs) {
        Ok(life) if !life.is_zero() && life <= LONGEST_LIFE => Ok(life),
        _ => Err(ConfigError::Wrong {
            name: "TIELINE_RECORDINGS_EXPIRES",
            problem: "is no number of seconds from 1 to 3600".into(),
        }),
    }
}

/// A caller may ask for less than the setting (`expires`, in seconds), never for more.
fn asked_life(event: &Value, most: Duration) -> Result<Duration, LambdaError> {
    let asked = match event.get("expires") {
        Some(Value::Number(number)) => number.as_u64(),
        _ => match member(event, "expires") {
            None => return Ok(most),
            Some(text) => text.parse().ok(),
        },
    };
    match asked {
        Some(seconds) if seconds > 0 => Ok(Duration::from_secs(seconds).min(most)),
        _ => Err(LambdaError::new("recording.bad_request", "`expires` is no number of seconds")),
    }
}

/// What the reference's function needs to sign.
pub(crate) struct CloudFront {
    key_pair: String,
    private_key: SecretString,
}

impl CloudFront {
    async fn read(context: &Context) -> Result<Self, LambdaError> {
        let id = context.environment.required("SF_CREDENTIALS_SECRETS_MANAGER_ARN")?;
        let text = Secrets::new(context.aws().clone())
            .read(id)
            .await
            .map_err(|error| LambdaError::new("Exception", error.to_string()))?;
        // The parser's message may quote the secret.
        let secret: Map<String, Value> = serde_json::from_str(text.expose_secret())
            .map_err(|_| LambdaError::new("Exception", "the secret is no JSON object"))?;
        let text = |name: &str| {
            let found = secret.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
            found.ok_or_else(|| LambdaError::new("Exception", format!("the secret has no `{name}`")))
        };
        Ok(Self {
            private_key: SecretString::from(text("CloudFrontPrivateKey")?),
            key_pair: text("CloudFrontAccessKeyID")?.to_owned(),
        })
    }
}

async fn legacy(context: &Context, event: &Value) -> Result<Value, LambdaError> {
    let Some(given) = member(event, "recordingPath").filter(|path| *path != "null") else {
        return Ok(Value::Null);
    };
    let environment = &context.environment;
    let path = reference_path(given);
    if !playable_by_browsers(&path) {
        return Err(RecordingError::UnsafeName.into());
    }
    let ours = match environment.text("TIELINE_RECORDINGS_PREFIX") {
        Some(prefix) => {
            Layout::new(prefix, environment.text("TIELINE_RECORDINGS_REDACTED_PREFIX")).holds(&path)
        }
        None => path.starts_with("connect/") || path.starts_with("Analysis/"),
    };
    if !ours {
        return Err(RecordingError::NotOurs.into());
    }
    let domain = environment.required("CLOUDFRONT_DISTRIBUTION_DOMAIN_NAME")?;
    let life = life(environment, REFERENCE_LIFE)?;
    let cloudfront = context.cloudfront.get_or_try_init(|| CloudFront::read(context)).await?;
    let until = context.clock.now().checked_add(life).unwrap_or(Timestamp::MAX);
    let url =
        sign_cloudfront(domain, &path, until, &cloudfront.key_pair, cloudfront.private_key.expose_secret())
            .map_err(|error| LambdaError::new("Exception", error.to_string()))?;
    Ok(Value::String(url))
}

/// Everything after the first `/connect/`, else after the first `/Analysis/`: the bucket's name in
/// front is no part of the distribution's address (serverless.md §11.1).
fn reference_path(given: &str) -> String {
    for folder in ["connect", "Analysis"] {
        if let Some((_, rest)) = given.split_once(&format!("/{folder}/")) {
            return format!("{folder}/{rest}");
        }
    }
    given.to_owned()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tieline_core::FixedClock;

    use super::*;

    const K: &str =
        "connect/acme/CallRecordings/2024/01/15/0123abcd-4567-89ab-cdef-0123456789ab_20240115T12:30_UTC.wav";

    fn context(changes: &[(&str, &str)]) -> Context {
        let variables = [
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
            ("TIELINE_RECORDINGS_BUCKET", "connect-0123456789ab"),
            ("TIELINE_RECORDINGS_PREFIX", "connect/acme/CallRecordings"),
            ("SF_CREDENTIALS_SECRETS_MANAGER_ARN", "sf"),
            ("CLOUDFRONT_DISTRIBUTION_DOMAIN_NAME", "d111111abcdef8.cloudfront.net"),
        ];
        let environment = variables.iter().chain(changes).copied().collect();
        Context::new(environment, Arc::new(FixedClock("2024-01-15T12:34:56Z".parse().unwrap())))
    }

    async fn asked(event: Value) -> Result<Value, LambdaError> {
        run(&context(&[]), Manner::Ours, &event).await
    }

    #[tokio::test]
    async fn a_path_of_ours_is_signed_for_five_minutes() {
        let location = format!("connect-0123456789ab/{K}");
        for event in [
            json!({"path": K}),
            json!({"path": location, "bucket": "connect-0123456789ab"}),
            json!({"Details": {"Parameters": {"path": K, "expires": "9999"}}}),
        ] {
            let answer = asked(event).await.unwrap();
            let url = answer["url"].as_str().unwrap();
            assert!(url.starts_with("https://connect-0123456789ab.s3.us-east-1.amazonaws.com/connect/acme/CallRecordings/2024/01/15/0123abcd-4567-89ab-cdef-0123456789ab_20240115T12%3A30_UTC.wav?response-cache-control=no-store&response-content-type=audio%2Fwav&X-Amz-Algorithm="), "{url}");
            assert!(url.contains("&X-Amz-Date=20240115T123456Z&X-Amz-Expires=300&"), "{url}");
            assert_eq!(answer["expires_at"], "2024-01-15T12:39:56Z");
            assert_eq!(answer["contact_id"], "0123abcd-4567-89ab-cdef-0123456789ab");
            assert_eq!(answer["redacted"], "false");
        }
        let short = asked(json!({"path": K, "expires": 60})).await.unwrap();
        assert!(short["url"].as_str().unwrap().contains("X-Amz-Expires=60&"));
    }

    #[tokio::test]
    async fn what_is_not_this_instance_s_is_not_signed() {
        for (event, code) in [
            (json!({"path": "connect/other/CallRecordings/2024/01/15/x.wav"}), "recording.not_ours"),
            (json!({"path": "backups/customers.csv"}), "recording.not_ours"),
            (json!({"path": K, "bucket": "another"}), "recording.not_ours"),
            (json!({"path": format!("another/{K}")}), "recording.not_ours"),
            (json!({"path": "connect/acme/CallRecordings/../../../x.wav"}), "recording.unsafe_name"),
            (json!({"path": "connect/acme/CallRecordings//x.wav"}), "recording.unsafe_name"),
            (json!({"contactId": "../../x"}), "recording.invalid_contact"),
            (json!({"contactId": 7}), "recording.invalid_contact"),
            (json!({"path": K, "expires": "soon"}), "recording.bad_request"),
            (json!([]), "recording.invalid_contact"),
        ] {
            assert_eq!(asked(event.clone()).await.unwrap_err().error_type, code, "{event}");
        }
    }

    #[tokio::test]
    async fn a_setting_that_is_wrong_is_named() {
        for (name, value) in [("TIELINE_RECORDINGS_EXPIRES", "7200"), ("TIELINE_RECORDINGS_SHOW", "all")] {
            let error = run(&context(&[(name, value)]), Manner::Ours, &json!({"path": K})).await.unwrap_err();
            assert!(error.error_message.contains(name), "{error}");
        }
    }

    #[tokio::test]
    async fn the_reference_s_function_answers_nothing_where_there_is_nothing() {
        for event in [
            json!({}),
            json!({"recordingPath": null}),
            json!({"recordingPath": ""}),
            json!({"recordingPath": "null"}),
        ] {
            assert_eq!(run(&context(&[]), Manner::Legacy, &event).await, Ok(Value::Null), "{event}");
        }
    }

    #[tokio::test]
    async fn the_reference_s_function_signs_no_path_but_a_recording_s() {
        for (path, code) in [
            ("bucket/backups/customers.csv", "recording.not_ours"),
            ("bucket/connect/other/CallRecordings/x.wav", "recording.not_ours"),
            ("bucket/connect/acme/CallRecordings/../../x.wav", "recording.unsafe_name"),
        ] {
            let error =
                run(&context(&[]), Manner::Legacy, &json!({"recordingPath": path})).await.unwrap_err();
            assert_eq!(error.error_type, code, "{path}");
        }
    }

    #[test]
    fn the_bucket_in_front_is_cut_off_as_the_reference_cuts_it() {
        assert_eq!(reference_path(&format!("bucket/{K}")), K);
        assert_eq!(reference_path("b/Analysis/Voice/x.json"), "Analysis/Voice/x.json");
        assert_eq!(reference_path("b/Analysis/connect/x"), "connect/x", "the first rule goes first");
        assert_eq!(reference_path("b/x.wav"), "b/x.wav");
    }
}
