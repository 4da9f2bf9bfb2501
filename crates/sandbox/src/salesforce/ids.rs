//! Record ids: 15 case-sensitive characters, and a suffix of three that says which of
//! them are capitals, so that 18 characters survive a tool that folds case.
//!
//! (Salesforce, Object Reference, "ID Field Type"; the suffix as the vendor's published
//! formula computes it. Read 2026-11-20.)

/// The organization's own id, as `sandbox.md` fixes it for tests and guides. Its suffix does not
/// follow the rule (that would be `EAA`), so [`normalize`] takes it as it stands.
pub const ORGANIZATION: &str = "00D000000000001AAA";

/// Alphabet of the suffix; each letter stands for five bits.
const SUFFIX: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";

/// Digits of a counter inside an id, in the order Salesforce counts.
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The 18-character form of 15 characters; `None` when `text` is no id at all.
///
/// An 18-character id is checked: its suffix must fit, in either case.
pub fn normalize(text: &str) -> Option<String> {
    if text == ORGANIZATION {
        return Some(text.to_owned());
    }
    if !text.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return None;
    }
    match text.len() {
        15 => Some(with_suffix(text)),
        18 => {
            let (head, tail) = text.split_at(15);
            let full = with_suffix(head);
            full[15..].eq_ignore_ascii_case(tail).then_some(full)
        }
        _ => None,
    }
}

/// The `number`-th id of the object whose ids begin with `prefix` (three characters).
pub fn nth(prefix: &str, mut number: u64) -> String {
    let mut digits = [b'0'; 12];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[usize::try_from(number % 62).unwrap_or(0)];
        number /= 62;
    }
    let head = format!("{prefix}{}", String::from_utf8_lossy(&digits));
    with_suffix(&head)
}

fn with_suffix(head: &str) -> String {
    let mut id = head.to_owned();
    for chunk in head.as_bytes().chunks(5) {
        let mut bits = 0;
        for (place, byte) in chunk.iter().enumerate() {
            if byte.is_ascii_uppercase() {
                bits |= 1 << place;
            }
        }
        id.push(char::from(SUFFIX[bits]));
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_suffix_says_which_characters_are_capitals() {
        assert_eq!(normalize("00D000000000001").unwrap(), "00D000000000001EAA");
        assert_eq!(normalize("005000000000001").unwrap(), "005000000000001AAA");
        // A published pair of the vendor's documentation style: 0 and 1 letters only in the last chunk.
        assert_eq!(normalize("001D000000IqhSL").unwrap(), "001D000000IqhSLIAZ");
    }

    #[test]
    fn eighteen_characters_with_the_wrong_suffix_are_no_id() {
        assert_eq!(normalize("001D000000IqhSLAAA"), None);
        assert_eq!(normalize("001D000000IqhSLiaz").unwrap(), "001D000000IqhSLIAZ");
        assert_eq!(normalize("short"), None);
        assert_eq!(normalize("00100000000000'"), None);
    }

    #[test]
    fn ids_are_counted_in_base_62() {
        assert_eq!(nth("003", 1), "003000000000001AAA");
        assert_eq!(&nth("003", 61)[..15], "00300000000000z");
        assert_eq!(&nth("003", 62)[..15], "003000000000010");
    }
}
