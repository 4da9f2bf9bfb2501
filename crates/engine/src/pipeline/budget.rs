//! What processes tell each other of a CRM's allowance of calls, by the store.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tieline_core::{Governor, Leave, Purpose, window_begins};
use tieline_store::StoreError;
use tracing::info;

use super::setup::Shared;
use super::writer::{Next, Target};

/// How often a process that calls tells so, and hears of the others.
const SHARE_EVERY: Duration = Duration::from_secs(5);
/// How often one that calls nobody listens.
const LISTEN_EVERY: Duration = Duration::from_secs(60);

/// When a target's numbers were shared last, and whether writing was paused then.
#[derive(Debug, Default)]
pub(super) struct Sharing(Mutex<(Option<Timestamp>, bool)>);

/// Tells and hears when it is time; says when it is time again.
pub(super) async fn step(shared: &Shared, target: &Target) -> Result<Next, StoreError> {
    let now = shared.clock.now();
    if let Some(governor) = target.crm.governor() {
        share(shared, target, governor, now).await?;
    }
    Ok(Next::Wait(now.checked_add(SHARE_EVERY).unwrap_or(Timestamp::MAX)))
}

async fn share(
    shared: &Shared,
    target: &Target,
    governor: &Governor,
    now: Timestamp,
) -> Result<(), StoreError> {
    let report = governor.report();
    let heard = target.sharing.lock().0;
    let span = if report.is_empty() { LISTEN_EVERY } else { SHARE_EVERY };
    if heard.is_some_and(|heard| heard.checked_add(span).is_ok_and(|next| next > now)) {
        governor.take_back(report);
        return Ok(());
    }
    match shared.store.share_budget(&target.name, report.clone(), window_begins(now)).await {
        Ok(budget) => governor.learn(budget.word, budget.calls),
        Err(error) => {
            governor.take_back(report);
            return Err(error);
        }
    }
    target.sharing.lock().0 = Some(now);
    Ok(())
}

/// Until when the call log may not be written because what is left is kept for dips.
pub(super) async fn waits(
    shared: &Shared,
    target: &Target,
    now: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    let Some(governor) = target.crm.governor() else { return Ok(None) };
    share(shared, target, governor, now).await?;
    let until = match governor.look(Purpose::CallLog, now) {
        Leave::Wait(until) => Some(until),
        Leave::Free | Leave::Probe => None,
    };
    let before = std::mem::replace(&mut target.sharing.lock().1, until.is_some());
    if until.is_some() && !before {
        info!(
            target = %target.name,
            "Writing to the CRM pauses: what is left of its daily calls is kept for look-ups during calls"
        );
    }
    Ok(until)
}

/// The same for reports, which wait first. Nothing is shared here: [`waits`] has just done so.
pub(super) fn spare_waits(target: &Target, now: Timestamp) -> Option<Timestamp> {
    match target.crm.governor()?.look(Purpose::Other, now) {
        Leave::Wait(until) => Some(until),
        Leave::Free | Leave::Probe => None,
    }
}

impl Sharing {
    fn lock(&self) -> std::sync::MutexGuard<'_, (Option<Timestamp>, bool)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
