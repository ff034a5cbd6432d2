"""A holder's phone: a real browser of a phone's size at the wallet of a real node, and what stands around them both."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which
from tempfile import NamedTemporaryFile
from typing import Any

import numpy as np
import requests
from selenium import webdriver
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from ledger_node.services.accounts.site import set_site
from ledger_node.services.snapshot import write_snapshot
from scanner.camera.decode import is_gate_code, read
from scanner.camera.images import decode_gray
from scanner.verify.admit import Now, Verdict, View, decide
from scanner.verify.gatecode import GateCode, parse
from scanner.verify.row import ROW_BYTES, Row
from scanner.verify.snapshot import SnapshotHeader, read_header, unpack_rows
from tests.fakes.clockwork import wait_until
from tests.fakes.marketplace import EVENT, Clock, Marketplace, marketplace
from tests.fakes.running_node import Running, serving

BROWSER = which("chromium") and which("chromedriver")
_FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --hide-scrollbars"
)
_OVERFLOWING = """
return [...document.querySelectorAll("header *, main *")].filter((e) => {
  const box = e.getBoundingClientRect();
  return box.width && (box.left < -0.5 || box.right > innerWidth + 0.5 || e.scrollWidth > e.clientWidth + 1);
}).filter((e) => getComputedStyle(e).display !== "inline").map((e) => e.outerHTML.slice(0, 90));
"""


class Ahead(Clock):
    """Real time, and so many seconds more."""

    def __init__(self) -> None:
        super().__init__(0)

    def __call__(self) -> float:
        return time.time() + self.now


class House:
    """A served node with a market around it, whose letters can be followed."""

    def __init__(self, market: Marketplace, running: Running) -> None:
        self.market = market
        self.running = running
        self.node = running.node
        self.origin = f"http://localhost:{running.port}"
        set_site(self.node, self.origin)

    def buy(self, *tickets: int, email: str = "chan@example.hk") -> tuple[str, str]:
        """What a buyer is left with: the link of their letter, and the number of their order."""
        base, before = f"{self.running.url}/v1/events/{EVENT}", len(self._letters(email, "activation"))
        buyer = self.market.person(f"buyer-of-{tickets[0]}")
        held = requests.post(f"{base}/holds", json={"tickets": list(tickets)}, timeout=20).json()
        paying = {"payer": buyer.party.hex(), "authorisation": buyer.agree(), "email": email}
        sold = requests.post(f"{base}/holds/{held['hold']}/pay", json=paying, timeout=20).json()
        assert "number" in sold, sold
        return self.link_to(email, "activation", before), sold["number"]

    def link_to(self, email: str, template: str, before: int = 0) -> str:
        """The link of the newest letter of a kind to somebody who has had so many `before`."""
        wait_until(lambda: len(self._letters(email, template)) > before, f"the {template} letter to {email}")
        return self._letters(email, template)[-1]

    def _letters(self, email: str, template: str) -> list[str]:
        sent = list(self.market.letters.sent)
        return [said["link"] for to, kind, said in sent if to[1] == email and kind == template]

    def judged(self, code: GateCode, gate: str | None = None) -> Verdict:
        """What a gate with a snapshot of this moment says to the code."""
        with NamedTemporaryFile() as file:
            write_snapshot(self.node, EVENT, file)
            file.seek(0)
            header = read_header(file)
            assert isinstance(header, SnapshotHeader)
            packed = b"".join(piece for piece in unpack_rows(file, header) if isinstance(piece, bytes))
        rows = [Row.unpack(packed[at : at + ROW_BYTES]) for at in range(0, len(packed), ROW_BYTES)]
        row = next((row for row in rows if row.ticket == code.core.ticket), None)
        return decide(code, header.event_manifest, View(header.size, row), Now(self.node.seconds), None, gate)


class Phone:
    """Somebody with a browser, at the wallet. Each node is an origin of its own, so one browser serves many phones."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver
        self.complaints()
        self.size(360)
        self.speaks("en")

    def put_away(self) -> None:
        """Forget everything that the page at hand has kept."""
        origin = self.driver.execute_script("return location.origin")
        self.without_network(off=False)
        self.driver.get("about:blank")
        self.driver.execute_cdp_cmd("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "all"})

    def without_network(self, *, off: bool = True) -> None:
        """Flight mode. The driver's own command, because the browser's forgets it with the next page."""
        self.driver.set_network_conditions(offline=off, latency=0, throughput=0 if off else -1)

    def size(self, width: int, height: int = 780, ratio: float = 2) -> None:
        metrics = {"width": width, "height": height, "deviceScaleFactor": ratio, "mobile": True}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def speaks(self, *languages: str, inside: str = "") -> None:
        """What its owner has set as the languages of the browser, and which app's window it is, if it is one."""
        agent = self.driver.execute_script("return navigator.userAgent").partition(" inside ")[0]
        whole = f"{agent} inside {inside}" if inside else agent
        said = {"userAgent": whole, "acceptLanguage": ",".join(languages)}
        self.driver.execute_cdp_cmd("Emulation.setUserAgentOverride", said)

    def open(self, link: str) -> None:
        self.driver.get("about:blank")
        self.driver.get(link)
        self.await_page()

    def reload(self) -> None:
        self.driver.refresh()
        self.await_page()

    def await_page(self) -> None:
        self.await_(lambda: self.find("body").get_attribute("data-ready") == "yes", "the page is there")

    @staticmethod
    def await_(condition: Callable[[], bool], what: str) -> None:
        """Until it holds; an element that the page is just drawing anew is looked up again."""

        def holds() -> bool:
            try:
                return condition()
            except (StaleElementReferenceException, NoSuchElementException):
                return False

        wait_until(holds, what, 20)

    def find(self, css: str) -> WebElement:
        found: WebElement = self.driver.find_element(By.CSS_SELECTOR, css)
        return found

    def shows(self, css: str) -> bool:
        return any(found.is_displayed() for found in self.driver.find_elements(By.CSS_SELECTOR, css))

    def see(self, css: str) -> WebElement:
        """The element, once it is shown: looked up in one look, because the page may draw it anew between two."""
        seen: list[WebElement] = []

        def is_shown() -> bool:
            seen[:] = [found for found in self.driver.find_elements(By.CSS_SELECTOR, css) if found.is_displayed()]
            return bool(seen)

        try:
            self.await_(is_shown, f"{css} is shown")
        except AssertionError as error:
            raise AssertionError(f"{error}; the page says {self.find('body').text!r}") from None
        return seen[0]

    def attribute(self, css: str, name: str) -> str:
        """An attribute of what is shown, "" if it has none."""
        found: list[str] = []
        self.await_(lambda: bool(found.append(self.see(css).get_attribute(name) or "") or True), f"{name} of {css}")
        return found[-1]

    def text(self, css: str = "main") -> str:
        """What stands there at this moment."""
        found: list[str] = []
        self.await_(lambda: bool(found.append(self.see(css).text) or True), f"the text of {css}")
        return found[-1]

    def says(self, words: str, css: str = "main") -> None:
        """Wait until these words stand there."""
        try:
            self.await_(lambda: self.shows(css) and words in self.find(css).text, f"{words!r} in {css}")
        except AssertionError as error:
            raise AssertionError(f"{error}; the page says {self.find('body').text!r}") from None

    def click(self, css: str) -> None:
        self.await_(lambda: self.see(css).click() or True, f"a click on {css}")

    def answer(self, text: str) -> None:
        """Give this answer to the question of an activation link."""
        field = self.see("#answer")
        field.clear()
        field.send_keys(text)
        self.click("main form button.main")

    def refused(self, code: str) -> None:
        """Wait until the page says that this went wrong."""
        self.see(f"[data-code='{code}']")

    def kept_for_offline(self) -> bool:
        """Whether the page's files are all in the phone."""
        script = "return (await navigator.serviceWorker.getRegistration('/wallet/'))?.active?.state === 'activated'"
        return bool(self.run(script))

    def activate(self, link: str, number: str) -> None:
        """From the letter to the ticket."""
        self.open(link)
        self.answer(number)
        self.see(".at-gate, .tickets")

    def step(self) -> int:
        """The time step of the code that is on the screen."""
        return int(self.see("#qr[data-step]").get_attribute("data-step") or 0)

    def picture(self) -> bytes:
        """What a camera would see of the whole screen."""
        return bytes(self.driver.get_screenshot_as_png())

    def code(self) -> GateCode:
        """The code on the screen, read by the scanner's own decoder from a picture of the screen."""
        self.step()
        gray = decode_gray(np.frombuffer(self.picture(), np.uint8))
        assert gray is not None
        texts = [text for text in read(gray) if is_gate_code(text)]
        assert len(texts) == 1, texts
        code = parse(texts[0])
        assert isinstance(code, GateCode), code
        return code

    def overflowing(self) -> list[str]:
        found: list[str] = self.driver.execute_script(_OVERFLOWING)
        return found

    def run(self, script: str, *arguments: Any) -> Any:
        """An async function's body on the page, with `a` its arguments; what it returns."""
        whole = (
            "const done = arguments[arguments.length - 1], a = arguments[0];"
            f"(async () => {{ {script} }})().then((v) => done([v, null]), (e) => done([null, String(e)]));"
        )
        value, error = self.driver.execute_async_script(whole, list(arguments))
        assert error is None, error
        return value

    def complaints(self) -> list[str]:
        """What the browser has against the page itself: its policy, scripts, files; refusals of the API are none."""
        lines = [line["message"] for line in self.driver.get_log("browser") if line["level"] == "SEVERE"]
        return [line for line in lines if "/v1/" not in line]


@contextmanager
def open_browser(profile: Path) -> Iterator[Any]:
    """A browser with nothing in it."""
    options = webdriver.ChromeOptions()
    options.binary_location = str(which("chromium"))
    for flag in _FLAGS.split():
        options.add_argument(flag)
    options.add_argument(f"--user-data-dir={profile}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(str(which("chromedriver"))))
    driver.set_script_timeout(20)
    try:
        yield driver
    finally:
        driver.quit()


@contextmanager
def open_house(home: Path, doors_in: int = 30 * 86_400, count: int = 20) -> Iterator[House]:
    """A node with an event whose doors open in so many seconds."""
    doors = int(time.time()) + doors_in
    with marketplace(home, count, Ahead(), doors) as market, serving(market.node) as running:
        yield House(market, running)
