//! A whole Tieline in one value: store, connectors, pipeline, agents, HTTP. `serve`, the demo
//! and the tests put it together the same way.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tieline_bridge::profile::Profile;
use tieline_core::{Clock, ConnectionName, WorkspaceName, error_chain};
use tieline_engine::agents::{AgentHub, AgentSettings, House, PublishError, Redaction};
use tieline_engine::config::{Config, ConfigError};
use tieline_engine::pipeline::{Pipeline, PipelineOptions, PipelineSetup, WorkspaceSetup};
use tieline_engine::protocol::Fallback;
use tieline_engine::sign_in::{Realm, SignIn};
use tieline_engine::{Workspaces, pipeline};
use tieline_store::{SqliteStore, Store, StoreError, private_folder};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::client::client;
use crate::listen;
use crate::metrics::Metrics;
use crate::oidc::OidcProvider;
use crate::routes::{Attempts, router};
use crate::state::{AppState, Hosts, Services};

/// How long requests that were begun may take once the server is to stop.
const FAREWELL: Duration = Duration::from_secs(10);
/// Deliveries taken in at the same time. More would only wait longer, with their bodies in memory
/// (8 MiB each at most), until their senders give up after 5 s and send them again.
const INTAKE: usize = 256;
const FOLLOW_EVERY: Duration = Duration::from_secs(2);
const SWEEP_EVERY: Duration = Duration::from_secs(600);
/// How long traces of runs are kept, and which events were seen.
const KEEP_RUNS: Duration = Duration::from_secs(7 * 86_400);
const KEEP_EVENTS: Duration = Duration::from_secs(14 * 86_400);

/// Everything that belongs to one configuration.
pub struct Tieline {
    pub state: AppState,
}

/// Why it could not be put together.
#[derive(Debug, thiserror::Error)]
pub enum AssemblyError {
    #[error("{0}")]
    Config(#[from] ConfigError),
    #[error("the folder {folder} cannot be used")]
    Folder {
        folder: String,
        #[source]
        source: std::io::Error,
    },
    #[error("the database cannot be used")]
    Store(#[from] StoreError),
    #[error("the HTTP client could not be made")]
    Client(#[from] reqwest::Error),
    #[error("the flows could not be put in force")]
    Flows(#[from] PublishError),
}

/// Opens the database of a configuration, making its folder.
pub fn open_store(config: &Config, clock: &Arc<dyn Clock>) -> Result<Arc<dyn Store>, AssemblyError> {
    private_folder(&config.data)
        .map_err(|source| AssemblyError::Folder { folder: config.data.display().to_string(), source })?;
    Ok(Arc::new(SqliteStore::open(config.database(), Arc::clone(clock))?))
}

impl Tieline {
    /// Puts the parts together. Nothing runs yet and nobody was called.
    pub async fn assemble(
        config: Config,
        clock: Arc<dyn Clock>,
        store: Arc<dyn Store>,
        hosts: Hosts,
    ) -> Result<Self, AssemblyError> {
        let http = client()?;
        let workspaces = Workspaces::from_config(&config, &clock)?;
        let profiles = profiles(&config);
        let pipeline = Pipeline::new(PipelineSetup {
            store: Arc::clone(&store),
            clock: Arc::clone(&clock),
            contact_centers: workspaces.contact_centers().map(|(n, c)| (n.clone(), Arc::clone(c))).collect(),
            crms: workspaces.crms().map(|(n, c)| (n.clone(), Arc::clone(c))).collect(),
            workspaces: workspace_setups(&workspaces, &profiles),
            options: PipelineOptions::default(),
        });
        let realms = realms(&config, &http, &clock);
        let sign_in =
            Arc::new(SignIn::new(Arc::clone(&store), Arc::clone(&clock), &config.secret_key, realms));
        let house = House { workspaces: workspaces.clone(), profiles, pipeline: pipeline.clone() };
        let settings = workspaces.workspaces().map(|(name, workspace)| {
            let fallback =
                Fallback { pop_by_number: true, click_to_dial: true, region: workspace.region.clone() };
            let region = workspace.region.clone();
            (
                name.clone(),
                AgentSettings { fallback, region, redaction: Redaction::default(), min_build: None },
            )
        });
        let hub =
            AgentHub::new(Arc::clone(&clock), Arc::clone(&store), sign_in.clone(), Arc::new(house), settings);
        hub.start(&tieline_flow::defaults()).await?;
        let state = AppState::new(Services {
            config: Arc::new(config),
            clock,
            store,
            workspaces: Arc::new(workspaces),
            pipeline,
            hub,
            sign_in,
            metrics: Metrics::default(),
            hosts,
            attempts: Attempts::default(),
            intake: Semaphore::new(INTAKE),
        });
        Ok(Self { state })
    }

    /// Works until `stop` ends: then takes nothing new, says goodbye to agents, finishes what
    /// was begun, and returns.
    pub async fn serve(self, listener: TcpListener, stop: impl Future<Output = ()>) {
        let state = self.state;
        let pipeline = state.pipeline.start();
        let tasks = [tokio::spawn(sweep(state.clone())), tokio::spawn(follow_flows(state.clone()))];
        let (farewell, stopping) = tokio::sync::oneshot::channel();
        let leaving = state.clone();
        let http = listen::serve(listener, router(state), async move {
            stop.await;
            leaving.hub.drain().await;
            let _ = farewell.send(());
        });
        let cut_off = async {
            // Without a farewell there is nothing to cut off.
            if stopping.await.is_ok() {
                tokio::time::sleep(FAREWELL).await;
            } else {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = http => {}
            () = cut_off => tracing::warn!("Requests were still open and were cut off"),
        }
        for task in tasks {
            task.abort();
        }
        pipeline.stop().await;
    }
}

/// The field map of each workspace.
fn profiles(config: &Config) -> BTreeMap<WorkspaceName, Arc<Profile>> {
    let kind =
        |name: &ConnectionName| config.connections.get(name).map_or("", |connection| connection.kind());
    let profile = |workspace: &tieline_engine::config::WorkspaceConfig| {
        Profile::built_in(kind(&workspace.contact_center), kind(&workspace.crm)).map(Arc::new)
    };
    config.workspaces.iter().filter_map(|(name, w)| Some((name.clone(), profile(w)?))).collect()
}

fn workspace_setups(
    workspaces: &Workspaces,
    profiles: &BTreeMap<WorkspaceName, Arc<Profile>>,
) -> Vec<pipeline::WorkspaceSetup> {
    let setup = |(name, workspace): (&WorkspaceName, &tieline_engine::Workspace)| {
        Some(WorkspaceSetup {
            name: name.clone(),
            contact_center: workspace.contact_center.clone(),
            crm: workspace.crm.clone(),
            region: workspace.region.clone(),
            profile: Arc::clone(profiles.get(name)?),
            records: workspace.records.clone(),
        })
    };
    workspaces.workspaces().filter_map(setup).collect()
}

/// How the agents of every workspace sign in.
fn realms(config: &Config, http: &reqwest::Client, clock: &Arc<dyn Clock>) -> BTreeMap<WorkspaceName, Realm> {
    let mut redirect = config.public_url.clone();
    redirect.set_path("/auth/callback");
    let mut realms = BTreeMap::new();
    for (name, workspace) in &config.workspaces {
        let Some(sign_in) = &workspace.sign_in else { continue };
        let provider = OidcProvider::new(sign_in.clone(), redirect.clone(), http.clone(), Arc::clone(clock));
        realms.insert(name.clone(), Realm { provider: Arc::new(provider), session: sign_in.session });
    }
    realms
}

/// Takes up flows that another process published (`tieline flow publish`).
async fn follow_flows(state: AppState) {
    let mut seen = BTreeMap::new();
    loop {
        for (name, _) in state.workspaces.workspaces() {
            let flows = match state.store.flows(name).await {
                Ok(flows) => flows,
                Err(error) => {
                    tracing::warn!(error = %error_chain(&error), "Flows could not be looked at");
                    continue;
                }
            };
            if seen.get(name) == Some(&flows) {
                continue;
            }
            // The first look counts as a change too: who published while the server started is not missed.
            match state.hub.reload_flows(name).await {
                Ok(()) => {
                    if seen.insert(name.clone(), flows).is_some() {
                        tracing::info!(workspace = %name, "Took up changed flows");
                    }
                }
                // Not noted as seen, so it is tried again next time.
                Err(error) => {
                    tracing::warn!(error = %error_chain(&error), "Changed flows could not be read");
                }
            }
        }
        // The machine's time: who publishes a flow does not wait for a simulated clock.
        tokio::time::sleep(FOLLOW_EVERY).await;
    }
}

/// Removes what is over, now and then.
async fn sweep(state: AppState) {
    loop {
        let now = state.clock.now();
        let before = |span: Duration| now.checked_sub(span).unwrap_or(now);
        if let Err(error) = state.sign_in.sweep(before(KEEP_RUNS), before(KEEP_EVENTS)).await {
            tracing::error!(error = %error_chain(&error), "Old sessions and traces could not be removed");
        }
        state.clock.sleep(SWEEP_EVERY).await;
    }
}
