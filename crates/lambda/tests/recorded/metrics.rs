//! What the queues hold at the moment.

use serde_json::{Value, json};

use super::{Deviation, Group, Run, compare_effects};

pub const GROUP: Group = Group {
    functions: &["sfRealTimeQueueMetrics", "sfRealTimeQueueMetricsLoopJob"],
    deviations: DEVIATIONS,
    compare,
};

fn compare(run: &Run) {
    compare_effects(run);
    for operation in ["connect.list_queues", "connect.get_current_metric_data"] {
        let (recorded, mut ours) = run.aws_parameters(operation);
        // Throttled, ours asks again; the reference leaves that to its SDK.
        if run.name == "rt_throttled" {
            ours.dedup();
        }
        assert_eq!(ours, recorded, "{}: {operation}", run.name);
    }
}

fn described() -> Value {
    json!({"name": "X", "fields": [{"name": "Id"}, {"name": "amazonconnect__Region__c"}]})
}

/// One queue, written with zeros.
fn is_zeroed(run: &Run) {
    assert_eq!(run.answer(), &Value::Null);
    assert_eq!(run.requests.len(), 2, "one description and one write");
    assert!(run.requests[1].path.ends_with("/amazonconnect__Queue_Id__c/q-1-us-west-2"));
    let fields = run.requests[1].json();
    assert_eq!(fields["Name"], "Queue 1");
    assert_eq!(fields["amazonconnect__Agents_Online__c"], 0);
    assert_eq!(fields["amazonconnect__Oldest_Contact_Age__c"], 0);
    assert_eq!(fields.as_object().unwrap().len(), 13);
}

const DEVIATIONS: &[Deviation] = &[
    Deviation {
        name: "rt_no_metric_results_key",
        reason: "15.2 C13: a queue AWS has nothing to say about is idle, and its old numbers must go",
        further: || vec![described(), json!({"id": "a001", "success": true, "errors": []})],
        check: is_zeroed,
    },
    Deviation {
        name: "rt_result_without_collections_never_returns",
        reason: "15.2 C13: a result without numbers is a result, and the pages come to an end",
        further: || vec![described(), json!({"id": "a001", "success": true, "errors": []})],
        check: is_zeroed,
    },
    Deviation {
        name: "rt_salesforce_error_stops_rest",
        reason: "15.3 P3, 16.6: all queues go in one call, and one that is refused does not keep the others",
        further: || {
            vec![json!([
                {"success": false, "errors": [{"statusCode": "X", "message": "no", "fields": []}]},
                {"id": "a002", "success": true, "created": true, "errors": []},
            ])]
        },
        check: |run| {
            assert_eq!(run.error(), ("Exception", "X: no"), "as recorded, after the others");
            assert_eq!(run.requests.len(), 2);
            assert_eq!(run.requests[1].json()["records"].as_array().unwrap().len(), 2);
        },
    },
];
