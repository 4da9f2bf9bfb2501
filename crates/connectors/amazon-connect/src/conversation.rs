//! What is taken over of a contact's conversation: its recording, its analysis by Contact Lens, its
//! transcript. The same whether a function writes it or a server.

use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use tieline_core::{JsonMap, RecordFile, python_json};

use crate::{Analysis, Findings, Roles, Segment, Transcript, segments_json};

/// An analysis of a call of hours is a few megabytes.
pub const LARGEST_ANALYSIS: usize = 32 * 1024 * 1024;

/// A call of hours, word by word, is some ten megabytes.
pub const LARGEST_TRANSCRIPT: usize = 64 * 1024 * 1024;

/// Which of a contact's two analyses is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Redacted {
    /// The redacted one replaces the other and is never replaced by it.
    #[default]
    Prefer,
    /// The other is not imported.
    Only,
    /// The redacted one is not imported.
    Never,
}

impl Redacted {
    pub const NAMES: &'static str = "prefer, only, never";

    /// By the word of a setting.
    pub fn named(word: &str) -> Option<Self> {
        match word {
            "prefer" => Some(Self::Prefer),
            "only" => Some(Self::Only),
            "never" => Some(Self::Never),
            _ => None,
        }
    }

    /// Whether an analysis is imported.
    pub fn takes(self, is_redacted: bool) -> bool {
        self != if is_redacted { Self::Never } else { Self::Only }
    }
}

/// Of which contacts recordings, analyses and transcripts are taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Import {
    All,
    /// Of those whose attributes ask for it, as contact flows for the reference functions set them.
    #[default]
    Flagged,
}

impl Import {
    pub const NAMES: &'static str = "flagged, all";

    /// By the word of a setting.
    pub fn named(word: &str) -> Option<Self> {
        match word {
            "flagged" => Some(Self::Flagged),
            "all" => Some(Self::All),
            _ => None,
        }
    }
}

/// What is to be done with the recording of a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted<'a> {
    pub note: Option<Note>,
    /// The language to transcribe it in, as Transcribe names it.
    pub language: Option<&'a str>,
}

/// How a recording is noted in the CRM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Note {
    WithPlace,
    /// Only a redacted one may be shown, whose place comes with its analysis.
    WithoutPlace,
}

impl<'a> Wanted<'a> {
    /// As a contact record's attributes say; `language` where they name none.
    pub fn of(record: &'a Value, import: Import, policy: Redacted, language: Option<&'a str>) -> Self {
        let attribute = |name: &str| record.get("Attributes")?.get(name)?.as_str();
        let is_on = |name: &str| attribute(name) == Some("true");
        let all = import == Import::All;
        let note = if all && policy != Redacted::Only || is_on("postcallRecordingImportEnabled") {
            Some(Note::WithPlace)
        } else if all || is_on(REDACTED_RECORDING) {
            Some(Note::WithoutPlace)
        } else {
            None
        };
        let language = attribute("postcallTranscribeLanguage").or(language).filter(|it| !it.is_empty());
        let transcribe = all || is_on("postcallTranscribeEnabled");
        Self { note, language: language.filter(|_| transcribe) }
    }
}

/// The attribute that asks for the place of a redacted recording.
pub const REDACTED_RECORDING: &str = "postcallRedactedRecordingImportEnabled";
/// The attribute that asks for the analysis.
pub const ANALYSIS: &str = "contactLensImportEnabled";
/// The attribute that says what Comprehend is asked: `snt,kw,dl,ne,syn`.
pub const COMPREHEND: &str = "postcallTranscribeComprehendAnalysis";

/// Whether the key is that of a redacted analysis.
pub fn is_redacted_analysis(key: &str) -> bool {
    key.contains("_analysis_redacted_")
}

/// Ids of contacts go into the names of locks, jobs and records.
pub fn is_contact_id(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// What the map `analytics` takes beside the file. Lists and objects are text here already: one that
/// is there and empty is sent, one that is missing is not. `recording` is `bucket/key`.
pub fn analysis_extra(analysis: &Analysis, recording: Option<&str>) -> JsonMap {
    let mut extra = analysis.facts();
    for value in extra.values_mut() {
        if value.is_array() || value.is_object() {
            *value = python_json(value).into();
        }
    }
    extra.insert("dataSource".into(), "Contact_Lens".into());
    if let Some(recording) = recording {
        extra.insert("recordingPath".into(), recording.into());
    }
    extra
}

/// Everything said, as a file; `None` when nothing was.
pub fn analysis_file(analysis: &Analysis, roles: Roles) -> Option<RecordFile> {
    let said = analysis.utterances(roles);
    (!said.is_empty()).then(|| RecordFile {
        name: "ContactLensTranscripts.json".into(),
        description: "Contact Lens Transcripts".into(),
        text: python_json(&Value::Array(said)),
    })
}

/// The place of a call's recording, `bucket/key`, in its contact record, when it can be had.
pub fn recording_place(record: &Value) -> Option<&str> {
    let one = record.get("Recording").filter(|it| it.is_object());
    let many = record.get("Recordings").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    one.into_iter().chain(many).find_map(|recording| {
        let is = |name: &str, value: &str| recording.get(name).and_then(Value::as_str) == Some(value);
        let is_audio = is("Type", "AUDIO") || is("MediaStreamType", "AUDIO");
        let place = recording.get("Location").and_then(Value::as_str).filter(|place| !place.is_empty())?;
        (is_audio && is("Status", "AVAILABLE")).then_some(place)
    })
}

/// The job that transcribes a call recorded on two channels, customer and agent.
pub fn transcription_settings() -> Value {
    json!({"ChannelIdentification": true})
}

/// Whether a job's name is one of [`crate::job_name`]: contact and recording.
pub fn is_our_job(name: &str) -> bool {
    name.rsplit_once('_').is_some_and(|(contact, digest)| {
        is_contact_id(contact) && digest.len() == 32 && digest.bytes().all(|b| b.is_ascii_hexdigit())
    })
}

/// What the customer said, for analyses of a text.
pub fn customer_text(transcript: &Transcript) -> String {
    transcript.customer.iter().flat_map(|it| [it.content.as_str(), " "]).collect()
}

/// What both sides said and what was found in it, as files.
pub fn transcript_files(transcript: &Transcript, findings: &Findings) -> Vec<RecordFile> {
    let mut files = Vec::new();
    let mut add = |name: &str, description: &str, text: String| {
        files.push(RecordFile { name: name.into(), description: description.into(), text });
    };
    let side = |segments: &[Segment]| python_json(&segments_json(segments));
    if !transcript.customer.is_empty() {
        let description = "Call Recording Transcription - Customer Side";
        add("CustomerTranscripts.json", description, side(&transcript.customer));
    }
    if !transcript.agent.is_empty() {
        let description = "Call Recording Transcription - Agent Side";
        add("AgentTranscripts.json", description, side(&transcript.agent));
    }
    if let Some(syntax) = findings.syntax.clone().filter(|it| it != "[]") {
        add("ComprehendSyntax.json", "Comprehend Syntax", syntax);
    }
    files
}

/// Bucket and key of a finished job's transcript.
pub fn transcript_place(job: &Value) -> Option<(String, String)> {
    place(job.pointer("/Transcript/TranscriptFileUri")?.as_str()?)
}

/// Bucket and key of an address of S3: path style as Transcribe gives it, the bucket in the host,
/// or `s3://`.
fn place(uri: &str) -> Option<(String, String)> {
    let decoded = |text: &str| percent_decode_str(text).decode_utf8().ok().map(String::from);
    if let Some(rest) = uri.strip_prefix("s3://") {
        let (bucket, key) = rest.split_once('/')?;
        return (!bucket.is_empty() && !key.is_empty()).then(|| (bucket.to_owned(), key.to_owned()));
    }
    let rest = uri.strip_prefix("https://").or_else(|| uri.strip_prefix("http://"))?;
    let (host, path) = rest.split_once('/')?;
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let in_host = host.split_once(".s3.").or_else(|| host.split_once(".s3-"));
    let (bucket, key) = if let Some((bucket, _)) = in_host {
        (bucket.to_owned(), path)
    } else {
        let (bucket, key) = path.split_once('/')?;
        (decoded(bucket)?, key)
    };
    let key = decoded(key)?;
    (!bucket.is_empty() && !key.is_empty()).then_some((bucket, key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transcript_s_address_names_bucket_and_key() {
        for (uri, expected) in [
            ("https://s3.us-west-2.amazonaws.com/trb/c-1_abc.json", Some(("trb", "c-1_abc.json"))),
            ("https://s3.cn-north-1.amazonaws.com.cn/trb/a/b%20c.json", Some(("trb", "a/b c.json"))),
            ("https://trb.s3.eu-central-1.amazonaws.com/c.json?x=y", Some(("trb", "c.json"))),
            ("https://my.trb.s3-eu-west-1.amazonaws.com/c.json", Some(("my.trb", "c.json"))),
            ("s3://trb/a/c.json", Some(("trb", "a/c.json"))),
            ("https://s3.us-west-2.amazonaws.com/trb", None),
            ("https://s3.us-west-2.amazonaws.com/trb/", None),
            ("s3:///x", None),
            ("ftp://x/y/z", None),
            ("", None),
        ] {
            let place = place(uri);
            assert_eq!(
                place.as_ref().map(|(bucket, key)| (bucket.as_str(), key.as_str())),
                expected,
                "{uri}"
            );
        }
    }

    #[test]
    fn a_recording_must_be_an_audio_that_is_there() {
        let of = |record: Value| recording_place(&record).map(str::to_owned);
        let good = json!({"Location": "b/k.wav", "Status": "AVAILABLE", "Type": "AUDIO"});
        assert_eq!(of(json!({"Recording": good})).as_deref(), Some("b/k.wav"));
        let newer = json!({"Location": "b/n.wav", "Status": "AVAILABLE", "MediaStreamType": "AUDIO"});
        assert_eq!(of(json!({"Recording": null, "Recordings": [{}, 7, newer]})).as_deref(), Some("b/n.wav"));
        for (name, value) in [
            ("Location", json!("")),
            ("Location", json!(null)),
            ("Status", json!("DELETED")),
            ("Status", json!(null)),
            ("Type", json!("VIDEO")),
        ] {
            let mut recording = good.clone();
            recording[name] = value;
            assert_eq!(of(json!({"Recording": recording})), None, "{name}");
        }
        for record in [json!({}), json!({"Recording": null}), json!({"Recording": "x", "Recordings": {}})] {
            assert_eq!(of(record), None);
        }
    }
}
