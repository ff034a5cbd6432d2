"""Rules for an event's course: its policies, a postponement, its end, and the keys that sign certificates for it."""

from typing import Any

from ledger_node.contract import expressions
from ledger_node.contract.bodies_house import PostponeEvent, RotateKeys, SetPolicy
from ledger_node.contract.certificate_keys import spent
from ledger_node.contract.facts import PolicyVersion, Standing
from ledger_node.contract.outcome import Rejected
from ledger_node.contract.policy import TicketPolicy
from ledger_node.contract.refusals import Refusal
from ledger_node.contract.ruleset import OVERTAKING, rules_of
from ledger_node.contract.scene import Scene, open_scene, scene_of
from ledger_node.contract.state import State
from ledger_node.contract.values import but
from scanner.verify.entry import Entry, Malformed
from scanner.verify.manifest import EventManifest


def set_policy(state: State, position: int, entry: Entry, at: int) -> Rejected | None:
    """policy.set: the next version, from now or later. Deals that were made before keep the policy of then.

    Of the versions whose time has come the newest counts, so one that waits and is overtaken never does. By the first
    rules nothing counted before what was set earlier, and an urgent change had to wait for the one that waited.
    """
    act = SetPolicy.of(entry)
    scene = open_scene(state, entry.event)
    if isinstance(scene, Rejected):
        return scene
    if act.version != scene.books.policy + 1:
        return Rejected(Refusal.WRONG_VERSION, f"{act.version}, not {scene.books.policy + 1}")
    policy = TicketPolicy.from_map(act.policy)
    wrong = policy.reason if isinstance(policy, Malformed) else _policy_fault(scene, policy)
    if wrong is not None or isinstance(policy, Malformed):
        return Rejected(Refusal.BAD_POLICY, wrong or "")
    before = state.find(PolicyVersion, entry.event, scene.books.policy)
    waits = before is not None and rules_of(state, entry.event) < OVERTAKING
    earliest = max(at, before.effective) if before and waits else at
    if act.effective < earliest:
        return Rejected(Refusal.POLICY_REACHES_BACK, f"{act.effective} < {earliest}")
    state.put(PolicyVersion(entry.event, act.version, act.effective, policy, position))
    state.put(but(scene.books, policy=act.version))
    return None


def postpone(state: State, position: int, entry: Entry, at: int) -> Rejected | None:
    """event.postpone: other times, in the next version of the manifest, so that every gate learns of them."""
    act = PostponeEvent.of(entry)
    scene = open_scene(state, entry.event)
    if isinstance(scene, Rejected):
        return scene
    if not at < act.doors <= act.starts:
        return Rejected(Refusal.BAD_TIMES, f"doors {act.doors}, start {act.starts}, now {at}")
    return _put_manifest(state, position, scene, {"doors": act.doors, "starts": act.starts})


def cancel(state: State, position: int, entry: Entry, at: int) -> Rejected | None:
    """event.cancel: what follows are refunds."""
    return _end(state, position, entry, at, "cancelled")


def close(state: State, position: int, entry: Entry, at: int) -> Rejected | None:
    """event.close: the end of an event that took place."""
    return _end(state, position, entry, at, "closed")


def rotate_keys(state: State, position: int, entry: Entry, _at: int) -> Rejected | None:
    """key.rotate: the certificate keys, in the next version of the manifest (`certificate_keys`); one that is left out
    is trusted no more.
    """
    act = RotateKeys.of(entry)
    scene = scene_of(state, entry.event)
    if isinstance(scene, Rejected):
        return scene
    if not all(isinstance(item, list) and len(item) == 3 for item in act.keys):
        return Rejected(Refusal.MALFORMED_BODY, "a key is kid, public key, retired")
    keys = [{"kid": kid, "public_key": key, "retired": retired} for kid, key, retired in act.keys]
    return _put_manifest(state, position, scene, {"keys": keys})


def _end(state: State, position: int, entry: Entry, _at: int, standing: Standing) -> Rejected | None:
    scene = open_scene(state, entry.event)
    if isinstance(scene, Rejected):
        return scene
    state.put(but(scene.books, standing=standing))
    state.put_event(entry.event, but(scene.event, changed=position))
    return None


def _put_manifest(state: State, position: int, scene: Scene, changes: dict[str, Any]) -> Rejected | None:
    old = scene.event.manifest
    new = EventManifest.from_map({**old.to_map(), **changes, "version": old.version + 1})
    if isinstance(new, Malformed):
        return Rejected(Refusal.BAD_MANIFEST, new.reason)
    reused = spent(old.keys, new.keys)
    if reused:
        return reused
    state.put_event(old.event, but(scene.event, manifest=new, changed=position))
    return None


def _policy_fault(scene: Scene, policy: TicketPolicy) -> str | None:
    if policy.capacity < scene.event.issued:
        return f"{scene.event.issued} tickets are issued, and it licenses {policy.capacity}"
    if policy.opens and policy.opens >= scene.event.manifest.doors - policy.freezes:
        return "tickets freeze before they may change hands"
    if policy.rules and not policy.engine == expressions.ENGINE == expressions.engine():
        return f"its rules are for {policy.engine}, and this ledger's engine is {expressions.ENGINE}"
    for act, text in policy.rules.items():
        wrong = expressions.fault(text)
        if wrong is not None:
            return f"rule for {act}: {wrong}"
    return None
