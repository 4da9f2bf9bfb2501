//! The simulated world on loopback: everything Tieline talks to, without an account.
//!
//! One [`World`] holds what the parts share: a clock under control, the seed, the
//! addresses, the faults. Each part is a server of its own on its own port and
//! browser host, and also runs alone. What a part says on the wire is written here a
//! second time on purpose: using the connectors' types would let both sides make the
//! same mistake.
//!
//! To add a part: a [`world::Part`] variant with its host and port, one folder with a
//! `start` function that builds its routes, passes them through [`world::control`]
//! and [`world::guard`], and listens with [`world::listen`].
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod connect;
pub mod salesforce;
pub mod world;

pub use world::{Addresses, Part, Running, SimClock, World};
