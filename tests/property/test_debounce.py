"""Whatever a camera shows, the gate is asked once for each time a ticket is held up, and never about nothing."""

from hypothesis import given
from hypothesis import strategies as st

from scanner.camera.debounce import Debounce, NotATicket, Scan, TwoTickets

REARM = 1.5
TEXTS = st.sampled_from(["T1 a 1", "T1 a 2", "T2 a 1", "T1 b 1", "T2 b 1", "T1 c 1", "link", "poster"])
FRAMES = st.lists(st.tuples(st.lists(TEXTS, max_size=3), st.floats(0.0, 2.5)), max_size=60)


def identify(text: str) -> str | None:
    return text.split()[1] if text[0] == "T" else None


def play(frames: list[tuple[list[str], float]]) -> list[tuple[float, list[str], object]]:
    debounce, now, played = Debounce(identify, rearm=REARM), 0.0, []
    for texts, wait in frames:
        now += wait
        played.append((now, texts, debounce.see(texts, now)))
    return played


@given(FRAMES)
def test_nothing_is_asked_that_was_not_shown(frames: list[tuple[list[str], float]]) -> None:
    for _, texts, answer in play(frames):
        if isinstance(answer, Scan | NotATicket):
            assert answer.text in texts


@given(FRAMES)
def test_ticket_is_scanned_only_alone_in_its_frame(frames: list[tuple[list[str], float]]) -> None:
    for _, texts, answer in play(frames):
        tickets = {identify(text) for text in texts} - {None}
        if isinstance(answer, Scan):
            assert tickets == {identify(answer.text)}
        if isinstance(answer, NotATicket):
            assert not tickets
        if isinstance(answer, TwoTickets):
            assert len({identify(text) for text in answer.texts}) > 1


@given(FRAMES)
def test_second_scan_of_a_ticket_needs_a_gap_or_its_full_code(frames: list[tuple[list[str], float]]) -> None:
    last_seen: dict[str, float] = {}
    asked: dict[str, set[str]] = {}
    for now, texts, answer in play(frames):
        for key in {identify(text) for text in texts} - {None}:
            if now - last_seen.get(key, -9.0) > REARM:
                asked[key] = set()
            last_seen[key] = now
        if isinstance(answer, Scan):
            key, kind = identify(answer.text), answer.text[:2]
            assert kind not in asked[key]
            assert kind == "T2" or not asked[key]
            asked[key].add(kind)


@given(st.lists(st.sampled_from(["T1 a 1", "T1 a 2", "T1 a 3"]), min_size=1, max_size=200))
def test_ticket_held_however_long_is_one_scan(texts: list[str]) -> None:
    answers = [answer for _, _, answer in play([([text], 1 / 30) for text in texts]) if answer is not None]
    assert answers == [Scan(texts[0])]


@given(FRAMES)
def test_ticket_alone_in_view_is_always_asked_about(frames: list[tuple[list[str], float]]) -> None:
    debounce, now = Debounce(identify, rearm=REARM), 0.0
    for texts, wait in frames:
        now += wait
        debounce.see(texts, now)
    assert debounce.see(["T1 d 1"], now + REARM) == Scan("T1 d 1")
    debounce.forget()
    assert debounce.see(["T1 d 2"], now + REARM + 0.1) == Scan("T1 d 2")
