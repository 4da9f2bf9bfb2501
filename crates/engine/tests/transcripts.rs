//! Golden transcripts: what page and server say to each other, rule by rule.
//!
//! `transcripts/README.md` describes the files. `TIELINE_WRITE=1` fills in what the server says;
//! read what it wrote before you keep it.
#![allow(clippy::unwrap_used)]

mod support;

use std::path::{Path, PathBuf};

use serde_json::Value;
use support::Stage;

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    files.sort();
    files
}

#[test]
fn the_server_says_what_the_transcripts_say() {
    let write = std::env::var_os("TIELINE_WRITE").is_some();
    let mut wrong = Vec::new();
    for path in files() {
        let text = std::fs::read_to_string(&path).unwrap();
        let transcript: Value = serde_json::from_str(&text).unwrap();
        match Stage::play(&transcript, write) {
            Ok(filled) if write => {
                let text = serde_json::to_string_pretty(&filled).unwrap() + "\n";
                std::fs::write(&path, text).unwrap();
            }
            Ok(_) => {}
            Err(why) => wrong.push(format!("{}: {why}", path.file_name().unwrap().display())),
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_row_of_the_rule_table_has_a_transcript() {
    let rules = [
        "Counting",
        "Resume",
        "Deduplication",
        "`once` commands",
        "Which page",
        "Deadlines",
        "Click-to-dial before the softphone is ready",
        "Chatty events",
        "Data after removal",
        "User activation",
        "Heartbeat, reconnect",
        "Server unreachable > 2 s",
    ];
    let told: Vec<String> = files()
        .iter()
        .map(|path| {
            let transcript: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
            transcript["rule"].as_str().unwrap().to_owned()
        })
        .collect();
    for rule in rules {
        assert!(told.iter().any(|told| told == rule), "no transcript tells of: {rule}");
    }
}
