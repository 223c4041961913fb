# SPDX-License-Identifier: Apache-2.0
"""RFC 8785 canonical JSON, and JSON read as strictly as the protocol wants."""
import json
import math


def _number(value):
    """ECMAScript's Number::toString (RFC 8785 3.2.2.3): the shortest digits, its own layout."""
    value = float(value)
    if not math.isfinite(value):
        raise ValueError("not a finite number")
    if value == 0:
        return "0"
    sign, value = ("-", -value) if value < 0 else ("", value)
    mantissa, _, exponent = repr(value).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    # value = 0.digits * 10^point
    point = int(exponent or 0) + len(digits) - len(fraction)
    digits = digits.rstrip("0")
    count = len(digits)
    if count <= point <= 21:
        return sign + digits + "0" * (point - count)
    if 0 < point <= 21:
        return sign + digits[:point] + "." + digits[point:]
    if -6 < point <= 0:
        return sign + "0." + "0" * -point + digits
    tail = "." + digits[1:] if count > 1 else ""
    return f"{sign}{digits[0]}{tail}e{'+' if point > 0 else '-'}{abs(point - 1)}"


def _write(value, out):
    if value is None or isinstance(value, bool):
        out.append(json.dumps(value))
    elif isinstance(value, (int, float)):
        out.append(_number(value))
    elif isinstance(value, str):
        out.append(json.dumps(value, ensure_ascii=False))
    elif isinstance(value, list):
        out.append("[")
        for i, element in enumerate(value):
            out.append("," if i else "")
            _write(element, out)
        out.append("]")
    elif isinstance(value, dict):
        out.append("{")
        # 3.2.3: members stand in the order of their UTF-16 code units, not of their code points.
        for i, name in enumerate(sorted(value, key=lambda text: text.encode("utf-16-be"))):
            out.append("," if i else "")
            _write(name, out)
            out.append(":")
            _write(value[name], out)
        out.append("}")
    else:
        raise TypeError(f"not a JSON value: {type(value).__name__}")


def canonical(value):
    """The canonical bytes; a lone surrogate fails in the encoding."""
    out = []
    _write(value, out)
    return "".join(out).encode("utf-8")


def _unique(pairs):
    names = dict(pairs)
    if len(names) != len(pairs):
        raise ValueError("a member name stands twice")
    return names


def _refuse(name):
    raise ValueError(f"{name} is not JSON")


def parse(data):
    """Strict JSON: UTF-8 only, unique member names, no NaN or Infinity."""
    return json.loads(data.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse)
