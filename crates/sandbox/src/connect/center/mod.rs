//! Calls and agents as state machines.
//!
//! Pure: every change is a method with the time at which it happens, and what follows
//! from it (events to send, agents whose pages must be told) is collected in
//! [`Center::take_news`]. What happens by itself later lies in a list of timers;
//! [`Center::run_until`] lets them happen in order, each at its own time, so moving the
//! clock an hour ahead gives the same contacts as waiting for an hour.
//!
//! `machine` holds the state and its timers and lets a call live and end; `customers` and `agents`
//! are what the two sides can do, and `crowd` plays both where nobody does; `routing` brings them together; `jobs` are
//! transcriptions of what was said; `news` is what follows.

mod agents;
mod crowd;
mod customers;
mod jobs;
mod machine;
mod news;
mod routing;

pub use agents::{Agent, NotTaken, Player};
pub use customers::{Callee, NewCall};
pub use jobs::{Job, NewJob};
pub use machine::{Center, Refusal};
pub use news::{Outgoing, Payload};
