use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use futures::future::BoxFuture;
use tieline_core::Clock;

use super::{Addresses, Faults, Part, SimClock};

type ResetHook = Arc<dyn Fn(u64) -> BoxFuture<'static, ()> + Send + Sync>;

/// One world: what its parts share. A handle; clones are the same world.
#[derive(Clone)]
pub struct World(Arc<Inner>);

struct Inner {
    clock: SimClock,
    seed: AtomicU64,
    addresses: RwLock<Addresses>,
    faults: BTreeMap<Part, Faults>,
    hooks: Mutex<Vec<ResetHook>>,
}

impl World {
    pub fn new(seed: u64, addresses: Addresses) -> Self {
        Self::with_clock(seed, addresses, SimClock::new())
    }

    /// With a clock of one's own, for example one that stands still.
    pub fn with_clock(seed: u64, addresses: Addresses, clock: SimClock) -> Self {
        Self(Arc::new(Inner {
            clock,
            seed: AtomicU64::new(seed),
            addresses: RwLock::new(addresses),
            faults: Part::ALL.iter().map(|part| (*part, Faults::new(*part))).collect(),
            hooks: Mutex::new(Vec::new()),
        }))
    }

    pub fn clock(&self) -> &SimClock {
        &self.0.clock
    }

    /// The same clock, as the rest of a demo process takes it.
    pub fn shared_clock(&self) -> Arc<dyn Clock> {
        Arc::new(self.0.clock.clone())
    }

    pub fn now(&self) -> jiff::Timestamp {
        self.0.clock.now()
    }

    pub fn seed(&self) -> u64 {
        self.0.seed.load(Ordering::Relaxed)
    }

    pub fn addresses(&self) -> Addresses {
        self.0.addresses.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn update_addresses(&self, change: impl FnOnce(&mut Addresses)) {
        change(&mut self.0.addresses.write().unwrap_or_else(PoisonError::into_inner));
    }

    pub fn faults(&self, part: Part) -> &Faults {
        &self.0.faults[&part]
    }

    /// Calls `hook` with the new seed whenever the world starts afresh. Hooks run one
    /// after another, in the order of registration.
    pub fn on_reset<F>(&self, hook: F)
    where
        F: Fn(u64) -> BoxFuture<'static, ()> + Send + Sync + 'static,
    {
        self.0.hooks.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::new(hook));
    }

    /// Puts every part back to what `seed` says; `None` keeps the seed. Faults go, the clock stays.
    pub async fn reset(&self, seed: Option<u64>) {
        let seed = seed.unwrap_or_else(|| self.seed());
        self.0.seed.store(seed, Ordering::Relaxed);
        for faults in self.0.faults.values() {
            faults.clear();
        }
        let hooks = self.0.hooks.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for hook in hooks {
            hook(seed).await;
        }
    }
}

impl fmt::Debug for World {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("World").field("seed", &self.seed()).field("addresses", &self.addresses()).finish()
    }
}
