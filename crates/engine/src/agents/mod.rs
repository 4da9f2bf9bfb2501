//! Agents at work: their sockets, their events, the flows that run for them.
//!
//! A socket goes through the [`door`](Door) (hello, ticket, binding) to its agent's [`Desk`], a state machine
//! that decides everything: what is a double, which page gets a command, when something is too late.
//! The [`AgentHub`] drives one desk per agent with sockets, store and clock, and the performer does what
//! flows want done on the server. [`FlowBook`] holds the flows in force; publishing makes a new one.
//!
//! Logging calls is not done here: what pages saw is handed to the pipeline as one part among others.

mod binding;
mod book;
pub mod desk;
mod door;
mod election;
mod event;
mod gate;
mod house;
mod hub;
mod performer;
mod publishing;
mod trace;

pub use binding::check as check_binding;
pub use book::{FlowBook, LoadedFlow};
pub use desk::{AgentSettings, Desk, Input, Names, Output, Owner, ServerEffect, SocketId};
pub use door::{Admission, Door, admit};
pub use gate::Gate;
pub use house::House;
pub use hub::{AgentHub, Outgoing, PageHandle};
pub use performer::{Backstage, LogFailure};
pub use publishing::{PublishError, publish};
pub use trace::Redaction;
