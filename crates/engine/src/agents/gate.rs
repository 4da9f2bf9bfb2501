use async_trait::async_trait;
use secrecy::SecretString;
use tieline_core::{AgentId, WorkspaceName};

use crate::sign_in::{SignIn, SignInError, SignedIn};

/// What agents' sessions ask of sign-in.
#[async_trait]
pub trait Gate: Send + Sync {
    /// Uses up a ticket; `None` when it is unknown, used, too old, or of another workspace.
    async fn redeem(&self, workspace: &WorkspaceName, ticket: &str) -> Result<Option<SignedIn>, SignInError>;

    /// Whether a session still stands.
    async fn is_signed_in(&self, workspace: &WorkspaceName, session: [u8; 32]) -> Result<bool, SignInError>;

    /// The agent's own token for the CRM; `None` when they have to sign in again.
    async fn crm_token(
        &self,
        workspace: &WorkspaceName,
        agent: &AgentId,
    ) -> Result<Option<SecretString>, SignInError>;

    /// One in place of `stale`, which the CRM refused.
    async fn refresh_crm_token(
        &self,
        workspace: &WorkspaceName,
        agent: &AgentId,
        stale: &SecretString,
    ) -> Result<Option<SecretString>, SignInError>;
}

#[async_trait]
impl Gate for SignIn {
    async fn redeem(&self, workspace: &WorkspaceName, ticket: &str) -> Result<Option<SignedIn>, SignInError> {
        self.redeem_ticket(workspace, ticket).await
    }

    async fn is_signed_in(&self, workspace: &WorkspaceName, session: [u8; 32]) -> Result<bool, SignInError> {
        Ok(self.session_by_hash(workspace, session).await?.is_some())
    }

    async fn crm_token(
        &self,
        workspace: &WorkspaceName,
        agent: &AgentId,
    ) -> Result<Option<SecretString>, SignInError> {
        SignIn::crm_token(self, workspace, agent).await
    }

    async fn refresh_crm_token(
        &self,
        workspace: &WorkspaceName,
        agent: &AgentId,
        stale: &SecretString,
    ) -> Result<Option<SecretString>, SignInError> {
        SignIn::refresh_crm_token(self, workspace, agent, stale).await
    }
}
