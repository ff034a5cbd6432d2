"""The line for recalls: what is given up is on disk before the node hears of it, and said again if it was not heard."""

from collections.abc import Sequence

import pytest

from scanner.errors import JournalError, SyncError
from scanner.sync.answers import Problem, RecallAnswer
from scanner.sync.recalls import RecallLine


class Node:
    """Calls these back in turn, and keeps what it is told; an exception is raised in place of an answer."""

    def __init__(self, *answers: RecallAnswer | Problem | Exception) -> None:
        self.answers = list(answers)
        self.told: list[tuple[list[int], list[int]]] = []

    def recalls(self, given: Sequence[int], kept: Sequence[int], wait: int) -> RecallAnswer | Problem:
        assert wait > 0
        self.told.append((list(given), list(kept)))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


class Journal:
    """Has spent 5."""

    def __init__(self) -> None:
        self.given: list[int] = []

    def give_up(self, tickets: Sequence[int]) -> list[int]:
        if 13 in tickets:
            raise JournalError("the disk is full")
        given = [ticket for ticket in tickets if ticket != 5]
        self.given += given
        return given


def line(*answers: RecallAnswer | Problem | Exception) -> tuple[RecallLine, Node, Journal]:
    node, journal = Node(*answers), Journal()
    return RecallLine(node, journal, lambda: 0.0), node, journal


CALLED, NOTHING = RecallAnswer(tickets=(5, 6)), RecallAnswer(tickets=())


def test_what_is_called_back_is_answered_with_the_next_poll() -> None:
    made, node, journal = line(CALLED, NOTHING, NOTHING)
    for _ in range(3):
        made.step()
    assert journal.given == [6]
    assert node.told == [([], []), ([6], [5]), ([], [])]


def test_an_answer_that_was_not_heard_is_given_again() -> None:
    made, node, _ = line(CALLED, SyncError("cut"), NOTHING)
    made.step()
    with pytest.raises(SyncError):
        made.step()
    made.step()
    assert node.told[1:] == [([6], [5]), ([6], [5])]


def test_what_the_disk_did_not_take_is_not_said_to_be_given_up() -> None:
    made, node, _ = line(RecallAnswer(tickets=(13,)), NOTHING)
    with pytest.raises(JournalError):
        made.step()
    made.step()
    assert node.told[1] == ([], [])


def test_a_node_without_recalls_is_a_refusal_with_its_sentence() -> None:
    made, _, _ = line(Problem(status=404, code="not-found", detail="no such path"))
    with pytest.raises(SyncError, match="404 not-found"):
        made.step()
