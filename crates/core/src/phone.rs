//! Phone numbers, by the rules of libphonenumber (through `rlibphonenumber`).

use std::fmt;
use std::str::FromStr;

use rlibphonenumber::{NotANumberError, PHONE_NUMBER_UTIL, ParseError, PhoneNumberFormat, Region};
use serde::{Deserialize, Serialize};

/// A number the world can dial, kept as E.164 (`+442079460000`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PhoneNumber(String);

/// Who calls, as far as the network says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    Known(PhoneNumber),
    /// The caller or the network hides the number (`anonymous`, `restricted`, …).
    Withheld,
    /// An address that is no phone number, as it came.
    Other(String),
}

/// Why text is not a phone number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PhoneError {
    #[error("the number has no `+` and no default region was given")]
    NeedsRegion,
    #[error("no country has this code")]
    UnknownCountry,
    #[error("this is not a phone number")]
    NotANumber,
    #[error("the number is too short")]
    TooShort,
    #[error("the number is too long")]
    TooLong,
    #[error("`region` is not a two-letter country code known to us")]
    UnknownRegion,
}

/// What networks and contact centers write for a number they will not tell.
const WITHHELD: [&str; 8] =
    ["anonymous", "restricted", "unknown", "private", "unavailable", "withheld", "blocked", "+266696687"];

/// No country has more digits in front of a number that are not of it.
const MOST_READINGS: usize = 8;

impl PhoneNumber {
    /// Reads `text`; `region` (`US`) is the default for numbers without `+`, nothing else.
    ///
    /// Takes what people and networks write: punctuation, vanity letters, `tel:` and `sip:`
    /// addresses whose user part is a number.
    ///
    /// What is kept is read again as itself: libphonenumber takes one trunk zero off at a time, so
    /// `+49 00668 …` would be another number each time it is stored and loaded.
    pub fn parse(text: &str, region: Option<&str>) -> Result<Self, PhoneError> {
        let e164 =
            |number: rlibphonenumber::PhoneNumber| number.format_as(PhoneNumberFormat::E164).into_owned();
        let mut number = parse(text, region).map(e164)?;
        for _ in 0..MOST_READINGS {
            let again = parse(&number, None).map(e164)?;
            if again == number {
                return Ok(Self(number));
            }
            number = again;
        }
        Err(PhoneError::NotANumber)
    }

    /// `+442079460000`.
    pub fn e164(&self) -> &str {
        &self.0
    }

    /// As people of its country write it: `020 7946 0000`, `(202) 555-0143`.
    pub fn national(&self) -> String {
        self.format(PhoneNumberFormat::National)
    }

    /// `+44 20 7946 0000`.
    pub fn international(&self) -> String {
        self.format(PhoneNumberFormat::International)
    }

    /// The digits after the country code, leading zeros kept (`0655500123` of an Italian number).
    pub fn significant(&self) -> String {
        self.number().map(|n| n.get_national_significant_number()).unwrap_or_default()
    }

    /// Two letters (`GB`); `None` for numbers that belong to no country (`+800…`).
    pub fn country(&self) -> Option<String> {
        self.number()?.get_region_code().map(|region| region.to_string())
    }

    fn format(&self, format: PhoneNumberFormat) -> String {
        self.number().map_or_else(|| self.0.clone(), |n| n.format_as(format).into_owned())
    }

    fn number(&self) -> Option<rlibphonenumber::PhoneNumber> {
        PHONE_NUMBER_UTIL.parse(&self.0, None).ok()
    }
}

/// The national number as the reference functions compute it: an integer, so leading
/// zeros are lost (`+390612345678` → `612345678`). For their drop-in mode only.
pub fn national_digits(text: &str) -> Result<String, PhoneError> {
    if text.len() > 250 {
        return Err(PhoneError::TooLong);
    }
    parse(text, None).map(|number| number.national_number.to_string())
}

fn parse(text: &str, region: Option<&str>) -> Result<rlibphonenumber::PhoneNumber, PhoneError> {
    let region = region
        .map(|code| Region::from_str(&code.to_ascii_uppercase()).map_err(|_| PhoneError::UnknownRegion))
        .transpose()?;
    let bare = without_sip(text);
    if is_turned_round(bare) {
        return Err(PhoneError::NotANumber);
    }
    PHONE_NUMBER_UTIL.parse(bare, region).map_err(|error| match error {
        // The library has one error for "no plus and no region" and "plus with an unknown code".
        ParseError::InvalidCountryCode if bare.trim_start().starts_with(['+', '\u{ff0b}']) => {
            PhoneError::UnknownCountry
        }
        ParseError::InvalidCountryCode => PhoneError::NeedsRegion,
        ParseError::NotANumber(NotANumberError::FailedToParseNumberAsInt(_)) | ParseError::TooLongNsn => {
            PhoneError::TooLong
        }
        ParseError::NotANumber(_) => PhoneError::NotANumber,
        ParseError::TooShortAfterIdd | ParseError::TooShortNsn => PhoneError::TooShort,
    })
}

/// A `tel:` behind the context that belongs to it: the library cuts between the two and panics.
fn is_turned_round(text: &str) -> bool {
    let context = text.find(";phone-context=");
    context.zip(text.find("tel:")).is_some_and(|(context, scheme)| context < scheme)
}

/// `sip:+12025550143@host;x=y` → `+12025550143`; anything else unchanged.
fn without_sip(text: &str) -> &str {
    let trimmed = text.trim();
    let Some((scheme, rest)) = trimmed.split_once(':') else { return trimmed };
    if !scheme.eq_ignore_ascii_case("sip") && !scheme.eq_ignore_ascii_case("sips") {
        return trimmed;
    }
    rest.split(['@', ';']).next().unwrap_or(rest)
}

impl Caller {
    /// Understands what a contact center says about the customer's address.
    pub fn parse(text: &str, region: Option<&str>) -> Self {
        let bare = without_sip(text);
        if bare.is_empty() || WITHHELD.iter().any(|word| bare.eq_ignore_ascii_case(word)) {
            return Self::Withheld;
        }
        match PhoneNumber::parse(bare, region) {
            Ok(number) => Self::Known(number),
            Err(_) => Self::Other(text.to_owned()),
        }
    }

    pub fn number(&self) -> Option<&PhoneNumber> {
        match self {
            Self::Known(number) => Some(number),
            Self::Withheld | Self::Other(_) => None,
        }
    }
}

impl fmt::Display for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for PhoneNumber {
    type Error = PhoneError;
    fn try_from(text: String) -> Result<Self, PhoneError> {
        Self::parse(&text, None)
    }
}

impl From<PhoneNumber> for String {
    fn from(number: PhoneNumber) -> String {
        number.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_italian_number_keeps_its_zero() {
        let number = PhoneNumber::parse("+39 06 5550 0123", None).unwrap();
        assert_eq!(number.e164(), "+390655500123");
        assert_eq!(number.significant(), "0655500123");
        assert_eq!(number.country().as_deref(), Some("IT"));
        assert_eq!(national_digits("+390655500123").unwrap(), "655500123");
    }

    #[test]
    fn a_number_that_was_kept_is_read_as_itself() {
        for text in ["+49 00668 5550 01234", "+390655500123", "+12025550147"] {
            let number = PhoneNumber::parse(text, None).unwrap();
            assert_eq!(PhoneNumber::parse(number.e164(), None).as_ref(), Ok(&number), "{text}");
        }
        assert_eq!(PhoneNumber::parse("+49 00668 5550 01234", None).unwrap().e164(), "+49668555001234");
    }

    #[test]
    fn the_region_is_only_the_default_for_numbers_without_a_plus() {
        assert_eq!(PhoneNumber::parse("(202) 555-0147", Some("US")).unwrap().e164(), "+12025550147");
        assert_eq!(PhoneNumber::parse("+442079460018", Some("US")).unwrap().national(), "020 7946 0018");
        assert_eq!(PhoneNumber::parse("(202) 555-0147", None), Err(PhoneError::NeedsRegion));
        assert_eq!(PhoneNumber::parse("+999123456", None), Err(PhoneError::UnknownCountry));
        assert_eq!(PhoneNumber::parse("2025550147", Some("Atlantis")), Err(PhoneError::UnknownRegion));
    }

    #[test]
    fn callers_are_known_withheld_or_something_else() {
        assert_eq!(Caller::parse("anonymous", Some("US")), Caller::Withheld);
        assert_eq!(Caller::parse("", None), Caller::Withheld);
        assert_eq!(Caller::parse("sip:RESTRICTED@gw.example.com", None), Caller::Withheld);
        let sip = Caller::parse("sip:+12025550143@gw.example.com;user=phone", None);
        assert_eq!(sip.number().map(PhoneNumber::e164), Some("+12025550143"));
        assert_eq!(Caller::parse("sip:anna@example.com", None), Caller::Other("sip:anna@example.com".into()));
    }

    #[test]
    fn nonsense_is_an_error_and_never_a_panic() {
        for text in [
            "5;phone-context=+1tel:",
            "+",
            "+1",
            "restricted",
            "\u{0}",
            "+1234567890123456789012",
            "☎️☎️",
            &"9".repeat(4000),
        ] {
            assert!(PhoneNumber::parse(text, Some("US")).is_err() || text == "+1", "{text}");
        }
    }
}
