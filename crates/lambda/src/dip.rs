//! The look-up a contact flow makes.

use std::sync::Arc;

use serde_json::Value;
use tieline_bridge::dip::{Allowed, DipSettings, Dips, MemoryCache};
use tieline_core::Clock;
use tieline_salesforce::Salesforce;
use tieline_salesforce::legacy::Legacy;

use crate::LambdaError;
use crate::context::Context;
use crate::name::Manner;

/// Both fronts on one org, with one deadline and one memory of changes.
pub(crate) struct Answering {
    ours: Dips,
    legacy: Dips,
}

impl Answering {
    pub fn new(
        salesforce: &Salesforce,
        clock: &Arc<dyn Clock>,
        settings: &DipSettings,
        region: Option<&str>,
    ) -> Self {
        let cache = Arc::new(MemoryCache::default());
        let dips = |target| {
            let dips = Dips::new(target, Arc::clone(clock), settings.clone()).with_cache(cache.clone());
            match region {
                Some(region) => dips.in_region(region),
                None => dips,
            }
        };
        Self {
            ours: dips(Arc::new(salesforce.clone())),
            legacy: dips(Arc::new(Legacy::new(salesforce.clone(), Arc::clone(clock)))),
        }
    }
}

pub(crate) async fn run(context: &Context, manner: Manner, event: &Value) -> Result<Value, LambdaError> {
    let answering = context.answering().await?;
    let dips = match manner {
        Manner::Ours => &answering.ours,
        Manner::Legacy => &answering.legacy,
    };
    dips.answer(event, &Allowed::everything()).await.map_err(|error| LambdaError::of_dip(error, manner))
}
