"""One person is one scan: held codes, next steps, crowds, posters."""

from itertools import pairwise

import pytest

from scanner.camera.debounce import Debounce, NotATicket, Scan, TwoTickets

FRAME = 1 / 30


def identify(text: str) -> str | None:
    """A gate code of these tests is "T1|T2 <ticket> <step>"."""
    return text.split()[1] if text.startswith(("T1 ", "T2 ")) else None


@pytest.fixture
def debounce() -> Debounce:
    return Debounce(identify)


def shown(debounce: Debounce, texts: list[str], start: float, seconds: float) -> list[object]:
    frames = round(seconds / FRAME)
    answers = (debounce.see(texts, start + n * FRAME) for n in range(frames))
    return [answer for answer in answers if answer is not None]


def test_code_held_in_view_is_one_scan(debounce: Debounce) -> None:
    assert shown(debounce, ["T1 7 100"], 0.0, 8.0) == [Scan("T1 7 100")]


def test_next_time_step_is_the_same_person(debounce: Debounce) -> None:
    shown(debounce, ["T1 7 100"], 0.0, 2.0)
    assert shown(debounce, ["T1 7 101"], 2.0, 2.0) == []


def test_next_person_is_scanned_at_once(debounce: Debounce) -> None:
    shown(debounce, ["T1 7 100"], 0.0, 1.0)
    assert debounce.see(["T1 8 100"], 1.5) == Scan("T1 8 100")


def test_code_missed_for_a_second_is_still_held(debounce: Debounce) -> None:
    shown(debounce, ["T1 7 100"], 0.0, 1.0)
    assert shown(debounce, ["T1 7 100"], 2.0, 1.0) == []


def test_code_shown_anew_is_a_new_scan(debounce: Debounce) -> None:
    shown(debounce, ["T1 7 100"], 0.0, 1.0)
    assert debounce.see(["T1 7 100"], 3.0) == Scan("T1 7 100")


def test_not_passed_lets_the_same_code_try_again(debounce: Debounce) -> None:
    shown(debounce, ["T1 7 100"], 0.0, 1.0)
    debounce.forget()
    assert debounce.see(["T1 7 100"], 1.1) == Scan("T1 7 100")


def test_the_code_that_was_asked_for_is_scanned_though_its_ticket_never_left_the_view(debounce: Debounce) -> None:
    shown(debounce, ["T1 7 93"], 0.0, 2.0)
    debounce.expect_next("T1 7 93")
    assert shown(debounce, ["T1 7 93"], 2.0, 10.0) == []
    assert shown(debounce, ["T1 7 100"], 12.0, 5.0) == [Scan("T1 7 100")]
    assert shown(debounce, ["T1 7 101"], 17.0, 5.0) == []


def test_a_film_of_old_codes_is_asked_about_no_more_often_than_codes_that_are_taken_away(debounce: Debounce) -> None:
    asked = []
    for n in range(round(6.0 / FRAME)):
        if (scan := debounce.see([f"T1 7 {n}"], n * FRAME)) is not None:
            asked.append(n * FRAME)
            debounce.expect_next(scan.text)
    assert len(asked) == 4
    assert all(later - sooner >= debounce.rearm for sooner, later in pairwise(asked))


def test_full_code_after_compact_is_a_new_scan(debounce: Debounce) -> None:
    shown(debounce, ["T1 7 100"], 0.0, 1.0)
    assert shown(debounce, ["T2 7 100"], 1.0, 1.0) == [Scan("T2 7 100")]
    assert shown(debounce, ["T1 7 101"], 2.0, 1.0) == []


def test_two_tickets_at_once_ask_for_one_at_a_time(debounce: Debounce) -> None:
    assert shown(debounce, ["T1 7 100", "T1 8 100"], 0.0, 3.0) == [TwoTickets(("T1 7 100", "T1 8 100"))]


def test_two_tickets_read_in_turn_are_still_two(debounce: Debounce) -> None:
    debounce.see(["T1 7 100"], 0.0)
    assert debounce.see(["T1 8 100"], FRAME) == TwoTickets(("T1 7 100", "T1 8 100"))


def test_the_one_who_stays_is_scanned_when_the_other_has_gone(debounce: Debounce) -> None:
    shown(debounce, ["T1 7 100", "T1 8 100"], 0.0, 1.0)
    assert shown(debounce, ["T1 8 100"], 1.0, 2.0) == [Scan("T1 8 100")]


def test_gate_code_wins_over_web_link(debounce: Debounce) -> None:
    assert shown(debounce, ["https://example.org", "T1 7 100"], 0.0, 3.0) == [Scan("T1 7 100")]


def test_web_link_alone_is_not_a_ticket(debounce: Debounce) -> None:
    assert shown(debounce, ["https://example.org"], 0.0, 5.0) == [NotATicket("https://example.org")]


def test_web_link_read_just_before_the_ticket_gives_no_red(debounce: Debounce) -> None:
    link = ["https://example.org"]
    assert shown(debounce, link, 0.0, 0.2) == []
    assert shown(debounce, [*link, "T1 7 100"], 0.2, 1.0) == [Scan("T1 7 100")]


def test_poster_behind_the_queue_is_refused_once(debounce: Debounce) -> None:
    poster = ["https://example.org"]
    seen = shown(debounce, poster, 0.0, 2.0)
    for person in range(5):
        seen += shown(debounce, [*poster, f"T1 {person} 100"], 2.0 + 2 * person, 1.0)
        seen += shown(debounce, poster, 3.0 + 2 * person, 1.0)
    assert seen == [NotATicket(poster[0]), *(Scan(f"T1 {person} 100") for person in range(5))]
