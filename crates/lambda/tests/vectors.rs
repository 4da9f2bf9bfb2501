//! The recorded exchanges of the reference functions, run against ours in this process.
#![allow(clippy::unwrap_used)]

mod recorded;

use std::sync::Arc;

use recorded::{Invocation, compare_all};
use tieline_core::FixedClock;
use tieline_lambda::{Environment, Functions};

#[tokio::test]
async fn the_recorded_exchanges_are_ours_as_well() {
    compare_all(async |Invocation { function, variables, event, now }| {
        let environment: Environment = variables.into_iter().collect();
        let functions = Functions::new(environment, Arc::new(FixedClock(now)));
        let answer = functions.invoke(&function, &event).await;
        answer.map_err(|error| (error.error_type, error.error_message))
    })
    .await;
}
