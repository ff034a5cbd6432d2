"""What arrives at the loop: events are never lost, sightings never pile up."""

import threading

from scanner.inbox import Inbox
from scanner.ports import Passage, Sighting


def sighting(number: int) -> Sighting:
    return Sighting((str(number),), number, number)


def test_an_old_frame_is_not_decided_after_a_newer_one() -> None:
    inbox: Inbox[Passage] = Inbox()
    for number in range(5):
        inbox.see(sighting(number))
    assert inbox.get(0) == sighting(4)
    assert inbox.get(0) is None


def test_hardware_comes_before_sightings_and_in_order() -> None:
    inbox: Inbox[Passage] = Inbox()
    inbox.see(sighting(1))
    inbox.put(Passage(1.0))
    inbox.put(Passage(2.0))
    assert [inbox.get(0), inbox.get(0), inbox.get(0)] == [Passage(1.0), Passage(2.0), sighting(1)]


def test_a_waiting_loop_is_woken() -> None:
    inbox: Inbox[Passage] = Inbox()
    got: list[object] = []
    waiter = threading.Thread(target=lambda: got.append(inbox.get(10)))
    waiter.start()
    inbox.put(Passage(1.0))
    waiter.join(5)
    assert got == [Passage(1.0)]
