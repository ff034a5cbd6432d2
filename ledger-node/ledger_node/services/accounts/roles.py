"""What an account may be, and how somebody has signed in to it. Which role may do what is said where it is done."""

from enum import StrEnum


class Role(StrEnum):
    """One for each kind of organisation that works with the ledger."""

    ORGANISER = "organiser"
    SPONSOR = "sponsor"
    OPS = "ops"
    REGULATOR = "regulator"


class Way(StrEnum):
    """A passkey cannot be phished; the second way (a key and a time-based code) can, and opens fewer doors."""

    PASSKEY = "passkey"
    CODE = "code"


class State(StrEnum):
    """Invited: no passkey yet, or recovering. Revoked is for good."""

    INVITED = "invited"
    ACTIVE = "active"
    REVOKED = "revoked"
