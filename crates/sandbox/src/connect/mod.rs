//! A simulated Amazon Connect instance: one alias, its agents, queues and calls.
//!
//! Calls are state machines on the sandbox's clock (`center`). The CCP page shows one
//! agent's part of them to the genuine softphone library (`page`, `snapshot`, `api`);
//! contact events and contact records go to Tieline the way EventBridge and Firehose
//! would send them (`event`, `record`, `deliveries`); `rest` answers the API calls Tieline
//! makes, `reports` and `conversation` write historical reports and analyses into the instance's
//! bucket (`storage`, `bucket`), where Amazon Transcribe writes too; tests and the stage make
//! calls and break things through `control` and `files`.
//!
//! Not simulated: sound (recordings are silent), transfers and conferences (they answer with an exception, never
//! with a success that did not happen), chat and tasks, the rest of the Connect API.

mod api;
mod bucket;
mod call;
mod center;
mod control;
mod conversation;
mod deliveries;
mod event;
mod files;
mod instance;
mod page;
mod record;
mod reports;
mod rest;
mod server;
mod snapshot;
mod storage;

pub use deliveries::DeliverTo;
pub use server::{AmazonConnect, Settings};
