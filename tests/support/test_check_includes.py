#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The checker of includes must refuse what it is there to refuse."""
import tempfile
import unittest
from pathlib import Path

import check_includes

TABLE = """# A

## Floors: up only
| folder | what lives there | may use |
|---|---|---|
| `core/base/` | buffers | C library |
| `core/wire/` | names, a, b | base, libsodium, `jansson` |
| `core/net/` | streams (TCP) | base (only str), libuv, mbedTLS |
| `core/cli/` | verbs | all |
| `core/main.c` | the verb | cli |

## Next
| folder | may use |
"""


class Includes(unittest.TestCase):
    def check(self, path, text, table=TABLE):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            (root / "ARCHITECTURE.md").write_text(table, encoding="utf-8")
            for name in ("base/str.h", "base/str_impl.h", "wire/name.h", "net/stream.h", "cli/verb.h", path):
                file = root / "core" / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text if name == path else "", encoding="utf-8")
            return check_includes.check_tree(root)[1]

    def test_accepts_what_the_rows_list(self):
        for path, text in (
            ("base/str.c", '#include <stdio.h>\n#include "base/str.h"\n#include "base/str_impl.h"\n'),
            ("wire/name.c", '#include "base/str.h"\n#include <sodium.h>\n#include <jansson.h>\n'),
            ("net/tls.c", '#include "base/str.h"\n#include <mbedtls/ssl.h>\n#include <uv.h>\n'),
            ("cli/serve.c", '#include "net/stream.h"\n#include <lua.h>\n#include "wire/name.h"\n'),
            ("main.c", '#include "cli/verb.h"\n'),
            ("net/deep/x.c", '#include "base/str.h"\n'),
            ("base/deep/x.c", '#include "base/str_impl.h"\n'),
            ("base/x.c", '// #include "net/stream.h"\n'),
        ):
            self.assertEqual(self.check(path, text), [], text)

    def test_refuses_what_they_do_not(self):
        for path, text, reason in (
            ("base/str.c", '\n#include "wire/name.h"\n', 'core/base/str.c:2: #include "wire/name.h": it may not use wire'),
            ("wire/x.c", '#include "net/stream.h"\n', "may not use net; its row lists: base, jansson, sodium"),
            ("wire/x.c", "#include <uv.h>\n", "may not use uv"),
            ("wire/x.c", "  #  include <mbedtls/ssl.h>\n", "may not use mbedtls"),
            ("base/x.def", "#include <jansson.h>\n", "may not use jansson"),
            ("wire/x.c", '#include "base/str_impl.h"\n', "base/str_impl.h is for core/base/ only"),
            ("base/x.c", '#include "str.h"\n', 'write the full path, "base/str.h"'),
            ("base/x.c", '#include "base/no.h"\n', "there is no core/base/no.h"),
            ("main.c", '#include "net/stream.h"\n', "may not use net"),
            ("other/x.c", "", "no row of the table of floors is about its folder"),
        ):
            problems = self.check(path, text)
            self.assertEqual(len(problems), 1, text)
            self.assertIn(reason, problems[0])

    def test_says_what_is_wrong_with_the_table(self):
        for table, reason in (
            ("# A\n", 'no section "## Floors"'),
            ("## Floors\nno table\n", "has no table"),
            (TABLE.replace("may use", "uses"), 'needs the columns "folder" and "may use"'),
            (TABLE.replace("base, libsodium", "net, libsodium"), "core/wire/ may use 'net', which is neither"),
            (TABLE.replace("base, libsodium", "openssl"), "core/wire/ may use 'openssl', which is neither"),
            (TABLE.replace("| buffers |", "|"), "2 cells in place of 3"),
        ):
            with self.assertRaisesRegex(check_includes.Wrong, reason.replace('"', ".")):
                self.check("base/x.c", "", table)


if __name__ == "__main__":
    unittest.main()
