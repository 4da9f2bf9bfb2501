//! What Contact Lens found in a contact.

use super::{Deviation, Group, compare_effects};

pub const GROUP: Group = Group {
    functions: &["sfProcessContactLens"],
    deviations: DEVIATIONS,
    later: &["sfProcessContactLens"],
    compare: compare_effects,
};

const DEVIATIONS: &[Deviation] = &[];
