//! The whole demo as one process, and the tools beside it.

use std::collections::BTreeMap;
use std::process::Command;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use reqwest::header::{HeaderMap, LOCATION, SET_COOKIE};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::harness::{Server, loopback, repository, run, run_with, tieline};

pub struct Demo {
    pub server: Server,
    pub tieline: String,
    pub salesforce: String,
    pub panel: String,
    data: tempfile::TempDir,
    pub http: reqwest::Client,
}

impl Demo {
    fn start() -> Self {
        Self::start_as(|_| {})
    }

    /// With a change of how the command is called.
    pub fn start_as(change: impl FnOnce(&mut Command)) -> Self {
        let data = tempfile::tempdir().unwrap();
        let folder = data.path().display().to_string();
        let mut command = tieline(&["demo", "--base-port", "0", "--json", "--data", &folder]);
        change(&mut command);
        let server = Server::start(command);
        let said = server.json();
        let http = tieline_server::client().unwrap();
        Self {
            tieline: loopback(&said["tieline"]),
            salesforce: said["salesforce"].as_str().unwrap().to_owned(),
            panel: said["tieline"].as_str().unwrap().to_owned(),
            server,
            data,
            http,
        }
    }

    pub fn folder(&self) -> String {
        self.data.path().display().to_string()
    }
}

#[tokio::test]
async fn a_demo_answers_dips_and_stops_when_it_is_asked_to() {
    let demo = Demo::start();
    let stage = demo.server.json()["stage"].as_str().unwrap().to_owned();
    assert_eq!(stage, format!("{}/stage", demo.salesforce));
    let event = json!({ "Details": { "Parameters": {
        "sf_operation": "phoneLookup", "sf_phone": "+12025550143", "sf_fields": "Id,Name,Account.Name",
    }}});
    let dip = demo.http.post(format!("{}/v1/workspaces/demo/dips", demo.tieline)).json(&event);
    let answer: Value = dip.bearer_auth("sandbox-dip-key").send().await.unwrap().json().await.unwrap();
    assert_eq!(
        answer,
        json!({ "Id": "003000000000001AAA", "Name": "Anna Keller", "Account.Name": "Keller & Sons", "sf_count": "1" })
    );
    assert_eq!(demo.server.stop(), 0);
}

#[test]
fn a_demo_that_is_stopped_at_once_still_tidies_up() {
    let server = Server::start(tieline(&["demo", "--base-port", "0", "--json"]));
    let data = server.json()["data"].as_str().unwrap().to_owned();
    assert!(std::path::Path::new(&data).exists());
    assert_eq!(server.stop(), 0);
    assert!(!std::path::Path::new(&data).exists());
}

/// Goes from page to page as a browser does, with a jar of cookies per site and forms filled in.
async fn browse(demo: &Demo, start: &str) -> String {
    let mut jars: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    let mut url = url::Url::parse(start).unwrap();
    let mut form: Option<Vec<(String, String)>> = None;
    for hop in 0..10 {
        let site = url.host_str().unwrap().to_owned();
        let jar = jars.entry(site.clone()).or_default();
        let cookies: Vec<String> = jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = match form.take() {
            Some(form) => {
                demo.http.post(url.clone()).header("origin", url.origin().ascii_serialization()).form(&form)
            }
            None => demo.http.get(url.clone()),
        };
        let from = if hop == 0 { "same-origin" } else { "cross-site" };
        let request = request.header("accept", "text/html").header("sec-fetch-site", from);
        let response = request.header("cookie", cookies.join("; ")).send().await.unwrap();
        keep_cookies(jar, response.headers());
        let location = response.headers().get(LOCATION).map(|to| to.to_str().unwrap().to_owned());
        let text = response.text().await.unwrap();
        if let Some(location) = location {
            url = url.join(&location).unwrap();
        } else if text.contains("Choose who you are") {
            url = url.join(&attribute(&text, "<form", "action")).unwrap();
            form = Some(one_click(&text));
        } else {
            return text;
        }
    }
    panic!("sent from page to page without an end");
}

/// What the page's form says when Nora's button is clicked.
fn one_click(page: &str) -> Vec<(String, String)> {
    let hidden = page.split("<input type=\"hidden\"").skip(1);
    let mut fields: Vec<_> =
        hidden.map(|input| (attribute(input, "", "name"), attribute(input, "", "value"))).collect();
    let button = page.split("<button").find(|button| button.contains("Nora Quist")).unwrap();
    fields.push((attribute(button, "", "name"), attribute(button, "", "value")));
    fields
}

/// The first `name="…"` after `tag`.
fn attribute(page: &str, tag: &str, name: &str) -> String {
    let after = &page[page.find(tag).unwrap()..];
    let value = after.split(&format!("{name}=\"")).nth(1).unwrap();
    value.split('"').next().unwrap().replace("&amp;", "&")
}

fn keep_cookies(jar: &mut BTreeMap<String, String>, headers: &HeaderMap) {
    for line in headers.get_all(SET_COOKIE) {
        let pair = line.to_str().unwrap().split(';').next().unwrap();
        let (name, value) = pair.split_once('=').unwrap();
        jar.insert(name.to_owned(), value.to_owned());
    }
}

pub const VERIFIER: &str = "a-verifier-only-the-frame-knows-0123456789";

/// A call as the panel makes it.
pub fn as_panel(demo: &Demo, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
    request.header("origin", &demo.panel).header("x-tieline-panel", "1")
}

/// The whole walk; the session's cookie and who it belongs to.
pub async fn sign_in(demo: &Demo) -> (String, Value) {
    let agent = format!("{}/v1/workspaces/demo/agent", demo.tieline);
    let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
    let attempt = "attempt-0123456789abcdef";

    let body = json!({ "attempt": attempt, "challenge": challenge });
    let begun = as_panel(demo, demo.http.post(format!("{agent}/attempts"))).json(&body).send().await.unwrap();
    assert_eq!(begun.status(), 201);
    let start = begun.json::<Value>().await.unwrap()["start_url"].as_str().unwrap().to_owned();
    let page = browse(demo, &start).await;
    assert!(page.contains("You are signed in"), "{page}");

    let body = json!({ "attempt": attempt, "verifier": VERIFIER });
    let session = as_panel(demo, demo.http.post(format!("{agent}/session"))).json(&body);
    let session = session.send().await.unwrap();
    assert_eq!(session.status(), 200);
    let cookie = session.headers()[SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
    (cookie, session.json().await.unwrap())
}

/// A word for one socket.
pub async fn ticket(demo: &Demo, cookie: &str) -> String {
    let request = demo.http.post(format!("{}/v1/workspaces/demo/agent/tickets", demo.tieline));
    let answer = as_panel(demo, request).header("cookie", cookie).send().await.unwrap();
    assert_eq!(answer.status(), 201);
    answer.json::<Value>().await.unwrap()["ticket"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_agent_signs_in_with_one_click_at_the_sandboxs_own_provider() {
    let demo = Demo::start();
    let (cookie, who) = sign_in(&demo).await;
    assert_eq!(who["agent"]["id"], "005000000000001AAA");
    assert_eq!(who["agent"]["email"], "nora.quist@example.com");
    ticket(&demo, &cookie).await;

    let listed = run(&["agents", "list", "--json", "--data", &demo.folder()]);
    assert_eq!(listed.json()[0]["login"], "nora.quist@example.com", "{listed:?}");
    let bound = run(&["agents", "bind", "nora.quist@example.com", "n.quist", "--data", &demo.folder()]);
    assert_eq!(bound.code, 0, "{bound:?}");
    let listed = run(&["agents", "list", "--json", "--data", &demo.folder()]);
    assert_eq!(listed.json()[0]["phone_login"], "n.quist", "{listed:?}");
}

#[tokio::test]
async fn a_delivery_is_listed_as_a_contact_and_poison_as_a_dead_letter() {
    let demo = Demo::start();
    let deliveries = format!("{}/v1/connections/connect/deliveries", demo.tieline);
    let send = |body: Value| {
        demo.http.post(&deliveries).header("x-tieline-key", "sandbox-eventbridge-key").json(&body).send()
    };
    let event = json!({
        "version": "0", "id": "e-1", "detail-type": "Amazon Connect Contact Event", "source": "aws.connect",
        "account": "111122223333", "time": "2026-11-20T09:00:00Z", "region": "us-east-1",
        "detail": {
            "eventType": "INITIATED", "contactId": "c-42", "channel": "VOICE",
            "instanceArn": "arn:aws:connect:us-east-1:111122223333:instance/11111111-2222-4333-8444-555555555555",
            "initiationMethod": "INBOUND", "initiationTimestamp": "2026-11-20T09:00:00Z",
        },
    });
    assert_eq!(send(event).await.unwrap().status(), 200);
    let poison =
        json!({ "id": "e-2", "detail-type": "Amazon Connect Contact Event", "detail": { "eventType": 7 } });
    assert_eq!(send(poison).await.unwrap().status(), 200);

    let folder = demo.folder();
    let contacts =
        until(|| run(&["contacts", "list", "--json", "--data", &folder]), |ran| ran.json()[0].is_object());
    assert_eq!(contacts.json()[0]["contact"], "c-42", "{contacts:?}");
    let shown = run(&["contacts", "show", "c-42", "--data", &folder]);
    assert_eq!(shown.code, 0, "{shown:?}");
    assert!(shown.stdout.contains("\"voice\""), "{shown:?}");
    assert_eq!(run(&["contacts", "show", "c-43", "--data", &folder]).code, 1);

    let dead = until(|| run(&["dead-letters", "list", "--json", "--data", &folder]), |ran| ran.code == 1);
    let id = dead.json()[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(run(&["dead-letters", "replay", &id, "--data", &folder]).code, 0);
    assert_eq!(run(&["dead-letters", "replay", "delivery-9999", "--data", &folder]).code, 1);
}

#[tokio::test]
async fn a_workspace_that_is_not_there_is_a_mistake_and_no_empty_list() {
    let demo = Demo::start();
    let folder = demo.folder();
    for command in [
        &["contacts", "list"][..],
        &["contacts", "show", "c-42"],
        &["dead-letters", "list"],
        &["dead-letters", "replay", "--all"],
        &["agents", "list"],
        &["agents", "bind", "005000000000001AAA", "n.quist"],
        &["flow", "list"],
    ] {
        let of = |workspace: &str| run(&[command, &["--workspace", workspace, "--data", &folder]].concat());
        let ran = of("nope");
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{command:?}: {ran:?}");
        assert!(ran.stderr.contains("no workspace `nope`"), "{command:?}: {ran:?}");
        assert_ne!(of("other").code, 2, "{command:?}: the demo has this one");
    }
}

/// Asks until it is so; the server works at its own pace.
pub fn until<T: std::fmt::Debug>(ask: impl Fn() -> T, is_so: impl Fn(&T) -> bool) -> T {
    for _ in 0..200 {
        let answer = ask();
        if is_so(&answer) {
            return answer;
        }
    }
    panic!("still {:?}", ask());
}

#[tokio::test]
async fn a_flow_is_published_beside_a_running_server() {
    let demo = Demo::start();
    let file = repository("crates/flow/flows/pop-the-caller.json").display().to_string();
    let before = run(&["flow", "list", "--json", "--data", &demo.folder()]).json();
    let published = run(&["flow", "publish", &file, "--json", "--data", &demo.folder()]);
    assert_eq!(published.code, 0, "{published:?}");
    assert_eq!(published.json()["version"], before[0]["newest"].as_u64().unwrap() + 1);
    let listed = run(&["flow", "list", "--data", &demo.folder()]);
    assert!(listed.stdout.starts_with("FLOW "), "{listed:?}");
    let Demo { server, data, .. } = demo;
    assert_eq!(server.stop(), 0);

    // And beside one that stands still.
    let folder = data.path().display().to_string();
    let flow = |arguments: &[&str]| run(&[&["flow"], arguments, &["--data", &folder]].concat());
    let in_force = || {
        let listed = flow(&["list", "--json"]).json();
        let row = listed.as_array().unwrap().iter().find(|row| row["flow"] == "pop-the-caller").cloned();
        row.unwrap()["published"].clone()
    };
    assert_eq!(in_force(), 2);
    assert_eq!(flow(&["roll-back", "pop-the-caller", "1"]).code, 0);
    assert_eq!(in_force(), 1);
    assert_eq!(flow(&["unpublish", "pop-the-caller"]).code, 0);
    assert_eq!(in_force(), Value::Null);
    for wrong in [&["roll-back", "pop-the-caller", "7"][..], &["unpublish", "no-such-flow"]] {
        let ran = flow(wrong);
        assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{ran:?}");
    }
    let elsewhere = flow(&["publish", &file, "--workspace", "elsewhere"]);
    assert_eq!(elsewhere.code, 2, "{elsewhere:?}");
    assert_eq!(flow(&["list", "--workspace", "elsewhere"]).code, 2);
}

#[tokio::test]
async fn who_publishes_a_second_flow_for_an_event_is_told_of_the_first() {
    let demo = Demo::start();
    let folder = demo.folder();
    let text = std::fs::read_to_string(repository("crates/flow/flows/pop-the-caller.json")).unwrap();
    let another = text.replace("\"pop-the-caller\"", "\"another\"");
    let publish = ["flow", "publish", "-", "--data", &folder];
    let published = run_with(&publish, &[], &another);
    assert_eq!(published.code, 0, "{published:?}");
    assert!(published.stderr.contains("`tieline flow unpublish pop-the-caller`"), "{published:?}");
    assert!(!published.stderr.contains("click-to-dial"), "{published:?}");

    assert_eq!(run(&["flow", "unpublish", "pop-the-caller", "--data", &folder]).code, 0);
    let published = run_with(&publish, &[], &another);
    assert_eq!((published.code, published.stderr.as_str()), (0, ""), "{published:?}");

    let draft = another.replace("\"on\":", "\"on_hold\":");
    let refused = run_with(&publish, &[], &draft);
    assert_eq!((refused.code, refused.stdout.as_str()), (1, ""), "{refused:?}");
}

#[tokio::test]
async fn a_dip_from_the_command_line_uses_the_configuration() {
    let demo = Demo::start();
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("tieline.toml");
    let text = format!(
        "public_url = \"http://panel.localhost:8430\"\nsecret_key = \"env:SECRET\"\n\
         [connections.cc]\nkind = \"amazon-connect\"\ninstance_url = \"http://ccp.localhost:8432\"\nregion = \"us-east-1\"\n\
         [connections.crm]\nkind = \"salesforce\"\ninstance_url = \"{}\"\nclient_id = \"tieline-sandbox\"\nclient_secret = \"env:CLIENT_SECRET\"\n\
         [workspaces.demo]\ncontact_center = \"cc\"\ncrm = \"crm\"\n",
        demo.salesforce
    );
    std::fs::write(&config, text).unwrap();
    let config = config.display().to_string();
    let variables = [("SECRET", "0123456789abcdef0123456789abcdef"), ("CLIENT_SECRET", "sandbox-secret")];
    let arguments = ["dip", "--event", "-", "--json", "--config", &config];
    let ask = |parameters: Value| {
        run_with(&arguments, &variables, &json!({ "Details": { "Parameters": parameters } }).to_string())
    };

    let good = ask(
        json!({ "sf_operation": "lookup", "sf_object": "Contact", "sf_fields": "Name", "Id": "003000000000001AAA" }),
    );
    assert_eq!((good.code, good.json()["Name"].as_str()), (0, Some("Anna Keller")), "{good:?}");
    let bad = ask(json!({ "sf_operation": "levitate" }));
    assert_eq!((bad.code, bad.json()["code"].as_str()), (1, Some("dip.unknown_operation")), "{bad:?}");
    let broken = run_with(&arguments, &variables, "no json");
    assert_eq!((broken.code, broken.json()["code"].as_str()), (1, Some("dip.malformed_event")), "{broken:?}");
    assert!(
        broken.json()["detail"].as_str().unwrap().starts_with("standard input is not JSON"),
        "{broken:?}"
    );
}
