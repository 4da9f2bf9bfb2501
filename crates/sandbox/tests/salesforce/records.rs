use serde_json::json;

use crate::harness::Org;

#[tokio::test]
async fn a_record_is_created_read_changed_and_deleted() {
    let org = Org::start().await;

    let created = org.post("/sobjects/Contact", json!({"LastName": "Novak", "FirstName": "Eva"})).await;
    let id = created.id();
    assert_eq!(created.status, 201);
    assert_eq!(created.body, json!({"id": id, "success": true, "errors": []}));
    assert_eq!(created.headers["location"], format!("/services/data/v62.0/sobjects/Contact/{id}"));
    assert!(id.starts_with("003") && id.len() == 18);

    let read = org.get(&format!("/sobjects/Contact/{id}")).await;
    assert_eq!(read.body["Name"], "Eva Novak");
    assert_eq!(read.body["CreatedDate"], "2026-11-20T12:00:00.000+0000");
    assert_eq!(read.body["CreatedById"], "005000000000005AAA");
    assert_eq!(read.body["attributes"]["type"], "Contact");

    // The 15-character form names the same record.
    let short = &id[..15];
    assert_eq!(
        org.patch(&format!("/sobjects/Contact/{short}"), json!({"FirstName": null})).await.status,
        204
    );
    let some = org.get(&format!("/sobjects/Contact/{id}?fields=Name,FirstName,Account.Name")).await;
    assert_eq!(some.body["Name"], "Novak");
    assert_eq!(some.body["Account"], json!(null));

    assert_eq!(org.delete(&format!("/sobjects/Contact/{id}")).await.status, 204);
    let gone = org.get(&format!("/sobjects/Contact/{id}")).await;
    assert_eq!((gone.status.as_u16(), gone.code()), (404, "ENTITY_IS_DELETED"));
    assert_eq!(org.delete(&format!("/sobjects/Contact/{id}")).await.code(), "ENTITY_IS_DELETED");
}

#[tokio::test]
async fn wrong_records_are_refused_with_salesforces_codes_and_leave_nothing() {
    let org = Org::start().await;
    let before = (org.count("Contact").await, org.count("Task").await);

    for (object, body, status, code, field) in [
        ("Contact", json!({}), 400, "REQUIRED_FIELD_MISSING", "LastName"),
        ("Contact", json!({"LastName": "x".repeat(81)}), 400, "STRING_TOO_LONG", "LastName"),
        ("Contact", json!({"LastName": "A", "Nope": 1}), 400, "INVALID_FIELD", ""),
        ("Contact", json!({"LastName": "A", "Name": "B"}), 400, "INVALID_FIELD_FOR_INSERT_UPDATE", "Name"),
        ("Contact", json!({"LastName": "A", "Email": "x"}), 400, "INVALID_EMAIL_ADDRESS", "Email"),
        ("Contact", json!({"LastName": "A", "AccountId": "zzz"}), 400, "MALFORMED_ID", "AccountId"),
        (
            "Contact",
            json!({"LastName": "A", "AccountId": "001000000000zzz"}),
            400,
            "INVALID_CROSS_REFERENCE_KEY",
            "AccountId",
        ),
        ("Task", json!({"CallType": "Sideways"}), 400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "CallType"),
        ("Task", json!({"IsClosed": true}), 400, "INVALID_FIELD_FOR_INSERT_UPDATE", "IsClosed"),
        ("Task", json!({"ActivityDate": "tomorrow"}), 400, "JSON_PARSER_ERROR", ""),
        ("Nonsense__c", json!({}), 404, "NOT_FOUND", ""),
        ("Organization", json!({"Name": "x"}), 400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", ""),
    ] {
        let answer = org.post(&format!("/sobjects/{object}"), body.clone()).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (status, code), "{object} {body}");
        assert!(!answer.message().is_empty());
        assert_eq!(answer.body[0]["fields"][0].as_str().unwrap_or_default(), field, "{object} {body}");
    }
    assert_eq!(before, (org.count("Contact").await, org.count("Task").await));
}

#[tokio::test]
async fn bodies_and_addresses_that_cannot_be_understood_are_refused() {
    let org = Org::start().await;
    let contact = "003000000000001AAA";

    let broken =
        org.request(http::Method::POST, "/sobjects/Contact").body("{\"LastName\":").send().await.unwrap();
    assert_eq!(broken.status(), 400);
    assert!(broken.text().await.unwrap().contains("JSON_PARSER_ERROR"));

    for (method, path, status, code) in [
        ("GET", "/sobjects/Contact/xyz", 404, "NOT_FOUND"),
        ("GET", "/sobjects/Contact/003000000000zzzAAA", 404, "NOT_FOUND"),
        ("GET", "/sobjects/Account/003000000000001AAA", 400, "MALFORMED_ID"),
        ("GET", "/sobjects/Contact/Nope/1", 404, "NOT_FOUND"),
        ("GET", "/nothing", 404, "NOT_FOUND"),
        ("PUT", "/sobjects/Contact", 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/services/data/v39.0/query?q=x", 404, "NOT_FOUND"),
        ("GET", "/services/data/vx/query?q=x", 404, "NOT_FOUND"),
    ] {
        let answer = org.call(method.parse().unwrap(), path, json!(null)).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (status, code), "{method} {path}");
    }
    let with_id = org.patch(&format!("/sobjects/Contact/{contact}"), json!({"Id": contact})).await;
    assert_eq!(with_id.code(), "INVALID_FIELD");
}

#[tokio::test]
async fn upserting_by_external_id_creates_once_and_updates_afterwards() {
    let org = Org::start().await;
    let path = "/sobjects/Interaction__c/Key__c/demo%3Ac-1";

    let first = org.patch(path, json!({"Channel__c": "Voice", "Talk_Seconds__c": 12})).await;
    assert_eq!((first.status.as_u16(), &first.body["created"]), (201, &json!(true)));
    let second = org.patch(path, json!({"Talk_Seconds__c": 34})).await;
    assert_eq!((second.status.as_u16(), &second.body["created"]), (200, &json!(false)));
    assert_eq!(first.id(), second.id());
    // Before version 46 an update had no body.
    let old = org.patch(&format!("/services/data/v45.0{path}"), json!({"Talk_Seconds__c": 35})).await;
    assert_eq!((old.status.as_u16(), old.body), (204, json!(null)));

    let read = org.get(path).await;
    assert_eq!(read.body["Key__c"], "demo:c-1");
    assert_eq!(read.body["Talk_Seconds__c"], 35.0);
    assert_eq!(read.body["Name"], "INT-00000001");
    assert_eq!(org.count("Interaction__c").await, 1);

    assert_eq!(org.patch(path, json!({"Key__c": "other"})).await.code(), "INVALID_FIELD");
    assert_eq!(org.patch("/sobjects/Interaction__c/Queue__c/x", json!({})).await.status, 404);
    assert_eq!(org.delete(path).await.status, 204);
    assert_eq!(org.get(path).await.code(), "NOT_FOUND");
}

#[tokio::test]
async fn a_unique_key_is_held_by_one_record_and_its_case_matters() {
    let org = Org::start().await;
    let first = org.create("Interaction__c", json!({"Key__c": "demo:a"})).await;

    let again = org.post("/sobjects/Interaction__c", json!({"Key__c": "demo:a"})).await;
    assert_eq!((again.status.as_u16(), again.code()), (400, "DUPLICATE_VALUE"));
    assert!(again.message().contains(&first[..15]), "{}", again.message());

    org.create("Interaction__c", json!({"Key__c": "demo:A"})).await;
    assert_eq!(org.count("Interaction__c WHERE Key__c = 'demo:A'").await, 1);
}

#[tokio::test]
async fn fields_nobody_writes_follow_from_those_that_are_written() {
    let org = Org::start().await;
    let task = json!({"Subject": "Call", "WhoId": "003000000000001AAA", "CallType": "Inbound",
        "CallObject": "c-1", "CallDurationInSeconds": 42, "OwnerId": "005000000000001AAA"});
    let id = org.create("Task", task).await;

    let row = &org.rows("SELECT Status, IsClosed, Who.Name, Who.Type, Account.Name, Owner.Name, CompletedDateTime, CallDurationInSeconds FROM Task").await[0];
    assert_eq!(row["Status"], "Not Started");
    assert_eq!(row["IsClosed"], false);
    assert_eq!(row["Who"]["Name"], "Anna Keller");
    assert_eq!(row["Who"]["Type"], "Contact");
    assert_eq!(
        row["Who"]["attributes"],
        json!({"type": "Name", "url": "/services/data/v62.0/sobjects/Contact/003000000000001AAA"})
    );
    assert_eq!(row["Account"]["Name"], "Keller & Sons");
    assert_eq!(row["Owner"]["Name"], "Nora Quist");
    assert_eq!(row["CallDurationInSeconds"], 42);

    org.patch(&format!("/sobjects/Task/{id}"), json!({"Status": "Completed"})).await;
    let row = &org.rows("SELECT IsClosed, CompletedDateTime FROM Task").await[0];
    assert_eq!(row["IsClosed"], true);
    assert_eq!(row["CompletedDateTime"], "2026-11-20T12:00:00.000+0000");

    let case = org.create("Case", json!({"Subject": "x", "ContactId": "003000000000001AAA"})).await;
    let case = org.get(&format!("/sobjects/Case/{case}")).await;
    assert_eq!(case.body["CaseNumber"], "00001026");
    assert_eq!(case.body["AccountId"], "001000000000001AAA");
}

#[tokio::test]
async fn deleting_a_company_takes_its_people_and_lets_go_of_the_rest() {
    let org = Org::start().await;
    let key = json!({"Key__c": "k", "Contact__c": "003000000000001AAA", "Account__c": "001000000000001AAA"});
    let interaction = org.create("Interaction__c", key).await;

    assert_eq!(org.delete("/sobjects/Account/001000000000001AAA").await.status, 204);

    assert_eq!(org.get("/sobjects/Contact/003000000000001AAA").await.code(), "ENTITY_IS_DELETED");
    let read = org.get(&format!("/sobjects/Interaction__c/{interaction}")).await;
    assert_eq!((&read.body["Contact__c"], &read.body["Account__c"]), (&json!(null), &json!(null)));
}

#[tokio::test]
async fn a_parent_can_be_named_by_its_external_id() {
    let org = Org::start().await;
    let fields = json!({"Key__c": "k", "Contact__r": {"Id": "003000000000002AAA"}});
    let id = org.create("Interaction__c", fields).await;

    let read = org.get(&format!("/sobjects/Interaction__c/{id}?fields=Contact__r.Name")).await;

    assert_eq!(read.body["Contact__r"]["Name"], "Sean O'Neil");
    let unknown = json!({"Key__c": "l", "Contact__r": {"Email": "x@example.com"}});
    assert_eq!(org.post("/sobjects/Interaction__c", unknown).await.code(), "INVALID_FIELD");
}

#[tokio::test]
async fn describes_say_what_fields_there_are() {
    let org = Org::start().await;

    let all = org.get("/sobjects").await;
    let names: Vec<&str> =
        all.body["sobjects"].as_array().unwrap().iter().map(|o| o["name"].as_str().unwrap()).collect();
    for name in ["Account", "Contact", "Lead", "Case", "Task", "User", "Opportunity", "Interaction__c"] {
        assert!(names.contains(&name), "{name}");
    }

    let task = org.get("/sobjects/Task/describe").await;
    let field = |name: &str| {
        task.body["fields"].as_array().unwrap().iter().find(|f| f["name"] == name).cloned().unwrap()
    };
    assert_eq!(field("CallType")["type"], "picklist");
    assert_eq!(field("CallType")["restrictedPicklist"], true);
    assert_eq!(field("CallType")["picklistValues"][1]["value"], "Inbound");
    assert_eq!(field("IsClosed")["updateable"], false);
    assert_eq!(field("WhoId")["referenceTo"], json!(["Contact", "Lead"]));
    assert_eq!(field("CallObject")["length"], 255);
    let interaction = org.get("/sobjects/Interaction__c/describe").await;
    let key = interaction.body["fields"].as_array().unwrap().iter().find(|f| f["name"] == "Key__c").unwrap();
    assert_eq!(
        (&key["externalId"], &key["unique"], &key["idLookup"]),
        (&json!(true), &json!(true), &json!(true))
    );
    assert_eq!(interaction.body["keyPrefix"], "a00");
    let contact = org.get("/sobjects/Contact/describe").await;
    let children = contact.body["childRelationships"].as_array().unwrap();
    assert!(
        children
            .iter()
            .any(|c| c["childSObject"] == "Interaction__c" && c["relationshipName"] == "Interactions__r")
    );
}
