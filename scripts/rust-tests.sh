#!/usr/bin/env bash
# All Rust tests: with nextest where it is installed, else with cargo's own runner.
set -euo pipefail
if cargo nextest --version >/dev/null 2>&1; then
    cargo nextest run --workspace --no-fail-fast --cargo-quiet --status-level fail --final-status-level fail "$@"
else
    cargo test --quiet --workspace --no-fail-fast "$@"
fi
