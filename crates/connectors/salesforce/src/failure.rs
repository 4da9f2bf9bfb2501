use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::StatusCode;
use serde::de::Error as _;
use tieline_core::{ConnectorError, ConnectorErrorKind};

use crate::auth::CredentialError;
use crate::wire::{LoginProblem, Problem};

/// Why a call to the org gave nothing: all we know of it, before it is put into the words of
/// [`ConnectorErrorKind`]. Can be cloned, so that callers who waited for the same login share it.
#[derive(Debug, Clone)]
pub(crate) enum Failure {
    Credentials(CredentialError),
    /// The token endpoint said no.
    LoginRefused {
        status: u16,
        code: String,
        message: String,
    },
    /// A fresh token was refused as well.
    SessionRefused,
    Throttled {
        retry_after: Option<Duration>,
        code: String,
        message: String,
    },
    /// What is left of the org's daily calls is kept for what is more urgent.
    AllowanceKept {
        retry_after: Option<Duration>,
    },
    Unreachable(Arc<dyn Error + Send + Sync>),
    Unavailable {
        status: u16,
        problems: Vec<Problem>,
    },
    /// The org's problems in order: the first, and the rest.
    Rejected {
        status: u16,
        problem: Problem,
        others: Vec<Problem>,
    },
    Malformed {
        status: u16,
        source: Arc<serde_json::Error>,
    },
}

impl Failure {
    pub fn malformed(status: u16, source: serde_json::Error) -> Self {
        Self::Malformed { status, source: Arc::new(source) }
    }

    pub fn too_large(status: u16, limit: usize) -> Self {
        Self::malformed(status, serde_json::Error::custom(format!("the answer is larger than {limit} bytes")))
    }

    /// A request of ours that must not be sent.
    pub fn refused_by_us(code: &str, message: impl Into<String>) -> Self {
        Self::Rejected { status: 0, problem: Problem::new(code, message), others: Vec::new() }
    }

    pub fn kept_for_others(wait: jiff::SignedDuration) -> Self {
        Self::AllowanceKept { retry_after: Duration::try_from(wait).ok() }
    }

    /// Reads an answer that is no success.
    pub fn from_answer(status: StatusCode, retry_after: Option<Duration>, body: &[u8]) -> Self {
        let problems = Problem::read_all(body);
        let code = problems.first().map_or("", |problem| problem.code.as_str());
        match status.as_u16() {
            429 => Self::throttled(retry_after, &problems),
            // The daily allowance and the limit of concurrent calls both come as 403 or 503 with this code.
            _ if code == "REQUEST_LIMIT_EXCEEDED" => Self::throttled(retry_after, &problems),
            500.. => Self::Unavailable { status: status.as_u16(), problems },
            number => {
                let mut problems = problems.into_iter();
                let problem = problems
                    .next()
                    .or_else(|| LoginProblem::read(body).map(LoginProblem::into_problem))
                    .unwrap_or_else(|| {
                        Problem::new(
                            &format!("HTTP_{number}"),
                            format!("request returned status code: {number}"),
                        )
                    });
                Self::Rejected { status: number, problem, others: problems.collect() }
            }
        }
    }

    fn throttled(retry_after: Option<Duration>, problems: &[Problem]) -> Self {
        let first = problems.first();
        Self::Throttled {
            retry_after,
            code: first.map_or_else(|| "HTTP_429".into(), |problem| problem.code.clone()),
            message: first.map_or_else(String::new, |problem| problem.message.clone()),
        }
    }

    /// The HTTP status and the org's own words, all of them.
    pub fn words(&self) -> (Option<u16>, String) {
        let join = |problems: &mut dyn Iterator<Item = &Problem>| {
            problems.map(ToString::to_string).collect::<Vec<_>>().join("; ")
        };
        match self {
            Self::Rejected { status: 0, .. }
            | Self::Credentials(_)
            | Self::Unreachable(_)
            | Self::AllowanceKept { .. } => (None, String::new()),
            Self::LoginRefused { status, code, message } => (Some(*status), format!("{code}: {message}")),
            Self::Throttled { code, message, .. } => (None, format!("{code}: {message}")),
            Self::Unavailable { status, problems } => (Some(*status), join(&mut problems.iter())),
            Self::Rejected { status, problem, others } => {
                (Some(*status), join(&mut std::iter::once(problem).chain(others)))
            }
            Self::Malformed { status, .. } => (Some(*status), String::new()),
            Self::SessionRefused => (Some(401), String::new()),
        }
    }

    pub fn during(self, operation: &'static str) -> ConnectorError {
        let said = self.first_words();
        ConnectorError { connector: "salesforce", operation, kind: self.into(), said }
    }

    /// The org's first words as the reference functions tell them: `CODE: message`.
    fn first_words(&self) -> Option<String> {
        match self {
            Self::Throttled { code, message, .. } if !code.starts_with("HTTP_") => {
                Some(format!("{code}: {message}"))
            }
            Self::Unavailable { problems, .. } => problems.first().map(ToString::to_string),
            Self::LoginRefused { status, code, message } if *status != 401 => {
                Some(format!("{code}: {message}"))
            }
            Self::Credentials(CredentialError::Invalid(why)) => Some(why.clone()),
            _ => None,
        }
    }
}

impl From<Failure> for ConnectorErrorKind {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::LoginRefused { .. }
            | Failure::SessionRefused
            | Failure::Credentials(CredentialError::Invalid(_)) => Self::Unauthorized,
            Failure::Credentials(error @ CredentialError::Unavailable(_)) => {
                Self::Unreachable(Box::new(error))
            }
            Failure::Throttled { retry_after, .. } => Self::Throttled { retry_after },
            Failure::AllowanceKept { retry_after } => Self::AllowanceKept { retry_after },
            Failure::Unreachable(source) => Self::Unreachable(Box::new(Shared(source))),
            Failure::Unavailable { status, .. } => Self::Unavailable { status },
            Failure::Rejected { status, problem, others } => {
                let mut message = problem.message;
                for other in others {
                    message.push_str("; ");
                    message.push_str(&other.to_string());
                }
                Self::Rejected { status, code: problem.code, message }
            }
            Failure::Malformed { status, source } => Self::Malformed {
                status,
                source: Arc::try_unwrap(source)
                    .unwrap_or_else(|shared| serde_json::Error::custom(shared.to_string())),
            },
        }
    }
}

/// An error several callers hold.
#[derive(Debug)]
struct Shared(Arc<dyn Error + Send + Sync>);

impl fmt::Display for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Error for Shared {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(status: u16, body: &str) -> ConnectorErrorKind {
        Failure::from_answer(StatusCode::from_u16(status).unwrap(), None, body.as_bytes()).into()
    }

    #[test]
    fn every_message_of_the_org_is_kept() {
        let body = r#"[{"message":"bad field","errorCode":"INVALID_FIELD"},
                       {"message":"too long","errorCode":"STRING_TOO_LONG","fields":["Subject"]}]"#;
        let ConnectorErrorKind::Rejected { status, code, message } = kind(400, body) else {
            panic!("not a rejection")
        };
        assert_eq!((status, code.as_str()), (400, "INVALID_FIELD"));
        assert_eq!(message, "bad field; STRING_TOO_LONG: too long");
    }

    #[test]
    fn limits_are_throttling_whatever_status_carries_them() {
        let body = r#"[{"message":"TotalRequests Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]"#;
        assert!(matches!(kind(403, body), ConnectorErrorKind::Throttled { .. }));
        assert!(matches!(kind(503, body), ConnectorErrorKind::Throttled { .. }));
        assert!(matches!(kind(429, ""), ConnectorErrorKind::Throttled { .. }));
    }

    #[test]
    fn a_server_error_keeps_its_status_even_as_html() {
        assert!(matches!(kind(503, "<html>down</html>"), ConnectorErrorKind::Unavailable { status: 503 }));
        assert!(matches!(
            kind(500, r#"[{"message":"x","errorCode":"UNKNOWN_EXCEPTION"}]"#),
            ConnectorErrorKind::Unavailable { status: 500 }
        ));
    }

    #[test]
    fn several_choices_and_redirects_are_rejections_with_their_status() {
        for (status, body) in
            [(300, r#"["/services/data/v62.0/a","/b"]"#), (302, ""), (404, "<html>"), (400, "{}")]
        {
            let ConnectorErrorKind::Rejected { status: got, message, .. } = kind(status, body) else {
                panic!("{status} is not a rejection")
            };
            assert_eq!(got, status);
            assert_eq!(message, format!("request returned status code: {status}"));
        }
    }

    #[test]
    fn an_org_in_trouble_is_quoted_where_it_says_why() {
        let said = |status: u16, body: &str| {
            let status = StatusCode::from_u16(status).unwrap();
            Failure::from_answer(status, None, body.as_bytes()).during("write").said
        };
        let body = r#"[{"message":"busy","errorCode":"SERVER_UNAVAILABLE"},{"message":"b","errorCode":"C"}]"#;
        assert_eq!(said(503, body).as_deref(), Some("SERVER_UNAVAILABLE: busy"));
        let body = r#"[{"message":"spent","errorCode":"REQUEST_LIMIT_EXCEEDED"}]"#;
        assert_eq!(said(403, body).as_deref(), Some("REQUEST_LIMIT_EXCEEDED: spent"));
        assert_eq!((said(503, "<html>"), said(429, "")), (None, None));
    }

    #[test]
    fn an_error_object_is_read_too() {
        let body = r#"{"error":"invalid_request","error_description":"no such thing"}"#;
        let ConnectorErrorKind::Rejected { code, message, .. } = kind(400, body) else { panic!() };
        assert_eq!((code.as_str(), message.as_str()), ("invalid_request", "no such thing"));
    }
}
