use crate::LambdaError;
use crate::config::Environment;

/// What a name asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Function {
    Dip,
    ContactRecords,
    AgentReport,
    QueueReport,
    QueueMetrics,
    /// The reference's loop: answers as it did, and runs the queue metrics once.
    QueueMetricsLoop,
    ContactLens,
    TranscriptionStart,
    /// The reference's submission of one job that its state machine described.
    TranscriptionSubmit,
    /// The reference's question how a job is.
    TranscriptionStatus,
    TranscriptionResult,
    RecordingUrl,
    /// The field maps against the org.
    ProfilesCheck,
}

/// How an answer looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    Ours,
    /// The reference's shapes and error texts.
    Legacy,
}

/// Every function by our name, where it has one, and by the reference's.
const NAMES: [(Function, Option<&str>, &[&str]); 13] = [
    (Function::Dip, Some("dip"), &["sfInvokeAPI"]),
    (Function::ContactRecords, Some("contact-records"), &["sfCTRTrigger", "sfContactTraceRecord"]),
    (Function::AgentReport, Some("agent-report"), &["sfIntervalAgent"]),
    (Function::QueueReport, Some("queue-report"), &["sfIntervalQueue"]),
    (Function::QueueMetrics, Some("queue-metrics"), &["sfRealTimeQueueMetrics"]),
    (Function::QueueMetricsLoop, None, &["sfRealTimeQueueMetricsLoopJob"]),
    (Function::ContactLens, Some("contact-lens"), &["sfProcessContactLens"]),
    (Function::TranscriptionStart, Some("transcription-start"), &["sfExecuteTranscriptionStateMachine"]),
    (Function::TranscriptionSubmit, None, &["sfSubmitTranscribeJob"]),
    (Function::TranscriptionStatus, None, &["sfGetTranscribeJobStatus"]),
    (Function::TranscriptionResult, Some("transcription-result"), &["sfProcessTranscriptionResult"]),
    (Function::RecordingUrl, Some("recording-url"), &["sfGenerateAudioRecordingStreamingURL"]),
    (Function::ProfilesCheck, Some("profiles-check"), &[]),
];

/// The function and manner a name means. `X.lambda_handler` is how the reference's handlers are
/// configured, so it asks for the reference's answers; so does `TIELINE_COMPAT=legacy`.
pub(crate) fn named(name: &str, environment: &Environment) -> Result<(Function, Manner), LambdaError> {
    let (base, handler) = match name.strip_suffix(".lambda_handler") {
        Some(base) => (base, true),
        None => (name, false),
    };
    let legacy = handler || environment.get("TIELINE_COMPAT") == Some("legacy");
    let manner = if legacy { Manner::Legacy } else { Manner::Ours };
    if base == "sfExecuteAWSService" {
        return Err(LambdaError::new(
            "lambda.unknown_function",
            "`sfExecuteAWSService` is not offered: set the instance up with your own credentials, as docs/guides/first-real-call.md shows",
        ));
    }
    let found = NAMES.iter().find(|(_, ours, theirs)| *ours == Some(base) || theirs.contains(&base));
    let (function, ..) = found.ok_or_else(|| {
        let ours: Vec<&str> = NAMES.iter().filter_map(|(_, ours, _)| *ours).collect();
        LambdaError::new(
            "lambda.unknown_function",
            format!("the function is none of: {}, nor a handler of the reference package", ours.join(", ")),
        )
    })?;
    Ok((*function, manner))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(name: &str, variables: &[(&str, &str)]) -> Result<(Function, Manner), LambdaError> {
        named(name, &variables.iter().copied().collect())
    }

    #[test]
    fn a_handler_s_name_asks_for_the_reference_s_answers() {
        assert_eq!(asked("dip", &[]), Ok((Function::Dip, Manner::Ours)));
        assert_eq!(asked("sfInvokeAPI", &[]), Ok((Function::Dip, Manner::Ours)));
        assert_eq!(asked("sfInvokeAPI.lambda_handler", &[]), Ok((Function::Dip, Manner::Legacy)));
        assert_eq!(asked("dip", &[("TIELINE_COMPAT", "legacy")]), Ok((Function::Dip, Manner::Legacy)));
        assert_eq!(asked("sfCTRTrigger.lambda_handler", &[]), Ok((Function::ContactRecords, Manner::Legacy)));
    }

    #[test]
    fn a_function_that_is_not_there_says_so() {
        for (name, text) in
            [("sfExecuteAWSService.lambda_handler", "your own credentials"), ("nonsense", "none of")]
        {
            let error = asked(name, &[]).unwrap_err();
            assert_eq!(error.error_type, "lambda.unknown_function");
            assert!(error.error_message.contains(text), "{error}");
        }
    }
}
