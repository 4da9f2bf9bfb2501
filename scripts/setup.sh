#!/usr/bin/env bash
# Installs what one step needs and the machine lacks: setup.sh build|package|web|deny|clients|browser|fuzz
#
# Debian packages are installed when run as root on a machine with apt-get; otherwise
# the message says what to install. Nothing is installed twice, and nothing is removed.
set -euo pipefail

# need COMMAND PACKAGE...: installs the packages when the command is missing.
need() {
    local command=$1
    shift
    command -v "$command" >/dev/null 2>&1 && return
    install "$@"
    command -v "$command" >/dev/null 2>&1 || fail "'$command' is still missing after installing: $*"
}

install() {
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
        fail "please install: $* (on Debian: apt-get install $*)"
    fi
    echo "   installing Debian packages: $*"
    export DEBIAN_FRONTEND=noninteractive
    if ! apt-get install -y -qq --no-install-recommends "$@" >/dev/null 2>&1; then
        apt-get update -qq >/dev/null
        apt-get install -y -qq --no-install-recommends "$@" >/dev/null
    fi
}

fail() {
    echo "setup: $*" >&2
    exit 3
}

cargo_tool() {
    command -v "$1" >/dev/null 2>&1 && return
    echo "   installing $1 with cargo: some minutes, once"
    # Its own folder: another target directory must not be mixed with ours.
    CARGO_TARGET_DIR="${TMPDIR:-/tmp}/tieline-tools" cargo install --quiet --locked "$1"
}

case "${1:-}" in
build)
    command -v cargo >/dev/null 2>&1 || fail "Rust is missing: install it from https://rustup.rs"
    # A C compiler: SQLite is compiled in.
    need cc gcc libc6-dev
    ;;
package) need zip zip ;;
# libFuzzer is C++.
fuzz) need c++ g++ ;;
web)
    command -v npm >/dev/null 2>&1 || fail "Node.js 20 or newer with npm is missing: install it from https://nodejs.org"
    ;;
deny) cargo_tool cargo-deny ;;
clients)
    need openssl openssl
    need python3 python3 python3-venv
    python3 -c 'import venv, ensurepip' 2>/dev/null || install python3-venv
    ;;
browser)
    need chromium chromium
    # Without a font every page is empty boxes.
    fc-list 2>/dev/null | grep -q . || install fontconfig fonts-dejavu-core
    ;;
*) fail "usage: setup.sh build|package|web|deny|clients|browser|fuzz" ;;
esac
