//! What has been imported of a contact, so that nothing is imported twice and nothing is lost.
//!
//! One object a contact, `locks/{ContactId}.lock` in the bucket of transcripts, with the names the
//! reference functions use: body `IN_PROGRESS` or `COMPLETED`, metadata
//! `postcallTranscribeComprehendAnalysis` and `ACContactChannelAnalyticsId`. Ours is in further
//! metadata: who works on the contact and until when (a lease, so that a killed invocation blocks
//! nobody for longer), what was begun, and what is done. Every change is a conditional put, so two
//! invocations cannot both believe that they hold the contact.
//!
//! "Amazon S3 User Guide", "Working with object metadata" (2 KB at most, names in lower case) and
//! "How to prevent object overwrites with conditional writes" (read 2026-11-21).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};
use tieline_aws::{AwsError, Bucket, PutMode, PutOutcome};
use tieline_core::{Clock, RecordId, hex};

use crate::LambdaError;

/// As long as the longest of our functions may run.
const LEASE: SignedDuration = SignedDuration::from_secs(120);

/// How long an invocation waits for another that works on the same contact.
const PATIENCE: Duration = Duration::from_secs(8);

/// Finished pieces of work that are remembered; the metadata of an object is small.
const REMEMBERED: usize = 24;

const RECORD: &str = "accontactchannelanalyticsid";
const CODES: &str = "postcalltranscribecomprehendanalysis";
const LEASED: &str = "tieline-lease";
const BEGUN: &str = "tieline-begun";
const DONE: &str = "tieline-done";

/// Among the finished work: what the reference had begun before we came.
const THEIRS: &str = "theirs";

/// What an invocation wants to do with a contact.
#[derive(Debug, Clone)]
pub(crate) struct Work {
    /// `start`, `lens` or `result`.
    pub task: &'static str,
    /// What sets this piece of the task apart from another, for example an object's key.
    pub of: String,
    /// Whether a lock of the reference's means that it has this done or is about to.
    pub theirs: bool,
    /// Which analyses of the transcript are wanted, when this is known now.
    pub codes: Option<String>,
}

impl Work {
    /// A word of the list of finished work: opaque, short, and without the contact's data.
    fn unit(&self) -> String {
        let digest = hex(&Sha256::digest(self.of.as_bytes()));
        format!("{}-{}", self.task, &digest[..12])
    }
}

/// Whether there is something to do.
#[derive(Debug)]
pub(crate) enum Taken {
    Now(Lock),
    /// This very piece is done, by us before or by the reference.
    Done,
}

/// A contact we hold.
pub(crate) struct Lock {
    bucket: Bucket,
    key: String,
    clock: Arc<dyn Clock>,
    unit: String,
    metadata: BTreeMap<String, String>,
    etag: Option<String>,
    /// Whether the task was begun before and did not come to its end.
    pub again: bool,
}

impl std::fmt::Debug for Lock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lock").field("unit", &self.unit).field("again", &self.again).finish_non_exhaustive()
    }
}

/// The state of a lock as the reference spells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    InProgress,
    Completed,
}

impl State {
    fn text(self) -> &'static str {
        match self {
            Self::InProgress => "IN_PROGRESS",
            Self::Completed => "COMPLETED",
        }
    }
}

impl Lock {
    /// Takes the contact for `work`, waiting a while for another invocation that has it.
    ///
    /// # Errors
    ///
    /// `lambda.contact_busy` when the other one takes too long: the platform calls again.
    pub async fn take(
        bucket: Bucket,
        contact: &str,
        clock: &Arc<dyn Clock>,
        work: &Work,
    ) -> Result<Taken, LambdaError> {
        let key = format!("locks/{contact}.lock");
        let (until, mut pause) = (Instant::now() + PATIENCE, Duration::from_millis(50));
        loop {
            if let Some(taken) = Self::try_to_take(&bucket, &key, clock, work).await? {
                return Ok(taken);
            }
            if Instant::now() + pause >= until {
                return Err(LambdaError::new(
                    "lambda.contact_busy",
                    "another invocation is importing this contact; try again",
                ));
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(1));
        }
    }

    /// `None` when somebody else has the contact, or was faster.
    async fn try_to_take(
        bucket: &Bucket,
        key: &str,
        clock: &Arc<dyn Clock>,
        work: &Work,
    ) -> Result<Option<Taken>, LambdaError> {
        let now = clock.now();
        let unit = work.unit();
        let mut hidden = None;
        let (mut metadata, mode) = match bucket.head(key).await {
            Ok(Some(found)) => {
                let mode = found.etag.map_or(PutMode::Overwrite, PutMode::IfMatch);
                (found.metadata, mode)
            }
            Ok(None) => (BTreeMap::new(), PutMode::IfAbsent),
            // Without the right to list, S3 says so of an object that is not there; the put tells.
            Err(error @ AwsError::Refused { status: 403, .. }) => {
                hidden = Some(error);
                (BTreeMap::new(), PutMode::IfAbsent)
            }
            Err(error) => return Err(error.into()),
        };
        let foreign = mode != PutMode::IfAbsent && !metadata.contains_key(BEGUN);
        let is_done = |word: &str| words(&metadata, DONE).any(|done| done == word);
        if is_done(&unit) || (work.theirs && (foreign || is_done(THEIRS))) {
            return Ok(Some(Taken::Done));
        }
        if lease_end(&metadata).is_some_and(|end| end > now) {
            return Ok(None);
        }
        let again = words(&metadata, BEGUN).any(|task| task == work.task);
        if foreign {
            // What the reference began is the reference's: we must not begin it as well.
            add(&mut metadata, DONE, THEIRS);
        }
        if !again {
            add(&mut metadata, BEGUN, work.task);
        }
        if let Some(codes) = &work.codes {
            // Only what a header can carry.
            let codes = codes.chars().filter(|c| matches!(c, ' '..='~')).take(200).collect();
            metadata.insert(CODES.into(), codes);
        }
        metadata.insert(LEASED.into(), (now + LEASE).as_second().to_string());
        let lock = Self {
            bucket: bucket.clone(),
            key: key.to_owned(),
            clock: Arc::clone(clock),
            unit,
            metadata,
            etag: None,
            again,
        };
        match (lock.put(State::InProgress, mode).await?, hidden) {
            (None, Some(error)) => Err(error.into()),
            (taken, _) => Ok(taken.map(Taken::Now)),
        }
    }

    /// The record of the contact's analytics, when an import has made it.
    pub fn record(&self) -> Option<RecordId> {
        self.metadata.get(RECORD).and_then(|id| RecordId::new(id.clone()).ok())
    }

    /// Which analyses of the transcript are wanted, as the attribute had it.
    pub fn codes(&self) -> &str {
        self.metadata.get(CODES).map_or("", String::as_str)
    }

    /// Remembers the record at once, so that nobody makes a second one.
    pub async fn note_record(&mut self, record: &RecordId) -> Result<(), LambdaError> {
        if self.metadata.get(RECORD).map(String::as_str) == Some(record.as_str()) {
            return Ok(());
        }
        self.metadata.insert(RECORD.into(), record.as_str().to_owned());
        self.metadata.insert(LEASED.into(), (self.clock.now() + LEASE).as_second().to_string());
        self.write(State::InProgress).await
    }

    /// Notes a mark for later work on the contact.
    pub fn mark(&mut self, word: &str) {
        add(&mut self.metadata, DONE, word);
    }

    pub fn is_marked(&self, word: &str) -> bool {
        words(&self.metadata, DONE).any(|it| it == word)
    }

    /// The work is done and the contact free.
    pub async fn finish(mut self, state: State) -> Result<(), LambdaError> {
        let unit = self.unit.clone();
        add(&mut self.metadata, DONE, &unit);
        self.metadata.remove(LEASED);
        self.write(state).await
    }

    /// The work failed; whoever tries again need not wait. When this fails too, the lease ends it.
    pub async fn release(mut self) {
        self.metadata.remove(LEASED);
        if self.write(State::InProgress).await.is_err() {
            tracing::warn!("A lock could not be released; the contact is free again when its lease ends");
        }
    }

    async fn write(&mut self, state: State) -> Result<(), LambdaError> {
        let mode = self.etag.take().map_or(PutMode::Overwrite, PutMode::IfMatch);
        match self.put_once(state, mode).await? {
            PutOutcome::Written { etag } => {
                self.etag = etag;
                Ok(())
            }
            PutOutcome::Exists => Err(LambdaError::new(
                "lambda.contact_busy",
                "the contact's lease ended and another invocation took it; try again",
            )),
        }
    }

    async fn put(mut self, state: State, mode: PutMode) -> Result<Option<Self>, LambdaError> {
        Ok(match self.put_once(state, mode).await? {
            PutOutcome::Written { etag } => {
                self.etag = etag;
                Some(self)
            }
            PutOutcome::Exists => None,
        })
    }

    async fn put_once(&self, state: State, mode: PutMode) -> Result<PutOutcome, AwsError> {
        self.bucket.put(&self.key, state.text(), &self.metadata, "text/plain", mode).await
    }
}

fn lease_end(metadata: &BTreeMap<String, String>) -> Option<Timestamp> {
    Timestamp::from_second(metadata.get(LEASED)?.parse().ok()?).ok()
}

fn words<'a>(metadata: &'a BTreeMap<String, String>, name: &str) -> impl Iterator<Item = &'a str> {
    metadata.get(name).map_or("", String::as_str).split(',').filter(|word| !word.is_empty())
}

/// Adds a word to a list, dropping the oldest when it grows long.
fn add(metadata: &mut BTreeMap<String, String>, name: &str, word: &str) {
    let mut all: Vec<&str> = words(metadata, name).filter(|it| *it != word).collect();
    all.push(word);
    let text = all[all.len().saturating_sub(REMEMBERED)..].join(",");
    metadata.insert(name.to_owned(), text);
}
