"""C2SP tlog-witness, byte for byte: what we send and what we take."""

import pytest

from ledger_node.log.witness_protocol import AddCheckpoint, read_size
from scanner.verify.checkpoint import VerifierKey
from scanner.verify.entry import Malformed
from scanner.verify.statement import Stated, StateStatement, open_statement, sign_statement
from tests.fakes.box_office import NODE, key
from tests.fakes.tile_logs import LOG

EXAMPLE = """old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

\u2014 example.com/behind-the-sofa \
Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
"""
"""The request that the specification shows."""
HASH = "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw="


def test_the_specifications_example_is_read_and_written_back():
    request = AddCheckpoint.parse(EXAMPLE.encode())
    assert (request.old, len(request.proof)) == (20852014, 4)
    assert request.checkpoint.startswith("example.com/behind-the-sofa\n20852163\n")
    assert request.encode() == EXAMPLE.encode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"old 1",
        b"new 1\n\nx",
        b"old 01\n\nx",
        b"old -1\n\nx",
        b"old 1 \n\nx",
        b"old 99999999999999999999\n\nx",
        f"old 1\n{HASH} \n\nx".encode(),
        f"old 1\n{HASH[:-2]}\n\nx".encode(),
        f"old 1\n{HASH[4:]}\n\nx".encode(),
        b"old 1\n!!!!\n\nx",
        (f"old 1\n{HASH}\n" + f"{HASH}\n" * 63 + "\nx").encode(),
    ],
)
def test_what_is_no_request_is_malformed(body):
    assert isinstance(AddCheckpoint.parse(body), Malformed)


def test_sixty_three_hashes_are_as_many_as_there_may_be():
    assert len(AddCheckpoint.parse((f"old 1\n{HASH}\n" + f"{HASH}\n" * 62 + "\nx").encode()).proof) == 63


@pytest.mark.parametrize(
    ("body", "size"),
    [(b"0\n", 0), (b"20852163\n", 20852163), (b"7", 7), (b"", None), (b"07\n", None), (b"7\n\n", None)],
)
def test_the_size_in_a_conflict(body, size):
    assert read_size(body) == size


def statement():
    stated = {event: Stated(bytes([n]) * 32, bytes([n + 8]) * 32) for event, n in (("b", 2), ("a", 1))}
    return StateStatement(LOG.name, 7, bytes(32), stated)


def test_a_statement_of_the_state_is_read_as_it_was_signed():
    note = sign_statement(statement(), LOG, NODE)
    assert open_statement(note, LOG) == statement()
    assert note.startswith(f"ticketme-gate/state/v1\n{LOG.name}\n7\n")


@pytest.mark.parametrize(
    "change",
    [
        lambda note: note.replace("\n7\n", "\n8\n"),
        lambda note: note.replace("\na ", "\nc "),
        lambda note: note.replace("state/v1", "state/v2"),
        lambda note: note.replace("AQEB", "AQIB"),
        lambda note: note.replace(" CQkJ", " CQoJ"),
        lambda note: note + "\u2014 other AAAA\n",
        lambda note: note[:-2],
        lambda _note: "",
    ],
)
def test_a_statement_that_was_changed_is_refused(change):
    assert isinstance(open_statement(change(sign_statement(statement(), LOG, NODE)), LOG), Malformed)


def test_a_statement_of_another_key_is_refused():
    other = VerifierKey(LOG.name, key("other").public)
    assert isinstance(open_statement(sign_statement(statement(), other, key("other")), LOG), Malformed)


def test_a_statement_is_no_checkpoint_and_a_checkpoint_is_no_statement():
    body = f"{LOG.name}\n7\n" + "A" * 43 + "=\n"
    assert statement().body().split("\n")[0] != LOG.name
    assert isinstance(open_statement(f"{body}\n\u2014 {LOG.name} AAAA\n", LOG), Malformed)
