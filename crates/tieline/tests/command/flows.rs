use serde_json::Value;

use crate::harness::{repository, run, run_with};

fn flow() -> String {
    repository("crates/flow/flows/pop-the-caller.json").display().to_string()
}

#[test]
fn a_good_flow_is_good_and_a_bad_one_lists_all_its_problems() {
    let good = run(&["flow", "check", &flow()]);
    assert_eq!((good.code, good.stderr.as_str()), (0, ""), "{good:?}");

    let dir = tempfile::tempdir().unwrap();
    let bad = dir.path().join("bad.json");
    let mut document: Value = serde_json::from_str(&std::fs::read_to_string(flow()).unwrap()).unwrap();
    for step in document["steps"].as_object_mut().unwrap().values_mut() {
        step["use"] = "crm.no_such_step".into();
    }
    std::fs::write(&bad, document.to_string()).unwrap();
    let bad = bad.display().to_string();
    let ran = run(&["flow", "check", &bad, &flow()]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stdout.contains("crm.no_such_step"), "{ran:?}");

    let ran = run(&["flow", "check", "--json", &bad, &flow()]);
    assert_eq!(ran.code, 1);
    assert!(!ran.json()[0]["problems"].as_array().unwrap().is_empty(), "{ran:?}");
    assert_eq!(ran.json()[1]["problems"].as_array().unwrap().len(), 0, "{ran:?}");
}

#[test]
fn a_flow_goes_out_as_a_cti_flow_and_comes_back() {
    let exported = run(&["flow", "export", &flow()]);
    assert_eq!(exported.code, 0, "{exported:?}");
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("pop.json");
    std::fs::write(&file, &exported.stdout).unwrap();
    let file = file.display().to_string();

    let imported = run(&["flow", "import", &file, "--on", "voice_contact.connecting", "--name", "Again"]);
    assert_eq!(imported.code, 0, "{imported:?}");
    let document = imported.json();
    assert_eq!(document["name"], "Again");
    let again = dir.path().join("again.json");
    std::fs::write(&again, &imported.stdout).unwrap();
    assert_eq!(run(&["flow", "check", &again.display().to_string()]).code, 0);

    std::fs::write(&again, "not a flow").unwrap();
    let ran = run(&["flow", "import", &again.display().to_string()]);
    assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{ran:?}");
}

#[test]
fn every_published_flow_of_the_reference_product_comes_in_and_goes_out() {
    let folder = repository("../shared/data/cti-flows");
    let Ok(files) = std::fs::read_dir(&folder) else {
        assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{} is missing", folder.display());
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let flow = dir.path().join("flow.json").display().to_string();
    let mut count = 0;
    for file in files {
        let path = file.unwrap().path();
        let (stem, path) = (path.file_stem().unwrap().to_str().unwrap(), path.to_str().unwrap());
        let draft = run(&["flow", "import", path]);
        assert_eq!((draft.code, draft.json()["name"].as_str()), (0, Some(stem)), "{draft:?}");
        assert!(draft.stderr.contains("--on voice_contact.connecting"), "{draft:?}");

        let imported = run(&["flow", "import", path, "--on", "voice_contact.connecting"]);
        std::fs::write(&flow, &imported.stdout).unwrap();
        let checked = run(&["flow", "check", &flow]);
        let exported = run(&["flow", "export", &flow]);
        assert_eq!((imported.code, exported.code), (0, 0), "{exported:?}");
        let blocks = |file: &Value| file["actions"].as_array().unwrap().len();
        let original: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        assert_eq!(blocks(&exported.json()), blocks(&original), "{stem}");
        // The one with blocks that nothing here runs yet.
        if stem.starts_with("11-") {
            assert_eq!(checked.code, 1, "{checked:?}");
            for block in ["SE_SFSaveLog", "SE_ContactUpdateAttributes"] {
                assert!(checked.stdout.contains(block) && imported.stderr.contains(block), "{imported:?}");
            }
        } else {
            assert_eq!(checked.code, 0, "{checked:?}");
        }
        count += 1;
    }
    assert_eq!(count, 8);
}

const CTI: &str = r#"{"actions": [
    {"id": "0", "type": "SE_Start", "ports": {"done": "1"}},
    {"id": "1", "type": "SE_Log", "controls": {"level": "debug", "message": "hello"}, "ports": {}}
]}"#;

#[test]
fn a_dash_is_standard_input_everywhere() {
    let imported = run_with(&["flow", "import", "-", "--on", "Voice Contact/onConnecting"], &[], CTI);
    assert_eq!((imported.code, imported.stderr.as_str()), (0, ""), "{imported:?}");
    let document = imported.json();
    assert_eq!(document["name"], "Imported flow");
    assert_eq!(document["on"], serde_json::json!({ "source": "voice_contact", "event": "connecting" }));
    assert_eq!(run_with(&["flow", "check", "-"], &[], &imported.stdout).code, 0);
    let exported = run_with(&["flow", "export", "-"], &[], &imported.stdout);
    assert_eq!(exported.json()["actions"][1]["type"], "SE_Log", "{exported:?}");
}

#[test]
fn an_event_that_does_not_exist_is_wrong_usage_and_the_answer_lists_those_that_do() {
    let ran = run_with(&["flow", "import", "-", "--on", "voice_contact.ringing"], &[], CTI);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{ran:?}");
    for event in ["voice_contact.connecting", "crm_page.click_to_dial", "action"] {
        assert!(ran.stderr.contains(event), "{event}: {ran:?}");
    }
}

#[test]
fn a_file_of_the_other_form_is_recognised() {
    for command in ["check", "export"] {
        let ran = run_with(&["flow", command, "-"], &[], CTI);
        assert_eq!(ran.code, 1, "{ran:?}");
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(said.contains("`tieline flow import`") && !said.contains("id: is missing"), "{ran:?}");
    }
    let ran = run(&["flow", "import", &flow()]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("needs no import"), "{ran:?}");
}

#[test]
fn a_file_that_cannot_be_read_keeps_the_others_from_nothing() {
    let ran = run(&["flow", "check", "/nowhere/a.json", &flow(), "/nowhere/b.json"]);
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.stdout.contains("pop-the-caller.json: good"), "{ran:?}");
    assert!(ran.stderr.contains("/nowhere/a.json") && ran.stderr.contains("/nowhere/b.json"), "{ran:?}");
}

#[test]
fn garbage_is_bad_and_nothing_comes_out() {
    for garbage in ["", "{", "[]", "null", "{\"actions\": 5}", "{\"tieline_flow\": 2}", "\u{0}\u{1b}[2J"] {
        for command in ["import", "export"] {
            let ran = run_with(&["flow", command, "-"], &[], garbage);
            assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{command} {garbage:?}: {ran:?}");
            let ran = run_with(&["--json", "flow", command, "-"], &[], garbage);
            assert_eq!(ran.code, 1, "{command} {garbage:?}");
            assert!(!ran.json()["problems"].as_array().unwrap().is_empty(), "{ran:?}");
        }
        assert_eq!(run_with(&["flow", "check", "-"], &[], garbage).code, 1, "{garbage:?}");
    }
}
