"""The pages of accounts in a real browser with a real (virtual) passkey device, on a real node."""

from collections.abc import Iterator
from pathlib import Path
from shutil import which
from typing import Any

import pyotp
import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.virtual_authenticator import Protocol, Transport, VirtualAuthenticatorOptions

from ledger_node.cli.operator import operator
from tests.fakes.clockwork import wait_until
from tests.fakes.running_node import Running, open_home, serving

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not (which("chromium") and which("chromedriver")), reason="needs chromium and chromedriver"),
]
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --hide-scrollbars"
)
OVERFLOWING = """
return [...document.querySelectorAll("main *")].filter((e) => {
  const box = e.getBoundingClientRect();
  return box.width && (box.left < 0 || box.right > innerWidth + 0.5);
}).map((e) => e.outerHTML.slice(0, 80));
"""


class Pages:
    """Somebody at the pages of a running node."""

    def __init__(self, driver: Any, running: Running, home: Path) -> None:
        self.driver = driver
        self.running = running
        self.home = home
        self.origin = f"http://localhost:{running.port}"

    def plug_in(self, *, verified: bool = True) -> None:
        """A passkey device, whose owner does or does not show their finger."""
        self.driver.add_virtual_authenticator(
            VirtualAuthenticatorOptions(
                protocol=Protocol.CTAP2,
                transport=Transport.INTERNAL,
                has_resident_key=True,
                has_user_verification=True,
                is_user_verified=verified,
            )
        )

    def invited(self, role: str = "ops", name: str = "Duty manager 值班經理") -> str:
        with operator(self.home) as node:
            return str(node.do("accounts-invite", role=role, name=name, organisation="Venue")["link"])

    def open(self, link: str) -> None:
        self.driver.get("about:blank")
        self.driver.get(link)
        wait_until(lambda: self.ready() or self.problem() is not None, "the page has begun")

    def ready(self) -> bool:
        return self.driver.find_element(By.TAG_NAME, "body").get_attribute("data-ready") == "yes"

    def problem(self) -> str | None:
        box = self.driver.find_element(By.ID, "problem")
        return box.get_attribute("data-code") if box.is_displayed() else None

    def click(self, name: str) -> None:
        self.driver.find_element(By.ID, name).click()

    def text(self, name: str) -> str:
        return str(self.driver.find_element(By.ID, name).text)

    def arrive(self, path: str) -> None:
        wait_until(lambda: self.driver.current_url == f"{self.origin}{path}" and self.ready(), f"arrived at {path}")

    def join(self) -> None:
        self.plug_in()
        self.open(self.invited())
        self.click("make-passkey")
        self.arrive("/account")


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[Pages]:
    options = webdriver.ChromeOptions()
    options.binary_location = str(which("chromium"))
    for flag in FLAGS.split():
        options.add_argument(flag)
    options.add_argument(f"--user-data-dir={tmp_path / 'profile'}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with open_home(tmp_path / "home") as node, serving(node) as running:
        driver = webdriver.Chrome(options, webdriver.ChromeService(str(which("chromedriver"))))
        try:
            yield Pages(driver, running, tmp_path / "home")
        finally:
            driver.quit()


def test_from_the_invitation_to_signing_in_again(pages: Pages) -> None:
    pages.join()
    assert (pages.text("name"), pages.text("role"), pages.text("organisation")) == (
        "Duty manager 值班經理",
        "ops",
        "Venue",
    )
    pages.click("logout")
    pages.arrive("/account/login")
    pages.click("use-passkey")
    pages.arrive("/account")
    assert len(pages.driver.find_elements(By.CSS_SELECTOR, "#sessions tr")) == 1
    errors = [line for line in pages.driver.get_log("browser") if line["level"] == "SEVERE"]
    assert errors == [], "the pages obey their own policy"


def test_the_invitations_token_leaves_the_address_bar_and_is_good_once(pages: Pages) -> None:
    pages.plug_in()
    link = pages.invited()
    pages.open(link)
    assert "#" not in pages.driver.current_url
    pages.click("make-passkey")
    pages.arrive("/account")
    pages.open(link)
    assert pages.problem() == "invitation"
    assert "邀請無效" in pages.text("problem")
    assert "Ask for a new one" in pages.text("problem")


def test_without_a_finger_there_is_no_signing_in(pages: Pages) -> None:
    pages.plug_in(verified=False)
    pages.open(pages.invited())
    pages.click("make-passkey")
    wait_until(lambda: pages.problem() is not None, "the refusal")
    assert pages.problem() == "no-passkey"
    assert pages.running.node.accounts.accounts()[0].state == "invited"


def test_the_second_way_from_setting_it_up_to_using_it(pages: Pages) -> None:
    pages.join()
    pages.click("second")
    wait_until(lambda: pages.text("second-secret") != "", "the secret")
    app, key = pyotp.TOTP(pages.text("second-secret")), pages.text("second-key")
    now = pages.running.node.seconds
    pages.driver.find_element(By.CSS_SELECTOR, "#confirm input").send_keys(app.at(now - 30))
    pages.driver.find_element(By.CSS_SELECTOR, "#confirm button").click()
    wait_until(lambda: pages.driver.find_element(By.ID, "done").is_displayed(), "confirmed")
    pages.click("logout")
    pages.arrive("/account/login")
    pages.driver.find_element(By.TAG_NAME, "summary").click()
    for name, value in (("name", "Duty manager 值班經理"), ("key", key), ("code", app.at(now))):
        pages.driver.find_element(By.NAME, name).send_keys(value)
    pages.driver.find_element(By.CSS_SELECTOR, "#coded button").click()
    pages.arrive("/account")


def test_whoever_is_not_signed_in_is_led_to_the_door(pages: Pages) -> None:
    pages.driver.get(f"{pages.origin}/account")
    pages.arrive("/account/login")
    pages.plug_in()
    pages.click("use-passkey")
    wait_until(lambda: pages.problem() is not None, "no passkey of this site on the device", 15)
    assert pages.problem() == "no-passkey"


@pytest.mark.parametrize("width", [320, 1280])
def test_nothing_is_cut_off_on_a_phone_or_a_desk(pages: Pages, width: int) -> None:
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    pages.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    pages.join()
    pages.click("second")
    wait_until(lambda: pages.text("second-secret") != "", "the secret")
    assert pages.driver.execute_script(OVERFLOWING) == []
    pages.click("logout")
    pages.arrive("/account/login")
    pages.driver.find_element(By.TAG_NAME, "summary").click()
    assert pages.driver.execute_script(OVERFLOWING) == []
