//! Every error is a problem with a code, and every code has its page.

use std::collections::BTreeSet;
use std::path::Path;

use reqwest::Method;
use tieline_engine::protocol::ByeCode;
use tieline_server::Code;

use crate::harness::{Answer, Server};

#[test]
fn every_code_has_a_page_and_every_page_a_code() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/errors"));
    let pages: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        // Functions have codes of their own, and a test of their own (crates/lambda).
        .filter(|name| name != "README.md")
        .filter(|name| {
            !["lambda.", "report.", "queue_metrics.", "import."].iter().any(|of| name.starts_with(of))
        })
        .map(|name| name.strip_suffix(".md").unwrap_or_else(|| panic!("{name} is no page")).to_owned())
        .collect();
    let bye =
        ByeCode::ALL.iter().map(|code| serde_json::to_value(code).unwrap().as_str().unwrap().to_owned());
    let codes: BTreeSet<String> = Code::all().map(|code| code.as_str().to_owned()).chain(bye).collect();
    let missing: Vec<_> = codes.difference(&pages).collect();
    let stale: Vec<_> = pages.difference(&codes).collect();
    assert!(missing.is_empty() && stale.is_empty(), "without a page: {missing:?}; without a code: {stale:?}");
    for code in codes {
        let text = std::fs::read_to_string(folder.join(format!("{code}.md"))).unwrap();
        assert!(text.starts_with(&format!("# {code}\n")), "{code}.md begins with its code");
        for heading in ["\n## What happened\n", "\n## What to try\n"] {
            let after = text.split(heading).nth(1).unwrap_or_else(|| panic!("{code}.md lacks{heading}"));
            assert!(after.trim_start().len() > 20, "{code}.md says nothing under{heading}");
        }
    }
}

#[test]
fn no_two_codes_are_spelt_alike() {
    let codes: Vec<_> = Code::all().map(Code::as_str).collect();
    assert_eq!(codes.len(), codes.iter().collect::<BTreeSet<_>>().len());
    for code in Code::all() {
        assert!(code.status().is_client_error() || code.status().is_server_error(), "{code:?}");
    }
}

#[tokio::test]
async fn a_problem_names_its_page_and_repeats_its_status() {
    let server = Server::start().await;
    let answer = Answer::of(server.get("/v1/nothing/here")).await;
    assert_eq!(answer.problem(), "not_found");
    assert_eq!(answer.json()["type"], "https://tieline.dev/errors/not_found");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
}

#[tokio::test]
async fn what_the_framework_refuses_is_a_problem_too() {
    let server = Server::start().await;
    let wrong_method = Answer::of(server.request(Method::PUT, "/healthz")).await;
    assert_eq!(wrong_method.problem(), "method_not_allowed");
    assert_eq!(wrong_method.header("allow"), "GET,HEAD");
    let bad_path = Answer::of(server.get("/panel/%ff%fe")).await;
    assert_eq!(bad_path.problem(), "malformed_request");
    let bad_query = Answer::of(server.get("/auth/start")).await;
    assert_eq!(bad_query.problem(), "malformed_request");
}

#[tokio::test]
async fn the_body_is_refused_for_what_is_wrong_with_it_and_not_repeated() {
    let server = Server::start().await;
    let dip = |body: String| {
        let request = server.post("/v1/workspaces/demo/dips").bearer_auth("sandbox-dip-key");
        Answer::of(request.header("content-type", "application/json").body(body))
    };
    assert_eq!(dip("{\"secret\": ".into()).await.problem(), "malformed_request");
    assert!(!dip("{\"secret\": ".into()).await.text.contains("secret"));
    assert_eq!(dip("[".repeat(33)).await.problem(), "body_too_deep");
    assert_eq!(dip(format!("\"{}\"", "x".repeat(64 * 1024))).await.problem(), "body_too_large");
    let request = server.post("/v1/workspaces/demo/dips").bearer_auth("sandbox-dip-key").body("{}");
    assert_eq!(Answer::of(request).await.problem(), "unsupported_media_type");
}
