//! What runs between the entry points and the connectors: configuration, workspaces,
//! sign-in, agent sessions, the effects of flows, the pipeline of records.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod agents;
mod clock;
pub mod config;
pub mod pipeline;
pub mod protocol;
pub mod sign_in;
mod workspaces;

pub use clock::SystemClock;
pub use workspaces::{Recordings, Workspace, Workspaces};
