# SPDX-License-Identifier: Apache-2.0
"""The part of RFC 9651 structured fields that Signature-Input, Signature and Content-Digest use."""
import base64
import re


class FieldError(ValueError):
    pass


class _Reader:
    def __init__(self, text):
        self.text = text
        self.at = 0

    def peek(self):
        return self.text[self.at:self.at + 1]

    def take(self, wanted):
        if self.peek() != wanted:
            raise FieldError(f"expected {wanted!r} at {self.at} in {self.text!r}")
        self.at += 1

    def match(self, pattern, what):
        found = re.compile(pattern).match(self.text, self.at)
        if not found:
            raise FieldError(f"expected {what} at {self.at} in {self.text!r}")
        self.at = found.end()
        return found.group()

    def spaces(self):
        self.match(r" *", "space")

    def key(self):
        return self.match(r"[a-z*][a-z0-9_\-.*]*", "a key")

    def bare(self):
        first = self.peek()
        if first == '"':
            text = self.match(r'"(?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"', "a string")
            return re.sub(r"\\(.)", r"\1", text[1:-1])
        if first == ":":
            return base64.b64decode(self.match(r":[A-Za-z0-9+/=]*:", "bytes")[1:-1])
        if first == "?":
            return self.match(r"\?[01]", "a boolean") == "?1"
        if first and first in "-0123456789":
            return int(self.match(r"-?[0-9]{1,15}(?![0-9.])", "an integer"))
        return Token(self.match(r"[A-Za-z*][!#$%&'*+\-.^_`|~0-9A-Za-z:/]*", "a token"))

    def parameters(self):
        found = {}
        while self.peek() == ";":
            self.at += 1
            self.spaces()
            name = self.key()
            value = True
            if self.peek() == "=":
                self.at += 1
                value = self.bare()
            found.pop(name, None)  # the last one counts, in its place
            found[name] = value
        return found

    def inner_list(self):
        items = []
        self.take("(")
        while True:
            self.spaces()
            if self.peek() == ")":
                self.at += 1
                return items, self.parameters()
            value = self.bare()
            items.append((value, self.parameters()))
            if self.peek() not in (" ", ")"):
                raise FieldError(f"expected a space or ')' at {self.at} in {self.text!r}")


class Token(str):
    pass


def dictionary(text):
    """name -> (value, parameters); the value of an inner list is a list of (item, parameters)."""
    reader, found = _Reader(text.strip(" ")), {}
    while reader.at < len(reader.text):
        name = reader.key()
        if reader.peek() == "=":
            reader.at += 1
            if reader.peek() == "(":
                member = reader.inner_list()
            else:
                member = (reader.bare(), reader.parameters())
        else:
            member = (True, reader.parameters())
        found.pop(name, None)
        found[name] = member
        reader.match(r"[ \t]*", "space")
        if reader.at < len(reader.text):
            reader.take(",")
            reader.match(r"[ \t]*", "space")
            if reader.at == len(reader.text):
                raise FieldError("the dictionary ends in a comma")
    return found


def write_bare(value):
    if value is True or value is False:
        return "?1" if value else "?0"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, bytes):
        return ":" + base64.b64encode(value).decode() + ":"
    if isinstance(value, Token):
        return str(value)
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def write_parameters(parameters):
    return "".join(f";{name}" + ("" if value is True else "=" + write_bare(value))
                   for name, value in parameters.items())


def write_inner_list(items, parameters):
    inner = " ".join(write_bare(value) + write_parameters(own) for value, own in items)
    return f"({inner})" + write_parameters(parameters)
