# SPDX-License-Identifier: Apache-2.0
"""A program on a terminal of its own, and as much of a terminal as `wavegate top` uses: what a
person would see. Anything it does not know is a failure of the test."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
import unicodedata

SEQUENCE = re.compile(r"\x1b\[(\??)([\d;]*)([A-Za-z])")


def width_of(character):
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


class Screen:
    def __init__(self, command, columns=80, lines=24, **options):
        self.columns, self.lines = columns, lines
        self.master, slave = pty.openpty()
        self.before = termios.tcgetattr(slave)
        self.slave = slave  # kept open: the settings can be looked at when the program is gone
        self.resize(columns, lines)
        self.process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave,
                                        start_new_session=True, **options)
        self.pending = b""
        self.raw = ""
        self.settling = 0  # pictures that may still be as wide as the terminal was
        self.is_alternate = False
        self.has_cursor = True
        self.clear()

    def clear(self):
        self.cells = [[" "] * self.columns for _ in range(self.lines)]
        self.x = self.y = 0

    def resize(self, columns, lines):
        changed = (columns, lines) != (self.columns, self.lines)
        self.columns, self.lines = columns, lines
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        if changed:
            self.settling = 3
            self.clear()
            self.process.send_signal(signal.SIGWINCH)

    @property
    def text(self):
        return "\n".join("".join(row).rstrip() for row in self.cells)

    def settings_are_restored(self):
        return termios.tcgetattr(self.slave)[:4] == self.before[:4]

    def key(self, text):
        os.write(self.master, text.encode())

    def wait(self, question, deadline_s=30):
        """Reads until the answer is true for what the screen shows."""
        end = time.monotonic() + deadline_s
        while not question(self):
            if time.monotonic() > end:
                raise AssertionError(f"it did not come to that; the screen:\n{self.text}")
            if select.select([self.master], [], [], 0.1)[0]:
                self.feed(os.read(self.master, 65536))

    def wait_for(self, text, deadline_s=30):
        self.wait(lambda screen: text in screen.text, deadline_s)

    def end(self, deadline_s=30):
        """Reads to the end of the program; its exit status."""
        end = time.monotonic() + deadline_s
        while self.process.poll() is None or select.select([self.master], [], [], 0)[0]:
            assert time.monotonic() < end, self.text
            if select.select([self.master], [], [], 0.1)[0]:
                self.feed(os.read(self.master, 65536))
        return self.process.returncode

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)
        os.close(self.slave)

    # ---- what the bytes do

    def feed(self, data):
        self.pending += data
        try:
            text = self.pending.decode()
            self.pending = b""
        except UnicodeDecodeError as error:
            text = self.pending[:error.start].decode()
            self.pending = self.pending[error.start:]
        cut = text.rfind("\x1b")
        if cut >= 0 and not SEQUENCE.match(text, cut):
            self.pending = text[cut:].encode() + self.pending
            text = text[:cut]
        self.raw += text
        at = 0
        while at < len(text):
            if text[at] == "\x1b":
                found = SEQUENCE.match(text, at)
                assert found, f"what is {text[at:at + 20]!r}"
                self.obey(*found.groups())
                at = found.end()
            else:
                self.put(text[at])
                at += 1

    def obey(self, private, numbers, letter):
        if private:
            assert letter in "hl", (numbers, letter)
            if numbers == "1049":
                self.is_alternate = letter == "h"
            else:
                assert numbers == "25", numbers
                self.has_cursor = letter == "h"
        elif letter == "H":
            assert numbers == ""
            self.settling = max(0, self.settling - 1)
            self.x = self.y = 0
        elif letter == "J":
            for y in range(self.y, self.lines):
                for x in range(self.x if y == self.y else 0, self.columns):
                    if numbers == "2" or y > self.y or self.x < self.columns:
                        self.cells[y][x] = " "
        else:
            assert letter == "m", (numbers, letter)

    def put(self, character):
        if character == "\r":
            self.x = 0
        elif character == "\n":
            assert self.y + 1 < self.lines or not self.is_alternate or self.settling, \
                "the screen has scrolled"
            self.y = min(self.y + 1, self.lines - 1)
        else:
            assert character >= " ", f"a control character: {character!r}"
            width = width_of(character)
            if self.x + width > self.columns:
                assert not self.is_alternate or self.settling, \
                    f"a line is longer than the screen: {self.text}"
                if width > self.columns:
                    return
                self.x, self.y = 0, min(self.y + 1, self.lines - 1)
            self.cells[self.y][self.x] = character
            for extra in range(1, width):
                self.cells[self.y][self.x + extra] = ""
            self.x += width
