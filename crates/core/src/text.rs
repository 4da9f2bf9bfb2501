/// Whether `c` cannot be seen and may deceive whoever reads the text it stands in: control
/// characters other than line breaks and tabs, and those that turn the direction of the text
/// after them.
///
/// Customers write some of what we keep: what an agent reads in the CRM must be what it is.
pub fn is_unseen(c: char) -> bool {
    let turns = matches!(
        c,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
    );
    turns || (c.is_control() && c != '\n' && c != '\t')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_deceives_the_eye_is_told_from_what_is_only_rare() {
        for c in ['\0', '\u{1b}', '\r', '\u{85}', '\u{61c}', '\u{202e}', '\u{2066}', '\u{2069}', '\u{feff}'] {
            assert!(is_unseen(c), "{c:?}");
        }
        for c in ['a', '\n', '\t', ' ', 'ß', '😀', 'ש', '\u{200d}', '<', '='] {
            assert!(!is_unseen(c), "{c:?}");
        }
    }
}
