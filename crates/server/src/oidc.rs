//! Agents' identity provider, by OpenID Connect (authorization code with PKCE).
//!
//! The identity token must be signed by the provider, made for us, for this attempt (nonce)
//! and still valid; `openidconnect` checks that. What the token does not say about the
//! person is asked at the user-info address.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreAuthenticationFlow, CoreErrorResponseType, CoreGenderClaim,
    CoreIdTokenVerifier, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm,
    CoreProviderMetadata, CoreRevocableToken, CoreRevocationErrorResponse, CoreTokenIntrospectionResponse,
    CoreTokenType,
};
use openidconnect::{
    AccessTokenHash, AdditionalClaims, AsyncHttpClient, AuthorizationCode, Client, ClientId, ClientSecret,
    CsrfToken, EmptyExtraTokenFields, EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest,
    HttpResponse, IdTokenClaims, IdTokenFields, IssuerUrl, Nonce, OAuth2TokenResponse, PkceCodeChallenge,
    PkceCodeVerifier, RedirectUrl, RefreshToken, RequestTokenError, Scope, StandardErrorResponse,
    StandardTokenResponse, TokenResponse, UserInfoClaims,
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use tieline_core::{AgentId, Clock};
use tieline_engine::config::SignInConfig;
use tieline_engine::sign_in::{Authorization, Identity, IdentityProvider, ProviderError, Tokens};
use tokio::sync::Mutex;
use url::Url;

/// How long the provider's addresses and keys are taken to be what they were.
const METADATA_LASTS: Duration = Duration::from_secs(3600);
/// Longest answer of a provider that is read.
const ANSWER_LIMIT: usize = 1024 * 1024;

/// Claims beyond the standard ones that name the CRM's user.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct CrmClaims {
    /// Salesforce's id of the user, `005…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
}

impl AdditionalClaims for CrmClaims {}

type Fields = IdTokenFields<
    CrmClaims,
    EmptyExtraTokenFields,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;

type RelyingParty = Client<
    CrmClaims,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    StandardTokenResponse<Fields, CoreTokenType>,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// The library's idea of an HTTP client, on ours: a limited answer, no redirects.
struct Http(reqwest::Client);

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = ProviderError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, ProviderError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let request = reqwest::Request::try_from(request).map_err(unreachable)?;
            let mut response = self.0.execute(request).await.map_err(unreachable)?;
            let mut builder = http::Response::builder().status(response.status());
            for (name, value) in response.headers() {
                builder = builder.header(name, value);
            }
            let mut body = Vec::new();
            while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
                if body.len() + chunk.len() > ANSWER_LIMIT {
                    return Err(ProviderError::Untrusted("its answer is too long".into()));
                }
                body.extend_from_slice(&chunk);
            }
            builder.body(body).map_err(unreachable)
        })
    }
}

/// One workspace's provider.
pub struct OidcProvider {
    config: SignInConfig,
    redirect: Url,
    http: Http,
    clock: Arc<dyn Clock>,
    metadata: Mutex<Option<(Timestamp, CoreProviderMetadata)>>,
}

impl OidcProvider {
    /// `redirect` is our own `/auth/callback`.
    pub fn new(config: SignInConfig, redirect: Url, http: reqwest::Client, clock: Arc<dyn Clock>) -> Self {
        Self { config, redirect, http: Http(http), clock, metadata: Mutex::new(None) }
    }

    /// What the provider says about itself, asked once an hour.
    async fn metadata(&self) -> Result<CoreProviderMetadata, ProviderError> {
        let mut kept = self.metadata.lock().await;
        let now = self.clock.now();
        if let Some((until, metadata)) = kept.as_ref()
            && *until > now
        {
            return Ok(metadata.clone());
        }
        let issuer = IssuerUrl::new(self.config.issuer.clone()).map_err(untrusted)?;
        let metadata = CoreProviderMetadata::discover_async(issuer, &self.http).await.map_err(|error| {
            ProviderError::Unreachable(format!("discovery: {}", tieline_core::error_chain(&error)))
        })?;
        *kept = Some((now.checked_add(METADATA_LASTS).unwrap_or(Timestamp::MAX), metadata.clone()));
        Ok(metadata)
    }

    async fn relying_party(&self) -> Result<RelyingParty, ProviderError> {
        let secret =
            self.config.client_secret.as_ref().map(|s| ClientSecret::new(s.expose_secret().to_owned()));
        let id = ClientId::new(self.config.client_id.clone());
        Ok(Client::from_provider_metadata(self.metadata().await?, id, secret)
            .set_redirect_uri(RedirectUrl::from_url(self.redirect.clone())))
    }

    /// The checks of identity tokens, by our own clock.
    fn verifier<'a>(&self, party: &'a RelyingParty) -> CoreIdTokenVerifier<'a> {
        let clock = Arc::clone(&self.clock);
        party.id_token_verifier().set_time_fn(move || {
            let now = clock.now();
            chrono::DateTime::from_timestamp(now.as_second(), 0).unwrap_or_default()
        })
    }

    /// Who the token names, completed by the user-info address where it says too little.
    async fn person(
        &self,
        party: &RelyingParty,
        claims: &IdTokenClaims<CrmClaims, CoreGenderClaim>,
        access: &openidconnect::AccessToken,
    ) -> Result<Person, ProviderError> {
        let text = |value: Option<&openidconnect::LocalizedClaim<openidconnect::EndUserName>>| {
            value.and_then(|names| names.get(None)).map(|name| name.as_str().to_owned())
        };
        let mut person = Person {
            user_id: claims.additional_claims().user_id.clone(),
            name: text(claims.name()),
            email: claims.email().map(|email| email.as_str().to_owned()),
            login: claims.preferred_username().map(|name| name.as_str().to_owned()),
        };
        if person.is_complete() {
            return Ok(person);
        }
        let Ok(request) = party.user_info(access.clone(), Some(claims.subject().clone())) else {
            return Ok(person);
        };
        let more: UserInfoClaims<CrmClaims, CoreGenderClaim> =
            request.request_async(&self.http).await.map_err(|error| {
                ProviderError::Untrusted(format!("user info: {}", tieline_core::error_chain(&error)))
            })?;
        person.user_id = person.user_id.or_else(|| more.additional_claims().user_id.clone());
        person.name = person.name.or_else(|| text(more.name()));
        person.email = person.email.or_else(|| more.email().map(|email| email.as_str().to_owned()));
        person.login =
            person.login.or_else(|| more.preferred_username().map(|name| name.as_str().to_owned()));
        Ok(person)
    }
}

struct Person {
    user_id: Option<String>,
    name: Option<String>,
    email: Option<String>,
    login: Option<String>,
}

impl Person {
    fn is_complete(&self) -> bool {
        self.user_id.is_some() && self.name.is_some() && self.email.is_some() && self.login.is_some()
    }
}

#[async_trait]
impl IdentityProvider for OidcProvider {
    async fn authorize(&self, state: &str) -> Result<Authorization, ProviderError> {
        let party = self.relying_party().await?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let state = state.to_owned();
        let request = party.authorize_url(
            CoreAuthenticationFlow::AuthorizationCode,
            move || CsrfToken::new(state),
            Nonce::new_random,
        );
        // The library asks for `openid` by itself.
        let scopes = self.config.scopes.iter().filter(|scope| *scope != "openid").cloned().map(Scope::new);
        let (url, _, nonce) = request.add_scopes(scopes).set_pkce_challenge(challenge).url();
        Ok(Authorization { url, nonce: nonce.secret().clone(), pkce_verifier: verifier.secret().clone() })
    }

    async fn exchange(
        &self,
        code: &str,
        nonce: &str,
        pkce_verifier: &str,
    ) -> Result<Identity, ProviderError> {
        let party = self.relying_party().await?;
        let response = party
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .map_err(untrusted)?
            .set_pkce_verifier(PkceCodeVerifier::new(pkce_verifier.to_owned()))
            .request_async(&self.http)
            .await
            .map_err(token_error)?;
        let id_token = response
            .id_token()
            .ok_or_else(|| ProviderError::Untrusted("it sent no identity token".into()))?;
        let verifier = self.verifier(&party);
        let nonce = Nonce::new(nonce.to_owned());
        let claims = match id_token.claims(&verifier, &nonce) {
            Ok(claims) => claims,
            Err(error) => {
                // The provider may have changed its keys since we asked for them.
                *self.metadata.lock().await = None;
                return Err(untrusted(error));
            }
        };
        if let Some(expected) = claims.access_token_hash() {
            let algorithm = id_token.signing_alg().map_err(untrusted)?;
            let key = id_token.signing_key(&verifier).map_err(untrusted)?;
            let actual =
                AccessTokenHash::from_token(response.access_token(), algorithm, key).map_err(untrusted)?;
            if actual != *expected {
                return Err(ProviderError::Untrusted("the access token belongs to another answer".into()));
            }
        }
        let person = self.person(&party, claims, response.access_token()).await?;
        let subject = claims.subject().as_str();
        let agent = person.user_id.unwrap_or_else(|| user_of(subject).to_owned());
        let login = person.login.or_else(|| person.email.clone()).unwrap_or_else(|| agent.clone());
        Ok(Identity {
            agent: AgentId::new(agent).map_err(untrusted)?,
            name: person.name.unwrap_or_else(|| login.clone()),
            email: person.email,
            login,
            tokens: tokens(&response),
        })
    }

    async fn refresh(&self, refresh_token: &SecretString) -> Result<Tokens, ProviderError> {
        let party = self.relying_party().await?;
        let token = RefreshToken::new(refresh_token.expose_secret().to_owned());
        let response = party
            .exchange_refresh_token(&token)
            .map_err(untrusted)?
            .request_async(&self.http)
            .await
            .map_err(token_error)?;
        Ok(tokens(&response))
    }
}

/// Salesforce's subject is the address of the user (`https://…/id/00D…/005…`), whose last
/// part is the user's id. (OpenID Connect token introspection and "Identity URLs", read 2026-11-20.)
fn user_of(subject: &str) -> &str {
    match subject.rsplit_once('/') {
        Some((before, user)) if before.contains("/id/") && !user.is_empty() => user,
        _ => subject,
    }
}

fn tokens(response: &StandardTokenResponse<Fields, CoreTokenType>) -> Tokens {
    Tokens {
        access: SecretString::from(response.access_token().secret().clone()),
        refresh: response.refresh_token().map(|token| SecretString::from(token.secret().clone())),
    }
}

fn token_error(
    error: RequestTokenError<ProviderError, StandardErrorResponse<CoreErrorResponseType>>,
) -> ProviderError {
    match error {
        RequestTokenError::ServerResponse(answer) => ProviderError::Refused(answer.error().to_string()),
        RequestTokenError::Request(error) => error,
        RequestTokenError::Parse(error, _) => untrusted(error),
        RequestTokenError::Other(text) => ProviderError::Untrusted(text),
    }
}

fn unreachable(error: impl std::error::Error + 'static) -> ProviderError {
    ProviderError::Unreachable(tieline_core::error_chain(&error))
}

fn untrusted(error: impl std::error::Error + 'static) -> ProviderError {
    ProviderError::Untrusted(tieline_core::error_chain(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_salesforce_subject_ends_in_the_users_id() {
        assert_eq!(
            user_of("https://login.salesforce.com/id/00D000000000001AAA/005000000000001AAA"),
            "005000000000001AAA"
        );
        assert_eq!(user_of("auth0|42"), "auth0|42");
        assert_eq!(user_of("https://example.com/people/42"), "https://example.com/people/42");
    }
}
