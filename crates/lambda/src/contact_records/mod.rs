//! Contact records from a stream, a queue, an event bus or a delivery stream.
//!
//! `direct`: each contact's newest version within the batch becomes one row of
//! `AC_ContactTraceRecord__c` by the field map `contact-record`, upserted 200 at a time.
//! `forward` (where `TIELINE_URL` is set): everything is handed to a server, which decides itself.
//!
//! A record that cannot be read, or that the org refuses for good, is told to its sender like one
//! that may succeed next time: as a failed item. Trying it again cannot help it, but only what has
//! failed as often as the event source allows reaches the failure destination, where a person
//! finds it, whole. Items behind it in a shard are tried again with it, which changes nothing:
//! rows are upserted. `CTREventSourceMappingMaximumRetryAttempts` of `deploy/aws` ends it.
//!
//! The reference's `sfCTRTrigger` called two other functions for every record; by its name the
//! work is done here.

mod answer;
mod direct;
mod forwarded;

use serde_json::Value;
use tieline_amazon_connect::{Batch, BatchForm};

use crate::LambdaError;
use crate::context::Context;
use crate::forward;
use crate::name::Manner;

/// What became of a batch.
#[derive(Debug, Default)]
struct Work {
    /// By the place of the item, in order, each once.
    failures: Vec<Failure>,
    /// Rows written, or items handed over.
    done: usize,
}

#[derive(Debug)]
struct Failure {
    item: usize,
    error: LambdaError,
    /// Whether the same item would fail again.
    permanent: bool,
}

impl Work {
    fn fail(&mut self, item: usize, error: LambdaError, permanent: bool) {
        self.failures.push(Failure { item, error, permanent });
    }

    /// Sorted, each item once.
    fn settle(mut self) -> Self {
        self.failures.sort_by_key(|failure| failure.item);
        self.failures.dedup_by_key(|failure| failure.item);
        self
    }
}

pub(crate) async fn run(context: &Context, manner: Manner, event: &Value) -> Result<Value, LambdaError> {
    if forward::is_on(&context.environment) {
        return hand_over(context, manner, event).await;
    }
    let batch = Batch::read(event).ok_or_else(|| malformed(manner))?;
    let work = direct::run(context, manner, &batch).await;
    answer::of(&batch, manner, work.settle(), context.clock.now())
}

/// Hands everything to a server, whatever function it came to.
pub(crate) async fn hand_over(
    context: &Context,
    manner: Manner,
    event: &Value,
) -> Result<Value, LambdaError> {
    let batch = Batch::read(event).ok_or_else(|| malformed(manner))?;
    let work = forwarded::run(context, &batch).await;
    answer::of(&batch, manner, work.settle(), context.clock.now())
}

fn malformed(manner: Manner) -> LambdaError {
    match manner {
        Manner::Ours => LambdaError::malformed_event(
            "the event is no batch of Kinesis, SQS or Firehose, no EventBridge event and no contact record",
        ),
        Manner::Legacy => LambdaError::new("KeyError", "'record'"),
    }
}

/// Whether `batch` came as the reference's trigger got it, rather than one of its records alone.
fn is_trigger(batch: &Batch) -> bool {
    batch.form != BatchForm::Reference
}
