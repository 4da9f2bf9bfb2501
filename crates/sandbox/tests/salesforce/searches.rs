use http::Method;
use serde_json::json;

use crate::harness::{Answer, Org, names};

#[tokio::test]
async fn words_phrases_and_wildcards_find_people() {
    let org = Org::start().await;
    for (search, expected) in [
        ("{keller}", vec!["Anna Keller"]),
        ("{anna AND keller}", vec!["Anna Keller"]),
        ("{anna keller}", vec!["Anna Keller"]),
        ("{\"anna keller\"}", vec!["Anna Keller"]),
        ("{\"keller anna\"}", vec![]),
        ("{kell}", vec![]),
        ("{kell*}", vec!["Anna Keller"]),
        ("{k?ller}", vec!["Anna Keller"]),
        ("{moss AND NOT dana}", vec!["Eli Moss"]),
        ("{dana OR giulia}", vec!["Giulia Rossi", "Dana Moss"]),
        ("{O\\'Neil}", vec!["Sean O'Neil"]),
        ("{anna.keller@example.com}", vec!["Anna Keller"]),
        ("{SUM}", vec!["=SUM(A1)"]),
        ("{anna \\& keller}", vec!["Anna Keller"]),
        ("{\\&\\&}", vec![]),
        ("{doesnotexist}", vec![]),
    ] {
        let found = org.found(&format!("FIND {search} IN ALL FIELDS RETURNING Contact(Id, Name)")).await;
        assert_eq!(found, expected, "{search}");
    }
    assert!(org.found("FIND {keller} IN PHONE FIELDS RETURNING Contact(Name)").await.is_empty());
    assert_eq!(org.found("FIND {keller} IN EMAIL FIELDS RETURNING Contact(Name)").await, ["Anna Keller"]);
}

#[tokio::test]
async fn a_phone_number_finds_its_owner_however_it_is_written() {
    let org = Org::start().await;
    for (number, expected) in [
        ("2025550147", vec!["Sean O'Neil"]),
        ("12025550147", vec!["Sean O'Neil"]),
        ("\\+12025550147", vec!["Sean O'Neil"]),
        ("\\(202\\) 555\\-0147", vec!["Sean O'Neil"]),
        ("2025550143", vec!["Anna Keller"]),
        ("+12025550143", vec!["Anna Keller"]),
        ("2025550150", vec!["Dana Moss", "Eli Moss"]),
        ("390655500123", vec!["Giulia Rossi"]),
        ("0655500123", vec!["Giulia Rossi"]),
        ("655500123", vec![]),
        ("442079460018", vec!["Wei Zhang"]),
        ("5550147", vec![]),
        ("2025550?47", vec!["Sean O'Neil"]),
        ("*25550147", vec!["Sean O'Neil"]),
    ] {
        let found = org
            .found(&format!("FIND {{{number}}} IN PHONE FIELDS RETURNING Contact(Id, Name), Lead(Id, Name), Account(Id, Name)"))
            .await;
        assert_eq!(found, expected, "{number}");
    }
}

#[tokio::test]
async fn returning_says_which_objects_fields_rows_and_how_many() {
    let org = Org::start().await;

    let two = org
        .found("FIND {example} IN ALL FIELDS RETURNING Contact(Id, Name WHERE LastName = 'Moss' ORDER BY Name DESC LIMIT 1), Lead(Name WHERE Country = 'GB')")
        .await;
    assert_eq!(two, ["Eli Moss", "Wei Zhang"]);
    assert_eq!(org.found("FIND {example} RETURNING Contact(Name) LIMIT 5").await.len(), 5);

    let request = org.request(Method::GET, "/search").query(&[("q", "FIND {keller}")]);
    let all = Answer::read(request.send().await.unwrap()).await;
    let types: Vec<&str> = all.body["searchRecords"]
        .as_array()
        .unwrap()
        .iter()
        .map(|record| record["attributes"]["type"].as_str().unwrap())
        .collect();
    assert_eq!(types, ["Account", "Contact"]);
}

#[tokio::test]
async fn a_parameterized_search_takes_what_people_type() {
    let org = Org::start().await;
    let search = async |body| names(&org.post("/parameterizedSearch", body).await.body["searchRecords"]);
    let contact = json!([{"name": "Contact"}]);

    assert_eq!(
        search(json!({"q": "2025550147", "fields": ["Id", "Name"], "sobjects": contact})).await,
        ["Sean O'Neil"]
    );
    assert_eq!(
        search(json!({"q": "(202) 555-0147", "fields": ["Name"], "sobjects": contact})).await,
        ["Sean O'Neil"]
    );
    assert_eq!(
        search(json!({"q": "O'Neil", "fields": ["Name"], "sobjects": contact})).await,
        ["Sean O'Neil"]
    );
    let company = json!({"q": "Keller & Sons", "sobjects": [{"name": "Account", "fields": ["Name"]}]});
    assert_eq!(search(company).await, ["Keller & Sons"], "a sign is no word");
    let limited = json!({"q": "example", "fields": ["Name"], "sobjects": contact, "overallLimit": "5"});
    assert_eq!(search(limited).await.len(), 5);
    let filtered = json!({"q": "moss", "sobjects": [{"name": "Contact", "fields": ["Name"], "where": "FirstName = 'Eli'"}], "in": "NAME"});
    assert_eq!(search(filtered).await, ["Eli Moss"]);

    let got = org
        .get("/parameterizedSearch?q=moss&sobject=Contact&Contact.fields=Id,Name&Contact.limit=1&in=NAME")
        .await;
    assert_eq!(names(&got.body["searchRecords"]), ["Dana Moss"]);

    for (body, code) in [
        (json!({"q": "x", "sobjects": contact}), "MALFORMED_SEARCH"),
        (json!({"sobjects": contact}), "JSON_PARSER_ERROR"),
        (json!({"q": "moss", "fields": ["Nope"], "sobjects": contact}), "INVALID_FIELD"),
        (json!({"q": "moss", "fields": ["Id FROM User"], "sobjects": contact}), "MALFORMED_QUERY"),
        (json!({"q": "moss", "sobjects": [{"name": "Nope"}]}), "INVALID_TYPE"),
        (
            json!({"q": "moss", "sobjects": [{"name": "Contact", "where": "Id != null) OR (Id != null"}]}),
            "MALFORMED_QUERY",
        ),
    ] {
        let answer = org.post("/parameterizedSearch", body.clone()).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (400, code), "{body}");
    }
}

#[tokio::test]
async fn a_search_that_is_none_is_refused() {
    let org = Org::start().await;
    for text in [
        "",
        "SELECT Id FROM Contact",
        "FIND keller",
        "FIND {k}",
        "FIND {a:b} RETURNING Contact",
        "FIND {keller} RETURNING Contact(Id",
    ] {
        let request = org.request(Method::GET, "/search").query(&[("q", text)]);
        let answer = Answer::read(request.send().await.unwrap()).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (400, "MALFORMED_SEARCH"), "{text}");
    }
    assert_eq!(org.get("/search").await.code(), "MALFORMED_SEARCH");
}
