# shellcheck shell=bash
# Sourced by the scripts that run `cargo bench`, so that all of them share one build.
#
# Without link-time optimisation: a third of the build time, and no ratio here depends on it.
export CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_INCREMENTAL=0
