//! Who calls: OAuth 2.0 tokens, the OpenID Connect issuer, the SOAP log-in.
//!
//! `sessions` is what is known, `token` the grants, `authorize` the page on which a person picks
//! a user, `oidc` what a relying party reads, `soap` the oldest way in. Every wrong step gets
//! the error Salesforce gives.
//!
//! (Salesforce Help, "OAuth 2.0 and OpenID Connect Flows"; "OpenID Connect Token Introspection",
//! "UserInfo Endpoint". OpenID Connect Core 1.0. RFC 6749, RFC 7636. Read 2026-11-20.)

mod authorize;
mod keys;
mod oidc;
mod sessions;
mod soap;
mod token;

pub(crate) use authorize::{Answer as Decision, decide, page};
pub(crate) use keys::bearer_private_key;
pub(crate) use oidc::{discovery, identity, jwks, user_info};
pub(crate) use sessions::Sessions;
pub(crate) use soap::login as soap_login;
pub(crate) use token::{revoke, token};

/// An OAuth client of `sandbox.md` §2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Client {
    pub id: &'static str,
    pub secret: &'static str,
    /// Whether people sign in through it, and so whether it has a redirect address.
    pub interactive: bool,
}

const CLIENTS: [Client; 2] = [
    Client { id: "tieline-sandbox", secret: "sandbox-secret", interactive: false },
    Client { id: "tieline-panel", secret: "sandbox-secret", interactive: true },
];

/// The user that client credentials stand for.
pub(crate) const INTEGRATION_USER: &str = "integration@example.com";

pub(crate) fn client(id: &str) -> Option<Client> {
    CLIENTS.into_iter().find(|client| client.id == id)
}
