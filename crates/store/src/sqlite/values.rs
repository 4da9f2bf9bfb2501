//! Between column values and ours.

use jiff::Timestamp;
use rusqlite::Row;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::StoreError;

pub(super) fn timestamp(ms: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_millisecond(ms).map_err(|error| StoreError::corrupt("time", error))
}

pub(super) fn optional_timestamp(ms: Option<i64>) -> Result<Option<Timestamp>, StoreError> {
    ms.map(timestamp).transpose()
}

pub(super) fn ms(at: Timestamp) -> i64 {
    at.as_millisecond()
}

/// Reads a column whose text becomes an id.
pub(super) fn id<T>(row: &Row<'_>, column: &str, what: &'static str) -> Result<T, StoreError>
where
    T: TryFrom<String, Error = tieline_core::InvalidId>,
{
    let text: String = row.get(column)?;
    T::try_from(text).map_err(|error| StoreError::corrupt(what, error))
}

pub(super) fn optional_id<T>(row: &Row<'_>, column: &str, what: &'static str) -> Result<Option<T>, StoreError>
where
    T: TryFrom<String, Error = tieline_core::InvalidId>,
{
    let text: Option<String> = row.get(column)?;
    text.map(T::try_from).transpose().map_err(|error| StoreError::corrupt(what, error))
}

pub(super) fn to_json<T: Serialize>(what: &'static str, value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::corrupt(what, error))
}

pub(super) fn from_json<T: DeserializeOwned>(what: &'static str, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::corrupt(what, error))
}

/// The word serde writes for a variant without data (`voice`, `completed`).
pub(super) fn word<T: Serialize>(what: &'static str, value: &T) -> Result<String, StoreError> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => Ok(word),
        Ok(_) => Err(StoreError::corrupt(what, std::io::Error::other("not one word"))),
        Err(error) => Err(StoreError::corrupt(what, error)),
    }
}

pub(super) fn optional_word<T: Serialize>(
    what: &'static str,
    value: Option<&T>,
) -> Result<Option<String>, StoreError> {
    value.map(|value| word(what, value)).transpose()
}

pub(super) fn from_word<T: DeserializeOwned>(what: &'static str, word: String) -> Result<T, StoreError> {
    serde_json::from_value(serde_json::Value::String(word)).map_err(|error| StoreError::corrupt(what, error))
}

/// Counts and attempts, which the database holds as signed.
pub(super) fn count(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

pub(super) fn small(value: i64) -> u32 {
    u32::try_from(value).unwrap_or(0)
}

pub(super) fn rows(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

pub(super) fn span_ms(span: std::time::Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}
