use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use jiff::Timestamp;
use lambda_runtime::{Diagnostic, LambdaEvent, Runtime, service_fn};
use serde_json::Value;
use serde_json::value::RawValue;
use tieline_core::Clock as _;
use tieline_lambda::{Environment, Functions, LambdaError};
use tokio::signal::unix::{SignalKind, signal};
use tracing::{error, info, warn};

use crate::clock::SystemClock;

/// Kept back of an invocation's time, to say that it ran out before the platform ends the process.
const TO_SAY_SO: Duration = Duration::from_millis(200);

/// The most time a function can be configured with. (AWS Lambda quotas, read 2026-11-21.)
const LONGEST: Duration = Duration::from_secs(900);

/// What the platform sets, and `lambda_runtime` wants.
const PLATFORM: [&str; 4] = [
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
];

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Answers events until the platform ends the process.
pub async fn serve(environment: Environment) -> Result<(), Failure> {
    let mut terminated = signal(SignalKind::terminate())?;
    // `lambda_runtime` panics without these, which helps nobody who runs the program by hand.
    for name in PLATFORM {
        if environment.get(name).is_none_or(str::is_empty) {
            let help =
                "this program is started by AWS Lambda; `tieline lambda invoke` runs a function by hand";
            return Err(format!("the environment variable {name} is missing: {help}").into());
        }
    }
    let name: Arc<str> = environment.get("_HANDLER").unwrap_or_default().into();
    let api = environment.get("AWS_LAMBDA_RUNTIME_API").unwrap_or_default().to_owned();
    let functions = Arc::new(Functions::new(environment, Arc::new(SystemClock)));
    if let Err(error) = functions.knows(&name) {
        report(&api, &error).await?;
        return Err(error.into());
    }
    let handler = service_fn(move |event: LambdaEvent<Box<RawValue>>| {
        let (functions, name) = (Arc::clone(&functions), Arc::clone(&name));
        async move { answer(&functions, &name, event).await.map_err(diagnostic) }
    });
    tokio::select! {
        ended = Runtime::new(handler).run() => ended,
        // Nothing to tidy up: whatever is under way is delivered again.
        _ = terminated.recv() => Ok(()),
    }
}

async fn answer(
    functions: &Functions,
    name: &str,
    event: LambdaEvent<Box<RawValue>>,
) -> Result<Value, LambdaError> {
    let started = Instant::now();
    let time = time_for(event.context.deadline);
    let ends_at = tokio::time::Instant::now().checked_add(time);
    let work = functions.invoke_text_until(name, event.payload.get().as_bytes(), ends_at);
    let result = guarded(time, work).await;
    let (function, request_id) = (name, event.context.request_id.as_str());
    let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    match &result {
        Ok(_) => info!(function, request_id, duration_ms, "Answered"),
        // The text names what is wrong, never whose call it was.
        Err(failure) if failure.error_type == "lambda.stumbled" => {
            error!(function, request_id, duration_ms, error.kind = failure.error_type, "Failed");
        }
        Err(failure) => {
            warn!(function, request_id, duration_ms, error.kind = failure.error_type, "Failed");
        }
    }
    result
}

/// Work that ends in time and never by a panic.
async fn guarded<T>(
    time: Duration,
    work: impl Future<Output = Result<T, LambdaError>>,
) -> Result<T, LambdaError> {
    match tokio::time::timeout(time, AssertUnwindSafe(work).catch_unwind()).await {
        Ok(Ok(result)) => result,
        // Where it was is in the log already; the panic's own text could quote the event.
        Ok(Err(_)) => {
            Err(LambdaError::new("lambda.stumbled", "the function stumbled over a mistake of its own"))
        }
        Err(_) => {
            Err(LambdaError::new("lambda.deadline", "the function's time was over before its work was"))
        }
    }
}

/// How long the work may take when the platform ends the process at `deadline_ms` since 1970.
///
/// A deadline that is past when its event arrives is none: emulators send a constant.
fn time_for(deadline_ms: u64) -> Duration {
    let deadline = i64::try_from(deadline_ms).ok().and_then(|at| Timestamp::from_millisecond(at).ok());
    let left = deadline.unwrap_or(Timestamp::MAX).duration_since(SystemClock.now());
    match Duration::try_from(left) {
        Ok(left) if !left.is_zero() => left.saturating_sub(TO_SAY_SO),
        _ => LONGEST,
    }
}

fn diagnostic(error: LambdaError) -> Diagnostic {
    Diagnostic { error_type: error.error_type, error_message: error.error_message }
}

/// Tells the platform why there will be no function, so that its callers are told as well.
async fn report(api: &str, error: &LambdaError) -> Result<(), reqwest::Error> {
    // The platform gives host and port, emulators an address.
    let api = api.trim_start_matches("http://").trim_end_matches('/');
    reqwest::Client::builder()
        .no_proxy()
        .build()?
        .post(format!("http://{api}/2018-06-01/runtime/init/error"))
        .header("Lambda-Runtime-Function-Error-Type", &error.error_type)
        .json(error)
        .send()
        .await?
        .error_for_status()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_a_failure_of_one_invocation_and_quotes_nobody() {
        let number = String::from("+442079460143");
        let result: Result<(), _> =
            guarded(Duration::from_secs(1), async { panic!("no contact has {number}") }).await;
        let error = result.unwrap_err();
        assert_eq!(error.error_type, "lambda.stumbled");
        assert!(!error.to_string().contains("0143"), "{error}");
    }

    #[tokio::test]
    async fn work_that_takes_too_long_is_ended() {
        let never = std::future::pending::<Result<(), _>>();
        let error = guarded(Duration::from_millis(1), never).await.unwrap_err();
        assert_eq!(error.error_type, "lambda.deadline");
    }

    #[test]
    fn time_is_kept_back_and_a_deadline_that_is_past_is_none() {
        let in_ms = |ms: i64| u64::try_from(SystemClock.now().as_millisecond() + ms).unwrap();
        let left = time_for(in_ms(8_000));
        assert!(left > Duration::from_secs(7) && left <= Duration::from_millis(7_800), "{left:?}");
        assert_eq!(time_for(in_ms(100)), Duration::ZERO);
        assert_eq!(time_for(in_ms(-5_000)), LONGEST);
        assert_eq!(time_for(600_000), LONGEST);
        assert!(time_for(u64::MAX) > Duration::from_secs(1 << 30), "no deadline at all");
    }
}
