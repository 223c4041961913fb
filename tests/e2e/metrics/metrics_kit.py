# SPDX-License-Identifier: Apache-2.0
"""Reads /metrics as Prometheus would."""
import re

LINE = re.compile(r'^([a-z_:]+)(\{[a-z_]+="(?:[^"\\\n]|\\.)*"(?:,[a-z_]+="(?:[^"\\\n]|\\.)*")*\})? ([-+0-9.e]+)$')
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\\n]|\\.)*)"')


class Page:
    def __init__(self, text):
        self.text = text
        self.types, self.samples = {}, {}
        for line in text.splitlines():
            if line.startswith("# "):
                _, word, name, rest = line.split(" ", 3)
                if word == "TYPE":
                    assert name not in self.types, f"{name} is declared once"
                    self.types[name] = rest
                continue
            name, labels, value = LINE.match(line).groups()
            key = (name, frozenset(LABEL.findall(labels or "")))
            assert key not in self.samples, f"{line} comes twice"
            assert self.family(name) in self.types, f"{line}: declared before it is used"
            self.samples[key] = float(value)

    def family(self, name):
        base = re.sub("_(bucket|sum|count)$", "", name)
        return base if self.types.get(base) == "histogram" else name

    def get(self, family, /, **labels):
        return self.samples.get((family, frozenset(labels.items())))

    def sum(self, family, /, **labels):
        return sum(value for (found, these), value in self.samples.items()
                   if found == family and set(labels.items()) <= these)

    def values(self, name, label):
        return {dict(labels)[label] for found, labels in self.samples if found == name}


def read(operator):
    answer = operator.get("/metrics")
    assert answer.status == 200 and answer.headers["Content-Type"].startswith("text/plain")
    return Page(answer.body.decode())
