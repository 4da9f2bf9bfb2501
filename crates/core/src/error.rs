use std::error::Error;
use std::time::Duration;

/// Text that cannot be an id: empty, too long, or holding control characters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} must be 1 to {max} bytes without control characters, got {got} bytes")]
pub struct InvalidId {
    pub what: &'static str,
    pub max: usize,
    pub got: usize,
}

/// A call to a vendor that did not give what was asked.
#[derive(Debug, thiserror::Error)]
#[error("{connector}: {operation} failed")]
pub struct ConnectorError {
    /// Name in the registry, for example `salesforce`.
    pub connector: &'static str,
    /// The trait method, for example `find_by_phone`.
    pub operation: &'static str,
    #[source]
    pub kind: ConnectorErrorKind,
    /// The vendor's own first words, `CODE: message`, where it said any. They may quote what it was
    /// asked, so they are for whoever asked and not for logs.
    pub said: Option<String>,
}

/// What the caller does next.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectorErrorKind {
    /// Ask an administrator to reconnect the account.
    #[error("the vendor refused our credentials")]
    Unauthorized,
    /// Wait, then retry.
    #[error("the vendor is throttling us")]
    Throttled { retry_after: Option<Duration> },
    /// Wait, then retry: nothing was asked of the vendor, because what is left of its daily calls
    /// is kept for what is more urgent ([`crate::Governor`]).
    #[error("what is left of the vendor's daily calls is kept for what is more urgent")]
    AllowanceKept { retry_after: Option<Duration> },
    /// Retry with backoff. Whether the vendor acted on the request is unknown.
    #[error("the vendor could not be reached")]
    Unreachable(#[source] Box<dyn Error + Send + Sync>),
    /// Retry with backoff: the vendor itself failed (5xx).
    #[error("the vendor failed with status {status}")]
    Unavailable { status: u16 },
    /// Do not retry: the request itself is wrong. `code` is the vendor's, `message`
    /// holds all of the vendor's messages.
    #[error("the vendor rejected the request with {code}: {message}")]
    Rejected { status: u16, code: String, message: String },
    /// Do not retry: our idea of the API is wrong, or the answer was cut.
    #[error("the vendor's answer (status {status}) does not have the shape we know")]
    Malformed {
        status: u16,
        #[source]
        source: serde_json::Error,
    },
    /// This connector cannot do what was asked.
    #[error("this connector cannot do that")]
    Unsupported,
}

impl ConnectorErrorKind {
    /// Whether the target as a whole is in trouble, so that waiting helps and the
    /// attempt should not count against the row.
    pub fn is_target_down(&self) -> bool {
        match self {
            Self::Unauthorized
            | Self::Throttled { .. }
            | Self::AllowanceKept { .. }
            | Self::Unreachable(_)
            | Self::Unavailable { .. } => true,
            Self::Rejected { .. } | Self::Malformed { .. } | Self::Unsupported => false,
        }
    }
}

/// An error and everything beneath it, on one line; what repeats the end of the line is left out.
pub fn error_chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut beneath = error.source();
    while let Some(error) = beneath {
        let more = error.to_string();
        if !text.ends_with(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        beneath = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_says_every_cause_once() {
        let kind = ConnectorErrorKind::Unreachable("connection refused".into());
        let error = ConnectorError { connector: "salesforce", operation: "write", kind, said: None };
        assert_eq!(
            error_chain(&error),
            "salesforce: write failed: the vendor could not be reached: connection refused"
        );
        assert_eq!(error_chain(&InvalidId { what: "a name", max: 2, got: 3 }).matches("bytes").count(), 2);
    }
}
