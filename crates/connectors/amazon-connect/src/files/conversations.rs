//! Conversations: analyses by Contact Lens, recordings, transcripts. All three fill one record of a
//! contact, each by a map of its own.

use serde_json::{Value, json};
use tieline_aws::{Aws, AwsError};
use tieline_core::{
    ConnectorErrorKind, ContactId, Delivery, FileContents, FileError, JsonMap, SourceDocument,
};

use super::{Codes, InstanceFiles, is_of_the_call, unread};
use crate::conversation::{
    ANALYSIS, COMPREHEND, Import, LARGEST_ANALYSIS, LARGEST_TRANSCRIPT, Note, REDACTED_RECORDING, Redacted,
    Wanted, analysis_extra, analysis_file, customer_text, is_contact_id, is_our_job, is_redacted_analysis,
    recording_place, transcript_files, transcript_place, transcription_settings,
};
use crate::storage_event::CreatedObject;
use crate::{
    Analysis, Comprehend, ConnectApi, End, Findings, Roles, Transcript, TranscriptionJob, Unseen,
    contact_of_job, convert, job_name, redacted_recording, start_transcription, transcription,
};

/// The maps of the three.
pub(super) const ANALYTICS: &str = "analytics";
pub(super) const RECORDING: &str = "recording";
pub(super) const TRANSCRIPT: &str = "transcript";

/// What EventBridge says of jobs. ("Amazon Transcribe Developer Guide", "Using Amazon EventBridge
/// with Amazon Transcribe", read 2026-11-21: the event has the job's name and status, not where its
/// transcript is.)
pub(super) const JOB_ENDED: &str = "Transcribe Job State Change";

const CODES: Codes = Codes {
    not_ours: "import.bucket_not_ours",
    not_found: "import.not_found",
    not_read: "import.not_read",
    too_large: "import.too_large",
};

/// How an instance's conversations are taken over.
#[derive(Debug, Clone)]
pub struct Conversations {
    aws: Aws,
    connect: Option<ConnectApi>,
    import: Import,
    redacted: Redacted,
    transcription: Option<Transcription>,
}

/// How recordings are transcribed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transcription {
    /// The bucket of the transcripts, one of those that are read.
    pub bucket: String,
    /// As Transcribe names it (`en-US`), where a contact's attributes name none.
    pub language: Option<String>,
    /// Of the recordings, for example `wav`.
    pub media_format: String,
    /// Encrypts transcripts; the bucket's own encryption where there is none.
    pub kms_key: Option<String>,
}

/// A rank above the ordinary: what was redacted stands over what was not.
const REDACTED: u8 = 1;

impl Conversations {
    /// `instance` is the instance's id. Without it contacts' attributes cannot be asked for: nothing
    /// is taken over that must be flagged, and transcripts come without findings.
    pub fn new(aws: Aws, instance: Option<&str>, import: Import, redacted: Redacted) -> Self {
        let connect = instance.map(|instance| ConnectApi::new(aws.clone(), instance));
        Self { aws, connect, import, redacted, transcription: None }
    }

    #[must_use]
    pub fn transcribing(mut self, transcription: Transcription) -> Self {
        self.transcription = Some(transcription);
        self
    }

    /// Adds the record of an analysis, unless it is not to be taken over.
    pub(super) async fn analysis(
        &self,
        files: &InstanceFiles,
        object: &CreatedObject,
        delivery: &Delivery,
        contents: &mut FileContents,
    ) -> Result<(), FileError> {
        let is_redacted = is_redacted_analysis(&object.key);
        if !self.redacted.takes(is_redacted) {
            contents.left_alone += 1;
            return Ok(());
        }
        let (bucket, file) = files.file(&object.bucket, &object.key, LARGEST_ANALYSIS, &CODES).await?;
        let analysis = Analysis::parse(&file.bytes).map_err(|kind| malformed(&kind))?;
        drop(file);
        let (contact, id) = contact(analysis.contact_id())?;
        let theirs = analysis.instance_id();
        let is_foreign =
            self.connect.as_ref().is_some_and(|api| !theirs.is_empty() && api.instance() != theirs);
        let wants_recording = match self.import {
            _ if is_foreign => None,
            Import::All => Some(true),
            Import::Flagged => {
                let attributes = self.attributes(contact).await?;
                let is_on = |name: &str| attributes.get(name).and_then(Value::as_str) == Some("true");
                is_on(ANALYSIS).then(|| is_on(REDACTED_RECORDING))
            }
        };
        let Some(wants_recording) = wants_recording else {
            contents.left_alone += 1;
            return Ok(());
        };
        let recording = if wants_recording {
            redacted_recording(bucket, &object.key, contact, Unseen::Unknown).await
        } else {
            None
        };
        contents.documents.push(SourceDocument {
            map: ANALYTICS,
            contact: Some(id),
            version: object
                .time
                .as_deref()
                .and_then(|time| time.parse().ok())
                .unwrap_or(delivery.received_at),
            rank: Some(if is_redacted { REDACTED } else { 0 }),
            extra: analysis_extra(&analysis, recording.as_deref()),
            extra_in_region: JsonMap::new(),
            files: analysis_file(&analysis, Roles::Everybody).into_iter().collect(),
            document: analysis.into_document(),
        });
        Ok(())
    }

    /// Whether something is to be done with the recording of a contact record.
    pub(super) fn wants_recording(&self, record: &Value) -> bool {
        let wanted = self.wanted(record);
        recording_place(record).is_some() && (wanted.note.is_some() || wanted.language.is_some())
    }

    fn wanted<'a>(&'a self, record: &'a Value) -> Wanted<'a> {
        let language = self.transcription.as_ref().and_then(|it| it.language.as_deref());
        Wanted::of(record, self.import, self.redacted, language)
    }

    /// Notes the recording of a contact record, and has it transcribed.
    pub(super) async fn recording(
        &self,
        files: &InstanceFiles,
        delivery: &Delivery,
        maps: &[&str],
        contents: &mut FileContents,
    ) -> Result<(), FileError> {
        let documents =
            convert::documents(&delivery.body, delivery.received_at, files.instance_arn.as_deref())
                .map_err(|kind| malformed(&kind))?;
        for record in documents {
            let wanted = self.wanted(&record.document);
            let (Some(place), Some(id)) = (recording_place(&record.document), &record.contact) else {
                continue;
            };
            contact(id.as_str())?;
            if let (Some(language), Some(settings), true) =
                (wanted.language, &self.transcription, maps.contains(&TRANSCRIPT))
            {
                // What else there is to do does not wait for it.
                contents.unfinished = self.transcribe(settings, id.as_str(), place, language).await.err();
            }
            let Some(note) = wanted.note.filter(|_| maps.contains(&RECORDING)) else { continue };
            let mut extra = JsonMap::new();
            if note == Note::WithPlace {
                extra.insert("recordingPath".into(), place.into());
            }
            extra.insert("region".into(), json!(files.region));
            extra.insert("instanceId".into(), json!(self.connect.as_ref().map(ConnectApi::instance)));
            contents.documents.push(SourceDocument { map: RECORDING, rank: Some(0), extra, ..record });
        }
        Ok(())
    }

    /// Starts the job that transcribes a recording; the same recording is the same job.
    async fn transcribe(
        &self,
        settings: &Transcription,
        contact: &str,
        place: &str,
        language: &str,
    ) -> Result<(), FileError> {
        let job = TranscriptionJob {
            name: &job_name(contact, place),
            language,
            media_format: &settings.media_format,
            media: &format!("s3://{place}"),
            output_bucket: &settings.bucket,
            output_key: settings.kms_key.as_deref(),
            settings: &transcription_settings(),
        };
        let started = start_transcription(&self.aws, &job).await;
        started.map(drop).map_err(|error| refused(&error, "import.transcription_refused"))
    }

    /// Adds the record of a transcript whose job is done.
    pub(super) async fn transcript(
        &self,
        files: &InstanceFiles,
        delivery: &Delivery,
        contents: &mut FileContents,
    ) -> Result<(), FileError> {
        let event: Value = serde_json::from_slice(&delivery.body).unwrap_or_default();
        let detail = |name: &str| event.pointer("/detail")?.get(name)?.as_str();
        // EventBridge tells of every job of the account; ours are named after contact and recording.
        let name = detail("TranscriptionJobName").filter(|name| is_our_job(name));
        let status = detail("TranscriptionJobStatus").filter(|it| matches!(*it, "COMPLETED" | "FAILED"));
        let (Some(name), Some(status)) = (name, status) else {
            contents.left_alone += 1;
            return Ok(());
        };
        let job = transcription(&self.aws, name).await.map_err(|error| refused(&error, CODES.not_read))?;
        if status == "FAILED" {
            // A reason tells of format, length or rights, never of what was said.
            let reason = job.get("FailureReason").and_then(Value::as_str).unwrap_or("no reason given");
            return Err(FileError::Never { code: "import.transcription_failed", message: reason.to_owned() });
        }
        let (contact, id) = contact(contact_of_job(name).unwrap_or_default())?;
        let (bucket, key) = transcript_place(&job).ok_or_else(|| FileError::Never {
            code: CODES.not_found,
            message: "the job has no transcript in a bucket".into(),
        })?;
        let (_, file) = files.file(&bucket, &key, LARGEST_TRANSCRIPT, &CODES).await?;
        let transcript = Transcript::parse(&file.bytes, End::OfLastWord).map_err(|kind| malformed(&kind))?;
        drop(file);
        let findings = self.findings(contact, &job, &transcript).await?;
        let mut extra = findings.extra();
        extra.insert("contactId".into(), contact.into());
        if findings.is_worth_repeating() {
            contents.unfinished = Some(incomplete(&findings));
        }
        let time = event.get("time").and_then(Value::as_str).and_then(|time| time.parse().ok());
        contents.documents.push(SourceDocument {
            map: TRANSCRIPT,
            contact: Some(id),
            version: time.unwrap_or(delivery.received_at),
            rank: Some(0),
            document: json!({}),
            extra,
            extra_in_region: JsonMap::new(),
            files: transcript_files(&transcript, &findings),
        });
        Ok(())
    }

    async fn findings(
        &self,
        contact: &str,
        job: &Value,
        transcript: &Transcript,
    ) -> Result<Findings, FileError> {
        let said = customer_text(transcript);
        if said.is_empty() || self.connect.is_none() {
            return Ok(Findings::default());
        }
        let attributes = self.attributes(contact).await?;
        let Some(codes) = attributes.get(COMPREHEND).and_then(Value::as_str) else {
            return Ok(Findings::default());
        };
        let language = job.get("LanguageCode").and_then(Value::as_str).unwrap_or_default();
        Ok(Findings::about(&Comprehend::new(self.aws.clone(), language), &said, codes).await)
    }

    /// What the contact flow has noted of a contact; nothing of one the instance does not know.
    async fn attributes(&self, contact: &str) -> Result<JsonMap, FileError> {
        let Some(api) = &self.connect else { return Ok(JsonMap::new()) };
        let attributes = api
            .contact_attributes(contact)
            .await
            .map_err(|error| refused(&error, "import.attributes_not_read"))?;
        Ok(attributes.unwrap_or_default().into_iter().map(|(name, value)| (name, value.into())).collect())
    }
}

/// Whether the object is an analysis, by the name Contact Lens gives it:
/// `…/{contact}_analysis[_redacted]_{time}.json`.
pub(super) fn is_analysis(object: &CreatedObject) -> bool {
    let name = object.key.rsplit('/').next().unwrap_or_default();
    name.contains("_analysis_") && object.extension().as_deref() == Some("json")
}

fn contact(id: &str) -> Result<(&str, ContactId), FileError> {
    let malformed = || FileError::Never {
        code: "import.malformed",
        message: "what it tells of is about no contact".into(),
    };
    if !is_contact_id(id) {
        return Err(malformed());
    }
    Ok((id, ContactId::new(id).map_err(|_| malformed())?))
}

/// A document that cannot be read, without a word of it.
fn malformed(kind: &ConnectorErrorKind) -> FileError {
    let message = match kind {
        ConnectorErrorKind::Rejected { message, .. } => message.clone(),
        ConnectorErrorKind::Malformed { source, .. } => {
            format!("the file is no JSON (line {}, column {})", source.line(), source.column())
        }
        _ => "the file cannot be read".into(),
    };
    FileError::Never { code: "import.malformed", message }
}

fn refused(error: &AwsError, code: &'static str) -> FileError {
    unread(error, &Codes { not_read: code, ..CODES })
}

/// The transcript is there, and what Comprehend has to say of it is not.
fn incomplete(findings: &Findings) -> FileError {
    let codes: Vec<&str> = findings.failed.iter().map(|(code, _)| *code).collect();
    let code = "import.analysis_incomplete";
    let message = format!("the transcript is written, but these analyses failed: {}", codes.join(", "));
    if findings.failed.iter().any(|(_, error)| !is_of_the_call(error)) {
        FileError::Later { code, message }
    } else {
        FileError::Never { code, message }
    }
}
