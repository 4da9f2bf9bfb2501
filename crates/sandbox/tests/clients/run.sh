#!/usr/bin/env bash
# Runs one independent client against a simulated Salesforce (python, node) or Amazon Connect
# (boto3) that is already listening.
#
#   run.sh python|node|boto3
#   run.sh botocore SCRIPT
#
# The address and, for Salesforce, a session come in the environment (SANDBOX_HTTP, SANDBOX_HTTPS,
# SANDBOX_CA, SANDBOX_TOKEN); `tests/clients.rs` sets them. Packages are installed once, into
# ${TIELINE_CLIENTS_CACHE:-$HOME/.cache/tieline-clients}, under a name that changes with the lock file.
# Exit 3: the packages could not be installed.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${TIELINE_CLIENTS_CACHE:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/tieline-clients}
mkdir -p "$cache"

missing() {
  echo "run.sh: $1" >&2
  exit 3
}

stamp() { sha256sum "$@" | sha256sum | cut -c1-12; }

# Runs `make_it FOLDER` unless FOLDER is complete; two test runs at once do not disturb each other.
once() {
  local folder=$1 make_it=$2
  (
    flock 9
    [ -e "$folder/.complete" ] && exit 0
    rm -rf "$folder"
    "$make_it" "$folder" >&2 || exit 1
    touch "$folder/.complete"
  ) 9>"$folder.lock"
}

make_venv() {
  python3 -m venv "$1" &&
    "$1/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps -r "$requirements"
}

# Sets `venv` to a folder with what a file of requirements names.
prepare_python() {
  requirements=$here/$1
  command -v python3 >/dev/null || missing "python3 is not installed (apt-get install python3-venv)"
  venv=$cache/python-$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')-$(stamp "$requirements")
  once "$venv" make_venv || missing "$2 cannot be installed: a package index and python3-venv are needed"
}

make_modules() {
  mkdir -p "$1" && cp "$here/package.json" "$here/package-lock.json" "$1/" &&
    npm ci --prefix "$1" --ignore-scripts --no-audit --no-fund --loglevel=error
}

case ${1:-} in
  python)
    prepare_python requirements.txt simple-salesforce
    exec "$venv/bin/python" -W error::DeprecationWarning:__main__ "$here/simple_salesforce_client.py"
    ;;
  boto3)
    prepare_python requirements-aws.txt boto3
    exec "$venv/bin/python" -W error::DeprecationWarning:__main__ "$here/boto3_client.py"
    ;;
  botocore)
    # Any script that only needs boto3's packages; it talks on its standard input and output.
    prepare_python requirements-aws.txt boto3
    exec "$venv/bin/python" "$2"
    ;;
  node)
    command -v npm >/dev/null || missing "npm is not installed (Node 20 or newer is needed)"
    modules=$cache/node-$(stamp "$here/package-lock.json")
    once "$modules" make_modules || missing "jsforce cannot be installed: a package registry is needed"
    NODE_EXTRA_CA_CERTS=$SANDBOX_CA CLIENT_MODULES=$modules exec node --test --test-reporter=spec "$here/jsforce_client.test.mjs"
    ;;
  *)
    echo "usage: run.sh python|node|boto3|botocore SCRIPT" >&2
    exit 2
    ;;
esac
