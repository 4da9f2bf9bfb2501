use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tieline_amazon_connect::ConnectApi;
use tieline_aws::{Aws, AwsSettings, Secrets};
use tieline_bridge::map::{FieldMap, FieldMaps};
use tieline_core::{Clock, Purpose};
use tieline_salesforce::Salesforce;
use tokio::sync::OnceCell;

use crate::LambdaError;
use crate::config::{Environment, SalesforceSettings, dip_settings};
use crate::credentials::SecretCredentials;
use crate::dip::Answering;
use crate::error::NOT_CONFIGURED;
use crate::forward::Server;
use crate::name::Manner;
use crate::recording_url::CloudFront;
use crate::rights::DipRights;

/// Longest wait for a call that writes 200 rows, each with the org's own automation behind it.
pub(crate) const MANY_ROWS: Duration = Duration::from_secs(60);

/// Longest wait for a call about one record that nobody waits for.
pub(crate) const ONE_RECORD: Duration = Duration::from_secs(20);

/// What the functions of one process share; each part is made by the first invocation that needs it.
pub(crate) struct Context {
    pub environment: Environment,
    pub clock: Arc<dyn Clock>,
    aws: OnceLock<Aws>,
    connect: OnceLock<ConnectApi>,
    org: OnceCell<Salesforce>,
    answering: OnceCell<Answering>,
    /// What signs addresses of the reference's distribution.
    pub cloudfront: OnceCell<CloudFront>,
    maps: OnceLock<FieldMaps>,
    said: Mutex<HashSet<&'static str>>,
    /// How the first answer was asked for; a process has one name.
    pub manner: OnceLock<Manner>,
    pub server: OnceCell<Server>,
}

impl Context {
    pub fn new(environment: Environment, clock: Arc<dyn Clock>) -> Self {
        Self {
            environment,
            clock,
            aws: OnceLock::new(),
            connect: OnceLock::new(),
            org: OnceCell::new(),
            answering: OnceCell::new(),
            cloudfront: OnceCell::new(),
            maps: OnceLock::new(),
            said: Mutex::default(),
            manner: OnceLock::new(),
            server: OnceCell::new(),
        }
    }

    /// AWS as the SDKs' standard variables describe it. Nothing is asked of it here.
    pub fn aws(&self) -> &Aws {
        self.aws.get_or_init(|| {
            let settings = AwsSettings::from_environment(|name| self.environment.get(name));
            Aws::new(settings, Arc::clone(&self.clock))
        })
    }

    pub fn region(&self) -> Option<&str> {
        self.aws().region()
    }

    /// The API of the instance whose id is `instance`, which is the same in every call.
    pub fn connect_api(&self, instance: &str) -> &ConnectApi {
        self.connect.get_or_init(|| ConnectApi::new(self.aws().clone(), instance))
    }

    /// The org for a look-up: somebody waits on the line.
    pub async fn org_for_dips(&self) -> Result<Salesforce, LambdaError> {
        Ok(self.org().await?.for_purpose(Purpose::Dip))
    }

    /// The org for contact records, which wait when the last of the daily calls are kept for dips.
    pub async fn org_for_call_log(&self) -> Result<Salesforce, LambdaError> {
        Ok(self.org().await?.for_purpose(Purpose::CallLog).with_patience(MANY_ROWS))
    }

    /// The org for reports, metrics, analyses, transcripts: what waits first. One call may take
    /// as long as `one_call`.
    pub async fn org_for_the_rest(&self, one_call: Duration) -> Result<Salesforce, LambdaError> {
        Ok(self.org().await?.for_purpose(Purpose::Other).with_patience(one_call))
    }

    /// One client, one token, one read of the secret.
    async fn org(&self) -> Result<&Salesforce, LambdaError> {
        self.org
            .get_or_try_init(|| async {
                let settings = SalesforceSettings::read(&self.environment)?;
                let credentials = SecretCredentials {
                    secrets: Arc::new(Secrets::new(self.aws().clone())),
                    secret_id: settings.secret_id,
                    tries_without_token: self.manner.get() == Some(&Manner::Legacy),
                    grant: settings.grant,
                    username: settings.username,
                };
                Salesforce::new(&settings.org, Arc::new(credentials), Arc::clone(&self.clock))
                    .map_err(|error| LambdaError::new(NOT_CONFIGURED, error.to_string()))
            })
            .await
    }

    /// The field map `name`: the one that comes with Tieline, or the user's own in the folder
    /// `TIELINE_PROFILES` names.
    pub fn map(&self, name: &str) -> Result<Arc<FieldMap>, LambdaError> {
        Ok(self.maps()?.get(name).expect("functions ask for maps that come with Tieline"))
    }

    /// Whether this is the first time that the process asks for `what`: for things said once.
    pub fn first_time(&self, what: &'static str) -> bool {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).insert(what)
    }

    /// All field maps in force.
    pub fn maps(&self) -> Result<&FieldMaps, LambdaError> {
        if let Some(maps) = self.maps.get() {
            return Ok(maps);
        }
        let read = read_maps(self.environment.text("TIELINE_PROFILES").map(Path::new))?;
        Ok(self.maps.get_or_init(|| read))
    }

    pub async fn answering(&self) -> Result<&Answering, LambdaError> {
        self.answering
            .get_or_try_init(|| async {
                let salesforce = self.org_for_dips().await?;
                let region = self.environment.get("TIELINE_REGION").filter(|region| !region.is_empty());
                let settings = dip_settings(&self.environment)?;
                let rights = DipRights::read(&self.environment)?;
                Ok(Answering::new(&salesforce, &self.clock, &settings, region, rights))
            })
            .await
    }
}

/// The maps that come with Tieline, with the files of a folder over them.
fn read_maps(folder: Option<&Path>) -> Result<FieldMaps, LambdaError> {
    let mut maps = FieldMaps::built_in("amazon-connect", "salesforce").expect("these maps come with Tieline");
    let Some(folder) = folder else { return Ok(maps) };
    maps.put_folder(folder).map_err(|problem| LambdaError::new("lambda.bad_profile", problem))?;
    Ok(maps)
}
