"""The organisations that the market leans on: the wallet provider, who moves money and knows people, and whoever
delivers letters (`messenger`). What stands behind them is chosen where the program is put together; no network here.
"""

from dataclasses import dataclass, field
from typing import Protocol

from ledger_node.adapters.provider import Declined
from ledger_node.adapters.provider_orders import Attest, Transaction
from ledger_node.contract.provider import Attestation, Money
from ledger_node.services.messenger import Messenger


class WalletProvider(Protocol):
    """Any thread may call. A reference counts once: what was answered to it is answered again, so asking twice is safe.

    Both methods raise ProviderError (adapters) when nobody can say what became of the order: send the same one again.
    """

    def do(self, order: Transaction) -> Money | Declined:
        """Move money; what is answered is durable on the provider's side."""

    def attest(self, order: Attest) -> Attestation | Declined:
        """Say who has a key, without a name."""


@dataclass(frozen=True, slots=True)
class Outside:
    """Whom this node works with. None = nobody: what needs them is refused with a sentence that says so.

    `provider_name` is the provider's on its receipts, and the ledger's actor. `feed_secrets` sign the ticketing
    system's webhooks. `consent` is the provider's page on which people say yes to a payment, or nothing. `box_office`
    is a link by which holders reach people, or nothing.
    """

    provider: WalletProvider | None = None
    provider_name: str = ""
    messenger: Messenger | None = None
    feed_secrets: tuple[bytes, ...] = field(default=(), repr=False)
    consent: str = ""
    box_office: str = ""


NOBODY = Outside()
