//! What Firehose expects as an answer.
//!
//! Any other form counts as a failure with status 500, and the whole batch comes again.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

/// Longest error text Firehose takes.
const MESSAGE: usize = 8192;

/// An answer to one Firehose request. Send it as `application/json`, with a content length and
/// without any content encoding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirehoseAnswer {
    pub status: u16,
    pub body: String,
}

impl FirehoseAnswer {
    /// Everything is stored. `request_id` must be the request's own.
    pub fn stored(request_id: &str, now: Timestamp) -> Self {
        let body = json!({"requestId": request_id, "timestamp": now.as_millisecond()}).to_string();
        Self { status: 200, body }
    }

    /// Nothing is stored and Firehose should try again.
    ///
    /// A `status` of 413 would make it throw the batch away without even a backup, and one below
    /// 400 would be a success or a redirect: both become 400, which is retried.
    pub fn failed(request_id: &str, now: Timestamp, status: u16, message: &str) -> Self {
        let mut end = message.len().min(MESSAGE);
        while !message.is_char_boundary(end) {
            end -= 1;
        }
        let body = json!({
            "requestId": request_id,
            "timestamp": now.as_millisecond(),
            "errorMessage": &message[..end],
        });
        let status = if (400..600).contains(&status) && status != 413 { status } else { 400 };
        Self { status, body: body.to_string() }
    }
}

/// The id of a request, from its body, where the header `X-Amz-Firehose-Request-Id` is missing.
pub fn request_id(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Envelope {
        #[serde(rename = "requestId")]
        request_id: String,
    }
    serde_json::from_slice::<Envelope>(body).ok().map(|envelope| envelope.request_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_success_echoes_the_request_and_says_when() {
        let now = Timestamp::from_millisecond(1_780_000_000_123).unwrap();
        let answer = FirehoseAnswer::stored("r-1", now);
        assert_eq!(answer.status, 200);
        assert_eq!(answer.body, r#"{"requestId":"r-1","timestamp":1780000000123}"#);
    }

    #[test]
    fn a_failure_is_never_one_that_loses_the_batch() {
        let statuses = [413, 200, 302, 400, 401, 503]
            .map(|status| FirehoseAnswer::failed("r-1", Timestamp::UNIX_EPOCH, status, "why").status);
        assert_eq!(statuses, [400, 400, 400, 400, 401, 503]);
        let long = FirehoseAnswer::failed("r-1", Timestamp::UNIX_EPOCH, 500, &"é".repeat(8000));
        assert!(long.body.len() < 8192 + 100);
    }

    #[test]
    fn the_request_id_is_found_in_the_body() {
        assert_eq!(request_id(br#"{"requestId":"r-1","records":[]}"#).as_deref(), Some("r-1"));
        assert_eq!(request_id(b"not json"), None);
    }
}
