//! Scheduled reports.

use jiff::Timestamp;
use serde_json::Value;
use tieline_core::{FileContents, FileError, JsonMap, SourceDocument};

use super::{Codes, InstanceFiles};
use crate::report::{Kind, LARGEST, Report, Rows};
use crate::storage_event::CreatedObject;

const KINDS: [Kind; 2] = [Kind::Agent, Kind::Queue];

const CODES: Codes = Codes {
    not_ours: "report.bucket_not_ours",
    not_found: "report.not_found",
    not_read: "report.not_read",
    too_large: "report.too_large",
};

impl InstanceFiles {
    /// Reads an object if it may be a report.
    pub(super) async fn report(
        &self,
        object: &CreatedObject,
        maps: &[&str],
        received_at: Timestamp,
        contents: &mut FileContents,
    ) -> Result<(), FileError> {
        let kinds = self.kinds(object, maps);
        if !object.may_be_report() || kinds.is_empty() {
            contents.left_alone += 1;
            return Ok(());
        }
        let (_, file) = self.file(&object.bucket, &object.key, LARGEST, &CODES).await?;
        self.take(object, &file.bytes, &kinds, received_at, contents)
    }

    /// What an object may be: of the kind whose place it is in, or of one that has no place.
    fn kinds(&self, object: &CreatedObject, maps: &[&str]) -> Vec<Kind> {
        let wanted = KINDS.into_iter().filter(|kind| maps.contains(&kind.map()));
        match self.kind_of_place(object) {
            Some(here) => wanted.filter(|kind| *kind == here).collect(),
            None => wanted.filter(|kind| self.place(*kind).is_none()).collect(),
        }
    }

    /// Whether one of `maps` is for a report there; `None` where no report is expected.
    pub(super) fn keeps_report(&self, object: &CreatedObject, maps: &[&str]) -> Option<bool> {
        let keeps_any = KINDS.iter().any(|kind| maps.contains(&kind.map()));
        let is_expected = object.may_be_report() && (!keeps_any || self.kind_of_place(object).is_some());
        let keeps = object.may_be_report() && !self.kinds(object, maps).is_empty();
        (keeps || is_expected).then_some(keeps)
    }

    fn place(&self, kind: Kind) -> Option<&str> {
        match kind {
            Kind::Agent => self.agent_reports.as_deref(),
            Kind::Queue => self.queue_reports.as_deref(),
        }
    }

    /// The kind in whose place the object is, the nearer one where both are.
    fn kind_of_place(&self, object: &CreatedObject) -> Option<Kind> {
        KINDS
            .into_iter()
            .filter(|kind| self.place(*kind).is_some_and(|prefix| object.key.starts_with(prefix)))
            .max_by_key(|kind| self.place(*kind).map_or(0, str::len))
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
            rank: None,
            document: Value::Object(row.values),
            files: Vec::new(),
        }));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage_event::created_objects;

    fn kinds(agent: Option<&str>, queue: Option<&str>, key: &str, maps: &[&str]) -> Vec<Kind> {
        let files = InstanceFiles {
            agent_reports: agent.map(Into::into),
            queue_reports: queue.map(Into::into),
            ..InstanceFiles::default()
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
