"""Money and ticket, together or not at all: the provider holds the money, the ledger takes the entry that quotes the
hold, and only then is the money shared out; or the entry is refused, and the money goes back.

Each step is written down before it is taken, and each can be taken again: a reference means one hold, an entry counts
once. So `resume` ends whatever a crash, a lost answer or a buyer who went away has left. What is captured, the ledger
itself remembers (`Payment`), so nothing else has to. Prices and who may buy are the contract's business.

  asked -> held -> signed -> logged        the ticket moved, the money will be captured
       \\-> declined   \\-> releasing -> released    it did not
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import structlog

from ledger_node.adapters.provider import Declined, ProviderError
from ledger_node.adapters.provider_orders import Capture, Hold, Release
from ledger_node.contract.bodies_market import CapturePayment, ReleasePayment
from ledger_node.contract.facts import Payment
from ledger_node.contract.outcome import Outcome, Rejected
from ledger_node.contract.provider import Money, Share
from ledger_node.services.errors import ServiceError
from ledger_node.services.market_book import Purchase
from ledger_node.services.node import Node, fault_as_error
from ledger_node.services.outside import WalletProvider

SIGN_WITHIN = 600
"""Seconds that a buyer has to sign, once their money is held."""
HOLD_FOR = 2 * 86_400
"""Seconds that the provider is asked to hold it: enough to capture it however long this node was down."""
_MOST_AT_ONCE = 256
_SIDE_BY_SIDE = 8
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Payer:
    """Whose money: what the provider calls them in this event, and what it gave them when they agreed, good once."""

    party: bytes
    authorisation: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Price:
    """What is to be paid for (`subject`, an order or a deal), how that is referred to, and the key that is to sign."""

    event: str
    reference: str
    subject: bytes
    buyer: bytes
    amount: int
    currency: str


def provider_of(node: Node) -> WalletProvider:
    """The provider. Raises ServiceError "no-provider"."""
    if node.outside.provider is None:
        raise ServiceError("no-provider", "this node works with no wallet provider, so nothing can be paid here", 501)
    return node.outside.provider


def hold_money(node: Node, price: Price, payer: Payer, *, to_be_shown: bool = True) -> Purchase:
    """The purchase with its money held; one that was begun before goes on. Raises ServiceError.

    `to_be_shown`: the receipt is durable, because somebody elsewhere is going to sign it. Who logs it at once can do
    without: a hold whose receipt was lost is asked for again.
    """
    with node.market.buyer():
        return _hold_money(node, price, payer, to_be_shown=to_be_shown)


def _hold_money(node: Node, price: Price, payer: Payer, *, to_be_shown: bool) -> Purchase:
    provider = provider_of(node)
    one = _begun(node, price, payer)
    if one.state != "asked":
        return one
    try:
        answer = provider.do(one.bill)
    except ProviderError as error:
        raise ServiceError("provider", f"the wallet provider does not answer ({error}): ask again", 503) from error
    if isinstance(answer, Declined):
        node.market.end(one.bill.reference, "declined")
        raise ServiceError("payment-declined", f"the wallet provider says no: {answer.detail}", 402)
    if not to_be_shown:
        return replace(one, receipt=answer.raw)
    if node.market.held(one.bill.reference, answer.raw):
        return replace(one, state="held", receipt=answer.raw)
    known = _known(node, one)
    if known.receipt != answer.raw:
        raise _too_late()
    return known


def log_entry(node: Node, one: Purchase, raw: bytes) -> Outcome:
    """Put the entry that quotes the hold on the ledger, or give the money back. Raises ServiceError."""
    reference = one.bill.reference
    node.market.busy.add(reference)
    try:
        with node.market.buyer():
            return _log_entry(node, one, raw)
    finally:
        node.market.busy.discard(reference)


def _log_entry(node: Node, one: Purchase, raw: bytes) -> Outcome:
    reference = one.bill.reference
    if not node.market.signed(reference, one.receipt, raw):
        raise _too_late()
    answer = submit(node, raw)
    if isinstance(answer, Rejected):
        node.market.give_up(reference, "signed")
        _try(node, _known(node, one), _give_back)
        raise ServiceError.of(answer)
    node.market.logged(reference)
    return answer


def submit(node: Node, raw: bytes) -> Outcome | Rejected:
    """Log one entry, ahead of uploads, because a person waits. Raises ServiceError "disk"."""
    with fault_as_error():
        return node.ledger.submit([raw], urgent=True, patient=True).result()[0]


def resume(node: Node) -> int:
    """Bring to an end what is neither on the ledger nor given back and nobody is busy with; how many were tried."""
    if node.outside.provider is None:
        return 0
    count = 0
    for one in node.market.unsettled():
        if one.bill.reference in node.market.busy:
            continue
        if one.state == "signed":
            count += _try(node, one, lambda node, one: log_entry(node, one, one.entry))
        elif one.state == "releasing" or (
            one.sign_by <= node.seconds and node.market.give_up(one.bill.reference, "asked", "held")
        ):
            count += _try(node, _known(node, one), _give_back)
    return count


def collect(node: Node) -> int:
    """Have the provider share out what the ledger waits for, and log that it did; how many payments were ended."""
    provider = node.outside.provider
    if provider is None:
        return 0
    with node.view() as view:
        waiting = [
            one
            for event in view.events()
            for one in view.each(Payment, event)
            if one.provider == node.outside.provider_name
        ]
    if not waiting:
        return 0
    with ThreadPoolExecutor(_SIDE_BY_SIDE, "collect") as pool:
        made = [raw for raw in pool.map(lambda one: _taken(node, provider, one), waiting[:_MOST_AT_ONCE]) if raw]
    with fault_as_error():
        answers = node.ledger.submit(made).result()
    # A refusal means that somebody else has logged it since: nothing is left to do.
    return sum(isinstance(answer, Outcome) for answer in answers)


def _begun(node: Node, price: Price, payer: Payer) -> Purchase:
    now = node.seconds

    def choose(tries: list[Purchase]) -> Purchase:
        for one in tries:
            same = one.bill.amount == price.amount and (one.receipt or one.bill.authorisation == payer.authorisation)
            if one.state in {"signed", "logged"} or (one.state in {"asked", "held"} and same):
                return one
        reference = f"{price.reference}-{len(tries) + 1}" if tries else price.reference
        until = now + HOLD_FOR
        bill = Hold(reference, price.event, price.amount, price.currency, payer.authorisation, until, payer.party)
        return Purchase(bill, price.subject, price.buyer, now + SIGN_WITHIN)

    return node.market.begin(price.subject, price.buyer, choose)


def _give_back(node: Node, one: Purchase) -> None:
    """The money of a purchase that came to nothing. Where no receipt is known the hold is asked for once more, because
    a request that is still on its way must not take effect after this.
    """
    provider = provider_of(node)
    if not one.receipt and isinstance(provider.do(one.bill), Declined):
        node.market.end(one.bill.reference, "declined")
        return
    answer = provider.do(_release(one.bill.event, one.bill.reference))
    if isinstance(answer, Declined):
        log.warning("hold not released", reference=one.bill.reference, event_id=one.bill.event, code=answer.code)
    node.market.end(one.bill.reference, "released")


def _taken(node: Node, provider: WalletProvider, one: Payment) -> bytes | None:
    """The entry that ends a payment, or None if nobody knows yet."""
    try:
        answer = provider.do(_capture(one))
        if isinstance(answer, Declined):
            log.error("capture declined", event_id=one.event, reference=one.payment, code=answer.code)
            answer = provider.do(_release(one.event, one.payment))
    except ProviderError as error:
        log.warning("capture later", event_id=one.event, reference=one.payment, problem=str(error))
        return None
    if not isinstance(answer, Money):
        return None
    body = CapturePayment(answer.raw) if answer.kind == "capture" else ReleasePayment(answer.raw)
    return body.seal(one.event, node.seconds, node.keys.node)


def _capture(one: Payment) -> Capture:
    shares = tuple(Share(*share) for share in one.shares)
    return Capture(f"{one.payment}.capture", one.event, one.payment, shares)


def _release(event: str, of: str) -> Release:
    return Release(f"{of}.release", event, of)


def _try(node: Node, one: Purchase, step: Callable[[Node, Purchase], object]) -> bool:
    try:
        step(node, one)
    except (ProviderError, ServiceError) as error:
        log.warning("purchase not settled", reference=one.bill.reference, event_id=one.bill.event, problem=str(error))
        return False
    return True


def _known(node: Node, one: Purchase) -> Purchase:
    known = node.market.purchase(one.bill.reference)
    assert known is not None, "purchases are never deleted"
    return known


def _too_late() -> ServiceError:
    return ServiceError("too-late", "this payment was given up, or used for something else: begin again", 409)
