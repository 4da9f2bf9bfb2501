//! Forty callers and who they are: the order of `findCaller`, over HTTP.

use std::sync::Arc;

use serde_json::{Value, json};
use tieline_bridge::dip::find::{FindObject, FindSettings};
use tieline_bridge::dip::{Allowed, DipCode, DipError, DipSettings, Dips, Grants};
use tieline_salesforce::Salesforce;

use super::{Sandbox, fields};

async fn make(org: &Salesforce, object: &str, values: Value) -> String {
    org.create(object, &fields(values)).await.unwrap().as_str().to_owned()
}

async fn talked(org: &Salesforce, who: &str, day: &str) {
    let who = if who.starts_with("001") { ("WhatId", who) } else { ("WhoId", who) };
    let task = json!({"Subject": "Call", "Status": "Completed", "ActivityDate": day, (who.0): who.1});
    make(org, "Task", task).await;
}

/// People and companies with numbers in every spelling.
async fn fill(org: &Salesforce) {
    let contacts = [
        ("Ada", "Park", json!({"MobilePhone": "+1 425 555 0101", "Email": "ada.park@example.com"})),
        ("Ben", "Ruiz", json!({"Phone": "(425) 555-0101"})),
        ("Cara", "Voss", json!({"Phone": "425.555.0102 ext. 7"})),
        ("Dan", "Oto", json!({"HomePhone": "1-425-555-0103"})),
        ("Eve", "Lund", json!({"OtherPhone": "14255550104"})),
        ("Finn", "Rao", json!({"AssistantPhone": "+14255550105", "Phone": "+14255550115"})),
        ("Gia", "Moss", json!({"MobilePhone": "+44 7700 900123"})),
        ("Hal", "Byrne", json!({"Phone": "020 7946 0101"})),
        ("Ida", "Conti", json!({"Phone": "+39 06 5550 0201"})),
        ("Joe", "Rossi", json!({"Phone": "06 5550 0202"})),
        ("Kim", "Sato", json!({"Phone": "7946 0103"})),
        ("Lea", "O'Neil", json!({"Email": "lea.oneil@example.com", "Phone": "+1 (425) 555-0110"})),
        ("Noor", "Keller-Braun", json!({"MobilePhone": "425 555 0111", "Phone": "425 555 0111"})),
        ("Olga", "Marks and Spender", json!({"Phone": "+1 425 555 0112"})),
        ("Una", "Vale", json!({"Phone": "+44 20 7946 0104"})),
        ("Vic", "Vale", json!({"MobilePhone": "020 7946 0104"})),
        ("Will", "York", json!({"Phone": "+1 425 555 0116"})),
        ("Xena", "York", json!({"Phone": "+1 425 555 0116"})),
    ];
    let mut ids = std::collections::HashMap::new();
    for (first, last, mut values) in contacts {
        values["FirstName"] = first.into();
        values["LastName"] = last.into();
        ids.insert(first, make(org, "Contact", values).await);
    }
    let lead = |last: &str, values: Value| {
        let mut values = values;
        values["LastName"] = last.into();
        values["Company"] = "Somewhere".into();
        values
    };
    make(org, "Lead", lead("Diaz", json!({"MobilePhone": "425-555-0106"}))).await;
    let pia = make(org, "Lead", lead("Lang", json!({"Phone": "425 555 0101"}))).await;
    make(org, "Lead", lead("Hale", json!({"Email": "LEA.ONEIL@example.com"}))).await;
    make(org, "Lead", lead("York", json!({"Phone": "+1 425 555 0116"}))).await;
    make(org, "Account", json!({"Name": "Acme Rockets", "Phone": "(425) 555-0107"})).await;
    let bakery = make(org, "Account", json!({"Name": "Park Bakery", "Phone": "+1-425-555-0101"})).await;
    let web = json!({"Subject": "Printer smokes", "SuppliedPhone": "(425) 555-0108", "SuppliedEmail": "web@example.com"});
    make(org, "Case", web).await;
    let ada = ids["Ada"].as_str();
    for status in ["New", "Working", "Closed"] {
        make(org, "Case", json!({"Subject": "Order", "ContactId": ada, "Status": status})).await;
    }
    make(org, "Case", json!({"Subject": "Flour", "AccountId": bakery, "Status": "New"})).await;
    talked(org, ids["Ben"].as_str(), "2026-11-10").await;
    talked(org, ids["Ben"].as_str(), "2026-11-02").await;
    talked(org, ids["Xena"].as_str(), "2026-10-31").await;
    talked(org, &pia, "2026-11-19").await;
    talked(org, &bakery, "2026-11-01").await;
}

struct Desk {
    dips: Dips,
    _sandbox: Sandbox,
    org: Salesforce,
}

async fn desk() -> Desk {
    let sandbox = Sandbox::start().await;
    let org = sandbox.connect();
    fill(&org).await;
    let dips = Dips::new(Arc::new(org.clone()), sandbox.world.shared_clock(), DipSettings::default());
    Desk { dips: dips.in_region("US"), _sandbox: sandbox, org }
}

fn event(mut parameters: Value, endpoint: Option<&Value>) -> Value {
    parameters["operation"] = "findCaller".into();
    let mut event = json!({"Details": {"ContactData": {"ContactId": "c-1"}, "Parameters": parameters}});
    if let Some(endpoint) = endpoint {
        event["Details"]["ContactData"]["CustomerEndpoint"] = endpoint.clone();
    }
    event
}

impl Desk {
    async fn ask(&self, parameters: Value) -> Result<Value, DipError> {
        self.dips.answer(&event(parameters, None), &Allowed::everything()).await
    }
}

/// `Contact Ada Park, exact mobile` for each match in its order.
fn told(answer: &Value) -> Vec<String> {
    let member =
        |i: usize, name: &str| answer[format!("match_{i}_{name}")].as_str().unwrap_or("-").to_owned();
    let count: usize = answer["match_count"].as_str().unwrap().parse().unwrap();
    let lines: Vec<String> = (0..count)
        .map(|i| format!("{} {}, {}", member(i, "object"), member(i, "name"), member(i, "reason")))
        .filter(|line| line != "- -, -")
        .collect();
    assert!(lines.len() == count.min(10), "{answer}");
    lines
}

#[tokio::test]
async fn forty_callers_are_found_in_their_order() {
    let desk = desk().await;
    let owners = [
        "Contact Ben Ruiz, exact phone",
        "Contact Ada Park, exact mobile",
        "Lead Lang, exact phone",
        "Account Park Bakery, exact phone",
    ];
    let yorks =
        ["Contact Xena York, exact phone", "Contact Will York, exact phone", "Lead York, exact phone"];
    let vales = ["Contact Una Vale, exact phone", "Contact Vic Vale, national number"];
    let callers: Vec<(Value, Vec<&str>)> = vec![
        // One number of four, in every spelling a contact center or a person writes.
        (json!({"phone": "+14255550101"}), owners.to_vec()),
        (json!({"phone": "(425) 555-0101"}), owners.to_vec()),
        (json!({"phone": "425.555.0101 x9"}), owners.to_vec()),
        (json!({"phone": "tel:+1-425-555-0101"}), owners.to_vec()),
        (json!({"phone": "sip:+14255550101@gw.example.com;user=phone"}), owners.to_vec()),
        (json!({"phone": "+14255550101", "objects": "Lead"}), vec![owners[2]]),
        (json!({"phone": "+14255550101", "objects": ["account", "LEAD"]}), vec![owners[2], owners[3]]),
        (json!({"phone": "+14255550101", "objects": "Case"}), vec![]),
        // However it is stored.
        (json!({"phone": "+14255550102"}), vec!["Contact Cara Voss, exact phone"]),
        (json!({"phone": "+14255550103"}), vec!["Contact Dan Oto, exact home"]),
        (json!({"phone": "+14255550104"}), vec!["Contact Eve Lund, exact other"]),
        (json!({"phone": "+14255550105"}), vec!["Contact Finn Rao, exact assistant"]),
        (json!({"phone": "+14255550115"}), vec!["Contact Finn Rao, exact phone"]),
        (json!({"phone": "+14255550106"}), vec!["Lead Diaz, exact mobile"]),
        (json!({"phone": "+14255550107"}), vec!["Account Acme Rockets, exact phone"]),
        (json!({"phone": "+14255550108"}), vec!["Case 00001026, exact phone"]),
        (json!({"phone": "+14255550110"}), vec!["Contact Lea O'Neil, exact phone"]),
        (json!({"phone": "+14255550111"}), vec!["Contact Noor Keller-Braun, exact mobile"]),
        (json!({"phone": "+14255550116"}), yorks.to_vec()),
        // Other countries.
        (json!({"phone": "+447700900123"}), vec!["Contact Gia Moss, exact mobile"]),
        (json!({"phone": "+442079460101"}), vec!["Contact Hal Byrne, national number"]),
        (json!({"phone": "+44 (0)20 7946 0104"}), vales.to_vec()),
        (json!({"phone": "+390655500201"}), vec!["Contact Ida Conti, exact phone"]),
        (json!({"phone": "+390655500202"}), vec!["Contact Joe Rossi, national number"]),
        // Only the last digits agree.
        (json!({"phone": "+442079460103"}), vec!["Contact Kim Sato, weak: last 7 digits"]),
        (json!({"phone": "+441619460101"}), vec!["Contact Hal Byrne, weak: last 7 digits"]),
        (json!({"phone": "+393555500202"}), vec!["Contact Joe Rossi, weak: last 7 digits"]),
        // Nobody.
        (json!({"phone": "+441174960999"}), vec![]),
        (json!({"phone": "anonymous"}), vec![]),
        (json!({"phone": "", "email": ""}), vec![]),
        // Addresses.
        (json!({"email": "ADA.park@example.com"}), vec!["Contact Ada Park, exact email"]),
        (
            json!({"email": "Lea <lea.oneil@example.com>"}),
            vec!["Contact Lea O'Neil, exact email", "Lead Hale, exact email"],
        ),
        (json!({"email": "web@example.com"}), vec!["Case 00001026, exact email"]),
        (json!({"email": "park@example.com"}), vec![]),
        // Words.
        (json!({"text": "ada park"}), vec!["Contact Ada Park, exact name"]),
        (json!({"text": "park"}), vec!["Contact Ada Park, name", "Account Park Bakery, name"]),
        (json!({"text": "o'neil LEA"}), vec!["Contact Lea O'Neil, name"]),
        (json!({"text": "marks AND spender"}), vec!["Contact Olga Marks and Spender, name"]),
        (json!({"text": "printer smokes"}), vec!["Case 00001026, text"]),
        (json!({"text": "x} RETURNING User(Id"}), vec![]),
    ];
    assert_eq!(callers.len(), 40);
    let mut wrong = Vec::new();
    for (parameters, expected) in callers {
        let answer =
            desk.ask(parameters.clone()).await.unwrap_or_else(|error| panic!("{parameters}: {error}"));
        let found = told(&answer);
        if found != expected {
            wrong.push(format!("{parameters}: {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn a_match_says_who_when_and_how_many_cases_are_open() {
    let desk = desk().await;
    let answer = desk.ask(json!({"phone": "+14255550101", "limit": "2"})).await.unwrap();
    assert_eq!(answer["match_count"], "4", "the true number, though two are answered");
    assert_eq!(answer["match_0_last_contact"], "2026-11-10");
    assert_eq!(answer["match_0_open_cases"], "0");
    assert_eq!(answer["match_1_open_cases"], "2");
    assert!(answer["match_1_id"].as_str().unwrap().starts_with("003"));
    assert!(answer.get("match_1_last_contact").is_none() && answer.get("match_2_object").is_none());
    let nested = desk.ask(json!({"phone": "+14255550101", "shape": "nested"})).await.unwrap();
    assert_eq!(nested["match_count"], 4);
    assert_eq!(nested["matches"][3]["object"], "Account");
    assert_eq!(nested["matches"][3]["open_cases"], 1);
    assert_eq!(nested["matches"][3]["last_contact"], "2026-11-01");
}

#[tokio::test]
async fn without_parameters_the_caller_is_the_contact_s_customer() {
    let desk = desk().await;
    let ask = async |endpoint: Value| {
        let event = event(json!({}), Some(&endpoint));
        desk.dips.answer(&event, &Allowed::everything()).await.map(|answer| told(&answer))
    };
    let customer = |kind: &str, address: Value| json!({"Type": kind, "Address": address});
    assert_eq!(
        ask(customer("TELEPHONE_NUMBER", json!("+14255550102"))).await.unwrap(),
        ["Contact Cara Voss, exact phone"]
    );
    assert_eq!(
        ask(customer("EMAIL_ADDRESS", json!("ada.park@example.com"))).await.unwrap(),
        ["Contact Ada Park, exact email"]
    );
    for nobody in [json!("anonymous"), json!(null), json!("sip:front.door@example.com")] {
        assert!(ask(customer("TELEPHONE_NUMBER", nobody)).await.unwrap().is_empty());
    }
    let error = desk.ask(json!({})).await.unwrap_err();
    assert_eq!(error.code, DipCode::MissingParameter);
}

#[tokio::test]
async fn an_object_of_the_org_s_own_is_found_by_what_its_description_says() {
    let sandbox = Sandbox::start().await;
    let objects = vec![
        FindObject::named("Interaction__c"),
        FindObject::named("Nowhere__c"),
        FindObject::named("Contact"),
    ];
    let org = sandbox.connect().finding(FindSettings { objects, weak_digits: 4 });
    make(&org, "Interaction__c", json!({"Key__c": "x", "Customer_Number__c": "+1 (425) 555-0171"})).await;
    let dips = Dips::new(Arc::new(org), sandbox.world.shared_clock(), DipSettings::default());
    let ask = async |phone: &str| {
        let event = event(json!({"phone": phone}), None);
        told(&dips.answer(&event, &Allowed::everything()).await.unwrap())
    };
    let found = ask("+14255550171").await;
    assert!(found[0].starts_with("Interaction__c ") && found[0].ends_with(", exact phone"), "{found:?}");
    let weak = ask("+445550000171").await;
    assert!(weak[0].ends_with(", weak: last 4 digits"), "{weak:?}");
}

#[tokio::test]
async fn a_bound_key_is_told_of_nothing_it_may_not_touch() {
    let desk = desk().await;
    let ask = async |objects: Value, parameters: Value| {
        let objects: Grants = serde_json::from_value(objects).unwrap();
        let allowed = Allowed { operations: vec!["dips:findCaller".into()], objects: Some(objects) };
        desk.dips.answer(&event(parameters, None), &allowed).await
    };
    let by_phone = || json!({"phone": "+14255550101"});
    // Found by a phone that is granted only: Ada's mobile is not, and Leads and Accounts are not.
    let answer = ask(json!({"Contact": ["Name", "Phone"]}), by_phone()).await.unwrap();
    assert_eq!(
        answer,
        json!({"match_count": "1", "match_0_object": "Contact", "match_0_name": "Ben Ruiz",
                              "match_0_reason": "exact phone"})
    );
    let answer = ask(json!({"Contact": ["*"], "Case": ["*"]}), by_phone()).await.unwrap();
    assert_eq!(answer["match_count"], "2");
    assert_eq!(answer["match_0_last_contact"], "2026-11-10");
    assert_eq!(answer["match_1_open_cases"], "2");
    let error = ask(json!({"Contact": ["*"]}), json!({"phone": "+14255550101", "objects": "Lead"})).await;
    assert_eq!(error.unwrap_err().code, DipCode::NotAllowed);
    // A word that stands in a field the key may not read finds nobody.
    let answer = ask(json!({"Case": ["CaseNumber"]}), json!({"text": "printer smokes"})).await.unwrap();
    assert_eq!(answer, json!({"match_count": "0"}));
}

#[tokio::test]
async fn what_cannot_be_understood_is_named_with_its_code() {
    let desk = desk().await;
    for wrong in [
        json!({"phone": "+14255550101", "email": "a@example.com"}),
        json!({"phone": "call me"}),
        json!({"phone": 5}),
        json!({"email": "nobody"}),
        json!({"text": "x".repeat(201)}),
        json!({"text": "anna", "limit": 11}),
        json!({"text": "anna", "limit": "many"}),
        json!({"text": "anna", "objects": "User"}),
        json!({"text": "anna", "objects": {}}),
        json!({"text": "anna", "fields": "Id"}),
    ] {
        let error = desk.ask(wrong.clone()).await.unwrap_err();
        assert_eq!(error.code, DipCode::InvalidParameter, "{wrong}");
        assert!(!error.detail.contains("4255550101") && !error.detail.contains("nobody"), "{}", error.detail);
    }
    assert!(desk.org.create("Contact", &fields(json!({"LastName": "Still there"}))).await.is_ok());
}
