use tieline_core::{Caller, PhoneNumber, national_digits};

use crate::input::{parts, text};

/// A number is `+` and digits, is read again as itself, and its ways of writing are of it. A text that
/// is none is told by a fixed message. (`text`, `region`)
pub fn phone(data: &[u8]) {
    let input = text(data);
    let [written, other] = parts(&input);
    for region in [None, Some("US"), Some("IT"), Some(other)] {
        if let Ok(number) = PhoneNumber::parse(written, region) {
            let e164 = number.e164();
            let digits = e164.strip_prefix('+').expect("E.164 begins with a plus");
            assert!(digits.bytes().all(|b| b.is_ascii_digit()), "{e164}");
            assert!((3..=20).contains(&digits.len()), "{e164}");
            assert_eq!(PhoneNumber::parse(e164, None).as_ref(), Ok(&number), "of {written:?}");
            let json = serde_json::to_string(&number).expect("a text");
            assert_eq!(serde_json::from_str::<PhoneNumber>(&json).expect("as it was written"), number);
            let significant = number.significant();
            assert!(!significant.is_empty() && digits.ends_with(&significant), "{e164}: {significant}");
            assert!(number.country().is_none_or(|code| code.len() == 2 || code == "001"), "{e164}");
            assert_eq!(PhoneNumber::parse(&number.international(), None).as_ref(), Ok(&number));
            assert!(number.national().chars().any(|c| c.is_ascii_digit()), "{e164}");
        }
        match Caller::parse(written, region) {
            Caller::Known(number) => assert!(number.e164().starts_with('+')),
            Caller::Withheld => {}
            Caller::Other(text) => assert_eq!(text, written),
        }
    }
    if let Ok(digits) = national_digits(written) {
        assert!(!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()), "{digits}");
    }
}
