//! What was given out: access tokens, refresh tokens, codes.

use std::collections::HashMap;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;

use super::Client;

/// A session ends after so long without use. (Salesforce Help, "Session Settings": 2 hours unless set.)
const IDLE: Duration = Duration::from_secs(2 * 60 * 60);
/// (Salesforce Help, "OAuth 2.0 Web Server Flow": a code is good for 15 minutes.)
const CODE_LIFE: Duration = Duration::from_secs(15 * 60);

#[derive(Debug, Clone)]
pub(crate) struct Session {
    /// Id of the user.
    pub user: String,
    scopes: Vec<String>,
    expires: Timestamp,
}

impl Session {
    /// A token that was given for signing in alone opens no data.
    pub fn may_use_api(&self) -> bool {
        self.scopes.iter().any(|scope| matches!(scope.as_str(), "api" | "web"))
    }
}

#[derive(Debug, Clone)]
pub(super) struct Refresh {
    pub user: String,
    pub client: Client,
    pub scopes: Vec<String>,
}

/// What a code stands for until it is redeemed.
#[derive(Debug, Clone)]
pub(super) struct Code {
    pub user: String,
    pub client: Client,
    pub scopes: Vec<String>,
    pub redirect: String,
    pub nonce: Option<String>,
    /// SHA-256 of the verifier in base64url (RFC 7636, S256).
    pub challenge: Option<String>,
    pub expires: Option<Timestamp>,
}

#[derive(Debug, Default)]
pub(crate) struct Sessions {
    access: HashMap<String, Session>,
    refresh: HashMap<String, Refresh>,
    codes: HashMap<String, Code>,
}

impl Sessions {
    /// A new access token for `user`.
    pub fn open(&mut self, user: &str, scopes: &[String], now: Timestamp) -> String {
        self.access.retain(|_, session| session.expires > now);
        let token = format!("00D000000000001!{}", random());
        let expires = later(now, IDLE);
        self.access
            .insert(token.clone(), Session { user: user.to_owned(), scopes: scopes.to_vec(), expires });
        token
    }

    /// The session of a token that is good now; using it keeps it alive.
    pub fn touch(&mut self, token: &str, now: Timestamp) -> Option<Session> {
        let session = self.access.get_mut(token).filter(|session| session.expires > now)?;
        session.expires = later(now, IDLE);
        Some(session.clone())
    }

    /// Ends the access tokens of `user`, or all; how many there were. Refresh tokens stay good.
    pub fn expire(&mut self, user: Option<&str>) -> usize {
        let before = self.access.len();
        self.access.retain(|_, session| user.is_some_and(|user| session.user != user));
        before - self.access.len()
    }

    pub(super) fn keep_refresh(&mut self, refresh: Refresh) -> String {
        let token = format!("5Aep861{}", random());
        self.refresh.insert(token.clone(), refresh);
        token
    }

    pub(super) fn refresh(&self, token: &str) -> Option<&Refresh> {
        self.refresh.get(token)
    }

    pub(super) fn keep_code(&mut self, mut code: Code, now: Timestamp) -> String {
        code.expires = Some(later(now, CODE_LIFE));
        let text = format!("aPrx{}", random());
        self.codes.insert(text.clone(), code);
        text
    }

    /// A code can be taken once.
    pub(super) fn take_code(&mut self, code: &str, now: Timestamp) -> Option<Code> {
        self.codes.remove(code).filter(|code| code.expires.is_none_or(|expires| expires > now))
    }

    /// Whether the token was known. Revoking a refresh token ends its user's access tokens too.
    pub(super) fn revoke(&mut self, token: &str) -> bool {
        if let Some(refresh) = self.refresh.remove(token) {
            self.expire(Some(&refresh.user));
            return true;
        }
        self.access.remove(token).is_some()
    }
}

fn later(now: Timestamp, by: Duration) -> Timestamp {
    now.checked_add(by).unwrap_or(Timestamp::MAX)
}

fn random() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 48]>())
}
