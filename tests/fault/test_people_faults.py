"""Vault, accounts and activation under kill -9, a full disk and damage: what was said to be done is done."""

import os
import resource
import signal
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from random import Random

import pytest
import requests

from ledger_node.contract.entries import NewTicket
from ledger_node.services import activation
from ledger_node.services.activation import Ask
from ledger_node.services.database import Database
from ledger_node.services.errors import ServiceError
from ledger_node.services.tickets import read_ticket
from ledger_node.services.vault import Vault
from scanner.verify.keys import NO_KEY
from tests.fakes.people_client import Browser
from tests.fakes.running_node import EVENT, open_home, process, stage
from tests.fakes.staffed_node import open_office
from tests.fakes.vault_process import KEY
from tests.fakes.wallet import Wallet


def killed_after(lines: int, pause: float, path: Path) -> list[list[str]]:
    command = [sys.executable, "-m", "tests.fakes.vault_process", str(path)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as running:
        assert running.stdout is not None
        said = [running.stdout.readline() for _ in range(lines)]
        threading.Event().wait(pause)
        running.kill()
        said += running.stdout.readlines()
    assert running.returncode == -signal.SIGKILL
    return [line.split() for line in said if line.endswith("\n")]


@pytest.mark.parametrize("seed", range(6))
def test_a_vault_killed_at_any_moment_keeps_whom_it_kept_and_has_nothing_of_whom_it_forgot(
    tmp_path: Path, seed: int
) -> None:
    rng, path = Random(seed), tmp_path / "vault.sqlite3"
    said = killed_after(rng.randrange(3, 60), rng.random() / 100, path)
    kept = {words[1]: int(words[2]) for words in said if words[0] == "kept"}
    gone = {words[1]: bytes.fromhex(words[2]) for words in said if words[0] == "gone"}
    with closing(Vault(path, KEY, os.urandom)) as vault:
        for person, number in kept.items():
            assert vault.read(person)["name"] == f"kept {number}"
            assert vault.find("phone", f"+8526{number:07d}") == [person]
        assert len(vault.persons()) - len(kept) in {0, 1}, "at most the one that nothing was said of"
        written = b"".join(file.read_bytes() for file in tmp_path.iterdir())
        assert not [person for person, wrapped in gone.items() if person.encode() in written or wrapped in written]
        for person in vault.persons():
            assert vault.read(person), "nobody is there by halves"


@pytest.mark.parametrize("seed", range(4))
def test_a_node_killed_in_an_activation_puts_both_keys_on_or_none_and_lets_only_them_go_on(
    tmp_path: Path, seed: int
) -> None:
    rng = Random(seed)
    with open_home(tmp_path) as node:
        stage(node, 2)
        node.commit(list(node.operator.issue(EVENT, [NewTicket(n, n, 1, 1, 100) for n in (101, 102)], node.seconds)))
        person = node.vault.add({"name": "n"}, node.seconds)
        made = activation.prepare(node, Ask(EVENT, (101, 102), "HK-1", person, "?", "right"))
    wallets = {ticket: Wallet.new(rng) for ticket in (101, 102)}
    others = {ticket: Wallet.new(rng) for ticket in (101, 102)}
    with process(tmp_path) as (running, port), closing(Browser(f"http://127.0.0.1:{port}", "x")) as browser:
        sender = threading.Thread(target=send, args=(browser, made.token, wallets))
        sender.start()
        threading.Event().wait(rng.random() / 25)
        running.kill()
        sender.join()
    with open_home(tmp_path) as node:
        held = [read_ticket(node, EVENT, ticket).row.holder_key for ticket in (101, 102)]
        assert held in ([NO_KEY, NO_KEY], [wallet.public for wallet in wallets.values()])
        claimed = node.activations.by_id(made.link).state != "open"
        if claimed:
            with pytest.raises(ServiceError, match="link is not good"):
                activation.activate(node, made.token, "right", keys(others))
        tickets = activation.activate(node, made.token, "right", keys(wallets))
        assert [one.row.holder_key for one in tickets] == [wallet.public for wallet in wallets.values()]
        assert [one.row.owner_seq for one in tickets] == [0, 0]


def keys(wallets: dict[int, Wallet]) -> list[activation.Key]:
    return [activation.Key(ticket, one.public, one.proof(EVENT, ticket)) for ticket, one in wallets.items()]


def send(browser: Browser, token: str, wallets: dict[int, Wallet]) -> None:
    sent = [
        {"ticket": key.ticket, "holder_key": key.holder_key.hex(), "proof": key.proof.hex()} for key in keys(wallets)
    ]
    try:
        browser.ask("POST", f"/v1/activation/{token}", {"answer": "right", "keys": sent})
    except requests.RequestException:  # it dies before, in, or after its answer
        return


def test_a_full_disk_is_said_and_nothing_is_half_done(tmp_path: Path) -> None:
    with open_office(tmp_path) as office:
        person = office.node.vault.add({"name": "before"}, 1)
        token = office.invite("one")
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (4_096, hard))
            for act in (
                lambda: office.node.vault.add({"name": "x" * 1_000}, 2),
                lambda: office.node.vault.forget(person),
                lambda: office.accept(token),
                lambda: office.invite("two"),
            ):
                with pytest.raises(ServiceError) as caught:
                    act()
                assert (caught.value.code, caught.value.status) == ("disk", 503)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            signal.signal(signal.SIGXFSZ, before)
        assert len(office.node.vault.persons()) <= 1
        assert office.node.trail.check() is None
        office.accept(token)
        office.accept(office.invite("two"))
        assert [one.state for one in office.node.accounts.accounts()] == ["active", "active"]


@pytest.mark.parametrize("name", ["vault.sqlite3", "accounts.sqlite3", "activations.sqlite3"])
def test_a_file_that_is_no_database_is_named(tmp_path: Path, name: str) -> None:
    with open_home(tmp_path):
        pass
    (tmp_path / name).write_bytes(b"not a database at all, but long enough to be taken for one" * 20)
    with pytest.raises(ServiceError, match=name) as caught, open_home(tmp_path):
        pass
    assert caught.value.code == "disk"


def test_what_another_thread_does_is_not_rolled_back_with_a_transaction_that_fails(tmp_path: Path) -> None:
    with closing(Database(tmp_path / "d.sqlite3", "CREATE TABLE IF NOT EXISTS t (n INTEGER)")) as database:
        begun, writers = threading.Event(), []

        def other() -> None:
            begun.set()
            database.write("INSERT INTO t VALUES (2)")

        def fail() -> None:
            with database.transaction():
                database.write("INSERT INTO t VALUES (1)")
                writers.append(threading.Thread(target=other))
                writers[0].start()
                assert begun.wait(5)
                raise KeyError

        with pytest.raises(KeyError):
            fail()
        writers[0].join()
        assert database.read("SELECT n FROM t") == [(2,)]
