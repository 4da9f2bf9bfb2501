#!/usr/bin/env bash
# Our Lambda functions beside the reference package's, on one simulated Salesforce and AWS, by turns.
#
#   bench-reference.sh CHECKOUT
#
# CHECKOUT is a clone of amazon-connect/amazon-connect-salesforce-lambda. Nothing of it is copied or
# changed; the Python packages it needs go into a folder of their own.
set -euo pipefail
cd "$(dirname "$0")/.."
checkout=${1:?the path of a checkout of amazon-connect-salesforce-lambda}
handlers=$(dirname "$(find "$(cd "$checkout" && pwd)" -name sfInvokeAPI.py -not -path '*/.*' | head -n 1)")
[ -f "$handlers/sfInvokeAPI.py" ] || { echo "bench-reference: no sfInvokeAPI.py under $checkout" >&2; exit 2; }
tools=$(scripts/aws-tools/install.sh reference)
BOOTSTRAP=$(scripts/package.sh build)
export BOOTSTRAP REFERENCE_PYTHON="$tools/python" REFERENCE_HANDLERS="$handlers"
export REFERENCE_DRIVER="$PWD/scripts/bench/reference_driver.py"
# As the package is built, so that the same objects serve both.
export RUSTFLAGS="--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}/registry/src= --remap-path-prefix=$PWD=tieline"
CARGO_INCREMENTAL=0 cargo bench --quiet --profile lambda -p tieline-lambda --bench reference
