//! The pages: files that `web/` builds.

use axum::extract::{Path, State};
use axum::response::Response;

use super::Site;
use crate::world::assets;

pub(super) async fn stage_index(State(site): State<Site>) -> Response {
    assets::file("stage/index.html", &site.org.world.addresses())
}

pub(super) async fn stage(State(site): State<Site>, Path(path): Path<String>) -> Response {
    assets::file(&format!("stage/{path}"), &site.org.world.addresses())
}

pub(super) async fn lightning_index(State(site): State<Site>) -> Response {
    assets::file("crm/index.html", &site.org.world.addresses())
}

/// Files below `assets/`; every other address is the page itself, which reads it.
pub(super) async fn lightning(State(site): State<Site>, Path(path): Path<String>) -> Response {
    let addresses = site.org.world.addresses();
    if path.starts_with("assets/") {
        assets::file(&format!("crm/{path}"), &addresses)
    } else {
        assets::file("crm/index.html", &addresses)
    }
}

pub(super) async fn open_cti(State(site): State<Site>, Path(_version): Path<String>) -> Response {
    assets::file("opencti_min.js", &site.org.world.addresses())
}
