#!/usr/bin/env bash
# Builds the Lambda functions' `bootstrap` and packs it: dist/tieline-lambda.zip
#
#   package.sh           build and pack
#   package.sh build     build alone; prints the program's path
#
# Equal sources and an equal compiler give an equal archive: no path of this machine, no time of
# day is in it.
set -euo pipefail
cd "$(dirname "$0")/.."
[ "$(uname -m)" = x86_64 ] || { echo "package: the functions run on x86_64, so they are built there" >&2; exit 3; }
target=${CARGO_TARGET_DIR:-$PWD/target}
bootstrap=$target/lambda/bootstrap

# Panics name the place they come from: without these it would be a place on this machine.
export RUSTFLAGS="--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}/registry/src= --remap-path-prefix=$PWD=tieline"
export CARGO_INCREMENTAL=0
cargo build --quiet --profile lambda -p tieline-lambda --bin bootstrap
if [ "${1:-}" = build ]; then
    echo "$bootstrap"
    exit
fi

mkdir -p dist
staging=$(mktemp -d)
trap 'rm -rf "$staging"' EXIT
install -m 755 "$bootstrap" "$staging/bootstrap"
# An archive knows no time before 1980, and writes local time.
TZ=UTC touch -d 1980-01-01T00:00:00Z "$staging/bootstrap"
rm -f dist/tieline-lambda.zip
(cd "$staging" && TZ=UTC zip -q -X -9 "$OLDPWD/dist/tieline-lambda.zip" bootstrap)
echo "dist/tieline-lambda.zip: $(stat -c %s dist/tieline-lambda.zip) bytes"
