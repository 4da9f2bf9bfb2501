//! Who calls: records found by a number, an address or words, judged and put in order here.
//!
//! A CRM's own search finds too much and sorts by what it deems relevant; a contact flow that
//! greets by name needs to know how sure the match is, and the same order every time. So every hit
//! is judged again ([`judge_phone`], [`judge_email`], [`judge_name`]) and sorted by [`rank`].

use jiff::Timestamp;
use serde::Deserialize;
use tieline_core::{PhoneNumber, RecordId};

use super::Grants;

/// Most matches one answer holds.
pub const MOST_MATCHES: usize = 10;

/// A search for the caller, as a contact flow asks for it.
#[derive(Debug, Clone, PartialEq)]
pub struct FindCaller {
    pub wanted: Wanted,
    /// Only these of the configured objects; all when empty.
    pub objects: Vec<String>,
    /// Matches in the answer, at most [`MOST_MATCHES`].
    pub limit: usize,
    /// The country of numbers the CRM holds without one.
    pub region: Option<String>,
    /// What the key may touch, when it is bound: nothing else is looked at or answered.
    pub grants: Option<Grants>,
}

/// What is looked for.
#[derive(Debug, Clone, PartialEq)]
pub enum Wanted {
    /// The customer's address of the contact that asks; [`super::Dips`] puts it in its place.
    Endpoint,
    /// A withheld number, or an address nobody can be found by.
    Nobody,
    Phone(PhoneNumber),
    Email(String),
    Text(String),
}

/// Where callers are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindSettings {
    /// In the order of their rank.
    pub objects: Vec<FindObject>,
    /// How many last digits make a weak match; 0 for none.
    pub weak_digits: usize,
}

/// One object and where it keeps what callers are found by. What is not said is known of the
/// CRM's own objects and asked of the CRM for all others.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FindObject {
    pub object: String,
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub phones: Option<Vec<String>>,
    #[serde(default)]
    pub emails: Option<Vec<String>>,
    /// Field with the day or time somebody was last in contact with the record.
    #[serde(default)]
    pub last_contact: Option<String>,
}

impl FindObject {
    pub fn named(object: impl Into<String>) -> Self {
        Self { object: object.into(), ..Self::default() }
    }
}

/// How sure a match is; the surest is the least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Closeness {
    /// The same number with its country, the same address, the same name.
    Exact,
    /// The same national number; all the words in a name.
    Close,
    /// A shorter number that may be this one; found by words that stand elsewhere.
    Weak,
    /// Another number with the same last digits. Answered only when there is nothing closer.
    Distant,
}

/// One record that may be the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallerMatch {
    pub record: RecordId,
    pub object: String,
    /// The object's place among those that were searched.
    pub place: usize,
    pub closeness: Closeness,
    /// For people: `exact mobile`, `national number`, `weak: last 7 digits`, `exact email`, `name`.
    pub reason: String,
    pub last_contact: Option<Timestamp>,
    /// What the answer says of it; a bound key may not be told all of it.
    pub told: Told,
}

/// The part of a match that is answered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Told {
    pub id: bool,
    pub name: Option<String>,
    pub last_contact: bool,
    pub open_cases: Option<usize>,
}

/// Puts matches in their order: the surest first, then as the objects are ordered, then whoever was
/// in contact last; ids in the end, so that the order is always one. A record found twice counts
/// once, and distant matches go when there is anything closer.
pub fn rank(matches: &mut Vec<CallerMatch>) {
    matches.sort_by(|a, b| {
        (a.closeness, a.place)
            .cmp(&(b.closeness, b.place))
            .then_with(|| b.last_contact.cmp(&a.last_contact))
            .then_with(|| a.record.cmp(&b.record))
    });
    let mut seen = std::collections::HashSet::new();
    matches.retain(|one| seen.insert(one.record.clone()));
    if matches.first().is_some_and(|best| best.closeness < Closeness::Distant) {
        matches.retain(|one| one.closeness < Closeness::Distant);
    }
}

/// Whether a number as the CRM holds it is the one looked for.
///
/// `region` is the country of numbers written without one; `weak_digits` last digits in common make
/// a weak match, 0 none.
pub fn judge_phone(
    stored: &str,
    wanted: &PhoneNumber,
    region: Option<&str>,
    weak_digits: usize,
) -> Option<Closeness> {
    let parsed = PhoneNumber::parse(stored, region);
    if parsed.as_ref().is_ok_and(|found| found == wanted) {
        return Some(Closeness::Exact);
    }
    let country = wanted.country();
    if PhoneNumber::parse(stored, country.as_deref()).is_ok_and(|found| found == *wanted) {
        return Some(Closeness::Close);
    }
    let significant = wanted.significant();
    let digits = without_extension(stored);
    if !says_its_country(stored) && digits == significant {
        return Some(Closeness::Close);
    }
    let tail = significant.len().checked_sub(weak_digits).filter(|_| weak_digits > 0)?;
    if !digits.ends_with(&significant[tail..]) {
        return None;
    }
    let local = digits.strip_prefix('0').unwrap_or(&digits);
    let may_be =
        !says_its_country(stored) && (significant.ends_with(&digits) || significant.ends_with(local));
    Some(if may_be { Closeness::Weak } else { Closeness::Distant })
}

/// Whether the number is written with a country, so that another one is another number.
fn says_its_country(stored: &str) -> bool {
    let stored = stored.trim_start();
    let stored = stored.strip_prefix("tel:").unwrap_or(stored);
    stored.starts_with(['+', '\u{ff0b}']) || stored.starts_with("00")
}

/// The digits of a number, up to an extension (`x12`, `ext. 12`, `;ext=12`, `#12`).
fn without_extension(stored: &str) -> String {
    let end = stored
        .char_indices()
        .find(|(at, c)| *at > 0 && (c.is_alphabetic() || matches!(c, ';' | '#' | ',')))
        .map_or(stored.len(), |(at, _)| at);
    let number = if stored.starts_with("tel:") { stored } else { &stored[..end] };
    number.chars().filter_map(|c| c.to_digit(10)).filter_map(|digit| char::from_digit(digit, 10)).collect()
}

/// Addresses are compared without case, as every mail system in use does.
pub fn judge_email(stored: &str, wanted: &str) -> Option<Closeness> {
    (stored.trim().to_lowercase() == wanted.trim().to_lowercase()).then_some(Closeness::Exact)
}

/// Whether a record called `stored` was found by its name: the same words, all of the words, or by
/// something else that stands in it.
pub fn judge_name(stored: &str, wanted: &str) -> Closeness {
    let (stored, wanted) = (words(stored), words(wanted));
    if stored == wanted {
        Closeness::Exact
    } else if !wanted.is_empty() && wanted.iter().all(|word| stored.contains(word)) {
        Closeness::Close
    } else {
        Closeness::Weak
    }
}

fn words(text: &str) -> Vec<String> {
    text.to_lowercase()
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phone(text: &str) -> PhoneNumber {
        PhoneNumber::parse(text, None).unwrap()
    }

    #[test]
    fn a_number_is_exact_national_weak_or_another() {
        use Closeness::{Close, Distant, Exact, Weak};
        for (stored, wanted, region, expected) in [
            // The country is said, or the workspace's.
            ("+1 (202) 555-0147", "+12025550147", None, Some(Exact)),
            ("001 202 555 0147", "+12025550147", Some("DE"), Some(Exact)),
            ("(202) 555-0147", "+12025550147", Some("US"), Some(Exact)),
            ("tel:+1-202-555-0147", "+12025550147", None, Some(Exact)),
            ("+1 202.555.0147 ext. 12", "+12025550147", None, Some(Exact)),
            ("202-555-0147 x12", "+12025550147", Some("US"), Some(Exact)),
            ("+39 06 5550 0123", "+390655500123", None, Some(Exact)),
            ("(+44) (0)20 7946 0018", "+442079460018", Some("US"), Some(Exact)),
            // Without a country it is the same number at home.
            ("(202) 555-0147", "+12025550147", None, Some(Close)),
            ("(202) 555-0147", "+12025550147", Some("DE"), Some(Close)),
            ("020 7946 0018", "+442079460018", Some("US"), Some(Close)),
            ("20 7946 0018", "+442079460018", None, Some(Close)),
            ("06 5550 0123", "+390655500123", Some("US"), Some(Close)),
            // A local number may be this one.
            ("555-0147", "+12025550147", Some("US"), Some(Weak)),
            ("555 0147 ext 9", "+12025550147", Some("US"), Some(Weak)),
            ("7946 0018", "+442079460018", None, Some(Weak)),
            // The Italian zero belongs to the number, so this is another spelling at best.
            ("6 5550 0123", "+390655500123", None, Some(Weak)),
            // Another area or country is another number.
            ("(303) 555-0147", "+12025550147", Some("US"), Some(Distant)),
            ("+44 202 555 0147", "+12025550147", Some("US"), Some(Distant)),
            ("(202) 555-0148", "+12025550147", Some("US"), None),
            ("55-0147", "+12025550147", Some("US"), None),
            ("", "+12025550147", Some("US"), None),
            ("ask for Anna", "+12025550147", Some("US"), None),
        ] {
            assert_eq!(judge_phone(stored, &phone(wanted), region, 7), expected, "{stored} {region:?}");
        }
        assert_eq!(judge_phone("555-0147", &phone("+12025550147"), Some("US"), 0), None);
        assert_eq!(judge_phone("50147", &phone("+12025550147"), Some("US"), 5), Some(Weak));
    }

    #[test]
    fn names_are_the_same_hold_all_words_or_were_found_otherwise() {
        assert_eq!(judge_name("Anna  KELLER", "anna keller"), Closeness::Exact);
        assert_eq!(judge_name("Anna Maria Keller", "keller anna"), Closeness::Close);
        assert_eq!(judge_name("Anna Moss", "anna keller"), Closeness::Weak);
        assert_eq!(judge_name("Jörg Müller", "jörg MÜLLER"), Closeness::Exact);
        assert_eq!(judge_name("", "anna"), Closeness::Weak);
        assert_eq!(
            judge_email("Anna.Keller@Example.com ", "anna.keller@example.com"),
            Some(Closeness::Exact)
        );
        assert_eq!(judge_email("anna@example.com", "anna@example.net"), None);
    }

    fn one(id: &str, object: &str, place: usize, closeness: Closeness, day: Option<&str>) -> CallerMatch {
        CallerMatch {
            record: RecordId::new(id).unwrap(),
            object: object.into(),
            place,
            closeness,
            reason: String::new(),
            last_contact: day.map(|day| format!("{day}T00:00:00Z").parse().unwrap()),
            told: Told::default(),
        }
    }

    #[test]
    fn the_order_does_not_depend_on_the_order_found() {
        use Closeness::{Close, Distant, Exact, Weak};
        let sorted = [
            one("c2", "Contact", 0, Exact, Some("2026-11-19")),
            one("c1", "Contact", 0, Exact, Some("2026-11-18")),
            one("c3", "Contact", 0, Exact, None),
            one("c4", "Contact", 0, Exact, None),
            one("l1", "Lead", 1, Exact, Some("2026-11-20")),
            one("a1", "Account", 2, Exact, None),
            one("c5", "Contact", 0, Close, Some("2026-11-20")),
            one("c6", "Contact", 0, Weak, Some("2026-11-20")),
        ];
        for turn in 0..sorted.len() {
            let mut mixed = sorted.to_vec();
            mixed.rotate_left(turn);
            mixed.push(one("c7", "Contact", 0, Distant, Some("2026-11-20")));
            // Found again by a weaker way.
            mixed.push(one("c2", "Contact", 0, Weak, Some("2026-11-19")));
            mixed.swap(0, 3);
            rank(&mut mixed);
            assert_eq!(mixed, sorted);
        }
        let mut only = vec![one("c7", "Contact", 0, Distant, None), one("c8", "Contact", 0, Distant, None)];
        rank(&mut only);
        assert_eq!(only.len(), 2);
    }
}
