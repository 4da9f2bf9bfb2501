#!/usr/bin/env bash
# The figures of docs/performance.md, measured again on this machine (release build).
# Ratios are taken within one run; absolute times are this machine's.
#
#   bench.sh [CHECKOUT]    with CHECKOUT also beside the reference package (bench-reference.sh)
set -euo pipefail
here=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/bench/profile.sh
. scripts/bench/profile.sh
benches=(walk dip dips_over_http intake)
# One build for all of them, and with it the command itself.
cargo bench --quiet --workspace --no-run "${benches[@]/#/--bench=}"
for bench in "${benches[@]}"; do
    printf '\n== %s\n' "$bench"
    cargo bench --quiet --workspace --bench "$bench"
done
printf '\n== beside the reference package\n'
if [ -n "${1:-}" ]; then
    # `bootstrap` is built as it is packaged, whose profile would take this script's settings over.
    (cd "$here" &&
        env -u CARGO_PROFILE_RELEASE_LTO -u CARGO_PROFILE_RELEASE_CODEGEN_UNITS "$OLDPWD/scripts/bench-reference.sh" "$1")
else
    echo "left out: say REFERENCE=path of a checkout of amazon-connect-salesforce-lambda"
fi
printf '\n== offer to pop, in Chromium\n'
(cd e2e && npm ci --silent && TIELINE="${CARGO_TARGET_DIR:-$PWD/../target}/release/tieline" node offer-to-pop.bench.mjs)
printf '\n== size of the panel\n'
npm --prefix web run --silent size
