//! Every API request seen, for tests that ask what Tieline sent.

use std::collections::VecDeque;

use jiff::Timestamp;
use serde::Serialize;

/// More than any test makes; the oldest go first.
const MOST: usize = 10_000;
/// Longer bodies are cut.
const LONGEST_BODY: usize = 256 * 1024;

/// One request. Credentials in bodies of `/services/oauth2` are blotted out.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(crate) struct Logged {
    /// Counts up from 1 and goes on over a reset.
    pub n: u64,
    #[schema(value_type = String, format = DateTime)]
    pub time: Timestamp,
    pub method: String,
    pub path: String,
    /// As sent, without the question mark.
    pub query: String,
    pub body: String,
    /// Null while there is no answer, and when the connection was closed instead.
    pub status: Option<u16>,
    /// Whether it changed a record and the change was kept.
    pub committed: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Log {
    last: u64,
    entries: VecDeque<Logged>,
}

impl Log {
    pub fn add(&mut self, time: Timestamp, method: &str, path: &str, query: &str, body: &[u8]) -> u64 {
        self.last += 1;
        if self.entries.len() == MOST {
            self.entries.pop_front();
        }
        let body = String::from_utf8_lossy(&body[..body.len().min(LONGEST_BODY)]);
        let body = if path.starts_with("/services/oauth2/") { blot(&body) } else { body.into_owned() };
        self.entries.push_back(Logged {
            n: self.last,
            time,
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            body,
            status: None,
            committed: false,
        });
        self.last
    }

    pub fn committed(&mut self, n: u64) {
        if let Some(entry) = self.find(n) {
            entry.committed = true;
        }
    }

    pub fn answered(&mut self, n: u64, status: Option<u16>) {
        if let Some(entry) = self.find(n) {
            entry.status = status;
        }
    }

    /// Requests after `n`.
    pub fn since(&self, n: u64) -> Vec<Logged> {
        self.entries.iter().filter(|entry| entry.n > n).cloned().collect()
    }

    pub fn clear(&mut self) {
        self.entries.clear();
    }

    fn find(&mut self, n: u64) -> Option<&mut Logged> {
        // The newest is nearly always the one.
        self.entries.iter_mut().rev().find(|entry| entry.n == n)
    }
}

fn blot(form: &str) -> String {
    const SECRET: [&str; 6] =
        ["password", "client_secret", "assertion", "refresh_token", "code_verifier", "token"];
    let pairs = url::form_urlencoded::parse(form.as_bytes());
    let mut blotted = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in pairs {
        let value = if SECRET.contains(&name.as_ref()) { "***" } else { value.as_ref() };
        blotted.append_pair(&name, value);
    }
    blotted.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_do_not_stay_in_the_log() {
        let mut log = Log::default();
        let body = b"grant_type=password&username=admin%40example.com&password=sandboxtoken";
        log.add(Timestamp::UNIX_EPOCH, "POST", "/services/oauth2/token", "", body);
        let entry = &log.since(0)[0];
        assert!(!entry.body.contains("sandboxtoken"), "{}", entry.body);
        assert!(entry.body.contains("admin%40example.com"), "{}", entry.body);
    }
}
