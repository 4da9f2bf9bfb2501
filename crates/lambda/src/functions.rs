use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;
use tieline_aws::{AwsSettings, Secrets};
use tieline_bridge::dip::{Allowed, DipError, DipSettings, Dips, MemoryCache};
use tieline_core::Clock;
use tieline_salesforce::Salesforce;
use tieline_salesforce::legacy::{Legacy, LegacyError};
use tokio::sync::OnceCell;

use crate::config::{ConfigError, Environment, SalesforceSettings};
use crate::credentials::SecretCredentials;

/// A failed invocation as the platform reports it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{error_type}: {error_message}")]
#[serde(rename_all = "camelCase")]
pub struct LambdaError {
    pub error_type: String,
    pub error_message: String,
}

impl LambdaError {
    pub(crate) fn new(error_type: &str, error_message: impl Into<String>) -> Self {
        Self { error_type: error_type.to_owned(), error_message: error_message.into() }
    }
}

impl From<DipError> for LambdaError {
    fn from(error: DipError) -> Self {
        Self::new(error.code.as_str(), error.detail)
    }
}

impl From<LegacyError> for LambdaError {
    fn from(error: LegacyError) -> Self {
        Self::new(error.error_type, error.message)
    }
}

impl From<ConfigError> for LambdaError {
    fn from(error: ConfigError) -> Self {
        Self::new("Exception", error.to_string())
    }
}

/// Functions there will be, by our name; the reference's name beside it.
const LATER: [(&str, &str); 13] = [
    ("contact-records", "sfCTRTrigger"),
    ("contact-records", "sfContactTraceRecord"),
    ("agent-report", "sfIntervalAgent"),
    ("queue-report", "sfIntervalQueue"),
    ("queue-metrics", "sfRealTimeQueueMetrics"),
    ("queue-metrics", "sfRealTimeQueueMetricsLoopJob"),
    ("contact-lens", "sfProcessContactLens"),
    ("transcription-start", "sfExecuteTranscriptionStateMachine"),
    ("transcription-start", "sfSubmitTranscribeJob"),
    ("transcription-start", "sfGetTranscribeJobStatus"),
    ("transcription-result", "sfProcessTranscriptionResult"),
    ("recording-url", "sfGenerateAudioRecordingStreamingURL"),
    ("sap-call-summary", "sap-call-summary"),
];

/// How an answer looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    Ours,
    /// The reference's shapes and error texts.
    Legacy,
}

/// The functions of one process, warm after the first call: one client, one token, one secret read.
pub struct Functions {
    environment: Environment,
    clock: Arc<dyn Clock>,
    salesforce: OnceCell<Org>,
}

struct Org {
    dips: Dips,
    legacy: Legacy,
}

impl Functions {
    pub fn new(environment: Environment, clock: Arc<dyn Clock>) -> Self {
        Self { environment, clock, salesforce: OnceCell::new() }
    }

    /// Runs the function called `name`: `dip`, or the reference's `sfInvokeAPI.lambda_handler`.
    ///
    /// # Errors
    ///
    /// [`LambdaError`] in the form the platform reports; its type is a code of ours or, for the
    /// reference's names, the class it would have been.
    pub async fn invoke(&self, name: &str, event: &Value) -> Result<Value, LambdaError> {
        match self.manner(name)? {
            Manner::Ours => {
                let org = self.org().await?;
                Ok(org.dips.answer(event, &Allowed::everything()).await?)
            }
            Manner::Legacy => {
                let org = self.org().await?;
                Ok(org.legacy.answer(event).await?)
            }
        }
    }

    fn manner(&self, name: &str) -> Result<Manner, LambdaError> {
        let (base, handler) = match name.strip_suffix(".lambda_handler") {
            Some(base) => (base, true),
            None => (name, false),
        };
        let legacy = handler || self.environment.get("TIELINE_COMPAT") == Some("legacy");
        match base {
            "dip" | "sfInvokeAPI" => Ok(if legacy { Manner::Legacy } else { Manner::Ours }),
            "sfExecuteAWSService" => Err(LambdaError::new(
                "lambda.unknown_function",
                "`sfExecuteAWSService` is not offered: set the instance up with your own credentials, as docs/guides/first-real-call.md shows",
            )),
            later if LATER.iter().any(|(ours, theirs)| later == *ours || later == *theirs) => {
                Err(LambdaError::new(
                    "lambda.unknown_function",
                    format!("the function `{later}` is not offered yet"),
                ))
            }
            _ => Err(LambdaError::new(
                "lambda.unknown_function",
                "the function is none of: dip, sfInvokeAPI.lambda_handler",
            )),
        }
    }

    async fn org(&self) -> Result<&Org, LambdaError> {
        self.salesforce
            .get_or_try_init(|| async {
                let settings = SalesforceSettings::read(&self.environment)?;
                let aws = AwsSettings::from_environment(|name| self.environment.get(name));
                let credentials = SecretCredentials {
                    secrets: Arc::new(Secrets::new(aws)),
                    secret_id: settings.secret_id,
                    grant: settings.grant,
                    username: settings.username,
                };
                let salesforce =
                    Salesforce::new(&settings.org, Arc::new(credentials), Arc::clone(&self.clock))
                        .map_err(|error| LambdaError::new("Exception", error.to_string()))?;
                let mut dips =
                    Dips::new(Arc::new(salesforce.clone()), Arc::clone(&self.clock), DipSettings::default())
                        .with_cache(Arc::new(MemoryCache::default()));
                if let Some(region) =
                    self.environment.get("TIELINE_REGION").filter(|region| !region.is_empty())
                {
                    dips = dips.in_region(region);
                }
                Ok(Org { dips, legacy: Legacy::new(salesforce, Arc::clone(&self.clock)) })
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tieline_core::FixedClock;

    use super::*;

    fn functions(variables: &[(&str, &str)]) -> Functions {
        let environment = variables.iter().copied().collect();
        Functions::new(environment, Arc::new(FixedClock(jiff::Timestamp::UNIX_EPOCH)))
    }

    #[test]
    fn a_handler_s_name_asks_for_the_reference_s_answers() {
        let manner = |name| functions(&[]).manner(name).unwrap();
        assert_eq!(manner("dip"), Manner::Ours);
        assert_eq!(manner("sfInvokeAPI"), Manner::Ours);
        assert_eq!(manner("sfInvokeAPI.lambda_handler"), Manner::Legacy);
        assert_eq!(functions(&[("TIELINE_COMPAT", "legacy")]).manner("dip"), Ok(Manner::Legacy));
    }

    #[tokio::test]
    async fn a_function_that_is_not_there_says_so() {
        for (name, text) in [
            ("contact-records", "not offered yet"),
            ("sfCTRTrigger.lambda_handler", "not offered yet"),
            ("sfExecuteAWSService", "your own credentials"),
            ("nonsense", "none of"),
        ] {
            let error = functions(&[]).invoke(name, &json!({})).await.unwrap_err();
            assert_eq!(error.error_type, "lambda.unknown_function");
            assert!(error.error_message.contains(text), "{error}");
        }
    }

    #[tokio::test]
    async fn a_missing_variable_is_named() {
        let error = functions(&[]).invoke("dip", &json!({})).await.unwrap_err();
        assert_eq!(
            error.error_message,
            "'SF_CREDENTIALS_SECRETS_MANAGER_ARN' environment variable is missing"
        );
    }
}
