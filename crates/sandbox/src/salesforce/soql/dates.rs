//! Date literals: `TODAY`, `THIS_WEEK`, `LAST_N_DAYS:30` and their kind.
//!
//! (Salesforce, SOQL and SOSL Reference, "Date Formats and Date Literals in WHERE". Read
//! 2026-11-20.) A day is a UTC day, a week begins on Sunday (locale `en_US`), and the fiscal
//! year is the calendar year: what a new org has, with its time zone set to GMT.

use jiff::ToSpan;
use jiff::civil::Date;

use super::ast::{Relative, Span, Unit};

/// A word of the table below.
pub(super) enum Word {
    Alone(Relative),
    /// Followed by `:n`.
    Counted(fn(i32) -> Relative),
}

/// `word` is in capitals.
pub(super) fn literal(word: &str) -> Option<Word> {
    use Span::{At, Last, Next};
    use Unit::{Day, Month, Quarter, Week, Year};
    let alone = |unit, span| Some(Word::Alone(Relative { unit, span }));
    match word {
        "YESTERDAY" => alone(Day, At(-1)),
        "TODAY" => alone(Day, At(0)),
        "TOMORROW" => alone(Day, At(1)),
        "LAST_WEEK" => alone(Week, At(-1)),
        "THIS_WEEK" => alone(Week, At(0)),
        "NEXT_WEEK" => alone(Week, At(1)),
        "LAST_MONTH" => alone(Month, At(-1)),
        "THIS_MONTH" => alone(Month, At(0)),
        "NEXT_MONTH" => alone(Month, At(1)),
        "LAST_QUARTER" | "LAST_FISCAL_QUARTER" => alone(Quarter, At(-1)),
        "THIS_QUARTER" | "THIS_FISCAL_QUARTER" => alone(Quarter, At(0)),
        "NEXT_QUARTER" | "NEXT_FISCAL_QUARTER" => alone(Quarter, At(1)),
        "LAST_YEAR" | "LAST_FISCAL_YEAR" => alone(Year, At(-1)),
        "THIS_YEAR" | "THIS_FISCAL_YEAR" => alone(Year, At(0)),
        "NEXT_YEAR" | "NEXT_FISCAL_YEAR" => alone(Year, At(1)),
        "LAST_90_DAYS" => alone(Day, Last(90)),
        "NEXT_90_DAYS" => alone(Day, Next(90)),
        "LAST_N_DAYS" => Some(Word::Counted(|n| Relative { unit: Day, span: Last(n) })),
        "NEXT_N_DAYS" => Some(Word::Counted(|n| Relative { unit: Day, span: Next(n) })),
        "N_DAYS_AGO" => Some(Word::Counted(|n| Relative { unit: Day, span: At(-n) })),
        "LAST_N_WEEKS" => Some(Word::Counted(|n| Relative { unit: Week, span: Last(n) })),
        "NEXT_N_WEEKS" => Some(Word::Counted(|n| Relative { unit: Week, span: Next(n) })),
        "N_WEEKS_AGO" => Some(Word::Counted(|n| Relative { unit: Week, span: At(-n) })),
        "LAST_N_MONTHS" => Some(Word::Counted(|n| Relative { unit: Month, span: Last(n) })),
        "NEXT_N_MONTHS" => Some(Word::Counted(|n| Relative { unit: Month, span: Next(n) })),
        "N_MONTHS_AGO" => Some(Word::Counted(|n| Relative { unit: Month, span: At(-n) })),
        "LAST_N_QUARTERS" | "LAST_N_FISCAL_QUARTERS" => {
            Some(Word::Counted(|n| Relative { unit: Quarter, span: Last(n) }))
        }
        "NEXT_N_QUARTERS" | "NEXT_N_FISCAL_QUARTERS" => {
            Some(Word::Counted(|n| Relative { unit: Quarter, span: Next(n) }))
        }
        "N_QUARTERS_AGO" | "N_FISCAL_QUARTERS_AGO" => {
            Some(Word::Counted(|n| Relative { unit: Quarter, span: At(-n) }))
        }
        "LAST_N_YEARS" | "LAST_N_FISCAL_YEARS" => {
            Some(Word::Counted(|n| Relative { unit: Year, span: Last(n) }))
        }
        "NEXT_N_YEARS" | "NEXT_N_FISCAL_YEARS" => {
            Some(Word::Counted(|n| Relative { unit: Year, span: Next(n) }))
        }
        "N_YEARS_AGO" | "N_FISCAL_YEARS_AGO" => {
            Some(Word::Counted(|n| Relative { unit: Year, span: At(-n) }))
        }
        _ => None,
    }
}

/// First day, and the day after the last. `None` when it lies outside of the calendar.
pub(super) fn range(relative: Relative, today: Date) -> Option<(Date, Date)> {
    let Relative { unit, span } = relative;
    let now = start(unit, today)?;
    let (from, to) = match span {
        Span::At(n) => (n, n.checked_add(1)?),
        Span::Last(n) if unit == Unit::Day => (n.checked_neg()?, 1),
        Span::Last(n) => (n.checked_neg()?, 0),
        Span::Next(n) => (1, n.checked_add(1)?),
    };
    Some((shift(unit, now, from)?, shift(unit, now, to)?))
}

/// The first day of the unit `day` lies in.
fn start(unit: Unit, day: Date) -> Option<Date> {
    match unit {
        Unit::Day => Some(day),
        Unit::Week => day.checked_sub(i64::from(day.weekday().to_sunday_zero_offset()).days()).ok(),
        Unit::Month => Some(day.first_of_month()),
        Unit::Quarter => Date::new(day.year(), (day.month() - 1) / 3 * 3 + 1, 1).ok(),
        Unit::Year => Some(day.first_of_year()),
    }
}

fn shift(unit: Unit, day: Date, by: i32) -> Option<Date> {
    let by = i64::from(by);
    // A span out of jiff's range is a panic in its plain form, hence the `try_` ones.
    let none = jiff::Span::new();
    let span = match unit {
        Unit::Day => none.try_days(by),
        Unit::Week => none.try_weeks(by),
        Unit::Month => none.try_months(by),
        Unit::Quarter => none.try_months(by * 3),
        Unit::Year => none.try_years(by),
    };
    day.checked_add(span.ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_name_the_days_the_reference_says() {
        // A Friday.
        let today: Date = "2026-11-20".parse().unwrap();
        let table = [
            ("TODAY", 0, "2026-11-20", "2026-11-21"),
            ("YESTERDAY", 0, "2026-11-19", "2026-11-20"),
            ("THIS_WEEK", 0, "2026-11-15", "2026-11-22"),
            ("LAST_WEEK", 0, "2026-11-08", "2026-11-15"),
            ("THIS_MONTH", 0, "2026-11-01", "2026-12-01"),
            ("LAST_MONTH", 0, "2026-10-01", "2026-11-01"),
            ("THIS_QUARTER", 0, "2026-10-01", "2027-01-01"),
            ("NEXT_QUARTER", 0, "2027-01-01", "2027-04-01"),
            ("LAST_YEAR", 0, "2025-01-01", "2026-01-01"),
            ("LAST_90_DAYS", 0, "2026-08-22", "2026-11-21"),
            ("LAST_N_DAYS", 3, "2026-11-17", "2026-11-21"),
            ("NEXT_N_DAYS", 3, "2026-11-21", "2026-11-24"),
            ("N_DAYS_AGO", 3, "2026-11-17", "2026-11-18"),
            ("LAST_N_WEEKS", 2, "2026-11-01", "2026-11-15"),
            ("LAST_N_MONTHS", 2, "2026-09-01", "2026-11-01"),
            ("N_MONTHS_AGO", 2, "2026-09-01", "2026-10-01"),
            ("NEXT_N_YEARS", 2, "2027-01-01", "2029-01-01"),
        ];
        for (word, n, from, to) in table {
            let relative = match literal(word).unwrap() {
                Word::Alone(relative) => relative,
                Word::Counted(make) => make(n),
            };
            let (start, end) = range(relative, today).unwrap();
            assert_eq!((start.to_string().as_str(), end.to_string().as_str()), (from, to), "{word}");
        }
    }

    #[test]
    fn a_range_outside_of_the_calendar_is_none() {
        let relative = Relative { unit: Unit::Year, span: Span::Next(100_000) };
        assert_eq!(range(relative, "2026-11-20".parse().unwrap()), None);
    }
}
