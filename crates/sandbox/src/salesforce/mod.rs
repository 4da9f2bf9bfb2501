//! The simulated Salesforce: sign-in, REST, queries and searches over an org of its own.
//!
//! Written from the vendor's documentation alone; it shares no type with our connector, so that
//! a mistake in one is not made in the other. What it answers is checked by simple-salesforce
//! and jsforce as they come (`tests/clients`).
//!
//! A request's way: `web` (HTTP, session, transaction, faults) → `rest` (which call is it) →
//! `soql` and `sosl` (text to SQL) or `records` (checks and rules) → `storage` (SQLite). What
//! objects and fields there are says `schema`; the people in it makes `seed`. Who calls is
//! `sign_in`'s matter, and `control` is what tests and the stage move it by.
//!
//! It has no sharing model and no field-level security: every user sees and may change
//! everything. Triggers, validation rules and duplicate rules do not exist.
//!
//! To add an object or field: a line in `schema/standard.rs`, or a file in `packages/salesforce`.
//! To add a call: an arm in `rest::route` and a function beside its kin.

mod control;
#[doc(hidden)]
pub mod doors;
mod ids;
mod log;
mod org;
mod records;
mod rest;
mod schema;
mod seed;
mod server;
mod sign_in;
mod soql;
mod sosl;
mod storage;
mod tls;
mod web;
mod wildcard;

pub use server::{Options, RunningSalesforce, Salesforce, StartError};
