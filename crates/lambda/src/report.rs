//! Historical agent and queue reports that Amazon Connect puts into a bucket.
//!
//! One object of the event after the other is read, taken apart, and written: one description of
//! the CRM's object and one call per 200 rows. A row that cannot be written is told by its line and
//! the rest goes on; a file that cannot be read, or a CRM that is down, fails the invocation once
//! the other files are done. Writing is by key, so an event that comes again changes nothing.
//!
//! With `TIELINE_URL` set the event is handed to a server, which reads the objects and writes the
//! rows: see [`crate::forward`].

use serde_json::{Value, json};
use tieline_amazon_connect::{
    CreatedObject, LARGEST_REPORT, Report, ReportError, ReportKind, ReportRow, created_objects,
};
use tieline_aws::AwsError;
use tieline_bridge::map::{FieldMap, MapContext, fit};
use tieline_core::{ConnectorError, OutboxRow, RowFailure};
use tieline_salesforce::{ObjectFields, Salesforce};
use tracing::{info, warn};

use crate::LambdaError;
use crate::context::{Context, MANY_ROWS};
use crate::forward;
use crate::name::Manner;
use crate::rows::write_all;
use crate::wording;

/// Refused rows told in an answer and a log; their number is always told.
const TOLD: usize = 100;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Agent,
    Queue,
}

impl Kind {
    fn map(self) -> &'static str {
        self.of_report().map()
    }

    fn of_report(self) -> ReportKind {
        match self {
            Self::Agent => ReportKind::Agent,
            Self::Queue => ReportKind::Queue,
        }
    }
}

/// Why a file was not written.
enum Problem {
    Crm(ConnectorError),
    Aws(AwsError),
    File(ReportError),
    Gone,
    /// Somebody held rows all the time.
    Held(usize),
    Lambda(LambdaError),
}

impl From<ConnectorError> for Problem {
    fn from(error: ConnectorError) -> Self {
        Self::Crm(error)
    }
}

impl Problem {
    fn told(self, manner: Manner) -> LambdaError {
        match (self, manner) {
            (Self::Crm(error), manner) => LambdaError::of_crm(manner, error),
            (Self::Aws(error), Manner::Legacy) => wording::of_aws(&error, "get_object"),
            (Self::Aws(AwsError::TooLarge { .. }), Manner::Ours) => {
                LambdaError::new("report.too_large", format!("a report has at most {LARGEST_REPORT} bytes"))
            }
            (Self::Aws(error), Manner::Ours) => LambdaError::new("report.not_read", error.to_string()),
            (Self::Gone, Manner::Legacy) => wording::of_aws(&wording::no_such_key(), "get_object"),
            (Self::Gone, Manner::Ours) => {
                LambdaError::new("report.not_found", "the object is not in its bucket any more")
            }
            (Self::File(error), _) => LambdaError::new(error.code(), error.to_string()),
            (Self::Held(rows), _) => LambdaError::new(
                "report.rows_held",
                format!("{rows} rows could not be written because somebody else held them"),
            ),
            (Self::Lambda(error), _) => error,
        }
    }
}

/// What became of the rows of all files.
#[derive(Default)]
struct Outcome {
    files: usize,
    ignored: usize,
    rows: usize,
    written: usize,
    superseded: usize,
    refused: Vec<Refused>,
}

struct Refused {
    /// The file's place in the event, counted from 0.
    file: usize,
    line: u64,
    code: String,
    /// With the CRM's own words: they may quote values, so nobody but the reference's callers gets them.
    failure: Option<RowFailure>,
}

impl Outcome {
    fn answer(&self) -> Value {
        let refused: Vec<Value> = self
            .refused
            .iter()
            .take(TOLD)
            .map(|row| json!({"file": row.file, "line": row.line, "code": row.code}))
            .collect();
        json!({
            "files": self.files,
            "ignored": self.ignored,
            "rows": self.rows,
            "written": self.written,
            "superseded": self.superseded,
            "refused_count": self.refused.len(),
            "refused": refused,
        })
    }

    /// Nothing could be written of what there was.
    fn nothing_written(&self, manner: Manner) -> Option<LambdaError> {
        let first = self.refused.first().filter(|_| self.written == 0)?;
        Some(match (manner, &first.failure) {
            (Manner::Legacy, Some(failure)) => LambdaError::of_row(manner, failure),
            (Manner::Legacy, None) => {
                LambdaError::new("Exception", format!("line {}: {}", first.line, first.code))
            }
            (Manner::Ours, _) => LambdaError::new(
                "report.rows_refused",
                format!(
                    "none of {} rows could be written; line {} of file {}: {}",
                    self.refused.len(),
                    first.line,
                    first.file,
                    first.code
                ),
            ),
        })
    }
}

pub(crate) async fn run(
    context: &Context,
    kind: Kind,
    manner: Manner,
    event: &Value,
) -> Result<Value, LambdaError> {
    let objects = created_objects(event)
        .map_err(|error| LambdaError::new("report.malformed_event", error.to_string()))?;
    if forward::is_on(&context.environment) && objects.iter().any(CreatedObject::may_be_report) {
        return forward::objects(context, manner, event).await;
    }
    let mut outcome = Outcome::default();
    let mut failed = None;
    for (place, object) in objects.iter().enumerate() {
        if !object.may_be_report() {
            warn!(file = place, "An object that is no CSV file is left alone");
            outcome.ignored += 1;
            continue;
        }
        outcome.files += 1;
        if let Err(problem) = import(context, kind, place, object, &mut outcome).await {
            let error = problem.told(manner);
            warn!(file = place, code = error.error_type, "A report was not written");
            failed.get_or_insert(error);
        }
    }
    for row in outcome.refused.iter().take(TOLD) {
        warn!(file = row.file, line = row.line, code = row.code, "A row was refused");
    }
    info!(
        files = outcome.files,
        rows = outcome.rows,
        written = outcome.written,
        refused = outcome.refused.len(),
        "Imported reports"
    );
    match failed.or_else(|| outcome.nothing_written(manner)) {
        Some(error) => Err(error),
        None if manner == Manner::Legacy => Ok(Value::Null),
        None => Ok(outcome.answer()),
    }
}

async fn import(
    context: &Context,
    kind: Kind,
    place: usize,
    object: &CreatedObject,
    outcome: &mut Outcome,
) -> Result<(), Problem> {
    let mut bucket = context.aws().bucket(&object.bucket);
    if let Some(region) = &object.region {
        bucket = bucket.in_region(region);
    }
    let file = bucket.read(&object.key, LARGEST_REPORT).await.map_err(Problem::Aws)?.ok_or(Problem::Gone)?;
    let report = Report::read(&file.bytes).map_err(Problem::File)?;

    let salesforce = context.org_for_the_rest(MANY_ROWS).await.map_err(Problem::Lambda)?;
    let map = context.map(kind.map()).map_err(Problem::Lambda)?;
    let namespace = salesforce.namespace();
    // Before anything is written: without it nothing is known of the fields, and rows written
    // then would be empty ones under ids of their own.
    let known = salesforce.fields(&map.object(namespace)).await?;
    let rows = report.rows(kind.of_report()).map_err(Problem::File)?;

    outcome.rows += rows.rows.len() + rows.problems.len() + rows.superseded.len();
    outcome.superseded += rows.superseded.len();
    outcome.refused.extend(rows.problems.iter().map(|problem| Refused {
        file: place,
        line: problem.line,
        code: problem.code.as_str().to_owned(),
        failure: None,
    }));
    if !rows.superseded.is_empty() {
        warn!(file = place, rows = rows.superseded.len(), "Later rows of the same name and interval count");
    }
    let made = Made { context, salesforce: &salesforce, map: &map, known: &known, object };
    let (lines, writable): (Vec<u64>, Vec<OutboxRow>) =
        rows.rows.iter().filter_map(|row| Some((row.line, made.row(row)?))).unzip();
    let mut held = 0;
    let done = write_all(&salesforce, &writable).await;
    for (line, result) in lines.iter().zip(done.results) {
        match result {
            Ok(_) => outcome.written += 1,
            Err(RowFailure::Contention { .. }) => held += 1,
            Err(RowFailure::Permanent { code, message }) => {
                let failure = RowFailure::Permanent { code: code.clone(), message };
                outcome.refused.push(Refused { file: place, line: *line, code, failure: Some(failure) });
            }
        }
    }
    match done.stopped {
        Some(error) => Err(Problem::Crm(error)),
        None if held > 0 => Err(Problem::Held(held)),
        None => Ok(()),
    }
}

/// What rows of one file are made with.
struct Made<'a> {
    context: &'a Context,
    salesforce: &'a Salesforce,
    map: &'a FieldMap,
    known: &'a ObjectFields,
    object: &'a CreatedObject,
}

impl Made<'_> {
    fn row(&self, row: &ReportRow) -> Option<OutboxRow> {
        let namespace = self.salesforce.namespace();
        let now = self.context.clock.now();
        // Where the org tells regions apart, a row's id does so as well.
        let region_field = self.map.region_column(namespace);
        let region = region_field.and_then(|field| self.known.spelling(&field)).and(self.context.region());
        let extra = row.extra(self.object, now, region);
        let context = MapContext { namespace, region, now, extra: &extra };
        let mut made = self.map.row(&Value::Object(row.values.clone()), &context).ok()?;
        let fitted = fit(made.fields, namespace, |name| self.known.spelling(name).map(str::to_owned));
        if !fitted.unknown.is_empty() {
            tracing::debug!(fields = ?fitted.unknown, "Columns without a field in the org are left out");
        }
        made.fields = fitted.fields;
        Some(made)
    }
}
