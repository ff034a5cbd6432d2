import time
from dataclasses import asdict, replace

import pytest

from scanner.kiosk.strip import age, chips
from scanner.kiosk.view import Line, fault_code, view_of
from scanner.ports import GateStatus, SyncHealth
from scanner.verify.reasons import Reason

READY = GateStatus(
    "A1",
    "Coliseum",
    state="ready",
    view_age=12.0,
    view_limit=900.0,
    sync=SyncHealth(online=True),
    camera="ok",
    clock_trusted=True,
    unix=1_767_268_800.0,
)
REFUSED = replace(READY, state="refused", outcome="refuse", reason=Reason.ALREADY_USED, scan=4)


def levels(status: GateStatus) -> dict[str, str]:
    return {chip.part: chip.level for chip in chips(status)}


def test_idle_gate_that_is_well_says_ready_and_nothing_else() -> None:
    view = view_of(READY)
    assert (view.tone, view.zh_title, view.sound) == ("ready", "請出示二維碼", "none")
    assert view.notices == ()
    assert view.clock == "20:00:00"
    assert set(levels(READY).values()) == {"good"}


def test_first_use_names_gate_and_venue_time() -> None:
    view = view_of(replace(REFUSED, detail={"gate": "B2", "at": 1_767_268_000}))
    assert view.facts == (Line("B2 閘口 · 19:46:40", "Gate B2 at 19:46:40"),)


def test_times_are_the_events_whatever_the_machines_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        for zone, at in (("Asia/Hong_Kong", "19:46:40"), ("Europe/London", "11:46:40"), ("Mars/Olympus", "11:46:40")):
            view = view_of(replace(REFUSED, zone=zone, detail={"gate": "B2", "at": 1_767_268_000}))
            assert view.facts == (Line(f"B2 閘口 · {at}", f"Gate B2 at {at}"),)
    finally:
        monkeypatch.undo()
        time.tzset()


def test_wrong_gate_names_the_right_one() -> None:
    detail = {"gate_group": 2, "name_zh": "東看台", "name_en": "East stand", "gates": ["B1", "B2"]}
    view = view_of(replace(READY, state="amber", outcome="amber", reason=Reason.WRONG_GATE, detail=detail))
    assert view.facts == (Line("東看台 B1、B2", "East stand B1, B2"),)


@pytest.mark.parametrize(("seconds", "en"), [(-50, "Phone is 50 s behind"), (240, "Phone is 4 min ahead")])
def test_clock_error_says_which_way(seconds: int, en: str) -> None:
    status = replace(READY, state="amber", outcome="amber", reason=Reason.CLOCK_OFF, detail={"seconds": seconds})
    assert view_of(status).facts[0].en == en


@pytest.mark.parametrize(
    ("sync", "zh", "en"),
    [
        (SyncHealth(error="refused the connection"), "帳本無回應", "Ledger away"),
        (SyncHealth(error="no route", no_network=True), "沒有網絡", "No network"),
        (SyncHealth(), "帳本離線", "Ledger offline"),
    ],
)
def test_a_ledger_that_is_away_is_not_called_no_network(sync: SyncHealth, zh: str, en: str) -> None:
    chip = next(chip for chip in chips(replace(READY, sync=sync)) if chip.part == "node")
    assert (chip.zh, chip.en) == (zh, en)


@pytest.mark.parametrize("reason", [Reason.OLD_CODE, Reason.SCREENSHOT, Reason.EXPIRED])
def test_an_old_code_says_how_old_and_blames_no_phone(reason: Reason) -> None:
    status = replace(REFUSED, reason=reason, detail={"seconds": -7_300})
    view = view_of(status)
    assert view.facts[0] == Line("此碼是 2 小時前的", "This code is 2 h old")
    assert "clock" not in (view.en_title + view.en_do).lower()


def test_used_elsewhere_without_a_known_place_has_no_empty_line() -> None:
    status = replace(REFUSED, reason=Reason.USED_ELSEWHERE, detail={"ledger": "duplicate"})
    assert view_of(status).facts == ()


def test_payload_and_keys_in_a_detail_never_reach_the_page() -> None:
    for reason in Reason:
        secret = {"problem": "T1SECRET", "kid": 9, "newest_owner_seq": 7, "gates": [], "seconds": 0, "opens": 0}
        shown = str(asdict(view_of(replace(REFUSED, reason=reason, detail=secret))))
        assert "SECRET" not in shown


def test_marked_admission_says_why_it_is_marked() -> None:
    status = replace(READY, state="open", outcome="admit", reason=Reason.OK, marks=("time-untrusted", "view-old"))
    view = view_of(status)
    assert view.tone == "admit"
    assert view.facts[-1].en == "Clock not trusted: marked · List too old: marked"


def test_repeat_is_green_and_silent_and_says_that_the_gate_has_opened() -> None:
    view = view_of(replace(READY, state="passed", outcome="admit", reason=Reason.REPEAT))
    assert (view.tone, view.sound, view.en_title) == ("admit", "none", "Already checked")


def test_same_refusal_of_the_next_person_is_a_new_moment() -> None:
    assert view_of(REFUSED).moment != view_of(replace(REFUSED, scan=5)).moment
    assert view_of(REFUSED).moment == view_of(replace(REFUSED, unix=1.0, queue=9)).moment


def test_old_list_and_untrusted_clock_are_told_while_idle_only() -> None:
    worn = {"view_age": 1000.0, "clock_trusted": False}
    assert [line.en for line in view_of(replace(READY, **worn)).notices] == [  # type: ignore[arg-type]
        "Ticket list too old",
        "Clock not trusted",
    ]
    assert view_of(replace(REFUSED, **worn)).notices == ()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("faults", "camera", "code"),
    [
        (("camera",), "lost", "camera-lost"),
        (("camera",), "frozen", "camera-frozen"),
        (("camera",), "decoder-died", "decoder-died"),
        (("snapshot", "starting"), "ok", "no-snapshot"),
        (("camera", "journal"), "lost", "journal-fault"),
        (("turnstile",), "ok", "hardware-fault"),
        (("something new",), "ok", "defect"),
    ],
)
def test_worst_fault_is_the_one_that_is_shown(faults: tuple[str, ...], camera: str, code: str) -> None:
    assert fault_code(replace(READY, state="fault", faults=faults, camera=camera)) == code


@pytest.mark.parametrize(
    ("change", "part", "level"),
    [
        ({"sync": SyncHealth()}, "node", "warn"),
        ({"sync": SyncHealth(error="refused", no_network=True)}, "node", "warn"),
        ({"sync": SyncHealth(online=True, alarm="the log went back")}, "node", "bad"),
        ({"view_age": None}, "list", "bad"),
        ({"view_age": 901.0}, "list", "warn"),
        ({"queue": 101}, "queue", "warn"),
        ({"set_aside": 1}, "queue", "bad"),
        ({"camera": "frozen"}, "camera", "bad"),
        ({"camera": "starting"}, "camera", "warn"),
        ({"clock_trusted": False}, "clock", "warn"),
        ({"clock_alarm": "codes run 60 s late"}, "clock", "warn"),
    ],
)
def test_strip_points_at_the_part_that_is_not_well(change: dict[str, object], part: str, level: str) -> None:
    shown = levels(replace(READY, **change))  # type: ignore[arg-type]
    assert shown.pop(part) == level
    assert set(shown.values()) == {"good"}


@pytest.mark.parametrize(
    ("seconds", "en"), [(-3, "0 s"), (59.9, "59 s"), (60, "1 min"), (3599, "59 min"), (7200, "2 h"), (200_000, "2 d")]
)
def test_age_is_one_unit(seconds: float, en: str) -> None:
    assert age(seconds)[1] == en
