use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;
use tieline_core::{ConnectionName, Standing};
use tieline_store::{QueueDepths, StoreError};

use super::Pipeline;

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// Counts since the process began.
        #[derive(Debug, Default)]
        pub(super) struct Counters {
            $(pub $name: AtomicU64,)*
        }

        /// Counts since the process began, for metrics.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
        pub struct Counts {
            $($(#[$doc])* pub $name: u64,)*
        }

        impl Counts {
            /// Every count by its name.
            pub fn named(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($name), self.$name),)*]
            }
        }

        impl Counters {
            fn read(&self) -> Counts {
                Counts { $($name: self.$name.load(Ordering::Relaxed),)* }
            }
        }
    };
}

counters! {
    /// Deliveries stored and acknowledged.
    deliveries_stored,
    /// Deliveries that had been stored before.
    deliveries_duplicate,
    /// Bodies refused because they could not be taken apart.
    bodies_refused,
    deliveries_decoded,
    deliveries_dead,
    /// Contacts of which something new was learnt.
    contacts_changed,
    /// Calls made to a CRM by the writers, look-ups of parties included.
    crm_calls,
    /// Calls that failed because of the CRM as a whole.
    crm_failures,
    rows_written,
    /// Written rows that made a new record.
    rows_created,
    /// Rows that needed no call because the CRM holds the same.
    rows_unchanged,
    rows_retried,
    rows_dead,
    /// Written rows of which the CRM did not have a field.
    rows_partial,
    /// Rows of files that are no records and were left out.
    rows_left_out,
}

/// How a CRM connection fares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TargetHealth {
    pub target: ConnectionName,
    /// Whether calls are paused because the last ones failed.
    pub paused: bool,
    /// Whole seconds since the first failure of this pause.
    pub down_secs: u64,
    /// The CRM's daily calls; `None` where there is no such limit.
    #[serde(skip)]
    pub spending: Option<Standing>,
}

pub(super) fn add(counter: &AtomicU64, by: usize) {
    counter.fetch_add(by as u64, Ordering::Relaxed);
}

impl Pipeline {
    pub fn counts(&self) -> Counts {
        self.shared.counters.read()
    }

    /// Rows waiting and dead, from the store.
    pub async fn depths(&self) -> Result<QueueDepths, StoreError> {
        self.shared.store.queue_depths().await
    }

    pub fn health(&self) -> Vec<TargetHealth> {
        let now = self.shared.clock.now();
        self.shared
            .targets
            .values()
            .map(|target| {
                let down = target.circuit.down_since();
                TargetHealth {
                    target: target.name.clone(),
                    paused: down.is_some(),
                    down_secs: down
                        .map_or(0, |since| u64::try_from(now.duration_since(since).as_secs()).unwrap_or(0)),
                    spending: target.crm.governor().map(|governor| governor.standing(now)),
                }
            })
            .collect()
    }
}
