#!/usr/bin/env bash
# Our Lambda functions beside the reference package's, on one stand-in for Salesforce and AWS, by turns.
#
#   bench-reference.sh CHECKOUT
#
# CHECKOUT is a clone of amazon-connect/amazon-connect-salesforce-lambda, or any folder its functions
# are in. Nothing of it is copied or changed; the Python packages it needs go into a folder of their
# own (scripts/aws-tools/install.sh). Prints tables for docs/performance.md; about four minutes once
# everything is built. Exit 2: CHECKOUT is not one. Exit 3: something is missing here.
set -euo pipefail

wrong() {
    echo "bench-reference: $1" >&2
    echo "  git clone https://github.com/amazon-connect/amazon-connect-salesforce-lambda somewhere" >&2
    echo "  make bench-reference REFERENCE=somewhere" >&2
    exit 2
}

[ -n "${1:-}" ] || wrong "which checkout of the reference package? Say REFERENCE=path:"
[ -d "$1" ] || wrong "there is no folder $1:"
# Before the change of folder: the path may be relative to where the user is.
checkout=$(cd "$1" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/.."
found=$(find "$checkout" -name sfInvokeAPI.py -not -path '*/.*' | sort | head -n 1)
[ -n "$found" ] || wrong "no sfInvokeAPI.py under $checkout, so it is no checkout of the reference package:"
handlers=$(dirname "$found")
for file in salesforce.py sf_util.py sfContactTraceRecord.py sfIntervalQueue.py; do
    [ -f "$handlers/$file" ] || wrong "$handlers has no $file, so the checkout is not whole:"
done
tools=$(scripts/aws-tools/install.sh reference)

echo "   building bootstrap as it is packaged" >&2
BOOTSTRAP=$(scripts/package.sh build)
export BOOTSTRAP REFERENCE_PYTHON="$tools/python" REFERENCE_HANDLERS="$handlers"
export REFERENCE_DRIVER="$PWD/scripts/bench/reference_driver.py"
echo "   building the benchmark" >&2
# shellcheck source=scripts/bench/profile.sh
. scripts/bench/profile.sh
cargo bench --quiet --workspace --no-run --bench reference

version=$(git -C "$handlers" log -1 --format='commit %h of %as' 2>/dev/null || echo "no git checkout")
printf 'Reference: %s, %s. %s processors, load %s before' \
    "$version" "$("$tools/python" --version)" "$(nproc)" "$(cut -d' ' -f1 /proc/loadavg)"
printf '.\n\n'
cargo bench --quiet --workspace --bench reference
