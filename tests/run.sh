#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds with ASan and UBSan and runs every test. Arguments go to ctest, e.g. -R e2e.accept.
#   WAVEGATE_JOBS=N    how many at a time (default: the processors this process may use)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec </dev/null
jobs=${WAVEGATE_JOBS:-$(nproc)}

.ci/install-packages test
cmake --preset asan ${CI:+-DWAVEGATE_WERROR=ON} # for people warnings stay warnings
cmake --build --preset asan -j "$jobs"

status=0
ctest --preset asan -j "$jobs" --no-tests=error "$@" || status=$?
exit "$status"
