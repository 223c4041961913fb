#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Reloads under load: no request is lost, and memory stays where it was.
#
#   WAVEGATE=build/release/wavegate tests/reload.sh [--rounds N]     200 unless given; 10000 before a release
exec /usr/bin/python3 "$(dirname "$0")/bench/reload_rounds.py" "$@"
