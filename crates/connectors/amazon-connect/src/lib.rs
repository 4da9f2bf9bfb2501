//! Amazon Connect: what it sends about contacts.
//!
//! Two accounts of every contact arrive here: *contact events* through EventBridge, early, best
//! effort and unordered, and *contact records* through a Firehose stream, complete, late, and sent
//! again whenever something changes. [`AmazonConnect`] takes the bodies of both apart and says
//! what they mean; that calls nothing.
//!
//! A third kind of delivery tells of files in the instance's buckets: scheduled reports, analyses,
//! transcripts. They are read by [`InstanceFiles`].
//!
//! Everything that comes is read tolerantly: unknown members and words are kept out of the way,
//! null, absent and empty are the same, and the case of member names does not matter. The one
//! thing that cannot be missing is the contact's id.
//!
//! Amazon Connect Administrator Guide, "Contact events" and "Contact records data model"; Amazon
//! Data Firehose Developer Guide, "HTTP endpoint delivery request and response specifications"
//! (read 2026-11-20).

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod analysis;
mod api;
mod batch;
mod comprehend;
mod conversation;
mod convert;
mod envelope;
mod files;
mod findings;
mod firehose;
pub mod recordings;
mod redacted;
mod report;
mod storage_event;
mod transcribe;
mod transcript;
mod wire;

use jiff::Timestamp;
use tieline_core::{
    ConnectorError, ConnectorErrorKind, ContactCenter, ContactChange, Delivery, DeliverySource, FileSource,
    SourceDocument,
};

pub use analysis::{Analysis, Roles};
pub use api::{ConnectApi, Endless, ListedQueue, Metric, Page, QUEUES_A_CALL, QueueNow, Walk};
pub use batch::{Batch, BatchForm, BatchItem, RecordDocument, Said, UnreadableRecord, read_item};
pub use comprehend::{Comprehend, Sentiment};
pub use conversation::{
    ANALYSIS, COMPREHEND, Import, LARGEST_ANALYSIS, LARGEST_TRANSCRIPT, Note, REDACTED_RECORDING, Redacted,
    Wanted, analysis_extra, analysis_file, customer_text, is_contact_id, is_our_job, is_redacted_analysis,
    recording_place, transcript_files, transcript_place, transcription_settings,
};
pub use files::{Conversations, InstanceFiles, Transcription};
pub use findings::Findings;
pub use firehose::{FirehoseAnswer, request_id};
pub use redacted::{Unseen, redacted_recording};
pub use report::{
    Kind as ReportKind, LARGEST as LARGEST_REPORT, Report, ReportError, ReportRow, RowCode, RowProblem,
    Rows as ReportRows,
};
pub use storage_event::{CreatedObject, NotAStorageEvent, created_objects};
pub use transcribe::{
    TranscriptionJob, contact_of_job, job_name, start_execution, start_transcription, transcription,
};
pub use transcript::{End, Segment, Transcript, segments_json};

/// One Amazon Connect instance, as a sender of deliveries.
#[derive(Debug, Clone, Default)]
pub struct AmazonConnect {
    instance_arn: Option<String>,
    files: InstanceFiles,
}

impl AmazonConnect {
    /// With an ARN, what other instances of the same account send is not for us.
    pub fn new(instance_arn: Option<String>) -> Self {
        Self { instance_arn, files: InstanceFiles::default() }
    }

    /// Where the instance leaves its files.
    #[must_use]
    pub fn with_files(mut self, files: InstanceFiles) -> Self {
        self.files = InstanceFiles { instance_arn: self.instance_arn.clone(), ..files };
        self
    }
}

impl ContactCenter for AmazonConnect {
    fn split(
        &self,
        source: DeliverySource,
        body: &[u8],
        received_at: Timestamp,
    ) -> Result<Vec<Delivery>, ConnectorError> {
        let split = match source {
            DeliverySource::Event => envelope::events(body, received_at),
            DeliverySource::Stream => envelope::stream(body, received_at),
        };
        split.map_err(|kind| error("split", kind))
    }

    fn decode(&self, delivery: &Delivery) -> Result<Vec<ContactChange>, ConnectorError> {
        convert::changes(&delivery.body, delivery.received_at, self.instance_arn.as_deref())
            .map(|change| change.into_iter().collect())
            .map_err(|kind| error("decode", kind))
    }

    fn documents(&self, delivery: &Delivery) -> Result<Vec<SourceDocument>, ConnectorError> {
        convert::documents(&delivery.body, delivery.received_at, self.instance_arn.as_deref())
            .map_err(|kind| error("documents", kind))
    }

    fn files(&self) -> Option<&dyn FileSource> {
        Some(&self.files)
    }
}

fn error(operation: &'static str, kind: ConnectorErrorKind) -> ConnectorError {
    ConnectorError { connector: "amazon-connect", operation, kind, said: None }
}

/// The sender's mistake, in a form that can be shown to it.
fn refused(code: &str, message: impl Into<String>) -> ConnectorErrorKind {
    ConnectorErrorKind::Rejected { status: 400, code: code.to_owned(), message: message.into() }
}

fn not_json(source: serde_json::Error) -> ConnectorErrorKind {
    // What is JSON and of another type is quoted by the parser, and may be anybody's number.
    if source.is_data() {
        let (line, column) = (source.line(), source.column());
        return refused(
            "WRONG_TYPE",
            format!("what stands before line {line} column {column} is not what belongs there"),
        );
    }
    ConnectorErrorKind::Malformed { status: 400, source }
}
