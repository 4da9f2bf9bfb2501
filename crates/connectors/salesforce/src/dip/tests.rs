use serde_json::{Value, json};
use tieline_bridge::dip::find::FindSettings;
use tieline_bridge::dip::{DipCode, DipError, Operation, Understood, Which};
use tieline_core::Caller;

use super::understand::{OPERATIONS, understand};
use crate::{find, soql};

fn ask(parameters: &Value) -> Result<Understood, DipError> {
    understand(parameters.as_object().unwrap(), None, &default_finding())
}

fn default_finding() -> FindSettings {
    (*find::Finding::default().settings).clone()
}

fn code(parameters: &Value) -> DipCode {
    ask(parameters).unwrap_err().code
}

fn lookup_text(parameters: &Value) -> String {
    match ask(parameters).unwrap().operation {
        Operation::Lookup(query) => soql::select(&query).unwrap(),
        other => panic!("not a lookup: {other:?}"),
    }
}

#[test]
fn a_lookup_s_extra_parameters_are_its_conditions() {
    let text = lookup_text(
        &json!({"sf_operation": "lookup", "sf_object": "Contact", "sf_fields": "Id,Account.Name",
        "shape": "nested", "deadline_ms": "1500", "LastName": "O'Neil", "FirstName": "S_%", "Vip__c": true, "N__c": 3}),
    );
    assert_eq!(
        text,
        r"SELECT Id, Account.Name FROM Contact WHERE LastName = 'O\'Neil' AND FirstName LIKE 'S\_%' AND Vip__c = true AND N__c = 3"
    );
}

#[test]
fn mobile_and_home_numbers_are_found_by_their_digits() {
    let text = |phone: &str| {
        lookup_text(
            &json!({"sf_operation": "lookup", "sf_object": "Contact", "sf_fields": "Id", "mobilephone": phone}),
        )
    };
    assert!(text("(415) 555-2671").ends_with("mobilephone LIKE '%415%555%2671'"));
    assert!(text("+14155552671").ends_with("mobilephone LIKE '%415%555%2671'"));
    assert!(text("5551212").ends_with("mobilephone LIKE '%555%1212'"));
    assert!(text("x' OR").ends_with(r"mobilephone = 'x\' OR'"));
}

#[test]
fn plain_words_mean_what_the_reference_s_words_mean() {
    let same = |plain: &Value, reference: &Value| assert_eq!(ask(plain), ask(reference));
    same(
        &json!({"operation": "lookup", "object": "Contact", "fields": "Id", "phone": "x"}),
        &json!({"sf_operation": "lookup", "sf_object": "Contact", "sf_fields": "Id", "phone": "x"}),
    );
    same(
        &json!({"operation": "phoneLookup", "phone": "+12025550143", "fields": ["Id"], "object": "Lead"}),
        &json!({"sf_operation": "phoneLookup", "sf_phone": "+12025550143", "sf_fields": ["Id"], "sf_object": "Lead"}),
    );
    // With the reference's words, `object` is a field like any other.
    let mixed = json!({"sf_operation": "create", "sf_object": "Case", "object": "x"});
    let Operation::Create { fields, .. } = ask(&mixed).unwrap().operation else { panic!() };
    assert_eq!(Value::Object(fields), json!({"object": "x"}));
}

#[test]
fn what_is_missing_or_wrong_is_named_with_its_code() {
    assert_eq!(code(&json!({})), DipCode::MissingParameter);
    assert_eq!(code(&json!({"sf_operation": 5})), DipCode::InvalidParameter);
    assert_eq!(code(&json!({"sf_operation": "Lookup"})), DipCode::UnknownOperation);
    for name in OPERATIONS.split(", ").filter(|name| *name != "findCaller") {
        assert_eq!(code(&json!({"sf_operation": name})), DipCode::MissingParameter, "{name}");
    }
    let lookup = |extra: &Value| {
        let mut parameters =
            json!({"sf_operation": "lookup", "sf_object": "Contact", "sf_fields": "Id", "Name": "x"});
        parameters.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        code(&parameters)
    };
    assert_eq!(lookup(&json!({"sf_fields": ""})), DipCode::InvalidParameter);
    assert_eq!(lookup(&json!({"sf_fields": "Id FROM User"})), DipCode::UnsafeValue);
    assert_eq!(lookup(&json!({"sf_fields": [1]})), DipCode::InvalidParameter);
    assert_eq!(lookup(&json!({"sf_object": ""})), DipCode::InvalidParameter);
    assert_eq!(lookup(&json!({"sf_object": null})), DipCode::MissingParameter);
    assert_eq!(lookup(&json!({"Name": ["x"]})), DipCode::InvalidParameter);
    assert_eq!(lookup(&json!({"shape": "round"})), DipCode::InvalidParameter);
    for wait in [json!("soon"), json!(0), json!(-1), json!(1e9), json!([])] {
        assert_eq!(lookup(&json!({"deadline_ms": wait})), DipCode::InvalidParameter);
    }
    assert_eq!(
        code(&json!({"sf_operation": "lookup", "sf_object": "Contact", "sf_fields": "Id"})),
        DipCode::MissingParameter
    );
}

#[test]
fn a_phone_lookup_knows_withheld_numbers_and_names_what_is_wrong_with_others() {
    let caller = |phone: &str| {
        ask(&json!({"sf_operation": "phoneLookup", "sf_phone": phone, "sf_fields": "Id"})).map(|asked| {
            match asked.operation {
                Operation::PhoneLookup { caller, .. } => caller,
                other => panic!("{other:?}"),
            }
        })
    };
    for withheld in ["anonymous", "restricted", "PRIVATE", ""] {
        assert_eq!(caller(withheld), Ok(Caller::Withheld), "{withheld}");
    }
    assert_eq!(caller("+390655500123").unwrap().number().unwrap().e164(), "+390655500123");
    let error = caller("2025550147").unwrap_err();
    assert_eq!(error.code, DipCode::InvalidParameter);
    assert!(error.detail.contains('+'), "{}", error.detail);
    assert!(!error.detail.contains("2025550147"), "no numbers in messages");

    let national = json!({"sf_operation": "phoneLookup", "sf_phone": "(202) 555-0147", "sf_fields": "Id"});
    let asked = understand(national.as_object().unwrap(), Some("US"), &default_finding()).unwrap();
    let Operation::PhoneLookup { caller, .. } = asked.operation else { panic!() };
    assert_eq!(caller.number().unwrap().e164(), "+12025550147");
}

#[test]
fn a_delete_with_a_field_is_a_mistake_and_an_id_is_letters_and_digits() {
    let delete = |extra: &Value| {
        let mut parameters = json!({"operation": "delete", "object": "Case", "id": "5003000000D8cuI"});
        parameters.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        ask(&parameters).map(|asked| asked.operation)
    };
    let expected = Operation::Delete { object: "Case".into(), id: "5003000000D8cuI".into() };
    assert_eq!(delete(&json!({"shape": "nested", "deadline_ms": 5})), Ok(expected));
    assert_eq!(delete(&json!({"Status": "Closed"})).unwrap_err().code, DipCode::InvalidParameter);
    for id in ["../Contact/003000000000001", "x?y=1", "50 01", "a#b", "%2e%2e", "Zoë"] {
        assert_eq!(delete(&json!({"id": id})).unwrap_err().code, DipCode::UnsafeValue, "{id}");
    }
    assert_eq!(delete(&json!({"object": "Case/1"})).unwrap_err().code, DipCode::UnsafeValue);
}

#[test]
fn a_message_s_placeholders_are_values_and_nothing_more() {
    let post = |message: &str| {
        ask(&json!({"operation": "createChatterPost", "record": "003A1", "message": message,
                    "mention": "", "who": "{{x}} }}", "n": 5}))
    };
    let Operation::Post { record, text, mention } = post("{{ who }} {{n}}").unwrap().operation else {
        panic!()
    };
    assert_eq!((record.as_str(), text.as_str(), mention), ("003A1", "{{x}} }} 5", None));
    assert_eq!(post("{{nobody}}").unwrap_err().code, DipCode::MissingParameter);
    assert_eq!(post("{{who").unwrap_err().code, DipCode::InvalidParameter);
    let poll = json!({"sf_operation": "createChatterPost", "sf_feedElementType": "Poll",
                      "sf_subjectId": "003A1", "sf_messageType": "Text", "sf_message": "x"});
    assert_eq!(code(&poll), DipCode::InvalidParameter);
}

#[test]
fn a_search_s_condition_takes_values_as_values() {
    let search = |extra: &Value| {
        let mut parameters = json!({"operation": "search", "object": "Case", "fields": "Id", "q": "bill*",
                                    "where": "Origin = 'o'", "o": "x' OR Id != '"});
        parameters.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        ask(&parameters).map(|asked| match asked.operation {
            Operation::Search(search) => search,
            other => panic!("{other:?}"),
        })
    };
    let asked = search(&json!({"limit": "5"})).unwrap();
    assert_eq!(asked.filter.as_deref(), Some(r"Origin = 'x\' OR Id != \''"));
    assert_eq!((asked.words.as_str(), asked.limit, asked.wanted), ("bill*", 5, Which::All));
    assert_eq!(search(&json!({"where": ""})).unwrap().filter, None);
    for limit in [json!(0), json!("many"), json!(2001), json!(-1)] {
        assert_eq!(search(&json!({"limit": limit})).unwrap_err().code, DipCode::InvalidParameter);
    }
}

#[test]
fn a_query_takes_values_as_values() {
    let query =
        |template: &str, name: &str| ask(&json!({"sf_operation": "query", "query": template, "nm": name}));
    let asked = query("select Id from Contact where Name='nm'", "x' OR Id!='").unwrap();
    assert_eq!(
        asked.operation,
        Operation::Query {
            text: r"select Id from Contact where Name='x\' OR Id!=\''".into(),
            wanted: Which::All,
        }
    );
    assert_eq!(
        query("select Id from nm", "Contact WHERE Id != null").unwrap_err().code,
        DipCode::UnsafeValue
    );
    assert_eq!(
        code(&json!({"sf_operation": "query", "query": "select n", "n": 5})),
        DipCode::InvalidParameter
    );
}

#[test]
fn a_create_writes_its_extra_parameters() {
    let asked = ask(
        &json!({"sf_operation": "create", "sf_object": "Case", "Subject": "Billing | Refund", "N__c": 5}),
    );
    let Operation::Create { object, fields } = asked.unwrap().operation else { panic!() };
    assert_eq!(object, "Case");
    assert_eq!(Value::Object(fields), json!({"Subject": "Billing | Refund", "N__c": 5}));
    assert_eq!(
        code(&json!({"sf_operation": "create", "sf_object": "Case", "Bad Name": "x"})),
        DipCode::UnsafeValue
    );
}
