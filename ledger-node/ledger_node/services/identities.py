"""Identity without names: what a wallet provider says of a key is logged; who it is, nobody here learns."""

import hashlib

from ledger_node.adapters.provider import Declined, ProviderError
from ledger_node.adapters.provider_orders import Attest
from ledger_node.contract.bodies_market import AttestIdentity
from ledger_node.contract.facts import Identity, Title
from ledger_node.contract.provider import Attestation, open_receipt
from ledger_node.services.acts import log_act
from ledger_node.services.errors import ServiceError
from ledger_node.services.node import Node
from ledger_node.services.purchases import provider_of


def identify(
    node: Node, event: str, key: bytes, level: int, authorisation: str, tickets: tuple[int, ...] = ()
) -> Attestation:
    """Ask the provider who has the key, as its owner agreed, and log the answer. May be asked again. ServiceError."""
    about = hashlib.sha256(f"{event}\0{authorisation}\0".encode() + key).hexdigest()
    try:
        said = provider_of(node).attest(Attest(f"id-{about[:48]}", event, key, level, authorisation))
    except ProviderError as error:
        raise ServiceError("provider", f"the wallet provider does not answer ({error}): ask again", 503) from error
    if isinstance(said, Declined):
        raise ServiceError("identity-declined", f"the wallet provider says no: {said.detail}", 403)
    attest(node, event, said.raw, tickets)
    return said


def attest(node: Node, event: str, attestation: bytes, tickets: tuple[int, ...] = ()) -> None:
    """Log what a provider says of a key, and of the tickets that it holds by now; what is known is not logged again."""
    said = open_receipt(attestation)
    if not isinstance(said, Attestation) or said.event != event:
        raise ServiceError("bad-attestation", f"this is no provider's attestation for {event}", 422)
    with node.view() as view:
        node.event(view, event)
        known = view.find(Identity, event, said.key)
        titles = [view.find(Title, event, index) for index in tickets]
    news = known is None or (known.pseudonym, known.at) != (said.subject, said.at)
    if news or any(title is None or title.pseudonym != said.subject for title in titles):
        log_act(node, AttestIdentity(tickets, attestation).seal(event, node.seconds, node.keys.node))
