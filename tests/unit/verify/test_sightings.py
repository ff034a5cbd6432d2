"""An old code is called a screenshot when it is one, and a wrong clock when it is that."""

from typing import Literal

import pytest

from scanner.verify.admit import Now, Verdict
from scanner.verify.reasons import Reason
from scanner.verify.sightings import Sighting, Sightings, tell_apart
from tests.fakes.event import NOON, compact_code, event_manifest

STEP = 10
LATE = NOON // STEP - 6


def verdict(step: int, now: int, *, outcome: Literal["amber", "refuse"] = "amber") -> Verdict:
    seconds = (step - now // STEP) * STEP
    return Verdict(outcome, Reason.CLOCK_OFF if outcome == "amber" else Reason.EXPIRED, 7, 0, {"seconds": seconds})


def looks(*seen: tuple[int, int], far: bool = False) -> list[tuple[str, Reason]]:
    """What is said of (time step, unix second) in turn."""
    before: Sighting | None = None
    said = []
    for step, now in seen:
        told, before = tell_apart(verdict(step, now, outcome="refuse" if far else "amber"), step, STEP, now, before)
        said.append((str(told.outcome), told.reason))
    return said


@pytest.mark.parametrize("far", [False, True])
def test_a_code_that_stands_still_is_a_screenshot(far: bool) -> None:
    first, second = looks((LATE, NOON), (LATE, NOON + 13), far=far)
    assert first == (("refuse", Reason.EXPIRED) if far else ("amber", Reason.OLD_CODE))
    assert second == ("refuse", Reason.SCREENSHOT)


@pytest.mark.parametrize("far", [False, True])
@pytest.mark.parametrize(("moved", "seconds"), [(1, 2), (1, 19), (2, 15), (4, 40), (60, 603)])
def test_a_code_that_moves_as_time_does_is_a_wrong_clock(moved: int, seconds: int, far: bool) -> None:
    assert looks((LATE, NOON), (LATE + moved, NOON + seconds), far=far)[1] == ("amber", Reason.CLOCK_OFF)


def test_before_its_step_is_over_nobody_knows() -> None:
    """Also shown again and again; the first look counts, so that it ends."""
    assert looks((LATE, NOON), (LATE, NOON + 4), (LATE, NOON + 9), (LATE, NOON + 13)) == [
        *[("amber", Reason.OLD_CODE)] * 3,
        ("refuse", Reason.SCREENSHOT),
    ]


def test_a_wrong_clock_stays_one_when_it_is_shown_twice_in_a_step() -> None:
    said = looks((LATE, NOON), (LATE + 2, NOON + 20), (LATE + 2, NOON + 22), (LATE + 2, NOON + 40))
    assert [reason for _, reason in said] == [
        Reason.OLD_CODE, Reason.CLOCK_OFF, Reason.CLOCK_OFF, Reason.SCREENSHOT,
    ]  # fmt: skip


def test_an_older_picture_is_a_screenshot_at_once() -> None:
    assert looks((LATE, NOON), (LATE - 1, NOON + 1))[1] == ("refuse", Reason.SCREENSHOT)


def test_a_newer_picture_is_not_called_a_wrong_clock() -> None:
    assert looks((LATE - 20, NOON), (LATE, NOON + 15))[1] == ("amber", Reason.OLD_CODE)


def test_a_code_of_the_future_is_a_wrong_clock_until_it_stands_still() -> None:
    ahead = NOON // STEP + 9
    for far in (False, True):
        said = looks((ahead, NOON), (ahead, NOON + 5), (ahead, NOON + 14), far=far)
        assert said == [("amber", Reason.CLOCK_OFF), ("amber", Reason.CLOCK_OFF), ("refuse", Reason.SCREENSHOT)]


def test_other_verdicts_are_left_alone_and_forget() -> None:
    admitted = Verdict("admit", Reason.OK, 7, 0)
    assert tell_apart(admitted, LATE, STEP, NOON, Sighting(LATE, NOON)) == (admitted, None)


def test_tickets_and_owners_are_kept_apart_and_memory_is_bounded() -> None:
    seen, manifest = Sightings(), event_manifest()
    for ticket in range(2_000):
        code = compact_code(ticket, at=NOON - 60)
        told = seen.tell_apart(verdict(code.core.time_step, NOON), code, manifest, Now(NOON))
        assert told.reason is Reason.OLD_CODE
    again = compact_code(1_999, at=NOON - 60)
    assert seen.tell_apart(verdict(LATE, NOON + 20), again, manifest, Now(NOON + 20)).reason is Reason.SCREENSHOT
    newer = compact_code(1_999, at=NOON - 60, owner_seq=1)
    assert seen.tell_apart(verdict(LATE, NOON + 20), newer, manifest, Now(NOON + 20)).reason is Reason.OLD_CODE
    assert len(seen._seen) == 512
