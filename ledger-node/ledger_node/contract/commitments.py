"""The hashes by which entries speak of what stands outside them: an invitation's secret, a provider's payment.

A payment's reference is bound to what it is for and to whom it is from, so that a receipt serves one act only. A
provider takes each reference once: for another try, add "-" and a number to it.
"""

import hashlib

from scanner.verify.gatecode import event_hash

_INVITATION = b"ticketme/v1/invitation\0"
_DEAL = b"ticketme/v1/payment/deal\0"
_ORDER = b"ticketme/v1/payment/order\0"
_REFUND = b"ticketme/v1/payment/refund\0"
_REFERENCE_CHARACTERS = 48


def invitation(secret: bytes) -> bytes:
    """What an offer's `to` holds for whoever was sent these 32 bytes."""
    return hashlib.sha256(_INVITATION + secret).digest()


def deal_reference(deal: bytes, newcomer: bytes) -> str:
    """How the provider's hold for a deal is referred to, when the holder of this key accepts it."""
    return _reference(_DEAL + deal + newcomer)


def order_reference(event: str, order: bytes) -> str:
    """How the provider's hold for an order is referred to."""
    return _reference(_ORDER + event_hash(event) + order)


def identity_reference(event: str, key: bytes, authorisation: str) -> str:
    """How a provider's attestation of this key is referred to, when its owner agreed with this authorisation."""
    about = hashlib.sha256(f"{event}\0{authorisation}\0".encode() + key).hexdigest()
    return f"id-{about[:_REFERENCE_CHARACTERS]}"


def refund_reference(event: str, ticket: int, owner_seq: int) -> str:
    """How the provider's refund of one ticket to one holder is referred to."""
    return _reference(_REFUND + event_hash(event) + ticket.to_bytes(4, "big") + owner_seq.to_bytes(2, "big"))


def refers_to(reference: str, to: str) -> bool:
    """Whether a receipt's reference is `to`, or another try of it."""
    return reference == to or reference.startswith(f"{to}-")


def _reference(subject: bytes) -> str:
    return hashlib.sha256(subject).hexdigest()[:_REFERENCE_CHARACTERS]
