//! One sign-in on its way: begun in the frame, sent through the provider, redeemed in the frame.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tieline_core::WorkspaceName;
use tieline_store::{AgentRow, AttemptRow};
use url::Url;

use super::{
    ATTEMPT_LASTS, AgentProfile, Identity, ProviderError, SignIn, SignInError, SignedIn, hash_of, random_word,
};

/// What the frame is told while it waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttemptState {
    Pending,
    Done,
    /// With the code of a problem page.
    Failed(String),
}

/// The states of an attempt's row.
const BEGUN: &str = "begun";
const AT_PROVIDER: &str = "at_provider";
const EXCHANGING: &str = "exchanging";
const DONE: &str = "done";
const FAILED: &str = "failed";

/// What is kept between the steps; sealed, because it holds secrets of the exchange and,
/// in the end, tokens.
#[derive(Serialize, Deserialize)]
struct Document {
    /// base64url SHA-256 of the verifier only the frame knows.
    challenge: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    journey: Option<Journey>,
    #[serde(skip_serializing_if = "Option::is_none")]
    identity: Option<Identity>,
    /// The code of the problem it failed with.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Journey {
    /// What the provider must hand back, so that nobody else's answer is taken for this one.
    state: [u8; 32],
    /// The cookie of the pop-up, so that the answer comes back through the same browser.
    browser: [u8; 32],
    nonce: String,
    pkce_verifier: String,
}

impl SignIn {
    /// Notes an attempt the frame made up. Its challenge is the SHA-256 of the verifier.
    pub async fn begin(
        &self,
        workspace: &WorkspaceName,
        attempt: &str,
        challenge: &str,
    ) -> Result<(), SignInError> {
        self.realm(workspace)?;
        let digest = BASE64_URL_SAFE_NO_PAD.decode(challenge).ok().filter(|digest| digest.len() == 32);
        if !is_name(attempt) || digest.is_none() {
            return Err(SignInError::Malformed);
        }
        let document =
            Document { challenge: challenge.to_owned(), journey: None, identity: None, problem: None };
        let row = AttemptRow {
            attempt: attempt.to_owned(),
            state: BEGUN.to_owned(),
            document: self.seal(workspace, attempt, &document),
            expires_at: self.after(ATTEMPT_LASTS),
        };
        if self.store.add_attempt(workspace, row).await? { Ok(()) } else { Err(SignInError::AttemptExists) }
    }

    /// Sends the pop-up to the provider, once per attempt. Answers where to, and the word
    /// the pop-up's browser must show when it comes back.
    pub async fn depart(
        &self,
        workspace: &WorkspaceName,
        attempt: &str,
    ) -> Result<(Url, String), SignInError> {
        let realm = self.realm(workspace)?;
        let mut document = self.document(workspace, attempt, BEGUN).await?;
        let secret = random_word();
        let state = format!("{workspace}.{attempt}.{secret}");
        let authorization = realm.provider.authorize(&state).await?;
        let browser = random_word();
        document.journey = Some(Journey {
            state: hash_of(&state),
            browser: hash_of(&browser),
            nonce: authorization.nonce,
            pkce_verifier: authorization.pkce_verifier,
        });
        if self.advance(workspace, attempt, BEGUN, AT_PROVIDER, &document).await? {
            Ok((authorization.url, browser))
        } else {
            Err(SignInError::UnknownAttempt)
        }
    }

    /// Takes the provider's answer. `state` names the attempt; `browser` is the pop-up's
    /// cookie; `code` is the provider's code, or the error it sent instead.
    ///
    /// # Errors
    ///
    /// What went wrong is also noted in the attempt, where the frame finds it.
    pub async fn arrive(
        &self,
        state: &str,
        browser: Option<&str>,
        code: Result<&str, &str>,
    ) -> Result<(), SignInError> {
        let (workspace, attempt) = named_by(state).ok_or(SignInError::UnknownAttempt)?;
        let realm = self.realm(&workspace)?;
        let mut document = self.document(&workspace, &attempt, AT_PROVIDER).await?;
        let journey = document.journey.take().ok_or(SignInError::UnknownAttempt)?;
        if !bool::from(journey.state.ct_eq(&hash_of(state))) {
            return Err(SignInError::UnknownAttempt);
        }
        // Checked before the attempt is used up: a stranger's link must not end somebody's sign-in.
        let same_browser = browser.is_some_and(|word| journey.browser.ct_eq(&hash_of(word)).into());
        if !same_browser {
            return Err(SignInError::OtherBrowser);
        }
        if !self.advance(&workspace, &attempt, AT_PROVIDER, EXCHANGING, &document).await? {
            return Err(SignInError::UnknownAttempt);
        }
        let identity = match code {
            Ok(code) => realm.provider.exchange(code, &journey.nonce, &journey.pkce_verifier).await,
            Err(error) => Err(ProviderError::Refused(error.chars().take(64).collect())),
        };
        match identity {
            Ok(identity) => {
                document.identity = Some(identity);
                self.advance(&workspace, &attempt, EXCHANGING, DONE, &document).await?;
                Ok(())
            }
            Err(error) => {
                document.problem = Some(error.code().to_owned());
                self.advance(&workspace, &attempt, EXCHANGING, FAILED, &document).await?;
                Err(error.into())
            }
        }
    }

    pub async fn attempt_state(
        &self,
        workspace: &WorkspaceName,
        attempt: &str,
    ) -> Result<AttemptState, SignInError> {
        let row = self.store.attempt(workspace, attempt).await?.ok_or(SignInError::UnknownAttempt)?;
        Ok(match row.state.as_str() {
            DONE => AttemptState::Done,
            FAILED => {
                let document = self.unseal(workspace, attempt, &row.document)?;
                AttemptState::Failed(document.problem.unwrap_or_default())
            }
            _ => AttemptState::Pending,
        })
    }

    /// Turns a finished attempt into a session, once. Answers the cookie's secret with it.
    ///
    /// A wrong verifier uses the attempt up as well: whoever has only the attempt's name
    /// gets one guess, not many.
    pub async fn redeem(
        &self,
        workspace: &WorkspaceName,
        attempt: &str,
        verifier: &str,
    ) -> Result<(String, SignedIn), SignInError> {
        self.realm(workspace)?;
        let Some(row) = self.store.take_attempt(workspace, attempt, DONE).await? else {
            return Err(match self.attempt_state(workspace, attempt).await? {
                AttemptState::Pending => SignInError::NotFinished,
                AttemptState::Done | AttemptState::Failed(_) => SignInError::UnknownAttempt,
            });
        };
        let document = self.unseal(workspace, attempt, &row.document)?;
        let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
        if !bool::from(challenge.as_bytes().ct_eq(document.challenge.as_bytes())) {
            return Err(SignInError::WrongVerifier);
        }
        let identity = document.identity.ok_or(SignInError::UnknownAttempt)?;
        let agent = AgentProfile {
            id: identity.agent,
            name: identity.name,
            email: identity.email,
            login: identity.login,
        };
        let seen = AgentRow {
            agent: agent.id.clone(),
            name: agent.name.clone(),
            login: agent.login.clone(),
            email: agent.email.clone(),
            seen_at: self.clock.now(),
        };
        self.store.put_agent(workspace, seen).await?;
        self.keep_tokens(workspace, &agent.id, &identity.tokens).await?;
        self.open_session(workspace, agent).await
    }

    async fn document(
        &self,
        workspace: &WorkspaceName,
        attempt: &str,
        state: &str,
    ) -> Result<Document, SignInError> {
        let row = self.store.attempt(workspace, attempt).await?;
        let row = row.filter(|row| row.state == state).ok_or(SignInError::UnknownAttempt)?;
        self.unseal(workspace, attempt, &row.document)
    }

    async fn advance(
        &self,
        workspace: &WorkspaceName,
        attempt: &str,
        from: &str,
        to: &str,
        document: &Document,
    ) -> Result<bool, SignInError> {
        let sealed = self.seal(workspace, attempt, document);
        Ok(self.store.move_attempt(workspace, attempt, from, to, sealed).await?)
    }

    fn seal(&self, workspace: &WorkspaceName, attempt: &str, document: &Document) -> String {
        let plain = serde_json::to_vec(document).expect("texts and bytes only");
        BASE64_URL_SAFE_NO_PAD.encode(self.sealer.seal(&place(workspace, attempt), &plain))
    }

    /// What cannot be opened was sealed with another key: the attempt is over.
    fn unseal(
        &self,
        workspace: &WorkspaceName,
        attempt: &str,
        document: &str,
    ) -> Result<Document, SignInError> {
        BASE64_URL_SAFE_NO_PAD
            .decode(document)
            .ok()
            .and_then(|sealed| self.sealer.open(&place(workspace, attempt), &sealed))
            .and_then(|plain| serde_json::from_slice(&plain).ok())
            .ok_or(SignInError::UnknownAttempt)
    }
}

fn place(workspace: &WorkspaceName, attempt: &str) -> String {
    format!("attempt {workspace} {attempt}")
}

/// Attempts stand in addresses and in `state`, whose parts are held apart by dots.
fn is_name(attempt: &str) -> bool {
    (16..=128).contains(&attempt.len())
        && attempt.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// `<workspace>.<attempt>.<secret>` → workspace and attempt.
fn named_by(state: &str) -> Option<(WorkspaceName, String)> {
    let mut parts = state.splitn(3, '.');
    let workspace = WorkspaceName::new(parts.next()?).ok()?;
    let attempt = parts.next().filter(|attempt| is_name(attempt))?;
    parts.next()?;
    Some((workspace, attempt.to_owned()))
}
