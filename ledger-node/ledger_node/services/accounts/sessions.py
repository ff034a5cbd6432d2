"""Sessions of accounts: a random token that is kept only as a hash, good for a working day and while it is used.

The cookie that carries it, and what a role may do, are the web's.
"""

import base64
from dataclasses import dataclass

from ledger_node.services.accounts.roles import State, Way
from ledger_node.services.accounts.tables import Account, SessionRow, token_digest
from ledger_node.services.errors import ServiceError
from ledger_node.services.node import Node
from ledger_node.services.trail import Actor

LIFE = 12 * 3_600
IDLE = 30 * 60
_TOUCH = 60
_TOKEN_BYTES = 32


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who has signed in: which account, in which way, in which of its sessions, from where just now."""

    account: Account
    way: Way
    number: int
    origin: str

    @property
    def actor(self) -> Actor:
        """As the audit trail names them."""
        return Actor(self.account.account, self.origin)


def new_token(node: Node, size: int = _TOKEN_BYTES) -> str:
    """Random, as text that fits a link or a cookie."""
    return base64.urlsafe_b64encode(node.draw(size)).decode().rstrip("=")


def open_session(node: Node, account: str, way: Way, origin: str) -> str:
    """A new session; its token, which is nowhere else. Part of the caller's transaction."""
    token = new_token(node)
    node.accounts.end_sessions(node.seconds - LIFE, node.seconds - IDLE)
    node.accounts.add_session(token_digest(token), account, way, node.seconds, origin)
    return token


def find_session(node: Node, token: str, origin: str) -> Session | None:
    """The session, if it is still good; from now on it counts as used."""
    row = node.accounts.session(token_digest(token))
    if row is None or not _good(row, node.seconds):
        return None
    account = node.accounts.account(row.account)
    if account is None or account.state is not State.ACTIVE:
        return None
    if node.seconds - row.seen >= _TOUCH:
        node.accounts.touch(row.number, node.seconds)
    return Session(account, row.way, row.number, origin)


def list_sessions(node: Node, account: str) -> list[SessionRow]:
    """An account's sessions that are still good."""
    return [row for row in node.accounts.sessions(account) if _good(row, node.seconds)]


def end_session(node: Node, session: Session, number: int) -> None:
    """End a session of one's own: this one (signing out) or another."""
    with node.accounts.database.transaction():
        if not node.accounts.end_session(session.account.account, number):
            raise ServiceError("unknown-session", f"you have no session {number}", 404)
        node.trail.add(node.seconds, session.actor, "session.end", session.account.account, {"session": number})


def _good(row: SessionRow, now: int) -> bool:
    return now < row.since + LIFE and now < row.seen + IDLE
