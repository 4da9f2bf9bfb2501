//! Where Contact Lens puts the redacted recording of a call, told from where its analysis is.

use tieline_aws::Bucket;

/// What is said of a recording that is not there, or not yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unseen {
    Unknown,
    /// As the reference functions do: the key it will have, or an empty text where the analysis is
    /// stored under a name of its own.
    Guess,
}

/// Where the redacted recording that belongs to an analysis is, as `bucket/key`.
///
/// Its key follows from the analysis's. Whether it is there is asked; where it is not, or not yet,
/// nothing is said, or what [`Unseen::Guess`] says.
pub async fn redacted_recording(bucket: &Bucket, key: &str, contact: &str, unseen: Unseen) -> Option<String> {
    let place = match (Place::of(key, contact), unseen) {
        (Some(place), _) => place,
        // Somebody's own name: the reference looks through all there are.
        (None, Unseen::Guess) if parts(key, contact).is_none() => {
            Place::Below("Analysis/Voice/Redacted".into())
        }
        (None, _) => return None,
    };
    if let Place::At { key, .. } = &place {
        match bucket.head(key).await {
            Ok(Some(_)) => return Some(format!("{}/{key}", bucket.name())),
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "Whether a redacted recording is there could not be asked"),
        }
    }
    let (Place::At { prefix, .. } | Place::Below(prefix)) = &place;
    let wanted = format!("{contact}_call_recording_redacted_");
    let found = match bucket.list(prefix, 1000).await {
        Ok((objects, _)) => objects
            .into_iter()
            .map(|object| object.key)
            .find(|key| key.split_once(&wanted).is_some_and(|(_, rest)| rest.strip_suffix(".wav").is_some())),
        Err(error) => {
            tracing::warn!(%error, "Redacted recordings could not be listed");
            None
        }
    };
    match (found, place, unseen) {
        (Some(key), ..) | (None, Place::At { key, .. }, Unseen::Guess) => {
            Some(format!("{}/{key}", bucket.name()))
        }
        (None, Place::Below(_), Unseen::Guess) => Some(String::new()),
        (None, _, Unseen::Unknown) => None,
    }
}

/// Where to look for a redacted recording.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    At {
        key: String,
        /// Of all redacted recordings of the contact on that day.
        prefix: String,
    },
    Below(String),
}

impl Place {
    /// `None` for a chat, which has no recording, and for a key that says nothing of a call.
    fn of(key: &str, contact: &str) -> Option<Self> {
        if let Some((root, channel, day, stamp)) = parts(key, contact) {
            if channel == "Chat" {
                return None;
            }
            let prefix = format!("{root}Analysis/Voice/Redacted/{day}/{contact}_call_recording_redacted_");
            return Some(Self::At { key: format!("{prefix}{stamp}.wav"), prefix });
        }
        let (_, after) = key.split_once("/Voice")?;
        let between = &after[..after.find(contact)?];
        Some(Self::Below(format!("Analysis/Voice/Redacted{between}")))
    }
}

/// What stands before `Analysis/`, the channel, the day and the time of
/// `Analysis/(Voice|Chat)[/Redacted]/YYYY/MM/DD/{contact}_analysis[_redacted]_{time}Z.json`.
fn parts<'a>(key: &'a str, contact: &str) -> Option<(&'a str, &'a str, &'a str, &'a str)> {
    let start = if key.starts_with("Analysis/") { 0 } else { key.find("/Analysis/")? + 1 };
    let (root, rest) = key.split_at(start);
    let (channel, rest) = rest.strip_prefix("Analysis/")?.split_once('/')?;
    let rest = rest.strip_prefix("Redacted/").unwrap_or(rest);
    let (day, name) = rest.rsplit_once('/')?;
    let name = name.strip_prefix(contact)?.strip_prefix("_analysis_")?;
    let stamp = name.strip_prefix("redacted_").unwrap_or(name).strip_suffix(".json")?;
    (matches!(channel, "Voice" | "Chat")
        && has_shape(day, "0000/00/00")
        && has_shape(stamp, "0000-00-00T00:00:00Z"))
    .then_some((root, channel, day, stamp))
}

/// Whether `text` is `shape` with any digits for its zeros.
fn has_shape(text: &str, shape: &str) -> bool {
    text.len() == shape.len()
        && text.bytes().zip(shape.bytes()).all(|(a, b)| if b == b'0' { a.is_ascii_digit() } else { a == b })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(key: &str) -> Option<String> {
        match Place::of(key, "c-1")? {
            Place::At { key, .. } => Some(key),
            Place::Below(prefix) => Some(format!("below {prefix}")),
        }
    }

    #[test]
    fn a_redacted_recording_s_key_follows_from_the_analysis_s() {
        let recording =
            "Analysis/Voice/Redacted/2024/02/28/c-1_call_recording_redacted_2024-02-28T10:10:00Z.wav";
        for (key, expected) in [
            ("Analysis/Voice/2024/02/28/c-1_analysis_2024-02-28T10:10:00Z.json", Some(recording.to_owned())),
            (
                "Analysis/Voice/Redacted/2024/02/28/c-1_analysis_redacted_2024-02-28T10:10:00Z.json",
                Some(recording.to_owned()),
            ),
            (
                "connect/x/Analysis/Voice/2024/02/28/c-1_analysis_2024-02-28T10:10:00Z.json",
                Some(format!("connect/x/{recording}")),
            ),
            ("Analysis/Chat/2024/02/28/c-1_analysis_2024-02-28T10:10:00Z.json", None),
            ("Analysis/Chat/Redacted/2024/02/28/c-1_analysis_redacted_2024-02-28T10:10:00Z.json", None),
            // Names of another form are looked for.
            (
                "Analysis/Voice/2024/02/28/c-1_analysis_20240228T10:10_UTC.json",
                Some("below Analysis/Voice/Redacted/2024/02/28/".into()),
            ),
            ("Analysis/Voice/c-1.json", Some("below Analysis/Voice/Redacted/".into())),
            ("other/c-1.json", None),
            ("Analysis/Voice/2024/02/28/c-2.json", None),
            ("Analysis/Voicé/c-1_analysis_2024-02-28T10:10:00Z.json", None),
        ] {
            assert_eq!(at(key), expected, "{key}");
        }
    }
}
