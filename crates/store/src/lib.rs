//! What Tieline remembers, behind one trait per concern.
//!
//! [`RecordStore`] holds deliveries, parts, contacts and the outbox (the way from a delivery
//! to the CRM); [`AgentStore`] holds what belongs to agents, their sessions and flows.
//! [`AuditStore`] holds who did what. [`Store`] is all of them. [`SqliteStore`] is the store of one machine.
//!
//! Nothing here decides anything: what a part means, when a row is due and what to do about
//! a refused one is said by the engine, in one call per decision, so that every such call is
//! one transaction and another database can do the same.
//!
//! To add a table: a new file in `sqlite/migrations` (never change one that was released),
//! one line in `sqlite/migrate.rs`, and the methods on the trait it belongs to.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod agents;
mod audit;
mod error;
mod files;
mod records;
pub mod sqlite;

pub use agents::{
    AgentBinding, AgentRow, AgentStore, AgentSweep, AttemptRow, BindingMaker, FlowGrants, FlowRow,
    FlowVersion, NewFlowVersion, PublishedFlow, RunEnd, RunFilter, RunRow, RunState, SeenEvent, SessionRow,
};
pub use audit::{AuditCheck, AuditEntry, AuditStore};
pub use error::StoreError;
pub use files::private_folder;
pub use records::{
    Budget, ClaimedRow, ContactFilter, ContactRow, ContactSnapshot, ContactUpdate, DeadDelivery,
    DeliveryMark, DeliveryOutcome, DocumentPart, DocumentPut, Due, Insertion, Link, OutboxEntry, OutboxPut,
    OutboxState, Part, QueueDepths, RecordStore, RowMark, RowOutcome, StoredDelivery, Swept,
};
pub use sqlite::SqliteStore;

/// Everything the engine asks of a store.
pub trait Store: RecordStore + AgentStore + AuditStore {}

impl<T: RecordStore + AgentStore + AuditStore> Store for T {}
