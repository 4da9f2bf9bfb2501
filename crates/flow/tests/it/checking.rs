//! Flows that are right, and flows that are wrong in every way we know, with what is said of them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tieline_flow::command::{check_file, lines};
use tieline_flow::{Document, Flow, catalog, check, schema};

use crate::support::document;

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/flows").join(folder);
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn stem(path: &Path) -> &str {
    path.file_stem().unwrap().to_str().unwrap()
}

#[test]
fn good_flows_have_no_problems_load_and_survive_being_written() {
    let mut used = BTreeSet::new();
    for path in files("good") {
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(lines(&check_file(&bytes)), "", "{}", path.display());
        let document = Document::from_json(&bytes).unwrap();
        used.extend(document.steps.values().map(|step| step.use_.clone()));
        assert_eq!(serde_json::from_str::<Document>(&document.to_json()).unwrap(), document);
        assert_eq!(
            serde_json::from_str::<Value>(&document.to_json()).unwrap(),
            serde_json::from_slice::<Value>(&bytes).unwrap(),
            "{}",
            path.display()
        );
        Flow::load(document).unwrap();
    }
    let steps: BTreeSet<String> = catalog().iter().map(|spec| spec.name.to_owned()).collect();
    assert_eq!(used, steps, "every step has a flow that uses it");
}

#[test]
fn bad_flows_say_everything_that_is_wrong_with_them() {
    for path in files("bad") {
        let problems = check_file(&std::fs::read(&path).unwrap());
        assert!(!problems.is_empty(), "{} is good", path.display());
        insta::assert_snapshot!(stem(&path), lines(&problems));
    }
}

#[test]
fn a_flow_with_problems_does_not_load() {
    let flow = document(json!({"a": {"use": "log", "next": {"done": "b"}}}));
    let problems = Flow::load(flow.clone()).unwrap_err();
    assert_eq!(problems, check(&flow));
    assert_eq!((problems[0].code, problems[0].place.as_str()), ("branch.dangling", "steps.a.next.done"));
}

#[test]
fn a_flow_without_an_event_is_a_draft() {
    let mut flow = document(json!({"a": {"use": "log"}}));
    assert_eq!(check(&flow), []);
    flow.on = None;
    assert_eq!(check(&flow)[0].code, "on.missing");
}

#[test]
fn empty_text_is_a_value_and_null_is_none() {
    let with = |search: Value| {
        let flow = document(
            json!({"s": {"use": "crm.search_and_pop", "with": {"search": search, "call_type": "inbound"}}}),
        );
        check(&flow).iter().map(|problem| problem.code).collect::<Vec<_>>()
    };
    assert_eq!(with(json!("")), Vec::<&str>::new());
    assert_eq!(with(json!(null)), ["input.missing"]);
}

#[test]
fn a_huge_document_is_refused_before_it_is_read() {
    let problems = check_file(&vec![b' '; 2 * 1024 * 1024]);
    assert_eq!(problems[0].code, "document.too_large");
    let steps: serde_json::Map<String, Value> =
        (0..600).map(|n| (format!("s{n}"), json!({"use": "log"}))).collect();
    let problems = check(&document(Value::Object(steps)));
    assert_eq!(problems.iter().map(|problem| problem.code).collect::<Vec<_>>(), ["steps.too_many"]);
}

#[test]
fn the_schema_knows_every_step_and_event() {
    insta::assert_json_snapshot!("schema", schema());
}

#[test]
fn the_catalog_is_what_the_editor_and_the_docs_read() {
    insta::assert_json_snapshot!("catalog", catalog());
}
