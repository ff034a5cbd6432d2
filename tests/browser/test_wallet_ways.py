"""The wallet's ways out and back: other apps' windows, the provider's page in another tab or browser, a node that is
away."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.support.select import Select

from ledger_node.services import policies
from tests.fakes.marketplace import EVENT
from tests.fakes.phone import BROWSER, House, Phone, open_browser, open_house
from tests.fakes.running_provider import Desk
from tests.fakes.wallet_house import at_provider, typed, with_consent

pytestmark = [pytest.mark.browser, pytest.mark.skipif(not BROWSER, reason="needs chromium and chromedriver")]
BEN = "ben@example.hk"
LATER = "const real = Date.now; Date.now = () => real.call(Date) + 3_700_000;"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
IPAD = "Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
XIAOMI = "Mozilla/5.0 (Linux; U; Android 13; zh-hk; 2201117TG) AppleWebKit/537.36 (KHTML, like Gecko)"
PIXEL = "Mozilla/5.0 (Linux; Android 14; Pixel 8{}) AppleWebKit/537.36 (KHTML, like Gecko)"
APPS = {
    # AlipayHK and Alipay say AliApp; wallets of iOS that say nothing lack Safari/.
    f"{IPHONE} Mobile/15E148 Ariver/1.1.0 AliApp(AP/10.6.20.6000) AlipayHK/6.4.0 Nebula WK": "AlipayHK",
    f"{IPHONE} Mobile/19E241 AliApp(AP/10.2.59.6000) Nebula WK AlipayClient/10.2.59.6000 Language/zh-Hans": "Alipay",
    f"{PIXEL.format('; wv')} Version/4.0 Chrome/126.0.0.0 Mobile Safari/537.36 AliApp(AP/10.5) AlipayHK": "AlipayHK",
    f"{IPHONE} Mobile/15E148 PayMe/3.0": "PayMe",
    f"{IPHONE} Mobile/15E148": "",
    f"{IPHONE} Mobile/15E148 Octopus/10.9": "Octopus",
    f"{PIXEL.format('; wv')} Version/4.0 Chrome/126.0.0.0 Mobile Safari/537.36": "",
    f"{IPHONE} Mobile/13E233 MicroMessenger/8.0.49 NetType/WIFI Language/zh_HK": "WeChat",
    f"{PIXEL.format('')} Version/4.0 Chrome/86.0 MQQBrowser/6.2 Mobile Safari/537.36 MicroMessenger/8.0.1": "WeChat",
    f"{IPHONE} Mobile/21F79 [FBAN/FBIOS;FBAV/467.0.0.38.97;FBBV/1]": "Facebook",
    f"{IPHONE} Mobile/15E148 Instagram 330.0.3.29.109 (iPhone14,5; iOS 17_5)": "Instagram",
    f"{IPHONE} Mobile/15E148 Safari Line/14.9.0": "LINE",
    f"{IPHONE} GSA/319.0 Mobile/15E148 Safari/604.1": "Google",
}
BROWSERS = (
    f"{IPHONE} Version/17.5 Mobile/15E148 Safari/604.1",
    f"{IPHONE} CriOS/126.0.6478.35 Mobile/15E148 Safari/604.1",
    f"{IPHONE} FxiOS/127.0 Mobile/15E148 Safari/605.1.15",
    f"{IPHONE} EdgiOS/126.0 Version/17.0 Mobile/15E148 Safari/604.1",
    f"{IPHONE} Version/17.5 Mobile/15E148 DuckDuckGo/7 Safari/605.1.15",
    f"{IPAD} Version/16.6 Mobile/15E148 Safari/604.1",
    f"{MAC} Version/17.5 Safari/605.1.15",
    f"{PIXEL.format('')} Chrome/126.0.0.0 Mobile Safari/537.36",
    f"{PIXEL.format('')} SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36",
    f"{XIAOMI} Version/4.0 Chrome/112.0.5615.136 Mobile Safari/537.36 XiaoMi/MiuiBrowser/14.10.1-gn",
    "Mozilla/5.0 (Android 14; Mobile; rv:127.0) Gecko/127.0 Firefox/127.0",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
)


@pytest.fixture(scope="module")
def browsers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Any]]:
    folder = tmp_path_factory.mktemp("profiles")
    with open_browser(folder / "ada") as one, open_browser(folder / "ben") as other:
        yield one, other


@pytest.fixture
def ada(browsers: tuple[Any, Any]) -> Iterator[Phone]:
    made = Phone(browsers[0])
    yield made
    made.put_away()


@pytest.fixture
def ben(browsers: tuple[Any, Any]) -> Iterator[Phone]:
    made = Phone(browsers[1])
    yield made
    made.put_away()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(tmp_path / "home") as made:
        yield made


@pytest.fixture
def desk(house: House, tmp_path: Path, ada: Phone) -> Iterator[Desk]:
    """Ada has ticket 1, and both have accounts at the provider."""
    ada.activate(*house.buy(1))
    with with_consent(house, tmp_path / "provider") as made:
        for name in ("ada", "ben"):
            made.do("accounts", account=name, deposit=100_000)
        yield made


def kept(phone: Phone) -> str:
    said: str = phone.driver.execute_script("return JSON.stringify(localStorage) + JSON.stringify(sessionStorage)")
    return said


def test_apps_with_windows_of_their_own_are_known_and_browsers_are_not_taken_for_them(ada: Phone, house: House) -> None:
    ada.open(f"{house.origin}/wallet/")
    script = 'const { appOf } = await import("/wallet/apps.js"); return a.map((agent) => appOf(agent));'
    assert ada.run(script, *APPS) == [*APPS.values()]
    assert ada.run(script, *BROWSERS) == [None] * len(BROWSERS)
    on_home_screen = 'const { appOf } = await import("/wallet/apps.js"); return appOf(a[0], true);'
    assert ada.run(on_home_screen, f"{IPHONE} Mobile/15E148") is None, "a page on the home screen is its own browser"


@pytest.mark.parametrize(
    ("language", "inside", "app"), [("zh-HK", "AliApp(AP/10.6) AlipayHK/6.4", "AlipayHK"), ("en", "PayMe/3", "PayMe")]
)
def test_a_wallet_apps_window_says_where_the_keys_would_be_and_how_to_leave(
    ada: Phone, house: House, language: str, inside: str, app: str
) -> None:
    ada.speaks(language, inside=inside)
    link, _ = house.buy(2)
    ada.open(link)
    ada.says(app, "#elsewhere")
    ada.says("Safari", "#elsewhere")
    ada.says("Chrome", "#elsewhere")
    ada.says("密鑰" if language == "zh-HK" else "key", "#elsewhere")
    assert ada.see("#copy").get_attribute("data-link") == link
    for width in (320, 390):
        ada.size(width)
        assert ada.overflowing() == []


@pytest.mark.usefixtures("desk")
def test_everything_that_was_typed_is_there_after_the_trip(ada: Phone, ben: Phone, house: House) -> None:
    ada.click("#pass")
    typed(ada, to=BEN, price="700.50")
    Select(ada.see("#life")).select_by_index(2)
    at_provider(ada, "identify", "ada")
    assert [ada.see(f"#{name}").get_attribute("value") for name in ("to", "price", "life")] == [BEN, "700.50", "259200"]
    ada.click("#do")
    ada.see("#take-back")
    assert BEN not in kept(ada), "what was typed is kept for the trip only"
    ben.open(house.link_to(BEN, "transfer_offer"))
    at_provider(ben, "pay", "ben")
    ben.click("#accept")
    assert ben.code().core.owner_seq == 1


@pytest.mark.usefixtures("desk")
@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"price": "881"}, "above-cap"),
        ({"to": "nobody", "price": "10"}, "no-contact"),
    ],
)
def test_what_the_node_would_refuse_is_said_before_the_trip(
    ada: Phone, house: House, fields: dict[str, str], code: str
) -> None:
    ada.click("#pass")
    typed(ada, **{"price": "1", **fields})
    ada.click("#ask-identify")
    ada.refused(code)
    assert house.origin in ada.driver.current_url, "nobody has left"


@pytest.mark.usefixtures("desk")
def test_a_trip_that_nobody_came_back_from_is_forgotten(ada: Phone, house: House) -> None:
    ada.click("#pass")
    typed(ada, to=BEN, price="100")
    ada.click("#ask-identify")
    ada.see("button[value=ada]")
    ada.open(f"{house.origin}/wallet/#/")
    assert BEN in ada.driver.execute_script("return JSON.stringify(localStorage)")
    added = ada.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": LATER})
    ada.open(f"{house.origin}/wallet/#/")
    assert BEN not in ada.driver.execute_script("return JSON.stringify(localStorage)")
    ada.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)


@pytest.mark.usefixtures("desk")
def test_the_way_back_may_open_in_another_tab(ada: Phone) -> None:
    ada.click("#pass")
    typed(ada, to=BEN, price="100")
    address = ada.see("#ask-identify").get_attribute("href") or ""
    ada.driver.execute_script(
        "document.querySelector('#ask-identify').addEventListener('click', (e) => e.preventDefault());"
        "document.querySelector('#ask-identify').click()"
    )
    first = ada.driver.current_window_handle
    ada.driver.switch_to.new_window("tab")
    try:
        ada.driver.get(address)
        ada.click("button[value=ada]")
        ada.says("authorised", "main")
        assert ada.see("#to").get_attribute("value") == BEN
        ada.click("#do")
        ada.see("#take-back")
    finally:
        ada.driver.close()
        ada.driver.switch_to.window(first)


@pytest.mark.usefixtures("desk")
def test_a_way_back_into_another_browser_gives_a_code_to_paste(ada: Phone, ben: Phone) -> None:
    """As when the provider's app opens a window of its own: it knows nothing of the page where one began."""
    ada.click("#pass")
    typed(ada, price="100")
    ben.driver.get(ada.see("#ask-identify").get_attribute("href") or "")
    ben.click("button[value=ada]")
    ben.says("another browser or app")
    code = ben.text("#codes")
    assert ben.see("#copy-codes").is_displayed()
    assert code not in ben.driver.current_url
    assert ben.overflowing() == []
    typed(ada, id_code=code)
    ada.click("#do")
    ada.see("#take-back")


STRANGE = "0123456789abcdef" * 2


@pytest.mark.usefixtures("desk")
@pytest.mark.parametrize("trip", ["", "?trip=", "?trip=x", "?trip=" + "f" * 31, "?trip=" + "F" * 32])
def test_a_code_that_comes_by_a_link_and_from_no_trip_is_shown_to_nobody(ada: Phone, house: House, trip: str) -> None:
    """Attack: a link that leads to our own page, with the attacker's code in it, to be copied and used."""
    ada.open(f"{house.origin}/agreed{trip}#identify/mallorys-code")
    ada.says("authorised nothing")
    assert "mallorys-code" not in ada.driver.page_source


@pytest.mark.usefixtures("desk")
def test_a_code_of_a_trip_that_began_elsewhere_counts_only_there(ada: Phone, ben: Phone, house: House) -> None:
    """Attack: as above, with a number; and a code that somebody else's trip brought."""
    ben.open(f"{house.origin}/agreed?trip={STRANGE}#identify/mallorys-code")
    code = ben.text("#codes")
    assert code == f"mallorys-code~{STRANGE}"
    ada.click("#pass")
    typed(ada, price="100")
    for stray in (code, f"x~{STRANGE}~y", "x~"):
        typed(ada, id_code=stray)
        ada.click("#do")
        ada.refused("other-trip")


@pytest.mark.usefixtures("desk")
def test_what_was_not_asked_for_is_not_taken(ada: Phone, house: House) -> None:
    ada.click("#pass")
    typed(ada, to=BEN, price="100")
    back = (ada.see("#ask-identify").get_attribute("href") or "").partition("back=")[2]
    trip = back.partition("trip%3D")[2][:32]
    ada.open(f"{house.origin}/agreed?trip={trip}#pay=mallorys-code&identify=adas-code")
    ada.see("#do")
    kept = ada.driver.execute_script("return JSON.stringify(sessionStorage)")
    assert ("adas-code" in kept, "mallorys-code" in kept) == (True, False)
    ada.open(f"{house.origin}/agreed?trip={trip}#identify/again")
    assert ada.text("#codes") == f"again~{trip}", "a trip leads back once"


def test_both_codes_are_pasted_at_once(ada: Phone, ben: Phone, house: House, desk: Desk) -> None:
    policies.set_policy(house.node, EVENT, {"receive_level": 1})
    ada.click("#pass")
    typed(ada, price="100")
    at_provider(ada, "identify", "ada")
    ada.click("#do")
    ben.open(ada.attribute("#share", "data-link"))
    pay, who = desk.yes("ben", event=EVENT), desk.yes("ben", "identify", event=EVENT)
    typed(ben, pay_code=f"{desk.party('ben', EVENT).hex()}.{pay} {who}")
    ben.click("#accept")
    ben.see(".at-gate")


@pytest.mark.usefixtures("desk")
def test_a_provider_that_answers_for_the_payment_alone_is_asked_again(ada: Phone, ben: Phone, house: House) -> None:
    """A page that was made before there was `also`: the old answer, and a second trip."""
    policies.set_policy(house.node, EVENT, {"receive_level": 1})
    ada.click("#pass")
    typed(ada, price="100")
    at_provider(ada, "identify", "ada")
    ada.click("#do")
    ben.open(ada.attribute("#share", "data-link"))
    old = (ben.see("#ask-pay").get_attribute("href") or "").replace("&also=identify", "")
    ben.driver.get(old)
    ben.click("button[value=ben]")
    ben.says("authorised", "main")
    ben.click("#ask-identify")
    ben.click("button[value=ben]")
    ben.await_(lambda: not ben.shows("#id_code") and not ben.shows("#pay_code"), "both are given")
    ben.click("#accept")
    ben.see(".at-gate")


@pytest.mark.parametrize(
    ("status", "body"),
    [(502, "<html>Bad Gateway</html>"), (503, "<html>no backend</html>"), (200, "<html>Sign in</html>")],
)
def test_a_node_that_is_away_is_not_called_no_network(ada: Phone, house: House, status: int, body: str) -> None:
    ada.activate(*house.buy(3))
    ada.driver.execute_script(
        "window.fetch = (path) => Promise.resolve(new Response(arguments[0], {status: arguments[1],"
        " headers: {'Content-Type': 'text/html'}}))",
        body,
        status,
    )
    ada.click("#history")
    ada.refused("away")
    ada.says("ticket system does not answer")
    ada.says("No answer", "#network")


def test_a_phone_without_network_is_told_so(ada: Phone, house: House) -> None:
    ada.activate(*house.buy(3))
    ada.await_(ada.kept_for_offline, "the page is in the phone")
    ada.without_network()
    ada.click("#history")
    ada.refused("offline")
    ada.says("Offline", "#network")
    ada.without_network(off=False)
    ada.click("main button")
    ada.see(".steps li")
    ada.await_(lambda: not ada.shows("#network"), "all is well again")
