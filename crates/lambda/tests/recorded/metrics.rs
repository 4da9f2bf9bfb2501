//! What the queues hold at the moment.

use super::{Deviation, Group, compare_effects};

pub const GROUP: Group = Group {
    functions: &["sfRealTimeQueueMetrics", "sfRealTimeQueueMetricsLoopJob"],
    deviations: DEVIATIONS,
    later: &["sfRealTimeQueueMetrics", "sfRealTimeQueueMetricsLoopJob"],
    compare: compare_effects,
};

const DEVIATIONS: &[Deviation] = &[];
