#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Holds every #include in core/ to the table of floors in ARCHITECTURE.md.

    check_includes.py [root of the tree]

The table stands in the section "## Floors" with the columns "folder", "what lives there", "may use".
A folder cell reads `core/wire/` or `core/main.c`; a "may use" cell lists areas and libraries, separated by
commas ("base, wire, jansson"), or says "all" or "all above". Words in brackets are for people.

What is checked:
- an area uses itself and what its row lists, and rows list only what stands above them;
- headers named *_impl.h are included from their own folder, or below it, only;
- own headers are included by full path ("net/stream.h") and exist;
- third-party headers are included only where the row lists their library; what else stands in <> is the C
  library and the system, which all may use;
- every folder of core/ has a row.
"""
import re
import sys
from pathlib import Path

# Header, or folder of headers, to the library it belongs to.
LIBRARIES = {
    "jansson.h": "jansson",
    "llhttp.h": "llhttp",
    "lua.h": "lua",
    "lauxlib.h": "lua",
    "lualib.h": "lua",
    "luaconf.h": "lua",
    "mbedtls": "mbedtls",
    "psa": "mbedtls",
    "nats": "nats",
    "sodium.h": "sodium",
    "sodium": "sodium",
    "sqlite3.h": "sqlite",
    "uv.h": "uv",
    "uv": "uv",
}
# Other ways to write a library in the table.
SPELLINGS = {
    "libuv": "uv",
    "libsodium": "sodium",
    "lua 5.4": "lua",
    "mbedtls 3.6": "mbedtls",
    "sqlite3": "sqlite",
    "nats.c": "nats",
}
NOTHING = {"", "-", "–", "—", "none", "nothing", "c library", "the c library"}
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"\n]+)"|<([^>\n]+)>)', re.MULTILINE)


class Wrong(Exception):
    """The table cannot be read: nothing can be checked."""


def split_row(line):
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def read_rows(text):
    """(folder, may use) of each row of the table below "## Floors"."""
    section = re.search(r"^## Floors\b[^\n]*\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    if not section:
        raise Wrong('ARCHITECTURE.md has no section "## Floors"')
    lines = [line for line in section[1].splitlines() if line.lstrip().startswith("|")]
    if len(lines) < 3:
        raise Wrong('"## Floors" in ARCHITECTURE.md has no table')
    head = [cell.lower() for cell in split_row(lines[0])]
    if "folder" not in head or "may use" not in head:
        raise Wrong('the table of floors needs the columns "folder" and "may use", it has: '
                    + ", ".join(head))
    for line in lines[2:]:
        cells = split_row(line)
        if len(cells) != len(head):
            raise Wrong(f"{len(cells)} cells in place of {len(head)}: {line}")
        for folder in re.findall(r"`([^`]+)`", cells[head.index("folder")]):
            yield folder, cells[head.index("may use")]


def read_uses(cell, folder, above):
    """The set of names a "may use" cell stands for."""
    uses = set()
    for name in re.split(r"[,;]", re.sub(r"\([^)]*\)", "", cell.replace("`", ""))):
        name = name.strip().lower()
        name = SPELLINGS.get(name, name)
        if name in NOTHING:
            continue
        if name == "all":
            uses |= set(above) | set(LIBRARIES.values())
        elif name == "all above":
            uses |= set(above)
        elif name in above or name in LIBRARIES.values():
            uses.add(name)
        else:
            raise Wrong(f"{folder} may use '{name}', which is neither a library known to "
                        f"tests/support/check_includes.py ({', '.join(sorted(set(LIBRARIES.values())))}) "
                        f"nor an area of a row above ({', '.join(above) or 'there is none'})")
    return uses


def read_map(text):
    """Folder or file below core/ ("wire/", "main.c") to what it may use."""
    floors = {}
    above = []
    for folder, cell in read_rows(text):
        if not folder.startswith("core/"):
            continue
        place = folder[len("core/"):]
        floors[place] = read_uses(cell, folder, above)
        if place.endswith("/") and "/" not in place[:-1]:
            above.append(place[:-1])
    if not floors:
        raise Wrong("no row of the table of floors is about a folder of core/")
    return floors


def row_of(floors, path):
    """The row for a file below core/: its own, else that of the nearest folder."""
    if path.as_posix() in floors:
        return path.as_posix()
    for parent in path.parents:
        if f"{parent.as_posix()}/" in floors:
            return f"{parent.as_posix()}/"
    return None


def check_own(core, path, header, uses):
    area = header.split("/")[0]
    if "/" not in header:
        return f'write the full path, "{path.parent.as_posix()}/{header}"'
    if not (core / header).is_file():
        return f"there is no core/{header}"
    if header.endswith("_impl.h") and Path(header).parent not in path.parents:
        return f"{header} is for core/{Path(header).parent.as_posix()}/ only"
    if area != path.parts[0] and area not in uses:
        return f"it may not use {area}; its row lists: {', '.join(sorted(uses)) or 'nothing'}"
    return None


def check_foreign(header, uses):
    library = LIBRARIES.get(header, LIBRARIES.get(header.split("/")[0]))
    if library and library not in uses:
        return f"it may not use {library}; its row lists: {', '.join(sorted(uses)) or 'nothing'}"
    return None


def check_file(core, path, floors):
    """Texts of what is wrong in one file; path is relative to core/."""
    row = row_of(floors, path)
    if row is None:
        yield f"core/{path.as_posix()}: no row of the table of floors is about its folder"
        return
    text = (core / path).read_text(encoding="utf-8")
    for match in INCLUDE.finditer(text):
        own, foreign = match.groups()
        reason = check_own(core, path, own, floors[row]) if own else check_foreign(foreign, floors[row])
        if reason:
            line = text.count("\n", 0, match.start()) + 1
            shown = f'"{own}"' if own else f"<{foreign}>"
            yield f"core/{path.as_posix()}:{line}: #include {shown}: {reason}"


def check_tree(root):
    architecture = root / "ARCHITECTURE.md"
    if not architecture.is_file():
        raise Wrong(f"{architecture}: no such file; it holds the table of floors")
    floors = read_map(architecture.read_text(encoding="utf-8"))
    core = root / "core"
    files = sorted(path.relative_to(core) for path in core.rglob("*")
                   if path.suffix in (".c", ".h", ".def") and path.is_file())
    if not files:
        raise Wrong(f"no C files below {core}")
    return len(files), [text for path in files for text in check_file(core, path, floors)]


def main(arguments):
    root = Path(arguments[0]) if arguments else Path(__file__).resolve().parents[2]
    try:
        count, problems = check_tree(root)
    except Wrong as wrong:
        print(f"map of includes: {wrong}", file=sys.stderr)
        return 2
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        print(f"{len(problems)} includes against the map: change the include, or ARCHITECTURE.md "
              "with the reason", file=sys.stderr)
        return 1
    print(f"{count} files of core/ keep to the map")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
