//! What belongs to agents: flows and their versions, what ran, which events were seen, who
//! is who, and sign-in.
//!
//! Rows only. Which flow may be published, what a double is, and who may sign in is decided
//! by the callers; a method is one transaction.

use async_trait::async_trait;
use jiff::Timestamp;
use tieline_core::{AgentId, ContactId, WorkspaceName};

use crate::StoreError;

/// One flow of a workspace, without its document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowRow {
    pub flow: String,
    pub name: String,
    /// The version in force; `None` while none is.
    pub published: Option<u64>,
    /// The newest version there is.
    pub newest: u64,
    /// Flows of one event run in this order, smallest first, then by id.
    pub position: i64,
    pub updated_at: Timestamp,
}

/// One published version of a flow; versions are never changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowVersion {
    pub flow: String,
    pub version: u64,
    /// The flow document as JSON text.
    pub document: String,
    pub grants: FlowGrants,
    pub published_at: Timestamp,
    pub published_by: String,
}

/// What a flow may do beyond what the agent may, given when it is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FlowGrants {
    /// May dial without a click or an action of the agent.
    pub may_dial: bool,
    /// Its CRM steps run with the workspace's rights.
    pub as_workspace: bool,
}

/// A version about to be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFlowVersion {
    pub flow: String,
    pub name: String,
    pub document: String,
    pub grants: FlowGrants,
    pub position: i64,
    pub published_by: String,
}

/// A version in force with its place among the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedFlow {
    pub position: i64,
    pub version: FlowVersion,
}

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RunState {
    Running,
    Completed,
    /// A step failed and its failure branch led nowhere, or the flow itself went wrong.
    Failed,
    /// Its 60 seconds were over.
    TimedOut,
    /// The server stopped in the middle of it.
    Interrupted,
}

/// One run of one flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRow {
    pub run: String,
    pub workspace: WorkspaceName,
    pub agent: AgentId,
    pub contact: Option<ContactId>,
    pub flow: String,
    pub version: u64,
    pub source: String,
    pub event: String,
    pub state: RunState,
    /// Why it failed; a code and a sentence without personal data.
    pub detail: Option<String>,
    pub started_at: Timestamp,
    pub ended_at: Option<Timestamp>,
}

/// How a run ended, with its steps as JSON text, in the order they were taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunEnd {
    pub run: String,
    pub state: RunState,
    pub detail: Option<String>,
    pub ended_at: Timestamp,
    pub steps: Vec<String>,
}

/// Which runs are asked for; newest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RunFilter {
    pub agent: Option<AgentId>,
    pub contact: Option<ContactId>,
    pub flow: Option<String>,
    pub limit: usize,
}

/// An event a page reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenEvent {
    pub workspace: WorkspaceName,
    pub agent: AgentId,
    /// Two events with the same key are one.
    pub key: String,
    pub contact: Option<ContactId>,
    pub source: String,
    pub event: String,
    pub life_cycle: bool,
    pub handled_locally: bool,
    pub seen_at: Timestamp,
}

/// A person of the CRM who has signed in here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentRow {
    pub agent: AgentId,
    pub name: String,
    /// The name the CRM signs them in with.
    pub login: String,
    pub email: Option<String>,
    pub seen_at: Timestamp,
}

/// The CRM user and the contact-center login that are one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentBinding {
    pub agent: AgentId,
    pub phone_login: String,
    pub made_by: BindingMaker,
    pub made_at: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BindingMaker {
    /// The names on both sides agreed.
    Matched,
    /// An administrator said so.
    Bound,
}

/// A sign-in that has begun. `state` and `document` belong to the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptRow {
    pub attempt: String,
    pub state: String,
    pub document: String,
    pub expires_at: Timestamp,
}

/// A signed-in browser. `document` belongs to the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    /// SHA-256 of what the cookie holds.
    pub hash: [u8; 32],
    pub workspace: WorkspaceName,
    pub agent: AgentId,
    pub document: String,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

/// What [`AgentStore::sweep_agents`] removes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AgentSweep {
    /// Attempts, sessions and tickets that were over by then.
    pub expired_by: Timestamp,
    /// Traces of runs that started before.
    pub runs_before: Timestamp,
    /// Events seen before.
    pub events_before: Timestamp,
}

/// Tables of agents, sessions and flows.
#[async_trait]
pub trait AgentStore: Send + Sync {
    /// Adds the next version of a flow and puts it in force; answers its number.
    async fn publish_flow(
        &self,
        workspace: &WorkspaceName,
        version: NewFlowVersion,
    ) -> Result<FlowVersion, StoreError>;

    /// Puts an existing version in force, or none; false when there is no such flow or version.
    async fn set_published(
        &self,
        workspace: &WorkspaceName,
        flow: &str,
        version: Option<u64>,
    ) -> Result<bool, StoreError>;

    /// Moves a flow among the others; false when there is no such flow.
    async fn set_flow_position(
        &self,
        workspace: &WorkspaceName,
        flow: &str,
        position: i64,
    ) -> Result<bool, StoreError>;

    /// All flows of a workspace, by position, then id.
    async fn flows(&self, workspace: &WorkspaceName) -> Result<Vec<FlowRow>, StoreError>;

    /// All versions of a flow, newest first; empty when there is no such flow.
    async fn flow_versions(
        &self,
        workspace: &WorkspaceName,
        flow: &str,
    ) -> Result<Vec<FlowVersion>, StoreError>;

    /// The versions in force, by position, then id.
    async fn published_flows(&self, workspace: &WorkspaceName) -> Result<Vec<PublishedFlow>, StoreError>;

    /// Notes an event and opens the runs it starts, together; false, and no run is opened,
    /// when an event with its key was noted before.
    async fn record_event(&self, event: SeenEvent, runs: Vec<RunRow>) -> Result<bool, StoreError>;

    /// The life-cycle events noted for these contacts: contact, source and event.
    async fn events_done(
        &self,
        workspace: &WorkspaceName,
        agent: &AgentId,
        contacts: &[ContactId],
    ) -> Result<Vec<(ContactId, String, String)>, StoreError>;

    /// Closes a run and keeps its steps; a run that is closed already stays as it is.
    async fn close_run(&self, end: RunEnd) -> Result<(), StoreError>;

    /// Closes every open run as interrupted; for the start of the server. Answers how many.
    async fn interrupt_runs(&self, at: Timestamp) -> Result<usize, StoreError>;

    async fn runs(&self, workspace: &WorkspaceName, filter: RunFilter) -> Result<Vec<RunRow>, StoreError>;

    /// The steps of a run as JSON text, in the order they were taken.
    async fn run_steps(&self, run: &str) -> Result<Vec<String>, StoreError>;

    async fn put_agent(&self, workspace: &WorkspaceName, agent: AgentRow) -> Result<(), StoreError>;

    async fn agent(&self, workspace: &WorkspaceName, agent: &AgentId)
    -> Result<Option<AgentRow>, StoreError>;

    /// Everybody who has signed in, by name.
    async fn agents(&self, workspace: &WorkspaceName) -> Result<Vec<AgentRow>, StoreError>;

    /// Joins an agent and a login, taking the place of what either was joined to before.
    async fn bind_agent(&self, workspace: &WorkspaceName, binding: AgentBinding) -> Result<(), StoreError>;

    /// Joins them only if neither is joined yet; answers what the agent is joined to afterwards,
    /// `None` when the login belongs to somebody else.
    async fn match_agent(
        &self,
        workspace: &WorkspaceName,
        binding: AgentBinding,
    ) -> Result<Option<AgentBinding>, StoreError>;

    async fn binding(
        &self,
        workspace: &WorkspaceName,
        agent: &AgentId,
    ) -> Result<Option<AgentBinding>, StoreError>;

    async fn bindings(&self, workspace: &WorkspaceName) -> Result<Vec<AgentBinding>, StoreError>;

    /// False when there was none.
    async fn unbind_agent(&self, workspace: &WorkspaceName, agent: &AgentId) -> Result<bool, StoreError>;

    /// Keeps what the caller sealed.
    async fn put_agent_token(
        &self,
        workspace: &WorkspaceName,
        agent: &AgentId,
        sealed: Vec<u8>,
    ) -> Result<(), StoreError>;

    async fn agent_token(
        &self,
        workspace: &WorkspaceName,
        agent: &AgentId,
    ) -> Result<Option<Vec<u8>>, StoreError>;

    async fn delete_agent_token(&self, workspace: &WorkspaceName, agent: &AgentId) -> Result<(), StoreError>;

    /// False, and nothing changed, when there is an attempt of this name.
    async fn add_attempt(&self, workspace: &WorkspaceName, attempt: AttemptRow) -> Result<bool, StoreError>;

    /// `None` when there is none, or it is over.
    async fn attempt(
        &self,
        workspace: &WorkspaceName,
        attempt: &str,
    ) -> Result<Option<AttemptRow>, StoreError>;

    /// Moves an attempt that is not over from one state to another; false when it was not in `from`.
    async fn move_attempt(
        &self,
        workspace: &WorkspaceName,
        attempt: &str,
        from: &str,
        to: &str,
        document: String,
    ) -> Result<bool, StoreError>;

    /// Removes and answers an attempt that is in `state` and not over: one of many callers gets it.
    async fn take_attempt(
        &self,
        workspace: &WorkspaceName,
        attempt: &str,
        state: &str,
    ) -> Result<Option<AttemptRow>, StoreError>;

    async fn put_session(&self, session: SessionRow) -> Result<(), StoreError>;

    /// `None` when there is none, it is over, or it belongs to another workspace.
    async fn session(
        &self,
        workspace: &WorkspaceName,
        hash: [u8; 32],
    ) -> Result<Option<SessionRow>, StoreError>;

    /// False when there was none.
    async fn delete_session(&self, workspace: &WorkspaceName, hash: [u8; 32]) -> Result<bool, StoreError>;

    async fn put_ticket(
        &self,
        workspace: &WorkspaceName,
        ticket: [u8; 32],
        session: [u8; 32],
        expires_at: Timestamp,
    ) -> Result<(), StoreError>;

    /// Removes the ticket and answers its session; `None` when it is unknown, over, or of
    /// another workspace, and the same for the session.
    async fn take_ticket(
        &self,
        workspace: &WorkspaceName,
        ticket: [u8; 32],
    ) -> Result<Option<SessionRow>, StoreError>;

    /// Removes what is over or old; answers how many rows.
    async fn sweep_agents(&self, sweep: AgentSweep) -> Result<usize, StoreError>;
}

impl RunState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
            Self::Interrupted => "interrupted",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Running, Self::Completed, Self::Failed, Self::TimedOut, Self::Interrupted]
            .into_iter()
            .find(|state| state.as_str() == text)
    }
}

impl BindingMaker {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Matched => "matched",
            Self::Bound => "bound",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Matched, Self::Bound].into_iter().find(|maker| maker.as_str() == text)
    }
}
