use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Value, json};
use tieline_amazon_connect::{Batch, BatchForm};

use super::Work;
use crate::LambdaError;
use crate::name::Manner;

/// How the sender of a batch is told what became of it.
///
/// A stream or queue gets the items that failed: of a stream the lowest becomes the checkpoint,
/// and everything from there comes again. When nothing at all was done, and might be next time,
/// the invocation fails instead: that counts as an error, on which an alarm can stand.
/// By the reference's name any failure that may pass fails the invocation, because an event
/// source that was set up for the reference takes no list and would count the batch as done.
pub(super) fn of(batch: &Batch, manner: Manner, work: Work, now: Timestamp) -> Result<Value, LambdaError> {
    match &batch.form {
        BatchForm::Polled => polled(batch, manner, work),
        BatchForm::FirehoseTransformation => transformed(batch, &work),
        BatchForm::FirehoseEndpoint { request_id } => {
            let mut answer = json!({ "requestId": request_id, "timestamp": now.as_millisecond() });
            if let Some(failure) = work.failures.into_iter().next() {
                answer["errorMessage"] = failure.error.to_string().into();
            }
            Ok(answer)
        }
        BatchForm::Reference => whole(work, "Done".into()),
        BatchForm::Whole => {
            let done = work.done;
            whole(work, if manner == Manner::Legacy { Value::Null } else { json!({ "done": done }) })
        }
    }
}

fn whole(work: Work, answer: Value) -> Result<Value, LambdaError> {
    match work.failures.into_iter().next() {
        Some(failure) => Err(failure.error),
        None => Ok(answer),
    }
}

fn polled(batch: &Batch, manner: Manner, mut work: Work) -> Result<Value, LambdaError> {
    let passing = work.failures.iter().position(|failure| !failure.permanent);
    if let Some(place) = passing
        && (manner == Manner::Legacy || work.done == 0)
    {
        return Err(work.failures.swap_remove(place).error);
    }
    // An empty name would fail the whole batch.
    if let Some(failure) = work.failures.iter().find(|failure| batch.items[failure.item].id.is_empty()) {
        return Err(failure.error.clone());
    }
    if work.failures.is_empty() && manner == Manner::Legacy {
        return Ok(Value::Null);
    }
    let failures: Vec<Value> = work
        .failures
        .iter()
        .map(|failure| json!({ "itemIdentifier": batch.items[failure.item].id }))
        .collect();
    Ok(json!({ "batchItemFailures": failures }))
}

/// Every record comes back as it was; one that can never be read goes where the stream puts what
/// could not be processed.
fn transformed(batch: &Batch, work: &Work) -> Result<Value, LambdaError> {
    if let Some(failure) = work.failures.iter().find(|failure| !failure.permanent) {
        return Err(failure.error.clone());
    }
    let failed: HashSet<usize> = work.failures.iter().map(|failure| failure.item).collect();
    let records: Vec<Value> = batch
        .items
        .iter()
        .enumerate()
        .map(|(place, item)| {
            let result = if failed.contains(&place) { "ProcessingFailed" } else { "Ok" };
            let data = STANDARD.encode(item.data.as_deref().unwrap_or_default());
            json!({ "recordId": item.id, "result": result, "data": data })
        })
        .collect();
    Ok(json!({ "records": records }))
}
