//! Transcription of recordings, from the start of a job to what is known of its text.

use serde_json::Value;

use crate::LambdaError;
use crate::context::Context;
use crate::name::Manner;

pub(crate) async fn start(_context: &Context, _manner: Manner, _event: &Value) -> Result<Value, LambdaError> {
    std::future::ready(Err(LambdaError::not_offered_yet("start"))).await
}

pub(crate) async fn submit(_context: &Context, _event: &Value) -> Result<Value, LambdaError> {
    std::future::ready(Err(LambdaError::not_offered_yet("submit"))).await
}

pub(crate) async fn status(_context: &Context, _event: &Value) -> Result<Value, LambdaError> {
    std::future::ready(Err(LambdaError::not_offered_yet("status"))).await
}

pub(crate) async fn result(
    _context: &Context,
    _manner: Manner,
    _event: &Value,
) -> Result<Value, LambdaError> {
    std::future::ready(Err(LambdaError::not_offered_yet("result"))).await
}
