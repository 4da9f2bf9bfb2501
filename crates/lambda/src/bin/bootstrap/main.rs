//! The `bootstrap` of an AWS Lambda function with a custom runtime (`provided.al2023`).
//!
//! One program is every function: `_HANDLER`, the handler the function is configured with, says
//! which. It asks the Runtime API for an event, answers it, and asks for the next; what may go
//! wrong in between becomes an error of that invocation and never the end of the process.
//! (AWS Lambda developer guide, "Using the Lambda runtime API for custom runtimes", read 2026-11-21.)

mod clock;
mod log;
mod runtime;

use std::process::ExitCode;

use tieline_lambda::Environment;

fn main() -> ExitCode {
    let environment = Environment::of_process();
    log::to_stderr(environment.get("LOGGING_LEVEL"));
    // The first one in the process wins; the tree holds one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // One thread: a function has one event at a time, and most have less than one processor.
    let started = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let outcome = match started {
        Ok(started) => started.block_on(runtime::serve(environment)),
        Err(error) => Err(error.into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = %tieline_core::error_chain(&*error), "The function cannot go on");
            ExitCode::FAILURE
        }
    }
}
