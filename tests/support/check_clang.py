#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Compiles every file of core/ with clang, warnings as errors: what one compiler lets pass the other may not.

check_clang.py COMPILE_COMMANDS SOURCE_FOLDER
"""
import concurrent.futures
import json
import os
import re
import shlex
import subprocess
import sys

WARNINGS = ["-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Werror"]


def check(entry):
    arguments = shlex.split(entry["command"])[1:]
    # In the order they came, so that -isystem stands before its folder.
    ordered, skip = [], False
    for at, argument in enumerate(arguments):
        if skip:
            skip = False
        elif argument == "-isystem":
            ordered += [argument, arguments[at + 1]]
            skip = True
        elif re.match(r"-(D|I|std)", argument):
            ordered.append(argument)
    return subprocess.run(["clang", *ordered, *WARNINGS, "-fsyntax-only", entry["file"]],
                          cwd=entry["directory"], capture_output=True, text=True, check=False)


def main(commands, folder):
    with open(commands, encoding="utf-8") as file:
        entries = [entry for entry in json.load(file)
                   if entry["file"].startswith(os.path.join(folder, "core") + os.sep)]
    if not entries:
        sys.exit(f"no files of core/ in {commands}")
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        failures = [result.stderr for result in pool.map(check, entries) if result.returncode]
    print("".join(failures))
    print(f"{len(entries)} files, {len(failures)} with warnings of clang")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main(*sys.argv[1:])
