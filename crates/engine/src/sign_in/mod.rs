//! Who an agent is: sign-in, sessions, tickets, and the CRM token that comes with them.
//!
//! The panel lives in a third-party frame, where a cookie set by a pop-up never arrives. So
//! the frame names an *attempt* and keeps a *verifier* to itself; the pop-up carries only
//! the attempt through the provider; the frame redeems attempt and verifier for a *session*
//! (a cookie), and the session for *tickets*, each good for opening one socket.
//!
//! Nothing here speaks HTTP: the provider is an [`IdentityProvider`], and the server turns
//! [`SignInError`]s into answers. Attempts, sessions and tickets are rows whose secrets are
//! hashed; what must be readable again (the tokens) is sealed.

mod attempt;
mod provider;
mod seal;
mod tokens;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use tieline_core::{AgentId, Clock, WorkspaceName};
use tieline_store::{AgentSweep, SessionRow, Store, StoreError};
use tokio::sync::Mutex;

pub use attempt::AttemptState;
pub use provider::{Authorization, Identity, IdentityProvider, ProviderError, Tokens};
pub use seal::{Sealer, hash_of, random_word};

/// How long an attempt may take, the agent's typing of a password included.
pub const ATTEMPT_LASTS: Duration = Duration::from_secs(10 * 60);
/// How long a ticket waits for its socket.
pub const TICKET_LASTS: Duration = Duration::from_secs(60);

/// One workspace's way of signing in.
pub struct Realm {
    pub provider: Arc<dyn IdentityProvider>,
    /// How long a session lasts.
    pub session: Duration,
}

/// An agent who proved who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// Names the session; of no use to whoever reads it.
    pub session: [u8; 32],
    pub workspace: WorkspaceName,
    pub agent: AgentProfile,
    pub expires_at: Timestamp,
}

/// What the panel shows of an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentProfile {
    /// The CRM's id of its user.
    pub id: AgentId,
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The name the CRM signs them in with.
    pub login: String,
}

/// Why signing in, or acting as somebody who has, did not work.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    #[error("this workspace has no sign-in")]
    NotConfigured,
    #[error("an attempt is 16 to 128 letters, digits, `-` and `_`; its challenge is a SHA-256 in base64url")]
    Malformed,
    #[error("there is an attempt of this name already")]
    AttemptExists,
    /// Never begun, too old, used before, or of another workspace: nobody is told which.
    #[error("there is no such attempt, or it is over")]
    UnknownAttempt,
    #[error("the attempt is not finished yet")]
    NotFinished,
    #[error("the verifier does not belong to the attempt")]
    WrongVerifier,
    #[error("the answer came back through another browser than the one that asked")]
    OtherBrowser,
    #[error("nobody is signed in")]
    NotSignedIn,
    #[error(transparent)]
    Provider(#[from] ProviderError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Signs agents in and knows who is.
pub struct SignIn {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    sealer: Sealer,
    realms: BTreeMap<WorkspaceName, Realm>,
    /// One refresh at a time: providers take a second use of a refresh token for theft.
    refreshing: Mutex<()>,
}

impl SignIn {
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        secret_key: &SecretString,
        realms: BTreeMap<WorkspaceName, Realm>,
    ) -> Self {
        let sealer = Sealer::new(secret_key);
        Self { store, clock, sealer, realms, refreshing: Mutex::new(()) }
    }

    fn realm(&self, workspace: &WorkspaceName) -> Result<&Realm, SignInError> {
        self.realms.get(workspace).ok_or(SignInError::NotConfigured)
    }

    fn after(&self, span: Duration) -> Timestamp {
        self.clock.now().checked_add(span).unwrap_or(Timestamp::MAX)
    }

    async fn open_session(
        &self,
        workspace: &WorkspaceName,
        agent: AgentProfile,
    ) -> Result<(String, SignedIn), SignInError> {
        let secret = random_word();
        let expires_at = self.after(self.realm(workspace)?.session);
        let session = hash_of(&secret);
        let document = serde_json::to_string(&agent).expect("texts only");
        self.store
            .put_session(SessionRow {
                hash: session,
                workspace: workspace.clone(),
                agent: agent.id.clone(),
                document,
                created_at: self.clock.now(),
                expires_at,
            })
            .await?;
        Ok((secret, SignedIn { session, workspace: workspace.clone(), agent, expires_at }))
    }

    /// Who holds the session whose secret is `cookie`; `None` when nobody does any more.
    pub async fn session(
        &self,
        workspace: &WorkspaceName,
        cookie: &str,
    ) -> Result<Option<SignedIn>, SignInError> {
        self.session_by_hash(workspace, hash_of(cookie)).await
    }

    /// The same by the session's name; sockets ask this again every few minutes.
    pub async fn session_by_hash(
        &self,
        workspace: &WorkspaceName,
        session: [u8; 32],
    ) -> Result<Option<SignedIn>, SignInError> {
        // A workspace that lost its sign-in signed everybody out.
        if !self.realms.contains_key(workspace) {
            return Ok(None);
        }
        Ok(self.store.session(workspace, session).await?.and_then(signed_in))
    }

    /// Ends a session and forgets the CRM token that came with it.
    pub async fn sign_out(&self, workspace: &WorkspaceName, cookie: &str) -> Result<(), SignInError> {
        if let Some(signed_in) = self.session(workspace, cookie).await? {
            self.store.delete_session(workspace, signed_in.session).await?;
            self.store.delete_agent_token(workspace, &signed_in.agent.id).await?;
        }
        Ok(())
    }

    /// A word that opens one socket within [`TICKET_LASTS`], and when it stops doing so.
    pub async fn ticket(&self, signed_in: &SignedIn) -> Result<(String, Timestamp), SignInError> {
        let ticket = random_word();
        let expires_at = self.after(TICKET_LASTS);
        self.store.put_ticket(&signed_in.workspace, hash_of(&ticket), signed_in.session, expires_at).await?;
        Ok((ticket, expires_at))
    }

    /// Uses a ticket up. `None` when it was used before, is too old, or was never one.
    pub async fn redeem_ticket(
        &self,
        workspace: &WorkspaceName,
        ticket: &str,
    ) -> Result<Option<SignedIn>, SignInError> {
        Ok(self.store.take_ticket(workspace, hash_of(ticket)).await?.and_then(signed_in))
    }

    /// Removes what is over; the caller decides how long runs and events are kept.
    pub async fn sweep(
        &self,
        runs_before: Timestamp,
        events_before: Timestamp,
    ) -> Result<usize, SignInError> {
        let sweep = AgentSweep { expired_by: self.clock.now(), runs_before, events_before };
        Ok(self.store.sweep_agents(sweep).await?)
    }
}

/// A row another version wrote and we cannot read is a session nobody holds.
fn signed_in(row: SessionRow) -> Option<SignedIn> {
    let agent = serde_json::from_str(&row.document).ok()?;
    Some(SignedIn { session: row.hash, workspace: row.workspace, agent, expires_at: row.expires_at })
}
