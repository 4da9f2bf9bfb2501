use serde_json::Value;
use tieline_bridge::dip::{DipCode, DipError};
use tieline_core::JsonMap;
use tracing::warn;

use crate::auth::CredentialError;
use crate::failure::Failure;
use crate::wire::Problem;

/// What the platform reports of a failed call: a class name and a text, as flows and log searches know them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error_type}: {message}")]
pub struct LegacyError {
    pub error_type: &'static str,
    pub message: String,
    /// What our own front would have called it: an HTTP answer needs a code and a status.
    pub code: DipCode,
}

impl LegacyError {
    pub(crate) fn new(error_type: &'static str, message: impl Into<String>) -> Self {
        Self { error_type, message: message.into(), code: DipCode::InvalidParameter }
    }

    pub(crate) fn coded(mut self, code: DipCode) -> Self {
        self.code = code;
        self
    }

    /// An operation nobody has.
    pub(crate) fn unknown_operation(message: impl Into<String>) -> Self {
        Self::exception(message).coded(DipCode::UnknownOperation)
    }

    pub(crate) fn exception(message: impl Into<String>) -> Self {
        Self::new("Exception", message)
    }

    /// A member that should be there.
    pub(crate) fn key(name: &str) -> Self {
        Self::new("KeyError", format!("'{name}'")).coded(DipCode::MissingParameter)
    }

    /// A member of Salesforce's answer that should be there.
    pub(crate) fn malformed_answer(name: &str) -> Self {
        Self::key(name).coded(DipCode::CrmMalformed)
    }

    pub(crate) fn unsafe_value(detail: impl std::fmt::Display) -> Self {
        Self::exception(format!("dip.unsafe_value: {detail}")).coded(DipCode::UnsafeValue)
    }

    /// `lookup() missing 1 required positional argument: 'sf_object'`.
    pub(crate) fn missing(operation: &str, parameters: &JsonMap, required: &[&str]) -> Option<Self> {
        let quoted: Vec<String> = required
            .iter()
            .filter(|name| !parameters.contains_key(**name))
            .map(|name| format!("'{name}'"))
            .collect();
        let (last, head) = quoted.split_last()?;
        let names = match head {
            [] => last.clone(),
            [one] => format!("{one} and {last}"),
            more => format!("{}, and {last}", more.join(", ")),
        };
        let plural = if quoted.len() == 1 { "" } else { "s" };
        let message =
            format!("{operation}() missing {} required positional argument{plural}: {names}", quoted.len());
        Some(Self::new("TypeError", message).coded(DipCode::MissingParameter))
    }
}

impl From<LegacyError> for DipError {
    fn from(error: LegacyError) -> Self {
        let mut dip = Self::new(error.code, error.message);
        dip.imitated = Some(error.error_type);
        dip
    }
}

impl From<Failure> for LegacyError {
    fn from(failure: Failure) -> Self {
        let code = DipError::from(failure.clone().during("dip")).code;
        let status_text = |status: u16| format!("request returned status code: {status}");
        let problem_text = |problem: &Problem| {
            if problem.code.starts_with("HTTP_") { problem.message.clone() } else { problem.to_string() }
        };
        let error = match failure {
            Failure::SessionRefused | Failure::LoginRefused { status: 401, .. } => {
                Self::new("InvalidAuthTokenException", "")
            }
            Failure::Credentials(CredentialError::Unavailable(detail)) => Self::new("ClientError", detail),
            Failure::Credentials(CredentialError::Invalid(detail)) => Self::exception(detail),
            Failure::Throttled { code, .. } if code.starts_with("HTTP_") => Self::exception(status_text(429)),
            Failure::LoginRefused { code, message, .. } | Failure::Throttled { code, message, .. } => {
                Self::exception(format!("{code}: {message}"))
            }
            Failure::Unavailable { status, problems } if problems.is_empty() => {
                Self::exception(status_text(status))
            }
            Failure::Unavailable { problems, .. } => Self::exception(problem_text(&problems[0])),
            Failure::Rejected { problem, others, .. } if problem.code.starts_with("UNSAFE_") => {
                debug_assert!(others.is_empty());
                Self::unsafe_value(problem.message)
            }
            // The first is the answer flows know; what else the org said is for the log.
            Failure::Rejected { problem, others, .. } => {
                if !others.is_empty() {
                    let codes: Vec<&str> = others.iter().map(|other| other.code.as_str()).collect();
                    warn!(code = problem.code, also = ?codes, "The org had more to say than the answer holds");
                }
                Self::exception(problem_text(&problem))
            }
            Failure::Malformed { status, .. } => {
                Self::new("JSONDecodeError", format!("the answer with status {status} could not be read"))
            }
            Failure::AllowanceKept { .. } => {
                Self::exception("what is left of the daily calls is kept for what is more urgent")
            }
            Failure::Unreachable(_) => Self::new("ConnectionError", "Salesforce did not answer"),
        };
        error.coded(code)
    }
}

/// The name Python has for a JSON value's type.
pub(crate) fn python_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "NoneType",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "int",
        Value::String(_) => "str",
        Value::Array(_) => "list",
        Value::Object(_) => "dict",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn missing_arguments_are_listed_as_python_lists_them() {
        let text = |parameters: Value, required: &[&str]| {
            LegacyError::missing("f", parameters.as_object().unwrap(), required).map(|error| error.message)
        };
        assert_eq!(text(json!({"a": 1}), &["a"]), None);
        assert_eq!(text(json!({}), &["a"]).unwrap(), "f() missing 1 required positional argument: 'a'");
        assert_eq!(
            text(json!({}), &["a", "b"]).unwrap(),
            "f() missing 2 required positional arguments: 'a' and 'b'"
        );
        assert_eq!(
            text(json!({}), &["a", "b", "c"]).unwrap(),
            "f() missing 3 required positional arguments: 'a', 'b', and 'c'"
        );
    }
}
