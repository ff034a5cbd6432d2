"""Rules for sponsors: an allotment of unsold tickets, guests, and the recall of what nobody has claimed."""

from ledger_node.contract.actors import actor_by_key, actor_in_role
from ledger_node.contract.bodies_market import AllotTickets, GrantTickets, RecallTickets
from ledger_node.contract.facts import Title
from ledger_node.contract.items import pairs_of
from ledger_node.contract.outcome import Rejected
from ledger_node.contract.policy import BASIS_POINTS
from ledger_node.contract.refusals import Refusal
from ledger_node.contract.scene import Seen, is_free, licensed, look_up, open_scene, policy_at
from ledger_node.contract.state import State
from ledger_node.contract.values import but
from scanner.verify.entry import Entry
from scanner.verify.keys import NO_KEY
from scanner.verify.row import ACTIVE


def allot(state: State, position: int, entry: Entry, at: int) -> Rejected | None:
    """sponsor.allot: free tickets, all or none; all sponsors together never have more than the policy's share."""
    act = AllotTickets.of(entry)
    scene = open_scene(state, entry.event)
    if isinstance(scene, Rejected):
        return scene
    if actor_in_role(state, entry.event, act.sponsor, "sponsor") is None:
        return Rejected(Refusal.UNKNOWN_ACTOR, act.sponsor)
    allotted = scene.books.allotted + len(act.tickets)
    if allotted * BASIS_POINTS > policy_at(state, scene, at).sponsor_share * licensed(state, scene, at):
        return Rejected(Refusal.OVER_SHARE, f"{allotted} tickets")
    titles: list[Title] = []
    for index in act.tickets:
        seen = look_up(state, entry.event, index)
        if isinstance(seen, Rejected):
            return seen
        if not is_free(seen, at):
            return Rejected(Refusal.SEAT_TAKEN, seen.label)
        titles.append(but(seen.title, place="sponsor", ref=b"", until=0, sponsor=act.sponsor, changed=position))
    state.put(but(scene.books, allotted=allotted))
    for title in titles:
        state.put(title)
    return None


def grant(state: State, position: int, entry: Entry, _at: int) -> Rejected | None:
    """sponsor.grant: tickets of the signer's own allotment, all or none, each for a guest who is to activate it."""
    act = GrantTickets.of(entry)
    scene = open_scene(state, entry.event)
    if isinstance(scene, Rejected):
        return scene
    sponsor, pairs = actor_by_key(state, entry.event, entry.actor), pairs_of(act.items)
    if sponsor is None or pairs is None:
        return Rejected(Refusal.MALFORMED_BODY, "an item is ticket, commitment, each ticket once")
    given: list[Title] = []
    for index, commitment in pairs:
        seen = look_up(state, entry.event, index)
        if isinstance(seen, Rejected):
            return seen
        if seen.title.place != "sponsor" or seen.title.sponsor != sponsor.actor or seen.ticket.row.state != ACTIVE:
            return Rejected(Refusal.NOT_ALLOTTED, seen.label)
        given.append(but(seen.title, place="person", commitment=commitment, changed=position))
    for title in given:
        state.put(title)
    return None


def recall(state: State, position: int, entry: Entry, _at: int) -> Rejected | None:
    """sponsor.recall: a sponsor takes an unclaimed grant back into the allotment; the house takes tickets that nobody
    has claimed, granted or not, out of it. All or none.
    """
    act = RecallTickets.of(entry)
    scene = open_scene(state, entry.event)
    if isinstance(scene, Rejected):
        return scene
    actor = actor_by_key(state, entry.event, entry.actor)
    sponsor = actor.actor if actor and actor.role == "sponsor" else None
    titles: list[Title] = []
    for index in act.tickets:
        seen = look_up(state, entry.event, index)
        if isinstance(seen, Rejected):
            return seen
        if not _recallable(seen, sponsor):
            return Rejected(Refusal.NOT_ALLOTTED, seen.label)
        titles.append(but(seen.title, place="sponsor", commitment=b"", changed=position))
    if sponsor is None:
        titles = [but(title, place="house", sponsor="") for title in titles]
        state.put(but(scene.books, allotted=scene.books.allotted - len(titles)))
    for title in titles:
        state.put(title)
    return None


def _recallable(seen: Seen, sponsor: str | None) -> bool:
    title = seen.title
    if not title.sponsor or seen.ticket.row.holder_key != NO_KEY:
        return False
    return title.place == "person" and title.sponsor == sponsor if sponsor else title.place in {"person", "sponsor"}
