//! The org: its schema, and behind one lock everything that changes.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::log::Log;
use super::records::Failure;
use super::rest::Cursors;
use super::schema::Schema;
use super::seed;
use super::sign_in::Sessions;
use super::storage::Storage;
use crate::world::World;

/// The window in which API calls are counted. (Salesforce Help, "API Request Limits": rolling 24 hours.)
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub(crate) struct Org {
    pub world: World,
    pub schema: Schema,
    // One lock: requests are served one after another, which is also what makes each a transaction.
    state: Mutex<State>,
}

pub(crate) struct State {
    pub storage: Storage,
    pub cursors: Cursors,
    pub sessions: Sessions,
    pub log: Log,
    pub settings: Settings,
    /// When API calls were made, oldest first.
    calls: VecDeque<Timestamp>,
}

/// What `POST /sandbox/v1/settings` changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    pub page_size: usize,
    pub daily_api_requests: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { page_size: 2_000, daily_api_requests: 15_000 }
    }
}

/// How a request came, and when.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// Scheme and host as the caller knows us, for absolute addresses in answers.
    pub host: String,
    /// The OIDC issuer: the same for everybody.
    pub issuer: String,
    pub now: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct User {
    pub id: String,
    pub username: String,
    pub name: String,
    pub first: String,
    pub last: String,
    pub email: String,
    pub title: String,
}

impl Org {
    /// # Errors
    ///
    /// Text, when the package's metadata cannot be read.
    pub fn new(world: World, namespace: Option<&str>) -> Result<Self, String> {
        let schema = Schema::load(namespace)?;
        let storage = filled(&schema, &world)?;
        let state = State {
            storage,
            cursors: Cursors::default(),
            sessions: Sessions::default(),
            log: Log::default(),
            settings: Settings::default(),
            calls: VecDeque::new(),
        };
        Ok(Self { world, schema, state: Mutex::new(state) })
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts the records back to what the world's seed says. Who is signed in stays signed in:
    /// the users are the same.
    pub fn reset(&self) {
        match filled(&self.schema, &self.world) {
            Ok(storage) => {
                let mut state = self.state();
                state.storage = storage;
                state.cursors = Cursors::default();
                state.settings = Settings::default();
                state.calls.clear();
                state.log.clear();
            }
            Err(error) => tracing::error!(error, "The simulated Salesforce could not be reset"),
        }
    }
}

fn filled(schema: &Schema, world: &World) -> Result<Storage, String> {
    let mut storage = Storage::open(schema).map_err(|error| error.to_string())?;
    seed::fill(schema, &mut storage, world.seed(), world.now())
        .map_err(|Failure { code, message, .. }| format!("the seed cannot be written: {code}: {message}"))?;
    Ok(storage)
}

impl State {
    /// Counts one API call; false when the allowance is used up.
    pub fn count_call(&mut self, now: Timestamp) -> bool {
        while self.calls.front().is_some_and(|first| now.duration_since(*first).unsigned_abs() >= DAY) {
            self.calls.pop_front();
        }
        if self.used() >= self.settings.daily_api_requests {
            return false;
        }
        self.calls.push_back(now);
        true
    }

    /// API calls of the last 24 hours.
    pub fn used(&self) -> u64 {
        self.calls.len() as u64
    }

    /// Users that may sign in, in the order of their ids.
    pub fn users(&self) -> Vec<User> {
        self.select_users("\"IsActive\" = 1 AND \"IsDeleted\" = 0", None)
    }

    pub fn user(&self, id: &str) -> Option<User> {
        self.select_users("\"Id\" = ?1", Some(id)).pop()
    }

    /// The id of an active user.
    pub fn user_by_name(&self, username: &str) -> Option<String> {
        let found = self.select_users("\"Username\" = ?1 AND \"IsActive\" = 1", Some(username));
        found.into_iter().next().map(|user| user.id)
    }

    fn select_users(&self, condition: &str, value: Option<&str>) -> Vec<User> {
        let sql = format!(
            "SELECT \"Id\", \"Username\", \"Name\", \"FirstName\", \"LastName\", \"Email\", \"Title\" FROM \"User\" WHERE {condition} ORDER BY rowid"
        );
        let read = || -> rusqlite::Result<Vec<User>> {
            let mut statement = self.storage.conn.prepare_cached(&sql)?;
            let rows = statement.query_map(rusqlite::params_from_iter(value), |row| {
                let text = |i| row.get::<_, Option<String>>(i).map(Option::unwrap_or_default);
                Ok(User {
                    id: text(0)?,
                    username: text(1)?,
                    name: text(2)?,
                    first: text(3)?,
                    last: text(4)?,
                    email: text(5)?,
                    title: text(6)?,
                })
            })?;
            rows.collect()
        };
        read().expect("the table User has these columns")
    }
}
