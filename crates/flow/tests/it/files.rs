//! Reading and writing the files of the reference product.

use serde_json::{Value, json};
use tieline_flow::command::{check_file, export_file, import_file, lines};
use tieline_flow::cti::{self, Options, equal};
use tieline_flow::{Document, Ended, Next, check};

use crate::support::{Walk, click, inbound_call, published_bytes, published_folder};

fn import(file: &Value) -> cti::Import {
    let options =
        Options { stem: Some("hand-made"), on: Some("voice_contact.connecting"), ..Options::default() };
    cti::import(file, options).unwrap_or_else(|problems| panic!("{}", lines(&problems)))
}

#[track_caller]
fn round_trip(file: &Value) -> cti::Import {
    let import = import(file);
    // Through text, as the command and the store do it.
    let read: Document = serde_json::from_str(&import.document.to_json()).unwrap();
    assert_eq!(read, import.document);
    let back = cti::export(&read).file;
    assert!(
        equal(file, &back),
        "{}\n\n{}",
        serde_json::to_string_pretty(file).unwrap(),
        serde_json::to_string_pretty(&back).unwrap()
    );
    import
}

fn codes(problems: &[tieline_flow::Problem]) -> Vec<&str> {
    problems.iter().map(|problem| problem.code).collect()
}

#[test]
fn all_published_flows_come_back_equal() {
    let Some(folder) = published_folder() else { return };
    let mut names: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    assert_eq!(names.len(), 8);
    for path in names {
        let bytes = std::fs::read(&path).unwrap();
        let stem = path.file_stem().unwrap().to_str().unwrap();
        let options =
            Options { stem: Some(stem), on: Some("voice_contact.connecting"), ..Options::default() };
        let imported = import_file(&bytes, options).unwrap();
        let exported = export_file(imported.text.as_bytes()).unwrap();
        let (was, is): (Value, Value) =
            (serde_json::from_slice(&bytes).unwrap(), serde_json::from_str(&exported.text).unwrap());
        assert!(equal(&was, &is), "{stem}");
        assert_eq!(lines(&exported.notes), "", "{stem}");
        if stem == "11-SalesforceContactCreation" {
            assert_eq!(codes(&imported.notes), ["cti.unknown_block", "cti.unknown_block"]);
            assert_eq!(codes(&imported.problems), ["step.unknown", "step.unknown"]);
        } else if stem == "08-create-task" {
            assert_eq!(codes(&imported.notes), ["cti.control"], "the misspelt subtype");
            assert_eq!(lines(&imported.problems), "");
        } else {
            assert_eq!(
                (lines(&imported.notes), lines(&imported.problems)),
                (String::new(), String::new()),
                "{stem}"
            );
        }
    }
}

#[test]
fn an_imported_flow_reads_like_one_of_ours() {
    let Some(bytes) = published_bytes("06-screenpop-on-customer") else { return };
    let options = Options { stem: Some("06-screenpop-on-customer"), ..Options::default() };
    let imported = import_file(&bytes, options).unwrap();
    insta::assert_snapshot!("imported", imported.text);
    assert_eq!(codes(&imported.problems), ["on.missing"], "a draft until it is told when to run");
    assert_eq!(codes(&check_file(imported.text.as_bytes())), ["on.missing"]);
}

#[test]
fn unknown_blocks_are_kept_with_their_references() {
    let Some(bytes) = published_bytes("11-SalesforceContactCreation") else { return };
    let document =
        cti::import_json(&bytes, Options { on: Some("chat_contact.connected"), ..Options::default() })
            .unwrap()
            .document;
    let save = &document.steps["uid-17"];
    assert_eq!(save.use_, "cti:SE_SFSaveLog");
    assert_eq!(save.with["fieldValues"]["Name"], "$.steps.uid-14.contact_id");
    assert_eq!(document.steps["uid-20"].with["attributes"]["salesforceContactId"], "$.steps.uid-17.id");
    insta::assert_snapshot!("unknown_blocks", lines(&check(&document)));
}

#[test]
fn a_name_is_given_or_in_the_file_or_the_files_own() {
    let named = json!({"name": "Voice Contact onConnecting", "actions": []});
    let of = |file: &Value, name| {
        cti::import(file, Options { name, stem: Some("stem"), on: None }).unwrap().document
    };
    assert_eq!(of(&named, Some("Mine")).name, "Mine");
    assert_eq!(of(&named, None).name, "Voice Contact onConnecting");
    assert_eq!(of(&named, None).id, "voice-contact-onconnecting");
    assert_eq!(of(&json!({"actions": []}), None).name, "stem");
    // Neither the file's name nor the one given on import ends up in the file again.
    for (file, name) in [(named, Some("Mine")), (json!({"actions": []}), None)] {
        assert!(equal(&cti::export(&of(&file, name)).file, &file));
    }
    let mut renamed = of(&json!({"actions": []}), None);
    renamed.name = "Better".into();
    assert_eq!(cti::export(&renamed).file["name"], "Better");
}

#[test]
fn the_event_is_checked_and_may_be_said_in_either_language() {
    let file = json!({"actions": []});
    let on = |on| cti::import(&file, Options { on: Some(on), ..Options::default() });
    assert_eq!(
        on("crm_page.click_to_dial").unwrap().document.on,
        on("Salesforce UI.onClickToDial").unwrap().document.on
    );
    assert_eq!(on("action").unwrap().document.on.unwrap().event, None);
    assert_eq!(codes(&on("voice_contact.ringing").unwrap_err()), ["on.event"]);
}

/// The flows a new installation of the reference product has, in their minimal form.
fn default_flow(steps: Value) -> Value {
    let mut actions = vec![json!({"id": "0", "type": "SE_Start", "controls": null, "ports": {"done": "1"}})];
    actions.extend(steps.as_array().unwrap().iter().cloned());
    actions.push(json!({"id": "2", "type": "SE_End", "controls": null, "ports": null}));
    json!({"name": "Default", "actions": actions})
}

#[test]
fn the_default_click_to_dial_flow_imports_and_dials() {
    let file = default_flow(json!([{
        "id": "1", "type": "SE_AgentDialNumber", "controls": {"phoneNumber": "$.payload.number"},
        "ports": {"success": "2", "failure": "2"},
    }]));
    let import = round_trip(&file);
    assert_eq!((lines(&import.notes), lines(&check(&import.document))), (String::new(), String::new()));
    Walk::of(&import.document, click("+12025550147"))
        .asks("phone.dial", json!({"number": "+12025550147"}))
        .done(json!({}))
        .completes();
}

#[test]
fn the_default_pop_flow_imports_with_every_spelling_of_the_number() {
    for (path, searched) in [
        ("$.contact.parsedNumber.phone", "+12025550143"),
        ("$.contact.parsedNumber.number", "+12025550143"),
        ("$.contact.parsedNumber.nationalNumber", "(202) 555-0143"),
    ] {
        let file = default_flow(json!([{
            "id": "1", "type": "SE_SFSearchAndScreenpop",
            "controls": {"searchParams": path, "queryParams": "", "defaultFieldValues": {}, "deferred": false, "callType": "inbound"},
            "ports": {"success": "2", "failure": "2"},
        }]));
        let import = round_trip(&file);
        assert_eq!(lines(&check(&import.document)), "");
        Walk::of(&import.document, inbound_call(json!({})))
            .asks(
                "crm.search_and_pop",
                json!({"search": searched, "call_type": "inbound", "deferred": false}),
            )
            .done(json!({"count": 1}))
            .completes();
    }
}

#[test]
fn a_block_may_be_named_by_its_title() {
    let file = default_flow(
        json!([{"id": "1", "type": "Is Truthy?", "controls": {"value": 1}, "ports": {"true": "2"}}]),
    );
    let import = round_trip(&file);
    assert_eq!(import.document.steps["1"].use_, "logic.is_truthy");
}

#[test]
fn joins_several_ends_and_missing_ports_load() {
    let file = json!({"actions": [
        {"id": "s", "type": "SE_Start", "ports": {"done": "a"}},
        {"id": "a", "type": "SE_CoreTruthy", "controls": {"value": "x"}, "ports": {"true": "b", "false": "c"}},
        {"id": "b", "type": "SE_Log", "controls": {"level": "debug"}, "ports": {"done": "c"}},
        {"id": "c", "type": "SE_CoreTruthy", "controls": {"value": ""}, "ports": {"true": "e1", "false": "d"}},
        {"id": "d", "type": "SE_AgentDialNumber", "controls": {"phoneNumber": "1"}, "ports": {"success": "e2"}},
        {"id": "e1", "type": "SE_End"},
        {"id": "e2", "type": "SE_End", "meta": {"title": "Good bye"}},
    ]});
    let import = round_trip(&file);
    assert_eq!((lines(&import.notes), lines(&check(&import.document))), (String::new(), String::new()));
}

#[test]
fn what_changed_since_is_written_and_the_rest_stays_as_it_was() {
    let file = json!({"version": 7, "actions": [
        {"id": "s", "type": "SE_Start", "ports": {"done": "a"}, "position": [1, 2]},
        {"id": "a", "type": "SE_SFCreateTask", "meta": {"title": "Log it", "color": "red"}, "locked": true,
         "controls": {"TaskSubType": "Call", "TaskSubtype": "Task", "WhoId": "$.contact.parsedNumber.phone", "Odd": 1, "WhatId": null},
         "ports": {"success": "e", "failure": "e"}, "position": "none"},
        {"id": "e", "type": "SE_End"},
    ]});
    let mut import = round_trip(&file);
    let step = &mut import.document.steps["a"];
    assert_eq!(step.title.as_deref(), Some("Log it"));
    step.title = Some("Write it down".into());
    step.with["subtype"] = "Email".into();
    step.with.insert("what".into(), "$.steps.b.id".into());
    step.next.insert("success".into(), "b".into());
    import
        .document
        .steps
        .insert("b".into(), tieline_flow::Step { use_: "crm.find_person".into(), ..Default::default() });
    import.document.start = Some("b".into());
    let file = cti::export(&import.document).file;
    let block = |id: &str| {
        file["actions"].as_array().unwrap().iter().find(|block| block["id"] == id).unwrap().clone()
    };
    assert_eq!(block("s")["ports"]["done"], "b");
    assert_eq!(file["version"], 7);
    assert_eq!(
        block("a"),
        json!({
            "id": "a", "type": "SE_SFCreateTask", "meta": {"color": "red", "title": "Write it down"}, "locked": true,
            "controls": {
                "TaskSubtype": "Email", "WhoId": "$.contact.parsedNumber.phone", "WhatId": "$.actions.b.results.sfContactId",
                "TaskSubType": "Call", "Odd": 1,
            },
            "ports": {"success": "b", "failure": "e"}, "position": "none",
        })
    );
}

#[test]
fn the_old_misspelling_counts_when_it_stands_alone() {
    let file = default_flow(
        json!([{"id": "1", "type": "SE_SFCreateTask", "controls": {"TaskSubType": "Call"}, "ports": {"success": "2"}}]),
    );
    let import = round_trip(&file);
    assert_eq!(import.document.steps["1"].with["subtype"], "Call");
}

#[test]
fn texts_that_look_like_ours_stay_texts() {
    let file = default_flow(json!([{
        "id": "1", "type": "SE_SFScreenpopNewRecord",
        "controls": {"entityName": "=1+1", "defaultFieldValues": {"Subject": "=x", "literal": "$.payload.a", "Count": 3}},
        "ports": {},
    }, {
        "id": "3", "type": "SE_SFScreenpopNewRecord",
        "controls": {"entityName": "Case", "defaultFieldValues": {"literal": {"literal": {"x": "$.y"}}}},
    }, {
        "id": "4", "type": "SE_CoreTruthy", "controls": {"value": {"literal": "x"}},
    }]));
    let unknown = json!([{"id": "1", "type": "SE_New", "controls": {"a": "=", "b": {"literal": "="}, "c": {"literal": {"d": 1}}}}]);
    round_trip(&default_flow(unknown));
    let import = round_trip(&file);
    let first = &import.document.steps["1"].with;
    assert_eq!(first["object"], json!({"literal": "=1+1"}));
    assert_eq!(first["fields"], json!({"Subject": {"literal": "=x"}, "literal": "$.payload.a", "Count": 3}));
    let mut scope = inbound_call(json!({}));
    scope.payload = json!({"a": "A"});
    let mut document = import.document.clone();
    document.steps.retain(|id, _| id == "1");
    Walk::of(&document, scope).asks(
        "crm.pop_new_record",
        json!({"object": "=1+1", "fields": {"Subject": "=x", "literal": "A", "Count": 3}}),
    );
}

#[test]
fn our_own_flows_become_files_with_start_and_end() {
    let document = tieline_flow::defaults().remove(1);
    let export = cti::export(&document);
    assert_eq!(lines(&export.notes), "");
    insta::assert_json_snapshot!("exported", export.file);
    let back = import(&export.file);
    assert_eq!(back.document.name, document.name);
    assert_eq!(back.document.start, document.start);
    for (id, step) in &document.steps {
        assert_eq!((&back.document.steps[id].use_, &back.document.steps[id].with), (&step.use_, &step.with));
    }
}

#[test]
fn what_a_file_cannot_say_is_noted() {
    let document = tieline_flow::defaults().remove(0);
    assert_eq!(codes(&cti::export(&document).notes), ["cti.expression"]);
}

#[test]
fn a_file_that_is_no_flow_says_why() {
    let problems = |bytes: &[u8]| lines(&cti::import_json(bytes, Options::default()).unwrap_err());
    let twice =
        json!({"actions": [{"id": "a", "type": "SE_Log"}, {"id": "b"}, {"id": "a", "type": "SE_End"}]});
    insta::assert_snapshot!(
        "no_flow",
        [
            problems(b"function onConnecting() {}"),
            problems(b"[]"),
            problems(b"{}"),
            problems(br#"{"actions": {"id": "a"}}"#),
            problems(br#"{"actions": "many"}"#),
            problems(twice.to_string().as_bytes()),
            problems("[".repeat(1_000_000).as_bytes()),
            problems(&vec![b' '; 10 * 1024 * 1024]),
        ]
        .concat()
    );
}

#[test]
fn strange_blocks_are_kept_and_said() {
    let file = json!({"name": 5, "actions": [
        {"id": 0, "type": "SE_Start", "ports": {"done": 1}},
        {"id": 1, "type": "SE_Log", "controls": {"level": ["debug"], "message": null}, "ports": {"done": 2, "odd": {"x": 1}}},
        {"id": 2, "type": null, "controls": [1], "ports": "none", "position": [1]},
        {"id": "3", "controls": {"x": "$.actions.1.results"}, "ports": {"done": "nowhere"}},
        {"id": "a b", "type": "SE_CoreTruthy", "meta": "text", "ports": {"true": "3", "maybe": "3"}},
        {"type": "SE_Log"}, null, 7, "text", {"id": {"x": 1}},
    ]});
    let import = round_trip(&file);
    insta::assert_snapshot!("strange_blocks", lines(&import.notes) + "\n" + &lines(&check(&import.document)));
}

#[test]
fn a_file_without_a_start_and_one_that_goes_in_circles_load_as_drafts() {
    let no_start = json!({"actions": [{"id": "a", "type": "SE_Log", "ports": {"done": "b"}}, {"id": "b", "type": "SE_Log", "ports": {"done": "a"}}]});
    let import = round_trip(&no_start);
    assert_eq!(codes(&import.notes), ["cti.start"]);
    assert_eq!(codes(&check(&import.document)), ["start.missing", "branch.cycle", "branch.cycle"]);
    let only_ends = json!({"actions": [{"id": "s", "type": "SE_Start", "ports": {"done": "e"}}, {"id": "e", "type": "SE_End"}]});
    assert_eq!(codes(&check(&round_trip(&only_ends).document)), ["steps.none"]);
    let stray_start =
        json!({"actions": [{"type": "SE_Start", "ports": {"done": "a"}}, {"id": "a", "type": "SE_Log"}]});
    let mut import = round_trip(&stray_start);
    assert_eq!(codes(&import.notes), ["cti.stray", "cti.start"]);
    import.document.start = Some("a".into());
    assert!(equal(&stray_start, &cti::export(&import.document).file), "it leads there already");
}

#[test]
fn a_failure_wired_to_the_end_ends_the_run() {
    let file = default_flow(
        json!([{"id": "1", "type": "SE_AgentDialNumber", "controls": {"phoneNumber": "$.payload.number"}, "ports": {"success": "2", "failure": "2"}}]),
    );
    let walk = Walk::of(&import(&file).document, click("+12025550147")).fails("refused");
    assert!(matches!(walk.next(), Next::Finished(Ended::Failed { .. })));
}
