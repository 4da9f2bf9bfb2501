//! The tasks of a running pipeline.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tieline_core::error_chain;
use tieline_store::{StoreError, Swept};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::error;

use super::setup::Shared;
use super::writer::{Company, Next, Target};
use super::{Pipeline, budget, decode, files, sweep, writer};

/// How long a decoder sleeps that nobody wakes: another process may store deliveries too.
const DECODER_NAP: Duration = Duration::from_secs(5);
const SWEEP_EVERY: Duration = Duration::from_secs(3600);
/// Pause after the store failed, in the machine's own time.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// A pipeline at work; it goes on until [`Running::stop`], or until this is dropped.
pub struct Running {
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Running {
    /// Lets what is under way finish, then ends. What was not begun stays in the store.
    pub async fn stop(mut self) {
        // Nobody listens when all tasks have ended already.
        let _ = self.stop.send(true);
        while self.tasks.join_next().await.is_some() {}
    }
}

impl Pipeline {
    /// Begins to decode and to write. Call it once per process.
    pub fn start(&self) -> Running {
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        let shared = &self.shared;
        tasks.spawn(run(stopped.clone(), "decode", Decoder(shared.clone())));
        tasks.spawn(run(stopped.clone(), "files", FileReader(shared.clone())));
        tasks.spawn(run(stopped.clone(), "sweep", Sweeper(shared.clone())));
        for name in shared.targets.keys() {
            tasks.spawn(run(
                stopped.clone(),
                "write",
                Writer { shared: shared.clone(), target: name.clone() },
            ));
            tasks.spawn(run(
                stopped.clone(),
                "budget",
                Sharer { shared: shared.clone(), target: name.clone() },
            ));
        }
        Running { stop, tasks }
    }

    /// Does all that can be done now, without waiting for company, and returns: what is left is not
    /// due yet or waits for a CRM to come back.
    pub async fn drain(&self) -> Result<(), StoreError> {
        loop {
            let mut worked = false;
            while decode::step(&self.shared).await? {
                worked = true;
            }
            while files::step(&self.shared).await? {
                worked = true;
            }
            for target in self.shared.targets.values() {
                while writer::step(&self.shared, target, Company::Go).await? == Next::Again {
                    worked = true;
                }
            }
            if !worked {
                return Ok(());
            }
        }
    }

    /// Removes what is older than it may be kept; a running pipeline does so every hour.
    pub async fn sweep(&self) -> Result<Swept, StoreError> {
        sweep::sweep(&self.shared).await
    }
}

/// Something that is done over and over.
trait Work: Send + Sync + 'static {
    fn shared(&self) -> &Shared;

    fn step(&self) -> impl Future<Output = Result<Next, StoreError>> + Send;

    /// Returns when there may be something to do.
    fn woken(&self) -> impl Future<Output = ()> + Send;
}

struct Decoder(Arc<Shared>);

impl Work for Decoder {
    fn shared(&self) -> &Shared {
        &self.0
    }

    async fn step(&self) -> Result<Next, StoreError> {
        if decode::step(&self.0).await? {
            return Ok(Next::Again);
        }
        Ok(Next::Wait(self.0.clock.now().checked_add(DECODER_NAP).unwrap_or(jiff::Timestamp::MAX)))
    }

    async fn woken(&self) {
        self.0.arrived.notified().await;
    }
}

struct FileReader(Arc<Shared>);

impl Work for FileReader {
    fn shared(&self) -> &Shared {
        &self.0
    }

    async fn step(&self) -> Result<Next, StoreError> {
        if files::step(&self.0).await? {
            return Ok(Next::Again);
        }
        Ok(Next::Wait(self.0.clock.now().checked_add(DECODER_NAP).unwrap_or(jiff::Timestamp::MAX)))
    }

    async fn woken(&self) {
        self.0.files.notified().await;
    }
}

struct Sweeper(Arc<Shared>);

impl Work for Sweeper {
    fn shared(&self) -> &Shared {
        &self.0
    }

    async fn step(&self) -> Result<Next, StoreError> {
        sweep::sweep(&self.0).await?;
        Ok(Next::Wait(self.0.clock.now().checked_add(SWEEP_EVERY).unwrap_or(jiff::Timestamp::MAX)))
    }

    async fn woken(&self) {
        std::future::pending::<()>().await;
    }
}

struct Writer {
    shared: Arc<Shared>,
    target: tieline_core::ConnectionName,
}

impl Writer {
    fn target(&self) -> &Target {
        &self.shared.targets[&self.target]
    }
}

impl Work for Writer {
    fn shared(&self) -> &Shared {
        &self.shared
    }

    async fn step(&self) -> Result<Next, StoreError> {
        writer::step(&self.shared, self.target(), Company::Wait).await
    }

    async fn woken(&self) {
        self.target().wake.notified().await;
    }
}

/// Keeps the numbers of the CRM's daily calls in step with other processes.
struct Sharer {
    shared: Arc<Shared>,
    target: tieline_core::ConnectionName,
}

impl Work for Sharer {
    fn shared(&self) -> &Shared {
        &self.shared
    }

    async fn step(&self) -> Result<Next, StoreError> {
        budget::step(&self.shared, &self.shared.targets[&self.target]).await
    }

    async fn woken(&self) {
        std::future::pending::<()>().await;
    }
}

async fn run<W: Work>(mut stopped: watch::Receiver<bool>, name: &'static str, work: W) {
    let work = Arc::new(work);
    while !*stopped.borrow() {
        // In a task of its own: a panic ends this step and not the pipeline.
        let step = tokio::spawn({
            let work = work.clone();
            async move { work.step().await }
        });
        let next = match step.await {
            Ok(Ok(next)) => next,
            Ok(Err(failure)) => {
                error!(task = name, error = error_chain(&failure), "The store failed; trying again");
                tokio::time::sleep(AFTER_FAILURE).await;
                continue;
            }
            Err(_) => {
                error!(task = name, "A step of the pipeline panicked; trying again");
                tokio::time::sleep(AFTER_FAILURE).await;
                continue;
            }
        };
        if let Next::Wait(until) = next {
            tokio::select! {
                () = work.woken() => {}
                () = work.shared().clock.sleep_until(until) => {}
                _ = stopped.wait_for(|stop| *stop) => {}
            }
        }
    }
}
