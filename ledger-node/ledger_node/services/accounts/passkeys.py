"""Passkeys (W3C WebAuthn): the options that a browser is given and the check of what it answers. Keeps nothing.

The only importer of webauthn. Algorithms are ES256 and RS256, which every authenticator has one of: Ed25519 is not
offered, because here no signature of that kind rests on another library than libsodium. User verification is required,
so a passkey is two factors: the device, and the finger, face or PIN that unlocks it.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import webauthn
from webauthn.helpers import base64url_to_bytes, options_to_json
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.structs import (
    AttestationConveyancePreference,
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from ledger_node.services.accounts.site import NAME, Site
from ledger_node.services.accounts.tables import Passkey
from scanner.verify.cbor import reread, skim

_ALGORITHMS = [COSEAlgorithmIdentifier.ECDSA_SHA_256, COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256]
_MOST_ID = 1_023
_FIXED, _FLAGS, _HAS_KEY, _AAGUID = 37, 32, 0x40, 16
"""Authenticator data (WebAuthn 6.1): the bytes before what may follow, where the flags are, that a key follows."""
_PATIENCE_MS = 300_000

Credential = Mapping[str, Any]
"""What `PublicKeyCredential.toJSON()` gives."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The answer proves nothing; why, for the node's log and not for whoever sent it."""

    why: str


def creation_options(site: Site, account: str, name: str, challenge: bytes, known: Iterable[bytes]) -> dict[str, Any]:
    """For `PublicKeyCredential.parseCreationOptionsFromJSON`; `known` credentials are not made a second time."""
    options = webauthn.generate_registration_options(
        rp_id=site.domain,
        rp_name=NAME,
        user_name=name,
        user_id=bytes.fromhex(account),
        challenge=challenge,
        timeout=_PATIENCE_MS,
        attestation=AttestationConveyancePreference.NONE,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=one) for one in known],
        supported_pub_key_algs=_ALGORITHMS,
    )
    made: dict[str, Any] = json.loads(options_to_json(options))
    return made


def request_options(site: Site, challenge: bytes) -> dict[str, Any]:
    """For `PublicKeyCredential.parseRequestOptionsFromJSON`: any passkey of this site, the person chooses which."""
    options = webauthn.generate_authentication_options(
        rp_id=site.domain,
        challenge=challenge,
        timeout=_PATIENCE_MS,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    made: dict[str, Any] = json.loads(options_to_json(options))
    return made


def challenge_of(credential: Credential) -> bytes:
    """The challenge that the browser says it has signed; empty if it says nothing that can be read."""
    try:
        said = json.loads(base64url_to_bytes(credential["response"]["clientDataJSON"]))
        return base64url_to_bytes(said["challenge"])
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        return b""


def credential_id(credential: Credential) -> bytes:
    """Which passkey the browser used; empty if it says nothing that can be read."""
    try:
        return base64url_to_bytes(credential["id"])
    except (KeyError, TypeError, ValueError, AttributeError):
        return b""


def _skim(credential: Credential) -> None:
    """The library would carry out any tag that a stranger's CBOR holds, before it looks at a signature. Raises what
    stands in the way of reading it.
    """
    response = credential["response"]
    if "attestationObject" in response:
        attested = base64url_to_bytes(response["attestationObject"])
        skim(attested)
        data = reread(attested)["authData"]
    else:
        data = base64url_to_bytes(response["authenticatorData"])
    at = _FIXED
    if data[_FLAGS] & _HAS_KEY:
        at += _AAGUID + 2 + int.from_bytes(data[at + _AAGUID : at + _AAGUID + 2], "big")
    skim(data[at:])


def check_new(site: Site, account: str, credential: Credential, challenge: bytes) -> Passkey | Refused:
    """A passkey that was just made for this challenge on this site."""
    try:
        _skim(credential)
        made = webauthn.verify_registration_response(
            credential=dict(credential),
            expected_challenge=challenge,
            expected_rp_id=site.domain,
            expected_origin=site.origin,
            require_user_verification=True,
            supported_pub_key_algs=_ALGORITHMS,
        )
    except Exception as error:  # noqa: BLE001 - strangers' bytes go through three parsers, each with its own errors
        return Refused(f"{type(error).__name__}: {error}")
    if not 0 < len(made.credential_id) <= _MOST_ID:
        return Refused("the credential's id is too long")
    return Passkey(made.credential_id, account, made.credential_public_key, made.sign_count)


def check_use(site: Site, passkey: Passkey, credential: Credential, challenge: bytes) -> int | Refused:
    """That this passkey signed the challenge on this site, now; its new counter."""
    try:
        _skim(credential)
        used = webauthn.verify_authentication_response(
            credential=dict(credential),
            expected_challenge=challenge,
            expected_rp_id=site.domain,
            expected_origin=site.origin,
            credential_public_key=passkey.public_key,
            credential_current_sign_count=passkey.sign_count,
            require_user_verification=True,
        )
    except Exception as error:  # noqa: BLE001 - as above
        return Refused(f"{type(error).__name__}: {error}")
    return used.new_sign_count
