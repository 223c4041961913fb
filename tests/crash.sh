#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Kills the gateway at random moments under load in both directions and checks that no promise is broken.
#
#   tests/crash.sh [--rounds N] [--seed N] [--keep]
#
# WAVEGATE names the binary (default: build/asan/wavegate). The last line is "N passed, M failed".
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export WAVEGATE=${WAVEGATE:-$here/../build/asan/wavegate} PYTHONDONTWRITEBYTECODE=1
exec /usr/bin/python3 "$here/crash/crash.py" "$@"
