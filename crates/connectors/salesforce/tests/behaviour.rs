//! What the connector does to an org, against a stand-in over HTTP.
#![allow(clippy::unwrap_used)]

mod stand_in;

mod behaviour {
    pub mod dips;
    pub mod failures;
    pub mod operations;
    pub mod org;
    pub mod reads;
    pub mod tokens;
    pub mod writes;
}
