use std::time::Duration;

/// An AWS call that did not give what was asked. Texts hold AWS's codes, never a secret, an
/// object's key or what AWS wrote about a value of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AwsError {
    /// AWS said no; a repetition would hear the same.
    ///
    /// `code` is AWS's own (`ResourceNotFoundException`, `AccessDenied`), or the status as text
    /// where AWS gave none. `message` may quote what was sent: it is for the caller, not for a log.
    #[error("AWS refused with {code} (status {status})")]
    Refused { status: u16, code: String, message: String },
    /// Too many calls, of ours or of others in the account: wait. Code and message as in `Refused`.
    #[error("AWS is throttling us")]
    Throttled { code: String, message: String },
    /// The machine's clock is wrong: set it right.
    #[error("the machine's clock differs from AWS's by more than signatures allow")]
    ClockSkew,
    /// Neither in the environment, nor from a container, an instance or a web identity.
    #[error("no AWS credentials were found")]
    NoCredentials,
    #[error("no AWS region is set")]
    NoRegion,
    /// Not reached, not answered in time, or failed on its side: try later.
    #[error("AWS did not answer: {0}")]
    Unavailable(String),
    /// The answer does not have the shape we know.
    #[error("AWS's answer does not have the shape we know")]
    Malformed,
    /// An object's key that storage or a browser would rewrite: empty, dot or doubled segments.
    #[error("the object's key is not one that can be asked for")]
    UnsafeKey,
    /// More bytes than the caller takes.
    #[error("the object is larger than {limit} bytes")]
    TooLarge { limit: usize },
}

impl AwsError {
    /// AWS's own code, where it gave one.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { code, .. } | Self::Throttled { code, .. } => Some(code),
            _ => None,
        }
    }

    /// Whether the same call may succeed later.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Throttled { .. } | Self::Unavailable(_))
    }

    /// Sorts an answer that is no success.
    ///
    /// ("AWS General Reference", "Common Errors"; "Amazon S3 API Reference", "Error Responses",
    /// read 2026-11-21.)
    pub(crate) fn from_answer(status: u16, code: Option<String>, message: String) -> Self {
        let name = code.as_deref().unwrap_or_default();
        if status == 429
            || name.contains("Throttl")
            || matches!(
                name,
                "TooManyRequestsException" | "SlowDown" | "RequestLimitExceeded" | "BandwidthLimitExceeded"
            )
        {
            return Self::Throttled { code: code.unwrap_or_else(|| status.to_string()), message };
        }
        if is_skew(name, &message) {
            return Self::ClockSkew;
        }
        if status >= 500 {
            return Self::Unavailable(code.unwrap_or_else(|| format!("status {status}")));
        }
        Self::Refused { status, code: code.unwrap_or_else(|| status.to_string()), message }
    }
}

/// S3 says `RequestTimeTooSkewed`; the JSON services say `InvalidSignatureException` and name the
/// times: `Signature expired: 20240115T123456Z is now earlier than …`, `Signature not yet current`.
fn is_skew(code: &str, message: &str) -> bool {
    matches!(code, "RequestTimeTooSkewed" | "RequestExpired" | "RequestInTheFuture")
        || (matches!(code, "InvalidSignatureException" | "SignatureDoesNotMatch" | "AuthFailure")
            && (message.starts_with("Signature expired") || message.starts_with("Signature not yet current")))
}

/// How far the machine's clock may be from AWS's before we refuse to sign (recordings.md §6).
pub(crate) const LARGEST_SKEW: Duration = Duration::from_secs(300);

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(status: u16, code: &str, message: &str) -> AwsError {
        AwsError::from_answer(status, Some(code.to_owned()), message.to_owned())
    }

    #[test]
    fn an_answer_is_sorted_by_what_the_caller_does_next() {
        for (status, code) in [(400, "ThrottlingException"), (503, "SlowDown"), (429, "Other")] {
            let error = sorted(status, code, "slow");
            assert!(matches!(error, AwsError::Throttled { .. }) && error.is_passing(), "{error:?}");
            assert_eq!(error.code(), Some(code));
        }
        assert_eq!(sorted(403, "RequestTimeTooSkewed", ""), AwsError::ClockSkew);
        assert_eq!(
            sorted(
                403,
                "InvalidSignatureException",
                "Signature expired: 20240115T123456Z is now earlier than …"
            ),
            AwsError::ClockSkew
        );
        assert!(sorted(500, "InternalServiceException", "").is_passing());
        let refused = sorted(403, "AccessDeniedException", "User: arn:… is not authorized");
        assert_eq!(refused.code(), Some("AccessDeniedException"));
        assert!(!refused.to_string().contains("arn"), "the text is fit for a log");
        assert_eq!(AwsError::from_answer(404, None, String::new()).code(), Some("404"));
    }
}
