//! Control of what is written into the instance's bucket: reports, analyses, transcripts.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::bucket::{BUCKET, Created};
use super::center::Job;
use super::conversation::{self, AnalysisWritten, Say, WriteAnalysis};
use super::reports::{self, ReportWritten, WriteReport};
use super::server::Hall;
use crate::world::{Body, Problem};

pub fn routes() -> OpenApiRouter<Arc<Hall>> {
    OpenApiRouter::new()
        .routes(routes!(write_report))
        .routes(routes!(write_analysis))
        .routes(routes!(list_jobs, finish_job))
}

/// Writes a historical report into the instance's bucket, as its schedule would, and says what
/// the bucket would tell a function about it.
#[utoipa::path(post, path = "/sandbox/v1/reports", tag = "reports", request_body = WriteReport,
    responses((status = CREATED, body = ReportWritten), (status = "4XX", body = Problem)))]
async fn write_report(
    State(hall): State<Arc<Hall>>,
    Body(body): Body<WriteReport>,
) -> Result<(StatusCode, Json<ReportWritten>), Problem> {
    if body.rows.is_some_and(|rows| rows > reports::MOST_ROWS) {
        return Err(Problem::invalid(format!("a report has at most {} rows", reports::MOST_ROWS)));
    }
    if body.name.as_ref().is_some_and(|name| name.is_empty() || name.len() > 256 || name.contains('/')) {
        return Err(Problem::invalid("a name has 1 to 256 bytes and no slash"));
    }
    let written = hall.with(|center, now| {
        let (key, text, rows) = reports::report(center, &body, now);
        let size = text.len();
        let created = Created { etag: hall.storage.put(BUCKET, &key, text, now), key, size, at: now };
        let event = created.notification(&center.instance);
        ReportWritten { bucket: BUCKET.to_owned(), key: created.key, rows, event }
    });
    Ok((StatusCode::CREATED, Json(written)))
}

/// Writes the analysis of a contact that is over into the instance's bucket, as Contact Lens
/// would, and lets EventBridge tell Tieline of it. A redacted call comes with its recording.
#[utoipa::path(post, path = "/sandbox/v1/analyses", tag = "conversations", request_body = WriteAnalysis,
    responses((status = CREATED, body = AnalysisWritten), (status = "4XX", body = Problem)))]
async fn write_analysis(
    State(hall): State<Arc<Hall>>,
    Body(body): Body<WriteAnalysis>,
) -> Result<(StatusCode, Json<AnalysisWritten>), Problem> {
    let written = hall.with(|center, now| conversation::write(center, &hall.storage, &body, now))?;
    Ok((StatusCode::CREATED, Json(written)))
}

/// A job of the simulated Amazon Transcribe.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct JobDescription {
    job: String,
    /// `IN_PROGRESS`, `COMPLETED` or `FAILED`.
    status: &'static str,
    #[schema(value_type = String, format = DateTime)]
    started: Timestamp,
    /// The recording, as the job was asked.
    media: String,
    /// Where the transcript is, or will be.
    bucket: String,
    key: String,
}

impl From<&Job> for JobDescription {
    fn from(job: &Job) -> Self {
        Self {
            job: job.asked.name.clone(),
            status: job.status(),
            started: job.started,
            media: job.asked.media.clone(),
            bucket: job.asked.bucket.clone(),
            key: job.asked.key.clone(),
        }
    }
}

/// The transcription jobs since the start, oldest first.
#[utoipa::path(get, path = "/sandbox/v1/transcriptions", tag = "conversations",
    responses((status = OK, body = Vec<JobDescription>)))]
async fn list_jobs(State(hall): State<Arc<Hall>>) -> Json<Vec<JobDescription>> {
    let mut jobs: Vec<JobDescription> =
        hall.with(|center, _| center.jobs.values().map(JobDescription::from).collect());
    jobs.sort_by(|a, b| (a.started, &a.job).cmp(&(b.started, &b.job)));
    Json(jobs)
}

/// How a job ends.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct FinishJob {
    /// The name of a job that is under way.
    job: String,
    /// What is on the recording; what the call's transcript holds, or a few words about a bill, when absent.
    said: Option<Vec<Say>>,
    /// Why it fails; it does not when absent.
    fail: Option<String>,
}

/// Ends a transcription job now, which would have gone on for five seconds.
#[utoipa::path(post, path = "/sandbox/v1/transcriptions", tag = "conversations", request_body = FinishJob,
    responses((status = OK, body = JobDescription), (status = "4XX", body = Problem)))]
async fn finish_job(
    State(hall): State<Arc<Hall>>,
    Body(body): Body<FinishJob>,
) -> Result<Json<JobDescription>, Problem> {
    hall.with(|center, now| {
        let said = match &body.said {
            Some(said) => conversation::lines(Some(said), None)?,
            None => center.heard(&body.job),
        };
        Ok(Json(center.finish_job(now, &body.job, &said, body.fail)?.into()))
    })
}
