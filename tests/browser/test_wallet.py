"""The holder's wallet in a real browser, from the link of a real letter to the verdict of the gate's own rules."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ledger_node.services import activation
from ledger_node.services.events import change_event
from ledger_node.services.lost_phones import replace_phone
from ledger_node.services.tickets import set_state
from scanner.verify.gatecode import COMPACT, FULL, event_hash
from scanner.verify.manifest import Beacon, EventManifest
from scanner.verify.reasons import Reason
from tests.fakes.gate_client import GateClient
from tests.fakes.marketplace import EVENT
from tests.fakes.phone import BROWSER, House, Phone, open_browser, open_house
from tests.fakes.staffed_node import BY

pytestmark = [pytest.mark.browser, pytest.mark.skipif(not BROWSER, reason="needs chromium and chromedriver")]
LATER = "const real = Date.now; Date.now = () => real.call(Date) + arguments[0]"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with open_browser(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


@pytest.fixture
def phone(browser: Any) -> Iterator[Phone]:
    made = Phone(browser)
    yield made
    made.put_away()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(tmp_path / "home") as made:
        yield made


def test_from_the_letter_to_the_gate(phone: Phone, tmp_path: Path) -> None:
    with open_house(tmp_path / "home", doors_in=-600) as house:
        link, number = house.buy(3)
        phone.open(link)
        assert "#/activate" in phone.driver.current_url, "the token has left the address bar"
        assert link.partition("#")[2] not in phone.driver.execute_script(
            "return JSON.stringify(history.state) + location"
        )
        phone.says("order number")
        phone.says("5 tries left", "#tries")
        phone.answer("not this one")
        phone.refused("wrong-answer")
        phone.says("4 tries left", "#tries")
        phone.answer(number.lower())
        phone.see(".at-gate")
        phone.says("1003", ".place")
        phone.says("R1 R2 R3 R4", ".place")
        full = phone.code()
        assert full.core.kind == FULL, "a ticket that is new to the phone may be newer than the gate's list"
        phone.click("summary")
        phone.click("#compact")
        phone.see("#qr[data-kind='1']")
        compact = phone.code()
        assert compact.core.kind == COMPACT
        for code in (full, compact):
            verdict = house.judged(code, "R2")
            assert (verdict.outcome, verdict.reason, verdict.seat) == ("admit", Reason.OK, 1003)
        assert house.judged(compact, "B1").reason is Reason.WRONG_GATE
        assert phone.complaints() == [], "the page obeys its own policy"


def test_times_are_those_of_the_events_zone_wherever_the_phone_is(phone: Phone, house: House) -> None:
    zone = "America/New_York"
    starts = change_event(house.node, EVENT, lambda manifest: replace(manifest, zone=zone)).manifest.starts
    phone.activate(*house.buy(6))
    phone.says(f"{datetime.fromtimestamp(starts, ZoneInfo(zone)):%H:%M}", ".when")
    day = f"return new Intl.DateTimeFormat('en-HK', {{timeZone: {zone!r}, day: 'numeric', month: 'long'}})"
    phone.says(phone.driver.execute_script(f"{day}.format({starts * 1000})"), ".when")


def test_no_network_is_needed_at_the_gate(phone: Phone, tmp_path: Path) -> None:
    with open_house(tmp_path / "home", doors_in=-600) as house:
        phone.activate(*house.buy(4))
        phone.await_(phone.kept_for_offline, "the page is in the phone")
        before, key = phone.step(), house.market.owner(4)
    phone.reload()
    phone.driver.execute_script(LATER, 20_000)
    phone.await_(lambda: phone.step() >= before + 2, "a new code at a new step")
    code = phone.code()
    assert (code.core.ticket, code.core.owner_seq) == (4, 0)
    assert before + 2 <= code.core.time_step <= phone.step()
    assert code.holder_signature_good(event_hash(EVENT), key)


def test_keys_outlive_the_tab_and_two_orders_live_in_one_wallet(phone: Phone, house: House) -> None:
    phone.activate(*house.buy(5))
    phone.activate(*house.buy(6, 7, email="lee@example.hk"))
    assert phone.driver.execute_script("return document.querySelectorAll('.tickets a').length") == 3
    phone.open(f"{house.origin}/wallet/")
    phone.click(".tickets a[href*='/6/']")
    first = phone.code()
    phone.reload()
    assert phone.code().core.ticket == 6 == first.core.ticket
    keys = [house.market.owner(ticket) for ticket in (5, 6, 7)]
    assert len(set(keys)) == 3, "tickets cannot be linked to each other by their keys"
    assert house.judged(phone.code()).reason is Reason.TOO_EARLY
    kept = phone.driver.execute_script("return [JSON.stringify(localStorage), JSON.stringify(sessionStorage)].join()")
    assert "example.hk" not in kept
    assert "activate" not in kept, "the link's token is not kept once it has done its work"


def test_a_locked_link_says_whom_to_ask_and_opens_again(phone: Phone, house: House) -> None:
    link, number = house.buy(8)
    phone.open(link)
    for left in (4, 3, 2, 1):
        phone.answer("wrong")
        phone.says(f"{left} tries", "#tries")
    phone.answer("wrong")
    phone.refused("link-locked")
    phone.says("box office")
    assert not phone.shows("#answer")
    (one,) = house.node.activations.of_event(EVENT)
    activation.unlock(house.node, one.link, BY)
    phone.activate(link, number)
    assert phone.code().core.ticket == 8


def test_expired_and_used_links_say_what_to_do(phone: Phone, house: House) -> None:
    link, number = house.buy(9)
    house.market.clock.now = activation.LIFE + 60
    phone.open(link)
    phone.refused("link-not-good")
    phone.says("ask the box office for a new link")
    house.market.clock.now = 0
    phone.activate(link, number)
    phone.open(link)
    assert phone.code().core.ticket == 9, "on the phone that used it the link leads to the ticket"
    phone.put_away()
    phone.open(link)
    phone.refused("link-not-good")
    phone.open(f"{house.origin}/activate#short")
    phone.says("not complete")


def test_an_answer_that_was_lost_on_the_way_is_not_lost(phone: Phone, house: House) -> None:
    link, number = house.buy(10)
    phone.open(link)
    # The node takes the keys, and the phone never hears of it.
    phone.driver.execute_script(
        "const real = window.fetch;"
        "window.fetch = (path, init) => real(path, init).then((answer) =>"
        " init?.method === 'POST' && path === '/v1/activation' ? Promise.reject(new TypeError('lost')) : answer)"
    )
    phone.answer(number)
    phone.refused("away")
    assert any(house.market.owner(10))
    phone.open(link)
    assert phone.code().core.ticket == 10


def test_whoever_is_inside_another_app_is_shown_the_way_out(phone: Phone, house: House) -> None:
    link, number = house.buy(19)
    phone.speaks("zh-HK", inside="[FBAN/FBIOS;FBAV/400.0]")
    phone.open(link)
    phone.says("您正在 Facebook 內", "#elsewhere")
    phone.says("以 Safari 開啟", "#elsewhere")
    assert phone.see("#copy").get_attribute("data-link") == link
    assert phone.overflowing() == []
    phone.speaks("zh-HK")
    phone.open(link)
    phone.see("#answer")
    assert not phone.shows("#elsewhere")
    phone.answer(number)
    assert phone.code().core.ticket == 19


def test_an_event_that_asks_for_the_venues_beacon_gets_it(phone: Phone, tmp_path: Path) -> None:
    with open_house(tmp_path / "home", doors_in=-600) as house:
        now, value = house.node.seconds, b"sixteen bytes it"
        beacon = Beacon(7, value, now - 60, now + 3_600)

        def ask_for_it(manifest: EventManifest) -> EventManifest:
            return replace(manifest, beacons=(beacon,), policy=replace(manifest.policy, beacon_required=True))

        change_event(house.node, EVENT, ask_for_it)
        phone.activate(*house.buy(16))
        phone.says("scan the venue code", "#beacon")
        assert house.judged(phone.code(), "R1").reason is Reason.BEACON_MISSING
        phone.open(f"{house.origin}/wallet/#/beacon/{EVENT}/7/{value.hex()}")
        phone.says("was read at", "#beacon")
        assert value.hex() not in phone.driver.current_url
        code = phone.code()
        assert code.core.beacon == 7
        assert house.judged(code, "R1").reason is Reason.OK
        phone.open(f"{house.origin}/wallet/#/beacon/{EVENT}/300/{value.hex()}")
        phone.click(".tickets a")
        assert phone.code().core.beacon == 7, "a link that is none changes nothing"


def test_an_open_page_hears_of_its_entry_and_of_its_release(phone: Phone, tmp_path: Path) -> None:
    """Nobody touches the phone, which asks by itself every five minutes: the code goes, and is back when it may be."""
    with open_house(tmp_path / "home", doors_in=-600) as house:
        phone.activate(*house.buy(17))
        code = phone.code()
        phone.see("body[data-live=yes]")
        gate = GateClient(house.running.url, house.node.keys.node.public, EVENT)
        with closing(gate):
            assert gate.enrol(house.running.code("R3", EVENT)).status == 200
            assert gate.claim(gate.admission(17, code.raw)).json["verdict"] == "accepted"
            phone.see(".chip[data-standing=entered]")
            phone.says("Entered at gate R3", ".notice.good")
            phone.says("Ask a steward", ".not-through")
            assert not phone.shows("#qr"), "a release is the ledger's word, and no button's"
            assert not phone.shows(".stage button")
            gate.upload([gate.release(1)])
            assert house.judged(phone.code(), "R1").reason is Reason.OK


def test_an_entered_ticket_without_network_says_whom_to_go_to(phone: Phone, tmp_path: Path) -> None:
    with open_house(tmp_path / "home", doors_in=-600) as house:
        phone.activate(*house.buy(17))
        gate = GateClient(house.running.url, house.node.keys.node.public, EVENT)
        with closing(gate):
            assert gate.enrol(house.running.code("R3", EVENT)).status == 200
            gate.claim(gate.admission(17, phone.code().raw))
        phone.see(".chip[data-standing=entered]")
    phone.without_network()
    phone.reload()
    phone.says("go to a steward at the gate", ".not-through")
    phone.says("Offline", "#network")
    assert not phone.shows("#qr")


def test_a_cancelled_ticket_shows_no_code(phone: Phone, house: House) -> None:
    phone.activate(*house.buy(18))
    set_state(house.node, EVENT, [18], "cancelled", "test")
    phone.reload()
    phone.await_(lambda: phone.shows(".chip[data-standing=cancelled]"), "that it is cancelled")
    phone.says("Ask the box office", ".notice.bad")
    assert not phone.shows("#qr")
    assert not phone.shows("#pass")


def test_a_lost_phone_is_replaced_and_its_codes_die(phone: Phone, house: House) -> None:
    phone.activate(*house.buy(15))
    lost = phone.code()
    (link,) = house.node.activations.of_event(EVENT)
    phone.put_away()
    made = replace_phone(house.node, link.link, "您的舊手機型號？ Which phone was it?", "Fairphone", BY)
    phone.open(f"{house.origin}{made.path}")
    phone.says("Which phone was it?")
    phone.answer("fairphone")
    assert phone.code().core.owner_seq == 1
    assert house.judged(lost).reason is Reason.TRANSFERRED
    assert house.judged(phone.code()).reason is Reason.TOO_EARLY


def test_a_browser_without_such_keys_is_told_so_before_a_try_is_spent(phone: Phone, house: House) -> None:
    link, _ = house.buy(11)
    without = "crypto.subtle.generateKey = () => Promise.reject(new DOMException('no', 'NotSupportedError'))"
    added = phone.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": without})
    phone.open(link)
    phone.says("Ed25519", ".notice.bad")
    assert not phone.shows("#answer")
    phone.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)
    phone.open(link)
    phone.says("5 tries left", "#tries")


def test_a_phone_whose_clock_is_wrong_shows_codes_of_the_right_time(phone: Phone, tmp_path: Path) -> None:
    with open_house(tmp_path / "home", doors_in=-600) as house:
        house.market.clock.now = 1_800
        phone.activate(*house.buy(12))
        assert house.judged(phone.code(), "R1").reason is Reason.OK
        phone.await_(lambda: phone.shows(".hints .clock"), "what is wrong with the clock")
        phone.says("1800 s off", ".hints .clock")


@pytest.mark.parametrize(
    ("languages", "seat", "heading"),
    [(("zh-HK", "en"), "座位", "啟動門票"), (("en-GB", "zh-TW"), "Seat", "Activate your ticket")],
)
def test_page_speaks_the_browsers_language_and_can_be_switched(
    phone: Phone, house: House, languages: tuple[str, str], seat: str, heading: str
) -> None:
    phone.speaks(*languages)
    link, number = house.buy(13)
    phone.open(link)
    phone.says(heading, "h1")
    phone.answer(number)
    phone.says(seat, ".place")
    phone.click("#language")
    phone.await_(lambda: seat not in phone.text(".place"), "the other language")
    phone.reload()
    assert seat not in phone.text(".place"), "the choice is kept"


@pytest.mark.parametrize("language", ["zh-HK", "en"])
def test_nothing_is_cut_off(phone: Phone, house: House, language: str) -> None:
    phone.speaks(language)
    link, number = house.buy(14)

    def fits() -> None:
        for width in (320, 360, 1280):
            phone.size(width)
            assert phone.overflowing() == [], width

    phone.open(link)
    phone.see("#answer")
    fits()
    phone.answer(number)
    phone.see("#qr[data-step]")
    phone.click("summary")
    fits()
    phone.size(320)
    assert phone.code().core.ticket == 14, "a small phone's screen can be read"
    phone.driver.get(f"{house.origin}/wallet/#/")
    phone.see(".tickets")
    fits()
