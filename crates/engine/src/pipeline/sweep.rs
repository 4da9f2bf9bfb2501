use std::time::Duration;

use tieline_store::{StoreError, Swept};
use tracing::info;

use super::setup::Shared;

/// Rows of one transaction, so that intake never waits long.
const PIECE: usize = 500;

/// Removes what is older than it may be kept.
pub(super) async fn sweep(shared: &Shared) -> Result<Swept, StoreError> {
    let now = shared.clock.now();
    let before = |span: Duration| now.checked_sub(span).unwrap_or(jiff::Timestamp::MIN);
    let deliveries_before = before(shared.options.keep_deliveries);
    let parts_before = before(shared.options.keep_parts);
    let mut all = Swept::default();
    loop {
        let piece = shared.store.sweep(deliveries_before, parts_before, PIECE).await?;
        all.deliveries += piece.deliveries;
        all.parts += piece.parts;
        all.outbox += piece.outbox;
        if piece == Swept::default() {
            break;
        }
    }
    if all != Swept::default() {
        info!(
            deliveries = all.deliveries,
            parts = all.parts,
            rows = all.outbox,
            "Removed what is past its time"
        );
    }
    Ok(all)
}
