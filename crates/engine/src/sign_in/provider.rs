use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use tieline_core::AgentId;
use url::Url;

/// Somebody who vouches for agents.
#[async_trait]
pub trait IdentityProvider: Send + Sync {
    /// Where to send the agent so that the answer comes back with `state`.
    async fn authorize(&self, state: &str) -> Result<Authorization, ProviderError>;

    /// Turns the code of the answer into who the agent is.
    async fn exchange(&self, code: &str, nonce: &str, pkce_verifier: &str)
    -> Result<Identity, ProviderError>;

    /// A fresh access token; the refresh token stays unless a new one comes with it.
    async fn refresh(&self, refresh_token: &SecretString) -> Result<Tokens, ProviderError>;
}

/// A way to the provider and what to remember until the answer comes.
#[derive(Debug)]
pub struct Authorization {
    pub url: Url,
    pub nonce: String,
    pub pkce_verifier: String,
}

/// Who the provider says the agent is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Identity {
    pub agent: AgentId,
    pub name: String,
    pub email: Option<String>,
    pub login: String,
    pub tokens: Tokens,
}

/// What lets us act as the agent in the CRM. Serialised only to be sealed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Tokens {
    #[serde(serialize_with = "exposed")]
    pub access: SecretString,
    #[serde(default, serialize_with = "maybe_exposed", skip_serializing_if = "Option::is_none")]
    pub refresh: Option<SecretString>,
}

/// Why the provider's word could not be had.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// The person, or the provider, said no. Holds the provider's code, nothing personal.
    #[error("the identity provider refused: {0}")]
    Refused(String),
    /// Try again later.
    #[error("the identity provider could not be reached: {0}")]
    Unreachable(String),
    /// Its answer does not prove what it claims.
    #[error("the identity provider's answer does not hold: {0}")]
    Untrusted(String),
}

impl ProviderError {
    /// The code of the problem page.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused(_) => "sign_in_refused",
            Self::Unreachable(_) => "identity_provider_unreachable",
            Self::Untrusted(_) => "identity_not_proved",
        }
    }
}

fn exposed<S: serde::Serializer>(secret: &SecretString, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(secret.expose_secret())
}

#[expect(clippy::ref_option, reason = "serde calls it so")]
fn maybe_exposed<S: serde::Serializer>(secret: &Option<SecretString>, to: S) -> Result<S::Ok, S::Error> {
    match secret {
        Some(secret) => exposed(secret, to),
        None => to.serialize_none(),
    }
}
