//! [`AgentStore`] on SQLite: each method hands one function to the writer or a reader.

use async_trait::async_trait;
use jiff::Timestamp;
use tieline_core::{AgentId, ContactId, WorkspaceName};

use super::values::ms;
use super::{SqliteStore, flows, people, runs, sign_in};
use crate::{
    AgentBinding, AgentRow, AgentStore, AgentSweep, AttemptRow, FlowRow, FlowVersion, NewFlowVersion,
    PublishedFlow, RunEnd, RunFilter, RunRow, SeenEvent, SessionRow, StoreError,
};

#[async_trait]
impl AgentStore for SqliteStore {
    async fn publish_flow(
        &self,
        workspace: &WorkspaceName,
        version: NewFlowVersion,
    ) -> Result<FlowVersion, StoreError> {
        let (workspace, now) = (workspace.clone(), self.now_ms());
        self.write(move |db| flows::publish(db, &workspace, version, now)).await
    }

    async fn set_published(
        &self,
        workspace: &WorkspaceName,
        flow: &str,
        version: Option<u64>,
    ) -> Result<bool, StoreError> {
        let (workspace, flow, now) = (workspace.clone(), flow.to_owned(), self.now_ms());
        self.write(move |db| flows::set_published(db, &workspace, &flow, version, now)).await
    }

    async fn set_flow_position(
        &self,
        workspace: &WorkspaceName,
        flow: &str,
        position: i64,
    ) -> Result<bool, StoreError> {
        let (workspace, flow, now) = (workspace.clone(), flow.to_owned(), self.now_ms());
        self.write(move |db| flows::set_position(db, &workspace, &flow, position, now)).await
    }

    async fn flows(&self, workspace: &WorkspaceName) -> Result<Vec<FlowRow>, StoreError> {
        let workspace = workspace.clone();
        self.read(move |db| flows::list(db, &workspace)).await
    }

    async fn flow_versions(
        &self,
        workspace: &WorkspaceName,
        flow: &str,
    ) -> Result<Vec<FlowVersion>, StoreError> {
        let (workspace, flow) = (workspace.clone(), flow.to_owned());
        self.read(move |db| flows::versions(db, &workspace, &flow)).await
    }

    async fn published_flows(&self, workspace: &WorkspaceName) -> Result<Vec<PublishedFlow>, StoreError> {
        let workspace = workspace.clone();
        self.read(move |db| flows::published(db, &workspace)).await
    }

    async fn record_event(&self, event: SeenEvent, opened: Vec<RunRow>) -> Result<bool, StoreError> {
        self.write(move |db| runs::record_event(db, &event, &opened)).await
    }

    async fn events_done(
        &self,
        workspace: &WorkspaceName,
        agent: &AgentId,
        contacts: &[ContactId],
    ) -> Result<Vec<(ContactId, String, String)>, StoreError> {
        if contacts.is_empty() {
            return Ok(Vec::new());
        }
        let (workspace, agent, contacts) = (workspace.clone(), agent.clone(), contacts.to_vec());
        self.read(move |db| runs::events_done(db, &workspace, &agent, &contacts)).await
    }

    async fn close_run(&self, end: RunEnd) -> Result<(), StoreError> {
        self.write(move |db| runs::close(db, &end)).await
    }

    async fn interrupt_runs(&self, at: Timestamp) -> Result<usize, StoreError> {
        self.write(move |db| runs::interrupt(db, at)).await
    }

    async fn runs(&self, workspace: &WorkspaceName, filter: RunFilter) -> Result<Vec<RunRow>, StoreError> {
        let workspace = workspace.clone();
        self.read(move |db| runs::list(db, &workspace, &filter)).await
    }

    async fn run_steps(&self, run: &str) -> Result<Vec<String>, StoreError> {
        let run = run.to_owned();
        self.read(move |db| runs::steps(db, &run)).await
    }

    async fn put_agent(&self, workspace: &WorkspaceName, agent: AgentRow) -> Result<(), StoreError> {
        let workspace = workspace.clone();
        self.write(move |db| people::put(db, &workspace, &agent)).await
    }

    async fn agent(
        &self,
        workspace: &WorkspaceName,
        agent: &AgentId,
    ) -> Result<Option<AgentRow>, StoreError> {
        let (workspace, agent) = (workspace.clone(), agent.clone());
        self.read(move |db| people::get(db, &workspace, &agent)).await
    }

    async fn agents(&self, workspace: &WorkspaceName) -> Result<Vec<AgentRow>, StoreError> {
        let workspace = workspace.clone();
        self.read(move |db| people::list(db, &workspace)).await
    }

    async fn bind_agent(&self, workspace: &WorkspaceName, binding: AgentBinding) -> Result<(), StoreError> {
        let workspace = workspace.clone();
        self.write(move |db| people::bind(db, &workspace, &binding)).await
    }

    async fn match_agent(
        &self,
        workspace: &WorkspaceName,
        binding: AgentBinding,
    ) -> Result<Option<AgentBinding>, StoreError> {
        let workspace = workspace.clone();
        self.write(move |db| people::match_agent(db, &workspace, &binding)).await
    }

    async fn binding(
        &self,
        workspace: &WorkspaceName,
        agent: &AgentId,
    ) -> Result<Option<AgentBinding>, StoreError> {
        let (workspace, agent) = (workspace.clone(), agent.clone());
        self.read(move |db| people::binding(db, &workspace, &agent)).await
    }

    async fn bindings(&self, workspace: &WorkspaceName) -> Result<Vec<AgentBinding>, StoreError> {
        let workspace = workspace.clone();
        self.read(move |db| people::bindings(db, &workspace)).await
    }

    async fn unbind_agent(&self, workspace: &WorkspaceName, agent: &AgentId) -> Result<bool, StoreError> {
        let (workspace, agent) = (workspace.clone(), agent.clone());
        self.write(move |db| people::unbind(db, &workspace, &agent)).await
    }

    async fn put_agent_token(
        &self,
        workspace: &WorkspaceName,
        agent: &AgentId,
        sealed: Vec<u8>,
    ) -> Result<(), StoreError> {
        let (workspace, agent, now) = (workspace.clone(), agent.clone(), self.now_ms());
        self.write(move |db| people::put_token(db, &workspace, &agent, &sealed, now)).await
    }

    async fn agent_token(
        &self,
        workspace: &WorkspaceName,
        agent: &AgentId,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let (workspace, agent) = (workspace.clone(), agent.clone());
        self.read(move |db| people::token(db, &workspace, &agent)).await
    }

    async fn delete_agent_token(&self, workspace: &WorkspaceName, agent: &AgentId) -> Result<(), StoreError> {
        let (workspace, agent) = (workspace.clone(), agent.clone());
        self.write(move |db| people::delete_token(db, &workspace, &agent)).await
    }

    async fn add_attempt(&self, workspace: &WorkspaceName, attempt: AttemptRow) -> Result<bool, StoreError> {
        let workspace = workspace.clone();
        self.write(move |db| sign_in::add_attempt(db, &workspace, &attempt)).await
    }

    async fn attempt(
        &self,
        workspace: &WorkspaceName,
        attempt: &str,
    ) -> Result<Option<AttemptRow>, StoreError> {
        let (workspace, attempt, now) = (workspace.clone(), attempt.to_owned(), self.now_ms());
        self.read(move |db| sign_in::attempt(db, &workspace, &attempt, now)).await
    }

    async fn move_attempt(
        &self,
        workspace: &WorkspaceName,
        attempt: &str,
        from: &str,
        to: &str,
        document: String,
    ) -> Result<bool, StoreError> {
        let (workspace, attempt, now) = (workspace.clone(), attempt.to_owned(), self.now_ms());
        let (from, to) = (from.to_owned(), to.to_owned());
        self.write(move |db| sign_in::move_attempt(db, &workspace, &attempt, &from, &to, &document, now))
            .await
    }

    async fn take_attempt(
        &self,
        workspace: &WorkspaceName,
        attempt: &str,
        state: &str,
    ) -> Result<Option<AttemptRow>, StoreError> {
        let (workspace, attempt, now) = (workspace.clone(), attempt.to_owned(), self.now_ms());
        let state = state.to_owned();
        self.write(move |db| sign_in::take_attempt(db, &workspace, &attempt, &state, now)).await
    }

    async fn put_session(&self, session: SessionRow) -> Result<(), StoreError> {
        self.write(move |db| sign_in::put_session(db, &session)).await
    }

    async fn session(
        &self,
        workspace: &WorkspaceName,
        hash: [u8; 32],
    ) -> Result<Option<SessionRow>, StoreError> {
        let (workspace, now) = (workspace.clone(), self.now_ms());
        self.read(move |db| sign_in::session(db, &workspace, hash, now)).await
    }

    async fn delete_session(&self, workspace: &WorkspaceName, hash: [u8; 32]) -> Result<bool, StoreError> {
        let workspace = workspace.clone();
        self.write(move |db| sign_in::delete_session(db, &workspace, hash)).await
    }

    async fn put_ticket(
        &self,
        workspace: &WorkspaceName,
        ticket: [u8; 32],
        session: [u8; 32],
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        let (workspace, expires) = (workspace.clone(), ms(expires_at));
        self.write(move |db| sign_in::put_ticket(db, &workspace, ticket, session, expires)).await
    }

    async fn take_ticket(
        &self,
        workspace: &WorkspaceName,
        ticket: [u8; 32],
    ) -> Result<Option<SessionRow>, StoreError> {
        let (workspace, now) = (workspace.clone(), self.now_ms());
        self.write(move |db| sign_in::take_ticket(db, &workspace, ticket, now)).await
    }

    async fn sweep_agents(&self, sweep: AgentSweep) -> Result<usize, StoreError> {
        self.write(move |db| {
            let expired = sign_in::sweep(db, ms(sweep.expired_by))?;
            Ok(expired + runs::sweep(db, ms(sweep.runs_before), ms(sweep.events_before))?)
        })
        .await
    }
}
