#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the fuzz targets and runs each for some seconds from its seeds; stops at the first finding.
#   tests/fuzz.sh [--seconds N] [TARGET ...]     e.g. tests/fuzz.sh --seconds 60 json sf
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
seconds=60
if [ "${1:-}" = --seconds ]; then
    seconds=$2
    shift 2
fi

.ci/install-packages test
cmake --preset fuzz >/dev/null
cmake --build --preset fuzz -j "$(nproc)" >/dev/null
if [ $# = 0 ]; then
    for file in tests/fuzz/fuzz_*.c; do
        name=${file##*/fuzz_}
        set -- "$@" "${name%.c}"
    done
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
passed=0
for target; do
    mkdir -p "$scratch/$target"
    seeds=()
    [ ! -d "tests/fuzz/seeds/$target" ] || seeds=("tests/fuzz/seeds/$target")
    log=$scratch/$target.log
    if ! "build/fuzz/tests/fuzz/fuzz_$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
        -artifact_prefix="$scratch/" "$scratch/$target" "${seeds[@]}" >"$log" 2>&1; then
        tail -40 "$log"
        echo "fuzz_$target: a finding after $passed clean targets; its input is shown above as base64" >&2
        exit 1
    fi
    passed=$((passed + 1))
    echo "fuzz_$target: clean, $(grep -oE 'Done [0-9]+ runs in [0-9]+ second' "$log" | tail -1)(s)"
done
echo "$passed passed, 0 failed"
