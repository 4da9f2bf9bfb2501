//! What everything that uses AWS shares: credentials and secrets.
//!
//! The official SDK does the signing. Where the environment holds keys, as in every Lambda
//! function, they are used as they are: no profile files are read and no metadata service is
//! waited for. Otherwise the SDK's own chain looks for them.

mod secrets;
mod settings;

pub use secrets::{Secrets, SecretsError};
pub use settings::{AwsKeys, AwsSettings};
