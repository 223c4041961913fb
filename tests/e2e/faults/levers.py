# SPDX-License-Identifier: Apache-2.0
"""The levers of tests/support/faults.c, from the test's side."""
import errno
import mmap
import os
import struct

import pytest

# clock_step_s, fsync_errno, fsync_failed, is_loaded, passed_ms
LAYOUT = struct.Struct("=qiii4xq")


class Levers:
    def __init__(self, path):
        self.path = path
        with open(path, "w+b") as file:
            file.write(bytes(LAYOUT.size))
            file.flush()
            self._map = mmap.mmap(file.fileno(), LAYOUT.size)

    @property
    def environment(self):
        module = os.path.join(os.environ.get("WAVEGATE_BUILD", ""), "tests", "libfaults.so")
        if not os.path.exists(module):
            pytest.skip(f"{module} is not built")
        options = os.environ.get("ASAN_OPTIONS", "detect_leaks=1:abort_on_error=0")
        return {"LD_PRELOAD": module, "WAVEGATE_FAULTS": self.path,
                "ASAN_OPTIONS": options + ":verify_asan_link_order=0"}

    def _field(self, index):
        return LAYOUT.unpack(self._map[:])[index]

    def require(self):
        """Sanitizers that are linked in statically answer before we are asked."""
        if not self._field(3):
            pytest.skip("libfaults.so was not loaded")

    def step_clock(self, seconds):
        struct.pack_into("=q", self._map, 0, seconds)

    def pass_time(self, seconds):
        """For the gateway so much time passes at once, on every clock."""
        struct.pack_into("=q", self._map, 24, self._field(4) + int(seconds * 1000))

    @property
    def passed(self):
        return self._field(4) / 1000

    def fail_fsync(self, code=errno.EIO):
        struct.pack_into("=i", self._map, 8, code)

    @property
    def fsyncs_failed(self):
        return self._field(2)
