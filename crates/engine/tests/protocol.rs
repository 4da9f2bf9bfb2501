//! The TypeScript the pages are built with is the protocol of the server.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use tieline_engine::protocol::typescript;

#[test]
fn the_checked_in_typescript_is_what_the_types_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web/shared/protocol.ts");
    let text = typescript();
    // The one place a test reads the environment: to write the file instead of comparing it.
    if std::env::var_os("TIELINE_WRITE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &text).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == text,
        "web/shared/protocol.ts is out of date: run TIELINE_WRITE=1 cargo test -p tieline-engine --test protocol"
    );
}
