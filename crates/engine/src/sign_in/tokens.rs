//! The agent's own CRM token, so that steps of flows see what the agent may see.

use secrecy::{ExposeSecret, SecretString};
use tieline_core::{AgentId, WorkspaceName};

use super::{ProviderError, SignIn, SignInError, Tokens};

impl SignIn {
    /// The agent's access token; `None` when the provider gave none that is still known.
    pub async fn crm_token(
        &self,
        workspace: &WorkspaceName,
        agent: &AgentId,
    ) -> Result<Option<SecretString>, SignInError> {
        Ok(self.tokens(workspace, agent).await?.map(|tokens| tokens.access))
    }

    /// A token in place of `stale`, which the CRM refused. Many callers with the same stale
    /// token cause one refresh. `None` when the agent has to sign in again.
    pub async fn refresh_crm_token(
        &self,
        workspace: &WorkspaceName,
        agent: &AgentId,
        stale: &SecretString,
    ) -> Result<Option<SecretString>, SignInError> {
        let _one_at_a_time = self.refreshing.lock().await;
        let Some(tokens) = self.tokens(workspace, agent).await? else { return Ok(None) };
        if tokens.access.expose_secret() != stale.expose_secret() {
            return Ok(Some(tokens.access));
        }
        let Some(refresh) = tokens.refresh else { return Ok(None) };
        match self.realm(workspace)?.provider.refresh(&refresh).await {
            Ok(mut fresh) => {
                fresh.refresh = fresh.refresh.or(Some(refresh));
                self.keep_tokens(workspace, agent, &fresh).await?;
                Ok(Some(fresh.access))
            }
            Err(ProviderError::Refused(_)) => {
                self.store.delete_agent_token(workspace, agent).await?;
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    pub(super) async fn keep_tokens(
        &self,
        workspace: &WorkspaceName,
        agent: &AgentId,
        tokens: &Tokens,
    ) -> Result<(), SignInError> {
        let plain = serde_json::to_vec(tokens).expect("texts only");
        let sealed = self.sealer.seal(&place(workspace, agent), &plain);
        Ok(self.store.put_agent_token(workspace, agent, sealed).await?)
    }

    async fn tokens(
        &self,
        workspace: &WorkspaceName,
        agent: &AgentId,
    ) -> Result<Option<Tokens>, SignInError> {
        let sealed = self.store.agent_token(workspace, agent).await?;
        // Sealed with a key that has since been replaced: the agent signs in again.
        Ok(sealed
            .and_then(|sealed| self.sealer.open(&place(workspace, agent), &sealed))
            .and_then(|plain| serde_json::from_slice(&plain).ok()))
    }
}

fn place(workspace: &WorkspaceName, agent: &AgentId) -> String {
    format!("token {workspace} {agent}")
}
