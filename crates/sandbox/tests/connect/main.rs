//! Simulated Amazon Connect, over HTTP, with a receiver in Tieline's place.
#![allow(clippy::unwrap_used)]

mod analyses;
mod calls;
mod comprehend;
mod control;
mod deliveries;
mod harness;
mod rest;
mod softphone;
mod transcriptions;
