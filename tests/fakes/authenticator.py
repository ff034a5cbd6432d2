"""A passkey authenticator in software: real keys, real attestation objects ("none") and assertions (W3C WebAuthn).

It keeps the rules that a browser and a device keep: one credential a site and account, the site's own origin in what is
signed, a counter that goes up. Attributes bend single rules, for attacks.
"""

import base64
import hashlib
import json
import os
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

ES256, EDDSA = -7, -8
PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


class NoCredentialError(Exception):
    """Nothing on this device fits; a browser would say NotAllowedError."""


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Credential:
    """A resident key."""

    id: bytes
    domain: str
    user: bytes
    algorithm: int
    key: Any
    count: int = 0

    def sign(self, message: bytes) -> bytes:
        if self.algorithm == EDDSA:
            return self.key.sign(message)
        return self.key.sign(message, ec.ECDSA(hashes.SHA256()))

    def cose(self) -> bytes:
        """The public key (RFC 9052)."""
        public = self.key.public_key()
        if self.algorithm == EDDSA:
            return cbor2.dumps({1: 1, 3: EDDSA, -1: 6, -2: public.public_bytes_raw()})
        numbers = public.public_numbers()
        return cbor2.dumps(
            {1: 2, 3: ES256, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        )


@dataclass
class Authenticator:
    """One device in one browser, which shows the page of `origin`."""

    origin: str
    algorithm: int = ES256
    flags: int = PRESENT | VERIFIED
    counting: bool = True
    held: list[Credential] = field(default_factory=list)

    @property
    def domain(self) -> str:
        return self.origin.split("://")[1].split(":")[0]

    def create(self, options: dict[str, Any]) -> dict[str, Any]:
        """navigator.credentials.create(), as toJSON()."""
        known = {unb64(one["id"]) for one in options.get("excludeCredentials", [])}
        if known & {one.id for one in self.held}:
            raise NoCredentialError("InvalidStateError")
        key = (
            ed25519.Ed25519PrivateKey.generate() if self.algorithm == EDDSA else ec.generate_private_key(ec.SECP256R1())
        )
        made = Credential(os.urandom(16), options["rp"]["id"], unb64(options["user"]["id"]), self.algorithm, key)
        self.held.append(made)
        data = (
            self._data(made, self.flags | ATTESTED)
            + bytes(16)
            + len(made.id).to_bytes(2, "big")
            + made.id
            + made.cose()
        )
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._client("webauthn.create", options["challenge"])
        return self._json(made, {"clientDataJSON": b64(client), "attestationObject": b64(attestation)})

    def get(self, options: dict[str, Any]) -> dict[str, Any]:
        """navigator.credentials.get(), as toJSON()."""
        fitting = [one for one in self.held if one.domain == options["rpId"]]
        if not fitting:
            raise NoCredentialError("NotAllowedError")
        used = fitting[-1]
        used.count += self.counting
        data, client = self._data(used, self.flags), self._client("webauthn.get", options["challenge"])
        signature = used.sign(data + hashlib.sha256(client).digest())
        response = {"authenticatorData": b64(data), "signature": b64(signature), "userHandle": b64(used.user)}
        return self._json(used, {"clientDataJSON": b64(client), **response})

    def _client(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}).encode()

    @staticmethod
    def _data(one: Credential, flags: int) -> bytes:
        return hashlib.sha256(one.domain.encode()).digest() + bytes([flags]) + one.count.to_bytes(4, "big")

    @staticmethod
    def _json(one: Credential, response: dict[str, Any]) -> dict[str, Any]:
        return {"id": b64(one.id), "rawId": b64(one.id), "type": "public-key", "response": response,
                "clientExtensionResults": {}}  # fmt: skip
