//! Transcripts of recordings, from start to result.

use super::{Deviation, Group, compare_effects};

pub const GROUP: Group = Group {
    functions: &[
        "sfExecuteTranscriptionStateMachine",
        "sfSubmitTranscribeJob",
        "sfGetTranscribeJobStatus",
        "sfProcessTranscriptionResult",
    ],
    deviations: DEVIATIONS,
    later: &[
        "sfExecuteTranscriptionStateMachine",
        "sfSubmitTranscribeJob",
        "sfGetTranscribeJobStatus",
        "sfProcessTranscriptionResult",
    ],
    compare: compare_effects,
};

const DEVIATIONS: &[Deviation] = &[];
