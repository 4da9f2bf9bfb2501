//! Behaviour of flows from the outside: documents in, problems, effects and traces out.

#![allow(clippy::unwrap_used)]
#![expect(clippy::needless_pass_by_value, reason = "`json!` values read better without a borrow")]

mod checking;
mod files;
mod generated;
mod published;
mod support;
mod walking;
