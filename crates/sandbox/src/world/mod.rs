//! What the parts of the sandbox share.
//!
//! [`World`] is a handle; clone it freely. It never knows what a part does: parts
//! register for [`World::on_reset`] and ask [`Faults`] what to break.

mod addresses;
pub mod assets;
mod clock;
pub mod control;
mod faults;
pub mod guard;
mod ids;
mod listen;
mod problem;
mod state;

pub use addresses::{Addresses, Part};
pub use clock::SimClock;
pub use faults::{Fault, FaultKind, FaultMatch, FaultRequest, Faults, Probe};
pub use ids::{Ids, stable_bytes, stable_uuid};
pub use listen::{Closed, Running, listen};
pub use problem::{Body, Problem};
pub use state::World;
