//! Where an instance's recordings lie, and how they are found and played.
//!
//! Keys are those of "Amazon Connect Administrator Guide", "Set up recording behavior" and
//! "Output file locations for Contact Lens" (read 2026-11-20).
//! The folders are the instance's storage configuration and may be any, so they are told, never
//! assumed; a key outside of them is nobody's recording, whatever its name.

use std::time::Duration;

use async_trait::async_trait;
use futures::future::try_join_all;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use sha2::{Digest, Sha256};
use tieline_aws::{AwsError, Bucket, playable_by_browsers};
use tieline_core::{ContactId, Playback, Recording, RecordingError, RecordingStore, hex};

/// More than this for one contact is not what we think it is.
const MOST: usize = 100;

/// The longest an address may live (recordings.md §6).
pub const LONGEST_LIFE: Duration = Duration::from_secs(3600);

/// How long an address lives when nobody says.
pub const USUAL_LIFE: Duration = Duration::from_secs(300);

/// Which of a contact's recordings are given out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Which {
    #[default]
    Raw,
    Redacted,
    /// Redacted ones first.
    Both,
}

impl Which {
    /// `raw`, `redacted` or `both`.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "raw" => Some(Self::Raw),
            "redacted" => Some(Self::Redacted),
            "both" => Some(Self::Both),
            _ => None,
        }
    }

    fn takes(self, redacted: bool) -> bool {
        match self {
            Self::Raw => !redacted,
            Self::Redacted => redacted,
            Self::Both => true,
        }
    }
}

/// The folders of one instance, without slashes at their ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    raw: String,
    redacted: String,
}

/// What a key says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordingKey {
    pub contact: String,
    pub redacted: bool,
    pub started_at: Timestamp,
}

impl Layout {
    /// `raw` as the instance's storage configuration has it, for example
    /// `connect/acme/CallRecordings`; `redacted` is Contact Lens's, `Analysis/Voice/Redacted`
    /// unless another was set.
    pub fn new(raw: &str, redacted: Option<&str>) -> Self {
        let folder = |text: &str| text.trim_matches('/').to_owned();
        Self { raw: folder(raw), redacted: folder(redacted.unwrap_or("Analysis/Voice/Redacted")) }
    }

    /// Whether a key lies in one of the folders and is written as keys are.
    pub fn holds(&self, key: &str) -> bool {
        playable_by_browsers(key)
            && [&self.raw, &self.redacted]
                .into_iter()
                .any(|folder| !folder.is_empty() && below(key, folder).is_some())
    }

    /// Reads a recording's key; `None` for everything else that lies there.
    pub fn read(&self, key: &str) -> Option<RecordingKey> {
        let raw = below(key, &self.raw).and_then(read_raw);
        raw.or_else(|| below(key, &self.redacted).and_then(read_redacted))
    }

    /// The prefix under which the recordings of a contact are, if that day is theirs.
    fn prefix(&self, contact: &str, day: Date, redacted: bool) -> String {
        let folder = if redacted { &self.redacted } else { &self.raw };
        let slash = if folder.is_empty() { "" } else { "/" };
        // The calendar's year: the week's is another one around New Year.
        let (year, month, day) = (day.year(), day.month(), day.day());
        let end = if redacted { "_call_recording_redacted_" } else { "_" };
        format!("{folder}{slash}{year:04}/{month:02}/{day:02}/{contact}{end}")
    }
}

fn below<'a>(key: &'a str, folder: &str) -> Option<&'a str> {
    if folder.is_empty() { Some(key) } else { key.strip_prefix(folder)?.strip_prefix('/') }
}

/// `2024/01/15/<contact>_20240115T12:30_UTC.wav`.
fn read_raw(rest: &str) -> Option<RecordingKey> {
    let (contact, time) = dated(rest)?;
    let time = time.strip_suffix("_UTC.wav")?;
    let started_at = strict(time, "%Y%m%dT%H:%M", 14)?;
    Some(RecordingKey { contact: contact.to_owned(), redacted: false, started_at })
}

/// `2024/01/15/<contact>_call_recording_redacted_2024-01-15T12:30:05Z.wav`.
fn read_redacted(rest: &str) -> Option<RecordingKey> {
    let (contact, time) = dated(rest)?;
    let time = time.strip_prefix("call_recording_redacted_")?.strip_suffix("Z.wav")?;
    let started_at = strict(time, "%Y-%m-%dT%H:%M:%S", 19)?;
    Some(RecordingKey { contact: contact.to_owned(), redacted: true, started_at })
}

/// Contact and what follows its id, when the folders above are a day.
fn dated(rest: &str) -> Option<(&str, &str)> {
    let mut parts = rest.split('/');
    let day = [parts.next()?, parts.next()?, parts.next()?];
    let name = parts.next().filter(|_| parts.next().is_none())?;
    let digits = |text: &str, many: usize| text.len() == many && text.bytes().all(|b| b.is_ascii_digit());
    if !(digits(day[0], 4) && digits(day[1], 2) && digits(day[2], 2)) {
        return None;
    }
    let (contact, time) = name.split_once('_')?;
    is_contact_id(contact).then_some((contact, time))
}

fn strict(text: &str, format: &str, length: usize) -> Option<Timestamp> {
    let time = DateTime::strptime(format, text).ok().filter(|_| text.len() == length)?;
    Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

/// A UUID in lower case.
pub fn is_contact_id(text: &str) -> bool {
    let lengths = [8, 4, 4, 4, 12];
    let mut parts = text.split('-');
    lengths.iter().all(|length| {
        parts.next().is_some_and(|part| {
            part.len() == *length && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        })
    }) && parts.next().is_none()
}

/// The recordings of one instance in one bucket.
#[derive(Debug, Clone)]
pub struct Recordings {
    bucket: Bucket,
    layout: Layout,
    which: Which,
}

/// A recording that was found, with its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub key: String,
    pub recording: Recording,
}

impl Recordings {
    pub fn new(bucket: Bucket, layout: Layout, which: Which) -> Self {
        Self { bucket, layout, which }
    }

    pub fn bucket(&self) -> &Bucket {
        &self.bucket
    }

    /// Looks on the UTC day of `near`, then on the days around it: a contact is filed under the
    /// day on which its agent joined, which need not be the one it began, ended or was reported.
    ///
    /// The redacted ones stand first where both are wanted; within them the newest.
    pub async fn find(&self, contact: &str, near: Timestamp) -> Result<Vec<Found>, RecordingError> {
        if !is_contact_id(contact) {
            return Err(RecordingError::InvalidContact);
        }
        let day = near.to_zoned(TimeZone::UTC).date();
        let mut found = self.on_days(contact, &[Some(day)]).await?;
        if found.is_empty() {
            let around = [day.checked_sub(Span::new().days(1)), day.checked_add(Span::new().days(1))];
            found = self.on_days(contact, &around.map(Result::ok)).await?;
        }
        found.sort_by(|a, b| {
            let order = |found: &Found| (found.recording.redacted, found.recording.started_at);
            order(b).cmp(&order(a))
        });
        Ok(found)
    }

    async fn on_days(&self, contact: &str, days: &[Option<Date>]) -> Result<Vec<Found>, RecordingError> {
        let days = days.iter().flatten().flat_map(|day| [(*day, false), (*day, true)]);
        let lists = days.filter(|(_, redacted)| self.which.takes(*redacted)).map(|(day, redacted)| {
            let prefix = self.layout.prefix(contact, day, redacted);
            async move { self.bucket.list(&prefix, MOST).await.map_err(|error| reason(&error)) }
        });
        let mut found = Vec::new();
        for (objects, _) in try_join_all(lists).await? {
            for object in objects {
                let Some(read) = self.layout.read(&object.key).filter(|read| read.contact == contact) else {
                    continue;
                };
                found.push(Found {
                    recording: Recording {
                        id: id_of(&object.key),
                        contact: ContactId::new(contact).map_err(|_| RecordingError::InvalidContact)?,
                        redacted: read.redacted,
                        started_at: Some(read.started_at),
                        bytes: object.size,
                    },
                    key: object.key,
                });
            }
        }
        Ok(found)
    }

    /// An address of one key of ours; no call is made.
    pub async fn address(&self, key: &str, life: Duration) -> Result<String, RecordingError> {
        if !playable_by_browsers(key) {
            return Err(RecordingError::UnsafeName);
        }
        if !self.layout.holds(key) {
            return Err(RecordingError::NotOurs);
        }
        let life = life.clamp(Duration::from_secs(1), LONGEST_LIFE);
        let play = [("response-cache-control", "no-store"), ("response-content-type", "audio/wav")];
        self.bucket.presign(key, life, &play).await.map_err(|error| reason(&error))
    }

    /// Lists again: an id says nothing about where its recording lies.
    async fn key_of(&self, recording: &Recording) -> Result<String, RecordingError> {
        let near = recording.started_at.ok_or(RecordingError::NotFound)?;
        let found = self.find(recording.contact.as_str(), near).await?;
        let same = found.into_iter().find(|found| found.recording.id == recording.id);
        same.map(|found| found.key).ok_or(RecordingError::NotFound)
    }
}

/// Names a key without telling it: a hash is what the audit log keeps, too.
pub fn id_of(key: &str) -> String {
    hex(&Sha256::digest(key)[..16])
}

#[async_trait]
impl RecordingStore for Recordings {
    async fn find(
        &self,
        contact: &ContactId,
        near: Option<Timestamp>,
    ) -> Result<Vec<Recording>, RecordingError> {
        let Some(near) = near else { return Ok(Vec::new()) };
        let found = Self::find(self, contact.as_str(), near).await?;
        Ok(found.into_iter().map(|found| found.recording).collect())
    }

    async fn play(&self, recording: &Recording, life: Duration) -> Result<Playback, RecordingError> {
        if self.bucket.is_folder() {
            return Ok(Playback::Bytes);
        }
        let key = self.key_of(recording).await?;
        let life = life.clamp(Duration::from_secs(1), LONGEST_LIFE);
        let url = self.address(&key, life).await?;
        let until = self.bucket.now().checked_add(life).unwrap_or(Timestamp::MAX);
        Ok(Playback::Address { url, until })
    }

    async fn bytes(
        &self,
        recording: &Recording,
        range: std::ops::Range<u64>,
    ) -> Result<Vec<u8>, RecordingError> {
        let key = self.key_of(recording).await?;
        let bytes = self.bucket.read_range(&key, range).await.map_err(|error| reason(&error))?;
        Ok(bytes.ok_or(RecordingError::NotFound)?.to_vec())
    }
}

/// Each of S3's refusals asks for another remedy.
///
/// ("Amazon S3 API Reference", "Error Responses", list of error codes, read 2026-11-21.)
pub fn reason(error: &AwsError) -> RecordingError {
    match error {
        AwsError::Refused { status, code, .. } => match (*status, code.as_str()) {
            (_, "NoSuchKey") => RecordingError::NotFound,
            (_, "NoSuchBucket") => RecordingError::NoSuchBucket,
            (_, "SignatureDoesNotMatch" | "InvalidAccessKeyId") => RecordingError::SignatureRefused,
            (_, "ExpiredToken" | "TokenRefreshRequired" | "InvalidToken") => {
                RecordingError::CredentialsExpired
            }
            (_, "PermanentRedirect" | "TemporaryRedirect" | "AuthorizationHeaderMalformed")
            | (301 | 307, _) => RecordingError::WrongRegion,
            (403, _) => RecordingError::AccessDenied,
            (404, _) => RecordingError::NotFound,
            _ => RecordingError::BadRequest,
        },
        AwsError::ClockSkew => RecordingError::ClockSkew,
        AwsError::NoCredentials => RecordingError::NoCredentials,
        AwsError::NoRegion => RecordingError::WrongRegion,
        AwsError::UnsafeKey => RecordingError::UnsafeName,
        AwsError::Malformed | AwsError::TooLarge { .. } => RecordingError::BadRequest,
        AwsError::Throttled { .. } | AwsError::Unavailable(_) => RecordingError::Unavailable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123abcd-4567-89ab-cdef-0123456789ab";

    fn layout() -> Layout {
        Layout::new("connect/acme/CallRecordings/", None)
    }

    fn refused(status: u16, code: &str) -> RecordingError {
        reason(&AwsError::Refused { status, code: code.into(), message: String::new() })
    }

    #[test]
    fn a_key_says_its_contact_and_time() {
        let key = format!("connect/acme/CallRecordings/2024/01/15/{ID}_20240115T12:30_UTC.wav");
        let read = layout().read(&key).unwrap();
        assert_eq!((read.contact.as_str(), read.redacted), (ID, false));
        assert_eq!(read.started_at.to_string(), "2024-01-15T12:30:00Z");

        let key = format!(
            "Analysis/Voice/Redacted/2024/01/15/{ID}_call_recording_redacted_2024-01-15T12:30:05Z.wav"
        );
        let read = layout().read(&key).unwrap();
        assert_eq!((read.redacted, read.started_at.to_string().as_str()), (true, "2024-01-15T12:30:05Z"));
    }

    #[test]
    fn what_is_named_otherwise_is_nobody_s_recording() {
        for key in [
            format!("connect/other/CallRecordings/2024/01/15/{ID}_20240115T12:30_UTC.wav"),
            format!("connect/acme/CallRecordings/ivr/2024/01/15/{ID}_20240115T12:30_UTC.wav"),
            format!("connect/acme/CallRecordings/2024/01/15/{}_20240115T12:30_UTC.wav", ID.to_uppercase()),
            format!("connect/acme/CallRecordings/2024/1/15/{ID}_20240115T12:30_UTC.wav"),
            format!("connect/acme/CallRecordings/2024/01/15/{ID}_20240115T12:30_UTC.json"),
            format!("connect/acme/CallRecordings/2024/01/15/{ID}_20241315T12:30_UTC.wav"),
            format!("connect/acme/CallRecordings/2024/01/15/{ID}_UTC.wav"),
            format!("Analysis/Voice/Redacted/2024/01/15/{ID}_analysis_redacted_2024-01-15T12:30:05Z.json"),
            "connect/acme/CallRecordings/2024/01/15/".to_owned(),
        ] {
            assert_eq!(layout().read(&key), None, "{key}");
        }
    }

    #[test]
    fn only_what_lies_in_the_instance_s_folders_is_ours() {
        let layout = layout();
        assert!(layout.holds("connect/acme/CallRecordings/2024/x.wav"));
        assert!(layout.holds("Analysis/Voice/Redacted/2024/x.wav"));
        for key in [
            "connect/acme/CallRecordings-old/x.wav",
            "connect/acme/CallRecordings/../../other/x.wav",
            "connect/other/CallRecordings/x.wav",
            "Analysis/Voice/2024/x.wav",
            "connect/acme/CallRecordings//x.wav",
            "/connect/acme/CallRecordings/x.wav",
            "secrets.txt",
        ] {
            assert!(!layout.holds(key), "{key}");
        }
    }

    /// The years of recordings.md §6: around New Year the week's year is another than the calendar's.
    #[test]
    fn the_folder_is_the_calendar_s_day_in_utc() {
        let prefix = |at: &str| {
            let day = at.parse::<Timestamp>().unwrap().to_zoned(TimeZone::UTC).date();
            layout().prefix("c", day, false)
        };
        for (at, folder) in [
            ("2018-12-31T12:00:00Z", "2018/12/31"),
            ("2021-01-01T00:00:00Z", "2021/01/01"),
            ("2024-02-29T12:00:00Z", "2024/02/29"),
            ("2023-12-31T23:59:00Z", "2023/12/31"),
            ("2024-01-01T00:01:00Z", "2024/01/01"),
            // Early morning in Sydney is the day before in UTC.
            ("2024-01-16T08:00:00+11:00", "2024/01/15"),
        ] {
            assert_eq!(prefix(at), format!("connect/acme/CallRecordings/{folder}/c_"));
        }
    }

    #[test]
    fn every_refusal_has_its_own_reason() {
        assert_eq!(refused(403, "AccessDenied"), RecordingError::AccessDenied);
        assert_eq!(refused(403, "SignatureDoesNotMatch"), RecordingError::SignatureRefused);
        assert_eq!(refused(400, "ExpiredToken"), RecordingError::CredentialsExpired);
        assert_eq!(refused(404, "NoSuchKey"), RecordingError::NotFound);
        assert_eq!(refused(404, "NoSuchBucket"), RecordingError::NoSuchBucket);
        assert_eq!(refused(301, "PermanentRedirect"), RecordingError::WrongRegion);
        assert_eq!(refused(400, "AuthorizationQueryParametersError"), RecordingError::BadRequest);
        assert_eq!(reason(&AwsError::ClockSkew), RecordingError::ClockSkew);
        assert_eq!(reason(&AwsError::Unavailable(String::new())), RecordingError::Unavailable);
    }
}
