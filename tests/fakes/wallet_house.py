"""A house whose node works with the sandbox provider, with its page of consent: what holders' phones meet outside."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

from ledger_node.adapters.provider import ProviderSettings, WalletProvider
from ledger_node.adapters.retry import Patience
from ledger_node.contract.bodies_house import RegisterActor
from tests.fakes.marketplace import EVENT
from tests.fakes.phone import House, Phone
from tests.fakes.running_provider import Desk, served_provider


@contextmanager
def with_consent(house: House, home: Path) -> Iterator[Desk]:
    """From here on the node asks the sandbox; its desk, for accounts."""
    node = house.node
    with served_provider(home) as server, closing(Desk(server.url)) as desk:
        key = bytes.fromhex(desk.do("about")["public_key"])
        desk.do("clients", public_key=node.keys.node.public.hex())
        settings = ProviderSettings(server.url, "sandbox", key, consent=f"{server.url}/sandbox/consent")
        node.commit([RegisterActor("sandbox", "provider", key).seal(EVENT, node.seconds, node.keys.node)])
        patience = Patience(lambda _: None, lambda: 0.5, tries=2)
        made = WalletProvider(settings, node.keys.node, node.now, lambda: os.urandom(8).hex(), patience)
        with closing(made) as provider:
            before = node.outside
            node.outside = replace(before, provider=provider, provider_name="sandbox", consent=settings.consent)
            try:
                yield desk
            finally:
                node.outside = before


def at_provider(phone: Phone, step: str, account: str) -> None:
    """One trip to the provider's page and back, which gives all that is wanted."""
    phone.click("#ask-identify" if step == "identify" else "#ask-pay")
    phone.click(f"button[value={account}]")
    phone.says("authorised", "main")
    assert not phone.shows("#pay_code")
    assert not phone.shows("#id_code"), "one trip gives both"


def typed(phone: Phone, **fields: str) -> None:
    for name, value in fields.items():
        phone.see(f"#{name}").clear()
        phone.see(f"#{name}").send_keys(value)
