"""Time-based codes (RFC 6238: SHA-1, 6 digits, 30 s), as authenticator apps make them. The only importer of pyotp.

A code counts within one step of now, and once: the caller keeps the step that it was for.
"""

import base64

import pyotp
from pyotp.utils import strings_equal

SECRET_BYTES = 20
STEP = 30
_AROUND = 1


def uri(secret: bytes, name: str, site_name: str) -> str:
    """What an authenticator app reads (otpauth://)."""
    return pyotp.TOTP(text(secret)).provisioning_uri(name=name, issuer_name=site_name)


def text(secret: bytes) -> str:
    """The secret as a person types it into an app."""
    return base64.b32encode(secret).decode()


def step_of(secret: bytes, code: str, now: float, after: int) -> int | None:
    """The time step, later than `after`, that the code is for; None if it is for none around now."""
    made = pyotp.TOTP(text(secret), interval=STEP)
    current = int(now) // STEP
    steps = range(current - _AROUND, current + _AROUND + 1)
    found = [step for step in steps if strings_equal(made.generate_otp(step), code)]
    return found[0] if found and found[0] > after else None
