//! HTTP around the org: routes (`routes`), the REST API with its transaction and faults
//! (`data`), sign-in (`oauth`), the pages (`pages`), the request log (`logged`).

mod data;
mod logged;
mod oauth;
mod pages;
mod routes;

use std::sync::Arc;

use http::HeaderMap;

pub(super) use routes::router;

use super::org::{Caller, Org};
use crate::world::Part;

/// What every handler has.
#[derive(Clone)]
struct Site {
    org: Arc<Org>,
    /// Whether this is the TLS listener.
    tls: bool,
}

impl Site {
    fn caller(&self, headers: &HeaderMap) -> Caller {
        let addresses = self.org.world.addresses();
        Caller {
            host: addresses.as_called(Part::Salesforce, headers, self.tls),
            issuer: addresses.origin(Part::Salesforce),
            now: self.org.world.now(),
        }
    }
}
