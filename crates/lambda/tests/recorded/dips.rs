//! The look-ups and small writes of a contact flow.

use serde_json::json;

use super::{Deviation, Group, compare_requests};

pub const GROUP: Group =
    Group { functions: &["sfInvokeAPI"], deviations: DEVIATIONS, compare: compare_requests };

const DEVIATIONS: &[Deviation] = &[
    Deviation {
        name: "lookup_apostrophe_breaks_query",
        reason: "15.1 S1, S2: a value is escaped, so O'Neil is a name and not a broken query",
        further: Vec::new,
        check: |run| assert_eq!(run.soql(0), r"SELECT Id, Name FROM Contact WHERE LastName='O\'Neil'"),
    },
    Deviation {
        name: "create_503_html",
        reason: "15.2 C20: the status is kept where the reference loses it in a parser's error",
        further: Vec::new,
        check: |run| {
            assert_eq!(run.error(), ("Exception", "request returned status code: 503"));
        },
    },
    Deviation {
        name: "create_date_error_lone_pipe",
        reason: "15.2 C6: a bar in ordinary text is text",
        further: || vec![json!({"id": "00T1", "success": true, "errors": []})],
        check: |run| {
            assert_eq!(run.requests[0].json(), json!({"ActivityDate": "|"}));
            assert_eq!(run.answer(), &json!({"Id": "00T1"}));
        },
    },
    Deviation {
        name: "create_cca_wrong_prefix_still_parsed",
        reason: "15.2 C6: a bar in ordinary text is text, whatever the object's prefix",
        further: || vec![json!({"id": "a001", "success": true, "errors": []})],
        check: |run| {
            assert_eq!(run.requests[0].json(), json!({"X__c": "a|b"}));
            assert_eq!(run.answer(), &json!({"Id": "a001"}));
        },
    },
    Deviation {
        name: "lookup_second_page_ignored",
        reason: "15.2 C2: the count is the number of rows there are, not of those on the page",
        further: Vec::new,
        check: |run| {
            let total = &run.vector["salesforce_exchanges"][0]["response"]["body"]["totalSize"];
            assert_eq!(&run.answer()["sf_count"], total);
            assert_eq!(run.answer()["Id"], "003A1");
            assert_eq!(run.requests.len(), 1, "the first row is on the first page");
        },
    },
    Deviation {
        name: "auth_secret_write_denied_fails_call",
        reason: "15.1 S4: the token stays in memory, so no right to write the secret is needed",
        further: || {
            vec![json!({"totalSize": 1, "done": true, "records": [
                {"attributes": {"type": "Contact"}, "Id": "003A1", "Name": "Ann"},
            ]})]
        },
        check: |run| {
            assert_eq!(run.answer(), &json!({"Id": "003A1", "Name": "Ann", "sf_count": 1}));
            assert_eq!(run.requests[2].authorization(), Some("Bearer T1"));
        },
    },
    Deviation {
        name: "searchOneSOSL_search_shape_fails",
        reason: "15.2 C1: a search is sent to the search, so the operation finds",
        further: || {
            vec![json!({"searchRecords": [{
                "attributes": {"type": "Contact", "url": "/services/data/v42.0/sobjects/Contact/003A1"},
                "Id": "003A1", "Name": "Ann",
            }]})]
        },
        check: |run| {
            assert_eq!(run.requests[0].path, "/services/data/v42.0/search");
            assert_eq!(run.soql(0), "FIND {415} IN PHONE FIELDS RETURNING Contact(Id, Name)");
            assert_eq!(run.answer(), &json!({"Id": "003A1", "Name": "Ann", "sf_count": 1}));
        },
    },
    Deviation {
        name: "update_id_path_not_escaped",
        reason: "15.1 S6: an id is one segment of the address, whatever is in it",
        further: || vec![json!(null)],
        check: |run| {
            assert_eq!(run.requests[0].target, "/services/data/v42.0/sobjects/Case/50%2001%2Fx%3Fy%3D1%23z");
            assert_eq!(run.requests[0].json(), json!({"Status": "Closed"}));
            assert_eq!(run.answer(), &json!({"Status": 200}));
        },
    },
];
