//! Transcripts of recordings, from start to result.

use serde_json::{Value, json};

use super::{Deviation, Group, Run, compare_effects};

pub const GROUP: Group = Group {
    functions: &[
        "sfExecuteTranscriptionStateMachine",
        "sfSubmitTranscribeJob",
        "sfGetTranscribeJobStatus",
        "sfProcessTranscriptionResult",
    ],
    deviations: DEVIATIONS,
    compare,
};

const DEVIATIONS: &[Deviation] = &[
    Deviation {
        name: "exec_no_customer_endpoint_fails_after_lock",
        reason: "15.2 C10, C14: a caller without a number has a recording like any other",
        further: || vec![json!({"id": "a0R", "success": true, "errors": []})],
        check: |run| {
            assert_eq!(run.answer(), "Done");
            assert_eq!(run.requests[0].json()["amazonconnect__CustomerEndpointAddress__c"], Value::Null);
            assert_eq!(run.requests[0].json()["amazonconnect__ContactId__c"], "c-0001");
            let (_, puts) = run.aws_parameters("s3.put_object");
            assert_eq!(puts.last().unwrap()["Metadata"]["accontactchannelanalyticsid"], "a0R");
        },
    },
    nothing_locked("exec_no_flags_still_locks"),
    nothing_locked("exec_recording_not_available_still_locks"),
    Deviation {
        name: "transcript_two_alternatives_crash",
        reason: "15.2 C17: the surest of several words is taken",
        further: || vec![json!({"id": "a0T", "success": true, "errors": []}); 3],
        check: |run| {
            assert_eq!(run.answer(), &json!({"Done": true}));
            let names: Vec<Value> =
                run.requests.iter().map(|request| request.json()["Name"].clone()).collect();
            assert_eq!(
                names,
                [Value::Null, json!("CustomerTranscripts.json"), json!("AgentTranscripts.json")]
            );
            assert_eq!(
                super::decoded(&run.requests[1].json()["Body"]),
                r#"[{"start_time": 0.1, "end_time": 0.5, "content": "b"}]"#
            );
        },
    },
];

/// Nothing is to be done for the contact now, so a later version of its record must not find a lock.
const fn nothing_locked(name: &'static str) -> Deviation {
    Deviation {
        name,
        reason: "15.2 C14, 15.3 P7: no lock where there is nothing to do, so a later complete record is taken",
        further: Vec::new,
        check: |run: &Run| {
            assert_eq!(run.answer(), "Done");
            assert!(run.requests.is_empty() && run.aws.is_empty());
        },
    }
}

fn compare(run: &Run) {
    compare_effects(run);
    compare_locks(run);
    let (recorded, ours) = run.aws_parameters("transcribe.start_transcription_job");
    assert_eq!(ours, recorded, "{}", run.name);
}

/// The lock stands at the end as recorded; ours says more in its metadata.
pub fn compare_locks(run: &Run) {
    let (recorded, ours) = run.aws_parameters("s3.put_object");
    let Some(recorded) = recorded.last() else { return };
    let ours = ours.last().unwrap_or_else(|| panic!("{}: no lock was written", run.name));
    for member in ["Bucket", "Key", "Body"] {
        assert_eq!(ours[member], recorded[member], "{}: {member}", run.name);
    }
    for (name, value) in recorded["Metadata"].as_object().unwrap() {
        assert_eq!(&ours["Metadata"][name.to_lowercase()], value, "{}: {name}", run.name);
    }
}
