//! Contact records from a stream, an event bus or a delivery stream.

use serde_json::Value;

use crate::LambdaError;
use crate::context::Context;
use crate::name::Manner;

pub(crate) async fn run(_context: &Context, _manner: Manner, _event: &Value) -> Result<Value, LambdaError> {
    std::future::ready(Err(LambdaError::not_offered_yet("run"))).await
}
