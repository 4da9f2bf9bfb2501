use std::sync::Arc;

use tieline_core::Clock;

use crate::config::Environment;
use crate::functions::Functions;

/// One invocation in a process of its own: what belongs on stdout, one line of JSON without its
/// end, and the exit code: 0 with the answer, 1 with `{"errorType", "errorMessage"}`.
pub async fn run_invoke(
    function: &str,
    event: &[u8],
    environment: Environment,
    clock: Arc<dyn Clock>,
) -> (String, u8) {
    let result = Functions::new(environment, clock).invoke_text(function, event).await;
    match result {
        Ok(answer) => (answer.to_string(), 0),
        Err(error) => (serde_json::to_string(&error).expect("two texts can always be written"), 1),
    }
}
