"""Who has an account: inviting, letting somebody in again who lost their keys, revoking, listing.

An invitation is a link with 128 random bits, good once and for three days; only its hash is kept. Recovery takes
everything away by which the account could sign in. Another operator may do that much; the link that lets its person in
again is made at the console alone, so that no operator can become somebody else.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from ledger_node import spelling
from ledger_node.services.accounts.roles import Role, State
from ledger_node.services.accounts.sessions import new_token
from ledger_node.services.accounts.tables import Account, token_digest
from ledger_node.services.errors import ServiceError
from ledger_node.services.node import Node
from ledger_node.services.trail import CONSOLE, Actor

INVITATION_LIFE = 3 * 86_400
AT_THE_CONSOLE = "`ledger-node accounts recover` on the node's machine prints the link for its person"
_JOINED = "account.join"
_TOKEN_BYTES = 16
_NAME = re.compile(r"[^\W_](?:[\w .&'()-]{0,62}[\w.)])?")


@dataclass(frozen=True, slots=True)
class Invitation:
    """What is shown once: whoever has the token sets up the account. `expires` in unix seconds."""

    account: str
    token: str
    expires: int

    @property
    def path(self) -> str:
        """The page. The token is behind #, so that it reaches no server's log."""
        return f"/account/join#{self.token}"


def invite(node: Node, role: Role, name: str, organisation: str, by: Actor) -> Invitation:
    """An invitation to a new account, or a new one to an account that nobody has set up yet."""
    for text in (name, organisation or "none"):
        if not _NAME.fullmatch(text):
            raise ServiceError("bad-name", f"{text!r} is not a name of 1 to 64 letters, digits, spaces and .&'()-")
    if role in {Role.SPONSOR, Role.ORGANISER} and not organisation:
        raise ServiceError("no-organisation", f"say for which organisation this {role} acts")
    with node.accounts.database.transaction():
        known = node.accounts.named(name)
        _must_not_look_like_another(node, name)
        if known is not None and known.state is not State.INVITED:
            raise ServiceError("account-exists", f"there is an account {name!r} already ({known.state})", 409)
        if known is not None and by.who != CONSOLE and node.trail.tells(_JOINED, known.account):
            raise ServiceError("account-exists", f"{name!r} is being recovered: {AT_THE_CONSOLE}", 409)
        account = known.account if known else node.draw(8).hex()
        node.accounts.put_account(Account(account, role, name, organisation, State.INVITED, node.seconds))
        # The trail is for good, so it has no names: the account's id leads to it, for as long as it is kept.
        detail = {"role": role.value, "organisation": organisation}
        return _invitation(node, account, by, "account.invite", detail)


def recover(node: Node, account: str) -> Invitation:
    """Everything by which the account could sign in is gone, and here is an invitation to set it up anew. For the
    console.
    """
    with node.accounts.database.transaction():
        known = _shut(node, account, Actor(CONSOLE))
        return _invitation(node, known.account, Actor(CONSOLE), "account.recover", {})


def close(node: Node, account: str, by: Actor) -> Account:
    """Everything by which the account could sign in is gone; it waits for an invitation from the console."""
    with node.accounts.database.transaction():
        known = _shut(node, account, by)
        node.trail.add(node.seconds, by, "account.close", known.account)
        return known


def revoke(node: Node, account: str, by: Actor) -> None:
    """The account can never sign in again; its sessions end now."""
    with node.accounts.database.transaction():
        known = find(node, account)
        node.accounts.strip(known.account)
        node.accounts.put_account(replace(known, state=State.REVOKED))
        node.trail.add(node.seconds, by, "account.revoke", known.account)


def find(node: Node, account: str) -> Account:
    """By id or name. Raises ServiceError "unknown-account"."""
    found = node.accounts.account(account) or node.accounts.named(account)
    if found is None:
        raise ServiceError("unknown-account", f"there is no account {account!r}: see `ledger-node accounts list`", 404)
    return found


def _shut(node: Node, account: str, by: Actor) -> Account:
    known = find(node, account)
    if known.account == by.who:
        raise ServiceError("not-your-own", "another operator has to do this for you", 403)
    if known.state is State.REVOKED:
        raise ServiceError("account-revoked", f"{known.name} was revoked: invite them under another name", 409)
    node.accounts.strip(known.account)
    node.accounts.put_account(replace(known, state=State.INVITED))
    return known


def _must_not_look_like_another(node: Node, name: str) -> None:
    for one in node.accounts.accounts():
        if one.name != name and spelling.as_read(one.name) == spelling.as_read(name):
            sentence = f"{name!r} is read like {one.name!r}, which is another account ({one.state}): take another name"
            raise ServiceError("account-exists", sentence, 409)


def _invitation(node: Node, account: str, by: Actor, what: str, detail: Mapping[str, object]) -> Invitation:
    made = Invitation(account, new_token(node, _TOKEN_BYTES), node.seconds + INVITATION_LIFE)
    node.accounts.add_invitation(token_digest(made.token), account, made.expires)
    node.trail.add(node.seconds, by, what, account, detail)
    return made
