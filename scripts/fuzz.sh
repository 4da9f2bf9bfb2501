#!/usr/bin/env bash
# Runs the fuzz targets (fuzz/): all of them, or TARGET=name.
#
# RUNS is how many inputs each target sees (1,000,000), LIMIT how many seconds it may take for them
# (1,800), MAX the longest input in bytes (4,096). What was found to be interesting is kept beside the build and used again.
# libFuzzer is compiled in and the compiler of stable Rust leaves its marks for it: no nightly.
set -euo pipefail
cd "$(dirname "$0")/.."

runs=${RUNS:-1000000}
limit=${LIMIT:-1800}
home=${CARGO_TARGET_DIR:-$PWD/target}/fuzz
host=$(rustc -vV | sed -n 's/^host: //p')

names=$(sed -n 's/^path = "fuzz_targets\/\(.*\)\.rs"$/\1/p' fuzz/Cargo.toml)
if [ -n "${TARGET:-}" ]; then
    grep -qx "$TARGET" <<<"$names" || { echo "fuzz: no target '$TARGET'; there are:" $names >&2; exit 2; }
    names=$TARGET
fi

build() {
    # A target is named so that build scripts and macros are compiled without the marks.
    local marks="-Cpasses=sancov-module" option
    for option in level=4 inline-8bit-counters pc-table trace-compares; do
        marks="$marks -Cllvm-args=-sanitizer-coverage-$option"
    done
    local bins=()
    for name in $names; do bins+=(--bin "$name"); done
    RUSTFLAGS="$marks" CARGO_TARGET_DIR=$home CARGO_INCREMENTAL=0 \
        cargo build --quiet --locked -j2 --manifest-path fuzz/Cargo.toml --release --target "$host" "${bins[@]}"
}

# run NAME: says what was seen, and fails where something was found or the time was over.
run() {
    local name=$1 corpus=$home/corpus/$1 log=$home/log/$1 failed=0 seen pace
    mkdir -p "$corpus" "$home/log" "$home/found"
    "$home/$host/release/$name" -runs="$runs" -max_total_time="$limit" -max_len="${MAX:-4096}" -timeout=20 -rss_limit_mb=2048 \
        -dict=fuzz/words.dict -artifact_prefix="$home/found/$name-" -print_final_stats=1 \
        "$corpus" "fuzz/seeds/$name" >"$log" 2>&1 || failed=1
    seen=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    pace=$(sed -n 's/^stat::average_exec_per_sec: *//p' "$log")
    if [ "$failed" = 1 ]; then
        echo "$name: FOUND something; see $log"
        grep -E "panicked at|ERROR: libFuzzer|Test unit written" -A1 "$log" | head -12
        return 1
    fi
    echo "$name: ${seen:-no} inputs, ${pace:-?} a second"
    if [ "${seen:-0}" -lt "$runs" ]; then
        echo "$name: the time was over before $runs inputs; LIMIT=seconds gives it more"
        return 1
    fi
}

build
status=0
for name in $names; do run "$name" || status=1; done
exit $status
