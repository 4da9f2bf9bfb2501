//! Historical agent and queue reports that Amazon Connect puts into a bucket.

use serde_json::Value;

use crate::LambdaError;
use crate::context::Context;
use crate::name::Manner;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Agent,
    Queue,
}

pub(crate) async fn run(
    _context: &Context,
    _kind: Kind,
    _manner: Manner,
    _event: &Value,
) -> Result<Value, LambdaError> {
    std::future::ready(Err(LambdaError::not_offered_yet("run"))).await
}
