//! Drives the desks: one task per agent at work, with its sockets, the store and the clock.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use tieline_core::{AgentId, Clock, WorkspaceName};
use tieline_flow::Document;
use tieline_store::{FlowGrants, FlowRow, FlowVersion, Store, StoreError};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::book::FlowBook;
use super::desk::{AgentSettings, Desk, Input, Output, Owner, SocketId};
use super::door::Admission;
use super::performer::{Backstage, Performer};
use super::publishing::{self, PublishError};
use super::{Gate, binding, door};
use crate::protocol::{Bye, ByeCode, Hello, PageFrame, ServerFrame};

/// What a socket is told to do.
#[derive(Debug)]
pub enum Outgoing {
    Frame(Box<ServerFrame>),
    Ping,
    /// Say this and close.
    Close(Bye),
}

/// Frames that may wait for a slow socket; more end it, because a page that far behind shows an old world.
const SOCKET_QUEUE: usize = 64;
/// What may wait at a desk; a socket that sends faster waits.
const DESK_QUEUE: usize = 64;

type DeskKey = (WorkspaceName, AgentId);

/// All agents at work. Cheap to clone.
#[derive(Clone)]
pub struct AgentHub {
    shared: Arc<Shared>,
}

struct Shared {
    clock: Arc<dyn Clock>,
    store: Arc<dyn Store>,
    gate: Arc<dyn Gate>,
    performer: Performer,
    settings: HashMap<WorkspaceName, Arc<AgentSettings>>,
    books: RwLock<HashMap<WorkspaceName, Arc<FlowBook>>>,
    desks: Mutex<Desks>,
    next_socket: AtomicU64,
    last_epoch: AtomicU64,
}

#[derive(Default)]
struct Desks {
    open: HashMap<DeskKey, mpsc::Sender<ToDesk>>,
    draining: bool,
}

enum ToDesk {
    Opened {
        socket: SocketId,
        hello: Box<Hello>,
        admission: Box<Admission>,
        outgoing: mpsc::Sender<Outgoing>,
    },
    Input(Input),
    Drain(tokio::sync::oneshot::Sender<()>),
}

/// The side of a connected page that its socket holds. Dropping it tells the desk that the socket is gone.
pub struct PageHandle {
    socket: SocketId,
    desk: mpsc::Sender<ToDesk>,
    /// What to do with the socket. Ends after [`Outgoing::Close`].
    pub outgoing: mpsc::Receiver<Outgoing>,
}

impl AgentHub {
    /// `settings` names every workspace that agents may work in.
    pub fn new(
        clock: Arc<dyn Clock>,
        store: Arc<dyn Store>,
        gate: Arc<dyn Gate>,
        backstage: Arc<dyn Backstage>,
        settings: impl IntoIterator<Item = (WorkspaceName, AgentSettings)>,
    ) -> Self {
        let settings = settings.into_iter().map(|(name, settings)| (name, Arc::new(settings))).collect();
        Self {
            shared: Arc::new(Shared {
                clock,
                store,
                gate: gate.clone(),
                performer: Performer { backstage, gate },
                settings,
                books: RwLock::default(),
                desks: Mutex::default(),
                next_socket: AtomicU64::new(1),
                last_epoch: AtomicU64::new(0),
            }),
        }
    }

    /// Closes what an earlier process left open, gives workspaces without any flow `defaults`, and reads
    /// the flows in force. Call it once, before the first socket.
    pub async fn start(&self, defaults: &[Document]) -> Result<(), PublishError> {
        let shared = &self.shared;
        let interrupted = shared.store.interrupt_runs(shared.clock.now()).await?;
        if interrupted > 0 {
            tracing::warn!(
                runs = interrupted,
                "Closed runs that an earlier process left open as interrupted"
            );
        }
        for workspace in shared.settings.keys() {
            publishing::publish_defaults(&shared.store, workspace, defaults.to_vec()).await?;
            self.reload_flows(workspace).await?;
        }
        Ok(())
    }

    /// Reads the flows in force again; the next event meets them, and pages at work are told which events
    /// they shall send from now on.
    pub async fn reload_flows(&self, workspace: &WorkspaceName) -> Result<(), StoreError> {
        let book = Arc::new(publishing::book(&self.shared.store, workspace).await?);
        let wanted = book.subscribe();
        let before =
            self.shared.books.write().unwrap_or_else(PoisonError::into_inner).insert(workspace.clone(), book);
        if before.is_some_and(|before| before.subscribe() != wanted) {
            self.tell_desks(workspace);
        }
        Ok(())
    }

    fn tell_desks(&self, workspace: &WorkspaceName) {
        let desks: Vec<_> = {
            let desks = self.shared.desks.lock().unwrap_or_else(PoisonError::into_inner);
            desks.open.iter().filter(|((at, _), _)| at == workspace).map(|(_, desk)| desk.clone()).collect()
        };
        // Aside: a desk that is busy holds up itself and not who publishes.
        tokio::spawn(async move {
            for desk in desks {
                // One that was put away has no pages left.
                let _ = desk.send(ToDesk::Input(Input::FlowsChanged)).await;
            }
        });
    }

    /// Checks a flow, keeps it as its next version, and puts it in force without a restart.
    pub async fn publish(
        &self,
        workspace: &WorkspaceName,
        document: Document,
        grants: FlowGrants,
        published_by: &str,
    ) -> Result<FlowVersion, PublishError> {
        let version =
            publishing::publish(&self.shared.store, workspace, document, grants, published_by).await?;
        self.reload_flows(workspace).await?;
        Ok(version)
    }

    /// Puts an earlier version in force, or none; false when there is no such flow or version.
    pub async fn roll_back(
        &self,
        workspace: &WorkspaceName,
        flow: &str,
        version: Option<u64>,
    ) -> Result<bool, StoreError> {
        let done = self.shared.store.set_published(workspace, flow, version).await?;
        self.reload_flows(workspace).await?;
        Ok(done)
    }

    pub async fn flows(&self, workspace: &WorkspaceName) -> Result<Vec<FlowRow>, StoreError> {
        publishing::list(&self.shared.store, workspace).await
    }

    /// Lets a page in that said `hello` and gives it to its agent's desk.
    ///
    /// # Errors
    ///
    /// What to say before the socket is closed.
    pub async fn connect(&self, workspace: &WorkspaceName, hello: Box<Hello>) -> Result<PageHandle, Bye> {
        let shared = &self.shared;
        if !shared.settings.contains_key(workspace) {
            return Err(ByeCode::BadTicket.bye());
        }
        let now = shared.clock.now();
        let admission = Box::new(door::admit(workspace, &*shared.gate, &shared.store, now, &hello).await?);
        let socket = SocketId(shared.next_socket.fetch_add(1, Ordering::Relaxed));
        let (sender, outgoing) = mpsc::channel(SOCKET_QUEUE);
        let desk = self.hand_over(ToDesk::Opened { socket, hello, admission, outgoing: sender })?;
        Ok(PageHandle { socket, desk, outgoing })
    }

    /// Puts a page on its agent's desk, setting one up where there is none.
    ///
    /// Under the lock, so that a desk that is being put away either sees the page or is gone from the map.
    fn hand_over(&self, opened: ToDesk) -> Result<mpsc::Sender<ToDesk>, Bye> {
        let ToDesk::Opened { admission, .. } = &opened else {
            unreachable!("called with a page only");
        };
        let owner = admission.owner.clone();
        let key = (owner.workspace.clone(), owner.agent.id.clone());
        let mut desks = self.shared.desks.lock().unwrap_or_else(PoisonError::into_inner);
        if desks.draining {
            return Err(ByeCode::Draining.bye());
        }
        let desk = match desks.open.get(&key) {
            Some(desk) if !desk.is_closed() => desk.clone(),
            _ => {
                let (desk, inbox) = mpsc::channel(DESK_QUEUE);
                desks.open.insert(key, desk.clone());
                tokio::spawn(Keeper::new(self.shared.clone(), owner, desk.downgrade()).run(inbox));
                desk
            }
        };
        desk.try_send(opened).map_err(|_| ByeCode::Unavailable.bye())?;
        Ok(desk)
    }

    /// Says goodbye to every page and closes what runs; new pages are sent away.
    pub async fn drain(&self) {
        let desks: Vec<_> = {
            let mut desks = self.shared.desks.lock().unwrap_or_else(PoisonError::into_inner);
            desks.draining = true;
            desks.open.values().cloned().collect()
        };
        let mut answers = Vec::new();
        for desk in desks {
            let (answer, drained) = tokio::sync::oneshot::channel();
            if desk.send(ToDesk::Drain(answer)).await.is_ok() {
                answers.push(drained);
            }
        }
        for drained in answers {
            // A desk that ended by itself meanwhile has nothing left to drain.
            let _ = drained.await;
        }
    }

    /// How many agents have a desk.
    pub fn agents(&self) -> usize {
        self.shared.desks.lock().unwrap_or_else(PoisonError::into_inner).open.len()
    }
}

impl PageHandle {
    /// Hands a frame to the desk, waiting while it is busy. False when the desk is gone.
    pub async fn frame(&self, frame: PageFrame) -> bool {
        let socket = self.socket;
        self.desk.send(ToDesk::Input(Input::Frame { socket, frame: Box::new(frame) })).await.is_ok()
    }

    /// The page answered a ping.
    pub async fn heard(&self) -> bool {
        self.desk.send(ToDesk::Input(Input::Heard { socket: self.socket })).await.is_ok()
    }
}

impl Drop for PageHandle {
    fn drop(&mut self) {
        let lost = ToDesk::Input(Input::Lost { socket: self.socket });
        if let Err(mpsc::error::TrySendError::Full(lost)) = self.desk.try_send(lost) {
            let desk = self.desk.clone();
            if let Ok(runtime) = tokio::runtime::Handle::try_current() {
                runtime.spawn(async move {
                    let _ = desk.send(lost).await;
                });
            }
        }
    }
}

/// The task behind one desk.
struct Keeper {
    shared: Arc<Shared>,
    owner: Owner,
    desk: Desk,
    sockets: HashMap<SocketId, Line>,
    /// For answers that come later; weak, so that waiting for them keeps no desk.
    own: mpsc::WeakSender<ToDesk>,
}

struct Line {
    outgoing: mpsc::Sender<Outgoing>,
    session: [u8; 32],
}

impl Keeper {
    fn new(shared: Arc<Shared>, owner: Owner, own: mpsc::WeakSender<ToDesk>) -> Self {
        let settings = shared.settings.get(&owner.workspace).expect("checked when the page came in").clone();
        // Milliseconds tell processes apart; within one, no two desks are set up with the same.
        let now = u64::try_from(shared.clock.now().as_millisecond()).unwrap_or(0);
        let before = shared.last_epoch.fetch_max(now, Ordering::Relaxed);
        let epoch = if before < now { now } else { shared.last_epoch.fetch_add(1, Ordering::Relaxed) + 1 };
        let names = Box::new(|| Uuid::new_v4().simple().to_string());
        let desk = Desk::new(owner.clone(), settings, epoch, names);
        Self { shared, owner, desk, sockets: HashMap::new(), own }
    }

    async fn run(mut self, mut inbox: mpsc::Receiver<ToDesk>) {
        loop {
            let wake = self.desk.wakes_at();
            let clock = self.shared.clock.clone();
            let next = async {
                match wake {
                    Some(at) => clock.sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            let message = tokio::select! {
                biased;
                message = inbox.recv() => message,
                () = next => Some(ToDesk::Input(Input::Tick)),
            };
            match message {
                None => break,
                Some(ToDesk::Opened { socket, hello, admission, outgoing }) => {
                    self.sockets.insert(socket, Line { outgoing, session: admission.session });
                    let done = admission.done;
                    self.take(Input::Opened { socket, hello, done }).await;
                }
                Some(ToDesk::Input(input)) => self.take(input).await,
                Some(ToDesk::Drain(answer)) => {
                    self.take(Input::Drain).await;
                    let _ = answer.send(());
                }
            }
            if self.desk.is_idle() && self.put_away(&inbox) {
                break;
            }
        }
    }

    /// Leaves the map, unless somebody came in at the last moment.
    fn put_away(&self, inbox: &mpsc::Receiver<ToDesk>) -> bool {
        let mut desks = self.shared.desks.lock().unwrap_or_else(PoisonError::into_inner);
        if !inbox.is_empty() {
            return false;
        }
        desks.open.remove(&(self.owner.workspace.clone(), self.owner.agent.id.clone()));
        true
    }

    fn book(&self) -> Arc<FlowBook> {
        let books = self.shared.books.read().unwrap_or_else(PoisonError::into_inner);
        books.get(&self.owner.workspace).cloned().unwrap_or_default()
    }

    async fn take(&mut self, input: Input) {
        if let Input::Lost { socket } = &input {
            self.sockets.remove(socket);
        }
        let mut next = Some(input);
        while let Some(input) = next.take() {
            let outputs = self.desk.handle(self.shared.clock.now(), &self.book(), input);
            for output in outputs {
                // A record is the last thing a desk wants before it is answered.
                if let Some(answer) = self.carry_out(output).await {
                    next = Some(answer);
                }
            }
        }
    }

    async fn carry_out(&mut self, output: Output) -> Option<Input> {
        match output {
            Output::Send { socket, frame } => self.say(socket, Outgoing::Frame(Box::new(frame))),
            Output::Ping { socket } => self.say(socket, Outgoing::Ping),
            Output::Close { socket, bye } => {
                if let Some(line) = self.sockets.remove(&socket) {
                    tracing::info!(agent.id = %self.owner.agent.id, code = bye.code.as_str(), "Closed a page's socket");
                    // Full: the page does not read; its socket ends when this side of it is dropped.
                    let _ = line.outgoing.try_send(Outgoing::Close(bye));
                }
            }
            Output::Record { event, runs, part } => {
                let new = self.shared.store.record_event(event, runs).await.map_err(|error| {
                    tracing::error!(error = &error as &dyn std::error::Error, "Cannot store an event");
                });
                if let (Ok(true), Some(part)) = (&new, part) {
                    self.enrich(*part);
                }
                return Some(Input::Recorded { new });
            }
            Output::Perform(effect) => self.perform(*effect),
            Output::CloseRun(end) => {
                if let Err(error) = self.shared.store.close_run(end).await {
                    tracing::error!(error = &error as &dyn std::error::Error, "Cannot store a trace");
                }
            }
            Output::CheckSession { socket } => self.check_session(socket),
            Output::CheckLogin { socket, login } => self.check_login(socket, login),
        }
        None
    }

    fn say(&mut self, socket: SocketId, what: Outgoing) {
        let Some(line) = self.sockets.get(&socket) else { return };
        if line.outgoing.try_send(what).is_err() {
            // Dropping the line ends the socket; its end is then reported like any other loss.
            self.sockets.remove(&socket);
        }
    }

    fn enrich(&self, part: tieline_core::ContactChange) {
        let (shared, workspace) = (self.shared.clone(), self.owner.workspace.clone());
        tokio::spawn(async move {
            if let Err(error) = shared.performer.backstage.page_saw(&workspace, part).await {
                tracing::warn!(code = error.code, "What a page saw of a contact was not added to its record");
            }
        });
    }

    /// Performs aside, so that a slow CRM holds up one run and not the agent.
    fn perform(&self, effect: super::ServerEffect) {
        let (shared, owner, own) = (self.shared.clone(), self.owner.clone(), self.own.clone());
        let region = shared.settings.get(&owner.workspace).map(|s| s.region.clone()).unwrap_or_default();
        tokio::spawn(async move {
            let answer = shared.performer.perform(&owner, &region, &effect).await;
            let input = Input::Answered { run: effect.run, effect: effect.effect, answer };
            tell(&own, input).await;
        });
    }

    fn check_session(&self, socket: SocketId) {
        let Some(session) = self.sockets.get(&socket).map(|line| line.session) else { return };
        let (shared, workspace, own) = (self.shared.clone(), self.owner.workspace.clone(), self.own.clone());
        tokio::spawn(async move {
            // A store that fails for a moment must not sign everybody out; the next check is near.
            let valid = shared.gate.is_signed_in(&workspace, session).await.unwrap_or(true);
            tell(&own, Input::SessionChecked { socket, valid }).await;
        });
    }

    fn check_login(&self, socket: SocketId, login: String) {
        let (shared, owner, own) = (self.shared.clone(), self.owner.clone(), self.own.clone());
        tokio::spawn(async move {
            let now = shared.clock.now();
            let checked = binding::check(&shared.store, &owner.workspace, &owner.agent, &login, now).await;
            let refused = match checked {
                Ok(refused) => refused.map(|why| ByeCode::AgentMismatch.bye_because(why)),
                // A store that fails for a moment is no stranger's softphone: the page shall come back.
                Err(error) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "Cannot look an agent up");
                    Some(ByeCode::Unavailable.bye())
                }
            };
            tell(&own, Input::LoginChecked { socket, refused }).await;
        });
    }
}

async fn tell(desk: &mpsc::WeakSender<ToDesk>, input: Input) {
    if let Some(desk) = desk.upgrade() {
        let _ = desk.send(ToDesk::Input(input)).await;
    }
}
