//! What `tieline.toml` may say, read strictly.
//!
//! A file is read once, at start, into [`Config`]. Every key that is not known, every
//! secret that cannot be found and every name that leads nowhere is reported, all
//! together and each with its place, because an operator who mends one mistake at a time
//! restarts the service ten times. Nothing here calls a vendor.
//!
//! To add a setting: a field with its meaning, unit and default in the struct below, one
//! line in `read.rs`, and one in `tieline.example.toml`.

mod demo;
mod environment;
mod keys;
mod read;
mod section;
mod storage;

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use tieline_amazon_connect::recordings::Which;
use tieline_amazon_connect::{Import, Redacted, Transcription};
use tieline_aws::AwsSettings;
use tieline_bridge::dip::DipSettings;
use tieline_bridge::dip::find::FindSettings;
use tieline_bridge::dip::recent::RecentSettings;
use tieline_core::{ConnectionName, WorkspaceName};
use url::Url;

pub use demo::DemoAddresses;
pub use environment::Environment;
pub use keys::{ApiKey, Denied, KeyHash, Operation, SecretKeys};

/// Everything an operator decides before Tieline starts.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen. Default `127.0.0.1:8430`.
    pub listen: SocketAddr,
    /// The address by which browsers and the contact center reach this server, without a
    /// path, for example `https://tieline.example.com`.
    pub public_url: Url,
    /// Folder of the database; made when absent. Default `./tieline-data`.
    pub data: PathBuf,
    /// Encrypts what must not lie readable in the database (the agents' CRM tokens); at
    /// least 32 bytes. Changing it signs every agent out.
    pub secret_key: SecretString,
    /// What `GET /metrics` asks for as a bearer key. Without it the numbers are open to whoever
    /// reaches the server.
    pub metrics_key: Option<SecretKeys>,
    pub connections: BTreeMap<ConnectionName, Connection>,
    pub workspaces: BTreeMap<WorkspaceName, WorkspaceConfig>,
}

/// As much of a configuration as commands need that only look into the database; no secret
/// has to be at hand for it.
#[derive(Debug, Clone)]
pub struct Outline {
    pub data: PathBuf,
    pub workspaces: Vec<WorkspaceName>,
}

impl Outline {
    /// # Errors
    ///
    /// When the text is no TOML, or says something else than text where the database is.
    pub fn parse(text: &str, environment: &Environment) -> Result<Self, ConfigError> {
        read::outline(text, environment)
    }

    pub fn database(&self) -> PathBuf {
        self.data.join(Config::DATABASE)
    }
}

/// One `[connections.<name>]` table: a contact-center instance or a CRM org.
#[derive(Debug, Clone)]
pub enum Connection {
    AmazonConnect(AmazonConnectConfig),
    Salesforce(SalesforceConfig),
}

/// One `[connections.<name>]` table of kind `amazon-connect`.
#[derive(Debug, Clone)]
pub struct AmazonConnectConfig {
    /// The instance's access address, for example `https://acme.my.connect.aws`.
    pub instance_url: Url,
    /// AWS region of the instance, for example `eu-central-1`.
    pub region: String,
    /// When given, events of any other instance are not for us.
    pub instance_arn: Option<String>,
    /// Values of the header `x-tieline-key` an EventBridge connection sends; at most two,
    /// so that one can be replaced while the other still works.
    pub eventbridge_keys: SecretKeys,
    /// Access keys of the Firehose stream; at most two.
    pub firehose_keys: SecretKeys,
    /// Where the instance keeps recordings; `None` when nobody plays them through Tieline.
    pub recordings: Option<RecordingsConfig>,
    /// Where the instance leaves scheduled reports; `None` when Tieline reads none.
    pub files: Option<Box<FilesConfig>>,
}

/// One `[connections.<name>.files]` table: the buckets whose news Tieline follows.
#[derive(Debug, Clone)]
pub struct FilesConfig {
    /// Their names. A delivery about a report in any other is a dead letter.
    pub buckets: Vec<String>,
    /// AWS region of the buckets. Default: the instance's.
    pub region: String,
    /// Beginning of the keys of agent reports. Default: a report's header tells.
    pub agent_reports: Option<String>,
    /// Beginning of the keys of queue reports. Default: a report's header tells.
    pub queue_reports: Option<String>,
    /// Of which contacts analyses, recordings and transcripts are taken over. Default `flagged`.
    pub import: Import,
    /// Which of a contact's two analyses is kept. Default `prefer`.
    pub redacted: Redacted,
    /// How recordings are transcribed; `None` when they are not.
    pub transcription: Option<Transcription>,
    /// A local folder (`file:///…`) in the place of the one bucket, for development.
    pub folder: Option<PathBuf>,
    /// Credentials and endpoints, from the variables AWS's own tools read.
    pub aws: AwsSettings,
}

/// One `[connections.<name>.recordings]` table: the instance's storage configuration of call
/// recordings.
#[derive(Debug, Clone)]
pub struct RecordingsConfig {
    /// The bucket's name. With `folder`, only a name.
    pub bucket: String,
    /// AWS region of the bucket. Default: the instance's.
    pub region: String,
    /// Folder of the recordings in it, for example `connect/acme/CallRecordings`.
    pub prefix: String,
    /// Folder of Contact Lens's redacted ones. Default `Analysis/Voice/Redacted`.
    pub redacted_prefix: Option<String>,
    /// Which ones are given out: `raw` (default), `redacted` or `both`.
    pub show: Which,
    /// How long an address lives by which one is played. Default 300 seconds, at most 3600.
    pub life: Duration,
    /// A local folder (`file:///…`) in the place of the bucket, for development.
    pub folder: Option<PathBuf>,
    /// Credentials and endpoints, from the variables AWS's own tools read.
    pub aws: AwsSettings,
}

/// One `[connections.<name>]` table of kind `salesforce`.
#[derive(Debug, Clone)]
pub struct SalesforceConfig {
    /// The org's My Domain address, for example `https://acme.my.salesforce.com`.
    pub instance_url: Url,
    /// Version of the REST API. Default `v62.0`.
    pub api_version: String,
    /// Where tokens are asked for. Default: `instance_url`.
    pub login_url: Option<Url>,
    /// How Tieline itself signs in, with what that needs.
    pub grant: SalesforceGrant,
    /// Exact origins of CRM pages that may frame the panel, besides those that follow
    /// from `instance_url`.
    pub page_origins: Vec<String>,
    /// Namespace of the managed package, when the objects were installed with one.
    pub namespace: Option<String>,
    /// Longest wait for one API call. Default 10 seconds, at most 60.
    pub timeout: Duration,
}

/// How Tieline signs in to Salesforce for work that is not an agent's.
#[derive(Debug, Clone)]
pub enum SalesforceGrant {
    ClientCredentials {
        client_id: String,
        client_secret: SecretString,
    },
    JwtBearer {
        client_id: String,
        username: String,
        /// PEM text of the RSA key.
        private_key: SecretString,
    },
    Password {
        client_id: String,
        client_secret: SecretString,
        username: String,
        /// Password and security token, one after the other.
        password: SecretString,
    },
}

/// One `[workspaces.<name>]` table: one contact center joined to one CRM.
#[derive(Debug, Clone)]
pub struct WorkspaceConfig {
    pub contact_center: ConnectionName,
    pub crm: ConnectionName,
    /// Two letters; the country of numbers written without `+`. Default `US`.
    pub region: String,
    /// Field maps whose records are written besides the call log: `contact-record`,
    /// `agent-report`, `queue-report`, `analytics`, `recording`, `transcript`. Default: none.
    pub records: Vec<String>,
    /// Folder of field maps that replace or extend those that come with Tieline.
    pub profiles: Option<PathBuf>,
    /// In whose manner dips are answered. Default `neutral`.
    pub compat: Compat,
    /// Where `findCaller` looks; Contact, Lead, Account and Case by default.
    pub find_caller: Option<FindSettings>,
    /// How long a dip may take, and what a read answers when the CRM does not.
    pub dips: DipSettings,
    /// How answers of dips are remembered; not at all by default.
    pub answer_cache: Option<RecentSettings>,
    /// How agents sign in; without it nobody can, and only dips and deliveries work.
    pub sign_in: Option<SignInConfig>,
    pub keys: Vec<ApiKey>,
}

/// In whose manner a workspace answers dips.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compat {
    /// Ours: flat, every value text.
    #[default]
    Neutral,
    /// The answers and error texts of the reference functions, for contact flows built on them.
    Legacy,
}

/// The OpenID Connect provider agents sign in with.
#[derive(Debug, Clone)]
pub struct SignInConfig {
    /// Letter for letter as the provider writes it in its tokens, for example
    /// `https://acme.my.salesforce.com`.
    pub issuer: String,
    pub client_id: String,
    /// Absent for a public client, which proves itself by PKCE alone.
    pub client_secret: Option<SecretString>,
    /// Default: `openid profile email api refresh_token`.
    pub scopes: Vec<String>,
    /// How long a session lasts, in whole hours. Default 12.
    pub session: Duration,
}

/// One thing wrong with the configuration.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConfigProblem {
    /// The key's path (`connections.crm.client_id`), or the variable that set it.
    pub place: String,
    pub message: String,
}

/// All that is wrong with the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    pub problems: Vec<ConfigProblem>,
}

impl fmt::Display for ConfigProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.problems.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// Reads the text of a `tieline.toml`, overridden by the `TIELINE_…` variables of `environment`.
    pub fn parse(text: &str, environment: &Environment) -> Result<Self, ConfigError> {
        read::config(text, environment)
    }

    /// The database's name in the folder `data`.
    pub const DATABASE: &str = "tieline.db";

    /// The database of this configuration.
    pub fn database(&self) -> PathBuf {
        self.data.join(Self::DATABASE)
    }

    /// The sandbox's published credentials must not guard anything real. Empty when all is well.
    ///
    /// They are allowed while the CRM is the sandbox itself, which lives on loopback.
    pub fn sandbox_credentials(&self) -> Vec<ConfigProblem> {
        demo::sandbox_credentials(self)
    }
}

impl Connection {
    /// The word of `kind`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::AmazonConnect(_) => "amazon-connect",
            Self::Salesforce(_) => "salesforce",
        }
    }
}

/// Whether `url` leads back to this machine.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            name == "localhost" || name.ends_with(".localhost")
        }
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// `scheme://host[:port]` as a browser writes it in `Origin`.
pub fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}
