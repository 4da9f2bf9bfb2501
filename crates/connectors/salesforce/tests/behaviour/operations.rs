//! Every dip operation in both fronts: what is sent, what is answered.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tieline_bridge::dip::{Allowed, DipCode, DipError, DipSettings, DipTarget, Dips, MemoryCache};
use tieline_salesforce::Salesforce;
use tieline_salesforce::legacy::Legacy;

use super::org::{calls, clock, org, page, problem};
use crate::stand_in::Reply;

const BASE: &str = "/services/data/v62.0";

fn event(parameters: &Value) -> Value {
    json!({"Details": {"ContactData": {"ContactId": "c-1"}, "Parameters": parameters}})
}

fn dips(target: impl DipTarget + 'static) -> Dips {
    Dips::new(Arc::new(target), clock(), DipSettings::default()).with_cache(Arc::new(MemoryCache::default()))
}

fn legacy(salesforce: &Salesforce) -> Dips {
    dips(Legacy::new(salesforce.clone(), clock()))
}

async fn ask(dips: &Dips, parameters: &Value) -> Result<Value, DipError> {
    dips.answer(&event(parameters), &Allowed::everything()).await
}

fn row(id: &str) -> Value {
    json!({"attributes": {"type": "Case", "url": "/u"}, "Id": id,
           "Account": {"attributes": {"type": "Account"}, "Name": "Acme"}, "Fax": null, "N": 1.0})
}

fn found(rows: &Value) -> Reply {
    Reply::Json(200, json!({ "searchRecords": rows }))
}

/// One question to the reference's front: the reply, method and address, body, and the answer.
struct Asked {
    parameters: Value,
    reply: fn() -> Reply,
    sent: &'static str,
    body: Value,
    answer: Value,
}

#[tokio::test]
async fn the_reference_s_front_asks_and_answers_as_recorded() {
    let one = || page(&json!([row("1")]));
    let two = || page(&json!([row("1"), row("2")]));
    let table = [
        Asked {
            parameters: json!({"sf_operation": "lookup_all", "sf_object": "Case", "sf_fields": "Id"}),
            reply: || page(&json!([])),
            sent: "GET /query?q=SELECT+Id+FROM+Case++",
            body: json!(null),
            answer: json!({"sf_count": 0}),
        },
        Asked {
            parameters: json!({"sf_operation": "queryOne", "query": "select Id from Case"}),
            reply: one,
            sent: "GET /query?q=select+Id+from+Case",
            body: json!(null),
            answer: json!({"Id": "1", "Account.attributes.type": "Account", "Account.Name": "Acme",
                           "Fax": null, "N": 1.0, "sf_count": 1}),
        },
        Asked {
            parameters: json!({"sf_operation": "queryOne", "query": "select Id from Case"}),
            reply: two,
            sent: "GET /query?q=select+Id+from+Case",
            body: json!(null),
            answer: json!({"sf_count": 2}),
        },
        Asked {
            parameters: json!({"sf_operation": "query", "query": "select COUNT() from Case"}),
            reply: || Reply::Json(200, json!({"totalSize": 17, "done": true, "records": []})),
            sent: "GET /query?q=select+COUNT%28%29+from+Case",
            body: json!(null),
            answer: json!({"sf_count": 17}),
        },
        Asked {
            parameters: json!({"sf_operation": "search", "q": "a b", "sf_fields": "Id,Name, X", "sf_object": "Case"}),
            reply: || found(&json!([])),
            sent: "POST /parameterizedSearch",
            body: json!({"q": "a b", "fields": ["Id,Name", "X"], "sobjects": [{"name": "Case"}], "overallLimit": 100}),
            answer: json!({"sf_count": 0}),
        },
        Asked {
            parameters: json!({"sf_operation": "search", "q": "a", "sf_fields": "Id", "sf_object": "Case",
                               "overallLimit": 7, "where": null, "zzz": "x"}),
            reply: || found(&json!([{"attributes": {}, "Id": "1"}, {"attributes": {}, "Id": "1"}])),
            sent: "POST /parameterizedSearch",
            body: json!({"q": "a", "fields": ["Id"], "sobjects": [{"name": "Case"}], "overallLimit": 7}),
            answer: json!({"sf_records_0_Id": "1", "sf_count": 2}),
        },
        Asked {
            parameters: json!({"sf_operation": "searchOne", "q": "a", "sf_fields": "Id", "sf_object": "Case",
                               "where": "Status = 'New'", "overallLimit": "1"}),
            reply: || found(&json!([{"attributes": {}, "Id": "1"}, {"attributes": {}, "Id": "2"}])),
            sent: "POST /parameterizedSearch",
            body: json!({"q": "a", "fields": ["Id"], "sobjects": [{"name": "Case", "where": "Status = 'New'"}]}),
            answer: json!({"sf_count": 2}),
        },
        Asked {
            parameters: json!({"sf_operation": "searchSOSL", "query": "FIND {t} RETURNING Case", "t": "x"}),
            reply: || found(&json!([{"attributes": {"type": "Case"}, "Id": "1"}])),
            sent: "GET /search?q=FIND+%7Bx%7D+RETURNING+Case",
            body: json!(null),
            answer: json!({"sf_records_0_attributes.type": "Case", "sf_records_0_Id": "1", "sf_count": 1}),
        },
        Asked {
            parameters: json!({"sf_operation": "searchOneSOSL", "query": "FIND {t} RETURNING Case", "t": "x"}),
            reply: || found(&json!([])),
            sent: "GET /search?q=FIND+%7Bx%7D+RETURNING+Case",
            body: json!(null),
            answer: json!({"sf_count": 0}),
        },
        Asked {
            parameters: json!({"sf_operation": "update", "sf_object": "Task", "sf_id": "00T1", "ActivityDate": "1d|date",
                               "Subject": "Billing | Refund", "N": 5, "X": null}),
            reply: || Reply::Json(204, json!(null)),
            sent: "PATCH /sobjects/Task/00T1",
            body: json!({"ActivityDate": "2026-11-21", "Subject": "Billing | Refund", "N": 5, "X": null}),
            answer: json!({"Status": 204}),
        },
        Asked {
            parameters: json!({"sf_operation": "update", "sf_object": "Contact", "sf_id": "../Contact/003000000000001"}),
            reply: || Reply::Json(204, json!(null)),
            sent: "PATCH /sobjects/Contact/..%2FContact%2F003000000000001",
            body: json!({}),
            answer: json!({"Status": 204}),
        },
        Asked {
            parameters: json!({"sf_operation": "delete", "sf_object": "Case", "sf_id": "x?y=1"}),
            reply: || Reply::Json(204, json!(null)),
            sent: "DELETE /sobjects/Case/x%3Fy%3D1",
            body: json!(null),
            answer: json!({"Response": null}),
        },
        Asked {
            parameters: json!({"sf_operation": "createChatterPost", "sf_feedElementType": "FeedItem",
                "sf_subjectId": "003A1", "sf_messageType": "Text", "sf_message": "{{who}} called", "who": "Zoë",
                "sf_mention": "005U"}),
            reply: || Reply::Json(201, json!({"id": "0D5A"})),
            sent: "POST /chatter/feed-elements",
            body: json!({"body": {"messageSegments": [{"type": "Text", "text": "Zoë called"},
                {"type": "Mention", "id": "005U"}]}, "feedElementType": "FeedItem", "subjectId": "003A1"}),
            answer: json!({"Id": "0D5A"}),
        },
        Asked {
            parameters: json!({"sf_operation": "createChatterComment", "sf_feedElementId": "0D5/../x",
                "sf_commentType": "Text", "sf_commentMessage": "{{a}}", "a": "ok"}),
            reply: || Reply::Json(201, json!({"id": "0D7A"})),
            sent: "POST /chatter/feed-elements/0D5%2F..%2Fx/capabilities/comments/items",
            body: json!({"body": {"messageSegments": [{"type": "Text", "text": "ok"}]}}),
            answer: json!({"Id": "0D7A"}),
        },
        Asked {
            parameters: json!({"sf_operation": "phoneLookup", "sf_phone": "+390612345678", "sf_fields": "Id,Name"}),
            reply: || found(&json!([row("1"), row("2")])),
            sent: "POST /parameterizedSearch",
            body: json!({"q": "612345678", "sobjects": [{"name": "Contact"}], "fields": ["Id,Name"]}),
            answer: json!({"Id": "1", "Account": {"attributes": {"type": "Account"}, "Name": "Acme"},
                           "Fax": null, "N": 1.0, "sf_count": 2}),
        },
    ];
    for Asked { parameters, reply, sent, body, answer } in table {
        let (server, salesforce) = org(move |_| reply()).await;
        assert_eq!(ask(&legacy(&salesforce), &parameters).await, Ok(answer), "{parameters}");
        let calls = calls(&server);
        assert_eq!(calls.len(), 1, "{parameters}");
        assert_eq!(format!("{} {}", calls[0].method, calls[0].target.replacen(BASE, "", 1)), sent);
        // Compared as text: the order of members is the reference's too.
        assert_eq!(calls[0].json().to_string(), body.to_string());
    }
}

#[tokio::test]
async fn the_reference_s_complaints_are_kept_and_nothing_is_sent() {
    let (server, salesforce) = org(|_| page(&json!([]))).await;
    let legacy = legacy(&salesforce);
    let post = json!({"sf_operation": "createChatterPost", "sf_feedElementType": "FeedItem",
                      "sf_subjectId": "003A1", "sf_messageType": "Text", "sf_message": "x {{a"});
    for (parameters, class, text, code) in [
        (json!({}), "KeyError", "'sf_operation'", DipCode::MissingParameter),
        (json!({"sf_operation": "Update"}), "Exception", "sf_operation unknown", DipCode::UnknownOperation),
        (json!({"sf_operation": 5}), "Exception", "sf_operation unknown", DipCode::UnknownOperation),
        (
            json!({"sf_operation": "update", "sf_object": "Case"}),
            "TypeError",
            "update() missing 1 required positional argument: 'sf_id'",
            DipCode::MissingParameter,
        ),
        (
            json!({"sf_operation": "delete", "sf_object": "Case", "sf_id": "1", "Status": "x"}),
            "TypeError",
            "delete() got an unexpected keyword argument 'Status'",
            DipCode::InvalidParameter,
        ),
        (
            json!({"sf_operation": "query", "query": "x", "sf": "y"}),
            "TypeError",
            "query() got multiple values for keyword argument 'sf'",
            DipCode::InvalidParameter,
        ),
        (
            json!({"sf_operation": "searchOne", "sf_object": "Case"}),
            "TypeError",
            "searchOne() missing 2 required positional arguments: 'q' and 'sf_fields'",
            DipCode::MissingParameter,
        ),
        (
            json!({"sf_operation": "phoneLookup", "sf_phone": "x"}),
            "KeyError",
            "'sf_fields'",
            DipCode::MissingParameter,
        ),
        (post, "Exception", "ERROR: string is improperly formatted", DipCode::InvalidParameter),
        (
            json!({"sf_operation": "update", "sf_object": "Case", "sf_id": "1", "D": "5y|date"}),
            "Exception",
            "Supported delta types are 'd' for days, 'h' for hours and 'm' for minutes, example '2h|date'",
            DipCode::InvalidParameter,
        ),
        (
            json!({"sf_operation": "update", "sf_object": "Case", "sf_id": ".."}),
            "Exception",
            "dip.unsafe_value: a name or id in the address is empty or dots",
            DipCode::UnsafeValue,
        ),
    ] {
        let error = ask(&legacy, &parameters).await.unwrap_err();
        assert_eq!(
            (error.imitated, error.detail.as_str(), error.code),
            (Some(class), text, code),
            "{parameters}"
        );
    }
    let event = json!({"Details": {"Parameters": ["x"]}});
    let error = legacy.answer(&event, &Allowed::everything()).await.unwrap_err();
    assert_eq!((error.imitated, error.code), (Some("TypeError"), DipCode::MalformedEvent));
    assert!(calls(&server).is_empty());
}

#[tokio::test]
async fn our_front_offers_all_of_them_without_the_quirks() {
    let (server, salesforce) = org(|request| match request.method.as_str() {
        "GET" if request.path.ends_with("/query") => page(&json!([row("1"), row("1")])),
        "PATCH" | "DELETE" => Reply::Json(204, json!(null)),
        "POST" if request.path.contains("/chatter/") => Reply::Json(201, json!({"id": "0D5000000000001"})),
        _ => found(&json!([row("1")])),
    })
    .await;
    let ours = dips(salesforce);
    let one = json!({"Id": "1", "Account.Name": "Acme", "N": "1.0", "sf_count": "1"});
    let listed = json!({"sf_records_0_Id": "1", "sf_records_0_Account.Name": "Acme", "sf_records_0_N": "1.0",
                        "sf_records_1_Id": "1", "sf_records_1_Account.Name": "Acme", "sf_records_1_N": "1.0",
                        "sf_count": "2"});
    let table = [
        (
            json!({"operation": "lookup_all", "object": "Case", "fields": "Id,N", "Status": "O'N"}),
            r"GET /query?q=SELECT+Id%2C+N+FROM+Case+WHERE+Status+%3D+%27O%5C%27N%27",
            listed.clone(),
        ),
        (
            json!({"operation": "lookup_all", "object": "Case", "fields": "Id"}),
            "GET /query?q=SELECT+Id+FROM+Case",
            listed,
        ),
        (
            json!({"operation": "queryOne", "query": "select Id from Case"}),
            "GET /query?q=select+Id+from+Case",
            json!({"sf_count": "2"}),
        ),
        (
            json!({"operation": "update", "object": "Case", "id": "500A", "Status": "Closed"}),
            "PATCH /sobjects/Case/500A",
            json!({"Id": "500A", "Status": "204"}),
        ),
        (
            json!({"operation": "delete", "object": "Case", "id": "500A"}),
            "DELETE /sobjects/Case/500A",
            json!({"Id": "500A", "Status": "204"}),
        ),
        (
            json!({"operation": "searchOne", "object": "Case", "fields": "Id,N", "q": "x"}),
            "POST /parameterizedSearch",
            one.clone(),
        ),
        (
            json!({"operation": "searchOneSOSL", "query": "FIND {t} RETURNING Case(Id)", "t": "a} b"}),
            "GET /search?q=FIND+%7Ba%5C%7D+b%7D+RETURNING+Case%28Id%29",
            one,
        ),
        (
            json!({"operation": "createChatterPost", "record": "003A1", "message": "{{who}}", "who": "Zoë"}),
            "POST /chatter/feed-elements",
            json!({"Id": "0D5000000000001"}),
        ),
        (
            json!({"operation": "createChatterComment", "post": "0D5A", "message": "hi"}),
            "POST /chatter/feed-elements/0D5A/capabilities/comments/items",
            json!({"Id": "0D5000000000001"}),
        ),
    ];
    for (n, (parameters, sent, answer)) in table.into_iter().enumerate() {
        assert_eq!(ask(&ours, &parameters).await, Ok(answer), "{parameters}");
        let call = &calls(&server)[n];
        assert_eq!(format!("{} {}", call.method, call.target.replacen(BASE, "", 1)), sent);
    }
}

#[tokio::test]
async fn pages_are_followed_until_an_answer_is_full() {
    let (server, salesforce) = org(|request| {
        let n: usize = request.path.rsplit('-').next().and_then(|n| n.parse().ok()).unwrap_or(0);
        let rows: Vec<Value> =
            (0..200).map(|i| json!({"attributes": {}, "Id": format!("{n}-{i:0100}")})).collect();
        Reply::Json(
            200,
            json!({"totalSize": 1_000_000, "done": false, "records": rows,
                   "nextRecordsUrl": format!("/services/data/v62.0/query/01g-{}", n + 1)}),
        )
    })
    .await;
    let query = json!({"sf_operation": "query", "query": "select Id from Contact"});
    let answer = ask(&legacy(&salesforce), &query).await.unwrap();
    assert_eq!((&answer["sf_count"], &answer["truncated"]), (&json!(1_000_000), &json!("true")));
    assert!((31_000..=32_000).contains(&answer.to_string().len()), "{}", answer.to_string().len());
    assert!(calls(&server).len() <= 4, "{} pages read", calls(&server).len());
    let answer = ask(&dips(salesforce), &query).await.unwrap();
    assert_eq!((&answer["sf_count"], &answer["truncated"]), (&json!("1000000"), &json!("true")));
}

#[tokio::test]
async fn a_change_is_made_once_and_what_is_not_known_is_said() {
    let changes = [
        json!({"sf_operation": "update", "sf_object": "Case", "sf_id": "500A", "Status": "Closed"}),
        json!({"sf_operation": "delete", "sf_object": "Case", "sf_id": "500A"}),
        json!({"sf_operation": "createChatterComment", "sf_feedElementId": "0D5A", "sf_commentType": "Text",
               "sf_commentMessage": "x"}),
    ];
    for parameters in changes {
        for legacy_front in [false, true] {
            let front =
                |salesforce: Salesforce| if legacy_front { legacy(&salesforce) } else { dips(salesforce) };
            let (server, salesforce) = org(|_| Reply::Json(201, json!({"id": "0D7A"}))).await;
            let front_of_good = front(salesforce);
            let first = ask(&front_of_good, &parameters).await.unwrap();
            assert_eq!(ask(&front_of_good, &parameters).await, Ok(first), "answered from memory");
            assert_eq!(calls(&server).len(), 1);

            let (server, salesforce) = org(|_| Reply::Cut("{")).await;
            let front_of_bad = front(salesforce);
            let error = ask(&front_of_bad, &parameters).await.unwrap_err();
            assert!(error.leaves_doubt(), "{error}");
            assert!(legacy_front || error.detail.contains("may have done this"), "{error}");
            let again = ask(&front_of_bad, &parameters).await.unwrap_err();
            assert_eq!(again.code, DipCode::OutcomeUnknown);
            assert_eq!(calls(&server).len(), 1, "never a blind retry");
        }
    }
}

#[tokio::test]
async fn a_drip_does_not_outlive_the_deadline_and_the_default_answer_is_given() {
    let (_server, salesforce) = org(|_| Reply::Drip("{\"totalSize\":")).await;
    let mut settings = DipSettings { deadline: Duration::from_millis(200), ..DipSettings::default() };
    let lookup = json!({"sf_operation": "lookup", "sf_object": "Contact", "sf_fields": "Id", "Name": "x"});
    let front = |settings: &DipSettings| {
        Dips::new(Arc::new(Legacy::new(salesforce.clone(), clock())), clock(), settings.clone())
    };
    let error = ask(&front(&settings), &lookup).await.unwrap_err();
    assert_eq!((error.code, error.imitated), (DipCode::Deadline, None));
    settings.default_answer = json!({"sf_count": 0}).as_object().cloned();
    assert_eq!(ask(&front(&settings), &lookup).await, Ok(json!({"sf_count": 0})));
    let mut sooner = lookup;
    sooner["deadline_ms"] = "20".into();
    settings.deadline = Duration::from_secs(60);
    assert_eq!(ask(&front(&settings), &sooner).await, Ok(json!({"sf_count": 0})));
    sooner["deadline_ms"] = "soon".into();
    assert_eq!(ask(&front(&settings), &sooner).await.unwrap_err().code, DipCode::InvalidParameter);
}

#[tokio::test]
async fn what_salesforce_says_is_kept_with_its_status_and_without_the_caller_s_words() {
    let several = json!([
        {"message": "Email: invalid email address: zoe@example.com", "errorCode": "INVALID_EMAIL_ADDRESS"},
        {"message": "Name too long: Zoë Keller", "errorCode": "STRING_TOO_LONG", "fields": ["Name"]},
        {"message": "duplicate of +12025550143", "errorCode": "DUPLICATES_DETECTED"},
    ]);
    let create = json!({"sf_operation": "create", "sf_object": "Lead", "Name": "Zoë Keller",
                        "Email": "zoe@example.com"});
    for status in [400, 500] {
        let body = several.clone();
        let (_server, salesforce) = org(move |_| Reply::Json(status, body.clone())).await;
        let error = ask(&dips(salesforce.clone()), &create).await.unwrap_err();
        for kept in [
            "INVALID_EMAIL_ADDRESS: Email: invalid",
            "STRING_TOO_LONG",
            "DUPLICATES_DETECTED",
            &status.to_string(),
        ] {
            assert!(error.detail.contains(kept), "{status}: {kept}: {}", error.detail);
        }
        let legacy_error = ask(&legacy(&salesforce), &create).await.unwrap_err();
        assert_eq!(legacy_error.imitated, Some("Exception"));
        assert!(legacy_error.detail.starts_with("INVALID_EMAIL_ADDRESS: Email: invalid email address: "));
        // Flows built on the reference's texts know the first alone.
        assert!(!legacy_error.detail.contains("STRING_TOO_LONG"), "{}", legacy_error.detail);
        for private in ["zoe@example.com", "12025550143"] {
            assert!(!error.detail.contains(private) && !legacy_error.detail.contains(private), "{private}");
        }
        assert!(!error.detail.contains("Keller"), "{}", error.detail);
    }
    // What each strange answer is called, in our front and in the reference's words.
    let lookup = json!({"sf_operation": "lookup", "sf_object": "Contact", "sf_fields": "Id", "Name": "x"});
    for (reply, code, class, text) in [
        (
            (|| Reply::Text(503, "text/html", "<html>down".into())) as fn() -> Reply,
            DipCode::CrmUnavailable,
            "Exception",
            "request returned status code: 503",
        ),
        (
            || Reply::Json(300, json!(["/services/data/v62.0/a", "/b"])),
            DipCode::CrmRejected,
            "Exception",
            "request returned status code: 300",
        ),
        (
            || Reply::Text(200, "text/html", "<html>".into()),
            DipCode::CrmMalformed,
            "JSONDecodeError",
            "status 200",
        ),
        (
            || Reply::Text(200, "application/json", "{\"totalSize\":1,\"rec".into()),
            DipCode::CrmMalformed,
            "JSONDecodeError",
            "200",
        ),
        (|| Reply::Json(200, json!({"totalSize": 1})), DipCode::CrmMalformed, "JSONDecodeError", "200"),
        (
            || Reply::Json(400, json!({"error": "e", "error_description": "d"})),
            DipCode::CrmRejected,
            "Exception",
            "e: d",
        ),
        (
            || Reply::Json(400, json!([{"foo": 1}])),
            DipCode::CrmRejected,
            "Exception",
            "request returned status code: 400",
        ),
        (
            || problem(401, "INVALID_SESSION_ID", "x"),
            DipCode::CrmUnauthorized,
            "InvalidAuthTokenException",
            "",
        ),
        (
            || problem(403, "REQUEST_LIMIT_EXCEEDED", "x"),
            DipCode::CrmThrottled,
            "Exception",
            "REQUEST_LIMIT_EXCEEDED: x",
        ),
        (|| Reply::Cut("{"), DipCode::CrmUnreachable, "ConnectionError", "did not answer"),
    ] {
        let (_server, salesforce) = org(move |_| reply()).await;
        let error = ask(&dips(salesforce.clone()), &lookup).await.unwrap_err();
        assert_eq!((error.code, error.imitated), (code, None), "{}", error.detail);
        let error = ask(&legacy(&salesforce), &lookup).await.unwrap_err();
        assert_eq!((error.code, error.imitated), (code, Some(class)), "{}", error.detail);
        assert!(error.detail.contains(text), "{}", error.detail);
    }
}
