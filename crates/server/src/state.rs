use std::collections::BTreeSet;
use std::ops::Deref;
use std::sync::Arc;

use tieline_core::{Clock, WorkspaceName};
use tieline_engine::Workspaces;
use tieline_engine::agents::AgentHub;
use tieline_engine::config::{self, Config, WorkspaceConfig};
use tieline_engine::pipeline::Pipeline;
use tieline_engine::sign_in::SignIn;
use tieline_store::Store;
use tokio::sync::Semaphore;

use crate::Problem;
use crate::metrics::Metrics;
use crate::routes::Attempts;

/// What every handler can reach. Cheap to clone.
#[derive(Clone)]
pub struct AppState(Arc<Services>);

/// The parts a server is made of; built by the command, or by a test.
pub struct Services {
    pub config: Arc<Config>,
    pub clock: Arc<dyn Clock>,
    pub store: Arc<dyn Store>,
    pub workspaces: Arc<Workspaces>,
    pub pipeline: Pipeline,
    pub hub: AgentHub,
    pub sign_in: Arc<SignIn>,
    pub metrics: Metrics,
    pub hosts: Hosts,
    pub attempts: Attempts,
    /// One for each delivery that may be taken in at the same time.
    pub intake: Semaphore,
}

/// Which names this server answers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hosts {
    /// Any: a proxy in front decides.
    Any,
    /// Only these (`host:port`): a name somebody else made point at this machine is refused,
    /// so that their page cannot read ours (DNS rebinding).
    Only(BTreeSet<String>),
}

impl AppState {
    pub fn new(services: Services) -> Self {
        Self(Arc::new(services))
    }

    /// A workspace by the name in an address.
    pub fn workspace(&self, name: &str) -> Result<(WorkspaceName, &WorkspaceConfig), Problem> {
        let name = WorkspaceName::new(name).map_err(|_| Problem::not_found())?;
        let workspace = self.config.workspaces.get(&name).ok_or_else(Problem::not_found)?;
        Ok((name, workspace))
    }

    /// Our own origin, as a browser writes it.
    pub fn origin(&self) -> String {
        config::origin(&self.config.public_url)
    }
}

impl Deref for AppState {
    type Target = Services;

    fn deref(&self) -> &Services {
        &self.0
    }
}

impl Hosts {
    /// The names by which a server on loopback is called: `name:port` of its public address,
    /// `localhost`, and the loopback addresses.
    pub fn on_loopback(name: &str, port: u16) -> Self {
        let names = [name, "localhost", "127.0.0.1", "[::1]"];
        Self::Only(names.iter().map(|name| format!("{name}:{port}")).collect())
    }

    /// To the names of both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Only(mut names), Self::Only(more)) => {
                names.extend(more);
                Self::Only(names)
            }
            _ => Self::Any,
        }
    }

    pub fn answer_to(&self, host: Option<&str>) -> bool {
        match self {
            Self::Any => true,
            Self::Only(names) => host.is_some_and(|host| names.contains(&host.to_ascii_lowercase())),
        }
    }
}
