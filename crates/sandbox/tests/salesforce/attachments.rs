use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use serde_json::{Value, json};

use crate::harness::Org;

const SAID: &[u8] = b"{\"said\": \"Gr\xc3\xbc\xc3\x9fe\"}";

fn transcript(parent: &str) -> Value {
    json!({
        "ParentId": parent, "Name": "Transcript", "ContentType": "application/json",
        "Description": "What was said", "Body": STANDARD.encode(SAID),
    })
}

async fn bytes(org: &Org, path: &str) -> (Option<String>, Vec<u8>) {
    let response = org.request(Method::GET, path).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let kind = response.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
    (kind, response.bytes().await.unwrap().to_vec())
}

#[tokio::test]
async fn a_file_stands_with_its_record_and_its_bytes_have_an_address() {
    let org = Org::start().await;
    let parent = org.create("AC_ContactChannelAnalytics__c", json!({"ContactId__c": "c-1"})).await;

    let id = org.create("Attachment", transcript(&parent)).await;

    assert!(id.starts_with("00P"), "{id}");
    let soql = format!(
        "SELECT Id, Name, Body, BodyLength, Parent.Name FROM Attachment WHERE ParentId = '{parent}' AND Name = 'Transcript'"
    );
    let row = org.rows(&soql).await.remove(0);
    let address = format!("/services/data/v62.0/sobjects/Attachment/{id}/Body");
    assert_eq!((&row["Body"], &row["BodyLength"]), (&json!(address), &json!(SAID.len())));
    let read = org.get(&format!("/sobjects/Attachment/{id}")).await.body;
    assert_eq!(
        (&read["Body"], &read["IsPrivate"], &read["OwnerId"]),
        (&json!(address), &json!(false), &json!("005000000000005AAA"))
    );
    assert_eq!(bytes(&org, &address).await, (Some("application/json".into()), SAID.to_vec()));
}

#[tokio::test]
async fn a_file_is_replaced_and_goes_with_its_record() {
    let org = Org::start().await;
    let case = org.create("Case", json!({"Subject": "Bill"})).await;
    let id = org.create("Attachment", transcript(&case)).await;
    let one = format!("/sobjects/Attachment/{id}");

    let change = json!({"Name": "Key phrases", "Description": null, "ContentType": null, "Body": "WzFd"});
    assert_eq!(org.patch(&one, change).await.status, 204);

    let read = org.get(&one).await.body;
    assert_eq!((&read["Name"], &read["BodyLength"]), (&json!("Key phrases"), &json!(3)));
    let octets = Some("application/octet-stream".to_owned());
    assert_eq!(bytes(&org, &format!("{one}/Body")).await, (octets, b"[1]".to_vec()));
    assert_eq!(org.patch(&one, json!({"ParentId": case})).await.code(), "INVALID_FIELD_FOR_INSERT_UPDATE");

    org.delete(&format!("/sobjects/Case/{case}")).await;
    assert_eq!(org.get(&format!("{one}/Body")).await.code(), "ENTITY_IS_DELETED");
}

#[tokio::test]
async fn files_are_made_together_with_others() {
    let org = Org::start().await;
    let case = org.create("Case", json!({"Subject": "Bill"})).await;
    let file = |name: &str| {
        let mut file = transcript(&case);
        file["attributes"] = json!({"type": "Attachment"});
        file["Name"] = json!(name);
        file
    };

    let made = org.post("/composite/sobjects", json!({"records": [file("a"), file("b")]})).await;

    assert!(made.body.as_array().unwrap().iter().all(|row| row["success"] == true), "{made:?}");
    let texts = org.texts("SELECT Name FROM Attachment WHERE Name IN ('a', 'b') ORDER BY Name", "Name").await;
    assert_eq!(texts, ["a", "b"]);
}

#[tokio::test]
async fn what_is_no_file_is_refused() {
    let org = Org::start().await;
    let case = org.create("Case", json!({"Subject": "Bill"})).await;
    let user = "005000000000001AAA";
    let with = |change: Value| {
        let mut file = transcript(&case);
        file.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        file
    };
    let too_large = "AAAA".repeat(25 * 1024 * 1024 / 3 + 1);
    for (change, code) in [
        (json!({"Body": "not base64!"}), "JSON_PARSER_ERROR"),
        (json!({"Body": {}}), "JSON_PARSER_ERROR"),
        (json!({"Body": ""}), "REQUIRED_FIELD_MISSING"),
        (json!({"Name": null}), "REQUIRED_FIELD_MISSING"),
        (json!({"ParentId": null}), "REQUIRED_FIELD_MISSING"),
        (json!({"ParentId": user}), "FIELD_INTEGRITY_EXCEPTION"),
        (json!({"ParentId": "500000000000zzz"}), "INVALID_CROSS_REFERENCE_KEY"),
        (json!({"BodyLength": 1}), "INVALID_FIELD_FOR_INSERT_UPDATE"),
        (json!({"Description": "x".repeat(501)}), "STRING_TOO_LONG"),
        (json!({"Body": too_large}), "STRING_TOO_LONG"),
    ] {
        let refused = org.post("/sobjects/Attachment", with(change)).await;
        assert_eq!((refused.status.as_u16(), refused.code()), (400, code), "{}", refused.message());
    }
    let words = org.post("/sobjects/Attachment", with(json!({"Body": "?"}))).await;
    let start = "Cannot deserialize instance of base64 from VALUE_STRING value ?";
    assert!(words.message().starts_with(start), "{words:?}");
    let filtered = org.query("SELECT Id FROM Attachment WHERE Body = 'x'").await;
    assert_eq!(filtered.code(), "INVALID_FIELD");
    assert_eq!(org.count("Attachment").await, 0);
}

#[tokio::test]
async fn a_request_over_fifty_megabytes_is_refused() {
    let org = Org::start().await;

    let refused = org.post("/sobjects/Attachment", json!({"Body": "A".repeat(50 * 1024 * 1024)})).await;

    assert_eq!((refused.status.as_u16(), refused.code()), (400, "JSON_PARSER_ERROR"));
    assert!(refused.message().ends_with("is 52428800 bytes."), "{refused:?}");
}

#[tokio::test]
async fn the_description_tells_of_files() {
    let org = Org::start().await;

    let described = org.get("/sobjects/Attachment/describe").await.body;

    assert_eq!(described["keyPrefix"], "00P");
    let fields = described["fields"].as_array().unwrap();
    let field = |name: &str| fields.iter().find(|field| field["name"] == name).unwrap();
    let body = field("Body");
    assert_eq!((&body["type"], &body["soapType"]), (&json!("base64"), &json!("xsd:base64Binary")));
    assert_eq!((&body["filterable"], &body["nillable"]), (&json!(false), &json!(false)));
    let parents = field("ParentId")["referenceTo"].as_array().unwrap();
    assert!(parents.contains(&json!("Task")) && parents.contains(&json!("AC_ContactChannelAnalytics__c")));
}
