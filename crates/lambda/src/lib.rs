//! AWS Lambda functions: an event in, an answer out, configured by the environment alone.
//!
//! [`Functions`] is one process with its clients and caches; [`run_invoke`] is one invocation as
//! text, for `tieline lambda invoke`. Functions know the bridge and the connectors, never the
//! store or the server. To add one: a variant in `functions.rs` and what it needs of the
//! environment in `config.rs`.

mod config;
mod credentials;
mod functions;
mod invoke;

pub use config::Environment;
pub use functions::{Functions, LambdaError};
pub use invoke::run_invoke;
