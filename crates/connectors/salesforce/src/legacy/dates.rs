//! The reference's date language: `2h|datetime`, `-1d|date`, `|time`.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::LegacyError;

/// `text` with its date written out, when it is one; `text` itself when it is ordinary text.
///
/// A date ends in `|date`, `|time` or `|datetime` and begins with nothing or a number and a unit.
/// The reference refuses any other text with a bar in it; ordinary text has bars. What is one half
/// of a date is somebody's mistake, and refused in the reference's words.
pub(crate) fn parse(text: &str, now: Timestamp) -> Result<String, LegacyError> {
    let mut pieces = text.split('|');
    let (Some(delta), Some(format)) = (pieces.next(), pieces.next()) else { return Ok(text.to_owned()) };
    let (delta, format) = (delta.trim(), format.trim());
    let format = match format {
        "date" => "%Y-%m-%d",
        "time" => "%H:%M:%S",
        "datetime" => "%Y-%m-%dT%H:%M:%SZ",
        _ if is_half_a_date(text, delta, format) => {
            return Err(LegacyError::exception(
                "Supported formats are 'date', 'time' and 'datetime', example '2h|date'",
            ));
        }
        _ => return Ok(text.to_owned()),
    };
    let now = TimeZone::UTC.to_datetime(now);
    let at = if delta.is_empty() { now } else { moved(now, seconds(delta)?)? };
    Ok(at.strftime(format).to_string())
}

/// `1d|Date`, `|DATE`, `1d|day`: the language's own shape with a format it does not have. With
/// blanks, `24h | Premium`, it is a subject.
fn is_half_a_date(text: &str, delta: &str, format: &str) -> bool {
    let known = ["date", "time", "datetime"].iter().any(|name| format.eq_ignore_ascii_case(name));
    if delta.is_empty() {
        return known;
    }
    let is_delta = seconds(delta).is_ok();
    let is_word = !format.is_empty() && format.bytes().all(|letter| letter.is_ascii_alphabetic());
    is_delta && (known || (is_word && !text.contains(char::is_whitespace)))
}

/// How far a delta such as `-2h` moves the clock.
fn seconds(delta: &str) -> Result<i128, LegacyError> {
    let unit = delta.chars().next_back().unwrap_or_default();
    let factor = match unit.to_ascii_lowercase() {
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
    let number = &delta[..delta.len() - unit.len_utf8()];
    let number = whole_number(number.trim()).ok_or_else(|| {
        LegacyError::new("ValueError", format!("invalid literal for int() with base 10: '{number}'"))
    })?;
    Ok(number.saturating_mul(factor))
}

/// A whole number as Python reads one: a sign, `_` between digits.
fn whole_number(text: &str) -> Option<i128> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let well_formed =
        digits.split('_').all(|group| !group.is_empty() && group.bytes().all(|b| b.is_ascii_digit()));
    if !well_formed {
        return None;
    }
    let plain: String = text.chars().filter(|c| *c != '_').collect();
    // A number too large for us is out of range as well.
    Some(plain.parse().unwrap_or(if plain.starts_with('-') { i128::MIN } else { i128::MAX }))
}

/// `now` moved; Python's own words for what is out of range, which differ by how far.
fn moved(now: DateTime, seconds: i128) -> Result<DateTime, LegacyError> {
    const LONGEST: i128 = 999_999_999;
    let error = |message: String| LegacyError::new("OverflowError", message);
    let days = seconds.div_euclid(86_400);
    if i32::try_from(days).is_err() {
        return Err(error("Python int too large to convert to C int".into()));
    }
    if days.abs() > LONGEST {
        return Err(error(format!("days={days}; must have magnitude <= {LONGEST}")));
    }
    i64::try_from(seconds)
        .ok()
        .and_then(|seconds| now.checked_add(SignedDuration::from_secs(seconds)).ok())
        .filter(|at| (1..=9999).contains(&at.year()))
        .ok_or_else(|| error("date value out of range".into()))
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
        for text in [
            "Billing | Refund",
            "|",
            "||",
            "a|b",
            "2h",
            "Update|Date",
            "x|",
            "|x",
            "2d|",
            "24h | Premium support",
            "24h | Premium",
            "24h|a-b",
            "Call|back|date",
        ] {
            assert_eq!(at(text).as_deref(), Ok(text), "{text}");
        }
    }

    #[test]
    fn half_a_date_is_refused_as_recorded() {
        let refused = |text: &str| at(text).map_err(|error| (error.error_type, error.message)).unwrap_err();
        for text in ["1d|Date", "3H|DATETIME", "|Time", " -2w | dateTime", "1d|week"] {
            let (kind, message) = refused(text);
            assert_eq!(kind, "Exception", "{text}");
            assert!(message.starts_with("Supported formats are"), "{text}: {message}");
        }
        for text in ["5|date", "today|date", "5y|datetime", "Notes|time", "3é|date"] {
            let (kind, message) = refused(text);
            assert_eq!(kind, "Exception", "{text}");
            assert!(message.starts_with("Supported delta types are"), "{text}: {message}");
        }
        for (text, number) in [
            ("d|date", ""),
            ("2.5h|time", "2.5"),
            ("1__0d|date", "1__0"),
            ("tomorrow|date", "tomorro"),
            ("+ 3d|date", "+ 3"),
        ] {
            let expected = format!("invalid literal for int() with base 10: '{number}'");
            assert_eq!(refused(text), ("ValueError", expected), "{text}");
        }
    }

    #[test]
    fn what_is_out_of_range_is_told_in_python_s_words() {
        let too_far = "Python int too large to convert to C int";
        for (text, expected) in [
            ("3000000d|date", "date value out of range"),
            ("-3000000d|date", "date value out of range"),
            ("999999999d|date", "date value out of range"),
            ("2000000000d|date", "days=2000000000; must have magnitude <= 999999999"),
            ("-142857143w|date", "days=-1000000001; must have magnitude <= 999999999"),
            ("-23999999977h|time", "days=-1000000000; must have magnitude <= 999999999"),
            ("3000000000d|date", too_far),
            ("99999999999999999999d|date", too_far),
            ("-9223372036854775807w|date", too_far),
            ("999999999999999999999999999999999999999999m|date", too_far),
        ] {
            let error = at(text).unwrap_err();
            assert_eq!((error.error_type, error.message.as_str()), ("OverflowError", expected), "{text}");
        }
    }
}
