"""One word for one thing, in both languages: docs/words.md is the list, and every text that we ship keeps to it."""

import re
import subprocess
from pathlib import Path

import pytest

from ledger_node.adapters import letters
from ledger_node.contract.refusals import Refusal
from ledger_node.web import page_texts, regulator_texts
from scanner.kiosk import texts as kiosk

ROOT = Path(__file__).parents[2]
LIST = "docs/words.md"
HAN = re.compile(r"[\u4e00-\u9fff]")
SHIPPED = ("scanner", "ledger-node", "docs", "systemd", "README.md")
TEXT = {".py", ".js", ".md", ".html", ".toml"}
FOR_HOLDERS = ("ledger-node/ledger_node/web/static/wallet/texts.js", "docs/holders.md", "docs/gate-staff.md")


def words() -> list[tuple[list[str], str, list[str]]]:
    """The rows of the list: English words, the Chinese one, and those that are not said."""
    rows = [line.split("|")[1:-1] for line in (ROOT / LIST).read_text().splitlines() if line.startswith("|")]
    return [([one.strip() for one in en.split(",")], zh.strip(), _cells(no)) for en, zh, no in rows[2:]]


def _cells(text: str) -> list[str]:
    return [one.strip() for one in text.split(",") if one.strip()]


def shipped() -> list[Path]:
    found = subprocess.run(["git", "ls-files", "-z", *SHIPPED], cwd=ROOT, check=True, capture_output=True, text=True)
    paths = [ROOT / name for name in found.stdout.split("\0") if name and name != LIST]
    return [path for path in paths if path.suffix in TEXT and "vendor" not in path.parts and path.exists()]


def pairs() -> list[tuple[str, str]]:
    """Everything that is said to people in both languages, Chinese first."""
    screens = [*kiosk.REASONS.values(), *kiosk.FAULTS.values(), *kiosk.STATES.values()]
    said = [(text.zh_title, text.en_title) for text in screens] + [(text.zh_do, text.en_do) for text in screens]
    said += kiosk.MARKS.values()
    said += [(one.chinese, one.english) for one in Refusal]
    for page in (page_texts.TEXTS, page_texts.PROBLEMS, regulator_texts.TEXTS, regulator_texts.TYPES):
        said += [(text.zh, text.en) for text in page.values()]
    about = ("https://tickets.example/x", "6 Dec 18:00")
    written = (
        letters.activation("Show", 1, *about),
        letters.transfer_offer("Show", 0, *about),
        letters.invitation("Show", "Bank", *about),
    )
    said += [("".join(one.chinese), " ".join(one.english)) for one in written]
    return said + wallet_pairs()


def wallet_pairs() -> list[tuple[str, str]]:
    script = (ROOT / FOR_HOLDERS[0]).read_text()
    found = re.findall(r'\{\s*zh: "((?:[^"\\]|\\.)*)",\s*en: "((?:[^"\\]|\\.)*)",?\s*\}', script)
    assert len(found) == script.count("zh:") > 100, "every text of the wallet is read"
    return found


def test_the_list_has_the_words_that_people_meet_most() -> None:
    known = {zh for _, zh, _ in words()}
    assert {"售票處", "級別", "密鑰", "發行", "閘口", "持票人", "完整二維碼"} <= known
    assert all(HAN.search(zh) and english and no for english, zh, no in words())


@pytest.mark.parametrize(("english", "zh", "_no"), words(), ids=[row[1] for row in words()])
def test_a_word_means_the_same_in_both_languages(english: list[str], zh: str, _no: list[str]) -> None:
    said = [(chinese, text) for chinese, text in pairs() if zh in chinese]
    wrong = [(c, e) for c, e in said if not any(word in e.lower() for word in english)]
    assert not wrong


@pytest.mark.parametrize(("_english", "_zh", "no"), words(), ids=[row[1] for row in words()])
def test_no_second_word_is_used(_english: list[str], _zh: str, no: list[str]) -> None:
    found = [
        f"{path.relative_to(ROOT)}: {word}"
        for path in shipped()
        for text in [path.read_text().lower()]
        for word in no
        if word in text
    ]
    assert not found


def test_holders_and_staff_are_sent_to_the_box_office_and_to_no_help_desk() -> None:
    assert not [name for name in FOR_HOLDERS if "help desk" in (ROOT / name).read_text().lower()]
