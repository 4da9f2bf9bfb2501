use std::ops::Range;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::ContactId;

/// One recording of one contact. A conversation that was transferred has one for each leg.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// Names it inside its contact; says nothing about where it lies.
    pub id: String,
    pub contact: ContactId,
    /// Whether what the customer said of themselves was cut out.
    pub redacted: bool,
    /// By its name, to the minute or second.
    pub started_at: Option<Timestamp>,
    pub bytes: u64,
}

/// How a recording comes to whoever plays it.
#[derive(Clone, PartialEq, Eq)]
pub enum Playback {
    /// Whoever holds the address can listen until then: never kept, never logged.
    Address { url: String, until: Timestamp },
    /// We hand out the bytes ourselves ([`RecordingStore::bytes`]).
    Bytes,
}

/// Where recordings are kept.
#[async_trait]
pub trait RecordingStore: Send + Sync {
    /// The recordings of a contact that was about `near`, the one to play first at the front.
    /// Empty while there is none.
    async fn find(
        &self,
        contact: &ContactId,
        near: Option<Timestamp>,
    ) -> Result<Vec<Recording>, RecordingError>;

    /// A way to play `recording` for `life`, which is cut to what the store allows.
    async fn play(&self, recording: &Recording, life: Duration) -> Result<Playback, RecordingError>;

    /// Some of its bytes, where [`Playback::Bytes`] was the answer.
    async fn bytes(&self, recording: &Recording, range: Range<u64>) -> Result<Vec<u8>, RecordingError>;
}

/// Why a recording could not be found or played. Each has a page in `docs/errors/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum RecordingError {
    #[error("there is no such recording, or no longer")]
    NotFound,
    #[error("the storage refuses us the right to read it")]
    AccessDenied,
    #[error("the storage refuses our signature: the secret key is wrong")]
    SignatureRefused,
    #[error("the credentials have ended")]
    CredentialsExpired,
    #[error("there are no credentials for the storage")]
    NoCredentials,
    #[error("the bucket is in another region than configured")]
    WrongRegion,
    #[error("there is no such bucket")]
    NoSuchBucket,
    #[error("the machine's clock is more than five minutes off")]
    ClockSkew,
    #[error("the storage does not take the request")]
    BadRequest,
    #[error("the recording lies outside what this instance may give out")]
    NotOurs,
    #[error("the recording's name is one that browsers rewrite")]
    UnsafeName,
    #[error("the contact's id is not one of this contact center")]
    InvalidContact,
    #[error("the storage did not answer")]
    Unavailable,
}

impl RecordingError {
    pub const ALL: [Self; 13] = [
        Self::NotFound,
        Self::AccessDenied,
        Self::SignatureRefused,
        Self::CredentialsExpired,
        Self::NoCredentials,
        Self::WrongRegion,
        Self::NoSuchBucket,
        Self::ClockSkew,
        Self::BadRequest,
        Self::NotOurs,
        Self::UnsafeName,
        Self::InvalidContact,
        Self::Unavailable,
    ];

    /// Stable; names its page.
    pub fn code(self) -> &'static str {
        match self {
            Self::NotFound => "recording.not_found",
            Self::AccessDenied => "recording.access_denied",
            Self::SignatureRefused => "recording.signature_refused",
            Self::CredentialsExpired => "recording.credentials_expired",
            Self::NoCredentials => "recording.no_credentials",
            Self::WrongRegion => "recording.wrong_region",
            Self::NoSuchBucket => "recording.no_such_bucket",
            Self::ClockSkew => "recording.clock_skew",
            Self::BadRequest => "recording.bad_request",
            Self::NotOurs => "recording.not_ours",
            Self::UnsafeName => "recording.unsafe_name",
            Self::InvalidContact => "recording.invalid_contact",
            Self::Unavailable => "recording.unavailable",
        }
    }
}

/// When a recording that is not there yet is looked for, after the contact ended (recordings.md §6).
const POLLS: [Duration; 5] = [
    Duration::from_secs(60),
    Duration::from_secs(120),
    Duration::from_secs(300),
    Duration::from_secs(600),
    Duration::from_secs(1800),
];

/// When to look again for the recording of a contact that ended at `ended`; `None` once the last
/// time to look has passed.
pub fn next_poll(ended: Timestamp, now: Timestamp) -> Option<Timestamp> {
    POLLS.iter().filter_map(|after| ended.checked_add(*after).ok()).find(|at| *at > now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_recording_is_looked_for_after_1_2_5_10_and_30_minutes() {
        let ended: Timestamp = "2024-01-15T12:00:00Z".parse().unwrap();
        let next = |now: &str| next_poll(ended, now.parse().unwrap()).map(|at| at.to_string());
        assert_eq!(next("2024-01-15T12:00:00Z").as_deref(), Some("2024-01-15T12:01:00Z"));
        assert_eq!(next("2024-01-15T12:01:00Z").as_deref(), Some("2024-01-15T12:02:00Z"));
        assert_eq!(next("2024-01-15T12:04:59Z").as_deref(), Some("2024-01-15T12:05:00Z"));
        assert_eq!(next("2024-01-15T12:07:00Z").as_deref(), Some("2024-01-15T12:10:00Z"));
        assert_eq!(next("2024-01-15T12:29:00Z").as_deref(), Some("2024-01-15T12:30:00Z"));
        assert_eq!(next("2024-01-15T12:30:00Z"), None);
    }
}
