//! The server as the world sees it, over HTTP on loopback.
#![allow(clippy::unwrap_used)]

mod deliveries;
mod garbage;
mod harness;
mod hostile;
mod isolation;
mod issuer;
mod operations;
mod panel;
mod problems;
mod recordings;
mod sign_in;
mod socket;
