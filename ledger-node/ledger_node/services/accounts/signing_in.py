"""How an account is set up and signed in to: with a passkey, or in the second way, with a key and a time-based code.

Every failure to sign in has the same answer, whatever was wrong: it says nothing about accounts. Wrong codes beside
the right key are counted before they are looked at, and lock the second way for a time that doubles; passkeys and keys
are not locked, because they cannot be guessed. What is wrong is counted by network address, too, by the web.
"""

import hmac
from dataclasses import dataclass, replace
from typing import Any

from ledger_node.services.accounts import codes, passkeys
from ledger_node.services.accounts.challenges import Challenges
from ledger_node.services.accounts.passkeys import Credential, Refused
from ledger_node.services.accounts.roles import State, Way
from ledger_node.services.accounts.sessions import Session, open_session
from ledger_node.services.accounts.site import NAME, Site
from ledger_node.services.accounts.tables import Account, SecondWay, second_way_use, token_digest
from ledger_node.services.errors import ServiceError
from ledger_node.services.node import Node
from ledger_node.services.trail import Actor

TRIES = 5
LOCK = 15 * 60
_LONGEST_LOCK = 24 * 3_600
_LOGIN = "login"
_KEY_BYTES = 10
_NOBODY = bytes(32)


@dataclass(frozen=True, slots=True)
class NewSecondWay:
    """Shown once: the app's secret as text and as a link, and the key that is asked for together with a code."""

    secret: str
    uri: str
    key: str


def begin_join(node: Node, site: Site, token: str) -> tuple[Account, dict[str, Any]]:
    """Who is invited, and what their browser needs to make a passkey. Raises ServiceError "invitation"."""
    account = _invited(node, token)
    return account, _creation(node, site, account, _join(token))


def finish_join(node: Node, site: Site, token: str, credential: Credential, origin: str) -> str:
    """The invitation is spent, the account has its passkey and a session; the session's token."""
    account = _invited(node, token)
    challenge, expires = _challenge(node, credential, _join(token))
    made = passkeys.check_new(site, account.account, credential, challenge)
    if isinstance(made, Refused):
        raise ServiceError("passkey", f"this passkey cannot be used ({made.why}): try again, or another device", 422)
    by = Actor(account.account, origin)
    with node.accounts.database.transaction():
        fresh = node.accounts.spend(challenge, expires, node.seconds)
        if not fresh or not node.accounts.use_invitation(token_digest(token)) or node.accounts.passkey(made.id):
            raise _not_invited()
        node.accounts.put_account(replace(account, state=State.ACTIVE))
        node.accounts.add_passkey(made, node.seconds)
        node.trail.add(node.seconds, by, "account.join", account.account)
        return open_session(node, account.account, Way.PASSKEY, origin)


def begin_passkey(node: Node, site: Site, session: Session) -> dict[str, Any]:
    """What the browser needs to make one more passkey for an account that is signed in."""
    return _creation(node, site, session.account, _more(session))


def finish_passkey(node: Node, site: Site, session: Session, credential: Credential) -> None:
    """One more passkey for the account."""
    challenge, expires = _challenge(node, credential, _more(session))
    made = passkeys.check_new(site, session.account.account, credential, challenge)
    if isinstance(made, Refused):
        raise ServiceError("passkey", f"this passkey cannot be used ({made.why}): try again, or another device", 422)
    with node.accounts.database.transaction():
        if not node.accounts.spend(challenge, expires, node.seconds) or node.accounts.passkey(made.id):
            raise ServiceError("passkey", "this passkey is there already", 409)
        node.accounts.add_passkey(made, node.seconds)
        node.trail.add(node.seconds, session.actor, "passkey.add", session.account.account)


def begin_login(node: Node, site: Site) -> dict[str, Any]:
    """What a browser needs to sign in with a passkey of this site, whosever it is."""
    return passkeys.request_options(site, _challenges(node).make(_LOGIN, node.seconds))


def finish_login(node: Node, site: Site, credential: Credential, origin: str) -> str:
    """A session of the account whose passkey signed; its token. Raises ServiceError "not-signed-in"."""
    challenge, expires = _challenge(node, credential, _LOGIN)
    passkey = node.accounts.passkey(passkeys.credential_id(credential))
    account = node.accounts.account(passkey.account) if passkey else None
    if passkey is None or account is None or account.state is not State.ACTIVE:
        raise _not_signed_in()
    count = passkeys.check_use(site, passkey, credential, challenge)
    by = Actor(account.account, origin)
    if isinstance(count, Refused):
        node.trail.add(node.seconds, by, "login.refused", account.account, {"way": Way.PASSKEY.value})
        raise _not_signed_in()
    with node.accounts.database.transaction():
        if not node.accounts.spend(challenge, expires, node.seconds):
            raise _not_signed_in()
        node.accounts.count_passkey(passkey.id, count)
        node.trail.add(node.seconds, by, "login", account.account, {"way": Way.PASSKEY.value})
        return open_session(node, account.account, Way.PASSKEY, origin)


def begin_second_way(node: Node, session: Session) -> NewSecondWay:
    """A new secret and key; they count once a first code has confirmed them."""
    account = session.account
    secret, key = node.draw(codes.SECRET_BYTES), _grouped(codes.text(node.draw(_KEY_BYTES)))
    locked = node.vault.locker.lock(secret, second_way_use(account.account))
    made = SecondWay(account.account, locked, _key_digest(key), confirmed=False, step=0, tries=0, locked_until=0)
    with node.accounts.database.transaction():
        node.accounts.put_second_way(made)
        node.trail.add(node.seconds, session.actor, "second-way.begin", account.account)
    return NewSecondWay(codes.text(secret), codes.uri(secret, account.name, NAME), key)


def finish_second_way(node: Node, session: Session, code: str) -> None:
    """The app shows the right codes: from now on they can be used to sign in."""
    account = session.account.account
    way = node.accounts.second_way(account)
    if way is None or way.confirmed:
        raise ServiceError("no-second-way", "begin with a new secret", 409)
    step = _step(node, way, code)
    if step is None:
        raise ServiceError("wrong-code", "this is not the code of now: check the phone's time and try again")
    with node.accounts.database.transaction():
        node.accounts.put_second_way(replace(way, confirmed=True, step=step))
        node.trail.add(node.seconds, session.actor, "second-way.confirm", account)


def login_by_code(node: Node, name: str, key: str, code: str, origin: str) -> str:
    """A session for whoever has the account's key and its app's code; its token. Raises ServiceError."""
    account = node.accounts.named(name)
    known = node.accounts.second_way(account.account) if account and account.state is State.ACTIVE else None
    # The key cannot be guessed: who has it not uses up no try of who has it, and writes nothing down.
    key_good = hmac.compare_digest(known.digest if known else _NOBODY, _key_digest(key))
    way = _one_try(node, account) if account and key_good else None
    if account is None or way is None:
        raise _not_signed_in()
    by = Actor(account.account, origin)
    step = _step(node, way, code)
    if step is None:
        detail = {"way": Way.CODE.value, "locked": way.locked_until > 0}
        node.trail.add(node.seconds, by, "login.refused", account.account, detail)
        raise _not_signed_in()
    with node.accounts.database.transaction():
        now = node.accounts.second_way(account.account)
        if now is None or now.digest != way.digest or now.step >= step:
            raise _not_signed_in()
        node.accounts.put_second_way(replace(way, step=step, tries=0, locked_until=0))
        node.trail.add(node.seconds, by, "login", account.account, {"way": Way.CODE.value})
        return open_session(node, account.account, Way.CODE, origin)


def _one_try(node: Node, account: Account) -> SecondWay | None:
    """The second way with one more try counted, durably; None if there is none, or if it is locked."""
    with node.accounts.database.transaction():
        way = node.accounts.second_way(account.account)
        if way is None or not way.confirmed or way.locked_until > node.seconds:
            return None
        tries = way.tries + 1
        locked = node.seconds + min(LOCK << (tries // TRIES - 1), _LONGEST_LOCK) if tries % TRIES == 0 else 0
        counted = replace(way, tries=tries, locked_until=locked)
        node.accounts.put_second_way(counted)
    return counted


def _invited(node: Node, token: str) -> Account:
    account = node.accounts.invited(token_digest(token), node.seconds)
    if account is None or account.state is not State.INVITED:
        raise _not_invited()
    return account


def _creation(node: Node, site: Site, account: Account, purpose: str) -> dict[str, Any]:
    challenge = _challenges(node).make(purpose, node.seconds)
    known = node.accounts.passkeys(account.account)
    return passkeys.creation_options(site, account.account, account.name, challenge, known)


def _challenge(node: Node, credential: Credential, purpose: str) -> tuple[bytes, int]:
    challenge = passkeys.challenge_of(credential)
    expires = _challenges(node).expiry(purpose, challenge, node.seconds)
    if expires is None:
        raise _not_signed_in()
    return challenge, expires


def _challenges(node: Node) -> Challenges:
    return Challenges(node.vault.locker.derived(b"challenges"), node.draw)


def _step(node: Node, way: SecondWay, code: str) -> int | None:
    secret = node.vault.locker.unlock(way.secret, second_way_use(way.account))
    if secret is None:
        raise ServiceError("vault", "the code secrets do not open: is keys/vault.key another?", 500)
    return codes.step_of(secret, code, node.now(), way.step)


def _key_digest(key: str) -> bytes:
    # As a person types it: 80 random bits, so a plain hash cannot be searched.
    return token_digest("".join(character for character in key.upper() if character.isalnum()))


def _grouped(text: str) -> str:
    return "-".join(text[start : start + 4] for start in range(0, len(text), 4))


def _join(token: str) -> str:
    return f"join {token_digest(token).hex()}"


def _more(session: Session) -> str:
    return f"more {session.account.account}"


def _not_invited() -> ServiceError:
    return ServiceError(
        "invitation", "this invitation is not good (used, expired, or mistyped): ask for a new one", 403
    )


def _not_signed_in() -> ServiceError:
    return ServiceError("not-signed-in", "that did not sign you in: try again, or ask an operator for a new link", 401)
