"""What an operator can have done about people, by name, with plain values in and out: accounts, the vault, links.

Part of `operations`. Every act but looking is in the audit trail as one of the console's.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from ledger_node.services import activation, links, lost_phones, personal, vault_rotation
from ledger_node.services.accounts import staff
from ledger_node.services.accounts.roles import Role
from ledger_node.services.accounts.site import site_of
from ledger_node.services.errors import ServiceError
from ledger_node.services.node import Node
from ledger_node.services.trail import CONSOLE, Actor

_BY = Actor(CONSOLE)
Values = Mapping[str, Any]


def _invite(node: Node, values: Values) -> Any:
    made = staff.invite(node, Role(values["role"]), str(values["name"]), str(values.get("organisation", "")), _BY)
    return _invitation(node, made)


def _list_accounts(node: Node, _values: Values) -> Any:
    return [asdict(one) for one in node.accounts.accounts()]


def _recover(node: Node, values: Values) -> Any:
    return _invitation(node, staff.recover(node, str(values["account"])))


def _revoke(node: Node, values: Values) -> Any:
    staff.revoke(node, str(values["account"]), _BY)
    return {"account": values["account"], "revoked": True}


def _trail(node: Node, values: Values) -> Any:
    acts = node.trail.acts(int(values.get("after", 0)), int(values.get("most", 1_000)))
    head = node.trail.head()
    shown = {"n": head.n, "hash": head.hash.hex(), "signature": head.signature.hex()}
    return {"problem": node.trail.check(), "head": shown, "acts": [asdict(act) for act in acts]}


def _find(node: Node, values: Values) -> Any:
    return personal.find(node, str(values["field"]), str(values["value"]))


def _export(node: Node, values: Values) -> Any:
    return personal.export(node, str(values["person"]), _BY)


def _forget(node: Node, values: Values) -> Any:
    personal.forget(node, str(values["person"]), _BY)
    return {"person": values["person"], "forgotten": True}


def _expire(node: Node, values: Values) -> Any:
    before = int(values["before"])
    if before > node.seconds:
        raise ServiceError("future", "the date is in the future: nobody's events are over by then", 400)
    return {"forgotten": personal.expire(node, before, _BY)}


def _rotate(node: Node, values: Values) -> Any:
    return asdict(vault_rotation.step(node, str(values.get("after", "")), _BY))


def _links(node: Node, values: Values) -> Any:
    return [activation.link_map(node, link) for link in activation.of_event(node, str(values["event"]))]


def _unlock(node: Node, values: Values) -> Any:
    activation.unlock(node, str(values["link"]), _BY)
    return {"link": values["link"], "unlocked": True}


def _renew(node: Node, values: Values) -> Any:
    if values.get("print"):
        made = activation.renew(node, str(values["link"]), _BY)
        return {"link": made.link, "url": site_of(node).link(made.path), "expires": made.expires}
    made = links.renew(node, str(values["link"]), _BY)
    return {"link": made.link, "expires": made.expires}


def _replace(node: Node, values: Values) -> Any:
    asked = str(values["question"]), str(values["answer"])
    made = lost_phones.replace_phone(node, str(values["link"]), *asked, _BY)
    return {"link": made.link, "url": site_of(node).link(made.path), "expires": made.expires}


def _revoke_link(node: Node, values: Values) -> Any:
    activation.revoke(node, str(values["link"]), _BY)
    return {"link": values["link"], "revoked": True}


PEOPLE: Mapping[str, Callable[[Node, Values], Any]] = {
    "accounts-invite": _invite,
    "accounts-list": _list_accounts,
    "accounts-recover": _recover,
    "accounts-revoke": _revoke,
    "accounts-trail": _trail,
    "vault-find": _find,
    "vault-export": _export,
    "vault-forget": _forget,
    "vault-expire": _expire,
    "vault-rotate": _rotate,
    "activations-list": _links,
    "activations-unlock": _unlock,
    "activations-renew": _renew,
    "activations-replace": _replace,
    "activations-revoke": _revoke_link,
}


def _invitation(node: Node, made: staff.Invitation) -> Any:
    return {"account": made.account, "link": site_of(node).link(made.path), "expires": made.expires}
