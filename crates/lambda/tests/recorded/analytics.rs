//! What Contact Lens found in a contact.

use super::{Deviation, Group, Run, compare_effects, transcription};

pub const GROUP: Group = Group { functions: &["sfProcessContactLens"], deviations: DEVIATIONS, compare };

/// The same records and attachments, and at the end the same lock.
fn compare(run: &Run) {
    compare_effects(run);
    transcription::compare_locks(run);
}

const DEVIATIONS: &[Deviation] = &[];
