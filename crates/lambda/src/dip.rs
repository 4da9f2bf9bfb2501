//! The look-up a contact flow makes.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tieline_bridge::dip::recent::{Recent, Recents};
use tieline_bridge::dip::{Allowed, DipSettings, Dips, MemoryCache};
use tieline_core::Clock;
use tieline_salesforce::Salesforce;
use tieline_salesforce::legacy::Legacy;
use tokio::time::Instant;

use crate::LambdaError;
use crate::context::Context;
use crate::name::Manner;
use crate::rights::DipRights;

/// Both fronts on one org, with one deadline and one memory of changes.
pub(crate) struct Answering {
    ours: Dips,
    legacy: Dips,
    allowed: Allowed,
}

impl Answering {
    pub fn new(
        salesforce: &Salesforce,
        clock: &Arc<dyn Clock>,
        settings: &DipSettings,
        region: Option<&str>,
        rights: DipRights,
    ) -> Self {
        let salesforce = match rights.find_caller {
            Some(settings) => salesforce.clone().finding(settings),
            None => salesforce.clone(),
        };
        let cache = Arc::new(MemoryCache::default());
        let recents = Arc::new(Recents::default());
        let dips = |target| {
            let dips = Dips::new(target, Arc::clone(clock), settings.clone())
                .with_cache(cache.clone())
                .remembering(rights.answer_cache.map(Recent::new), &recents);
            match region {
                Some(region) => dips.in_region(region),
                None => dips,
            }
        };
        Self {
            ours: dips(Arc::new(salesforce.clone())),
            legacy: dips(Arc::new(Legacy::new(salesforce, Arc::clone(clock)))),
            allowed: rights.allowed,
        }
    }
}

/// Of the invocation's time, kept to hand the answer over.
const TO_ANSWER: Duration = Duration::from_millis(100);

/// Answers before `ends_at`, when the invocation is ended, with the default answer if need be.
pub(crate) async fn run(
    context: &Context,
    manner: Manner,
    event: &Value,
    ends_at: Option<Instant>,
) -> Result<Value, LambdaError> {
    let latest = ends_at.map(|at| at.checked_sub(TO_ANSWER).unwrap_or(at));
    let answering = context.answering().await?;
    let dips = match manner {
        Manner::Ours => &answering.ours,
        Manner::Legacy => &answering.legacy,
    };
    let answer = dips.answer_by(event, &answering.allowed, latest).await;
    answer.map_err(|error| LambdaError::of_dip(error, manner))
}
