"""What one text of ours says of another's words is what stands there: pages, the wallet and the gate's screen."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from scanner.kiosk import texts as kiosk
from tests.unit.test_words import ROOT, wallet_pairs

STAFF = ROOT / "docs/gate-staff.md"
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
QUOTED = re.compile("「([^」]+)」|“([^”]+)”")
BOLD = re.compile(r"\*\*([^*]+)\*\*")
TAPPED = re.compile(r"(?<!\*)\*([A-Z][^*]+)\*(?!\*)")
"""What a page of the holders asks to tap, in italics."""
BROWSERS = "以 Safari 開啟 · 以 Chrome 開啟 · Open in Safari · Open in Chrome"
"""Words of a phone's own menus."""


def screens() -> list[str]:
    """Titles and instructions of the gate, chip by chip too, and everything that the wallet says."""
    said = [part for table in (kiosk.REASONS, kiosk.FAULTS, kiosk.STATES) for text in table.values() for part in text]
    said += [part for pair in (*kiosk.MARKS.values(), *wallet_pairs()) for part in pair]
    said += [*literals(ROOT / "scanner/kiosk/strip.py"), *literals(ROOT / "scanner/kiosk/view.py")]
    said += re.findall(r">([^<>]+)</span>", (ROOT / "scanner/kiosk/static/index.html").read_text())
    return said


def literals(source: Path) -> Iterator[str]:
    """The texts in a module, without what it says of itself."""
    tree = ast.parse(source.read_text())
    told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
            yield node.value


def quotes(text: str) -> list[str]:
    return [one or other for one, other in QUOTED.findall(text)]


def stands(words: str, said: list[str]) -> bool:
    """Word by word: not a part of a longer word."""
    wanted = re.compile(rf"(?<![A-Za-z]){re.escape(words)}(?![A-Za-z])")
    return any(wanted.search(QUOTED.sub("", text)) for text in [*said, BROWSERS])


@pytest.mark.parametrize("page", [page for page in PAGES if quotes(page.read_text())], ids=lambda page: page.name)
def test_what_a_page_quotes_of_a_screen_is_what_the_screen_says(page: Path) -> None:
    said = screens()
    assert [words for words in quotes(page.read_text()) if not stands(words, said)] == []


def test_what_the_staff_sheet_names_in_bold_is_what_the_screen_says() -> None:
    """Each case that it explains is looked up by its title."""
    said = screens()
    cases = [line for line in STAFF.read_text().splitlines() if line.startswith(("- ", "  "))]
    named = [words for line in cases for words in BOLD.findall(line)]
    assert len(named) >= 16
    assert [words for words in named if not stands(words, said)] == []


def test_what_holders_are_to_tap_is_on_their_screen() -> None:
    said = screens()
    tapped = TAPPED.findall((ROOT / "docs/holders.md").read_text())
    assert len(tapped) >= 4
    assert [words for words in tapped if not stands(words, said)] == []


def test_what_wallet_and_gate_quote_of_each_other_is_what_the_other_says() -> None:
    said = screens()
    quoting = [(text, words) for text in said for words in quotes(text)]
    assert len(quoting) >= 6
    assert [words for text, words in quoting if not stands(words, [one for one in said if one != text])] == []


def test_what_to_do_about_a_verdict_has_one_answer() -> None:
    """On the screen, and in the table of reasons; and the box office is the same on the staff sheet."""
    page = (ROOT / "docs/gate-code.md").read_text()
    for reason, text in kiosk.REASONS.items():
        assert re.search(rf"^\| `{reason}` \| .* \| {re.escape(text.en_do)} \|$", page, re.MULTILINE), reason
    sheet = STAFF.read_text()
    for zh, en in (("請往售票處", "box office"), ("自動設定時間", "automatic date and time")):
        for line in sheet.splitlines():
            for text in kiosk.REASONS.values():
                if f"**{text.zh_title}**" in line and zh in line:
                    assert zh in text.zh_do, text.zh_title
                if f"**{text.en_title}**" in line and en in line:
                    assert en in text.en_do, text.en_title


def test_the_screens_words_stand_on_the_staff_sheet() -> None:
    """What staff look up is what the screen says."""
    sheet = STAFF.read_text()
    for reason in ("clock-off", "already-used", "wrong-gate", "one-at-a-time"):
        text = kiosk.REASONS[kiosk.Reason(reason)]
        assert text.zh_title in sheet, reason
        assert text.en_title in sheet, reason


def test_what_the_manual_says_of_status_is_what_status_says() -> None:
    """The table of what to do about a complaint: its first column, less numbers and what is left out."""
    page = (ROOT / "docs/operations.md").read_text()
    table = page.partition("| `status` or the page says | do |\n|---|---|\n")[2].partition("\n\n")[0]
    told = [words for line in table.splitlines() for words in re.findall("`([^`]+)`", line.split("|")[1])]
    assert len(told) >= 16
    said = [text for source in (ROOT / "scanner").rglob("*.py") for text in literals(source)]
    split = re.compile(r"\.\.\.|\bN\b|\d+|(?= does not work)")
    pieces = [piece.strip(" :") for words in told for piece in split.split(words)]
    assert [piece for piece in pieces if piece and not any(piece in text for text in said)] == []
