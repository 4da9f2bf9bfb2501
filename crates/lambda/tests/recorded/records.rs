//! Contact records from a stream.

use serde_json::Value;

use super::{Deviation, Group, compare_effects};

pub const GROUP: Group = Group {
    functions: &["sfCTRTrigger", "sfContactTraceRecord"],
    deviations: DEVIATIONS,
    compare: compare_effects,
};

const DEVIATIONS: &[Deviation] = &[Deviation {
    name: "trigger_ctr_only",
    reason: "15.2 C16, 15.3 P7: the work is done here instead of by another invocation per record, and a record that \
             cannot be read is told instead of failing out of sight",
    further: Vec::new,
    check: |run| {
        // The recorded data is no JSON, and its records have no sequence numbers to tell them by.
        assert_eq!(run.error(), ("lambda.malformed_event", "record 0: the data is no JSON"));
        assert!(run.aws.is_empty() && run.requests.is_empty());
        assert!(run.vector["result"] == Value::Null);
    },
}];
