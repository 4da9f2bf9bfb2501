//! The reference's error texts for what went wrong outside.

use tieline_aws::AwsError;

use crate::LambdaError;
use crate::name::Manner;

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

/// An object that is not there: `ours` is what we say of it.
pub(crate) fn gone(manner: Manner, ours: &str) -> LambdaError {
    match manner {
        Manner::Ours => LambdaError::new("lambda.object_refused", ours),
        Manner::Legacy => of_aws(&no_such_key(), "get_object"),
    }
}

/// S3's words for an object that is not there.
pub(crate) fn no_such_key() -> AwsError {
    AwsError::Refused {
        status: 404,
        code: "NoSuchKey".into(),
        message: "The specified key does not exist.".into(),
    }
}
