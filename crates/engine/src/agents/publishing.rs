//! Flows into force and out of it.

use std::sync::Arc;

use tieline_core::WorkspaceName;
use tieline_flow::{Document, Flow, Problem};
use tieline_store::{FlowGrants, FlowRow, FlowVersion, NewFlowVersion, Store, StoreError};

use super::book::{FlowBook, LoadedFlow};

/// Why a flow was not published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// All that is wrong with the document.
    #[error("the flow has {} problem(s)", .0.len())]
    Problems(Vec<Problem>),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Checks a document and puts it in force as its flow's next version. A hub that runs on the
/// same store has to reload its flows; [`super::AgentHub::publish`] does both.
pub async fn publish(
    store: &Arc<dyn Store>,
    workspace: &WorkspaceName,
    document: Document,
    grants: FlowGrants,
    published_by: &str,
) -> Result<FlowVersion, PublishError> {
    let flow = Flow::load(document).map_err(PublishError::Problems)?;
    let document = flow.document();
    if document.on.is_none() {
        let problem = Problem::new("event.missing", "on", "choose when the flow runs before it is published");
        return Err(PublishError::Problems(vec![problem]));
    }
    let version = NewFlowVersion {
        flow: document.id.clone(),
        name: document.name.clone(),
        document: document.to_json(),
        grants,
        position: document.order.unwrap_or(0),
        published_by: published_by.to_owned(),
    };
    Ok(store.publish_flow(workspace, version).await?)
}

/// Reads the flows in force. One that this version cannot load is left out and reported: the others
/// must not suffer for it.
pub(super) async fn book(store: &Arc<dyn Store>, workspace: &WorkspaceName) -> Result<FlowBook, StoreError> {
    let mut loaded = Vec::new();
    for published in store.published_flows(workspace).await? {
        let version = published.version;
        let flow = Document::from_json(version.document.as_bytes()).and_then(Flow::load);
        match flow {
            Ok(flow) => {
                loaded.push(LoadedFlow {
                    flow: Arc::new(flow),
                    version: version.version,
                    grants: version.grants,
                });
            }
            Err(problems) => tracing::error!(
                flow.id = %version.flow,
                flow.version = version.version,
                problem = %problems.first().map_or("", |problem| problem.code),
                "A published flow does not load any more and will not run"
            ),
        }
    }
    Ok(FlowBook::new(loaded))
}

/// Publishes the flows of a new workspace, if it has none at all.
pub(super) async fn publish_defaults(
    store: &Arc<dyn Store>,
    workspace: &WorkspaceName,
    defaults: Vec<Document>,
) -> Result<usize, PublishError> {
    if !store.flows(workspace).await?.is_empty() {
        return Ok(0);
    }
    let count = defaults.len();
    for document in defaults {
        publish(store, workspace, document, FlowGrants::default(), "tieline").await?;
    }
    Ok(count)
}

/// All flows of a workspace.
pub(super) async fn list(
    store: &Arc<dyn Store>,
    workspace: &WorkspaceName,
) -> Result<Vec<FlowRow>, StoreError> {
    store.flows(workspace).await
}
