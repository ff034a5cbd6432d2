"""The page in a real browser: both languages, nothing cut off, a sound for each verdict, and silence noticed."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from shutil import which
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver

from scanner.kiosk.server import Kiosk
from scanner.kiosk.texts import FAULTS, REASONS
from scanner.ports import GateStatus, SyncHealth
from scanner.verify.reasons import Reason
from tests.fakes.clockwork import wait_until

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not (which("chromium") and which("chromedriver")), reason="needs chromium and chromedriver"),
]

SIZES = [(800, 480), (1280, 800)]
READY = GateStatus(
    "A1",
    "二〇二六紅館演唱會 · An Evening at the Coliseum, with a title that is rather long",
    state="ready",
    scan=1,
    view_age=12.0,
    view_limit=900.0,
    sync=SyncHealth(online=True),
    queue=99_999,
    camera="ok",
    clock_trusted=True,
    admitted=12_500,
    refused=9_999,
    unix=1_767_268_800.0,
)
# The longest of everything that a verdict can carry.
DETAIL: dict[str, Any] = {
    "name_zh": "東看台上層",
    "name_en": "East stand, upper level",
    "gates": ["B1", "B2", "B3", "B4"],
    "gate": "B2",
    "at": 1_767_268_000,
    "seconds": -800,
    "opens": 1_767_300_000,
}
MARKS = ("time-untrusted", "view-old")


def verdict(state: str, outcome: str, reason: Reason, scan: int = 2) -> GateStatus:
    return replace(
        READY,
        state=state,
        outcome=outcome,
        reason=reason,
        scan=scan,
        detail=DETAIL,
        marks=MARKS,
        seat=12_345,
        category=3,
    )


def every_screen() -> dict[str, GateStatus]:
    screens = {reason.value: verdict("refused", "refuse", reason) for reason in REASONS}
    screens |= {
        name: replace(READY, state=name) for name in ("ready", "deciding", "passed", "not-passed", "fire-release")
    }
    screens["everything is wrong"] = replace(
        READY, view_age=90_000.0, clock_trusted=False, camera="frozen", sync=SyncHealth(alarm="went back"), set_aside=12
    )
    parts = ("starting", "snapshot", "journal", "camera", "hardware", "turnstile", "revoked", "card-copied", "defect")
    for part in parts:
        screens[f"fault {part}"] = replace(READY, state="fault", faults=(part,), camera="lost")
    return screens


class Loop:
    """The gate's loop as the page knows it: it publishes its status every second."""

    def __init__(self, kiosk: Kiosk) -> None:
        self._kiosk = kiosk
        self._status = READY
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def show(self, status: GateStatus) -> None:
        self._status = status
        self._kiosk.publish(status)

    def hang(self) -> None:
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._kiosk.publish(self._status)
            self._stopped.wait(1.0)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebDriver]:
    options = webdriver.ChromeOptions()
    options.binary_location = str(which("chromium"))
    flags = (
        "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
        "--disable-component-update --disable-sync --hide-scrollbars --autoplay-policy=no-user-gesture-required"
    )
    for flag in flags.split():
        options.add_argument(flag)
    options.add_argument(f"--user-data-dir={tmp_path_factory.mktemp('browser')}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(str(which("chromedriver"))))
    yield driver
    driver.quit()


@pytest.fixture
def kiosk() -> Iterator[Kiosk]:
    served = Kiosk(0)
    served.start()
    yield served
    served.close()


@pytest.fixture
def loop(browser: WebDriver, kiosk: Kiosk) -> Iterator[Loop]:
    looping = Loop(kiosk)
    browser.get(kiosk.url)
    wait_until(lambda: attribute(browser, "tone") == "ready", "the page is connected")
    yield looping
    looping.hang()
    browser.get("about:blank")


def attribute(browser: WebDriver, name: str) -> str | None:
    return browser.find_element(By.TAG_NAME, "body").get_attribute(f"data-{name}")


def text(browser: WebDriver, name: str) -> str:
    return browser.find_element(By.ID, name).text


def fit(browser: WebDriver, size: tuple[int, int]) -> None:
    """The page itself, not the window around it, has this size."""
    metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)  # type: ignore[attr-defined]


OVERFLOWING = """
const wide = innerWidth + 0.5, cut = [];
if (document.documentElement.scrollHeight > innerHeight) cut.push("the page scrolls");
for (const e of document.querySelectorAll("h1, h2, p, li, span, svg, button")) {
  const box = e.getBoundingClientRect();
  if (!box.width) continue;
  if (box.left < 0 || box.right > wide) cut.push(`${e.id || e.textContent}: ${box.left} to ${box.right}`);
}
const words = document.getElementById("words").getBoundingClientRect();
const main = document.querySelector("main").getBoundingClientRect();
if (words.top < main.top - 1 || words.bottom > main.bottom + 1)
  cut.push(`words ${words.top} to ${words.bottom} in ${main.top} to ${main.bottom}`);
return cut;
"""


@pytest.mark.parametrize("size", SIZES)
def test_nothing_is_cut_off_on_any_screen(browser: WebDriver, loop: Loop, size: tuple[int, int]) -> None:
    fit(browser, size)
    cut = {}
    for number, (name, status) in enumerate(every_screen().items(), 10):
        gate = f"Gate {number}"
        loop.show(replace(status, gate=gate))
        wait_until(lambda gate=gate: text(browser, "gate") == gate, name)  # type: ignore[misc]
        cut[name] = browser.execute_script(OVERFLOWING)
    assert {name: what for name, what in cut.items() if what} == {}


@pytest.mark.parametrize(
    ("status", "tone"),
    [
        (verdict("open", "admit", Reason.OK), "admit"),
        (verdict("amber", "amber", Reason.WRONG_GATE), "amber"),
        (verdict("refused", "refuse", Reason.ALREADY_USED), "refuse"),
    ],
)
def test_verdict_is_shown_in_both_languages_with_its_symbol(
    browser: WebDriver, loop: Loop, status: GateStatus, tone: str
) -> None:
    loop.show(status)
    wait_until(lambda: attribute(browser, "tone") == tone, "the verdict")
    words = REASONS[Reason(status.reason)]
    shown = [text(browser, name) for name in ("zh_title", "en_title", "zh_do", "en_do")]
    assert shown == list(words)
    assert browser.find_element(By.CSS_SELECTOR, "#symbol use").get_attribute("href") == f"#{tone}"


def test_first_use_is_told_with_gate_and_local_time(browser: WebDriver, loop: Loop) -> None:
    loop.show(verdict("refused", "refuse", Reason.ALREADY_USED))
    wait_until(lambda: "B2" in text(browser, "facts"), "the first use")
    assert "Gate B2 at 19:46:40" in text(browser, "facts")


OSCILLATORS = """
window.tones = [];
const real = OscillatorNode;
window.OscillatorNode = class extends real {
  constructor(audio, options) { super(audio, options); tones.push(options.frequency); }
};
"""


def test_each_verdict_has_its_own_sound_and_it_is_played_once(browser: WebDriver, loop: Loop) -> None:
    browser.execute_script(OSCILLATORS)
    assert not browser.find_element(By.ID, "sound").is_displayed()
    heard = {}
    for scan, (state, outcome, reason) in enumerate(
        [("open", "admit", Reason.OK), ("amber", "amber", Reason.CLOCK_OFF), ("refused", "refuse", Reason.FORGED)], 10
    ):
        status = verdict(state, outcome, reason, scan)
        loop.show(status)
        wait_until(lambda outcome=outcome: attribute(browser, "sound") == outcome, outcome)  # type: ignore[misc]
        loop.show(replace(status, gate="again"))
        wait_until(lambda: text(browser, "gate") == "again", "the same verdict again")
        heard[outcome] = browser.execute_script("return tones.splice(0)")
        loop.show(replace(READY, scan=scan))
        wait_until(lambda: attribute(browser, "tone") == "ready", "ready again")
    assert heard == {"admit": [1320], "amber": [740, 740], "refuse": [196]}


def test_same_refusal_of_the_next_person_sounds_again(browser: WebDriver, loop: Loop) -> None:
    browser.execute_script(OSCILLATORS)
    for scan in (20, 21):
        loop.show(verdict("refused", "refuse", Reason.FORGED, scan))
        wait_until(lambda: browser.execute_script("return tones.splice(0).length") == 1, f"sound of scan {scan}")


def test_loop_that_hangs_is_noticed_although_the_page_is_still_served(browser: WebDriver, loop: Loop) -> None:
    loop.hang()
    wait_until(lambda: attribute(browser, "tone") == "lost", "the silence is noticed")
    assert text(browser, "zh_title") == "與掃描器失去連線"
    assert text(browser, "en_title") == "Connection to the scanner lost"
    loop.show(READY)
    wait_until(lambda: attribute(browser, "tone") == "ready", "the gate is back")


def test_scanner_that_died_is_noticed_and_its_return_too(browser: WebDriver) -> None:
    first = Kiosk(0)
    first.start()
    first.publish(READY)
    browser.get(first.url)
    wait_until(lambda: attribute(browser, "tone") == "ready", "the page is connected")
    first.close()
    wait_until(lambda: attribute(browser, "tone") == "lost", "the loss")
    second = Kiosk(first.port)
    second.start()
    second.publish(READY)
    wait_until(lambda: attribute(browser, "tone") == "ready", "the return")
    browser.get("about:blank")
    second.close()


def test_page_obeys_its_own_policy_and_logs_no_error(browser: WebDriver, loop: Loop) -> None:
    browser.get_log("browser")  # type: ignore[attr-defined]
    browser.refresh()
    wait_until(lambda: attribute(browser, "tone") == "ready", "the page is connected")
    loop.show(verdict("refused", "refuse", Reason.FORGED))
    wait_until(lambda: attribute(browser, "tone") == "refuse", "the verdict")
    errors = [line for line in browser.get_log("browser") if line["level"] == "SEVERE"]  # type: ignore[attr-defined]
    assert errors == []


def test_faults_have_words_and_a_look_of_their_own(browser: WebDriver, loop: Loop) -> None:
    loop.show(replace(READY, state="fault", faults=("camera",), camera="frozen"))
    wait_until(lambda: attribute(browser, "tone") == "fault", "the fault")
    assert text(browser, "zh_title") == FAULTS["camera-frozen"].zh_title


def test_page_is_what_the_package_ships() -> None:
    static = Path(__file__).parents[2] / "scanner" / "kiosk" / "static"
    page = (static / "index.html").read_text()
    assert "http://" not in page + (static / "kiosk.js").read_text() + (static / "kiosk.css").read_text()
    assert "<script>" not in page
    assert "style=" not in page
