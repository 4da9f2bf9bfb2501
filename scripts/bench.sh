#!/usr/bin/env bash
# The figures of docs/performance.md, measured again on this machine (release build).
# Ratios are taken within one run; absolute times are this machine's.
set -euo pipefail
cd "$(dirname "$0")/.."
# Without link-time optimisation: a third of the build time, and no figure here depends on it.
export CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16
for bench in tieline-flow:walk tieline-lambda:dip tieline:dips_over_http tieline-engine:intake; do
    printf '\n== %s\n' "$bench"
    cargo bench --quiet -p "${bench%%:*}" --bench "${bench##*:}"
done
printf '\n== offer to pop, in Chromium\n'
cargo build --quiet --release -p tieline
(cd e2e && npm ci --silent && TIELINE="${CARGO_TARGET_DIR:-$PWD/../target}/release/tieline" node offer-to-pop.bench.mjs)
printf '\n== size of the panel\n'
npm --prefix web run --silent size
