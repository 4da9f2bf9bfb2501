//! Historical agent and queue reports.

use serde_json::{Value, json};

use super::{Deviation, Group, Run, compare_effects};

pub const GROUP: Group =
    Group { functions: &["sfIntervalAgent", "sfIntervalQueue"], deviations: DEVIATIONS, compare };

fn compare(run: &Run) {
    compare_effects(run);
    let (recorded, ours) = run.aws_parameters("s3.get_object");
    assert_eq!(ours, recorded, "{}: what is read", run.name);
}

const DEVIATIONS: &[Deviation] = &[
    Deviation {
        name: "agent_second_row_rejected_aborts",
        reason: "15.3 P3, 16.6: all rows go in one call, and one that is refused does not keep the others",
        further: || {
            vec![json!([
                {"id": "a001", "success": true, "created": true, "errors": []},
                {"success": false, "errors": [
                    {"statusCode": "STRING_TOO_LONG", "message": "x", "fields": []}]},
                {"id": "a003", "success": true, "created": true, "errors": []},
            ])]
        },
        check: |run| {
            assert_eq!(run.answer(), &Value::Null, "the log tells the row");
            assert_eq!(run.requests.len(), 2);
            assert_eq!(
                run.requests[1].path.rsplit('/').take(4).collect::<Vec<_>>(),
                [
                    "amazonconnect__AC_Record_Id__c",
                    "amazonconnect__AC_AgentPerformance__c",
                    "sobjects",
                    "composite",
                ]
            );
            let body = run.requests[1].json();
            assert_eq!(body["allOrNone"], false);
            let names: Vec<&Value> = body["records"]
                .as_array()
                .unwrap()
                .iter()
                .map(|record| &record["amazonconnect__AC_Object_Name__c"])
                .collect();
            assert_eq!(names, ["jane", "bob", "cyd"]);
        },
    },
    Deviation {
        name: "agent_name_with_slash_hash_question",
        reason: "15.1 S6: an agent's name is one segment of the address, whatever its letters",
        further: || vec![json!({"id": "a001", "success": true, "created": true, "errors": []})],
        check: |run| {
            assert_eq!(run.answer(), &Value::Null);
            let sent = &run.requests[1];
            assert!(
                sent.target.ends_with("/a%2Fb%3Fc%23d2024-02-28T23%3A00%3A00Zus-west-2"),
                "{}",
                sent.target
            );
            assert!(sent.query.is_empty());
            assert_eq!(sent.json(), run.exchanges()[1]["request"]["body"]);
        },
    },
];
