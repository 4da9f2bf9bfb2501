use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The same 32 bytes for the same seed and name, on every run.
pub fn stable_bytes(seed: u64, name: &str) -> [u8; 32] {
    Sha256::new().chain_update(seed.to_be_bytes()).chain_update(name).finalize().into()
}

/// The id of a thing the seed puts there, for example the queue `Sales`.
pub fn stable_uuid(seed: u64, name: &str) -> Uuid {
    uuid_of(stable_bytes(seed, name))
}

/// Ids of things that happen later, such as calls.
///
/// An id is made from seed, stream name, count and the sandbox's time. With a frozen
/// clock a run repeats exactly; with a moving one, a sandbox that is started again does
/// not give a new call the id of one that Tieline has already logged.
#[derive(Debug)]
pub struct Ids {
    seed: u64,
    stream: &'static str,
    count: AtomicU64,
}

impl Ids {
    pub fn new(seed: u64, stream: &'static str) -> Self {
        Self { seed, stream, count: AtomicU64::new(0) }
    }

    pub fn next(&self, now: Timestamp) -> Uuid {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        uuid_of(stable_bytes(self.seed, &format!("{}/{count}/{}", self.stream, now.as_millisecond())))
    }
}

fn uuid_of(bytes: [u8; 32]) -> Uuid {
    let mut first = [0; 16];
    first.copy_from_slice(&bytes[..16]);
    // Marked as version 4: an opaque random id is what vendors send.
    uuid::Builder::from_random_bytes(first).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frozen_run_repeats_its_ids_and_a_later_one_does_not() {
        let noon: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        let later: Timestamp = "2026-11-20T12:00:01Z".parse().unwrap();

        assert_eq!(Ids::new(1, "calls").next(noon), Ids::new(1, "calls").next(noon));
        assert_ne!(Ids::new(1, "calls").next(noon), Ids::new(1, "calls").next(later));
        assert_ne!(stable_uuid(1, "queue/Sales"), stable_uuid(2, "queue/Sales"));
    }
}
