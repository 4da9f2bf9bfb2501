use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use tieline_bridge::profile::Profile;
use tieline_core::{AgentId, ContactChange, ContactId, Crm, JsonMap, RecordId, WorkspaceName};

use super::performer::{Backstage, LogFailure};
use crate::Workspaces;
use crate::pipeline::{LogError, Pipeline};

/// The house as it is: workspaces with their CRMs, and the pipeline that keeps the call log.
pub struct House {
    pub workspaces: Workspaces,
    pub profiles: BTreeMap<WorkspaceName, Arc<Profile>>,
    pub pipeline: Pipeline,
}

#[async_trait]
impl Backstage for House {
    fn crm(&self, workspace: &WorkspaceName) -> Option<Arc<dyn Crm>> {
        self.workspaces.crm(workspace)
    }

    fn profile(&self, workspace: &WorkspaceName) -> Option<Arc<Profile>> {
        self.profiles.get(workspace).cloned()
    }

    async fn log_for_flow(
        &self,
        workspace: &WorkspaceName,
        contact: &ContactId,
        asked: &JsonMap,
        owner: &AgentId,
    ) -> Result<RecordId, LogFailure> {
        Ok(self.pipeline.log_for_flow(workspace, contact, asked, Some(owner)).await?)
    }

    async fn page_saw(&self, workspace: &WorkspaceName, part: ContactChange) -> Result<(), LogFailure> {
        Ok(self.pipeline.note_from_page(workspace, &part.contact, part.document).await?)
    }
}

impl From<LogError> for LogFailure {
    fn from(error: LogError) -> Self {
        let detail = error.to_string();
        let code = match error {
            LogError::UnknownWorkspace | LogError::NoCallLog | LogError::NotLogged => {
                "crm.unsupported".to_owned()
            }
            LogError::Refused { code, message } => return Self { code, detail: message },
            LogError::Late => "step.late".to_owned(),
            LogError::Store(_) => "store.unavailable".to_owned(),
        };
        Self { code, detail }
    }
}
