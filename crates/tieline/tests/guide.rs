//! `docs/guides/first-real-call.md`, walked: its configuration and its commands, read from the
//! page itself, against the simulated vendors. Only the addresses are others.
#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use support::harness::{Ran, Server, loopback, repository, run_with, tieline};
use support::{Org, Serve, control, until};

/// The fenced block after `<!-- guide:name -->`.
fn block(name: &str) -> String {
    let guide = std::fs::read_to_string(repository("docs/guides/first-real-call.md")).unwrap();
    let after = guide.split(&format!("<!-- guide:{name} -->\n```")).nth(1);
    let after = after.unwrap_or_else(|| panic!("the guide has no block {name}"));
    let (_, text) = after.split_once('\n').unwrap();
    text.split("\n```").next().unwrap().to_owned()
}

/// Somebody at a shell who does what the guide says, and what their environment has become.
#[derive(Default)]
struct Reader {
    variables: BTreeMap<String, String>,
}

impl Reader {
    fn variables(&self) -> Vec<(&str, &str)> {
        self.variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    /// `export NAME=value`, where a value is written out, to be filled in, or made by openssl.
    fn export(&mut self, line: &str, fill_in: &BTreeMap<&str, &str>) {
        let (name, value) = line.strip_prefix("export ").unwrap().split_once('=').unwrap();
        let random = value.strip_prefix("$(openssl rand -hex ").and_then(|rest| rest.strip_suffix(')'));
        let value = match (fill_in.get(name), random) {
            (Some(value), _) => (*value).to_owned(),
            (None, Some(bytes)) => "5a".repeat(bytes.parse().unwrap()),
            (None, None) => panic!("what is to be filled in for {line}?"),
        };
        self.variables.insert(name.to_owned(), value);
    }

    /// One `tieline …` line; `config` stands where the guide says `tieline.toml`.
    fn run(&self, line: &str, config: &Path) -> Ran {
        run_with(&words(line, config), &self.variables(), "")
    }
}

fn words<'a>(line: &'a str, config: &'a Path) -> Vec<&'a str> {
    let words = line.strip_prefix("tieline ").unwrap_or_else(|| panic!("no command of ours: {line}"));
    words
        .split(' ')
        .map(|word| if word == "tieline.toml" { config.to_str().unwrap() } else { word })
        .collect()
}

/// The guide's configuration with the addresses of this machine.
fn local(config: &str, folder: &Path, org: &Org, connect: &str) -> String {
    let mut text = config.to_owned();
    for (written, here) in [
        ("127.0.0.1:8430", "127.0.0.1:0"),
        ("https://tieline.example.com", "http://panel.localhost:8430"),
        ("/var/lib/tieline", &folder.join("data").display().to_string()),
        ("https://acme.my.connect.aws", connect),
        ("https://acme.my.salesforce.com", &org.url),
    ] {
        assert!(text.contains(written), "{written} is in the guide's configuration");
        text = text.replace(written, here);
    }
    text
}

#[tokio::test]
async fn the_guides_commands_lead_to_a_logged_call() {
    let folder = tempfile::tempdir().unwrap();
    let http = tieline_server::client().unwrap();
    let org = Org::start().await;
    let config = folder.path().join("tieline.toml");
    std::fs::write(&config, local(&block("config"), folder.path(), &org, "http://ccp.localhost:8432"))
        .unwrap();

    // The keys the simulated senders use, and the app the simulated org knows.
    let fill_in = BTreeMap::from([
        ("SALESFORCE_CLIENT_ID", "tieline-sandbox"),
        ("SALESFORCE_CLIENT_SECRET", "sandbox-secret"),
        ("TIELINE_EVENTBRIDGE_KEY", "sandbox-eventbridge-key"),
        ("TIELINE_FIREHOSE_KEY", "sandbox-firehose-key"),
    ]);
    let mut reader = Reader::default();
    for line in block("check").lines() {
        if line.starts_with("export ") {
            reader.export(line, &fill_in);
            continue;
        }
        let ran = reader.run(line, &config);
        assert_eq!(ran.code, 0, "{line}: {ran:?}");
        assert!(ran.stdout.contains("is good"), "{line}: {ran:?}");
    }

    let mut command = tieline(&words(&block("serve"), &config));
    command.envs(&reader.variables);
    let serve = Serve::start(command);
    for line in block("health").lines() {
        let url = line.strip_prefix("curl -fsS ").unwrap();
        let url = url.replace("https://tieline.example.com", &serve.url);
        let answer = http.get(&url).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{url}: {}", serve.log());
    }

    // What steps 10 and 11 set up: the contact center sends events and records to this address.
    let deliveries = format!("{}/v1/connections/connect/deliveries", serve.url);
    let connect = Server::start(tieline(&[
        "sandbox",
        "amazon-connect",
        "--listen",
        "127.0.0.1:0",
        "--deliver-to",
        &deliveries,
        "--json",
    ]));
    let connect = (loopback(&connect.json()["amazon_connect"]), connect);
    let call = json!({ "from": "+12025550143", "queue": "Sales" });
    let call = control(&http, &connect.0, Method::POST, "/calls", call).await;
    let contact = call["contactId"].as_str().unwrap();
    control(&http, &connect.0, Method::POST, &format!("/calls/{contact}/hangup"), json!({})).await;
    control(&http, &connect.0, Method::POST, "/clock", json!({ "advance": "PT10S" })).await;
    let kinds = || async {
        let sent = control(&http, &connect.0, Method::GET, "/deliveries", Value::Null).await;
        let arrived = |kind: &str| {
            sent.as_array().unwrap().iter().any(|one| one["kind"] == kind && one["answered"] == 200)
        };
        (arrived("event") && arrived("record")).then_some(())
    };
    until("an event and a record to arrive", Duration::from_secs(20), kinds).await;
    let logged = || async {
        let tasks = org.query(&format!("SELECT Id, Who.Name FROM Task WHERE CallObject = '{contact}'")).await;
        let of_contact = format!("SELECT Id FROM Interaction__c WHERE Contact_Id__c = '{contact}'");
        (!org.query(&of_contact).await.is_empty()).then_some(())?;
        tasks.into_iter().next()
    };
    let task = until("the call to be logged", Duration::from_secs(30), logged).await;
    assert_eq!(task["Who"]["Name"], "Anna Keller", "on the customer");

    let lines = block("contacts");
    let [contacts, dead] = lines.lines().collect::<Vec<_>>()[..] else { panic!("{lines}") };
    let ran = reader.run(contacts, &config);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.contains(contact), "{ran:?}");
    let ran = reader.run(dead, &config);
    assert_eq!((ran.code, ran.stdout.trim()), (0, "nothing needs a person"), "{ran:?}");
}

#[tokio::test]
async fn the_sandboxs_well_known_credentials_never_reach_a_real_org() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("tieline.toml");
    std::fs::write(&config, block("config")).unwrap();
    let fill_in = BTreeMap::from([
        ("SALESFORCE_CLIENT_ID", "tieline-sandbox"),
        ("SALESFORCE_CLIENT_SECRET", "sandbox-secret"),
        ("TIELINE_EVENTBRIDGE_KEY", "sandbox-eventbridge-key"),
        ("TIELINE_FIREHOSE_KEY", "sandbox-firehose-key"),
        ("TIELINE_DIP_KEY", "sandbox-dip-key"),
    ]);
    let mut reader = Reader::default();
    block("check")
        .lines()
        .filter(|line| line.starts_with("export "))
        .for_each(|line| reader.export(line, &fill_in));
    for line in [&*block("serve"), "tieline serve --config tieline.toml --check"] {
        let ran = reader.run(line, &config);
        assert_eq!(ran.code, 1, "{ran:?}");
        for place in [
            "connections.salesforce.client_id",
            "connections.salesforce.client_secret",
            "connections.connect.eventbridge_keys",
            "connections.connect.firehose_keys",
            "workspaces.acme.keys[0].secret",
            "workspaces.acme.sign_in.client_id",
        ] {
            assert!(ran.stderr.contains(place), "{place}: {ran:?}");
        }
    }
    assert!(!folder.path().join("data").exists());
}

/// Text between `<name>` and `</name>`.
fn element<'a>(xml: &'a str, name: &str) -> &'a str {
    xml.split(&format!("<{name}>")).nth(1).and_then(|rest| rest.split("</").next()).unwrap_or_default()
}

#[test]
fn what_the_guide_names_is_in_the_package() {
    let guide = std::fs::read_to_string(repository("docs/guides/first-real-call.md")).unwrap();
    let package = |path: &str| repository(&format!("packages/salesforce/{path}"));
    for set in ["Tieline_Agent", "Tieline_Integration"] {
        assert!(guide.contains(set), "{set}");
        let file = format!("force-app/main/default/permissionsets/{set}.permissionset-meta.xml");
        assert!(package(&file).exists(), "{file}");
    }
    for file in ["force-app/main/default/callCenters/Tieline.callCenter-meta.xml", "call-center-import.xml"] {
        assert!(guide.contains(&format!("packages/salesforce/{file}")), "{file}");
        assert!(package(file).exists(), "{file}");
    }
}

#[test]
fn both_forms_of_the_call_center_say_the_same() {
    let read =
        |path: &str| std::fs::read_to_string(repository(&format!("packages/salesforce/{path}"))).unwrap();
    let deployed = read("force-app/main/default/callCenters/Tieline.callCenter-meta.xml");
    let imported = read("call-center-import.xml");
    let mut settings: BTreeMap<String, String> = deployed
        .split("<items>")
        .skip(1)
        .map(|item| (element(item, "name").to_owned(), element(item, "value").to_owned()))
        .collect();
    settings.insert("reqAdapterUrl".into(), element(&deployed, "adapterUrl").into());
    settings.insert("reqDisplayName".into(), element(&deployed, "displayName").into());
    // The name of the file, in the other form.
    settings.insert("reqInternalName".into(), "Tieline".into());
    let items: BTreeMap<String, String> = imported
        .split("<item ")
        .skip(1)
        .map(|item| {
            let name = item.split("name=\"").nth(1).unwrap().split('"').next().unwrap();
            let text = item.split_once('>').unwrap().1.split("</item>").next().unwrap();
            (name.to_owned(), text.to_owned())
        })
        .collect();
    assert_eq!(items, settings);
}
