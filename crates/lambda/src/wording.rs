//! The reference's error texts for what went wrong outside.

use tieline_aws::AwsError;

use crate::LambdaError;

/// An AWS call as the reference's SDK words it: `operation` as `list_queues`.
pub(crate) fn of_aws(error: &AwsError, operation: &str) -> LambdaError {
    match error {
        AwsError::Refused { code, message, .. } | AwsError::Throttled { code, message } => LambdaError::new(
            "ClientError",
            format!("An error occurred ({code}) when calling the {operation} operation: {message}"),
        ),
        other => LambdaError::new("Exception", other.to_string()),
    }
}
