"""The state of a camera follows from what was seen of it, and within the three seconds that were promised."""

import pytest

from scanner.camera import wire
from scanner.camera.watch import Watch
from scanner.ports import CameraHealth, Sighting


def watch_of(frames: list[tuple[float, bool]]) -> Watch:
    watch = Watch(stale_after=2.0, since=0.0)
    for now, changed in frames:
        watch.frame(now, changed=changed)
    return watch


@pytest.mark.parametrize(
    ("frames", "now", "fault", "state"),
    [
        ([], 0.5, "", "starting"),
        ([], 2.5, "", "frozen"),
        ([], 0.5, "no such camera", "lost"),
        ([(1.0, True)], 1.1, "", "ok"),
        ([(1.0, True)], 3.1, "", "frozen"),
        ([(1.0, True), (2.0, False), (3.2, False)], 3.2, "", "frozen"),
        ([(1.0, True), (2.0, False), (3.2, False), (3.3, True)], 3.3, "", "ok"),
        ([(1.0, True)], 1.1, "unplugged", "lost"),
    ],
)
def test_state_follows_from_what_was_seen(frames, now: float, fault: str, state: str) -> None:
    assert watch_of(frames).judge(now, fault, "1280x720")[0] == state


def test_hostile_text_survives_the_wire() -> None:
    sighting = Sighting(("T1 \x00\n\ud800 門票", '"}'), 1.5, 1.6)
    health = CameraHealth("frozen", "hängt", 7, 2.5)
    assert wire.decode(wire.encode(sighting)) == sighting
    assert wire.decode(wire.encode(health)) == health


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"7", b"{}", b'{"texts": 3}', b"\xff"])
def test_nonsense_on_the_wire_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        wire.decode(data)
