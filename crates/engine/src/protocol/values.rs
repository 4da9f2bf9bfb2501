use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// An instant as pages write it: milliseconds since 1970, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct Millis(i64);

impl Millis {
    pub fn at(self) -> Timestamp {
        Timestamp::from_millisecond(self.0).expect("checked when it was made")
    }

    pub fn get(self) -> i64 {
        self.0
    }
}

impl TryFrom<i64> for Millis {
    type Error = jiff::Error;
    fn try_from(millis: i64) -> Result<Self, jiff::Error> {
        Timestamp::from_millisecond(millis).map(|_| Self(millis))
    }
}

impl From<Millis> for i64 {
    fn from(millis: Millis) -> i64 {
        millis.0
    }
}

impl From<Timestamp> for Millis {
    fn from(at: Timestamp) -> Self {
        Self(at.as_millisecond())
    }
}

/// A name one side makes up for the other to repeat: 1 to 128 bytes, no control characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(try_from = "String", into = "String")]
#[ts(type = "string")]
pub struct Token(String);

/// Text that cannot be a [`Token`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a token must be 1 to 128 bytes without control characters")]
pub struct InvalidToken;

impl Token {
    /// # Errors
    ///
    /// `InvalidToken` when `text` is empty, too long, or holds control characters.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidToken> {
        let text = text.into();
        if text.is_empty() || text.len() > 128 || text.chars().any(char::is_control) {
            return Err(InvalidToken);
        }
        Ok(Self(text))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Token {
    type Error = InvalidToken;
    fn try_from(text: String) -> Result<Self, InvalidToken> {
        Self::new(text)
    }
}

impl From<Token> for String {
    fn from(token: Token) -> String {
        token.0
    }
}
