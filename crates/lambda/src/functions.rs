use std::sync::Arc;

use serde_json::Value;
use tieline_core::Clock;
use tokio::time::Instant;

use crate::LambdaError;
use crate::config::Environment;
use crate::context::Context;
use crate::error::NOT_CONFIGURED;
use crate::name::{Function, Manner, named};
use crate::{
    contact_lens, contact_records, dip, profiles_check, queue_metrics, recording_url, report, transcription,
};

/// The functions of one process, warm after the first call: one client, one token, one secret read.
pub struct Functions {
    context: Context,
}

impl Functions {
    pub fn new(environment: Environment, clock: Arc<dyn Clock>) -> Self {
        Self { context: Context::new(environment, clock) }
    }

    /// # Errors
    ///
    /// The one [`Functions::invoke`] would give, whatever the event, when nothing has that name.
    pub fn knows(&self, name: &str) -> Result<(), LambdaError> {
        named(name, &self.context.environment).map(drop)
    }

    /// Runs a function with an event as it came.
    ///
    /// # Errors
    ///
    /// As [`Functions::invoke`], and `lambda.malformed_event` for what is no JSON.
    pub async fn invoke_text(&self, name: &str, event: &[u8]) -> Result<Value, LambdaError> {
        self.invoke_text_until(name, event, None).await
    }

    /// The same for an invocation that is ended at `ends_at`: a dip answers before, with its default
    /// answer where the CRM has not.
    ///
    /// # Errors
    ///
    /// As [`Functions::invoke_text`].
    pub async fn invoke_text_until(
        &self,
        name: &str,
        event: &[u8],
        ends_at: Option<Instant>,
    ) -> Result<Value, LambdaError> {
        let event = serde_json::from_slice(event).map_err(|error| {
            LambdaError::new("lambda.malformed_event", format!("the event is no JSON: {error}"))
        })?;
        self.invoke_until(name, &event, ends_at).await
    }

    /// Runs the function called `name`: ours (`dip`) or the reference's (`sfInvokeAPI.lambda_handler`).
    ///
    /// # Errors
    ///
    /// [`LambdaError`] in the form the platform reports; its type is a code of ours or, for the
    /// reference's names, the class it would have been.
    pub async fn invoke(&self, name: &str, event: &Value) -> Result<Value, LambdaError> {
        self.invoke_until(name, event, None).await
    }

    async fn invoke_until(
        &self,
        name: &str,
        event: &Value,
        ends_at: Option<Instant>,
    ) -> Result<Value, LambdaError> {
        let context = &self.context;
        let (function, manner) = named(name, &context.environment)?;
        context.manner.get_or_init(|| manner);
        let answer = match function {
            Function::Dip => dip::run(context, manner, event, ends_at).await,
            Function::ContactRecords => contact_records::run(context, manner, event).await,
            Function::AgentReport => report::run(context, report::Kind::Agent, manner, event).await,
            Function::QueueReport => report::run(context, report::Kind::Queue, manner, event).await,
            Function::QueueMetrics => queue_metrics::run(context, manner, event).await,
            Function::QueueMetricsLoop => queue_metrics::run_loop(context, event).await,
            Function::ContactLens => contact_lens::run(context, manner, event).await,
            Function::TranscriptionStart => transcription::start(context, manner, event).await,
            Function::TranscriptionSubmit => transcription::submit(context, manner, event).await,
            Function::TranscriptionStatus => transcription::status(context, manner, event).await,
            Function::TranscriptionResult => transcription::result(context, manner, event).await,
            Function::ProfilesCheck => profiles_check::run(context).await,
            Function::RecordingUrl => recording_url::run(context, manner, event).await,
        };
        answer.map_err(|error| match manner {
            Manner::Legacy if error.error_type == NOT_CONFIGURED => {
                LambdaError::new("Exception", error.error_message)
            }
            _ => error,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tieline_core::FixedClock;

    use super::*;

    #[tokio::test]
    async fn a_missing_variable_is_named() {
        let functions =
            Functions::new(Environment::default(), Arc::new(FixedClock(jiff::Timestamp::UNIX_EPOCH)));
        let error = functions.invoke("dip", &json!({})).await.unwrap_err();
        assert_eq!(
            error.error_message,
            "'SF_CREDENTIALS_SECRETS_MANAGER_ARN' environment variable is missing"
        );
    }
}
