use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tieline_salesforce::doors;

use crate::input::text;

/// 2024-02-28T23:30:15Z: before midnight, before a leap day.
const NOW: Timestamp = Timestamp::constant(1_709_163_015, 0);

/// A text is itself, or a date, a time or both as they are written; a difference is counted as the
/// calendar counts it.
pub fn date_language(data: &[u8]) {
    let written = text(data);
    let dated = match doors::dated(&written, NOW) {
        Ok(dated) => dated,
        Err(error) => {
            assert!(
                written.contains('|')
                    && matches!(error.error_type, "OverflowError" | "Exception" | "ValueError")
            );
            return;
        }
    };
    if dated != written {
        assert!(matches!(dated.len(), 8 | 10 | 20), "{written:?}: {dated:?}");
        assert!(dated.bytes().all(|b| b.is_ascii_digit() || b"-:TZ".contains(&b)), "{written:?}: {dated:?}");
    }
    if let Some(expected) = counted(&written) {
        assert_eq!(dated, expected, "{written:?}");
    }
}

/// The plainest form, counted another way: `<digits><unit>|datetime`.
fn counted(text: &str) -> Option<String> {
    let delta = text.strip_suffix("|datetime")?;
    let (number, unit) = delta.split_at_checked(delta.len().checked_sub(1)?)?;
    if number.is_empty() || number.len() > 6 || !number.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let hours = match unit {
        "w" => 24 * 7,
        "d" => 24,
        "h" => 1,
        _ => return None,
    };
    let at = NOW.checked_add(SignedDuration::from_hours(number.parse::<i64>().ok()? * hours)).ok()?;
    let at = TimeZone::UTC.to_datetime(at);
    Some(format!("{at}Z"))
}
