# SPDX-License-Identifier: Apache-2.0
"""Ed25519 keys as the descriptor and the gateway's key files write them."""
import base64
import hashlib
import os

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def kid_of(public_bytes):
    digest = hashlib.sha256(public_bytes).digest()
    return base64.urlsafe_b64encode(digest).decode()[:8]


class PublicKey:
    def __init__(self, raw):
        if len(raw) != 32:
            raise ValueError(f"a public key has 32 bytes, not {len(raw)}")
        self.raw = raw
        self.kid = kid_of(raw)
        self.text = "ed25519:" + base64.b64encode(raw).decode()

    @classmethod
    def parse(cls, text):
        algorithm, _, encoded = text.partition(":")
        if algorithm != "ed25519":
            raise ValueError(f"not an ed25519 key: {text!r}")
        return cls(base64.b64decode(encoded, validate=True))

    def verify(self, signature, message):
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except InvalidSignature:
            return False
        return True


class SecretKey:
    def __init__(self, seed=None):
        self.seed = seed or os.urandom(32)
        self._key = Ed25519PrivateKey.from_private_bytes(self.seed)
        self.public = PublicKey(
            self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))

    @property
    def kid(self):
        return self.public.kid

    def sign(self, message):
        return self._key.sign(message)

    @classmethod
    def load(cls, path):
        with open(path, encoding="ascii") as file:
            for line in file:
                if line.startswith("ed25519-secret:"):
                    return cls(base64.b64decode(line.split(":", 1)[1]))
        raise ValueError(f"{path}: no line ed25519-secret:<base64>")

    def save(self, path):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(f"# {self.public.text} kid {self.kid}\n")
            file.write(f"ed25519-secret:{base64.b64encode(self.seed).decode()}\n")
