//! From the text of a file to [`Config`]: one function per table.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tieline_bridge::dip::find::{FindObject, FindSettings};
use tieline_bridge::dip::recent::RecentSettings;
use tieline_bridge::dip::{DipSettings, Grants};
use tieline_core::{ConnectionName, WorkspaceName};
use toml::{Table, Value};
use url::Url;

use super::section::{Reading, Section};
use super::storage::{files, recordings};
use super::{
    AmazonConnectConfig, ApiKey, Compat, Config, ConfigError, ConfigProblem, Connection, Environment,
    KeyHash, Outline, SalesforceConfig, SalesforceGrant, SecretKeys, SignInConfig, WorkspaceConfig,
    is_loopback,
};

const TOP_LEVEL: [&str; 5] = ["listen", "public_url", "data", "secret_key", "metrics_key"];
const DATA: &str = "./tieline-data";
const LEAST_SECRET: usize = 32;

pub(super) fn config(text: &str, environment: &Environment) -> Result<Config, ConfigError> {
    let mut table: Table = text.parse().map_err(|error: toml::de::Error| {
        let line =
            error.span().map_or(0, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
        let problem = ConfigProblem { place: format!("line {line}"), message: error.message().to_owned() };
        ConfigError { problems: vec![problem] }
    })?;
    let mut overridden = BTreeMap::new();
    for (variable, path, value) in environment.overrides(&TOP_LEVEL) {
        let place = put(&mut table, &path, value);
        overridden.insert(place, variable);
    }
    let reading = Reading { environment, overridden, problems: RefCell::default() };
    let config = top_level(Section::new(&reading, "", table), &reading);
    let mut problems = reading.problems.into_inner();
    match config {
        Some(config) if problems.is_empty() => Ok(config),
        _ => {
            problems.sort();
            problems.dedup();
            Err(ConfigError { problems })
        }
    }
}

pub(super) fn outline(text: &str, environment: &Environment) -> Result<Outline, ConfigError> {
    let (table, _) = table(text, environment)?;
    let data = match table.get("data") {
        None => DATA.to_owned(),
        Some(Value::String(data)) => data.clone(),
        Some(_) => {
            let problem = ConfigProblem { place: "data".into(), message: "must be text in quotes".into() };
            return Err(ConfigError { problems: vec![problem] });
        }
    };
    let workspaces = table.get("workspaces").and_then(Value::as_table);
    let names = workspaces.into_iter().flat_map(Table::keys);
    Ok(Outline {
        data: data.into(),
        workspaces: names.filter_map(|name| WorkspaceName::new(name.clone()).ok()).collect(),
    })
}

/// The file as it stands, overridden, with the variables that did it by place.
fn table(text: &str, environment: &Environment) -> Result<(Table, BTreeMap<String, String>), ConfigError> {
    let mut table: Table = text.parse().map_err(|error: toml::de::Error| {
        let line =
            error.span().map_or(0, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
        let problem = ConfigProblem { place: format!("line {line}"), message: error.message().to_owned() };
        ConfigError { problems: vec![problem] }
    })?;
    let mut overridden = BTreeMap::new();
    for (variable, path, value) in environment.overrides(&TOP_LEVEL) {
        let place = put(&mut table, &path, value);
        overridden.insert(place, variable);
    }
    Ok((table, overridden))
}

/// Sets a key named by a variable and says its place. Names the operator picked may hold
/// dashes, which variables cannot: an underscore stands for either.
fn put(table: &mut Table, path: &[String], value: String) -> String {
    let [first, rest @ ..] = path else { return String::new() };
    let known = table.keys().find(|key| key.to_ascii_lowercase().replace('-', "_") == *first).cloned();
    let key = known.unwrap_or_else(|| first.clone());
    if rest.is_empty() {
        table.insert(key.clone(), Value::String(value));
        return key;
    }
    let inner = table.entry(key.clone()).or_insert_with(|| Value::Table(Table::new()));
    if !inner.is_table() {
        *inner = Value::Table(Table::new());
    }
    let place = inner.as_table_mut().map(|inner| put(inner, rest, value)).unwrap_or_default();
    format!("{key}.{place}")
}

fn top_level<'a>(mut section: Section<'a>, reading: &'a Reading<'a>) -> Option<Config> {
    let listen = section.parsed("listen", "an address like `127.0.0.1:8430`");
    let public_url = section.required_url("public_url");
    if let Some(url) = &public_url
        && url.path() != "/"
    {
        section.problem("public_url", "must not have a path: cookies and origins belong to the whole host");
    }
    if let Some(url) = &public_url
        && url.scheme() == "http"
        && !is_loopback(url)
    {
        section.problem("public_url", "must begin with `https://`: browsers keep our cookie on nothing else");
    }
    let data = section.text("data");
    let secret_key = section.required_secret("secret_key");
    if let Some(key) = &secret_key
        && key.expose_secret().len() < LEAST_SECRET
    {
        section.problem(
            "secret_key",
            format!("is shorter than {LEAST_SECRET} bytes; try `openssl rand -hex 32`"),
        );
    }

    let metrics_key = section.secret("metrics_key").map(|key| SecretKeys::new([&key]));

    let mut connections = BTreeMap::new();
    let mut named = BTreeMap::new();
    for (name, section) in section.named_tables("connections") {
        let Some(name) = connection_name(&name, reading, "connections") else { continue };
        // A connection whose table is faulty still has a name others may refer to.
        let (kind, connection) = connection(section);
        named.insert(name.clone(), kind);
        connections.extend(connection.map(|connection| (name, connection)));
    }
    let mut workspaces = BTreeMap::new();
    for (name, section) in section.named_tables("workspaces") {
        let place = format!("workspaces.{name}");
        let valid = label(&name).then(|| WorkspaceName::new(name).ok()).flatten();
        let Some(name) = valid else {
            reading.problem(&place, LABEL);
            continue;
        };
        workspaces.extend(workspace(section, &named).map(|workspace| (name, workspace)));
    }
    section.finish();
    Some(Config {
        listen: listen.unwrap_or_else(|| ([127, 0, 0, 1], 8430).into()),
        public_url: public_url?,
        data: PathBuf::from(data.unwrap_or_else(|| DATA.to_owned())),
        secret_key: secret_key?,
        metrics_key,
        connections,
        workspaces,
    })
}

const LABEL: &str = "names are made of lower-case letters, digits and dashes";

/// Names stand in addresses and in the name of a cookie.
fn label(name: &str) -> bool {
    !name.is_empty()
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && name.len() <= 64
}

fn connection_name(name: &str, reading: &Reading<'_>, table: &str) -> Option<ConnectionName> {
    let valid = label(name).then(|| ConnectionName::new(name).ok()).flatten();
    if valid.is_none() {
        reading.problem(&format!("{table}.{name}"), LABEL);
    }
    valid
}

fn connection(mut section: Section<'_>) -> (Option<&'static str>, Option<Connection>) {
    match section.required("kind").as_deref() {
        Some("amazon-connect") => {
            (Some("amazon-connect"), amazon_connect(section).map(Connection::AmazonConnect))
        }
        Some("salesforce") => (Some("salesforce"), salesforce(section).map(Connection::Salesforce)),
        Some(other) => {
            section.problem("kind", format!("`{other}` is none of: amazon-connect, salesforce"));
            (None, None)
        }
        None => (None, None),
    }
}

fn amazon_connect(mut section: Section<'_>) -> Option<AmazonConnectConfig> {
    let instance_url = section.required_url("instance_url");
    let region = section.required("region");
    let instance_arn = section.text("instance_arn");
    if let Some(arn) = &instance_arn
        && !(arn.starts_with("arn:") && arn.contains(":instance/"))
    {
        section.problem("instance_arn", "must look like `arn:aws:connect:<region>:<account>:instance/<id>`");
    }
    let eventbridge_keys = section.secrets("eventbridge_keys", SecretKeys::MOST);
    let firehose_keys = section.secrets("firehose_keys", SecretKeys::MOST);
    let recordings = section.table("recordings").map(|table| recordings(table, region.as_deref()));
    let files = section.table("files").map(|table| files(table, region.as_deref()));
    section.finish();
    let recordings = match recordings {
        Some(recordings) => Some(recordings?),
        None => None,
    };
    let files = match files {
        Some(files) => Some(Box::new(files?)),
        None => None,
    };
    Some(AmazonConnectConfig {
        instance_url: instance_url?,
        region: region?,
        instance_arn,
        eventbridge_keys: SecretKeys::new(&eventbridge_keys),
        firehose_keys: SecretKeys::new(&firehose_keys),
        recordings,
        files,
    })
}

fn salesforce(mut section: Section<'_>) -> Option<SalesforceConfig> {
    let instance_url = section.required_url("instance_url");
    let api_version = section.text("api_version").unwrap_or_else(|| "v62.0".to_owned());
    if !is_api_version(&api_version) {
        section.problem("api_version", format!("`{api_version}` does not look like `v62.0`"));
    }
    let login_url = section.url("login_url");
    let grant = salesforce_grant(&mut section);
    let page_origins = section.texts("page_origins");
    for text in &page_origins {
        if !is_origin(text) {
            section.problem("page_origins", format!("`{text}` is not an origin like `https://host[:port]`"));
        }
    }
    let namespace = section.text("namespace");
    let timeout = Duration::from_secs(section.whole("timeout_secs", 1..=60, 10));
    section.finish();
    Some(SalesforceConfig {
        instance_url: instance_url?,
        api_version,
        login_url,
        grant: grant?,
        page_origins,
        namespace,
        timeout,
    })
}

/// Every key a grant may use is read, so that a key of another grant is not called unknown
/// but told not to belong.
fn salesforce_grant(section: &mut Section<'_>) -> Option<SalesforceGrant> {
    let grant = section.text("grant").unwrap_or_else(|| "client_credentials".to_owned());
    let needs: &[&str] = match grant.as_str() {
        "client_credentials" => &["client_secret"],
        "jwt_bearer" => &["username", "private_key"],
        "password" => &["client_secret", "username", "password"],
        other => {
            let known = "client_credentials, jwt_bearer, password";
            section.problem("grant", format!("`{other}` is none of: {known}"));
            for key in ["client_id", "client_secret", "username", "password", "private_key"] {
                section.take(key);
            }
            return None;
        }
    };
    let client_id = section.required_or_reference("client_id");
    let mut secret = |key: &'static str| -> Option<SecretString> {
        if needs.contains(&key) {
            return section.required_secret(key);
        }
        if section.take(key).is_some() {
            section.problem(key, format!("has no place with `grant = \"{grant}\"`"));
        }
        None
    };
    let client_secret = secret("client_secret");
    let password = secret("password");
    let private_key = secret("private_key");
    let username = if needs.contains(&"username") {
        section.required_or_reference("username")
    } else {
        if section.take("username").is_some() {
            section.problem("username", format!("has no place with `grant = \"{grant}\"`"));
        }
        None
    };
    let client_id = client_id?;
    match grant.as_str() {
        "client_credentials" => {
            Some(SalesforceGrant::ClientCredentials { client_id, client_secret: client_secret? })
        }
        "jwt_bearer" => {
            Some(SalesforceGrant::JwtBearer { client_id, username: username?, private_key: private_key? })
        }
        _ => Some(SalesforceGrant::Password {
            client_id,
            client_secret: client_secret?,
            username: username?,
            password: password?,
        }),
    }
}

fn workspace(
    mut section: Section<'_>,
    connections: &BTreeMap<ConnectionName, Option<&'static str>>,
) -> Option<WorkspaceConfig> {
    let mut refer = |key: &'static str, wanted: &str| -> Option<ConnectionName> {
        let text = section.required(key)?;
        let name = ConnectionName::new(text.clone()).ok();
        match name.as_ref().and_then(|name| connections.get(name)) {
            None => {
                section.problem(key, format!("there is no `[connections.{text}]`"));
                None
            }
            Some(Some(kind)) if *kind != wanted => {
                section.problem(key, format!("`{text}` is of kind {kind}; {wanted} is needed here"));
                None
            }
            Some(_) => name,
        }
    };
    let contact_center = refer("contact_center", "amazon-connect");
    let crm = refer("crm", "salesforce");
    let region = section.text("region").unwrap_or_else(|| "US".to_owned());
    if region.len() != 2 || !region.chars().all(|c| c.is_ascii_uppercase()) {
        section.problem("region", format!("`{region}` is not a country in two capital letters, like `US`"));
    }
    let compat = match section.text("compat").as_deref() {
        None | Some("neutral") => Compat::Neutral,
        Some("legacy") => Compat::Legacy,
        Some(other) => {
            section.problem("compat", format!("`{other}` is none of: neutral, legacy"));
            Compat::Neutral
        }
    };
    let records = section.texts("records");
    let profiles = section.text("profiles").map(PathBuf::from);
    let find_caller = section.table("find_caller").map(find_caller);
    let answer_cache = section.table("answer_cache").map(answer_cache);
    let longest = u64::try_from(DipSettings::default().deadline.as_millis()).unwrap_or(u64::MAX);
    let dips = DipSettings {
        deadline: Duration::from_millis(section.whole("dip_deadline_ms", 1..=60_000, longest)),
        default_answer: section.object("dip_default_answer"),
    };
    let sign_in = section.table("sign_in").map(sign_in);
    let mut keys = Vec::new();
    let mut names = BTreeSet::new();
    for mut section in section.tables("keys") {
        let name = section.required("name");
        let secret = section.required_secret("secret");
        let mut operations = Vec::new();
        for text in section.texts("operations") {
            match text.parse() {
                Ok(operation) => operations.push(operation),
                Err(message) => section.problem("operations", message),
            }
        }
        if operations.is_empty() {
            section.problem("operations", "names nothing this key may do");
        }
        let objects = section.named_texts("objects").map(Grants);
        if let Some(name) = &name
            && !names.insert(name.clone())
        {
            section.problem("name", format!("`{name}` names two keys"));
        }
        section.finish();
        if let (Some(name), Some(secret)) = (name, secret) {
            keys.push(ApiKey { name, hash: KeyHash::of(secret.expose_secret()), operations, objects });
        }
    }
    section.finish();
    let sign_in = match sign_in {
        Some(sign_in) => Some(sign_in?),
        None => None,
    };
    Some(WorkspaceConfig {
        contact_center: contact_center?,
        crm: crm?,
        region,
        records,
        profiles,
        compat,
        find_caller,
        dips,
        answer_cache,
        sign_in,
        keys,
    })
}

fn find_caller(mut section: Section<'_>) -> FindSettings {
    let defaults = tieline_salesforce::find_defaults();
    let named = section.texts("objects");
    let weak_digits = section.whole("weak_digits", 0..=12, defaults.weak_digits as u64);
    let mut objects: Vec<FindObject> =
        if named.is_empty() { defaults.objects } else { named.into_iter().map(FindObject::named).collect() };
    for (object, mut fields) in section.named_tables("fields") {
        let Some(one) = objects.iter_mut().find(|one| one.object.eq_ignore_ascii_case(&object)) else {
            section.problem("fields", format!("`{object}` is none of `objects`"));
            continue;
        };
        one.name = fields.text("name");
        one.phones = fields.has("phones").then(|| fields.texts("phones"));
        one.emails = fields.has("emails").then(|| fields.texts("emails"));
        one.last_contact = fields.text("last_contact");
        fields.finish();
    }
    for one in &objects {
        if !is_name(&one.object) {
            section.problem("objects", format!("`{}` is no object's name", one.object));
        }
        let lists = [&one.phones, &one.emails];
        let fields = lists.into_iter().flatten().flatten().chain(&one.name).chain(&one.last_contact);
        for field in fields.filter(|field| !is_name(field)) {
            section.problem("fields", format!("`{field}` of {} is no field's name", one.object));
        }
    }
    section.finish();
    FindSettings { objects, weak_digits: usize::try_from(weak_digits).unwrap_or_default() }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn answer_cache(mut section: Section<'_>) -> RecentSettings {
    let defaults = RecentSettings::default();
    let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let settings = RecentSettings {
        fresh: Duration::from_secs(section.whole("fresh_secs", 0..=86_400, defaults.fresh.as_secs())),
        stale: Duration::from_secs(section.whole("stale_secs", 0..=86_400, defaults.stale.as_secs())),
        entries: count(section.whole("entries", 1..=1_000_000, defaults.entries as u64)),
        bytes: count(section.whole("bytes", 65_536..=4_294_967_296, defaults.bytes as u64)),
    };
    section.finish();
    settings
}

fn sign_in(mut section: Section<'_>) -> Option<SignInConfig> {
    // Compared letter for letter with what tokens say, so the text is kept as it was written.
    let (issuer, text) = section.required_url_with_text("issuer");
    if let Some(url) = &issuer
        && url.scheme() == "http"
        && !is_loopback(url)
    {
        section.problem("issuer", "must begin with `https://`: its word decides who an agent is");
    }
    if issuer.as_ref().is_some_and(tieline_salesforce::is_shared_sign_in) {
        section
            .problem("issuer", "must be the org's own My Domain address, or users of any org could sign in");
    }
    let client_id = section.required_or_reference("client_id");
    let client_secret = section.secret("client_secret");
    let mut scopes = section.texts("scopes");
    if scopes.is_empty() {
        scopes = ["openid", "profile", "email", "api", "refresh_token"].map(str::to_owned).to_vec();
    } else if !scopes.iter().any(|scope| scope == "openid") {
        section.problem("scopes", "must hold `openid`");
    }
    let session = Duration::from_secs(section.whole("session_hours", 1..=168, 12) * 3600);
    section.finish();
    Some(SignInConfig { issuer: issuer.and(text)?, client_id: client_id?, client_secret, scopes, session })
}

fn is_api_version(text: &str) -> bool {
    text.strip_prefix('v').and_then(|rest| rest.split_once('.')).is_some_and(|(major, minor)| {
        !major.is_empty()
            && major.len() <= 3
            && major.chars().all(|c| c.is_ascii_digit())
            && minor.len() == 1
            && minor.chars().all(|c| c.is_ascii_digit())
    })
}

/// Exactly what a browser would write: no path, no wildcard, nothing a policy could misread.
fn is_origin(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https") && url.origin().ascii_serialization() == text
    })
}
