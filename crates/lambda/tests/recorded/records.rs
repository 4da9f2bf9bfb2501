//! Contact records from a stream.

use super::{Deviation, Group, compare_effects};

pub const GROUP: Group = Group {
    functions: &["sfCTRTrigger", "sfContactTraceRecord"],
    deviations: DEVIATIONS,
    later: &["sfCTRTrigger", "sfContactTraceRecord"],
    compare: compare_effects,
};

const DEVIATIONS: &[Deviation] = &[];
