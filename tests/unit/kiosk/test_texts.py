import re
from dataclasses import replace

import pytest

from scanner.gate import STATES
from scanner.kiosk.texts import FAULTS, MARKS, REASONS, Text
from scanner.kiosk.texts import STATES as STATE_TEXTS
from scanner.kiosk.view import view_of
from scanner.ports import GateStatus
from scanner.verify.reasons import Reason

TEXTS: dict[str, Text] = {**{r.value: t for r, t in REASONS.items()}, **FAULTS, **STATE_TEXTS}
HAN = re.compile(r"[\u4e00-\u9fff]")
# Characters that exist only in simplified writing; one of them in a text is a slip.
SIMPLIFIED = set("请门码闸软实时间关开场证发动电话职员广连过显绿红确认检验单张费项订户进选问题离东")


def test_every_reason_has_a_text() -> None:
    assert set(REASONS) == set(Reason)


@pytest.mark.parametrize("code", sorted(TEXTS))
def test_text_is_said_in_both_languages(code: str) -> None:
    text = TEXTS[code]
    assert all(HAN.search(zh) for zh in (text.zh_title, text.zh_do))
    assert not any(HAN.search(en) for en in (text.en_title, text.en_do))
    assert all(len(words) > 3 for words in (text.en_title, text.en_do))


@pytest.mark.parametrize("code", sorted(TEXTS))
def test_chinese_is_traditional_with_full_width_punctuation(code: str) -> None:
    text = TEXTS[code]
    assert not (SIMPLIFIED | set(",;:")) & set(text.zh_title + text.zh_do)


def test_marks_are_said_in_both_languages() -> None:
    assert all(HAN.search(zh) and not HAN.search(en) for zh, en in MARKS.values())


def test_titles_tell_reasons_apart() -> None:
    for field in ("zh_title", "en_title"):
        titles = [getattr(text, field) for text in REASONS.values()]
        assert len(set(titles)) == len(titles)


@pytest.mark.parametrize("state", STATES)
def test_every_state_of_the_gate_has_a_screen(state: str) -> None:
    status = replace(GateStatus("A1"), state=state, reason=Reason.OK, clock_trusted=True)
    assert view_of(status).zh_title
