# SPDX-License-Identifier: Apache-2.0
"""RFC 9421 request signatures with Ed25519, RFC 9530 digests, and the profile's demands on both."""
import base64
import dataclasses
import hashlib
import os
import time

from . import fields

FEDERATION_TAG = "scaiwave-federation-v1"
UPSTREAM_TAG = "wavegate-upstream-v1"
WINDOW_S = 60


class SignatureError(ValueError):
    pass


@dataclasses.dataclass
class Request:
    """A request as it stands on the wire; headers are (name, value) in their order."""
    method: str
    target: str
    authority: str
    headers: list = dataclasses.field(default_factory=list)
    body: bytes = b""
    scheme: str = "https"

    @property
    def path(self):
        return self.target.partition("?")[0]

    @property
    def query(self):
        _, mark, rest = self.target.partition("?")
        return mark + rest

    def all(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def joined(self, name):
        values = self.all(name)
        return ", ".join(value.strip() for value in values) if values else None

    def replace(self, name, value):
        """The header with another value, in its place (None: taken out)."""
        self.headers = [(key, value if key.lower() == name.lower() else old)
                        for key, old in self.headers
                        if not (value is None and key.lower() == name.lower())]

    def wire(self):
        lines = [f"{self.method} {self.target} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + self.body


def content_digest(body):
    return "sha-256=:" + base64.b64encode(hashlib.sha256(body).digest()).decode() + ":"


def _component(request, name):
    default_port = {"https": ":443", "http": ":80"}[request.scheme]
    authority = request.authority.lower()
    if authority.endswith(default_port):
        authority = authority[:-len(default_port)]
    derived = {
        "@method": request.method,
        "@authority": authority,
        "@scheme": request.scheme,
        "@path": request.path or "/",
        "@query": request.query or "?",
        "@request-target": request.target,
        "@target-uri": f"{request.scheme}://{authority}{request.target}",
    }
    if name.startswith("@"):
        if name not in derived:
            raise SignatureError(f"unknown component {name}")
        return derived[name]
    value = request.joined(name)
    if value is None:
        raise SignatureError(f"{name} is signed but absent")
    return value


def base(request, items, parameters):
    """RFC 9421 2.5."""
    lines, seen = [], set()
    for name, own in items:
        if own:
            raise SignatureError(f"parameters of {name} are not understood here")
        if name in seen:
            raise SignatureError(f"{name} is covered twice")
        seen.add(name)
        lines.append(f'"{name}": {_component(request, name)}')
    lines.append(f'"@signature-params": {fields.write_inner_list(items, parameters)}')
    return "\n".join(lines).encode("latin-1")


def default_components(request):
    names = ["@method", "@authority", "@path"]
    if request.query:
        names.append("@query")
    if request.body:
        names.append("content-digest")
    return names


def sign(request, key, keyid, *, label="sw", tag=FEDERATION_TAG, created=None, nonce=None,
         components=None, omit=(), alg="ed25519", expires=None):
    """Adds Content-Digest, Signature-Input and Signature. None for nonce makes one; "" leaves it out,
    as False does for created, alg and tag."""
    if request.body and not request.all("content-digest"):
        request.headers.append(("Content-Digest", content_digest(request.body)))
    names = [name for name in components or default_components(request) if name not in omit]
    items = [(name, {}) for name in names]
    parameters = {}
    if created is not False:
        parameters["created"] = int(time.time()) if created is None else created
    if expires is not None:
        parameters["expires"] = expires
    parameters["keyid"] = keyid
    if alg:
        parameters["alg"] = alg
    if nonce is None:
        nonce = base64.urlsafe_b64encode(os.urandom(18)).decode()
    if nonce:
        parameters["nonce"] = nonce
    if tag:
        parameters["tag"] = tag
    signature = key.sign(base(request, items, parameters))
    request.headers.append(("Signature-Input",
                            f"{label}={fields.write_inner_list(items, parameters)}"))
    request.headers.append(("Signature", f"{label}={fields.write_bare(signature)}"))
    return request


def verify(request, tag, find_key, *, now=None, window_s=WINDOW_S):
    """The one signature with that tag; find_key(keyid) gives a PublicKey. Returns (label, parameters,
    covered names). window_s None: the time is not asked (an event that waited in a queue)."""
    inputs = fields.dictionary(request.joined("signature-input") or "")
    values = fields.dictionary(request.joined("signature") or "")
    found = [label for label, (_, parameters) in inputs.items() if parameters.get("tag") == tag]
    if len(found) != 1:
        raise SignatureError(f"{len(found)} signatures with the tag {tag}")
    label = found[0]
    items, parameters = inputs[label]
    covered = [name for name, _ in items]

    needed = {"@method", "@authority", "@path"}
    needed |= {"@query"} if request.query else set()
    needed |= {"content-digest"} if request.body else set()
    contained = {"@target-uri": {"@authority", "@path", "@query"},
                 "@request-target": {"@path", "@query"}}
    missing = needed.difference(covered, *(contained.get(name, ()) for name in covered))
    if missing:
        raise SignatureError(f"{', '.join(sorted(missing))} not covered")
    if parameters.get("alg", "ed25519") != "ed25519":
        raise SignatureError(f"alg {parameters['alg']}")
    if window_s is not None:
        drift = abs((time.time() if now is None else now) - parameters["created"])
        if drift > window_s + 1:
            raise SignatureError(f"created {drift:.0f} s off")
    if request.body:
        digests = fields.dictionary(request.joined("content-digest"))
        if digests["sha-256"][0] != hashlib.sha256(request.body).digest():
            raise SignatureError("Content-Digest is not that of the body")
    key = find_key(parameters.get("keyid", ""))
    if key is None:
        raise SignatureError(f"no key for {parameters.get('keyid')!r}")
    if label not in values:
        raise SignatureError(f"no Signature for {label}")
    if not key.verify(values[label][0], base(request, items, parameters)):
        raise SignatureError(f"the signature {label} is not valid")
    return label, parameters, covered
