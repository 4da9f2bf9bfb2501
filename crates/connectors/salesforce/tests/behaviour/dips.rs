use std::sync::Arc;

use serde_json::{Value, json};
use tieline_bridge::dip::{Allowed, DipCode, DipError, DipSettings, Dips};
use tieline_salesforce::Salesforce;
use tieline_salesforce::legacy::Legacy;

use super::org::{calls, clock, org, page, problem};
use crate::stand_in::Reply;

fn event(parameters: &Value) -> Value {
    json!({"Details": {"ContactData": {"ContactId": "c-1"}, "Parameters": parameters}})
}

async fn ask(salesforce: &Salesforce, parameters: Value) -> Result<Value, DipError> {
    let dips = Dips::new(Arc::new(salesforce.clone()), clock(), DipSettings::default());
    dips.answer(&event(&parameters), &Allowed::everything()).await
}

fn contact() -> Value {
    json!({"attributes": {"type": "Contact"}, "Id": "003000000000001AAA", "Name": "Sean O'Neil", "Age__c": 41,
           "Email": null, "Account": {"attributes": {"type": "Account"}, "Name": "Acme"}})
}

#[tokio::test]
async fn a_lookup_answers_flat_text_with_the_true_total() {
    let (server, salesforce) = org(|_| {
        Reply::Json(
            200,
            json!({"totalSize": 4711, "done": false, "records": [contact()],
                                "nextRecordsUrl": "/services/data/v62.0/query/01g-1"}),
        )
    })
    .await;
    let lookup = |shape: &str| {
        json!({"sf_operation": "lookup", "sf_object": "Contact", "sf_fields": "Id,Name,Email,Age__c,Account.Name",
               "LastName": "O'Neil", "shape": shape})
    };
    assert_eq!(
        ask(&salesforce, lookup("flat")).await.unwrap(),
        json!({"Id": "003000000000001AAA", "Name": "Sean O'Neil", "Age__c": "41", "Account.Name": "Acme",
               "sf_count": "4711"})
    );
    assert_eq!(
        calls(&server)[0].soql(),
        r"SELECT Id, Name, Email, Age__c, Account.Name FROM Contact WHERE LastName = 'O\'Neil'"
    );
    assert_eq!(calls(&server).len(), 1);
    let nested = ask(&salesforce, lookup("nested")).await.unwrap();
    assert_eq!(nested["Account"]["Name"], "Acme");
    assert_eq!(nested["Age__c"], 41);
}

#[tokio::test]
async fn a_caller_s_words_never_change_a_query_in_either_mode() {
    let (server, salesforce) = org(|_| page(&json!([]))).await;
    let legacy = Legacy::new(salesforce.clone(), clock());
    let attack = "x' OR Id!='";
    let query =
        json!({"sf_operation": "query", "query": "select Id from Contact where Name='nm'", "nm": attack});
    let lookup = json!({"sf_operation": "lookup", "sf_object": "Contact", "sf_fields": "Id",
                        "LastName": "x' OR Name LIKE '"});
    for parameters in [&query, &lookup] {
        ask(&salesforce, parameters.clone()).await.unwrap();
        legacy.answer(&event(parameters)).await.unwrap();
    }
    let sent: Vec<String> = calls(&server).iter().map(|call| call.soql().to_owned()).collect();
    assert_eq!(
        sent,
        [
            r"select Id from Contact where Name='x\' OR Id!=\''",
            r"select Id from Contact where Name='x\' OR Id!=\''",
            r"SELECT Id FROM Contact WHERE LastName = 'x\' OR Name LIKE \''",
            r"SELECT Id FROM Contact WHERE LastName='x\' OR Name LIKE \''",
        ]
    );

    let bare =
        json!({"sf_operation": "query", "query": "select Id from Contact where Id = nm", "nm": attack});
    assert_eq!(ask(&salesforce, bare.clone()).await.unwrap_err().code, DipCode::UnsafeValue);
    assert!(legacy.answer(&event(&bare)).await.unwrap_err().message.contains("dip.unsafe_value"));
    assert_eq!(calls(&server).len(), 4, "nothing unsafe was sent");
}

#[tokio::test]
async fn a_query_reads_every_page_in_both_modes() {
    let (_, salesforce) = org(|request| {
        if request.path.ends_with("01g-1") {
            Reply::Json(
                200,
                json!({"totalSize": 2, "done": true, "records": [{"attributes": {}, "Id": "b"}]}),
            )
        } else {
            Reply::Json(
                200,
                json!({"totalSize": 2, "done": false, "records": [{"attributes": {}, "Id": "a"}],
                                    "nextRecordsUrl": "/services/data/v62.0/query/01g-1"}),
            )
        }
    })
    .await;
    let query = json!({"sf_operation": "query", "query": "select Id from Task"});
    assert_eq!(
        ask(&salesforce, query.clone()).await.unwrap(),
        json!({"sf_records_0_Id": "a", "sf_records_1_Id": "b", "sf_count": "2"})
    );
    let legacy = Legacy::new(salesforce, clock()).answer(&event(&query)).await.unwrap();
    assert_eq!(legacy, json!({"sf_records_0_Id": "a", "sf_records_1_Id": "b", "sf_count": 2}));
}

#[tokio::test]
async fn a_count_is_the_org_s_in_both_modes() {
    let (_, salesforce) =
        org(|_| Reply::Json(200, json!({"totalSize": 17, "done": true, "records": []}))).await;
    let query = json!({"sf_operation": "query", "query": "select COUNT() from Task"});
    assert_eq!(ask(&salesforce, query.clone()).await.unwrap(), json!({"sf_count": "17"}));
    let legacy = Legacy::new(salesforce, clock()).answer(&event(&query)).await.unwrap();
    assert_eq!(legacy, json!({"sf_count": 17}));
}

#[tokio::test]
async fn a_phone_lookup_asks_once_when_the_best_owner_is_a_contact() {
    let (server, salesforce) = org(|_| {
        Reply::Json(200, json!({"searchRecords": [
            {"attributes": {"type": "Account"}, "Id": "001000000000001AAA", "Name": "Acme", "Phone": "+12025550143"},
            {"attributes": {"type": "Contact"}, "Id": "003000000000001AAA", "Name": "Anna Keller",
             "MobilePhone": "(202) 555-0143", "Email": "anna@example.com", "Account": {"Name": "Acme"}}]}))
    })
    .await;
    let phone = json!({"sf_operation": "phoneLookup", "sf_phone": "+12025550143",
                       "sf_fields": "Id, Email, Account.Name"});
    assert_eq!(
        ask(&salesforce, phone).await.unwrap(),
        json!({"Id": "003000000000001AAA", "Email": "anna@example.com", "Account.Name": "Acme", "sf_count": "2"})
    );
    assert_eq!(calls(&server).len(), 1);
}

#[tokio::test]
async fn a_phone_lookup_of_a_company_reads_those_fields_it_has() {
    let (server, salesforce) = org(|request| {
        if request.path.ends_with("/search") {
            Reply::Json(200, json!({"searchRecords": [
                {"attributes": {"type": "Account"}, "Id": "001000000000001AAA", "Name": "Acme", "Phone": "+12025550143"}]}))
        } else if request.path.ends_with("/describe") {
            Reply::Json(200, json!({"fields": [{"name": "Id"}, {"name": "Name"},
                                               {"name": "OwnerId", "relationshipName": "Owner"}]}))
        } else {
            page(&json!([{"attributes": {}, "Id": "001000000000001AAA", "Owner": {"Name": "Bo"}}]))
        }
    })
    .await;
    let phone = json!({"sf_operation": "phoneLookup", "sf_phone": "+12025550143",
                       "sf_fields": "Id, Email, Owner.Name, Account.Name"});
    assert_eq!(
        ask(&salesforce, phone).await.unwrap(),
        json!({"Id": "001000000000001AAA", "Owner.Name": "Bo", "sf_count": "1"})
    );
    assert!(calls(&server)[2].soql().starts_with("SELECT Id, Owner.Name FROM Account"));
}

#[tokio::test]
async fn a_withheld_number_is_nobody_s_and_costs_no_call() {
    let (server, salesforce) = org(|_| page(&json!([]))).await;
    for withheld in ["anonymous", "restricted", ""] {
        let phone = json!({"sf_operation": "phoneLookup", "sf_phone": withheld, "sf_fields": "Id"});
        assert_eq!(ask(&salesforce, phone).await.unwrap(), json!({"sf_count": "0"}));
    }
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_create_answers_the_id_and_what_the_org_refuses_keeps_its_words() {
    let (server, salesforce) = org(|request| {
        if request.path.ends_with("/Case") {
            Reply::Json(201, json!({"id": "500000000000001AAA", "success": true, "errors": []}))
        } else {
            problem(400, "REQUIRED_FIELD_MISSING", "Required fields are missing: [Name]")
        }
    })
    .await;
    let create = |object: &str| json!({"sf_operation": "create", "sf_object": object, "Subject": "Billing\u{202e}\u{0} | Refund"});
    assert_eq!(ask(&salesforce, create("Case")).await.unwrap(), json!({"Id": "500000000000001AAA"}));
    let sent = calls(&server)[0].json();
    assert_eq!(sent, json!({"Subject": "Billing | Refund"}), "without what deceives the eye");
    let error = ask(&salesforce, create("Account")).await.unwrap_err();
    assert_eq!(error.code, DipCode::CrmRejected);
    assert_eq!(error.detail, "REQUIRED_FIELD_MISSING: Required fields are missing: [Name] (status 400)");
    let climbing = ask(&salesforce, create("../Case")).await.unwrap_err();
    assert_eq!(climbing.code, DipCode::UnsafeValue);
}

#[tokio::test]
async fn a_bound_key_s_statement_is_held_to_what_it_names_in_both_manners() {
    let (server, salesforce) = org(|_| page(&json!([]))).await;
    let allowed = Allowed {
        operations: vec!["dips:query".into()],
        objects: Some(serde_json::from_value(json!({"Contact": ["Id", "Name", "Account.Name"]})).unwrap()),
    };
    let fronts: [Arc<dyn tieline_bridge::dip::DipTarget>; 2] =
        [Arc::new(salesforce.clone()), Arc::new(Legacy::new(salesforce.clone(), clock()))];
    for front in fronts {
        let dips = Dips::new(front, clock(), DipSettings::default());
        let ask = async |query: &str, value: &str| {
            let parameters = json!({"sf_operation": "query", "query": query, "zz": value});
            dips.answer(&event(&parameters), &allowed).await.map_err(|error| error.code)
        };
        assert!(ask("select Id, Account.Name from Contact where Name = 'zz'", "Birthdate").await.is_ok());
        for (query, value) in [
            ("select Id, Birthdate from Contact where Name = 'zz'", "x"),
            ("select Id from Contact where Birthdate = 2000-01-01 and Name = 'zz'", "x"),
            ("select Id, (select Id from Cases) from Contact where Name = 'zz'", "x"),
            ("select Id from Contact where Id in (select ContactId from Case where Subject = 'zz')", "x"),
            // A value may be a name where the author put it in a name's place.
            ("select zz from Contact", "Birthdate"),
            ("select Id from zz", "User"),
            ("select typeof Account when Account then Phone end from Contact", "x"),
        ] {
            assert_eq!(ask(query, value).await, Err(DipCode::NotAllowed), "{query}");
        }
    }
    assert_eq!(calls(&server).len(), 2);
}

#[tokio::test]
async fn what_was_asked_lately_is_not_asked_again_until_a_create_changes_it() {
    use tieline_bridge::dip::recent::{Recent, RecentSettings, Recents};
    let (server, salesforce) = org(|request| {
        if request.method == "POST" {
            return Reply::Json(201, json!({"id": "003000000000009AAA", "success": true, "errors": []}));
        }
        page(&json!([contact()]))
    })
    .await;
    let recents = Arc::new(Recents::default());
    let dips = Dips::new(Arc::new(salesforce), clock(), DipSettings::default())
        .remembering(Some(Recent::new(RecentSettings::default())), &recents);
    let ask =
        async |parameters: Value, allowed: &Allowed| dips.answer(&event(&parameters), allowed).await.unwrap();
    let all = Allowed::everything();
    let lookup = |deadline: u32| {
        json!({"operation": "lookup", "object": "Contact", "fields": "Id, Name", "LastName": "O'Neil",
               "deadline_ms": deadline})
    };
    let first = ask(lookup(1_000), &all).await;
    assert_eq!(ask(lookup(2_000), &all).await, first, "how long a flow waits is no part of the question");
    assert_eq!(calls(&server).len(), 1);
    let bound = Allowed {
        operations: vec!["dips:*".into()],
        objects: Some(serde_json::from_value(json!({"Contact": ["*"]})).unwrap()),
    };
    ask(lookup(1_000), &bound).await;
    assert_eq!(calls(&server).len(), 2, "another key's rights are another question");
    ask(json!({"operation": "create", "object": "Case", "Subject": "x"}), &all).await;
    ask(lookup(1_000), &all).await;
    assert_eq!(calls(&server).len(), 3, "a case is no contact");
    ask(json!({"operation": "create", "object": "Contact", "LastName": "O'Neil"}), &all).await;
    ask(lookup(1_000), &all).await;
    assert_eq!(calls(&server).len(), 5);
    let counts = dips.remembered().unwrap();
    assert_eq!((counts.hits, counts.misses, counts.stale), (2, 3, 0));
}

#[tokio::test]
async fn what_an_org_in_trouble_says_of_the_caller_is_left_out_as_well() {
    let (_server, salesforce) =
        org(|_| problem(503, "SERVER_UNAVAILABLE", "no answer for '+12025550143' of Keller")).await;
    let lookup = json!({"sf_operation": "lookup", "sf_object": "Contact", "sf_fields": "Id",
                        "LastName": "Keller", "Phone": "+12025550143"});
    let error = ask(&salesforce, lookup.clone()).await.unwrap_err();
    assert_eq!(error.code, DipCode::CrmUnavailable);
    let said = "the CRM failed with status 503: SERVER_UNAVAILABLE: no answer for '…' of …";
    assert_eq!(error.detail, said);
    let legacy = Dips::new(Arc::new(Legacy::new(salesforce, clock())), clock(), DipSettings::default());
    let error = legacy.answer(&event(&lookup), &Allowed::everything()).await.unwrap_err();
    assert!(!error.detail.contains("2025550143"), "{}", error.detail);
}
