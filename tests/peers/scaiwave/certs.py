# SPDX-License-Identifier: Apache-2.0
"""A development CA made afresh for each run; its files live in a scratch folder, never in the tree."""
import datetime
import os

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


def _name(common):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _write(path, data):
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        file.write(data)


class Authority:
    def __init__(self, folder, name="Wavegate development CA"):
        self.folder = str(folder)
        os.makedirs(self.folder, exist_ok=True)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        self.file = os.path.join(self.folder, "ca.pem")
        certificate = (
            self._builder(self._name, self._key, days=30, start_days=-1)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(x509.KeyUsage(
                digital_signature=False, content_commitment=False, key_encipherment=False,
                data_encipherment=False, key_agreement=False, key_cert_sign=True, crl_sign=True,
                encipher_only=False, decipher_only=False), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()),
                           critical=False)
            .sign(self._key, hashes.SHA256()))
        self._identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        _write(self.file, certificate.public_bytes(serialization.Encoding.PEM))

    def _builder(self, subject, key, days, start_days):
        now = datetime.datetime.now(datetime.timezone.utc)
        return (x509.CertificateBuilder()
                .subject_name(subject).issuer_name(self._name).public_key(key.public_key())
                .serial_number(x509.random_serial_number())
                .not_valid_before(now + datetime.timedelta(days=start_days))
                .not_valid_after(now + datetime.timedelta(days=days)))

    def issue(self, name, *, dns=None, days=30, start_days=-1, stem=None):
        """A server certificate; returns (certificate file, key file), both PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            self._builder(_name(name), key, days=days, start_days=start_days)
            .add_extension(x509.SubjectAlternativeName(
                [x509.DNSName(text) for text in dns or [name]]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(self._identifier, critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()),
                           critical=False)
            .sign(self._key, hashes.SHA256()))
        stem = os.path.join(self.folder, stem or name)
        _write(stem + ".pem", certificate.public_bytes(serialization.Encoding.PEM))
        _write(stem + ".key", key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption()))
        return stem + ".pem", stem + ".key"
