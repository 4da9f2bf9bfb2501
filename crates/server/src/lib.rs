//! Where the world reaches Tieline over HTTP: the API, deliveries, sign-in, the agent
//! socket, and the panel. Thin over `tieline-engine`: what is decided is decided there.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod assembly;
mod assets;
pub mod body;
mod client;
pub mod guard;
mod listen;
mod metrics;
mod oidc;
mod problem;
mod routes;
mod state;
mod stumble;

pub use assembly::{AssemblyError, Tieline, open_store};
pub use client::client;
pub use metrics::Metrics;
pub use oidc::OidcProvider;
pub use problem::{Code, Problem};
pub use routes::{Attempts, ContactDetail, ContactSummary, openapi, router};
pub use state::{AppState, Hosts, Services};
pub use stumble::panic_text;
