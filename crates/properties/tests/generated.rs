//! Every property on inputs made anew and on seeds with pieces of them changed: what `fuzz/` does by
//! the million, some hundreds of times.
#![allow(clippy::unwrap_used)]

use std::path::PathBuf;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};
use tieline_properties::{ALL, Property};

/// Cases of each way to make an input.
const CASES: u32 = 128;

fn seeds(name: &str) -> Vec<Vec<u8>> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/seeds")).join(name);
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{} has no seed", folder.display());
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

/// What texts are made of where it matters.
const PIECES: [&str; 40] = [
    "'",
    "\\",
    "\"",
    "\\'",
    "%",
    "_",
    "{{",
    "}}",
    "{",
    "}",
    "(",
    ")",
    ",",
    " ",
    "\n",
    "\u{1f}",
    "\u{0}",
    "é",
    "\u{FEFF}",
    "😀",
    "/",
    "..",
    "//",
    "?",
    "#",
    "&",
    "=",
    "+",
    "%2F",
    "null",
    "[",
    "]",
    ":",
    "-1",
    "99999999999",
    " OR ",
    " FROM ",
    "1e309",
    "2026-11-20T10:00:00Z",
    "\u{2028}",
];

/// A seed, or nothing, with some pieces put in, taken out or replaced.
fn changed(seeds: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        prop::sample::select(PIECES.to_vec()).prop_map(|piece| piece.as_bytes().to_vec()),
        vec(any::<u8>(), 0..4),
        "\\PC{0,6}".prop_map(String::into_bytes),
    ];
    let changes = vec((any::<Index>(), 0..6_usize, piece), 0..6);
    (prop::sample::select(seeds), changes).prop_map(|(mut input, changes)| {
        for (place, removed, piece) in changes {
            let at = place.index(input.len() + 1);
            let end = (at + removed).min(input.len());
            input.splice(at..end, piece);
        }
        input
    })
}

fn holds(name: &str, property: Property) {
    let seeds = seeds(name);
    for seed in &seeds {
        property(seed);
    }
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new(config);
    let text =
        vec(prop_oneof![prop::sample::select(PIECES.to_vec()).prop_map(str::to_owned), "\\PC{0,12}",], 0..12)
            .prop_map(|pieces| pieces.concat().into_bytes());
    for strategy in [changed(seeds).boxed(), text.boxed(), vec(any::<u8>(), 0..64).boxed()] {
        runner
            .run(&strategy, |input| {
                property(&input);
                Ok(())
            })
            .unwrap_or_else(|failure| panic!("{name}: {failure}"));
    }
}

macro_rules! tests {
    ($($name:ident),+ $(,)?) => {
        $(#[test]
        fn $name() {
            holds(stringify!($name), tieline_properties::$name);
        })+

        #[test]
        fn every_property_is_tried_and_has_a_fuzz_target() {
            let mut tried = vec![$(stringify!($name)),+];
            tried.sort_unstable();
            assert_eq!(ALL.map(|(name, _)| name).to_vec(), tried);
            let manifest = include_str!("../../../fuzz/Cargo.toml");
            for name in tried {
                assert!(manifest.contains(&format!("name = \"{name}\"")), "no target {name}");
                let target = format!("{}/../../fuzz/fuzz_targets/{name}.rs", env!("CARGO_MANIFEST_DIR"));
                assert!(std::fs::read_to_string(target).unwrap().contains(&format!("tieline_properties::{name}")));
            }
        }
    };
}

tests!(
    chatter,
    contact_lens,
    contact_record,
    date_language,
    delivery_key,
    field_map,
    legacy_event,
    phone,
    presign,
    report,
    soql_statement,
    soql_template,
    soql_value,
    sosl_statement,
    storage_event,
    transcript,
);
