//! The way of a record: from a delivery to the CRM.
//!
//! [`Pipeline::intake`] stores what arrived and returns, so that it can be acknowledged. A decoder
//! takes deliveries apart, merges what they say into their contacts and projects each contact onto
//! outbox rows, one per CRM record. One writer per CRM connection writes the rows that are due, in
//! batches, and notes what became of each. Nothing is queued but state: however many versions of a
//! contact arrive while the CRM is away, it is written once, as it is then.
//!
//! Everything may be killed at any moment: a delivery is acknowledged only when it is on disk, and
//! every write is keyed, so that doing it again changes nothing.
//!
//! | File | Holds |
//! | --- | --- |
//! | `intake.rs` | bodies to stored deliveries |
//! | `decode.rs` | deliveries to parts |
//! | `documents.rs` | the contact center's own records to outbox rows, by field maps |
//! | `files.rs` | files that deliveries tell of, read and made into rows |
//! | `project.rs` | parts to outbox rows |
//! | `timing.rs` | when a row is due, so that an open call is not written on every event |
//! | `writer.rs`, `prepare.rs`, `send.rs`, `circuit.rs` | outbox rows to the CRM |
//! | `budget.rs` | the CRM's daily calls: what is told to and heard of other processes |
//! | `flow_log.rs` | a flow that waits for its call log |
//! | `recordings.rs` | what is known of a recording besides what is delivered |
//! | `queries.rs` | contacts and dead letters, for people |

mod budget;
mod circuit;
mod decode;
mod documents;
mod files;
mod flow_log;
mod intake;
mod metrics;
mod prepare;
mod project;
pub mod queries;
mod recordings;
mod run;
mod send;
mod setup;
mod sweep;
mod timing;
mod writer;

use std::sync::Arc;

pub use flow_log::LogError;
pub use intake::{IntakeError, Taken};
pub use metrics::{Counts, TargetHealth};
pub use queries::{ContactDetail, ContactRecord, DeadLetter, DeadLetterId, DeadLetterKind, PartSummary};
pub use run::Running;
pub use setup::{PipelineOptions, PipelineSetup, RecordMaps, WorkspaceSetup};

use setup::Shared;

/// The pipeline of one process. Cheap to clone; all clones are the same pipeline.
#[derive(Clone)]
pub struct Pipeline {
    shared: Arc<Shared>,
}

impl Pipeline {
    /// Nothing runs yet: deliveries are taken in, and wait until [`Pipeline::start`].
    pub fn new(setup: PipelineSetup) -> Self {
        Self { shared: Arc::new(Shared::new(setup)) }
    }
}
