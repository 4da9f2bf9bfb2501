//! An address by which one recording can be played for a short while.

use serde_json::Value;

use crate::LambdaError;
use crate::context::Context;
use crate::name::Manner;

pub(crate) async fn run(_context: &Context, _manner: Manner, _event: &Value) -> Result<Value, LambdaError> {
    std::future::ready(Err(LambdaError::not_offered_yet("run"))).await
}
