use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Structured lines on stderr, one JSON object each, which the platform keeps.
///
/// Events, bodies, numbers and names are in no line at any level: what libraries have to say
/// below a warning is left out, since it may quote what they carry.
pub fn to_stderr(level: Option<&str>) {
    let ours = of(level);
    let filter = Targets::new()
        .with_default(LevelFilter::WARN.min(ours))
        .with_target("bootstrap", ours)
        .with_target("tieline", ours)
        // Repeats every failure with its text; ours is enough.
        .with_target("lambda_runtime", LevelFilter::OFF);
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_span_list(false)
        .with_writer(std::io::stderr);
    tracing_subscriber::registry().with(filter).with(lines).init();
    std::panic::set_hook(Box::new(stumbled));
}

/// The reference's `LOGGING_LEVEL`: the level names of Python. Anything else is `INFO`, its default.
fn of(level: Option<&str>) -> LevelFilter {
    match level.unwrap_or_default().to_ascii_uppercase().as_str() {
        "DEBUG" => LevelFilter::DEBUG,
        "WARNING" | "WARN" => LevelFilter::WARN,
        "ERROR" | "CRITICAL" | "FATAL" => LevelFilter::ERROR,
        _ => LevelFilter::INFO,
    }
}

/// Says where the program stumbled, and what it said there if that quotes nobody's data.
fn stumbled(panic: &std::panic::PanicHookInfo<'_>) {
    let place = panic.location().map_or_else(String::new, ToString::to_string);
    let what = panic.payload().downcast_ref::<&'static str>().copied().unwrap_or_default();
    tracing::error!(place, what, "Tieline stumbled: this is a mistake in the program");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_called_as_in_python() {
        assert_eq!(of(Some("CRITICAL")), LevelFilter::ERROR);
        assert_eq!(of(Some("debug")), LevelFilter::DEBUG);
        assert_eq!(of(Some("WARNING")), LevelFilter::WARN);
        for info in [None, Some(""), Some("INFO"), Some("NOTSET")] {
            assert_eq!(of(info), LevelFilter::INFO);
        }
    }
}
