//! The panel's page: who may frame it, what it may load, what it is told.

use reqwest::Method;
use serde_json::Value;
use tieline_engine::config::Connection;

use crate::harness::{Answer, Server};

/// The page, or `None` on a machine where `web/` was not built.
async fn page(server: &Server) -> Option<Answer> {
    let answer = Answer::of(server.get("/panel/demo")).await;
    if answer.status == 503 {
        assert_eq!(answer.problem(), "panel_not_built");
        assert_ne!(std::env::var_os("CI").as_deref(), Some("true".as_ref()), "CI builds the pages first");
        return None;
    }
    assert_eq!(answer.status, 200, "{answer:?}");
    Some(answer)
}

#[tokio::test]
async fn the_panel_is_framed_by_its_crm_and_frames_its_contact_center_only() {
    let server = Server::start().await;
    let Some(page) = page(&server).await else { return };
    let crm = server.issuer.origin.clone();
    let policy = page.header("content-security-policy");
    let directive = |name: &str| {
        let mut found = policy.split("; ").filter_map(|part| part.split_once(' '));
        found.find(|(key, _)| *key == name).map(|(_, value)| value.to_owned()).unwrap()
    };
    assert_eq!(directive("frame-ancestors"), crm);
    assert_eq!(directive("frame-src"), "http://ccp.localhost:8432");
    assert_eq!(directive("script-src"), format!("'self' {crm}"));
    assert_eq!(directive("default-src"), "'none'");
    assert!(!policy.contains('*') && !policy.contains("unsafe"), "{policy}");
    assert_eq!(page.header("referrer-policy"), "no-referrer");
    assert_eq!(page.header("x-content-type-options"), "nosniff");
}

#[tokio::test]
async fn pages_of_a_real_org_live_on_its_lightning_address() {
    let server = Server::start_with(|config| {
        for connection in config.connections.values_mut() {
            if let Connection::Salesforce(crm) = connection {
                crm.instance_url = "https://acme--dev.sandbox.my.salesforce.com".parse().unwrap();
                crm.page_origins = vec!["https://console.example.com".into()];
            }
        }
    })
    .await;
    let Some(page) = page(&server).await else { return };
    let ancestors = page.header("content-security-policy").split("frame-ancestors ").nth(1).unwrap();
    assert_eq!(
        ancestors,
        "https://acme--dev.sandbox.my.salesforce.com https://acme--dev.sandbox.lightning.force.com \
         https://console.example.com"
    );
}

#[tokio::test]
async fn the_page_is_told_its_settings_and_runs_no_script_of_its_own() {
    let server = Server::start().await;
    let Some(page) = page(&server).await else { return };
    let marker = "<script type=\"application/json\" id=\"tieline-settings\">";
    let settings = page.text.split(marker).nth(1).and_then(|rest| rest.split("</script>").next()).unwrap();
    let settings: Value = serde_json::from_str(settings).unwrap();
    assert_eq!(settings["workspace"], "demo");
    assert_eq!(settings["phone"]["ccp_url"], "http://ccp.localhost:8432/ccp-v2/");
    assert_eq!(settings["crm"]["open_cti"]["api_version"], "62.0");
    assert_eq!(settings["crm"]["open_cti"]["origins"][0], server.issuer.origin.as_str());
    for script in page.text.split("<script").skip(1) {
        let tag = script.split('>').next().unwrap();
        assert!(tag.contains("application/json") || tag.contains("src="), "an inline script: {tag}");
    }

    let asset = page.text.split("src=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let file = Answer::of(server.get(asset)).await;
    assert_eq!(file.status, 200, "{asset}");
    assert!(file.header("content-type").starts_with("text/javascript"));
    assert_eq!(file.header("cache-control"), "public, max-age=31536000, immutable");
}

#[tokio::test]
async fn no_file_beside_the_panels_own_can_be_read() {
    let server = Server::start().await;
    for path in
        ["../index.html", "..%2f..%2f..%2fpackage.json", "%2e%2e/index.html", "nothing.js", "a//b", "..%5c.."]
    {
        let answer = Answer::of(server.request(Method::GET, &format!("/panel/assets/{path}"))).await;
        assert!(answer.status == 404, "{path}: {answer:?}");
    }
    assert_eq!(Answer::of(server.get("/panel/nobody")).await.problem(), "not_found");
}
