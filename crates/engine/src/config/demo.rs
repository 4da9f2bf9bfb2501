//! The configuration of `tieline demo`, built in code, and how to recognise its
//! published credentials elsewhere.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tieline_bridge::dip::DipSettings;
use tieline_core::{ConnectionName, WorkspaceName};
use url::Url;

use super::{
    AmazonConnectConfig, ApiKey, Compat, Config, ConfigProblem, Connection, KeyHash, Operation,
    SalesforceConfig, SalesforceGrant, SecretKeys, SignInConfig, WorkspaceConfig, is_loopback, origin,
};

const CLIENT_ID: &str = "tieline-sandbox";
const CLIENT_SECRET: &str = "sandbox-secret";
const PANEL_CLIENT_ID: &str = "tieline-panel";
/// Keys anybody can read in our documentation.
const PUBLISHED_KEYS: [&str; 6] = [
    "sandbox-dip-key",
    "sandbox-eventbridge-key",
    "sandbox-firehose-key",
    "other-dip-key",
    "other-eventbridge-key",
    "other-firehose-key",
];

/// Where the parts of a demo are found.
#[derive(Debug, Clone)]
pub struct DemoAddresses {
    /// Where Tieline listens.
    pub listen: SocketAddr,
    /// `http://panel.localhost:8430`
    pub tieline: Url,
    /// `http://crm.localhost:8431`
    pub salesforce: Url,
    /// `http://ccp.localhost:8432`
    pub amazon_connect: Url,
}

impl Config {
    /// The workspaces `demo` and, for isolation, `other`, both joined to the sandbox.
    ///
    /// `other` has connections of its own: were it joined to those of `demo`, every
    /// call would be logged twice.
    pub fn demo(addresses: &DemoAddresses, data: PathBuf, secret_key: SecretString) -> Self {
        let mut connections = BTreeMap::new();
        let mut workspaces = BTreeMap::new();
        for (workspace, connect, salesforce, keys) in [
            ("demo", "connect", "salesforce", "sandbox"),
            ("other", "other-connect", "other-salesforce", "other"),
        ] {
            let connect_name = name(connect);
            let salesforce_name = name(salesforce);
            connections.insert(connect_name.clone(), amazon_connect(addresses, keys));
            connections.insert(salesforce_name.clone(), salesforce_of(addresses));
            let sign_in = SignInConfig {
                issuer: origin(&addresses.salesforce),
                client_id: PANEL_CLIENT_ID.to_owned(),
                client_secret: None,
                scopes: ["openid", "profile", "email", "api", "refresh_token"].map(str::to_owned).to_vec(),
                session: Duration::from_secs(12 * 3600),
            };
            let operations = ["dips:*", "contacts:read"]
                .map(|text| text.parse::<Operation>().expect("both are operations"))
                .to_vec();
            let key = ApiKey {
                name: "ivr".into(),
                hash: KeyHash::of(&format!("{keys}-dip-key")),
                operations,
                objects: None,
            };
            workspaces.insert(
                WorkspaceName::new(workspace).expect("both names are short"),
                WorkspaceConfig {
                    contact_center: connect_name,
                    crm: salesforce_name,
                    region: "US".into(),
                    records: Vec::new(),
                    profiles: None,
                    compat: Compat::Neutral,
                    find_caller: None,
                    dips: DipSettings::default(),
                    answer_cache: None,
                    sign_in: Some(sign_in),
                    keys: vec![key],
                },
            );
        }
        Self {
            listen: addresses.listen,
            public_url: addresses.tieline.clone(),
            data,
            secret_key,
            metrics_key: None,
            connections,
            workspaces,
        }
    }
}

fn name(text: &str) -> ConnectionName {
    ConnectionName::new(text).expect("the demo's names are short")
}

fn amazon_connect(addresses: &DemoAddresses, keys: &str) -> Connection {
    let one = |key: &str| SecretKeys::new(&[SecretString::from(format!("{keys}-{key}"))]);
    Connection::AmazonConnect(AmazonConnectConfig {
        instance_url: addresses.amazon_connect.clone(),
        region: "us-east-1".into(),
        instance_arn: None,
        eventbridge_keys: one("eventbridge-key"),
        firehose_keys: one("firehose-key"),
        files: None,
        recordings: None,
    })
}

fn salesforce_of(addresses: &DemoAddresses) -> Connection {
    Connection::Salesforce(SalesforceConfig {
        instance_url: addresses.salesforce.clone(),
        api_version: "v62.0".into(),
        login_url: None,
        grant: SalesforceGrant::ClientCredentials {
            client_id: CLIENT_ID.into(),
            client_secret: SecretString::from(CLIENT_SECRET),
        },
        page_origins: Vec::new(),
        namespace: None,
        timeout: Duration::from_secs(10),
    })
}

pub(super) fn sandbox_credentials(config: &Config) -> Vec<ConfigProblem> {
    let published: Vec<KeyHash> = PUBLISHED_KEYS.iter().map(|key| KeyHash::of(key)).collect();
    let real_crm = |name: &ConnectionName| match config.connections.get(name) {
        Some(Connection::Salesforce(crm)) => {
            !is_loopback(&crm.instance_url) || crm.login_url.as_ref().is_some_and(|url| !is_loopback(url))
        }
        _ => false,
    };
    let mut problems = Vec::new();
    let mut refuse = |place: String| {
        problems.push(ConfigProblem {
            place,
            message: "is a credential of the sandbox, which anybody can read in its documentation; \
                      it is allowed only while the CRM is on this machine"
                .to_owned(),
        });
    };
    for (name, connection) in &config.connections {
        if let Connection::Salesforce(crm) = connection
            && real_crm(name)
        {
            let (id, secret) = match &crm.grant {
                SalesforceGrant::ClientCredentials { client_id, client_secret }
                | SalesforceGrant::Password { client_id, client_secret, .. } => {
                    (client_id, Some(client_secret))
                }
                SalesforceGrant::JwtBearer { client_id, .. } => (client_id, None),
            };
            if id == CLIENT_ID {
                refuse(format!("connections.{name}.client_id"));
            }
            if secret.is_some_and(|secret| secret.expose_secret() == CLIENT_SECRET) {
                refuse(format!("connections.{name}.client_secret"));
            }
        }
    }
    for (name, workspace) in &config.workspaces {
        if !real_crm(&workspace.crm) {
            continue;
        }
        for (at, key) in workspace.keys.iter().enumerate() {
            if published.contains(&key.hash) {
                refuse(format!("workspaces.{name}.keys[{at}].secret"));
            }
        }
        let center = &workspace.contact_center;
        if let Some(Connection::AmazonConnect(connect)) = config.connections.get(center) {
            for (keys, what) in
                [(&connect.eventbridge_keys, "eventbridge_keys"), (&connect.firehose_keys, "firehose_keys")]
            {
                if published.iter().any(|hash| keys.contains(hash)) {
                    refuse(format!("connections.{center}.{what}"));
                }
            }
        }
        // Both are clients of the sandbox's provider, which lets anybody in as anybody.
        let known = |id: &str| [PANEL_CLIENT_ID, CLIENT_ID].contains(&id);
        if workspace.sign_in.as_ref().is_some_and(|sign_in| known(&sign_in.client_id)) {
            refuse(format!("workspaces.{name}.sign_in.client_id"));
        }
    }
    problems
}
