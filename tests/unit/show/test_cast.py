from pathlib import Path
from random import Random

import pytest

from ledger_node.services.issue import read_rows
from scanner.verify.gatecode import GateCode, event_hash, parse, possession_message
from scanner.verify.keys import verify
from tests.show.cast import ANY_GATE, BLUE, EVENT, PARTS, RED, Cast


@pytest.fixture(scope="module")
def cast() -> Cast:
    return Cast(400, Random(3))


def test_no_ticket_plays_two_parts(cast: Cast) -> None:
    sold = (cast.red, cast.blue, cast.anywhere)
    parts = [kind(n) for kind in (*sold, cast.unsold, cast.unsold_blue) for n in range(PARTS - 1)]
    assert len(parts) == len(set(parts))
    assert max(parts) <= cast.seats


def test_the_box_office_list_is_one_that_a_ledger_takes(cast: Cast, tmp_path: Path) -> None:
    done: list[int] = []
    cast.write_csv(tmp_path / "tickets.csv", done.append)
    rows = {row.index: row for row in read_rows(tmp_path / "tickets.csv")}
    assert sorted(rows) == list(range(1, 401))
    assert done[-1] == 400
    kinds = {
        cast.red: RED, cast.blue: BLUE, cast.anywhere: ANY_GATE, cast.unsold: RED, cast.unsold_blue: BLUE,
    }  # fmt: skip
    for kind, group in kinds.items():
        assert {rows[kind(n)].gate_group for n in range(PARTS - 1)} == {group}


def test_holders_prove_that_they_have_their_keys_and_the_unsold_have_none(cast: Cast, tmp_path: Path) -> None:
    cast.write_csv(tmp_path / "tickets.csv")
    for row in read_rows(tmp_path / "tickets.csv"):
        if row.index in {kind(n) for n in range(PARTS - 1) for kind in (cast.unsold, cast.unsold_blue)}:
            assert row.holder_key == b""
            continue
        message = possession_message(event_hash(EVENT), row.index, 0, row.holder_key)
        assert verify(row.holder_key, message, row.proof)


def test_a_phone_shows_a_code_that_its_own_key_signed_and_a_forger_one_that_it_did_not(
    cast: Cast, tmp_path: Path
) -> None:
    cast.write_csv(tmp_path / "tickets.csv")
    keys = {row.index: row.holder_key for row in read_rows(tmp_path / "tickets.csv")}
    ticket = cast.red(0)
    for holder, good in ((None, True), (cast.stranger(), False)):
        code = parse(cast.compact(ticket, 1_790_000_000, holder=holder))
        assert isinstance(code, GateCode)
        assert code.holder_signature_good(event_hash(EVENT), keys[ticket]) is good


def test_too_small_a_house_is_refused() -> None:
    with pytest.raises(ValueError, match="too few"):
        Cast(100, Random(1))
