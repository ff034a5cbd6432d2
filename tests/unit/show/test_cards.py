import urllib.error
import urllib.request
from collections.abc import Iterator
from random import Random

import numpy as np
import pytest

from scanner.camera.decode import Decoder
from tests.fakes.wallet import Wallet
from tests.show.cards import Card, CardPage, svg, terminal
from tests.show.cast import Cast

NOW = [1_790_000_000.0]


@pytest.fixture
def page() -> Iterator[CardPage]:
    cards = [
        Card("good", "A <good> ticket", "green", lambda at: f"T1{int(at)}"),
        Card("link", "A link", "red", lambda _at: "https://example.org/"),
    ]
    served = CardPage(cards, clock=lambda: NOW[0])
    yield served
    served.close()


def fetch(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:
        body: bytes = answer.read()
    return body


def test_the_page_shows_each_card_with_the_lamp_to_expect(page: CardPage) -> None:
    shown = fetch(page.url).decode()
    assert shown.count("<figure>") == 2
    assert "A &lt;good&gt; ticket" in shown
    assert "class='green'" in shown


def test_each_look_at_a_card_gives_the_code_of_that_moment(page: CardPage) -> None:
    for at in (1_790_000_000, 1_790_000_010):
        NOW[0] = at
        assert fetch(f"{page.url}code/good.svg?{at}") == svg(f"T1{at}")


@pytest.mark.parametrize("path", ["code/none.svg", "code/", "..", "good"])
def test_other_paths_are_not_found(page: CardPage, path: str) -> None:
    with pytest.raises(urllib.error.HTTPError, match="404") as caught:
        fetch(page.url + path)
    caught.value.close()


def test_a_code_drawn_in_the_terminal_can_be_read_by_a_camera() -> None:
    text = Wallet.new(Random(1)).compact("hkc:test", 7, 0, 1_790_000_000).text()
    halves = {" ": (255, 255), "▀": (0, 255), "▄": (255, 0), "█": (0, 0)}
    rows: list[list[int]] = []
    for line in terminal(text):
        rows += [[halves[block][half] for block in line] for half in (0, 1)]
    picture = np.kron(np.array(rows, dtype=np.uint8), np.ones((6, 6), dtype=np.uint8))
    assert Decoder(second_look=True).see(np.pad(picture, 60, constant_values=255)) == (text,)


def test_a_cast_of_a_thousand_has_the_tickets_of_the_cards() -> None:
    assert Cast(400, Random(1)).red(6) <= 400
