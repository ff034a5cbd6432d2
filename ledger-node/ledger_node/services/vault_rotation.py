"""Changing the vault key: everything that it locks is moved under a new one, and the old one is destroyed at the end.

Crash-safe: both keys are there until nothing needs the old one, and what reads tries both; so a node that dies in
between goes on working, and the change is gone on with by asking again. Done in steps, so that it can be watched and
nobody waits for it. People's own keys stay as they are: they are wrapped anew.
"""

from dataclasses import dataclass

from ledger_node import vault_key
from ledger_node.home_folder import HomeError
from ledger_node.services.errors import ServiceError
from ledger_node.services.node import Node
from ledger_node.services.trail import Actor

PEOPLE_A_STEP = 200


@dataclass(frozen=True, slots=True)
class Step:
    """How far it has come: go on after this person ("" = done), of so many people. `destroyed`: the old key was in the
    node's own folder, and is gone.
    """

    after: str
    people: int
    destroyed: bool = False


def step(node: Node, after: str, by: Actor) -> Step:
    """One more step of a change, or the first one of a new change for after "". Raises ServiceError."""
    if not node.vault.locker.changing:
        if after:
            raise ServiceError("no-rotation", "the vault key is not being changed: begin from the start", 409)
        _begin(node, by)
    last = node.vault.rewrap(after, PEOPLE_A_STEP)
    people = node.vault.count()
    return Step(last, people) if last else Step("", people, _finish(node, by))


def _begin(node: Node, by: Actor) -> None:
    node.trail.add(node.seconds, by, "vault.rotate", "")
    try:
        node.vault.locker.change(vault_key.begin(node.home / "keys", node.draw))
    except HomeError as error:
        raise ServiceError("home", str(error), 503) from error


def _finish(node: Node, by: Actor) -> bool:
    if not node.vault.rewrapped():
        raise ServiceError("not-all", "not everybody is under the new key yet: give the command again", 409)
    node.accounts.relock()
    node.vault.scrub()
    try:
        destroyed = vault_key.end(node.home / "keys")
    except HomeError as error:
        raise ServiceError("home", str(error), 503) from error
    node.vault.locker.changed()
    node.trail.add(node.seconds, by, "vault.rotated", "")
    return destroyed
