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

/// Both fronts on one org.
pub(crate) struct Answering {
    dips: Dips,
    legacy: Legacy,
}

impl Answering {
    pub fn new(salesforce: &Salesforce, clock: &Arc<dyn Clock>, region: Option<&str>) -> Self {
        let mut dips = Dips::new(Arc::new(salesforce.clone()), Arc::clone(clock), DipSettings::default())
            .with_cache(Arc::new(MemoryCache::default()));
        if let Some(region) = region {
            dips = dips.in_region(region);
        }
        Self { dips, legacy: Legacy::new(salesforce.clone(), Arc::clone(clock)) }
    }
}

pub(crate) async fn run(context: &Context, manner: Manner, event: &Value) -> Result<Value, LambdaError> {
    let answering = context.answering().await?;
    match manner {
        Manner::Ours => Ok(answering.dips.answer(event, &Allowed::everything()).await?),
        Manner::Legacy => Ok(answering.legacy.answer(event).await?),
    }
}
