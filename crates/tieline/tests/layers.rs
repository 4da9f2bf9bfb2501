//! The dependency directions of `docs/ARCHITECTURE.md`, read from `cargo metadata`.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, PackageId};

/// What each of our crates may use of ours. A new arrow deserves a sentence in the document.
const ALLOWED: &[(&str, &[&str])] = &[
    ("tieline-core", &[]),
    ("tieline-flow", &["tieline-core"]),
    ("tieline-bridge", &["tieline-core"]),
    ("tieline-store", &["tieline-core"]),
    ("tieline-aws", &["tieline-core"]),
    ("tieline-amazon-connect", &["tieline-core", "tieline-aws"]),
    ("tieline-salesforce", &["tieline-core", "tieline-bridge"]),
    (
        "tieline-engine",
        &[
            "tieline-core",
            "tieline-flow",
            "tieline-bridge",
            "tieline-store",
            "tieline-salesforce",
            "tieline-amazon-connect",
            "tieline-aws",
        ],
    ),
    (
        "tieline-server",
        &[
            "tieline-core",
            "tieline-flow",
            "tieline-bridge",
            "tieline-store",
            "tieline-amazon-connect",
            "tieline-engine",
        ],
    ),
    (
        "tieline-lambda",
        &["tieline-core", "tieline-bridge", "tieline-salesforce", "tieline-aws", "tieline-amazon-connect"],
    ),
    // The simulated world shares the trait `Clock` with us and nothing else: were it to use the
    // connectors' wire types, both could make the same mistake.
    ("tieline-sandbox", &["tieline-core"]),
    // Nothing depends on it but the fuzz targets: what must hold of all the others' parsers.
    (
        "tieline-properties",
        &[
            "tieline-core",
            "tieline-bridge",
            "tieline-aws",
            "tieline-amazon-connect",
            "tieline-salesforce",
            "tieline-sandbox",
        ],
    ),
    (
        "tieline",
        &[
            "tieline-core",
            "tieline-flow",
            "tieline-bridge",
            "tieline-store",
            "tieline-salesforce",
            "tieline-engine",
            "tieline-server",
            "tieline-lambda",
            "tieline-sandbox",
        ],
    ),
];

/// What must not be anywhere in a crate's tree.
const FORBIDDEN: &[(&str, &[&str])] = &[
    ("tieline-core", &["tokio", "reqwest", "rusqlite", "axum"]),
    ("tieline-flow", &["tokio", "reqwest", "rusqlite", "axum"]),
    ("tieline-bridge", &["reqwest", "rusqlite", "axum"]),
    ("tieline-lambda", &["rusqlite", "axum", "async-nats", "tokio-postgres"]),
    ("tieline-server", &["aws-config", "aws-lc-rs"]),
];

fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml"))
        .exec()
        .unwrap()
}

/// Normal dependencies of every package, by resolved id.
fn graph(metadata: &Metadata) -> BTreeMap<&PackageId, Vec<&PackageId>> {
    metadata
        .resolve
        .as_ref()
        .unwrap()
        .nodes
        .iter()
        .map(|node| {
            let normal = node
                .deps
                .iter()
                .filter(|dep| dep.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal))
                .map(|dep| &dep.pkg)
                .collect();
            (&node.id, normal)
        })
        .collect()
}

#[test]
fn our_crates_depend_on_each_other_only_downwards() {
    let metadata = metadata();
    let ours: BTreeSet<String> = metadata.workspace_packages().iter().map(|p| p.name.to_string()).collect();
    let listed: BTreeSet<String> = ALLOWED.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(ours, listed, "every crate of the workspace has its line in ALLOWED");

    for package in metadata.workspace_packages() {
        let (_, allowed) = ALLOWED.iter().find(|(name, _)| *name == package.name.as_str()).unwrap();
        for dependency in package.dependencies.iter().filter(|d| d.kind == DependencyKind::Normal) {
            let ours = ours.contains(&dependency.name);
            assert!(
                !ours || allowed.contains(&dependency.name.as_str()),
                "{} must not depend on {}",
                package.name,
                dependency.name
            );
        }
    }
}

#[test]
fn no_crate_pulls_in_what_its_layer_forbids() {
    let metadata = metadata();
    let graph = graph(&metadata);
    for (name, forbidden) in FORBIDDEN {
        let root = metadata.packages.iter().find(|p| p.name.as_str() == *name).unwrap();
        let mut seen = BTreeSet::new();
        let mut todo = vec![&root.id];
        while let Some(id) = todo.pop() {
            if seen.insert(id) {
                todo.extend(graph[id].iter().copied());
            }
        }
        for id in seen {
            let package = &metadata[id];
            assert!(!forbidden.contains(&package.name.as_str()), "{name} must not pull in {}", package.name);
        }
    }
}
