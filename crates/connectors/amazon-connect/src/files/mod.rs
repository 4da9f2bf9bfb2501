//! Files an instance leaves in its buckets, read when a delivery tells of one.

mod conversations;
mod reports;

use async_trait::async_trait;
use serde_json::Value;
use tieline_aws::{AwsError, Bucket, Object};
use tieline_core::{Delivery, DeliverySource, FileContents, FileError, FileSource, Telling};

use crate::convert;
use crate::storage_event::{created_objects, has_form};
use crate::wire::Members;

pub use conversations::{Conversations, Transcription};

/// The buckets an instance leaves files in. Nobody can have us read any other.
#[derive(Debug, Clone, Default)]
pub struct InstanceFiles {
    pub buckets: Vec<Bucket>,
    /// Of the instance, for CRMs that tell regions apart.
    pub region: Option<String>,
    /// Keys of agent reports begin so; `None`: a report's header tells what it is.
    pub agent_reports: Option<String>,
    /// The same of queue reports.
    pub queue_reports: Option<String>,
    /// How analyses, recordings and transcripts are taken over; `None` when they are not.
    pub conversations: Option<Conversations>,
    /// When given, what tells of any other instance is not for us; as the instance's deliveries have it.
    pub instance_arn: Option<String>,
}

/// What a delivery is, told without reading more of it than needed.
enum About {
    Objects,
    /// A job of Amazon Transcribe that ended.
    Job,
    Other,
}

#[async_trait]
impl FileSource for InstanceFiles {
    fn tells_of_files(&self, delivery: &Delivery, maps: &[&str]) -> Telling {
        match about(delivery) {
            About::Objects if self.keeps_objects(delivery, maps) => Telling::Files,
            About::Job if maps.contains(&conversations::TRANSCRIPT) => Telling::Files,
            About::Objects | About::Job => Telling::Unkept,
            About::Other if self.has_recording(delivery, maps) => Telling::FilesToo,
            About::Other => Telling::Nothing,
        }
    }

    async fn read(&self, delivery: &Delivery, maps: &[&str]) -> Result<FileContents, FileError> {
        let mut contents = FileContents::default();
        match (about(delivery), &self.conversations) {
            (About::Objects, _) => self.objects(delivery, maps, &mut contents).await?,
            (About::Job, Some(conversations)) if maps.contains(&conversations::TRANSCRIPT) => {
                conversations.transcript(self, delivery, &mut contents).await?;
            }
            (About::Other, Some(conversations)) => {
                conversations.recording(self, delivery, maps, &mut contents).await?;
            }
            (About::Job | About::Other, _) => contents.left_alone += 1,
        }
        Ok(contents)
    }
}

/// Most deliveries tell of no file, and are not read twice to know it.
fn about(delivery: &Delivery) -> About {
    let text = str::from_utf8(&delivery.body).unwrap_or_default();
    let may = delivery.source == DeliverySource::Event
        && ["\"Records\"", "Object Created", conversations::JOB_ENDED].iter().any(|it| text.contains(it));
    if !may {
        return About::Other;
    }
    let event: Option<Value> = serde_json::from_str(text).ok();
    let Some(event) = event.as_ref().and_then(Members::of) else { return About::Other };
    if has_form(event) {
        About::Objects
    } else if event.text("detail-type") == Some(conversations::JOB_ENDED) {
        About::Job
    } else {
        About::Other
    }
}

impl InstanceFiles {
    async fn objects(
        &self,
        delivery: &Delivery,
        maps: &[&str],
        contents: &mut FileContents,
    ) -> Result<(), FileError> {
        let malformed = |message: String| FileError::Never { code: "report.malformed_event", message };
        let event: Value =
            serde_json::from_slice(&delivery.body).map_err(|_| malformed("the event is no JSON".into()))?;
        let objects = created_objects(&event).map_err(|error| malformed(error.to_string()))?;
        for object in &objects {
            match &self.conversations {
                Some(conversations) if conversations::is_analysis(object) => {
                    if maps.contains(&conversations::ANALYTICS) {
                        conversations.analysis(self, object, delivery, contents).await?;
                    } else {
                        contents.left_alone += 1;
                    }
                }
                _ => self.report(object, maps, delivery.received_at, contents).await?,
            }
        }
        Ok(())
    }

    /// Whether one of `maps` is for an object the delivery tells of; also when it tells of none, or
    /// only of such as never become records.
    fn keeps_objects(&self, delivery: &Delivery, maps: &[&str]) -> bool {
        let event: Option<Value> = serde_json::from_slice(&delivery.body).ok();
        let objects = event.and_then(|event| created_objects(&event).ok()).unwrap_or_default();
        let mut unkept = maps.is_empty();
        for object in &objects {
            let kept = if conversations::is_analysis(object) {
                Some(maps.contains(&conversations::ANALYTICS))
            } else {
                self.keeps_report(object, maps)
            };
            if kept == Some(true) {
                return true;
            }
            unkept |= kept == Some(false);
        }
        !unkept
    }

    /// Whether the delivery is the record of a contact with a recording that one of `maps` is for.
    fn has_recording(&self, delivery: &Delivery, maps: &[&str]) -> bool {
        let Some(conversations) = &self.conversations else { return false };
        let wanted = maps.contains(&conversations::RECORDING) || maps.contains(&conversations::TRANSCRIPT);
        let may = wanted && str::from_utf8(&delivery.body).is_ok_and(|text| text.contains("Recording"));
        may && convert::documents(&delivery.body, delivery.received_at, self.instance_arn.as_deref())
            .is_ok_and(|documents| documents.iter().any(|it| conversations.wants_recording(&it.document)))
    }

    /// The object, from a bucket of ours.
    async fn file(
        &self,
        bucket: &str,
        key: &str,
        limit: usize,
        codes: &Codes,
    ) -> Result<(&Bucket, Object), FileError> {
        let ours = self.buckets.iter().find(|ours| ours.name() == bucket);
        let bucket = ours.ok_or_else(|| FileError::Never {
            code: codes.not_ours,
            message: "the bucket is none of the connection's `files`".into(),
        })?;
        let file = bucket.read(key, limit).await.map_err(|error| unread(&error, codes))?;
        let file = file.ok_or_else(|| FileError::Never {
            code: codes.not_found,
            message: "the object is not in its bucket any more".into(),
        })?;
        Ok((bucket, file))
    }
}

/// The codes of what may happen to one kind of files.
struct Codes {
    not_ours: &'static str,
    not_found: &'static str,
    not_read: &'static str,
    too_large: &'static str,
}

/// What a person can mend first is for later, if it may be mended without this file: credentials,
/// clock, network. A refusal is of this object.
fn unread(error: &AwsError, codes: &Codes) -> FileError {
    let message = error.to_string();
    match error {
        AwsError::TooLarge { .. } => FileError::Never { code: codes.too_large, message },
        error if is_of_the_call(error) => FileError::Never { code: codes.not_read, message },
        _ => FileError::Later { code: codes.not_read, message },
    }
}

/// Whether AWS would answer the same call the same way again.
fn is_of_the_call(error: &AwsError) -> bool {
    match error {
        AwsError::TooLarge { .. } | AwsError::Refused { .. } | AwsError::UnsafeKey => true,
        AwsError::Throttled { .. }
        | AwsError::Unavailable(_)
        | AwsError::Malformed
        | AwsError::ClockSkew
        | AwsError::NoCredentials
        | AwsError::NoRegion => false,
    }
}
