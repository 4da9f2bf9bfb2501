use serde::Serialize;
use tieline_bridge::dip::DipError;
use tieline_salesforce::legacy::LegacyError;

use crate::config::ConfigError;

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

    /// A function of the list that is not there yet.
    pub(crate) fn not_offered_yet(function: &str) -> Self {
        Self::new("lambda.unknown_function", format!("the function `{function}` is not offered yet"))
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
