//! Tokens: how one is asked for, and the one cache all callers share.
//!
//! However many calls meet an expired token at once, one of them asks for a new one and the
//! others wait for it. Credentials travel in the form body, never in an address.

use std::fmt;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use tieline_core::Clock;
use tokio::sync::{Mutex, OnceCell};
use url::Url;

use crate::failure::Failure;
use crate::wire;

/// What an org is signed in to with.
#[derive(Clone)]
pub struct Credentials {
    /// The connected app's consumer key.
    pub client_id: String,
    pub secrets: GrantSecrets,
    /// A token somebody got earlier; used until the org refuses it.
    pub token: Option<SecretString>,
}

#[derive(Clone)]
pub enum GrantSecrets {
    ClientCredentials { client_secret: SecretString },
    JwtBearer { username: String, private_key: SecretString },
    Password { client_secret: SecretString, username: String, password: SecretString },
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

/// Why credentials could not be had.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CredentialError {
    /// The place that keeps them did not answer: try later.
    #[error("the credentials could not be read: {0}")]
    Unavailable(String),
    /// They are not what they should be: an administrator must act.
    #[error("{0}")]
    Invalid(String),
}

/// Where credentials come from. Asked once per process, and once more only when the org
/// refuses them, because then somebody has changed them.
#[async_trait]
pub trait CredentialSource: Send + Sync {
    async fn credentials(&self) -> Result<Credentials, CredentialError>;
}

#[async_trait]
impl CredentialSource for Credentials {
    async fn credentials(&self) -> Result<Credentials, CredentialError> {
        Ok(self.clone())
    }
}

/// A token as the header that carries it, and which refresh brought it.
#[derive(Clone)]
pub(crate) struct Token {
    pub header: HeaderValue,
    pub generation: u64,
}

impl Token {
    pub fn new(secret: &SecretString, generation: u64) -> Result<Self, Failure> {
        let mut header =
            HeaderValue::try_from(format!("Bearer {}", secret.expose_secret())).map_err(|_| {
                Failure::Credentials(CredentialError::Invalid(
                    "the token holds characters no header can carry".into(),
                ))
            })?;
        header.set_sensitive(true);
        Ok(Self { header, generation })
    }
}

/// How often a refused credential may be read again and tried: not often, since orgs lock
/// users out who sign in wrongly again and again.
const REFUSED_PAUSE: Duration = Duration::from_secs(10);

/// The shared token of one org.
pub(crate) struct Tokens {
    source: Arc<dyn CredentialSource>,
    loaded: OnceCell<()>,
    credentials: RwLock<Option<Arc<Credentials>>>,
    current: RwLock<Option<Token>>,
    refresh: Mutex<Attempts>,
    clock: Arc<dyn Clock>,
}

#[derive(Default)]
struct Attempts {
    made: u64,
    last_refusal: Option<(Timestamp, Failure)>,
}

impl Tokens {
    pub fn new(source: Arc<dyn CredentialSource>, clock: Arc<dyn Clock>) -> Self {
        Self {
            source,
            loaded: OnceCell::new(),
            credentials: RwLock::new(None),
            current: RwLock::new(None),
            refresh: Mutex::new(Attempts::default()),
            clock,
        }
    }

    /// The token to use now; asks for the first one when there is none.
    pub async fn get(&self, login: &Login<'_>) -> Result<Token, Failure> {
        if let Some(token) = self.read_current() {
            return Ok(token);
        }
        self.load().await?;
        if let Some(token) = self.read_current() {
            return Ok(token);
        }
        self.renew(0, login).await
    }

    /// A newer token than the `refused` one.
    pub async fn renew(&self, refused: u64, login: &Login<'_>) -> Result<Token, Failure> {
        let mut attempts = self.refresh.lock().await;
        if let Some(token) = self.read_current().filter(|token| token.generation > refused) {
            return Ok(token);
        }
        let now = self.clock.now();
        if let Some((at, failure)) = &attempts.last_refusal
            && now.duration_since(*at).unsigned_abs() < REFUSED_PAUSE
        {
            return Err(failure.clone());
        }
        attempts.made += 1;
        let generation = attempts.made + 1;
        match self.ask(login, now).await {
            Ok(secret) => {
                let token = Token::new(&secret, generation)?;
                *self.current.write().expect("no panic while the lock is held") = Some(token.clone());
                attempts.last_refusal = None;
                Ok(token)
            }
            Err(failure) => {
                if matches!(failure, Failure::LoginRefused { .. }) {
                    attempts.last_refusal = Some((now, failure.clone()));
                }
                Err(failure)
            }
        }
    }

    /// Asks with what we have; when that is refused, with what the source says now, if it differs.
    async fn ask(&self, login: &Login<'_>, now: Timestamp) -> Result<SecretString, Failure> {
        self.load().await?;
        let known = self.read_credentials();
        match login.token(&known, now).await {
            Err(refused @ Failure::LoginRefused { .. }) => {
                let fresh = self.source.credentials().await.map_err(Failure::Credentials)?;
                if fresh.same_secrets(&known) {
                    return Err(refused);
                }
                let answer = login.token(&fresh, now).await;
                *self.credentials.write().expect("no panic while the lock is held") = Some(Arc::new(fresh));
                answer
            }
            answer => answer,
        }
    }

    async fn load(&self) -> Result<(), Failure> {
        self.loaded
            .get_or_try_init(|| async {
                let credentials = self.source.credentials().await.map_err(Failure::Credentials)?;
                if let Some(secret) = &credentials.token {
                    let token = Token::new(secret, 1)?;
                    *self.current.write().expect("no panic while the lock is held") = Some(token);
                }
                *self.credentials.write().expect("no panic while the lock is held") =
                    Some(Arc::new(credentials));
                Ok(())
            })
            .await
            .copied()
    }

    fn read_current(&self) -> Option<Token> {
        self.current.read().expect("no panic while the lock is held").clone()
    }

    fn read_credentials(&self) -> Arc<Credentials> {
        let known = self.credentials.read().expect("no panic while the lock is held");
        Arc::clone(known.as_ref().expect("`load` has put them there"))
    }
}

impl Credentials {
    fn same_secrets(&self, other: &Self) -> bool {
        let texts = |credentials: &Self| match &credentials.secrets {
            GrantSecrets::ClientCredentials { client_secret } => {
                [client_secret.expose_secret().to_owned(), String::new(), String::new()]
            }
            GrantSecrets::JwtBearer { username, private_key } => {
                [private_key.expose_secret().to_owned(), username.clone(), String::new()]
            }
            GrantSecrets::Password { client_secret, username, password } => [
                client_secret.expose_secret().to_owned(),
                username.clone(),
                password.expose_secret().to_owned(),
            ],
        };
        self.client_id == other.client_id && texts(self) == texts(other)
    }
}

/// One request for a token.
pub(crate) struct Login<'a> {
    pub http: &'a reqwest::Client,
    pub token_url: &'a Url,
    pub audience: &'a str,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    exp: i64,
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: SecretString,
}

impl Login<'_> {
    async fn token(&self, credentials: &Credentials, now: Timestamp) -> Result<SecretString, Failure> {
        let client_id = credentials.client_id.as_str();
        let assertion;
        let form: Vec<(&str, &str)> = match &credentials.secrets {
            GrantSecrets::ClientCredentials { client_secret } => vec![
                ("grant_type", "client_credentials"),
                ("client_id", client_id),
                ("client_secret", client_secret.expose_secret()),
            ],
            GrantSecrets::JwtBearer { username, private_key } => {
                assertion = self.assertion(client_id, username, private_key, now)?;
                vec![
                    ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
                    ("assertion", assertion.expose_secret()),
                ]
            }
            GrantSecrets::Password { client_secret, username, password } => vec![
                ("grant_type", "password"),
                ("client_id", client_id),
                ("client_secret", client_secret.expose_secret()),
                ("username", username),
                ("password", password.expose_secret()),
            ],
        };
        let request = self.http.post(self.token_url.clone()).form(&form);
        let (status, _, body) = crate::client::exchange(request).await?;
        if status.is_success() {
            let answer: TokenAnswer =
                serde_json::from_slice(&body).map_err(|error| Failure::malformed(status.as_u16(), error))?;
            return Ok(answer.access_token);
        }
        Err(match wire::LoginProblem::read(&body) {
            Some(problem) if status.is_client_error() => Failure::LoginRefused {
                status: status.as_u16(),
                code: problem.error,
                message: problem.error_description.unwrap_or_default(),
            },
            _ if status.as_u16() == 401 => {
                Failure::LoginRefused { status: 401, code: String::new(), message: String::new() }
            }
            _ => Failure::from_answer(status, None, &body),
        })
    }

    /// The JWT of the bearer flow. Salesforce takes `exp` at most five minutes ahead.
    /// ("OAuth 2.0 JWT Bearer Flow for Server-to-Server Integration", Salesforce Help, read 2026-11-20.)
    fn assertion(
        &self,
        client_id: &str,
        username: &str,
        private_key: &SecretString,
        now: Timestamp,
    ) -> Result<SecretString, Failure> {
        let bad_key =
            |_| Failure::Credentials(CredentialError::Invalid("the private key is no RSA key in PEM".into()));
        let key = jsonwebtoken::EncodingKey::from_rsa_pem(private_key.expose_secret().as_bytes())
            .map_err(bad_key)?;
        let claims = Claims { iss: client_id, sub: username, aud: self.audience, exp: now.as_second() + 180 };
        jsonwebtoken::encode(&jsonwebtoken::Header::new(jsonwebtoken::Algorithm::RS256), &claims, &key)
            .map(SecretString::from)
            .map_err(bad_key)
    }
}
