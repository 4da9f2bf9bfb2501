//! The reference's date language: `2h|datetime`, `-1d|date`, `|time`.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::LegacyError;

/// `text` with its date written out, when it is one; `text` itself otherwise.
///
/// A date ends in `|date`, `|time` or `|datetime` and begins with nothing or a number and a unit.
/// The reference refuses any other text with a bar in it; ordinary text has bars.
pub(super) fn parse(text: &str, now: Timestamp) -> Result<String, LegacyError> {
    let mut pieces = text.split('|');
    let (Some(delta), Some(format)) = (pieces.next(), pieces.next()) else { return Ok(text.to_owned()) };
    let delta = delta.trim();
    let format = match format.trim() {
        "date" => "%Y-%m-%d",
        "time" => "%H:%M:%S",
        "datetime" => "%Y-%m-%dT%H:%M:%SZ",
        _ => return Ok(text.to_owned()),
    };
    let now = TimeZone::UTC.to_datetime(now);
    let at = if delta.is_empty() {
        now
    } else {
        let Some((number, unit)) = split_unit(delta) else { return Ok(text.to_owned()) };
        let seconds: i64 = match unit {
            'w' => 7 * 86_400,
            'd' => 86_400,
            'h' => 3_600,
            // Minutes, for `M` as well: the language has no months.
            'm' => 60,
            _ => {
                return Err(LegacyError::exception(
                    "Supported delta types are 'd' for days, 'h' for hours and 'm' for minutes, example '2h|date'",
                ));
            }
        };
        number.checked_mul(seconds).and_then(|seconds| moved(now, seconds)).ok_or_else(out_of_range)?
    };
    Ok(at.strftime(format).to_string())
}

fn out_of_range() -> LegacyError {
    LegacyError::new("OverflowError", "date value out of range")
}

fn moved(now: DateTime, seconds: i64) -> Option<DateTime> {
    now.checked_add(SignedDuration::from_secs(seconds)).ok().filter(|at| (1..=9999).contains(&at.year()))
}

/// A whole number as Python reads one (sign, blanks around, `_` between digits) and the letter after it.
fn split_unit(delta: &str) -> Option<(i64, char)> {
    let unit = delta.chars().last().filter(char::is_ascii_alphabetic)?;
    let number = delta[..delta.len() - 1].trim();
    let digits = number.strip_prefix(['+', '-']).unwrap_or(number);
    let well_formed = !digits.is_empty()
        && digits.split('_').all(|group| !group.is_empty() && group.bytes().all(|b| b.is_ascii_digit()));
    if !well_formed {
        return None;
    }
    let plain: String = number.chars().filter(|c| *c != '_').collect();
    // A number too large for us is out of range as well.
    let number = plain.parse().unwrap_or(if plain.starts_with('-') { i64::MIN } else { i64::MAX });
    Some((number, unit.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Result<String, LegacyError> {
        parse(text, "2024-02-28T23:30:15Z".parse().unwrap())
    }

    #[test]
    fn dates_are_counted_from_now_in_utc() {
        for (text, expected) in [
            ("|datetime", "2024-02-28T23:30:15Z"),
            ("|time", "23:30:15"),
            ("1d|date", "2024-02-29"),
            ("-1d|date", "2024-02-27"),
            ("+1W | date ", "2024-03-06"),
            ("1M|datetime", "2024-02-28T23:31:15Z"),
            ("1 d|date", "2024-02-29"),
            ("1_0d|date", "2024-03-09"),
            ("1d|date|junk", "2024-02-29"),
            ("30m|datetime", "2024-02-29T00:00:15Z"),
        ] {
            assert_eq!(at(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn a_bar_in_ordinary_text_is_text() {
        for text in
            ["Billing | Refund", "|", "a|b", "2h", "Notes|date", "Update|Date", "d|date", "1__0d|date", "x|"]
        {
            assert_eq!(at(text).as_deref(), Ok(text), "{text}");
        }
    }

    #[test]
    fn a_bad_unit_and_a_year_beyond_the_calendar_are_errors_as_recorded() {
        assert!(at("5y|date").unwrap_err().message.starts_with("Supported delta types"));
        for text in
            ["3000000d|date", "-3000000d|date", "99999999999999999999d|date", "9223372036854775807w|date"]
        {
            assert_eq!(at(text).unwrap_err().error_type, "OverflowError", "{text}");
        }
    }
}
