use serde_json::{Value, json};
use tieline_core::{Comparison, Condition, ConnectorErrorKind, Crm, Paging, PhoneNumber, Query, RecordId};

use super::org::{calls, kind, org, page, problem};
use crate::stand_in::Reply;

fn phone(text: &str) -> PhoneNumber {
    PhoneNumber::parse(text, None).unwrap()
}

fn hit(object: &str, id: &str, name: &str, written: &str, modified: &str) -> Value {
    json!({"attributes": {"type": object}, "Id": id, "Name": name, "Phone": written,
           "LastModifiedDate": format!("{modified}T09:00:00.000+0000")})
}

#[tokio::test]
async fn one_search_finds_the_owners_of_many_numbers_and_drops_false_hits() {
    let (server, salesforce) = org(|_| {
        Reply::Json(
            200,
            json!({"searchRecords": [
                hit("Account", "001000000000001AAA", "Acme", "+12025550150", "2026-11-20"),
                hit("Contact", "003000000000001AAA", "Dana Moss", "(202) 555-0150", "2026-11-01"),
                hit("Contact", "003000000000002AAA", "Eli Moss", "202-555-0150", "2026-11-02"),
                hit("Lead", "00Q000000000001AAA", "Wei Zhang", "+44 20 7946 0018", "2026-11-03"),
                hit("Contact", "003000000000003AAA", "Somebody", "+33 2025550150", "2026-11-20"),
                hit("Contact", "003000000000004AAA", "Half", "2025550", "2026-11-20"),
            ]}),
        )
    })
    .await;

    let numbers = [phone("+12025550150"), phone("+442079460018"), phone("+12025550199")];
    let found = salesforce.find_by_phone(&numbers, 3).await.unwrap();

    let names: Vec<Vec<&str>> =
        found.iter().map(|list| list.iter().map(|party| party.name.as_str()).collect()).collect();
    assert_eq!(names, [vec!["Eli Moss", "Dana Moss", "Acme"], vec!["Wei Zhang"], vec![]]);
    assert_eq!(found[0][0].field.as_deref(), Some("Phone"));
    assert_eq!(calls(&server).len(), 1);
    assert!(calls(&server)[0].soql().starts_with("FIND {12025550150 OR 2025550150 OR 442079460018"));
}

#[tokio::test]
async fn nobody_is_asked_for_when_there_is_no_number() {
    let (server, salesforce) = org(|_| page(&json!([]))).await;
    assert!(salesforce.find_by_phone(&[], 5).await.unwrap().is_empty());
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_record_is_read_with_related_fields_and_an_unknown_one_is_none() {
    let (server, salesforce) = org(|request| {
        if request.soql().contains("003000000000001AAA") {
            page(&json!([{"attributes": {}, "Name": "Anna", "Account": {"attributes": {}, "Name": "Keller & Sons"}}]))
        } else {
            page(&json!([]))
        }
    })
    .await;
    let fields = ["Name".to_owned(), "Account.Name".to_owned()];
    let read = |id: &'static str| {
        let (salesforce, fields) = (salesforce.clone(), fields.clone());
        async move { salesforce.record("Contact", &RecordId::new(id).unwrap(), &fields).await }
    };
    let found = read("003000000000001AAA").await.unwrap().unwrap();
    assert_eq!(Value::Object(found), json!({"Name": "Anna", "Account": {"Name": "Keller & Sons"}}));
    assert_eq!(read("003000000000009AAA").await.unwrap(), None);
    assert_eq!(read("' OR Id != '").await.unwrap(), None);
    assert_eq!(calls(&server).len(), 2, "what cannot be an id is not asked for");
    assert_eq!(
        calls(&server)[0].soql(),
        "SELECT Name, Account.Name FROM Contact WHERE Id = '003000000000001AAA' LIMIT 1"
    );
}

fn everything(paging: Paging) -> Query {
    Query {
        object: "Case".into(),
        fields: vec!["Id".into()],
        conditions: vec![Condition {
            field: "Status".into(),
            comparison: Comparison::In(vec!["New".into(), "O'pen".into()]),
        }],
        limit: None,
        paging,
    }
}

/// Three pages of two rows.
fn three_pages(path: &str) -> Reply {
    let (from, next) = match path.rsplit('-').next() {
        Some("2") => (2, Some("/services/data/v62.0/query/01g-4")),
        Some("4") => (4, None),
        _ => (0, Some("/services/data/v62.0/query/01g-2")),
    };
    let rows = [json!({"attributes": {}, "Id": from}), json!({"attributes": {}, "Id": from + 1})];
    let mut body = json!({"totalSize": 6, "done": next.is_none(), "records": rows});
    if let Some(next) = next {
        body["nextRecordsUrl"] = next.into();
    }
    Reply::Json(200, body)
}

#[tokio::test]
async fn pages_are_followed_up_to_the_cap_and_the_total_is_the_org_s() {
    let (server, salesforce) = org(|request| three_pages(&request.path)).await;
    for (paging, rows, sent) in [
        (Paging::FirstPage, 2, 1),
        (Paging::UpTo(100), 6, 3),
        (Paging::UpTo(3), 3, 2),
        (Paging::UpTo(2), 2, 1),
    ] {
        let before = calls(&server).len();
        let found = salesforce.rows(&everything(paging)).await.unwrap();
        assert_eq!((found.rows.len(), found.total), (rows, 6), "{paging:?}");
        assert_eq!(calls(&server).len() - before, sent, "{paging:?}");
    }
    assert_eq!(calls(&server)[0].soql(), r"SELECT Id FROM Case WHERE Status IN ('New', 'O\'pen')");
}

#[tokio::test]
async fn the_next_page_is_never_fetched_from_another_place() {
    for next in [
        "https://evil.example.com/services/data/x",
        "//evil.example.com/",
        "/services/data/../../x",
        "/other",
    ] {
        let (server, salesforce) = org(move |_| {
            Reply::Json(200, json!({"totalSize": 9, "records": [{"Id": "1"}], "nextRecordsUrl": next}))
        })
        .await;
        assert!(salesforce.rows(&everything(Paging::UpTo(10))).await.is_err(), "{next}");
        assert_eq!(calls(&server).len(), 1);
    }
}

#[tokio::test]
async fn a_query_the_org_refuses_keeps_its_words() {
    let (_, salesforce) = org(|_| problem(400, "INVALID_FIELD", "No such column 'X'")).await;
    let ConnectorErrorKind::Rejected { status, code, message } =
        kind(salesforce.rows(&everything(Paging::FirstPage)).await)
    else {
        panic!("not a rejection")
    };
    assert_eq!((status, code.as_str(), message.as_str()), (400, "INVALID_FIELD", "No such column 'X'"));
}
