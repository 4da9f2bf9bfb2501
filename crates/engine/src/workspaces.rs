//! The configuration brought to life: one connector per connection, one entry per workspace.
//!
//! Making them calls nobody; a connector signs in when it is first asked something.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tieline_amazon_connect::recordings::{Layout, Recordings as InstanceRecordings};
use tieline_amazon_connect::{AmazonConnect, Conversations, Import, InstanceFiles};
use tieline_aws::{Aws, AwsSettings};
use tieline_bridge::dip::recent::{Recent, Recents};
use tieline_bridge::dip::{AnswerCache, DipTarget, Dips, MemoryCache};
use tieline_bridge::map::FieldMaps;
use tieline_core::{Clock, ConnectionName, ContactCenter, Crm, Purpose, RecordingStore, WorkspaceName};
use tieline_salesforce::legacy::Legacy;
use tieline_salesforce::{Credentials, GrantSecrets, OrgSettings, Salesforce};

use crate::config::{
    AmazonConnectConfig, Compat, Config, ConfigError, ConfigProblem, Connection, FilesConfig,
    RecordingsConfig, SalesforceConfig, SalesforceGrant, WorkspaceConfig,
};
use crate::pipeline::RecordMaps;

/// Field maps of what arrives as a delivery: contact records, and what stands in files.
const RECORDS: [&str; 6] =
    ["contact-record", "agent-report", "queue-report", "analytics", "recording", "transcript"];

/// All connections and workspaces of one server.
#[derive(Clone, Default)]
pub struct Workspaces {
    contact_centers: BTreeMap<ConnectionName, Arc<dyn ContactCenter>>,
    crms: BTreeMap<ConnectionName, Arc<dyn Crm>>,
    recordings: BTreeMap<ConnectionName, Recordings>,
    by_name: BTreeMap<WorkspaceName, Workspace>,
}

/// The recordings of one contact center.
#[derive(Clone)]
pub struct Recordings {
    pub store: Arc<dyn RecordingStore>,
    /// How long an address lives by which one is played.
    pub life: Duration,
}

/// One contact center joined to one CRM.
#[derive(Clone)]
pub struct Workspace {
    pub contact_center: ConnectionName,
    pub crm: ConnectionName,
    /// The country of numbers written without `+`, two letters.
    pub region: String,
    /// Which of the contact center's own records become CRM records too.
    pub records: RecordMaps,
    /// Answers contact flows; `None` where the CRM takes no dips.
    pub dips: Option<Dips>,
}

impl Workspaces {
    /// # Errors
    ///
    /// Settings a connector refuses, all together.
    pub fn from_config(config: &Config, clock: &Arc<dyn Clock>) -> Result<Self, ConfigError> {
        let mut made = Self::default();
        let mut orgs = BTreeMap::new();
        let mut problems = Vec::new();
        for (name, connection) in &config.connections {
            match connection {
                Connection::AmazonConnect(connect) => {
                    let mut center = AmazonConnect::new(connect.instance_arn.clone());
                    match connect.files.as_ref().map(|config| instance_files(config, connect, clock)) {
                        Some(Ok(files)) => center = center.with_files(files),
                        Some(Err(message)) => problems
                            .push(ConfigProblem { place: format!("connections.{name}.files"), message }),
                        None => {}
                    }
                    made.add_contact_center(name.clone(), Arc::new(center));
                    match connect.recordings.as_ref().map(|config| recordings(config, clock)) {
                        Some(Ok(recordings)) => made.add_recordings(name.clone(), recordings),
                        Some(Err(message)) => problems
                            .push(ConfigProblem { place: format!("connections.{name}.recordings"), message }),
                        None => {}
                    }
                }
                Connection::Salesforce(salesforce) => match org(salesforce, clock) {
                    Ok(org) => {
                        let shared =
                            (org.clone(), Arc::new(MemoryCache::default()), Arc::new(Recents::default()));
                        orgs.insert(name.clone(), shared);
                        made.add_crm(name.clone(), Arc::new(org.for_purpose(Purpose::CallLog)));
                    }
                    Err(message) => {
                        problems.push(ConfigProblem { place: format!("connections.{name}"), message });
                    }
                },
            }
        }
        for (name, workspace) in &config.workspaces {
            let dips = orgs.get(&workspace.crm).map(|(org, cache, recents)| {
                let org = match &workspace.find_caller {
                    Some(settings) => org.clone().finding(settings.clone()),
                    None => org.clone(),
                };
                let target: Arc<dyn DipTarget> = match workspace.compat {
                    Compat::Neutral => Arc::new(org),
                    Compat::Legacy => Arc::new(Legacy::new(org, Arc::clone(clock))),
                };
                Dips::new(target, Arc::clone(clock), workspace.dips.clone())
                    .with_cache(Arc::clone(cache) as Arc<dyn AnswerCache>)
                    .remembering(workspace.answer_cache.map(Recent::new), recents)
                    .in_region(&workspace.region)
            });
            let records = records(config, workspace).unwrap_or_else(|(key, message)| {
                problems.push(ConfigProblem { place: format!("workspaces.{name}.{key}"), message });
                RecordMaps::default()
            });
            made.add_workspace(
                name.clone(),
                Workspace {
                    contact_center: workspace.contact_center.clone(),
                    crm: workspace.crm.clone(),
                    region: workspace.region.clone(),
                    records,
                    dips,
                },
            );
        }
        if problems.is_empty() { Ok(made) } else { Err(ConfigError { problems }) }
    }

    pub fn add_contact_center(&mut self, name: ConnectionName, center: Arc<dyn ContactCenter>) {
        self.contact_centers.insert(name, center);
    }

    pub fn add_recordings(&mut self, name: ConnectionName, recordings: Recordings) {
        self.recordings.insert(name, recordings);
    }

    /// The recordings of a workspace's contact center; `None` when none are configured.
    pub fn recordings(&self, workspace: &WorkspaceName) -> Option<&Recordings> {
        self.recordings.get(&self.by_name.get(workspace)?.contact_center)
    }

    pub fn add_crm(&mut self, name: ConnectionName, crm: Arc<dyn Crm>) {
        self.crms.insert(name, crm);
    }

    pub fn add_workspace(&mut self, name: WorkspaceName, workspace: Workspace) {
        self.by_name.insert(name, workspace);
    }

    pub fn workspace(&self, name: &WorkspaceName) -> Option<&Workspace> {
        self.by_name.get(name)
    }

    /// All workspaces, by name.
    pub fn workspaces(&self) -> impl Iterator<Item = (&WorkspaceName, &Workspace)> {
        self.by_name.iter()
    }

    pub fn contact_center(&self, connection: &ConnectionName) -> Option<Arc<dyn ContactCenter>> {
        self.contact_centers.get(connection).cloned()
    }

    /// All contact centers, by connection.
    pub fn contact_centers(&self) -> impl Iterator<Item = (&ConnectionName, &Arc<dyn ContactCenter>)> {
        self.contact_centers.iter()
    }

    /// The CRM of a workspace.
    pub fn crm(&self, workspace: &WorkspaceName) -> Option<Arc<dyn Crm>> {
        self.crm_connection(&self.by_name.get(workspace)?.crm)
    }

    /// A CRM by its connection.
    pub fn crm_connection(&self, connection: &ConnectionName) -> Option<Arc<dyn Crm>> {
        self.crms.get(connection).cloned()
    }

    /// All CRMs, by connection.
    pub fn crms(&self) -> impl Iterator<Item = (&ConnectionName, &Arc<dyn Crm>)> {
        self.crms.iter()
    }
}

fn recordings(config: &RecordingsConfig, clock: &Arc<dyn Clock>) -> Result<Recordings, String> {
    let aws = Aws::new(config.aws.clone(), Arc::clone(clock));
    let mut bucket = aws.bucket(&config.bucket).in_region(&config.region);
    if let Some(folder) = &config.folder {
        bucket = bucket.in_folder(folder).map_err(|_| "the folder cannot be read".to_owned())?;
    }
    let layout = Layout::new(&config.prefix, config.redacted_prefix.as_deref());
    let store = InstanceRecordings::new(bucket, layout, config.show);
    Ok(Recordings { store: Arc::new(store), life: config.life })
}

fn instance_files(
    config: &FilesConfig,
    connect: &AmazonConnectConfig,
    clock: &Arc<dyn Clock>,
) -> Result<InstanceFiles, String> {
    // What is asked of Connect, Transcribe and Comprehend is asked where the instance is.
    let settings = AwsSettings { region: Some(connect.region.clone()), ..config.aws.clone() };
    let aws = Aws::new(settings, Arc::clone(clock));
    let instance = connect.instance_arn.as_deref().and_then(|arn| arn.rsplit_once('/')).map(|(_, id)| id);
    let mut conversations = Conversations::new(aws.clone(), instance, config.import, config.redacted);
    if let Some(transcription) = &config.transcription {
        conversations = conversations.transcribing(transcription.clone());
    }
    let bucket = |name: &String| {
        let bucket = aws.bucket(name).in_region(&config.region);
        match &config.folder {
            Some(folder) => bucket.in_folder(folder).map_err(|_| "the folder cannot be read".to_owned()),
            None => Ok(bucket),
        }
    };
    Ok(InstanceFiles {
        buckets: config.buckets.iter().map(bucket).collect::<Result<_, _>>()?,
        region: Some(connect.region.clone()),
        agent_reports: config.agent_reports.clone(),
        queue_reports: config.queue_reports.clone(),
        conversations: Some(conversations),
        instance_arn: connect.instance_arn.clone(),
    })
}

/// The field maps a workspace writes by; an error has its key.
fn records(config: &Config, workspace: &WorkspaceConfig) -> Result<RecordMaps, (&'static str, String)> {
    let center = config.connections.get(&workspace.contact_center);
    let crm = config.connections.get(&workspace.crm);
    let kind = |connection: Option<&Connection>| connection.map_or("", Connection::kind);
    let Some(mut all) = FieldMaps::built_in(kind(center), kind(crm)) else {
        return if workspace.records.is_empty() {
            Ok(RecordMaps::default())
        } else {
            Err(("records", "there are no field maps for this contact center and CRM".into()))
        };
    };
    if let Some(folder) = &workspace.profiles {
        all.put_folder(folder).map_err(|problem| ("profiles", problem))?;
    }
    let mut records = RecordMaps::default();
    for name in &workspace.records {
        let Some(map) = all.get(name).filter(|_| RECORDS.contains(&name.as_str())) else {
            let known = RECORDS.join(", ");
            return Err(("records", format!("`{name}` is none of: {known}")));
        };
        records.maps.insert(name.clone(), map);
    }
    if let Some(Connection::AmazonConnect(connect)) = center {
        let lacks = records.maps.keys().find_map(|name| Some((name, lacks(name, connect)?)));
        if let Some((name, lacks)) = lacks {
            let connection = &workspace.contact_center;
            return Err(("records", format!("`{name}` needs {lacks} of `[connections.{connection}]`")));
        }
    }
    if let Some(Connection::Salesforce(org)) = crm {
        records.namespace.clone_from(&org.namespace);
    }
    if let Some(Connection::AmazonConnect(connect)) = center {
        records.region = Some(connect.region.clone());
    }
    Ok(records)
}

/// What a map needs and the connection does not say.
fn lacks(map: &str, connect: &AmazonConnectConfig) -> Option<&'static str> {
    match (map, &connect.files) {
        ("contact-record", _) => None,
        (_, None) => Some("the buckets in `files`"),
        ("transcript", Some(files)) if files.transcription.is_none() => Some("`files.transcription`"),
        ("analytics", Some(files)) if files.import == Import::Flagged && connect.instance_arn.is_none() => {
            Some("`instance_arn`, by which it asks for contacts' attributes, or `files.import = \"all\"`,")
        }
        _ => None,
    }
}

fn org(config: &SalesforceConfig, clock: &Arc<dyn Clock>) -> Result<Salesforce, String> {
    let settings = OrgSettings {
        instance_url: config.instance_url.clone(),
        api_version: config.api_version.clone(),
        login_url: config.login_url.clone(),
        namespace: config.namespace.clone(),
        timeout: config.timeout,
    };
    let (client_id, secrets) = match &config.grant {
        SalesforceGrant::ClientCredentials { client_id, client_secret } => {
            (client_id, GrantSecrets::ClientCredentials { client_secret: client_secret.clone() })
        }
        SalesforceGrant::JwtBearer { client_id, username, private_key } => (
            client_id,
            GrantSecrets::JwtBearer { username: username.clone(), private_key: private_key.clone() },
        ),
        SalesforceGrant::Password { client_id, client_secret, username, password } => (
            client_id,
            GrantSecrets::Password {
                client_secret: client_secret.clone(),
                username: username.clone(),
                password: password.clone(),
            },
        ),
    };
    let credentials = Credentials { client_id: client_id.clone(), secrets, token: None };
    Salesforce::new(&settings, Arc::new(credentials), Arc::clone(clock)).map_err(|error| error.to_string())
}
