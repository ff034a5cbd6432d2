"""What people get to read: both languages, amounts to the cent, and nothing of others that could do harm in it."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_node.adapters.letters import Letter, activation, dollars, invitation, receipt, transfer_offer

LINK = "https://tickets.example/a/abc?x=1&y=2"
UNTIL = "2026-11-20 18:00"


class Tags(HTMLParser):
    """Which tags and links a mail program would see, and the text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str | None] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value for name, value in attrs if name in {"href", "src"}]

    def handle_data(self, data: str) -> None:
        self.text += data


PLAIN_TAGS = {"html", "head", "meta", "title", "body", "p", "a", "div"}


def letters(event: str = "海港之夜 Harbour Nights", other: str = "滙豐 Bank") -> list[Letter]:
    return [
        activation(event, 2, LINK, UNTIL),
        activation(event, 1, LINK, UNTIL),
        transfer_offer(event, 88_050, LINK, UNTIL),
        transfer_offer(event, 0, LINK, UNTIL),
        invitation(event, other, LINK, UNTIL),
    ]


def receipts(event: str = "海港之夜 Harbour Nights", number: str = "A2B3C4D5") -> list[Letter]:
    return [receipt(event, tickets, number, 178_050) for tickets in (1, 2)]


@pytest.mark.parametrize("letter", letters())
def test_every_letter_says_it_in_both_languages_with_its_link(letter: Letter) -> None:
    page = Tags(letter.html())
    for text in (letter.plain(), page.text):
        assert "海港之夜" in text
        assert UNTIL in text
        assert LINK in text
        assert any("\u4e00" <= character <= "\u9fff" for line in letter.chinese for character in line)
        assert all(line in text for line in (*letter.chinese, *letter.english))
    assert page.links == [LINK]
    assert page.tags == PLAIN_TAGS
    assert LINK in letter.sms
    assert len(letter.sms) < 300


@pytest.mark.parametrize("letter", receipts())
def test_a_receipt_says_what_was_bought_and_leads_nowhere(letter: Letter) -> None:
    page = Tags(letter.html())
    for text in (letter.plain(), page.text):
        assert all(said in text for said in ("海港之夜", "1,780.50", "A2B3C4D5", *letter.chinese, *letter.english))
    assert (page.links, page.tags) == ([], PLAIN_TAGS - {"a"})
    assert "http" not in letter.plain() + letter.sms
    assert "A2B3C4D5" in letter.sms
    assert len(letter.sms) < 300


def test_a_price_is_told_to_the_cent() -> None:
    assert "港幣 880.50" in transfer_offer("X", 88_050, LINK, UNTIL).plain()
    assert "HK$880.50" in transfer_offer("X", 88_050, LINK, UNTIL).plain()
    assert "免費" in transfer_offer("X", 0, LINK, UNTIL).sms


@given(st.integers(0, 2**53))
def test_dollars_lose_no_cent(cents: int) -> None:
    assert int(dollars(cents).replace(",", "").replace(".", "")) == cents


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=60))
def test_a_name_never_becomes_markup_or_another_line(name: str) -> None:
    try:
        made = letters(name, name) + receipts(name, name)
    except ValueError:
        return
    for letter in made:
        assert Tags(letter.html()).tags | {"a"} == PLAIN_TAGS
        assert "\n" not in letter.subject + letter.sms
        assert letter.subject.isprintable() or " " in letter.subject or "\u3000" in letter.subject


@pytest.mark.parametrize("name", ["", " ", "a\nb", "a\r\nBcc: x@y.z", "a\0", "a\u2028b", "\u202eevil", "x" * 201])
def test_a_name_with_lines_or_turning_marks_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="one line"):
        activation(name, 1, LINK, UNTIL)


@pytest.mark.parametrize(
    "link",
    [
        "", "javascript:alert(1)", "http://tickets.example/a", "//tickets.example", "https://", "https://x.example/a b",
        'https://x.example/"><script>', "https://x.example/\n", "https://例子.example/",
        "https://x.example/" + "a" * 999,
    ],
)  # fmt: skip
def test_a_link_that_is_not_safe_is_refused(link: str) -> None:
    with pytest.raises(ValueError, match="link"):
        activation("X", 1, link, UNTIL)


def test_a_link_to_this_machine_may_be_plain() -> None:
    assert "http://127.0.0.1:8440/a" in activation("X", 1, "http://127.0.0.1:8440/a", UNTIL).plain()
