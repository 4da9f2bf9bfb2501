//! The pages are embedded from `web/dist`. Where that folder is missing, the derive finds nothing and cargo
//! would see no reason to look again once they are built.

use std::path::Path;

fn main() {
    let pages = Path::new("../../web/dist/sandbox");
    let watched = if pages.exists() { Path::new("build.rs") } else { pages };
    println!("cargo::rerun-if-changed={}", watched.display());
}
