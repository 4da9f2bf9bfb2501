use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;
use tieline_aws::AwsError;
use tieline_bridge::dip::DipError;
use tieline_core::{ConnectorError, ConnectorErrorKind, RowFailure};

use crate::config::ConfigError;
use crate::name::Manner;

/// A failed invocation as the platform reports it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{error_type}: {error_message}")]
#[serde(rename_all = "camelCase")]
pub struct LambdaError {
    pub error_type: String,
    pub error_message: String,
}

impl LambdaError {
    pub fn new(error_type: &str, error_message: impl Into<String>) -> Self {
        Self { error_type: error_type.to_owned(), error_message: error_message.into() }
    }

    /// A dip's failure: our code as its type or, for those who asked for the reference's, the class it
    /// would have been. What the reference never says is a plain exception there.
    pub(crate) fn of_dip(error: DipError, manner: Manner) -> Self {
        match (error.imitated, manner) {
            (Some(class), _) => Self::new(class, error.detail),
            (None, Manner::Ours) => Self::new(error.code.as_str(), error.detail),
            (None, Manner::Legacy) => Self::new("Exception", error.to_string()),
        }
    }

    /// The same with what was being done, for example `GetContactAttributes`.
    #[must_use]
    pub(crate) fn during(mut self, what: &str) -> Self {
        self.error_message = format!("{what}: {}", self.error_message);
        self
    }
}

impl LambdaError {
    /// An event of a shape the function does not know.
    pub(crate) fn malformed_event(detail: impl Into<String>) -> Self {
        Self::new("lambda.malformed_event", detail)
    }

    /// A CRM that did not do what was asked of it.
    pub(crate) fn of_crm(manner: Manner, error: ConnectorError) -> Self {
        if let ConnectorErrorKind::AllowanceKept { retry_after } = error.kind {
            return Self::allowance_kept(retry_after);
        }
        if manner == Manner::Ours {
            return Self::of_dip(DipError::from(error), manner);
        }
        if let Some(said) = error.said {
            return Self::new("Exception", said);
        }
        match error.kind {
            // A status alone is its own text.
            ConnectorErrorKind::Rejected { code, message, .. } if code.starts_with("HTTP_") => {
                Self::new("Exception", message)
            }
            ConnectorErrorKind::Rejected { code, message, .. } => {
                Self::new("Exception", format!("{code}: {message}"))
            }
            ConnectorErrorKind::Unavailable { status } => {
                Self::new("Exception", format!("request returned status code: {status}"))
            }
            // With nothing to it, as recorded.
            ConnectorErrorKind::Unauthorized => Self::new("InvalidAuthTokenException", ""),
            kind => {
                let error = ConnectorError { kind, said: None, ..error };
                Self::new("Exception", DipError::from(error).detail)
            }
        }
    }

    /// By every name the same: it must be told from a CRM that failed.
    fn allowance_kept(retry_after: Option<Duration>) -> Self {
        let mut text =
            "the CRM's daily API calls run low, and what is left is kept for dips and the call log; \
                        nothing was asked of it"
                .to_owned();
        if let Some(wait) = retry_after {
            write!(text, "; try again in {} s", wait.as_secs()).expect("a text takes all");
        }
        Self::new("lambda.allowance_kept", text)
    }

    /// A row the CRM did not take.
    pub(crate) fn of_row(manner: Manner, failure: &RowFailure) -> Self {
        let (RowFailure::Permanent { code, message } | RowFailure::Contention { code, message }) = failure;
        match manner {
            Manner::Ours => Self::new("dip.crm_rejected", format!("{code}: {message}")),
            // What the status alone says has no code in front.
            Manner::Legacy if message.starts_with("request returned status code") => {
                Self::new("Exception", message.clone())
            }
            Manner::Legacy => Self::new("Exception", format!("{code}: {message}")),
        }
    }
}

impl From<ConfigError> for LambdaError {
    fn from(error: ConfigError) -> Self {
        Self::new(NOT_CONFIGURED, error.to_string())
    }
}

/// A setting is missing or wrong; by a name of the reference's it is the one type all its own errors have.
pub(crate) const NOT_CONFIGURED: &str = "lambda.not_configured";

impl From<ConnectorError> for LambdaError {
    fn from(error: ConnectorError) -> Self {
        Self::of_crm(Manner::Ours, error)
    }
}

impl From<AwsError> for LambdaError {
    fn from(error: AwsError) -> Self {
        let code = match error {
            AwsError::Refused { .. } => "lambda.aws_refused",
            AwsError::Throttled { .. } => "lambda.aws_throttled",
            AwsError::ClockSkew | AwsError::NoCredentials | AwsError::NoRegion => "lambda.aws_not_configured",
            AwsError::Unavailable(_) | AwsError::Malformed => "lambda.aws_unavailable",
            AwsError::UnsafeKey | AwsError::TooLarge { .. } => "lambda.object_refused",
        };
        Self::new(code, error.to_string())
    }
}
