use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::response::{Redirect, Response};
use axum::routing::get;
use futures::FutureExt;
use http::StatusCode;
use jiff::Timestamp;
use tieline_core::Clock;
use tokio::sync::Notify;

use super::center::Center;
use super::deliveries::{DeliverTo, Deliveries};
use super::page::Pages;
use super::storage::Storage;
use super::{control, page, rest, storage};
use crate::world::{self, FaultKind, Part, Probe, Problem, Running, World};

/// What is not in the seed.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// `None` keeps everything; it can be looked at in `GET /sandbox/v1/deliveries`.
    pub deliver_to: Option<DeliverTo>,
    /// Contact records take a minute instead of three seconds.
    pub lifelike: bool,
    /// Calls a minute of customers nobody plays, answered by as many agents nobody plays.
    pub rate: u32,
    /// Who a CCP page signs in that names nobody; without it the page asks.
    pub default_agent: Option<String>,
}

impl Settings {
    fn center(&self, seed: u64, now: Timestamp) -> Center {
        let mut center = Center::new(seed, now, self.lifelike);
        center.populate(now, self.rate);
        center
    }
}

/// The simulated instance.
#[derive(Debug)]
pub struct AmazonConnect;

impl AmazonConnect {
    /// Starts the instance on `listen`; it runs until what is returned is dropped.
    ///
    /// # Errors
    ///
    /// When the address is taken.
    pub fn start(world: &World, listen: SocketAddr, settings: Settings) -> io::Result<Running> {
        let hall = Hall::new(world, settings);
        let routes = Router::new()
            .route("/", get(async || Redirect::to("/ccp-v2/")))
            .merge(page::routes(Arc::clone(&hall)))
            .merge(rest::routes(Arc::clone(&hall)))
            .merge(storage::routes(Arc::clone(&hall)))
            .merge(control::routes(Arc::clone(&hall)))
            .fallback(async || Problem::not_found("there is nothing at this address"));
        let routes = world::control::with_faults(world, Part::AmazonConnect, routes, vendor_error);
        let routes = world::guard::guarded(world, Part::AmazonConnect, routes);
        let running = world::listen(world, Part::AmazonConnect, listen, None, routes)?;

        let resetting = Arc::downgrade(&hall);
        world.on_reset(move |seed| {
            if let Some(hall) = resetting.upgrade() {
                hall.reset(seed);
            }
            async {}.boxed()
        });
        running.keep(tokio::spawn(Arc::clone(&hall.deliveries).run()));
        running.keep(tokio::spawn(hall.run()));
        Ok(running)
    }
}

/// The instance with its pages and deliveries; what all handlers share.
pub struct Hall {
    pub world: World,
    pub settings: Settings,
    pub deliveries: Arc<Deliveries>,
    pub pages: Pages,
    pub storage: Storage,
    /// Who was chosen last in a window of its own. A browser may keep that window's cookie from the
    /// frame, and then this is how the frame learns of it, as a real sign-in reaches every page.
    pub chosen: Mutex<Option<String>>,
    center: Mutex<Center>,
    changed: Notify,
}

impl Hall {
    fn new(world: &World, settings: Settings) -> Arc<Self> {
        Arc::new(Self {
            center: Mutex::new(settings.center(world.seed(), world.now())),
            deliveries: Deliveries::new(world, settings.deliver_to.clone()),
            pages: Pages::default(),
            storage: Storage::default(),
            chosen: Mutex::default(),
            world: world.clone(),
            settings,
            changed: Notify::new(),
        })
    }

    /// Lets everything due happen, then `act`; passes on what follows from both.
    pub fn with<T>(&self, act: impl FnOnce(&mut Center, Timestamp) -> T) -> T {
        let mut center = self.center.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.world.now();
        let expected = center.next_timer();
        center.run_until(now);
        let result = act(&mut center, now);
        // Passed on under the lock, so that nobody hears of two changes in the wrong order.
        let news = center.take_news();
        // Files first: what is sent may be about them.
        for file in news.files {
            self.storage.put(&file.bucket, &file.key, file.text, file.at);
        }
        for outgoing in news.outgoing {
            self.deliveries.add(outgoing);
        }
        for agent in &news.agents {
            self.pages.publish(&center, agent, now);
        }
        for said in news.said {
            self.pages.say(&said.agent, &said.event, &said.data);
        }
        if center.next_timer().is_some_and(|next| expected.is_none_or(|expected| next < expected)) {
            self.changed.notify_one();
        }
        result
    }

    fn reset(&self, seed: u64) {
        self.deliveries.clear(seed);
        self.storage.clear();
        *self.chosen.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let agents = self.with(|center, now| {
            *center = self.settings.center(seed, now);
            center.agents.keys().cloned().collect::<Vec<_>>()
        });
        for agent in agents.iter().filter(|agent| self.pages.has(agent)) {
            // Somebody sits there; without a change of state the page must still see the calls go.
            self.with(|center, now| {
                let _ = center.sign_in(now, agent);
                center.change_agent(agent, |_| {});
            });
        }
    }

    /// Lets timers happen and tells pages of faults that end their session.
    async fn run(self: Arc<Self>) {
        let mut faults = self.world.faults(Part::AmazonConnect).watch();
        loop {
            let next = self.with(|center, _| center.next_timer());
            let due = async {
                match next {
                    Some(next) => self.world.clock().sleep_until(next).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = due => {}
                () = self.changed.notified() => {}
                changed = faults.changed() => {
                    if changed.is_ok() {
                        self.end_sessions();
                    }
                }
            }
        }
    }

    fn end_sessions(&self) {
        let kinds = [(FaultKind::Terminated, "terminated"), (FaultKind::AccessDenied, "access_denied")];
        for (kind, event) in kinds {
            // Without a page the fault waits for the next one.
            if self.pages.any()
                && self.world.faults(Part::AmazonConnect).take(&[kind], Probe::default()).is_some()
            {
                self.pages.say_to_all(event);
            }
        }
    }
}

fn vendor_error(status: u16, code: Option<&str>) -> Response {
    let code = code.unwrap_or(match status {
        401 => "UnauthorizedException",
        403 => "AccessDeniedException",
        429 => "ThrottlingException",
        _ => "InternalServiceException",
    });
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    rest::error(status, code, "a fault of the sandbox")
}
