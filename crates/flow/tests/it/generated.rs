//! Properties over generated files and documents.

use proptest::prelude::*;
use serde_json::{Value, json};
use tieline_flow::command::{check_file, export_file, import_file};
use tieline_flow::cti::{self, Options, equal};
use tieline_flow::{Answer, Document, Flow, Next, Run, Scope, catalog, check};

/// Any JSON, shallow enough to stay readable when it fails.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        (-1e6..1e6f64).prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((name(), inner), 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Texts that mean something to one of the two forms, and others.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "",
            "null",
            "=",
            "=1+1",
            "=steps.a.value",
            "$.",
            "$.x",
            "$.actions.a.results.phone",
            "$.actions.b.results",
            "$.actions.a.results.value.[0].Id",
            "$.steps.a.value",
            "$.payload.number",
            "$.contact.parsedNumber.phone",
            "$.contact.e164",
            "literal",
            "uid-1",
            "a",
            "b",
            "c",
            "SE_Start",
            "SE_End",
            "SE_Log",
            "debug",
            "inbound",
        ])
        .prop_map(str::to_owned),
        "\\PC{0,12}",
    ]
}

/// Names of members of either form, and others.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(vec![
            "actions", "name", "id", "type", "meta", "controls", "ports", "position", "title", "done", "success",
            "failure", "true", "false", "literal", "TaskSubType", "TaskSubtype", "WhoId", "value", "phoneNumber",
            "tieline_flow", "on", "source", "event", "start", "steps", "use", "with", "next", "canvas", "origin", "at",
            "blocks", "block", "members", "was", "as", "form",
        ])
        .prop_map(str::to_owned),
        1 => "[a-z]{1,4}",
    ]
}

fn kind() -> impl Strategy<Value = Value> {
    prop_oneof![
        8 => prop::sample::select(vec![
            "SE_ContactGetAttributeValue", "SE_ContactProperties", "SE_ContactCustomerPhoneNumber",
            "SE_CoreFormatPhoneNumber", "SE_CoreFormatPhoneNumberE164", "SE_CoreTruthy", "SE_SFSearchAndScreenpop",
            "SE_SFScreenpopObject", "SE_SFScreenpopNewRecord", "SE_SFGetContactId", "SE_SFRetrieve",
            "SE_CoreExtractValue", "SE_SFCreateTask", "SE_AgentDialNumber", "SE_Log", "SE_SFSaveLog", "Is Truthy?",
            "SE_Start", "SE_End", "End", "SE_New",
        ])
        .prop_map(Value::from),
        1 => any_json(),
    ]
}

fn control_name() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => prop::sample::select(vec![
            "attributeName", "defaultValue", "phoneNumber", "countryCode", "value", "searchParams", "queryParams",
            "defaultFieldValues", "deferred", "callType", "recordId", "noPopOnEmpty", "entityName",
            "formattedPhoneNumber", "fieldName", "type", "id", "fields", "targetField", "keyPath", "CallObject",
            "TaskSubType", "TaskSubtype", "WhoId", "otherTaskFields", "level", "message", "queueARN",
        ])
        .prop_map(str::to_owned),
        1 => name(),
    ]
}

prop_compose! {
    fn block()(
        id in prop::sample::select(vec!["uid-0", "uid-1", "a", "b", "c", "0", "1", "x y"]),
        kind in kind(),
        controls in prop_oneof![
            8 => prop::collection::vec((control_name(), any_json()), 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
            1 => any_json(),
        ],
        ports in prop_oneof![
            8 => prop::collection::vec(
                (
                    prop::sample::select(vec!["done", "success", "failure", "true", "false"]),
                    prop::sample::select(vec![json!("uid-0"), json!("uid-1"), json!("a"), json!("b"), json!(1), json!(null), json!("")]),
                ),
                0..3,
            )
            .prop_map(|ports| Value::Object(ports.into_iter().map(|(port, to)| (port.to_owned(), to)).collect())),
            1 => any_json(),
        ],
        meta in prop_oneof![Just(json!({})), Just(json!({"title": "A title"})), any_json()],
        position in prop_oneof![Just(json!([1, 2.5])), Just(Value::Null), any_json()],
        more in prop::collection::vec((name(), any_json()), 0..2),
    ) -> Value {
        let mut block: serde_json::Map<String, Value> = more.into_iter().collect();
        for (name, value) in [("type", kind), ("controls", controls), ("ports", ports), ("meta", meta), ("position", position)] {
            block.insert(name.into(), value);
        }
        block.insert("id".into(), id.into());
        Value::Object(block)
    }
}

prop_compose! {
    /// A file as an odd but possible editor might have left it; no id twice.
    fn file()(
        blocks in prop::collection::vec(block(), 0..7),
        stray in prop::collection::vec(prop_oneof![Just(json!(null)), Just(json!("text")), Just(json!({"type": "SE_Log"}))], 0..2),
        name in prop_oneof![Just(Value::Null), Just(json!("A flow")), any_json()],
        more in prop::collection::vec((name(), any_json()), 0..2),
    ) -> Value {
        let mut seen = std::collections::BTreeSet::new();
        let mut actions: Vec<Value> =
            blocks.into_iter().filter(|block| seen.insert(block["id"].to_string())).collect();
        actions.extend(stray);
        let mut root: serde_json::Map<String, Value> = more.into_iter().collect();
        root.insert("actions".into(), Value::Array(actions));
        root.insert("name".into(), name);
        Value::Object(root)
    }
}

/// A document that can be published: a chain of steps of every kind with fitting values.
fn good_document() -> impl Strategy<Value = Document> {
    let value = prop_oneof![
        Just(json!("text")),
        Just(json!("")),
        Just(json!("$.payload.x")),
        Just(json!("$.contact.e164")),
        Just(json!({"literal": "=not computed"})),
    ];
    prop::collection::vec((0..catalog().len(), prop::collection::vec(value, 20), any::<bool>()), 1..12).prop_map(|kinds| {
        let count = kinds.len();
        let steps: serde_json::Map<String, Value> = kinds
            .into_iter()
            .enumerate()
            .map(|(n, (kind, values, titled))| {
                let spec = catalog()[kind];
                let with: serde_json::Map<String, Value> = spec
                    .inputs
                    .iter()
                    .zip(values)
                    .filter(|(input, value)| input.required || value != "")
                    .map(|(input, value)| (input.name.to_owned(), fitting(input.kind, value)))
                    .collect();
                let mut step = json!({"use": spec.name, "with": with});
                if titled {
                    step["title"] = "A title".into();
                }
                if n + 1 < count {
                    let next: serde_json::Map<String, Value> =
                        spec.branches.iter().map(|branch| (branch.as_str().into(), format!("s-{}", n + 1).into())).collect();
                    step["next"] = Value::Object(next);
                }
                (format!("s-{n}"), step)
            })
            .collect();
        let canvas: serde_json::Map<String, Value> =
            steps.keys().enumerate().map(|(n, id)| (id.clone(), json!([n * 220, 0.5]))).collect();
        let whole = json!({
            "tieline_flow": 1, "id": "generated", "name": "Generated", "start": "s-0", "steps": steps, "canvas": canvas,
            "on": {"source": "voice_contact", "event": "connected"},
        });
        Document::from_json(whole.to_string().as_bytes()).unwrap()
    })
}

fn fitting(kind: tieline_flow::InputKind, value: Value) -> Value {
    use tieline_flow::InputKind::{Bool, Choice, Map, Number};
    let is_reference = value.as_str().is_some_and(|text| text.starts_with("$."));
    match kind {
        _ if is_reference => value,
        Choice(choices) => choices[0].into(),
        Bool => true.into(),
        Number => 7.into(),
        Map => json!({"Name": value, "Literal": {"literal": "$.x"}}),
        _ => value,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..Default::default() })]

    #[test]
    fn every_file_comes_back_equal(file in file()) {
        let import = cti::import(&file, Options { stem: Some("generated"), ..Options::default() }).unwrap();
        let read: Document = serde_json::from_str(&import.document.to_json()).unwrap();
        prop_assert_eq!(&read, &import.document);
        let back = cti::export(&read).file;
        prop_assert!(equal(&file, &back), "{file:#}\n{back:#}");
        check(&read);
    }

    #[test]
    fn every_good_document_comes_back_from_a_file(document in good_document()) {
        prop_assert_eq!(check(&document), []);
        let file = cti::export(&document).file;
        let options = Options { on: Some("voice_contact.connected"), ..Options::default() };
        let mut back = cti::import(&file, options).unwrap().document;
        prop_assert!(equal(&cti::export(&back).file, &file));
        back.id.clone_from(&document.id);
        back.origin = None;
        for step in back.steps.values_mut() {
            step.origin = None;
        }
        // A literal that looks like a reference is one in such a file; the export says so.
        if cti::export(&document).notes.is_empty() {
            prop_assert_eq!(back, document);
        }
    }

    #[test]
    fn every_good_document_runs_to_an_end_whatever_is_answered(
        document in good_document(),
        answers in prop::collection::vec(prop_oneof![
            any_json().prop_map(|value| Answer::Done(match value { Value::Object(map) => map, _ => serde_json::Map::new() })),
            Just(Answer::Failed { code: "timeout".into(), detail: String::new() }),
        ], 12),
        payload in any_json(),
        contact in any_json(),
    ) {
        let flow = std::sync::Arc::new(Flow::load(document).unwrap());
        let mut run = Run::new(flow, Scope { payload, contact, ..Scope::default() });
        let now: jiff::Timestamp = "2026-11-20T09:00:00Z".parse().unwrap();
        let mut next = run.next(now, None);
        for answer in answers {
            if let Next::Perform(_) = next {
                next = run.next(now, Some(answer));
            }
        }
        prop_assert!(matches!(next, Next::Finished(_)));
        prop_assert!(run.trace().iter().all(|step| step.ended.is_some() && step.branch.is_some()));
    }

    #[test]
    fn nothing_panics_on_any_json(value in any_json()) {
        let bytes = value.to_string().into_bytes();
        check_file(&bytes);
        let _ = export_file(&bytes);
        let _ = import_file(&bytes, Options::default());
        // The same where it counts: as steps, as blocks, as what was kept of a file.
        let document = json!({"tieline_flow": 1, "id": "x", "name": "x", "start": "a", "steps": {"a": value.clone(), "b": {"use": "log", "origin": value.clone()}}, "origin": value.clone()});
        check_file(document.to_string().as_bytes());
        let _ = export_file(document.to_string().as_bytes());
        let _ = cti::import(&json!({"actions": value.clone()}), Options::default());
        let _ = cti::import(&json!({"actions": [value.clone(), {"id": "a", "type": value.clone(), "controls": value.clone(), "ports": value}]}), Options::default());
    }

    #[test]
    fn nothing_panics_on_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        check_file(&bytes);
        let _ = export_file(&bytes);
        let _ = import_file(&bytes, Options::default());
    }
}

/// Quadratic work would not come back from these; nobody measures time here.
#[test]
fn large_hostile_texts_are_read_to_the_end_or_refused() {
    let many = |count: usize, member: &dyn Fn(usize) -> (String, Value)| {
        Value::Object((0..count).map(member).collect())
    };
    let references = many(15_000, &|n| (format!("k{n}"), json!("$.actions.a.results.value.[0]")));
    let wires = many(20_000, &|n| (format!("p{n}"), json!(format!("gone{n}"))));
    for block in [
        json!({"id": "a", "type": "SE_New", "controls": references, "ports": wires}),
        json!({"id": "a", "type": "SE_SFCreateTask", "controls": references, "ports": wires}),
        json!({"id": "a", "type": "SE_SFCreateTask", "controls": {"otherTaskFields": references}}),
    ] {
        let file = json!({"actions": [{"id": "s", "type": "SE_Start", "ports": {"done": "a"}}, block]});
        let import = cti::import(&file, Options::default()).unwrap();
        assert!(equal(&cti::export(&import.document).file, &file));
        check(&import.document);
    }
    let steps = many(500, &|n| {
        let next = many(500, &|to| (format!("b{to}"), json!(format!("s{to}"))));
        (
            format!("s{n}"),
            json!({"use": "log", "with": {"message": format!("$.steps.s{}.x", (n + 1) % 500)}, "next": next}),
        )
    });
    let document = json!({"tieline_flow": 1, "id": "x", "name": "x", "start": "s0", "steps": steps});
    let read: Document = serde_json::from_value(document).unwrap();
    assert!(check(&read).len() > 1000);
    let blocks: Vec<Value> = (0..100_000).map(|n| json!({"id": n})).collect();
    assert!(cti::import(&json!({"actions": blocks}), Options::default()).is_err());
}
