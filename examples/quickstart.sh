#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Wavegate in front of two chat servers, with a foreign one talking to it: all on this machine.
#
#   examples/quickstart.sh           build, show, then stay up to be played with
#   examples/quickstart.sh --once    the same show, then stop; exit status 0 if every step answered as it should
#
#   --ingress IP:PORT, --egress IP:PORT, --admin IP:PORT    where the gateway listens (default: free ports)
#   --folder FOLDER                  where certificates, keys, policies and the log go (default: a new one in
#                                    ${TMPDIR:-/tmp}, removed at the end)
#   WAVEGATE=FILE                    a binary to use instead of building one
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

case " $* " in *" --help "* | *" -h "*)
    sed -n '3,/^set /s/^# \{0,1\}//p' examples/quickstart.sh
    exit 0 ;;
esac

if [ -z "${WAVEGATE:-}" ]; then
    mkdir -p build
    log=$(mktemp)
    trap 'rm -f "$log"' EXIT
    # Two quickstarts share the package manager and the build folder: one after the other.
    (
        flock 9
        .ci/install-packages show
        printf 'Building the release preset … '
        if { cmake --preset release && cmake --build --preset release; } >"$log" 2>&1 </dev/null; then
            echo "done"
        else
            echo "failed:"
            tail -n 40 "$log"
            exit 1
        fi
    ) 9>build/.quickstart-lock
    rm -f "$log"
    trap - EXIT
    WAVEGATE=build/release/wavegate
fi
# Debian's interpreter by path: another Python first in PATH may lack the cryptography package.
exec /usr/bin/python3 -B examples/quickstart/show.py --wavegate "$WAVEGATE" "$@"
