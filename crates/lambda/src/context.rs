use std::sync::{Arc, OnceLock};

use tieline_aws::{Aws, AwsSettings, Secrets};
use tieline_core::Clock;
use tieline_salesforce::Salesforce;
use tokio::sync::OnceCell;

use crate::LambdaError;
use crate::config::{Environment, SalesforceSettings, dip_settings};
use crate::credentials::SecretCredentials;
use crate::dip::Answering;
use crate::recording_url::CloudFront;
use crate::rights::DipRights;

/// What the functions of one process share; each part is made by the first invocation that needs it.
pub(crate) struct Context {
    pub environment: Environment,
    pub clock: Arc<dyn Clock>,
    aws: OnceLock<Aws>,
    salesforce: OnceCell<Salesforce>,
    answering: OnceCell<Answering>,
    /// What signs addresses of the reference's distribution.
    pub cloudfront: OnceCell<CloudFront>,
}

impl Context {
    pub fn new(environment: Environment, clock: Arc<dyn Clock>) -> Self {
        Self {
            environment,
            clock,
            aws: OnceLock::new(),
            salesforce: OnceCell::new(),
            answering: OnceCell::new(),
            cloudfront: OnceCell::new(),
        }
    }

    /// AWS as the SDKs' standard variables describe it. Nothing is asked of it here.
    pub fn aws(&self) -> &Aws {
        self.aws.get_or_init(|| {
            let settings = AwsSettings::from_environment(|name| self.environment.get(name));
            Aws::new(settings, Arc::clone(&self.clock))
        })
    }

    /// The org: one client, one token, one read of the secret.
    pub async fn salesforce(&self) -> Result<&Salesforce, LambdaError> {
        self.salesforce
            .get_or_try_init(|| async {
                let settings = SalesforceSettings::read(&self.environment)?;
                let credentials = SecretCredentials {
                    secrets: Arc::new(Secrets::new(self.aws().clone())),
                    secret_id: settings.secret_id,
                    grant: settings.grant,
                    username: settings.username,
                };
                Salesforce::new(&settings.org, Arc::new(credentials), Arc::clone(&self.clock))
                    .map_err(|error| LambdaError::new("Exception", error.to_string()))
            })
            .await
    }

    pub async fn answering(&self) -> Result<&Answering, LambdaError> {
        self.answering
            .get_or_try_init(|| async {
                let salesforce = self.salesforce().await?;
                let region = self.environment.get("TIELINE_REGION").filter(|region| !region.is_empty());
                let settings = dip_settings(&self.environment)?;
                let rights = DipRights::read(&self.environment)?;
                Ok(Answering::new(salesforce, &self.clock, &settings, region, rights))
            })
            .await
    }
}
