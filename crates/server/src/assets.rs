//! The panel's files, built by `web/`: in the binary for release builds, read from disk in
//! development so that a page can be rebuilt without building the command again.

use std::borrow::Cow;

use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../../web/dist/panel/"]
#[allow_missing = true]
struct Panel;

pub(crate) struct Asset {
    pub(crate) bytes: Cow<'static, [u8]>,
    pub(crate) kind: &'static str,
    /// Whether `bytes` are packed with gzip.
    pub(crate) packed: bool,
}

/// A file by its path below `web/dist/panel`; packed when that is asked for and was built.
pub(crate) fn file(path: &str, gzip: bool) -> Option<Asset> {
    // In development files are read from disk, where a path could lead out of the folder.
    if path.split('/').any(|part| matches!(part, "" | "." | "..")) || path.contains('\\') {
        return None;
    }
    let kind = media_type(path);
    if gzip && let Some(packed) = Panel::get(&format!("{path}.gz")) {
        return Some(Asset { bytes: packed.data, kind, packed: true });
    }
    Panel::get(path).map(|file| Asset { bytes: file.data, kind, packed: false })
}

pub(crate) fn text(path: &str) -> Option<String> {
    String::from_utf8(Panel::get(path)?.data.into_owned()).ok()
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("html") => "text/html; charset=utf-8",
        Some("json" | "map") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("woff2") => "font/woff2",
        Some("mp3") => "audio/mpeg",
        Some("ogg") => "audio/ogg",
        Some("wav") => "audio/wav",
        _ => "application/octet-stream",
    }
}
