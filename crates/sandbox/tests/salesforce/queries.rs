use http::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Org};

#[tokio::test]
async fn the_seed_is_what_the_guides_say() {
    let org = Org::start().await;

    for (object, count) in [
        ("Account", 12),
        ("Contact", 40),
        ("Lead", 8),
        ("Case", 25),
        ("Task", 0),
        ("User", 5),
        ("Interaction__c", 0),
    ] {
        assert_eq!(org.count(object).await, count, "{object}");
    }
    let anna =
        &org.rows("SELECT Id, MobilePhone, Account.Name FROM Contact WHERE Name = 'Anna Keller'").await[0];
    assert_eq!(anna["Id"], "003000000000001AAA");
    assert_eq!(anna["MobilePhone"], "+12025550143");
    assert_eq!(anna["Account"]["Name"], "Keller & Sons");
    let case = &org.rows("SELECT CaseNumber, IsClosed FROM Case WHERE Contact.Name = 'Anna Keller'").await;
    assert_eq!(case.len(), 1);
    assert_eq!((&case[0]["CaseNumber"], &case[0]["IsClosed"]), (&json!("00001001"), &json!(false)));
    assert_eq!(
        org.texts("SELECT Name FROM Contact WHERE Phone = '+12025550150'", "Name").await,
        ["Dana Moss", "Eli Moss"]
    );
    assert_eq!(
        org.texts("SELECT Phone FROM Contact WHERE Name LIKE 'Giulia%'", "Phone").await,
        ["+39 06 5550 0123"]
    );
    assert_eq!(
        org.texts("SELECT Phone FROM Lead WHERE Name = 'Wei Zhang'", "Phone").await,
        ["+442079460018"]
    );
    let odd = &org.rows("SELECT Title FROM Contact WHERE LastName = '=SUM(A1)'").await[0];
    assert_eq!(odd["Title"], "<img src=x onerror=alert(1)>");
    let users = org.texts("SELECT Id, Username FROM User ORDER BY Id", "Username").await;
    assert_eq!(users[0], "nora.quist@example.com");
    assert_eq!(users[4], "integration@example.com");
    let organization = &org.rows("SELECT Id FROM Organization").await[0];
    assert_eq!(organization["Id"], "00D000000000001AAA");
}

#[tokio::test]
async fn the_same_seed_makes_the_same_world_and_another_makes_another() {
    let (one, two) = (Org::start().await, Org::start().await);
    let all = "SELECT Id, Name, Phone, MobilePhone, Email, AccountId FROM Contact";
    let first = one.rows(all).await;

    assert_eq!(first, two.rows(all).await);
    assert_eq!(two.control("reset", json!({"seed": 2})).await.status, 200);
    let other = two.rows(all).await;
    assert_eq!((other.len(), &other[0]), (40, &first[0]));
    assert_ne!(first, other);
}

#[tokio::test]
async fn all_numbers_of_the_seed_are_fiction_and_only_the_intended_are_shared() {
    let org = Org::start().await;
    let mut seen = std::collections::HashMap::new();
    for object in ["Account", "Contact", "Lead"] {
        let mobile = if object == "Account" { "" } else { ", MobilePhone" };
        for row in org.rows(&format!("SELECT Name, Phone{mobile} FROM {object}")).await {
            for field in ["Phone", "MobilePhone"] {
                let Some(number) = row[field].as_str() else { continue };
                let digits: String = number.chars().filter(char::is_ascii_digit).collect();
                let fiction =
                    digits.contains("55501") || digits.contains("2079460") || digits == "390655500123";
                assert!(fiction, "{number}");
                let national = digits[digits.len().saturating_sub(10)..].to_owned();
                *seen.entry(national).or_insert(0) += 1;
            }
        }
    }
    let shared: Vec<_> =
        seen.iter().filter(|(_, times)| **times > 1).map(|(number, _)| number.as_str()).collect();
    assert_eq!(shared, ["2025550150"]);
}

#[tokio::test]
async fn conditions_choose_the_rows_salesforce_would() {
    let org = Org::start().await;
    for (name, amount, close, next) in [
        ("Alpha", json!(100), "2026-11-20", json!("call")),
        ("Beta", json!(200.5), "2026-11-19", json!(null)),
        ("Gamma", json!(null), "2026-12-24", json!("Call back")),
        ("O'Hara 100%", json!(-5), "2025-01-31", json!("wait_here")),
    ] {
        let fields = json!({"Name": name, "Amount": amount, "CloseDate": close, "StageName": "Prospecting", "NextStep": next});
        org.create("Opportunity", fields).await;
    }
    for (condition, expected) in [
        ("Amount = 100", "Alpha"),
        ("Amount > 100", "Beta"),
        ("Amount >= 100", "Alpha Beta"),
        ("Amount < 0", "O'Hara 100%"),
        ("Amount = null", "Gamma"),
        ("Amount != null", "Alpha Beta O'Hara 100%"),
        // Null is not 100, so it is found.
        ("Amount != 100", "Beta Gamma O'Hara 100%"),
        ("NOT Amount = 100", "Beta Gamma O'Hara 100%"),
        ("NOT Amount > 100", "Alpha Gamma O'Hara 100%"),
        ("Amount IN (100, 200.5)", "Alpha Beta"),
        ("Amount NOT IN (100, 200.5)", "Gamma O'Hara 100%"),
        ("Amount IN (100, null)", "Alpha Gamma"),
        ("Name = 'alpha'", "Alpha"),
        ("Name = 'O\\'Hara 100%'", "O'Hara 100%"),
        ("Name LIKE '%100\\%'", "O'Hara 100%"),
        ("Name LIKE '_eta'", "Beta"),
        ("Name LIKE 'a%' OR Name LIKE 'g%'", "Alpha Gamma"),
        ("NextStep LIKE 'call%'", "Alpha Gamma"),
        ("NOT NextStep LIKE 'call%'", "Beta O'Hara 100%"),
        ("NextStep LIKE 'wait\\_%'", "O'Hara 100%"),
        ("NextStep = ''", "Beta"),
        ("(Amount > 0 AND NextStep = null) OR Name = 'Gamma'", "Beta Gamma"),
        ("NOT (Amount > 0 AND NextStep = null)", "Alpha Gamma O'Hara 100%"),
        ("CloseDate = TODAY", "Alpha"),
        ("CloseDate = YESTERDAY", "Beta"),
        ("CloseDate = THIS_WEEK", "Alpha Beta"),
        ("CloseDate = LAST_N_DAYS:1", "Alpha Beta"),
        ("CloseDate = NEXT_N_DAYS:60", "Gamma"),
        ("CloseDate > TODAY", "Gamma"),
        ("CloseDate < TODAY", "Beta O'Hara 100%"),
        ("CloseDate = LAST_YEAR", "O'Hara 100%"),
        ("CloseDate IN (TODAY, 2025-01-31)", "Alpha O'Hara 100%"),
        ("CloseDate >= 2026-12-01", "Gamma"),
        ("CreatedDate = TODAY", "Alpha Beta Gamma O'Hara 100%"),
        ("CreatedDate > 2026-11-20T12:59:59+01:00", "Alpha Beta Gamma O'Hara 100%"),
        ("CreatedDate > 2026-11-20T12:00:00Z", ""),
        ("IsClosed = false", "Alpha Beta Gamma O'Hara 100%"),
        ("IsWon = TRUE", ""),
        ("AccountId = null AND Account.Name = null", "Alpha Beta Gamma O'Hara 100%"),
    ] {
        let soql = format!("SELECT Name FROM Opportunity WHERE {condition} ORDER BY Name");
        assert_eq!(org.texts(&soql, "Name").await.join(" "), expected, "{condition}");
    }
}

#[tokio::test]
async fn parents_are_read_over_several_levels_and_under_any_of_their_names() {
    let org = Org::start().await;
    org.create("Interaction__c", json!({"Key__c": "k", "Contact__c": "003000000000001AAA"})).await;

    let row = &org
        .rows("SELECT i.Key__c, Contact__r.Account.Owner.Name, Interaction__c.Contact__r.Name, Lead__r.Name FROM Interaction__c i WHERE Contact__r.Account.Name LIKE 'keller%'")
        .await[0];

    assert_eq!(row["Contact__r"]["Account"]["attributes"]["type"], "Account");
    assert!(row["Contact__r"]["Account"]["Owner"]["Name"].is_string());
    assert_eq!(row["Contact__r"]["Name"], "Anna Keller");
    assert_eq!(row["Lead__r"], Value::Null);
}

#[tokio::test]
async fn ids_of_another_object_are_found_by_a_query_inside() {
    let org = Org::start().await;

    let names = org
        .texts(
            "SELECT Name FROM Account WHERE Id IN (SELECT AccountId FROM Contact WHERE LastName = 'Moss')",
            "Name",
        )
        .await;
    let without =
        org.count("Account WHERE Id NOT IN (SELECT AccountId FROM Contact WHERE LastName = 'Moss')").await;

    assert_eq!((names.len(), without), (1, 11));
}

#[tokio::test]
async fn rows_are_sorted_limited_and_skipped() {
    let org = Org::start().await;

    let nulls_first = org.rows("SELECT MobilePhone FROM Contact ORDER BY MobilePhone DESC").await;
    assert_eq!(nulls_first[0]["MobilePhone"], Value::Null);
    let nulls_last = org.rows("SELECT MobilePhone FROM Contact ORDER BY MobilePhone NULLS LAST").await;
    assert!(nulls_last[0]["MobilePhone"].is_string());
    assert_eq!(nulls_last[39]["MobilePhone"], Value::Null);

    let all = org.texts("SELECT Name FROM Account ORDER BY Name", "Name").await;
    let part = org.texts("SELECT Name FROM Account ORDER BY Name ASC LIMIT 3 OFFSET 2", "Name").await;
    assert_eq!(part, all[2..5]);
    assert_eq!(org.query("SELECT Id FROM Account OFFSET 2001").await.code(), "NUMBER_OUTSIDE_VALID_RANGE");
}

#[tokio::test]
async fn rows_are_counted_and_grouped() {
    let org = Org::start().await;

    let bare = org.query("SELECT COUNT() FROM Contact WHERE LastName = 'Moss'").await;
    assert_eq!(bare.body, json!({"totalSize": 2, "done": true, "records": []}));
    assert_eq!(org.query("SELECT COUNT() FROM Contact LIMIT 7").await.body["totalSize"], 7);

    let named = &org.rows("SELECT COUNT(Id) people, COUNT_DISTINCT(AccountId) FROM Contact").await[0];
    assert_eq!(named["attributes"], json!({"type": "AggregateResult"}));
    assert_eq!((&named["people"], named["expr0"].is_number()), (&json!(40), true));

    let grouped = org
        .rows("SELECT Status, COUNT(Id) n FROM Case GROUP BY Status HAVING COUNT(Id) > 0 ORDER BY COUNT(Id) DESC")
        .await;
    assert_eq!(grouped.iter().map(|row| row["n"].as_u64().unwrap()).sum::<u64>(), 25);
    assert!(grouped[0]["n"].as_u64() >= grouped[1]["n"].as_u64());
    assert_eq!(org.query("SELECT Name, COUNT(Id) FROM Account").await.code(), "MALFORMED_QUERY");
}

#[tokio::test]
async fn deleted_rows_are_found_by_query_all_only() {
    let org = Org::start().await;
    let id = org.create("Lead", json!({"LastName": "Gone", "Company": "x"})).await;
    org.delete(&format!("/sobjects/Lead/{id}")).await;
    let soql = "SELECT Id, IsDeleted FROM Lead WHERE LastName = 'Gone'";

    assert!(org.rows(soql).await.is_empty());
    let all = org.request(Method::GET, "/queryAll").query(&[("q", soql)]).send().await.unwrap();
    assert_eq!(Answer::read(all).await.body["records"][0]["IsDeleted"], true);
}

#[tokio::test]
async fn long_answers_come_in_pages() {
    let org = Org::start().await;
    org.control("settings", json!({"page_size": 15})).await;

    let first = org.query("SELECT Id FROM Contact ORDER BY Id").await;
    assert_eq!((&first.body["totalSize"], &first.body["done"]), (&json!(40), &json!(false)));
    let mut ids: Vec<Value> = first.body["records"].as_array().unwrap().clone();
    let mut next = first.body["nextRecordsUrl"].as_str().map(str::to_owned);
    // What happens meanwhile does not shift the pages.
    org.create("Contact", json!({"LastName": "Later"})).await;
    let mut pages = 1;
    while let Some(url) = next {
        let page = org.get(&url).await;
        ids.extend(page.body["records"].as_array().unwrap().clone());
        next = page.body["nextRecordsUrl"].as_str().map(str::to_owned);
        assert_eq!(page.body["done"], json!(next.is_none()));
        pages += 1;
    }
    assert_eq!((pages, ids.len()), (3, 40));
    ids.dedup();
    assert_eq!(ids.len(), 40);

    assert_eq!(org.get("/query/01g000000000099-2000").await.code(), "INVALID_QUERY_LOCATOR");
    // A request may ask for pages of 200 to 2,000.
    let request = org
        .request(Method::GET, "/query?q=SELECT+Id+FROM+Contact")
        .header("Sforce-Query-Options", "batchSize=10");
    assert_eq!(Answer::read(request.send().await.unwrap()).await.body["done"], true);
}

#[tokio::test]
async fn mistakes_are_told_with_their_code_and_place() {
    let org = Org::start().await;
    for (soql, code, part) in [
        ("SELECT Id FROM Nope", "INVALID_TYPE", "sObject type 'Nope' is not supported"),
        ("SELECT Nope FROM Contact", "INVALID_FIELD", "No such column 'Nope' on entity 'Contact'"),
        ("SELECT Nope.Name FROM Contact", "INVALID_FIELD", "Didn't understand relationship 'Nope'"),
        ("SELECT Id FROM Contact WHERE Nope = 1", "INVALID_FIELD", "No such column"),
        ("SELECT Id FROM", "MALFORMED_QUERY", "unexpected token: '<EOF>'"),
        ("SELECT FROM Contact", "MALFORMED_QUERY", "unexpected token"),
        ("", "MALFORMED_QUERY", "unexpected token"),
        ("SELECT Id, Id FROM Contact", "MALFORMED_QUERY", "duplicate field selected: Id"),
        ("SELECT Id FROM Contact WHERE Name = 'x' OR Id != ''' ", "MALFORMED_QUERY", "not closed"),
        ("SELECT Id FROM Contact WHERE Name = 'O'Neil'", "MALFORMED_QUERY", "unexpected token"),
        (
            "SELECT Id FROM Contact WHERE Name = 'a' AND Name = 'b' OR Name = 'c'",
            "MALFORMED_QUERY",
            "unexpected token: 'OR'",
        ),
        ("SELECT Id FROM Contact WHERE Name = 5", "INVALID_FIELD", "must be of type string"),
        ("SELECT Id FROM Task WHERE CallDurationInSeconds = '5'", "INVALID_FIELD", "must be of type int"),
        (
            "SELECT Id FROM Contact WHERE AccountId = 'nonsense'",
            "INVALID_QUERY_FILTER_OPERATOR",
            "invalid ID field: nonsense",
        ),
        ("SELECT Id FROM Contact WHERE Description LIKE '%x%'", "INVALID_FIELD", "can not be filtered"),
        (
            "SELECT Id FROM Contact WHERE CreatedDate = '2026-11-20'",
            "INVALID_FIELD",
            "must be of type dateTime",
        ),
        ("SELECT Id FROM Contact WHERE Name = 'a\\qb'", "MALFORMED_QUERY", "illegal character sequence"),
        ("SELECT (SELECT Id FROM Contacts) FROM Account", "MALFORMED_QUERY", "sub-queries in SELECT"),
        ("SELECT FIELDS(ALL) FROM Account", "MALFORMED_QUERY", "LIMIT of at most 200"),
        ("FIND {x} RETURNING Contact", "MALFORMED_QUERY", "unexpected token: 'FIND'"),
    ] {
        let answer = org.query(soql).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (400, code), "{soql}");
        assert!(answer.message().contains(part), "{soql}: {}", answer.message());
    }
    let placed = org.query("SELECT Id, Nope FROM Contact").await;
    assert!(placed.message().contains("           ^\nERROR at Row:1:Column:12\n"), "{}", placed.message());
}

#[tokio::test]
async fn every_field_can_be_selected_at_once() {
    let org = Org::start().await;

    let row = &org.rows("SELECT FIELDS(ALL) FROM Contact LIMIT 1").await[0];
    let read = org.get("/sobjects/Contact/003000000000001AAA").await;

    assert_eq!(*row, read.body);
    let formula =
        &org.rows("SELECT ContactMobile, ContactEmail FROM Case ORDER BY CaseNumber LIMIT 1").await[0];
    assert_eq!(formula["ContactMobile"], "+12025550143");
}

#[tokio::test]
async fn a_long_list_of_conditions_is_no_trouble() {
    let org = Org::start().await;
    let many = vec!["Name = 'Anna Keller'"; 2_000].join(" OR ");

    assert_eq!(org.post("/composite/batch", json!({"batchRequests": [
        {"method": "GET", "url": format!("v62.0/query?q={}", format!("SELECT Id FROM Contact WHERE {many}").replace(' ', "+"))},
    ]})).await.body["results"][0]["result"]["totalSize"], 1);
    let deep = format!("SELECT Id FROM Contact WHERE {}Name = 'x'{}", "(".repeat(500), ")".repeat(500));
    assert_eq!(org.query(&deep).await.code(), "QUERY_TOO_COMPLICATED");
}
