//! Salesforce: an org's REST API as a [`tieline_core::Crm`], and the dips a contact flow asks of it.
//!
//! One [`Salesforce`] is one org: one HTTP client, one token however many callers there are,
//! descriptions of objects kept for an hour. It never retries what may have happened; only a
//! refused token is renewed, once, because a 401 says that nothing was done.
//!
//! Text of a query is made in `soql.rs` and `template.rs` and nowhere else.
//! The front that answers like the reference functions is in [`legacy`].
//!
//! REST API Developer Guide: <https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/>.
//! SOQL and SOSL Reference: <https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/>.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod attach;
mod auth;
mod chatter;
mod client;
mod config;
mod convert;
mod crm;
mod describe;
mod dip;
#[doc(hidden)]
pub mod doors;
mod failure;
mod find;
pub mod legacy;
mod resolve;
mod rows;
mod search;
mod soql;
mod template;
mod touched;
mod wire;
mod write;

pub use attach::{FILE_TOO_LARGE, is_gone};
pub use auth::{CredentialError, CredentialSource, Credentials, GrantSecrets};
pub use config::{OrgSettings, SettingsError, is_shared_sign_in};
pub use crm::Salesforce;
pub use describe::ObjectFields;
pub use find::find_defaults;
