from collections.abc import Iterator
from random import Random

import pytest

from scanner.verify.gatecode import GateCode, parse
from tests.show.cast import Cast
from tests.show.people import Company
from tests.show.script import ADMIT, GONE, Beat, Deals, Script

AT = 1_790_000_000.0


@pytest.fixture(scope="module")
def cast() -> Cast:
    return Cast(400, Random(3))


def script_of(cast: Cast, short: bool = False) -> Script:
    return Script(cast, Company.of(cast), Deals.of(cast), short)


def beats(script: Script) -> Iterator[Beat]:
    for act in (script.opening, script.after_the_office, script.alone, script.alone_after_the_sale, script.returned):
        yield from act()


@pytest.mark.parametrize("short", [False, True])
def test_nobody_stands_where_somebody_stands_already(cast: Cast, short: bool) -> None:
    for beat in beats(script_of(cast, short)):
        gates = [scene.gate for scene in beat.scenes]
        assert gates
        assert len(gates) == len(set(gates))


@pytest.mark.parametrize("short", [False, True])
def test_no_ticket_is_admitted_twice_by_the_script(cast: Cast, short: bool) -> None:
    entering = [
        scene.ticket
        for beat in beats(script_of(cast, short))
        for scene in (beat.scenes[:1] if beat.one_enters else beat.scenes)
        if ("admit", "ok") in scene.expect
    ]
    assert len(entering) == len(set(entering))


def test_every_kind_of_trouble_is_in_the_show(cast: Cast) -> None:
    reasons = {reason for beat in beats(script_of(cast)) for s in beat.scenes for _, reason in s.expect}
    assert reasons == {
        *("ok", "old-code", "expired", "forged", "other-event", "cancelled", "transferred", "not-a-code"),
        *("wrong-gate", "one-at-a-time", "already-used", "used-elsewhere", "other-lease", "show-full-code"),
    }


def test_what_is_held_up_is_the_ticket_that_the_verdict_must_name(cast: Cast) -> None:
    script = script_of(cast)
    for beat in (*script.opening(), *script.after_the_office(), *script.alone(), *script.returned()):
        for scene in beat.scenes:
            texts = scene.show(AT)
            if scene.ticket is not None:
                code = parse(texts[0])
                assert isinstance(code, GateCode)
                assert code.core.ticket == scene.ticket


def test_the_short_show_is_shorter(cast: Cast) -> None:
    assert len(list(beats(script_of(cast, short=True)))) < len(list(beats(script_of(cast)))) * 2 / 3


@pytest.mark.parametrize("short", [False, True])
def test_everybody_who_holds_a_ticket_last_enters_and_nobody_before_them(cast: Cast, short: bool) -> None:
    company = Company.of(cast)
    scenes = [scene for beat in beats(Script(cast, company, Deals.of(cast), short)) for scene in beat.scenes]
    for held in (company.chan, company.lee, company.ho, company.lam):
        (scene,) = [scene for scene in scenes if scene.held_up.startswith(held.person.name) and ADMIT in scene.expect]
        assert scene.show(AT) == (held.code(AT),)
    gone = {scene.ticket for scene in scenes if scene.expect == {GONE}}
    assert company.ho.ticket in gone <= {company.ho.ticket, company.lee.ticket}
