"""`python -m tests.show.pictures`: the pictures of README and docs, made anew from the real pages in a real browser.

Run it when words or looks of the wallet or of the gate's page have changed, and look at what comes out.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
import cv2
import numpy as np
from numpy.typing import NDArray

from ledger_node.services.events import change_event
from scanner.kiosk.server import Kiosk
from scanner.ports import GateStatus, SyncHealth
from scanner.verify.manifest import EventManifest
from scanner.verify.reasons import Reason
from tests.fakes.marketplace import EVENT
from tests.fakes.phone import House, Phone, open_browser, open_house

FOLDER = Path(__file__).parents[2] / "docs" / "images"
NAME = "Harbour Nights 海港之夜"
AROUND, GAP = (48, 38, 35), 30
"""The colour between phones, blue first, and the pixels."""
Picture = NDArray[np.uint8]
GATE = GateStatus(
    "R1",
    NAME,
    state="ready",
    scan=1,
    view_age=3.0,
    view_limit=900.0,
    sync=SyncHealth(online=True),
    camera="ok",
    clock_trusted=True,
    admitted=512,
    refused=9,
    unix=1_795_339_084.0,
)
GREEN = {"name_zh": "綠", "name_en": "green", "gates": ["G1", "G2", "G3", "G4"]}
SEAT = {"seat": 1_204, "category": 2, "scan": 2}
SCREENS = (
    GATE,
    replace(GATE, state="open", outcome="admit", reason=Reason.OK, **SEAT),
    replace(
        GATE,
        state="refused",
        outcome="refuse",
        reason=Reason.ALREADY_USED,
        detail={"gate": "B1", "at": 1_795_338_084},
        **SEAT,
    ),
    replace(GATE, state="amber", outcome="amber", reason=Reason.WRONG_GATE, detail=GREEN, **SEAT),
)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Write docs/images/wallet.png and gate-screens.png."""
    with TemporaryDirectory() as folder, open_browser(Path(folder) / "profile") as driver:
        _keep("gate-screens.png", _grid(list(_screens(driver))))
        with open_house(Path(folder) / "home") as house:
            _keep("wallet.png", _row(list(_phones(Phone(driver), house))))


def _screens(driver: Any) -> Iterator[Picture]:
    for status in SCREENS:
        with _kiosk(status) as url:
            driver.execute_cdp_cmd(
                "Emulation.setDeviceMetricsOverride",
                {"width": 800, "height": 337, "deviceScaleFactor": 1, "mobile": False},
            )
            driver.get(url)
            shown = f"return document.body.dataset.reason === '{status.reason or status.state}'"
            Phone.await_(lambda shown=shown: bool(driver.execute_script(shown)), status.state)
            yield _decoded(driver.get_screenshot_as_png())


@contextmanager
def _kiosk(status: GateStatus) -> Iterator[str]:
    with closing(Kiosk(0)) as kiosk:
        kiosk.start()
        kiosk.publish(status)
        yield kiosk.url


def _phones(phone: Phone, house: House) -> Iterator[Picture]:
    change_event(house.node, EVENT, _named)
    phone.driver.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    )
    phone.size(405, 878, 1)
    phone.speaks("zh-HK")
    link, number = house.buy(3)
    phone.open(link)
    phone.see("#answer")
    yield _decoded(phone.picture())
    phone.answer(number)
    phone.see("#qr[data-step]")
    phone.click("summary")
    phone.click("#compact")
    phone.see("#qr[data-kind='1']")
    phone.click("summary")
    yield _decoded(phone.picture())
    phone.put_away()
    phone.speaks("en")
    phone.open(_offered(phone, house))
    phone.see("#accept")
    yield _decoded(phone.picture())


def _offered(phone: Phone, house: House) -> str:
    """A ticket for sale by another phone."""
    seller = house.market.person("seller")
    phone.activate(*house.buy(4))
    phone.click("#pass")
    phone.see("#price").clear()
    phone.see("#price").send_keys("880")
    phone.see("#id_code").send_keys(seller.agree())
    phone.click("#do")
    link = phone.see("#share").get_attribute("data-link") or ""
    phone.put_away()
    return link


def _named(manifest: EventManifest) -> EventManifest:
    return replace(manifest, name=NAME)


def _decoded(png: bytes) -> Picture:
    found = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    assert found is not None
    return np.asarray(found, np.uint8)


def _grid(four: Sequence[Picture]) -> Picture:
    return np.vstack([np.hstack(four[:2]), np.hstack(four[2:])])


def _row(phones: Sequence[Picture]) -> Picture:
    height, width, _ = phones[0].shape
    whole = np.full((height + 2 * GAP, len(phones) * (width + GAP) + GAP, 3), AROUND, np.uint8)
    for place, one in enumerate(phones):
        left = GAP + place * (width + GAP)
        whole[GAP : GAP + height, left : left + width] = one
    return whole


def _keep(name: str, picture: Picture) -> None:
    done = cv2.imwrite(str(FOLDER / name), picture, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    assert done, name
    click.echo(FOLDER / name)


if __name__ == "__main__":
    main()
