#!/usr/bin/env bash
# Prints the folder of an AWS tool's programs, installing them there first: install.sh sam|cargo-lambda|reference
#
# Once, into ${TIELINE_CLIENTS_CACHE:-$HOME/.cache/tieline-clients}, under a name that changes with
# the list of packages beside this file. Exit 3: they could not be installed.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
list=$here/${1:?which tool}.txt
[ -f "$list" ] || { echo "usage: install.sh sam|cargo-lambda|reference" >&2; exit 2; }
cache=${TIELINE_CLIENTS_CACHE:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/tieline-clients}
mkdir -p "$cache"
command -v python3 >/dev/null || { echo "install.sh: python3 is not installed (apt-get install python3-venv)" >&2; exit 3; }
venv=$cache/$1-$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')-$(sha256sum "$list" | cut -c1-12)

# Two runs at once do not disturb each other.
exec 9>"$venv.lock"
flock 9
if [ ! -e "$venv/.complete" ]; then
    rm -rf "$venv"
    { python3 -m venv "$venv" &&
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps -r "$list"; } >&2 ||
        { echo "install.sh: $1 cannot be installed: a package index and python3-venv are needed" >&2; exit 3; }
    touch "$venv/.complete"
fi
echo "$venv/bin"
