//! AWS Lambda functions: an event in, an answer out, configured by the environment alone.
//!
//! [`Functions`] is one process with its clients and caches; [`run_invoke`] is one invocation as
//! text, for `tieline lambda invoke`. Functions know the bridge and the connectors, never the
//! store or the server. To add one: its name in `name.rs`, a file of its own, a line in
//! `functions.rs`, and what it needs of the environment in `config.rs`.

mod analytics;
mod config;
mod contact_lens;
mod contact_records;
mod context;
mod credentials;
mod dip;
mod error;
mod forward;
mod functions;
mod invoke;
mod lock;
mod name;
mod profiles_check;
mod queue_metrics;
mod recording_url;
mod report;
mod rights;
mod rows;
mod transcription;
mod wording;

pub use config::Environment;
pub use error::LambdaError;
pub use functions::Functions;
pub use invoke::run_invoke;
