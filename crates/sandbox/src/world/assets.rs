//! The sandbox's own pages, built by `web/` into `web/dist/sandbox`.
//!
//! In the binary for release builds, read from disk in development, so that a page can
//! be rebuilt without building the command again.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use rust_embed::RustEmbed;

use super::{Addresses, Problem};

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../../web/dist/sandbox/"]
#[allow_missing = true]
struct Pages;

/// The file at `path` below `web/dist/sandbox`, for example `ccp/index.html`. Pages say
/// who may frame them.
pub fn file(path: &str, addresses: &Addresses) -> Response {
    let is_page = media_type(path).starts_with("text/html");
    let Some(file) = Pages::get(path) else {
        if is_page {
            let detail = "the sandbox's pages are not built; run `npm run build` in `web/`";
            return Problem::new(StatusCode::SERVICE_UNAVAILABLE, "pages_not_built", detail).into_response();
        }
        return Problem::not_found(format!("there is no file {path}")).into_response();
    };
    let mut response = file.data.into_owned().into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type(path)));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if is_page && let Ok(policy) = HeaderValue::from_str(&addresses.frame_ancestors()) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "json" | "map" => "application/json",
        "png" => "image/png",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}
