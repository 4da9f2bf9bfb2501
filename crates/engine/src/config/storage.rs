//! Reads where a contact center keeps recordings, reports, analyses and transcripts.

use std::path::PathBuf;
use std::time::Duration;

use tieline_amazon_connect::recordings::Which;
use tieline_amazon_connect::{Import, Redacted, Transcription};
use tieline_aws::{AwsSettings, playable_by_browsers};
use url::Url;

use super::section::Section;
use super::{FilesConfig, RecordingsConfig};

pub(super) fn recordings(mut section: Section<'_>, region: Option<&str>) -> Option<RecordingsConfig> {
    let bucket = section.required("bucket");
    let prefix = section.required("prefix");
    if let Some(prefix) = &prefix
        && !playable_by_browsers(prefix.trim_matches('/'))
    {
        section.problem("prefix", "must look like `connect/<alias>/CallRecordings`");
    }
    let region = section.text("region").or_else(|| region.map(str::to_owned));
    let redacted_prefix = section.text("redacted_prefix");
    let show = match section.text("show") {
        None => Some(Which::Raw),
        Some(text) => {
            let which = Which::named(&text);
            if which.is_none() {
                section.problem("show", format!("`{text}` is none of: raw, redacted, both"));
            }
            which
        }
    };
    let life = Duration::from_secs(section.whole("expires_secs", 1..=3600, 300));
    let folder = folder(&mut section);
    let aws = AwsSettings::from_environment(|name| section.variable(name));
    section.finish();
    Some(RecordingsConfig {
        bucket: bucket?,
        region: region?,
        prefix: prefix?,
        redacted_prefix,
        show: show?,
        life,
        folder,
        aws,
    })
}

/// A folder in the place of a bucket.
fn folder(section: &mut Section<'_>) -> Option<PathBuf> {
    let text = section.text("folder")?;
    let folder = Url::parse(&text).ok().filter(|url| url.scheme() == "file");
    let folder = folder.and_then(|url| url.to_file_path().ok());
    if folder.is_none() {
        section.problem("folder", format!("`{text}` is not an address like `file:///srv/recordings`"));
    }
    folder
}

pub(super) fn files(mut section: Section<'_>, region: Option<&str>) -> Option<FilesConfig> {
    let buckets = section.texts("buckets");
    if buckets.is_empty() {
        section.problem("buckets", "names no bucket");
    }
    let region = section.text("region").or_else(|| region.map(str::to_owned));
    let agent_reports = section.text("agent_reports");
    let queue_reports = section.text("queue_reports");
    let import = named(&mut section, "import", Import::named, Import::NAMES);
    let redacted = named(&mut section, "redacted", Redacted::named, Redacted::NAMES);
    let transcription = section.table("transcription").map(|table| transcription(table, &buckets));
    let folder = folder(&mut section);
    if folder.is_some() && buckets.len() > 1 {
        section.problem("folder", "stands for one bucket; `buckets` names several");
    }
    let aws = AwsSettings::from_environment(|name| section.variable(name));
    section.finish();
    let transcription = match transcription {
        Some(transcription) => Some(transcription?),
        None => None,
    };
    Some(FilesConfig {
        buckets,
        region: region?,
        agent_reports,
        queue_reports,
        import,
        redacted,
        transcription,
        folder,
        aws,
    })
}

/// One of a few words; the default where there is none.
fn named<T: Default>(
    section: &mut Section<'_>,
    key: &'static str,
    read: impl Fn(&str) -> Option<T>,
    names: &str,
) -> T {
    let Some(text) = section.text(key) else { return T::default() };
    read(&text).unwrap_or_else(|| {
        section.problem(key, format!("`{text}` is none of: {names}"));
        T::default()
    })
}

fn transcription(mut section: Section<'_>, buckets: &[String]) -> Option<Transcription> {
    let bucket = section.required("bucket");
    if let Some(bucket) = bucket.as_ref().filter(|bucket| !buckets.contains(bucket)) {
        section.problem(
            "bucket",
            format!("`{bucket}` is none of the `buckets` above, so no transcript could be read"),
        );
    }
    let language = section.text("language");
    let media_format = section.text("media_format").unwrap_or_else(|| "wav".to_owned());
    let kms_key = section.text("kms_key");
    section.finish();
    Some(Transcription { bucket: bucket?, language, media_format, kms_key })
}
