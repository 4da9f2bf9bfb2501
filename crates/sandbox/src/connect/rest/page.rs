//! Pages and the tokens that lead from one to the next.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::Exception;

/// "The token expires after 5 minutes from the time it is created."
const TOKEN_LIVES: Duration = Duration::from_secs(300);

/// One page of a list.
#[derive(Debug, PartialEq, Eq)]
pub struct Pager {
    from: usize,
    size: usize,
    /// Of everything the request asks; the next one must ask the same.
    call: String,
    now: Timestamp,
}

impl Pager {
    /// # Errors
    ///
    /// When the size is not 1 to `most`, or the token is none of ours, is too old, or was given to a
    /// request that asked something else.
    pub fn new(
        size: Option<usize>,
        most: usize,
        token: Option<&str>,
        call: &str,
        now: Timestamp,
    ) -> Result<Self, Exception> {
        let size = size.unwrap_or(most.min(100));
        if size == 0 || size > most {
            return Err(Exception::parameter(format!("MaxResults must be 1 to {most}")));
        }
        let call = BASE64.encode(&Sha256::digest(call)[..9]);
        let from = match token {
            None => 0,
            Some(token) => read(token, &call, now)
                .ok_or_else(|| Exception::parameter("The NextToken is not valid or has expired"))?,
        };
        Ok(Self { from, size, call, now })
    }

    /// The page's items under `name`, and `NextToken` where more follow.
    pub fn answer(&self, name: &str, items: Vec<Value>) -> Value {
        let total = items.len();
        let page: Vec<Value> = items.into_iter().skip(self.from).take(self.size).collect();
        let next = self.from + page.len();
        let mut answer = json!({name: page, "ApproximateTotalCount": total});
        if next < total {
            let token = format!("{next} {} {}", self.now.as_millisecond(), self.call);
            answer["NextToken"] = BASE64.encode(token).into();
        }
        answer
    }
}

fn read(token: &str, call: &str, now: Timestamp) -> Option<usize> {
    let text = String::from_utf8(BASE64.decode(token).ok()?).ok()?;
    let mut parts = text.split(' ');
    let (from, made, of) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?);
    let made = Timestamp::from_millisecond(made).ok()?;
    let age = now.duration_since(made);
    (of == call && age.unsigned_abs() <= TOKEN_LIVES).then_some(from)
}
