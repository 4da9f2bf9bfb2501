use std::fmt;

use serde::Serialize;
use tieline_core::{ConnectorError, ConnectorErrorKind};

/// Why a dip was not answered, in a form that never changes. Each has a page in `docs/errors/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DipCode {
    /// The body is not a contact-flow event.
    MalformedEvent,
    UnknownOperation,
    MissingParameter,
    InvalidParameter,
    /// A value or name that would change what a query says.
    UnsafeValue,
    /// The key may not ask this.
    NotAllowed,
    /// The time the caller can wait is over.
    Deadline,
    /// A create whose outcome we do not know: doing it again might do it twice.
    OutcomeUnknown,
    CrmUnauthorized,
    CrmThrottled,
    CrmUnreachable,
    CrmUnavailable,
    CrmRejected,
    CrmMalformed,
    CrmUnsupported,
}

impl DipCode {
    pub const ALL: [Self; 15] = [
        Self::MalformedEvent,
        Self::UnknownOperation,
        Self::MissingParameter,
        Self::InvalidParameter,
        Self::UnsafeValue,
        Self::NotAllowed,
        Self::Deadline,
        Self::OutcomeUnknown,
        Self::CrmUnauthorized,
        Self::CrmThrottled,
        Self::CrmUnreachable,
        Self::CrmUnavailable,
        Self::CrmRejected,
        Self::CrmMalformed,
        Self::CrmUnsupported,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::MalformedEvent => "dip.malformed_event",
            Self::UnknownOperation => "dip.unknown_operation",
            Self::MissingParameter => "dip.missing_parameter",
            Self::InvalidParameter => "dip.invalid_parameter",
            Self::UnsafeValue => "dip.unsafe_value",
            Self::NotAllowed => "dip.not_allowed",
            Self::Deadline => "dip.deadline",
            Self::OutcomeUnknown => "dip.outcome_unknown",
            Self::CrmUnauthorized => "dip.crm_unauthorized",
            Self::CrmThrottled => "dip.crm_throttled",
            Self::CrmUnreachable => "dip.crm_unreachable",
            Self::CrmUnavailable => "dip.crm_unavailable",
            Self::CrmRejected => "dip.crm_rejected",
            Self::CrmMalformed => "dip.crm_malformed",
            Self::CrmUnsupported => "dip.crm_unsupported",
        }
    }

    /// Whether its text has words of the CRM's own.
    pub(super) fn is_of_the_crm(self) -> bool {
        self.as_str().starts_with("dip.crm_")
    }

    /// The status an HTTP edge answers with: 4xx where the asker must change something.
    pub fn http_status(self) -> u16 {
        match self {
            Self::MalformedEvent
            | Self::UnknownOperation
            | Self::MissingParameter
            | Self::InvalidParameter
            | Self::UnsafeValue => 400,
            Self::NotAllowed => 403,
            Self::OutcomeUnknown => 409,
            Self::CrmRejected | Self::CrmUnsupported => 422,
            Self::CrmUnauthorized | Self::CrmMalformed | Self::CrmUnreachable | Self::CrmUnavailable => 502,
            Self::CrmThrottled => 503,
            Self::Deadline => 504,
        }
    }
}

impl fmt::Display for DipCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for DipCode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A dip without an answer. `detail` says what the author of the flow can do, and holds no
/// value of the caller's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {detail}")]
pub struct DipError {
    pub code: DipCode,
    pub detail: String,
    /// What a product that a front imitates would have called it; its texts are that product's.
    pub imitated: Option<&'static str>,
}

impl DipError {
    pub fn new(code: DipCode, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), imitated: None }
    }

    pub fn missing(parameter: &str) -> Self {
        Self::new(DipCode::MissingParameter, format!("the parameter `{parameter}` is missing"))
    }

    /// Whether the CRM may have acted all the same.
    pub fn leaves_doubt(&self) -> bool {
        matches!(
            self.code,
            DipCode::CrmUnreachable | DipCode::CrmUnavailable | DipCode::CrmMalformed | DipCode::Deadline
        )
    }
}

impl From<ConnectorError> for DipError {
    fn from(error: ConnectorError) -> Self {
        let (code, detail) = match error.kind {
            ConnectorErrorKind::Unauthorized => {
                (DipCode::CrmUnauthorized, "the CRM refused our credentials".to_owned())
            }
            ConnectorErrorKind::Throttled { retry_after } => (
                DipCode::CrmThrottled,
                match retry_after {
                    Some(wait) => format!("the CRM is limiting our calls; try again in {} s", wait.as_secs()),
                    None => "the CRM is limiting our calls".to_owned(),
                },
            ),
            ConnectorErrorKind::AllowanceKept { .. } => (
                DipCode::CrmThrottled,
                "what is left of the CRM's daily calls is kept for what is more urgent".to_owned(),
            ),
            ConnectorErrorKind::Unreachable(_) => {
                (DipCode::CrmUnreachable, "the CRM did not answer".to_owned())
            }
            ConnectorErrorKind::Unavailable { status } => {
                (DipCode::CrmUnavailable, format!("the CRM failed with status {status}"))
            }
            ConnectorErrorKind::Rejected { code, message, .. } if code.starts_with("UNSAFE_") => {
                (DipCode::UnsafeValue, message)
            }
            ConnectorErrorKind::Rejected { code, message, .. } => {
                (DipCode::CrmRejected, format!("{code}: {message}"))
            }
            ConnectorErrorKind::Malformed { status, .. } => {
                (DipCode::CrmMalformed, format!("the CRM's answer (status {status}) could not be read"))
            }
            _ => (DipCode::CrmUnsupported, "this CRM cannot do that".to_owned()),
        };
        Self { code, detail, imitated: None }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_code_is_one_of_its_own_with_a_status_that_is_an_error() {
        let codes: HashSet<&str> = DipCode::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(codes.len(), DipCode::ALL.len());
        for code in DipCode::ALL {
            assert!(code.as_str().starts_with("dip."));
            assert!((400..600).contains(&code.http_status()), "{code}");
        }
    }

    #[test]
    fn the_crm_s_own_words_are_kept() {
        let error = DipError::from(ConnectorError {
            connector: "crm",
            operation: "rows",
            kind: ConnectorErrorKind::Rejected {
                status: 400,
                code: "INVALID_FIELD".into(),
                message: "No such column; also this".into(),
            },
            said: None,
        });
        assert_eq!(error.to_string(), "dip.crm_rejected: INVALID_FIELD: No such column; also this");
    }
}
