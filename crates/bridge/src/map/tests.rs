use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};
use tieline_core::{JsonMap, python_json};

use super::{FieldMap, FieldMaps, MapContext, MapError};

fn context(extra: &JsonMap) -> MapContext<'_> {
    MapContext { namespace: None, region: None, now: Timestamp::UNIX_EPOCH, extra }
}

fn row(map: &str, document: &Value) -> JsonMap {
    FieldMap::parse(map).unwrap().row(document, &context(&JsonMap::new())).unwrap().fields
}

fn map_of(fields: &str) -> String {
    format!("object = \"O__c\"\nkey_field = \"K__c\"\nkey = \"id\"\n[fields]\n{fields}")
}

fn contact_record() -> std::sync::Arc<FieldMap> {
    FieldMap::built_in("amazon-connect", "salesforce", "contact-record").unwrap()
}

#[test]
fn the_maps_that_come_with_tieline_load() {
    let maps = FieldMaps::built_in("amazon-connect", "salesforce").unwrap();
    let names: Vec<&str> = maps.iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        [
            "agent-report",
            "analytics",
            "contact-record",
            "queue-metrics",
            "queue-report",
            "recording",
            "transcript"
        ]
    );
    assert!(FieldMaps::built_in("amazon-connect", "sap").is_none());
    assert!(maps.get("moon").is_none());
}

#[test]
fn all_problems_of_a_map_are_told_together_each_with_its_place_and_what_to_do() {
    let text = r#"
        key_field = "Key c"
        key = "A..B"
        without = ["X__c"]
        [fields]
        "Bad Name" = { from = "A" }
        A__c = { from = "context.moon" }
        B__c = { from = "A", value = 1 }
        C__c = {}
        D__c = { from = "A", max = 0, json_text = true, int = true }
        E__c = { from = "A", colour = "red" }
        F__c = { from = "A", when = ["B", "C."], default = [1], skip_empty = true }
        G__c = { from = "A", kind = "poem" }
        H__c = 7
    "#;
    insta::assert_snapshot!(FieldMap::parse(text).unwrap_err().to_string(), @r#"
    the field map has problems
      object: is missing; write for example object = "AC_ContactTraceRecord__c"
      without: only a map that extends the built-in one has fields to leave out
      key_field: `Key c` is no name of the CRM
      key: `A..B` has an empty step; write member names with dots between, and a name that has dots in quotes: Attributes."a.b"
      fields.A__c: `context.moon` is not known; there are `context.region` and `context.now`
      fields.B__c: `from` and `value` exclude each other
      fields.Bad Name: `Bad Name` is no name of the CRM
      fields.C__c: either `from` (a path in the document) or `value` is needed
      fields.D__c: `max` must be at least 1
      fields.D__c: `json_text`, `int` and `join` exclude each other
      fields.E__c: unknown field `colour`, expected one of `from`, `value`, `when`, `json_text`, `int`, `join`, `max`, `default`, `skip_empty`, `packaged`, `kind`
      fields.F__c: `default` must be a text, a number or a flag
      fields.F__c: `default` and `skip_empty` exclude each other
      fields.F__c: `C.` has an empty step; write member names with dots between, and a name that has dots in quotes: Attributes."a.b"
      fields.G__c: unknown variant `poem`, expected one of `text`, `number`, `time`, `flag`
      fields.H__c: must be a path, or a table such as { from = "Agent.Username", max = 255 }
    "#);
    insta::assert_snapshot!(FieldMap::parse("object = \"A\"\nkey = [1]").unwrap_err().to_string(), @r"
    the field map has problems
      line 2: invalid type: sequence, expected a string
    ");
    insta::assert_snapshot!(FieldMap::parse("extends = \"built-in\"").unwrap_err().to_string(), @r"
    the field map has problems
      extends: no map of this name comes with Tieline; name `object`, `key_field`, `key` and all fields instead
    ");
}

#[test]
fn a_member_that_is_absent_or_null_empties_its_field_or_leaves_it_out() {
    let map = map_of(
        "A__c = \"a\"\nB__c = { from = \"a\", skip_empty = true }\nC__c = { from = \"a\", default = 0 }\nD__c = { from = \"a\", json_text = true }\nE__c = { from = \"x\", when = \"a\" }",
    );
    for document in [json!({"id": "1"}), json!({"id": "1", "a": null})] {
        assert_eq!(Value::Object(row(&map, &document)), json!({"A__c": null, "C__c": 0, "D__c": "null"}));
    }
    let zero = row(&map, &json!({"id": "1", "a": 0}));
    assert_eq!(Value::Object(zero), json!({"A__c": 0, "B__c": 0, "C__c": 0, "D__c": "0"}));
}

#[test]
fn shapes_give_what_a_field_takes_whatever_the_member_is() {
    let map = map_of(
        "I__c = { from = \"a\", int = true }\nJ__c = { from = \"a\", join = \"|\" }\nP__c = \"a\"\nM__c = { from = \"a\", max = 2 }",
    );
    let all = |a: Value| Value::Object(row(&map, &json!({"id": 7, "a": a})));
    assert_eq!(all(json!(7.9)), json!({"I__c": 7, "J__c": 7.9, "P__c": 7.9, "M__c": 7.9}));
    assert_eq!(all(json!("-3.2")), json!({"I__c": -3, "J__c": "-3.2", "P__c": "-3.2", "M__c": "-3"}));
    assert_eq!(all(json!("a😀")), json!({"I__c": null, "J__c": "a😀", "P__c": "a😀", "M__c": "a"}));
    assert_eq!(
        all(json!(["x", 1, null])),
        json!({"I__c": null, "J__c": "x|1", "P__c": "[\"x\", 1, null]", "M__c": "[\""})
    );
    assert_eq!(all(json!({"é": 1}))["P__c"], r#"{"\u00e9": 1}"#);
}

#[test]
fn only_the_package_s_own_names_take_the_namespace() {
    let map = "object = \"O__c\"\nkey_field = \"K__c\"\nkey = \"id\"\n[fields]\nName = \"id\"\nA__c = \"id\"\nother__B__c = \"id\"\nMine__c = { from = \"id\", packaged = false }";
    let extra = JsonMap::new();
    let context = MapContext { namespace: Some("amazonconnect"), ..context(&extra) };
    let row = FieldMap::parse(map).unwrap().row(&json!({"id": "1"}), &context).unwrap();
    assert_eq!((row.object.as_str(), row.key_field.as_str()), ("amazonconnect__O__c", "amazonconnect__K__c"));
    let mut names: Vec<&str> = row.fields.keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["Mine__c", "Name", "amazonconnect__A__c", "other__B__c"]);
}

#[test]
fn a_document_without_its_key_becomes_no_row() {
    let map = FieldMap::parse(&map_of("A__c = \"a\"")).unwrap();
    let extra = JsonMap::new();
    for document in
        [json!({}), json!({"id": ""}), json!({"id": null}), json!({"id": {}}), json!({"id": true})]
    {
        let error = map.row(&document, &context(&extra)).unwrap_err();
        assert_eq!(error, MapError::NoKey { key_field: "K__c".into() });
    }
    for document in [json!([]), json!("x"), json!(null)] {
        assert_eq!(map.row(&document, &context(&extra)), Err(MapError::NotAnObject));
    }
}

#[test]
fn a_file_of_the_user_adds_fields_of_the_org_s_own() {
    let mut maps = FieldMaps::built_in("amazon-connect", "salesforce").unwrap();
    let text = r#"
        extends = "built-in"
        without = ["InstanceARN__c"]
        [fields]
        Language__c = { from = "Attributes.language", max = 20 }
        Disconnect_Reason__c = { from = "DisconnectReason", packaged = true }
        Channel__c = { from = "SegmentAttributes.connect:Subtype.ValueString" }
    "#;
    maps.put("contact-record.toml", text).unwrap();
    let extra = JsonMap::new();
    let context = MapContext { namespace: Some("amazonconnect"), ..context(&extra) };
    let document = json!({"ContactId": "c-1", "DisconnectReason": "API", "Attributes": {"language": "de"},
        "SegmentAttributes": {"connect:Subtype": {"ValueString": "connect:SMS"}}});
    let fields = maps.get("contact-record").unwrap().row(&document, &context).unwrap().fields;
    assert_eq!(fields["Language__c"], "de");
    assert_eq!(fields["amazonconnect__Disconnect_Reason__c"], "API");
    assert_eq!(fields["amazonconnect__Channel__c"], "connect:SMS");
    assert!(!fields.contains_key("amazonconnect__InstanceARN__c"));
    assert!(fields.contains_key("amazonconnect__AWSAccountId__c"));

    let bad = "extends = \"mine\"\nobject = \"X\"\nwithout = [\"Moon__c\"]\n[fields]\nContactId__c = \"a\"";
    insta::assert_snapshot!(maps.put("contact-record.toml", bad).unwrap_err().to_string(), @r#"
    the field map has problems
      contact-record.toml: extends: `mine` is nothing to extend; write "built-in"
      contact-record.toml: object: is the built-in map's; leave this line out, or `extends`
      contact-record.toml: without: the built-in map has no field `Moon__c`
      contact-record.toml: fields.ContactId__c: the key is set by the built-in map
    "#);
    insta::assert_snapshot!(maps.put("moon.toml", "").unwrap_err().to_string(), @r"
    the field map has problems
      moon.toml: no function uses a map of this name; there are agent-report, analytics, contact-record, queue-metrics, queue-report, recording, transcript
    ");
    insta::assert_snapshot!(maps.put("analytics.toml", "object = \"A__c\"\n\nkey = =").unwrap_err().to_string(), @r"
    the field map has problems
      analytics.toml: line 3: extra `=`, expected nothing
    ");
}

/// The example of the guide, as it stands there.
#[test]
fn the_guide_s_file_adds_its_fields() {
    let guide = include_str!("../../../../docs/guides/field-maps.md");
    let (_, rest) = guide.split_once("```toml\n").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    let mut maps = FieldMaps::built_in("amazon-connect", "salesforce").unwrap();
    maps.put("contact-record.toml", example).unwrap();
    let document = json!({"ContactId": "c-1", "Attributes": {"language": "de"},
        "SegmentAttributes": {"connect:Subtype": {"ValueString": "connect:SMS"}}});
    let extra = JsonMap::new();
    let context = MapContext { namespace: Some("amazonconnect"), ..context(&extra) };
    let fields = maps.get("contact-record").unwrap().row(&document, &context).unwrap().fields;
    assert_eq!((&fields["Language__c"], &fields["Subtype__c"]), (&json!("de"), &json!("connect:SMS")));
    assert!(!fields.contains_key("Disconnect_Reason__c"));
    for (name, map) in FieldMaps::built_in("amazon-connect", "salesforce").unwrap().iter() {
        let row = format!("| `{name}` | `{}` | `{}` |", map.object(None), map.key_field(None));
        assert!(guide.contains(&row), "{row}");
    }
}

#[test]
fn hostile_text_of_a_caller_reaches_the_body_unchanged() {
    let hostile = "x' OR Name LIKE '%\u{202e}\u{0}\n{Id}|datetime<script>";
    let document = json!({"ContactId": "c-1", "Agent": {"Username": hostile}, "Attributes": {"k": hostile}});
    let extra = JsonMap::new();
    let fields = contact_record().row(&document, &context(&extra)).unwrap().fields;
    assert_eq!(fields["AgentUsername__c"], hostile);
    let attributes: Value = serde_json::from_str(fields["Attributes__c"].as_str().unwrap()).unwrap();
    assert_eq!(attributes["k"], hostile);
    assert_eq!(fields["Attributes__c"], python_json(&document["Attributes"]));
}

/// Documents that look like the vendor's: known names at any depth, any values.
fn document() -> impl Strategy<Value = Value> {
    let name = prop_oneof![
        prop::sample::select(vec![
            "ContactId",
            "Agent",
            "Queue",
            "Recording",
            "Attributes",
            "RoutingProfile",
            "CustomerEndpoint",
            "HierarchyGroups",
            "Address",
            "Duration",
            "LastUpdateTimestamp",
            "TransferCompletedTimestamp",
        ])
        .prop_map(str::to_owned),
        any::<String>(),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 64, 8, move |inner| {
        prop_oneof![
            1 => prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            3 => prop::collection::vec((name.clone(), inner), 0..8)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_document_goes_through_every_map(document in document(), more in document()) {
        let mut extra = JsonMap::new();
        extra.insert("record_id".into(), "r".into());
        extra.insert("contact_id".into(), more);
        let context = MapContext { namespace: Some("ns"), region: Some("eu-west-1"), now: Timestamp::UNIX_EPOCH, extra: &extra };
        let mut maps = FieldMaps::built_in("amazon-connect", "salesforce").unwrap();
        maps.put("contact-record.toml", "extends = \"built-in\"\n[fields]\nX__c = { from = \"Agent\", max = 5 }").unwrap();
        for (_, map) in maps.iter() {
            let row = map.row(&document, &context);
            prop_assert_eq!(&row, &map.row(&document, &context));
            if let Ok(row) = row {
                prop_assert!(row.fields.values().all(|value| !value.is_array() && !value.is_object()));
            }
        }
    }
}

const REPORT: &str = r#"
    object = "R__c"
    key_field = "K__c"
    key = "extra.id"
    [fields]
    Made__c = "extra.made"
    Start__c = "startinterval"
    [headers]
    agent = "Name__c"
    "non-productive time" = "Nonproductive_time__c"
    "not wanted" = ""
"#;

#[test]
fn a_column_goes_into_the_field_its_header_names() {
    let extra = json!({"id": "k", "made": "now"}).as_object().unwrap().clone();
    let context = MapContext { namespace: Some("ns"), ..context(&extra) };
    let document = json!({"agent": "jane", "startinterval": "T1", "Non-Productive Time": "1",
        "after  contact\u{a0}work-time": null, "not wanted": 1, "a,b": 2, "-": 3});
    let row = FieldMap::parse(REPORT).unwrap().row(&document, &context).unwrap();
    assert_eq!(
        json!(row.fields),
        json!({"ns__Made__c": "now", "ns__Start__c": "T1", "ns__Name__c": "jane",
            "ns__Nonproductive_time__c": "1", "ns__after_contact_work_time__c": null}),
        "no column twice, none that cannot be a field's name"
    );
}

#[test]
fn a_file_may_name_headers_of_its_own() {
    let mut maps = FieldMaps::built_in("amazon-connect", "salesforce").unwrap();
    maps.put(
        "agent-report.toml",
        "extends = \"built-in\"\n[headers]\n\"Our Score\" = \"Score__c\"\nagent = \"\"",
    )
    .unwrap();
    let map = maps.get("agent-report").unwrap();
    let extra = json!({"record_id": "k"}).as_object().unwrap().clone();
    let context = MapContext { namespace: Some("ns"), ..context(&extra) };
    let fields =
        map.row(&json!({"agent": "a", "our score": "1", "occupancy": "2"}), &context).unwrap().fields;
    assert_eq!(json!(fields), json!({"ns__Created_Date__c": null, "Score__c": "1", "ns__occupancy__c": "2"}));
    assert!(map.columns(None).any(|column| column.name == "Score__c" && column.optional));
    let problem = |file: &str, text: &str| maps.clone().put(file, text).unwrap_err().to_string();
    assert!(
        problem("agent-report.toml", "extends = \"built-in\"\n[headers]\na = \"b c\"").contains("headers.a")
    );
    assert!(
        problem("contact-record.toml", "extends = \"built-in\"\n[headers]\na = \"b\"").contains("headers")
    );
}
