"""Letters to people: written down with what they say in the vault, sent when somebody has time, tried again when it
fails. A letter may arrive twice, never say two things. What it looks like is the messenger's business.
"""

import json
from collections.abc import Mapping

import structlog

from ledger_node import spelling
from ledger_node.adapters.delivery import DeliveryError
from ledger_node.services.errors import ServiceError
from ledger_node.services.market_book import LetterRow
from ledger_node.services.messenger import NotSentError
from ledger_node.services.node import Node
from ledger_node.services.still_on import require_on

MOST_TRIES = 12
_FIRST_PAUSE = 30
_LONGEST_PAUSE = 3_600
_MOST_AT_ONCE = 100
_MOST_ADDRESS = 320
log = structlog.get_logger()


def write_letter(
    node: Node, letter: str, event: str, person: str, template: str, values: Mapping[str, str], subject: bytes = b""
) -> LetterRow:
    """What the letter says is durable when this returns; it goes out once its row is in the book (`market.invited`).

    `letter` is an id of 1 to 64 small letters, digits or hyphens; the same id again says the same letter.
    """
    node.vault.change(person, {f"letter:{letter}": json.dumps(dict(values), ensure_ascii=False)}, [event])
    return LetterRow(letter, event, person, template, subject, node.seconds)


def deliver(node: Node) -> int:
    """Send what is due; how many went out. Nothing is lost if it cannot be sent now."""
    if node.outside.messenger is None:
        return 0
    due = node.market.letters_due(node.seconds, _MOST_AT_ONCE)
    return sum(_deliver(node, one) for one in due)


def contact_of(phone: str | None, email: str | None) -> dict[str, str]:
    """Both as the vault keeps them. Raises ServiceError "no-contact" for neither, or for one that cannot be one."""
    made: dict[str, str] = {}
    for name, value, read in (("phone", phone, spelling.phone), ("email", email, spelling.mail)):
        if value:
            good = read(value) if len(value) <= _MOST_ADDRESS else None
            if good is None:
                raise ServiceError("no-contact", f"this {name} cannot be written to", 422)
            made[name] = good
    if not made:
        raise ServiceError("no-contact", "give a phone number or an e-mail address", 422)
    return made


def _deliver(node: Node, one: LetterRow) -> bool:
    assert node.outside.messenger is not None, "it was asked for"
    try:
        require_on(node, one.event)
        values = json.loads(node.vault.read(one.person)[f"letter:{one.letter}"])
        node.outside.messenger.send(node.vault.contact(one.person), one.template, values, one.letter)
    except (KeyError, ServiceError, NotSentError) as error:
        # The event does not take place, the person is forgotten, or no address will ever take it.
        reason = "nothing is kept of it" if isinstance(error, KeyError) else str(error)
        log.warning("letter dropped", letter=one.letter, event_id=one.event, problem=reason)
        _done(node, one, "dropped")
        return False
    except DeliveryError as error:
        _put_off(node, one, str(error))
        return False
    _done(node, one, "sent")
    return True


def _put_off(node: Node, one: LetterRow, problem: str) -> None:
    log.warning("letter not sent", letter=one.letter, event_id=one.event, tries=one.tries + 1, problem=problem)
    if one.tries + 1 >= MOST_TRIES:
        _done(node, one, "dropped")
    else:
        pause = min(_FIRST_PAUSE * 2**one.tries, _LONGEST_PAUSE)
        node.market.letter_tried(one.letter, "waiting", node.seconds + pause)


def _done(node: Node, one: LetterRow, state: str) -> None:
    node.market.letter_tried(one.letter, state, node.seconds)
    node.vault.drop(one.person, f"letter:{one.letter}")
