//! Files an instance leaves in its buckets, read when a delivery tells of one.

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;
use tieline_aws::{AwsError, Bucket};
use tieline_core::{Delivery, DeliverySource, FileContents, FileError, FileSource, JsonMap, SourceDocument};

use crate::report::{Kind, LARGEST, Report, Rows};
use crate::storage_event::{CreatedObject, created_objects, has_form};
use crate::wire::Members;

const KINDS: [Kind; 2] = [Kind::Agent, Kind::Queue];

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
}

#[async_trait]
impl FileSource for InstanceFiles {
    fn tells_of_files(&self, delivery: &Delivery) -> bool {
        // Most deliveries do not, and are not read twice to know it.
        let may = delivery.source == DeliverySource::Event
            && str::from_utf8(&delivery.body)
                .is_ok_and(|text| text.contains("\"Records\"") || text.contains("Object Created"));
        if !may {
            return false;
        }
        let event: Option<Value> = serde_json::from_slice(&delivery.body).ok();
        event.as_ref().and_then(Members::of).is_some_and(has_form)
    }

    async fn read(&self, delivery: &Delivery, maps: &[&str]) -> Result<FileContents, FileError> {
        let malformed = |message: String| FileError::Never { code: "report.malformed_event", message };
        let event: Value =
            serde_json::from_slice(&delivery.body).map_err(|_| malformed("the event is no JSON".into()))?;
        let objects = created_objects(&event).map_err(|error| malformed(error.to_string()))?;
        let mut contents = FileContents::default();
        for object in &objects {
            let kinds = self.kinds(object, maps);
            if !object.may_be_report() || kinds.is_empty() {
                contents.left_alone += 1;
                continue;
            }
            let ours = self.buckets.iter().find(|bucket| bucket.name() == object.bucket);
            let bucket = ours.ok_or_else(|| FileError::Never {
                code: "report.bucket_not_ours",
                message: "the bucket is none of the connection's `files`".into(),
            })?;
            let file = bucket.read(&object.key, LARGEST).await.map_err(|error| unread(&error))?;
            let file = file.ok_or_else(|| FileError::Never {
                code: "report.not_found",
                message: "the object is not in its bucket any more".into(),
            })?;
            self.take(object, &file.bytes, &kinds, delivery.received_at, &mut contents)?;
        }
        Ok(contents)
    }
}

impl InstanceFiles {
    /// What an object may be: of the kind whose place it is in, or of one that has no place.
    fn kinds(&self, object: &CreatedObject, maps: &[&str]) -> Vec<Kind> {
        let wanted = KINDS.into_iter().filter(|kind| maps.contains(&kind.map()));
        let place = |kind: &Kind| match kind {
            Kind::Agent => self.agent_reports.as_deref(),
            Kind::Queue => self.queue_reports.as_deref(),
        };
        let here = KINDS
            .into_iter()
            .filter(|kind| place(kind).is_some_and(|prefix| object.key.starts_with(prefix)))
            .max_by_key(|kind| place(kind).map_or(0, str::len));
        match here {
            Some(here) => wanted.filter(|kind| *kind == here).collect(),
            None => wanted.filter(|kind| place(kind).is_none()).collect(),
        }
    }

    fn take(
        &self,
        object: &CreatedObject,
        bytes: &[u8],
        kinds: &[Kind],
        received_at: Timestamp,
        contents: &mut FileContents,
    ) -> Result<(), FileError> {
        let wrong =
            |error: crate::ReportError| FileError::Never { code: error.code(), message: error.to_string() };
        let report = Report::read(bytes).map_err(wrong)?;
        if report.is_empty() {
            return Ok(());
        }
        // Of a kind it is not, the error names the column that is missing.
        let kind = report.kind(kinds).unwrap_or(kinds[0]);
        let Rows { rows, problems, superseded: _ } = report.rows(kind).map_err(wrong)?;
        contents.refused.extend(problems.iter().map(|problem| (problem.line, problem.code.as_str())));
        let version = object.time.as_deref().and_then(|time| time.parse().ok()).unwrap_or(received_at);
        contents.documents.extend(rows.into_iter().map(|row| SourceDocument {
            map: kind.map(),
            contact: None,
            version,
            extra: row.extra(object, received_at, None),
            extra_in_region: match &self.region {
                Some(region) => row.extra(object, received_at, Some(region)),
                None => JsonMap::new(),
            },
            document: Value::Object(row.values),
        }));
        Ok(())
    }
}

/// What a person can mend first is for later, if it may be mended without this file: credentials,
/// clock, network. A refusal is of this object.
fn unread(error: &AwsError) -> FileError {
    let message = error.to_string();
    match error {
        AwsError::TooLarge { .. } => FileError::Never { code: "report.too_large", message },
        AwsError::Refused { .. } | AwsError::UnsafeKey => {
            FileError::Never { code: "report.not_read", message }
        }
        AwsError::Throttled { .. }
        | AwsError::Unavailable(_)
        | AwsError::Malformed
        | AwsError::ClockSkew
        | AwsError::NoCredentials
        | AwsError::NoRegion => FileError::Later { code: "report.not_read", message },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(agent: Option<&str>, queue: Option<&str>, key: &str, maps: &[&str]) -> Vec<Kind> {
        let files = InstanceFiles {
            buckets: Vec::new(),
            region: None,
            agent_reports: agent.map(Into::into),
            queue_reports: queue.map(Into::into),
        };
        let event =
            serde_json::json!({"Records": [{"s3": {"bucket": {"name": "b"}, "object": {"key": key}}}]});
        files.kinds(&created_objects(&event).unwrap()[0], maps)
    }

    #[test]
    fn a_place_says_what_a_report_is_and_without_one_its_header_does() {
        let both = ["agent-report", "queue-report", "contact-record"];
        assert_eq!(kinds(None, None, "x.csv", &both), KINDS);
        assert_eq!(kinds(Some("a/"), Some("q/"), "q/x.csv", &both), [Kind::Queue]);
        assert_eq!(kinds(Some("r/a/"), Some("r/"), "r/a/x.csv", &both), [Kind::Agent], "the nearer place");
        assert_eq!(kinds(Some("a/"), None, "x.csv", &both), [Kind::Queue]);
        assert_eq!(kinds(Some("a/"), Some("q/"), "x.csv", &both), []);
        assert_eq!(kinds(Some("a/"), None, "a/x.csv", &["queue-report"]), [], "nobody wants it");
        assert_eq!(kinds(None, None, "x.csv", &["contact-record"]), []);
    }
}
