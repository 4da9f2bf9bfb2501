//! How a text sounds, by the good and the bad words in it.

const GOOD: [&str; 16] = [
    "awesome",
    "excellent",
    "fantastic",
    "glad",
    "good",
    "great",
    "happy",
    "interesting",
    "love",
    "nice",
    "perfect",
    "pleased",
    "thank",
    "thanks",
    "welcome",
    "wonderful",
];
const BAD: [&str; 17] = [
    "angry",
    "annoyed",
    "awful",
    "bad",
    "broken",
    "cancel",
    "complain",
    "defective",
    "disappointed",
    "hate",
    "horrible",
    "problem",
    "terrible",
    "unhappy",
    "upset",
    "worst",
    "wrong",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Positive,
    Negative,
    Neutral,
    Mixed,
}

impl Tone {
    pub fn of(text: &str) -> Self {
        match counts(text) {
            (0, 0) => Self::Neutral,
            (_, 0) => Self::Positive,
            (0, _) => Self::Negative,
            _ => Self::Mixed,
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Positive => "POSITIVE",
            Self::Negative => "NEGATIVE",
            Self::Neutral => "NEUTRAL",
            Self::Mixed => "MIXED",
        }
    }
}

/// From -5, all bad words, to 5, all good ones; to one digit.
pub fn score<'a>(texts: impl Iterator<Item = &'a str>) -> f64 {
    let (good, bad) = texts.map(counts).fold((0, 0), |(g, b), (good, bad)| (g + good, b + bad));
    if good + bad == 0 {
        return 0.0;
    }
    // Whole tenths, so that a sum's noise is not written.
    f64::from((good - bad) * 50 / (good + bad)) / 10.0
}

/// The words of a text in lower case, without what stands around them.
pub fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric() && c != '\'')
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
}

fn counts(text: &str) -> (i32, i32) {
    words(text).fold((0, 0), |(good, bad), word| {
        (good + i32::from(GOOD.contains(&word.as_str())), bad + i32::from(BAD.contains(&word.as_str())))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_decide_how_a_text_sounds() {
        assert_eq!(Tone::of("There is a Problem!"), Tone::Negative);
        assert_eq!(Tone::of("Thanks, that's great"), Tone::Positive);
        assert_eq!(Tone::of("Thank you, but it is broken"), Tone::Mixed);
        assert_eq!(Tone::of(""), Tone::Neutral);
        let shown = |texts: &[&str]| format!("{:.1}", score(texts.iter().copied()));
        assert_eq!(shown(&["great", "thanks", "wrong"]), "1.6");
        assert_eq!(shown(&["hello"]), "0.0");
    }
}
