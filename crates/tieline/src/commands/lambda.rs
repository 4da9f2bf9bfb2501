use std::sync::Arc;

use tieline_core::{Clock, FixedClock};
use tieline_lambda::{Environment, run_invoke};

use crate::cli::Lambda;
use crate::outcome::{Failure, Outcome, say};
use crate::setting;

/// The answer alone on stdout as one line, whatever the options: that is what callers parse.
pub async fn run(command: Lambda) -> Outcome {
    let Lambda::Invoke { function, event, now } = command;
    let event = setting::read(&event)?;
    let clock: Arc<dyn Clock> = match now {
        Some(now) => Arc::new(FixedClock(now)),
        None => setting::system_clock(),
    };
    let (line, code) = run_invoke(&function, &event, Environment::of_process(), clock).await;
    say(&line);
    if code == 0 { Ok(()) } else { Err(Failure::silent(code)) }
}
