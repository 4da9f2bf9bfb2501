//! `tieline.toml`: what is taken, what is refused, and that all of it is said at once.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use secrecy::ExposeSecret;
use serde_json::json;
use tieline_core::{Clock, FixedClock};
use tieline_engine::Workspaces;
use tieline_engine::config::{
    Config, ConfigProblem, Connection, DemoAddresses, Environment, SalesforceGrant,
};

const GOOD: &str = r#"
listen = "127.0.0.1:8430"
public_url = "https://tieline.example.com"
secret_key = "env:SECRET_KEY"

[connections.connect]
kind = "amazon-connect"
instance_url = "https://acme.my.connect.aws"
region = "eu-central-1"
eventbridge_keys = ["env:EVENT_KEY"]

[connections.crm]
kind = "salesforce"
instance_url = "https://acme.my.salesforce.com"
client_id = "client"
client_secret = "env:CLIENT_SECRET"

[workspaces.acme]
contact_center = "connect"
crm = "crm"
keys = [{ name = "ivr", secret = "env:DIP_KEY", operations = ["dips:lookup"] }]
"#;

const LONG: &str = "0123456789abcdef0123456789abcdef";

fn read(text: &str, more: &[(&'static str, &'static str)]) -> Result<Config, Vec<String>> {
    let usual =
        [("SECRET_KEY", LONG), ("EVENT_KEY", "event"), ("CLIENT_SECRET", "hunter2"), ("DIP_KEY", "dip")];
    let environment: Environment = usual.into_iter().chain(more.iter().copied()).collect();
    Config::parse(text, &environment)
        .map_err(|error| error.problems.iter().map(ToString::to_string).collect())
}

/// The variables the example file and the guide refer to.
fn documented() -> Environment {
    [
        "TIELINE_SECRET_KEY",
        "TIELINE_METRICS_KEY",
        "TIELINE_EVENTBRIDGE_KEY",
        "TIELINE_FIREHOSE_KEY",
        "SALESFORCE_CLIENT_ID",
        "SALESFORCE_CLIENT_SECRET",
        "TIELINE_DIP_KEY",
        "TIELINE_REPORTING_KEY",
    ]
    .into_iter()
    .map(|name| (name, format!("{name} {LONG}")))
    .collect()
}

fn repository(path: &str) -> String {
    std::fs::read_to_string(format!("{}/../../{path}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

#[test]
fn the_example_file_loads() {
    let config = Config::parse(&repository("tieline.example.toml"), &documented()).unwrap();
    assert_eq!(config.workspaces.len(), 1);
    assert!(config.sandbox_credentials().is_empty());
    let Connection::Salesforce(crm) = config.connections.values().nth(1).unwrap() else { panic!("a CRM") };
    let SalesforceGrant::ClientCredentials { client_id, .. } = &crm.grant else {
        panic!("client credentials")
    };
    assert!(client_id.starts_with("SALESFORCE_CLIENT_ID "), "a client id may be a reference too");
}

#[test]
fn the_guides_file_loads() {
    let guide = repository("docs/guides/first-real-call.md");
    let text = guide.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    Config::parse(text, &documented()).unwrap();
}

#[test]
fn recordings_are_where_the_table_says_and_credentials_come_from_aws_s_variables() {
    let with = |table: &str| {
        let text = GOOD.replace(
            "[connections.crm]",
            &format!("[connections.connect.recordings]\n{table}\n[connections.crm]"),
        );
        read(&text, &[("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "hunter2")])
    };
    let config = with("bucket = \"calls\"\nprefix = \"connect/acme/CallRecordings\"").unwrap();
    let Some(Connection::AmazonConnect(connect)) = config.connections.values().next() else { panic!() };
    let recordings = connect.recordings.as_ref().unwrap();
    assert_eq!((recordings.region.as_str(), recordings.life.as_secs()), ("eu-central-1", 300));
    assert!(recordings.aws.keys.is_some() && !format!("{recordings:?}").contains("hunter2"));

    let wrong = with(
        "bucket = \"calls\"\nprefix = \"a/../b\"\nshow = \"all\"\nexpires_secs = 7200\nfolder = \"/srv\"",
    )
    .unwrap_err()
    .join("\n");
    for place in ["prefix", "show", "expires_secs", "folder"] {
        assert!(wrong.contains(&format!("connections.connect.recordings.{place}")), "{place}: {wrong}");
    }
}

#[test]
fn everything_wrong_is_reported_together_with_its_place() {
    let text = r#"
listen = "here"
public_url = "http://tieline.example.com/app"
secret_key = "correct horse battery staple"
colour = "red"

[connections.connect]
kind = "amazon-connect"
instance_url = "acme"
regoin = "eu-central-1"
eventbridge_keys = ["env:EVENT_KEY", "env:NOT_THERE"]

[connections.Crm]
kind = "salesforce"

[connections.crm]
kind = "salesforce"
instance_url = "https://acme.my.salesforce.com"
api_version = "62"
grant = "client_credentials"
client_id = "client"
client_secret = "env:CLIENT_SECRET"
username = "somebody@example.com"
page_origins = ["https://*.example.com/", "https://crm.example.com"]
timeout_secs = 0

[workspaces.acme]
contact_center = "crm"
crm = "salesforce"
region = "Germany"
compat = "python"
sign_in = { issuer = "https://login.salesforce.com", client_id = "x", scopes = ["email"] }
keys = [{ name = "a", secret = "env:DIP_KEY", operations = ["dips:lookup", "everything"] }, { name = "a", secret = "env:DIP_KEY" }]
"#;
    let problems = read(text, &[]).unwrap_err().join("\n");
    insta::assert_snapshot!(problems);
    assert!(!problems.contains("battery"), "a secret written into the file is not repeated");
}

#[test]
fn a_file_that_is_no_toml_names_the_line() {
    let problems = read("listen = \"127.0.0.1:8430\"\npublic_url = https\n", &[]).unwrap_err();
    assert!(problems[0].starts_with("line 2: "), "{problems:?}");
}

#[test]
fn a_variable_overrides_a_key_and_its_mistakes_name_the_variable() {
    let config = read(
        GOOD,
        &[
            ("TIELINE_LISTEN", "127.0.0.1:9000"),
            ("TIELINE_CONNECTIONS__CRM__TIMEOUT_SECS", "7"),
            ("TIELINE_CONNECTIONS__CRM__PAGE_ORIGINS", "https://a.example.com, https://b.example.com"),
            // Nobody's key: it tells a Lambda function where to forward to.
            ("TIELINE_URL", "https://elsewhere.example.com"),
        ],
    )
    .unwrap();
    assert_eq!(config.listen.port(), 9000);
    let Connection::Salesforce(crm) = config.connections.values().nth(1).unwrap() else { panic!("a CRM") };
    assert_eq!(crm.timeout.as_secs(), 7);
    assert_eq!(crm.page_origins, ["https://a.example.com", "https://b.example.com"]);

    let problems =
        read(GOOD, &[("TIELINE_WORKSPACES__ACME__REGOIN", "DE"), ("TIELINE_LISTEN", "x")]).unwrap_err();
    assert!(problems[0].starts_with("TIELINE_LISTEN: "), "{problems:?}");
    assert!(problems[1].starts_with("TIELINE_WORKSPACES__ACME__REGOIN: "), "{problems:?}");
    assert!(problems[1].contains("did you mean `region`?"), "{problems:?}");
}

#[test]
fn a_variable_that_overrides_a_secret_holds_the_secret() {
    let text = GOOD.replace("secret_key = \"env:SECRET_KEY\"\n", "");
    let config = read(&text, &[("TIELINE_SECRET_KEY", "from the environment, long enough for it")]).unwrap();
    assert_eq!(config.secret_key.expose_secret(), "from the environment, long enough for it");
}

#[test]
fn a_secret_in_a_file_is_read_without_its_line_break() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key");
    std::fs::write(&path, format!("{LONG}\n")).unwrap();
    let text = GOOD.replace("env:SECRET_KEY", &format!("file:{}", path.display()));
    assert_eq!(read(&text, &[]).unwrap().secret_key.expose_secret(), LONG);
}

#[test]
fn at_most_two_keys_of_a_sender_are_live() {
    let text =
        GOOD.replace("[\"env:EVENT_KEY\"]", "[\"env:EVENT_KEY\", \"env:DIP_KEY\", \"env:CLIENT_SECRET\"]");
    let problems = read(&text, &[]).unwrap_err();
    assert_eq!(problems, ["connections.connect.eventbridge_keys: holds 3 keys; at most 2 are live at once"]);
}

fn demo(crm: &str) -> Config {
    let addresses = DemoAddresses {
        listen: "127.0.0.1:0".parse().unwrap(),
        tieline: "http://panel.localhost:8430".parse().unwrap(),
        salesforce: crm.parse().unwrap(),
        amazon_connect: "http://ccp.localhost:8432".parse().unwrap(),
    };
    Config::demo(&addresses, "data".into(), LONG.to_owned().into())
}

#[test]
fn the_sandboxs_credentials_are_for_a_crm_on_this_machine_only() {
    assert!(demo("http://crm.localhost:8431").sandbox_credentials().is_empty());
    assert!(demo("http://127.0.0.1:8431").sandbox_credentials().is_empty());

    let problems = demo("https://acme.my.salesforce.com").sandbox_credentials();
    let places: Vec<&str> = problems.iter().map(|ConfigProblem { place, .. }| place.as_str()).collect();
    assert_eq!(
        places,
        [
            "connections.other-salesforce.client_id",
            "connections.other-salesforce.client_secret",
            "connections.salesforce.client_id",
            "connections.salesforce.client_secret",
            "workspaces.demo.keys[0].secret",
            "connections.connect.eventbridge_keys",
            "connections.connect.firehose_keys",
            "workspaces.demo.sign_in.client_id",
            "workspaces.other.keys[0].secret",
            "connections.other-connect.eventbridge_keys",
            "connections.other-connect.firehose_keys",
            "workspaces.other.sign_in.client_id",
        ]
    );
}

#[test]
fn printing_a_configuration_shows_no_secret() {
    let text = format!("{:?}", read(GOOD, &[]).unwrap());
    assert!(!text.contains(LONG), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
}

#[test]
fn a_workspace_says_how_long_a_dip_may_take_and_what_it_answers_then() {
    let dips = |lines: &str, variables: &[(&'static str, &'static str)]| {
        let text = GOOD.replace("crm = \"crm\"", &format!("crm = \"crm\"\n{lines}"));
        let config = read(&text, variables).map_err(|problems| problems.join("\n"))?;
        let dips = config.workspaces.into_values().next().unwrap().dips;
        Ok::<_, String>((dips.deadline.as_millis(), serde_json::Value::from(dips.default_answer)))
    };
    assert_eq!(dips("", &[]), Ok((6000, json!(null))));
    let lines = "dip_deadline_ms = 2500\ndip_default_answer = { sf_count = \"0\", open = 1, vip = false }";
    assert_eq!(dips(lines, &[]), Ok((2500, json!({"sf_count": "0", "open": 1, "vip": false}))));
    let variables = [
        ("TIELINE_WORKSPACES__ACME__DIP_DEADLINE_MS", "900"),
        ("TIELINE_WORKSPACES__ACME__DIP_DEFAULT_ANSWER", r#"{"sf_count":"none"}"#),
    ];
    assert_eq!(dips(lines, &variables), Ok((900, json!({"sf_count": "none"}))));
    for (line, place) in [
        ("dip_deadline_ms = 0", "workspaces.acme.dip_deadline_ms"),
        ("dip_default_answer = \"nobody\"", "workspaces.acme.dip_default_answer"),
        ("dip_default_answer = { at = 2026-11-21 }", "workspaces.acme.dip_default_answer"),
    ] {
        let problems = dips(line, &[]).unwrap_err();
        assert!(problems.contains(place), "{problems}");
    }
}

const FILES: &str = "\n[connections.connect.files]\nbuckets = [\"rep\"]\nagent_reports = \"a/\"\n";

fn keeping(records: &str, more: &str) -> Result<Workspaces, Vec<String>> {
    let text = GOOD.replace("crm = \"crm\"", &format!("crm = \"crm\"\nrecords = {records}{more}"));
    let config = read(&format!("{text}{FILES}"), &[]).unwrap();
    made(&config)
}

fn made(config: &Config) -> Result<Workspaces, Vec<String>> {
    let clock: Arc<dyn Clock> = Arc::new(FixedClock(jiff::Timestamp::UNIX_EPOCH));
    Workspaces::from_config(config, &clock)
        .map_err(|error| error.problems.iter().map(ToString::to_string).collect())
}

#[test]
fn a_workspace_says_which_records_of_the_contact_center_it_keeps() {
    let made = keeping(r#"["contact-record", "agent-report"]"#, "").unwrap();
    let (_, workspace) = made.workspaces().next().unwrap();
    let names: Vec<&str> = workspace.records.maps.keys().map(String::as_str).collect();
    assert_eq!(names, ["agent-report", "contact-record"]);
    assert_eq!(workspace.records.region.as_deref(), Some("eu-central-1"));
    assert!(keeping("[]", "").unwrap().workspaces().next().unwrap().1.records.maps.is_empty());
}

#[test]
fn records_that_cannot_be_kept_are_told_at_the_start() {
    let problems = |records: &str, more: &str| keeping(records, more).map(|_| ()).unwrap_err();
    let known = "contact-record, agent-report, queue-report, analytics, recording, transcript";
    for unknown in ["queue-metrics", "contact_record", "interaction"] {
        assert_eq!(
            problems(&format!("[\"{unknown}\"]"), ""),
            [format!("workspaces.acme.records: `{unknown}` is none of: {known}")]
        );
    }
    let text = GOOD.replace("crm = \"crm\"", "crm = \"crm\"\nrecords = [\"queue-report\"]");
    assert_eq!(
        made(&read(&text, &[]).unwrap()).map(|_| ()).unwrap_err(),
        ["workspaces.acme.records: `queue-report` needs the buckets in `files` of `[connections.connect]`"]
    );
}

#[test]
fn conversations_are_taken_over_only_as_far_as_they_can_be_asked_for() {
    let base = GOOD.replace("crm = \"crm\"", "crm = \"crm\"\nrecords = [\"analytics\", \"transcript\"]");
    let with = |files: &str| {
        made(&read(&format!("{base}{FILES}{files}"), &[]).unwrap()).map(|_| ()).err().unwrap_or_default()
    };
    let transcription = "\n[connections.connect.files.transcription]\nbucket = \"rep\"\n";
    let needs = |map: &str, what: &str| {
        vec![format!("workspaces.acme.records: `{map}` needs {what} of `[connections.connect]`")]
    };
    assert_eq!(
        with(""),
        needs(
            "analytics",
            "`instance_arn`, by which it asks for contacts' attributes, or `files.import = \"all\"`,"
        )
    );
    assert_eq!(with("\nimport = \"all\"\n"), needs("transcript", "`files.transcription`"));
    assert_eq!(
        with(&format!("\nimport = \"all\"\nredacted = \"only\"\n{transcription}")),
        Vec::<String>::new()
    );
}

#[test]
fn own_field_maps_are_read_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let more = format!("\nprofiles = \"{}\"", folder.path().display());
    let own = folder.path().join("contact-record.toml");
    std::fs::write(&own, "extends = \"built-in\"\n[fields]\nOwn__c = \"Channel\"\n").unwrap();
    let made = keeping(r#"["contact-record"]"#, &more).unwrap();
    let (_, workspace) = made.workspaces().next().unwrap();
    let map = &workspace.records.maps["contact-record"];
    assert!(map.columns(None).any(|column| column.name == "Own__c"));

    std::fs::write(&own, "extends = \"built-in\"\n[fields]\nOwn__c = \"Channel..x\"\n").unwrap();
    let problems = keeping(r#"["contact-record"]"#, &more).map(|_| ()).unwrap_err();
    assert!(problems[0].starts_with("workspaces.acme.profiles: "), "{problems:?}");
    assert!(problems[0].contains("fields.Own__c"), "{problems:?}");
    let gone = keeping(r#"["contact-record"]"#, "\nprofiles = \"/nowhere/maps\"").map(|_| ()).unwrap_err();
    assert!(gone[0].starts_with("workspaces.acme.profiles: /nowhere/maps: "), "{gone:?}");
}

#[test]
fn a_files_table_names_its_buckets() {
    let problems =
        |table: &str| read(&format!("{GOOD}\n[connections.connect.files]\n{table}"), &[]).unwrap_err();
    assert_eq!(problems(""), ["connections.connect.files.buckets: names no bucket"]);
    assert_eq!(
        problems("buckets = [\"a\", \"b\"]\nfolder = \"file:///srv\""),
        ["connections.connect.files.folder: stands for one bucket; `buckets` names several"]
    );
    assert_eq!(
        problems(
            "buckets = [\"a\"]\nimport = \"some\"\nredacted = \"yes\"\n[connections.connect.files.transcription]\nbucket = \"b\""
        ),
        [
            "connections.connect.files.import: `some` is none of: flagged, all",
            "connections.connect.files.redacted: `yes` is none of: prefer, only, never",
            "connections.connect.files.transcription.bucket: `b` is none of the `buckets` above, so no transcript could be read",
        ]
    );
    assert!(problems("buckets = [\"a\"]\nprefix = \"x\"")[0].contains("is not a key Tieline knows"));
}
