//! Flows: what happens, step by step, when a contact or an agent's page raises an event.
//!
//! A flow is data made in the editor. [`Document::from_json`] reads it, [`check()`] says everything
//! that is wrong with it, [`Flow::load`] compiles it once, and [`Run::next`] says which [`Effect`]
//! to perform; the caller performs it and feeds the answer back. Nothing here waits, tells the
//! time, or touches the network, so a run can pause for an hour or be replayed from its recorded
//! answers. [`cti`] reads and writes the files of the reference product; no other module knows
//! their words.
//!
//! ```
//! # use std::sync::Arc;
//! # use tieline_flow::{Answer, Ended, Flow, Next, Run, Scope, defaults};
//! # let now = "2026-11-20T09:00:00Z".parse().unwrap();
//! let flow = Arc::new(Flow::load(defaults().remove(0)).expect("a flow without problems"));
//! let contact = serde_json::json!({"id": "c-42", "customer": "+12025550143"});
//! let mut run = Run::new(flow, Scope { contact, ..Scope::default() });
//!
//! let Next::Perform(effect) = run.next(now, None) else { panic!("the caller is searched for") };
//! assert_eq!(effect.op, "crm.search_and_pop");
//! assert_eq!(effect.args["search"], "+12025550143");
//!
//! let outputs = serde_json::Map::from_iter([("count".to_owned(), 1.into())]);
//! assert_eq!(run.next(now, Some(Answer::Done(outputs))), Next::Finished(Ended::Completed));
//! assert_eq!(run.trace().len(), 2);
//! ```
//!
//! To add a step see [`steps`](catalog): a declaration and its behaviour in one file.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod check;
pub mod command;
pub mod cti;
mod defaults;
mod document;
mod effect;
mod events;
mod expression;
mod flow;
mod path;
mod problem;
mod run;
mod schema;
mod spec;
mod steps;
mod trace;
mod value;

pub use check::{check, check_json};
pub use defaults::defaults;
pub use document::{DOCUMENT_BYTES, Decoded, Document, FORM, Step, Trigger};
pub use effect::{Answer, Effect, Ended, Next, Scope};
pub use events::{EventSpec, SourceSpec, parse as parse_event, source, sources};
pub use flow::Flow;
pub use problem::Problem;
pub use run::{Run, STEP_LIMIT};
pub use schema::schema;
pub use spec::{Branch, Category, InputKind, InputSpec, OutputSpec, Place, Rights, StepSpec};
pub use steps::{catalog, step};
pub use trace::{StepError, TraceStep};
