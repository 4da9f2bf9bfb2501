//! Transcription jobs: started, under way for a while, done or failed.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::machine::{Center, Refusal, Timer, not_now};
use super::news::NewFile;
use crate::connect::conversation::{Line, transcript};
use crate::connect::event::seconds;

/// How long a job takes when nobody asks for its end.
const TAKES: Duration = Duration::from_secs(5);

/// What a job is asked to do.
#[derive(Debug, Clone)]
pub struct NewJob {
    pub name: String,
    pub language: String,
    pub media: String,
    pub media_format: Option<String>,
    /// Where the transcript goes.
    pub bucket: String,
    pub key: String,
    pub settings: Option<Value>,
}

#[derive(Debug, Clone)]
pub struct Job {
    pub asked: NewJob,
    pub started: Timestamp,
    pub done: Option<Timestamp>,
    pub failure: Option<String>,
}

impl Job {
    /// In the service's words.
    pub fn status(&self) -> &'static str {
        match (&self.failure, self.done) {
            (Some(_), _) => "FAILED",
            (None, Some(_)) => "COMPLETED",
            (None, None) => "IN_PROGRESS",
        }
    }

    /// What the name of a recording begins with.
    fn contact(&self) -> &str {
        let name = self.asked.media.rsplit('/').next().unwrap_or_default();
        name.split_once('_').map_or(name, |(contact, _)| contact)
    }
}

impl Center {
    /// # Errors
    ///
    /// When there is a job of this name.
    pub fn start_job(&mut self, at: Timestamp, asked: NewJob) -> Result<&Job, Refusal> {
        let name = asked.name.clone();
        if self.jobs.contains_key(&name) {
            return Err(not_now("there is a job of this name"));
        }
        self.later(at, TAKES, Timer::Job { name: name.clone() });
        let job = Job { asked, started: at, done: None, failure: None };
        Ok(self.jobs.entry(name).or_insert(job))
    }

    /// Ends a job that is under way: with what was said (what the call's transcript holds where
    /// nothing is told), or with the reason why it failed.
    ///
    /// # Errors
    ///
    /// When there is no such job or it is not under way.
    pub fn finish_job(
        &mut self,
        at: Timestamp,
        name: &str,
        said: &[Line],
        failure: Option<String>,
    ) -> Result<&Job, Refusal> {
        let job = self.jobs.get_mut(name);
        let job = job.ok_or_else(|| Refusal::Unknown("there is no such job".to_owned()))?;
        if job.done.is_some() {
            return Err(not_now("the job is not under way any more"));
        }
        job.done = Some(at);
        job.failure = failure;
        let job = self.jobs[name].clone();
        if job.failure.is_none() {
            let text = transcript::document(self.instance.account, &job.asked, said).to_string();
            let NewJob { bucket, key, .. } = job.asked.clone();
            self.news.files.push(NewFile { bucket, key, text, at });
        }
        let detail = json!({"TranscriptionJobName": name, "TranscriptionJobStatus": job.status()});
        let contact = if self.calls.contains_key(job.contact()) { job.contact() } else { name };
        self.announce(at, contact, JOB_STATE_CHANGE, |instance, id| {
            json!({
                "version": "0",
                "id": id,
                "detail-type": JOB_STATE_CHANGE,
                "source": "aws.transcribe",
                "account": instance.account,
                "time": seconds(at),
                "region": instance.region,
                "resources": [],
                "detail": detail,
            })
        });
        Ok(&self.jobs[name])
    }

    /// What was said on the recording of a job, as far as the center knows the call.
    pub fn heard(&self, name: &str) -> Vec<Line> {
        let call = self.jobs.get(name).and_then(|job| self.calls.get(job.contact()));
        transcript::heard(call)
    }

    /// The job's time is over; whoever was quicker by the control API has ended it already.
    pub(super) fn job_is_due(&mut self, at: Timestamp, name: &str) {
        let said = self.heard(name);
        let _ = self.finish_job(at, name, &said, None);
    }
}

/// (Amazon Transcribe Developer Guide, "Using Amazon EventBridge with Amazon Transcribe", read 2026-11-21.)
const JOB_STATE_CHANGE: &str = "Transcribe Job State Change";
