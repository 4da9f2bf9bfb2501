//! The store of one machine, on SQLite.
//!
//! One connection writes, many read. Writers hand closures to a thread that runs what is
//! waiting in one transaction (see `writer`), so the price of a full sync is shared.

mod agents;
mod audit;
mod connection;
mod contacts;
mod deliveries;
mod documents;
mod flows;
mod migrate;
mod outbox;
mod people;
mod records;
mod runs;
mod sign_in;
mod values;
mod writer;

pub use connection::SqliteStore;
