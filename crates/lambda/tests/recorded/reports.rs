//! Historical agent and queue reports.

use super::{Deviation, Group, compare_effects};

pub const GROUP: Group = Group {
    functions: &["sfIntervalAgent", "sfIntervalQueue"],
    deviations: DEVIATIONS,
    later: &["sfIntervalAgent", "sfIntervalQueue"],
    compare: compare_effects,
};

const DEVIATIONS: &[Deviation] = &[];
