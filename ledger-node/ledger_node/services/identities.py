"""Identity without names: what a wallet provider says of a key is logged; who it is, nobody here learns."""

from contextlib import suppress
from dataclasses import dataclass, field

from ledger_node.adapters.provider import Declined, ProviderError
from ledger_node.adapters.provider_orders import Attest
from ledger_node.contract.bodies_market import AttestIdentity
from ledger_node.contract.commitments import identity_reference
from ledger_node.contract.facts import Identity, Title
from ledger_node.contract.outcome import Rejected
from ledger_node.contract.provider import Attestation, open_receipt
from ledger_node.contract.refusals import Refusal
from ledger_node.services.acts import log_act
from ledger_node.services.errors import ServiceError
from ledger_node.services.node import Node
from ledger_node.services.purchases import provider_of
from scanner.verify.gatecode import event_hash
from scanner.verify.keys import verify
from scanner.verify.possession import identity_message


@dataclass(frozen=True, slots=True)
class Consent:
    """The owner's agreement at the provider, good once, and the key's proof that it is theirs
    (`possession.identity_message` under `commitments.identity_reference`).
    """

    authorisation: str = field(repr=False)
    proof: bytes


def identify(
    node: Node, event: str, key: bytes, level: int, consent: Consent, tickets: tuple[int, ...] = ()
) -> Attestation:
    """Ask the provider who has the key, as its owner agreed, and log the answer. May be asked again. ServiceError."""
    reference = identity_reference(event, key, consent.authorisation)
    if not verify(key, identity_message(event_hash(event), key, reference), consent.proof):
        raise ServiceError.of(Rejected(Refusal.BAD_PROOF if consent.proof else Refusal.PROOF_NEEDED))
    try:
        said = provider_of(node).attest(Attest(reference, event, key, level, consent.authorisation))
    except ProviderError as error:
        raise ServiceError("provider", f"the wallet provider does not answer ({error}): ask again", 503) from error
    if isinstance(said, Declined):
        raise ServiceError("identity-declined", f"the wallet provider says no: {said.detail}", 403)
    attest(node, event, said.raw, consent.proof, tickets)
    return said


def attest(node: Node, event: str, attestation: bytes, proof: bytes, tickets: tuple[int, ...] = ()) -> None:
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
        who = {"person": f"{event} {said.subject.hex()}"}
        node.tally.check("identity", who, node.now())
        log_act(node, AttestIdentity(tickets, attestation, proof).seal(event, node.seconds, node.keys.node))
        # Counted now, because before that it may be a forgery that would use up what somebody else may do.
        with suppress(ServiceError):
            node.tally.keep(node.tally.take("identity", who, node.now()), node.now())
