//! The command as it is typed: stdout, stderr, exit codes.
#![allow(clippy::unwrap_used)]

mod demo;
mod flows;
mod harness;
mod logs;
mod serve;
mod usage;
