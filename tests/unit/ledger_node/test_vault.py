"""The vault: nothing readable on the disk, people found without being readable, forgotten without a trace."""

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from random import Random

import pytest

from ledger_node.services.errors import ServiceError
from ledger_node.services.vault import Contact, Vault

KEY = bytes(range(32))
CHAN = {"name": "Canary Chan 陳金絲雀", "phone": "+85291234567", "email": "canary@example.hk", "document": "Z9876543"}
PHONES = ("+85291111111", "+85292222222")
NOW = 1_790_000_000


@pytest.fixture
def vault(tmp_path: Path):
    with closing(Vault(tmp_path / "vault.sqlite3", KEY, os.urandom)) as opened:
        yield opened


def written(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.iterdir()))


def readable(vault: Vault, person: str) -> str | None:
    with suppress(ServiceError):
        return vault.read(person)["phone"]
    return None


def code(caught) -> str:
    return caught.value.code


def test_what_is_kept_of_a_person_is_read_back_and_found(vault: Vault) -> None:
    person = vault.add(CHAN, NOW, ["coliseum-1122"])
    assert vault.read(person) == CHAN
    assert vault.find("phone", "+85291234567") == vault.find("document", "Z9876543") == [person]
    assert vault.find("phone", "+85291234568") == vault.find("email", "+85291234567") == []
    assert (vault.events(person), vault.since(person)) == (["coliseum-1122"], NOW)


def test_no_name_phone_mail_or_document_is_readable_on_the_disk(vault: Vault, tmp_path: Path) -> None:
    vault.add(CHAN, NOW)
    found = written(tmp_path)
    for value in CHAN.values():
        assert value.encode() not in found
        assert value.encode("utf-16-le") not in found


def test_lengths_are_hidden_too(vault: Vault) -> None:
    vault.add({"name": "Li"}, NOW)
    vault.add({"name": "A rather long name that still fits one block of it"}, NOW)
    assert len({len(row[0]) for row in vault._database.read("SELECT box FROM fields")}) == 1


def test_the_same_value_makes_another_box_for_each_person(vault: Vault) -> None:
    for _ in range(2):
        vault.add(CHAN, NOW)
    boxes = [row[0] for row in vault._database.read("SELECT box FROM fields")]
    assert len(set(boxes)) == len(boxes)


def test_a_forgotten_person_leaves_nothing_behind_in_any_file(vault: Vault, tmp_path: Path) -> None:
    rng = Random(5)
    persons = [
        vault.add({"name": CHAN["name"], "phone": f"+8529{n:07d}", "email": f"{n}@example.hk"}, NOW, ["e"])
        for n in range(600)
    ]
    traces = {person: [bytes.fromhex(person), person.encode()] for person in persons}
    for table, column in (("persons", "key"), ("fields", "box"), ("sought", "digest")):
        for person, value in vault._database.read(f"SELECT person, {column} FROM {table}"):
            traces[person].append(value[-24:])
    gone = rng.sample(persons, 200)
    assert vault.forget(*gone[:100]) == 100
    for person in gone[100:120]:
        vault.change(person, {"name": "x" * rng.randrange(400)})
    assert vault.forget(*gone[100:]) == 100
    found = written(tmp_path)
    assert not [person for person in gone if any(trace in found for trace in traces[person])]
    assert vault.read(next(person for person in persons if person not in gone))["name"] == CHAN["name"]


def test_nobody_is_found_after_being_forgotten(vault: Vault) -> None:
    person = vault.add(CHAN, NOW)
    assert vault.forget(person) == 1
    assert vault.find("phone", CHAN["phone"]) == []
    with pytest.raises(ServiceError) as caught:
        vault.read(person)
    assert code(caught) == "unknown-person"
    assert vault.forget(person) == 0


def test_a_death_between_deleting_and_scrubbing_is_made_good_when_the_vault_is_opened(tmp_path: Path) -> None:
    with closing(Vault(tmp_path / "vault.sqlite3", KEY, os.urandom)) as vault:
        person = vault.add(CHAN, NOW)
        key = vault._database.read("SELECT key FROM persons")[0][0]
        # All that `forget` has done when its transaction is committed: the older page still stands in the log.
        vault._database.write("DELETE FROM persons")
        vault._database.write("INSERT INTO unscrubbed VALUES (1)")
        for path in tmp_path.iterdir():
            (tmp_path.parent / f"{tmp_path.name}-{path.name}").write_bytes(path.read_bytes())
    copies = tmp_path / "after-the-crash"
    copies.mkdir()
    for path in tmp_path.parent.glob(f"{tmp_path.name}-vault*"):
        path.rename(copies / path.name.removeprefix(f"{tmp_path.name}-"))
    assert key in written(copies)
    with closing(Vault(copies / "vault.sqlite3", KEY, os.urandom)):
        found = written(copies)
    assert key not in found
    assert person.encode() not in found


def test_another_vault_key_opens_nothing_and_says_so(tmp_path: Path) -> None:
    with closing(Vault(tmp_path / "vault.sqlite3", KEY, os.urandom)) as vault:
        person = vault.add(CHAN, NOW)
    with closing(Vault(tmp_path / "vault.sqlite3", bytes(32), os.urandom)) as other:
        with pytest.raises(ServiceError, match=r"vault\.key"):
            other.read(person)
        assert other.find("phone", CHAN["phone"]) == []


@pytest.mark.parametrize(
    "swap",
    [
        "UPDATE fields SET box = (SELECT box FROM fields f WHERE f.person = fields.person AND f.name = 'email')",
        "UPDATE fields SET box = (SELECT box FROM fields f WHERE f.person != fields.person AND f.name = fields.name)",
        "UPDATE persons SET key = (SELECT key FROM persons p WHERE p.person != persons.person)",
        "UPDATE fields SET box = zeroblob(length(box))",
    ],
)
def test_boxes_and_keys_that_were_moved_on_the_disk_do_not_open(tmp_path: Path, swap: str) -> None:
    path = tmp_path / "vault.sqlite3"
    with closing(Vault(path, KEY, os.urandom)) as vault:
        persons = [vault.add({**CHAN, "phone": phone}, NOW) for phone in PHONES]
    with closing(sqlite3.connect(path)) as database:
        database.execute(swap)
        database.commit()
    with closing(Vault(path, KEY, os.urandom)) as vault:
        read = [readable(vault, person) for person in persons]
    assert None in read
    assert all(phone in {None, own} for phone, own in zip(read, PHONES, strict=True))


def test_only_who_outlived_all_their_events_is_due(vault: Vault) -> None:
    over, both, bare, late = (
        vault.add({"name": "n"}, since, events)
        for since, events in ((1, ["past"]), (1, ["past", "future"]), (1, []), (NOW, ["past"]))
    )
    assert sorted(vault.outlived(NOW, frozenset({"past"}))) == sorted([over, bare])
    assert both in vault.outlived(NOW, frozenset({"past", "future"}))
    assert late not in vault.outlived(NOW, frozenset({"past"}))


@pytest.mark.parametrize(
    ("values", "reason"),
    [({"nickname": "C"}, "bad-field"), ({"name": "n" * 4_097}, "too-long"), ({"answer:../x": "1"}, "bad-field")],
)
def test_what_the_vault_does_not_keep_is_refused_and_nobody_is_added(vault: Vault, values, reason: str) -> None:
    with pytest.raises(ServiceError) as caught:
        vault.add({"phone": "+85291234567", **values}, NOW)
    assert code(caught) == reason
    assert vault.persons() == []


def test_a_changed_phone_is_found_and_the_old_one_is_not(vault: Vault) -> None:
    person = vault.add(CHAN, NOW)
    vault.change(person, {"phone": "+85298765432"}, ["another"])
    assert vault.find("phone", CHAN["phone"]) == []
    assert vault.find("phone", "+85298765432") == [person]
    vault.drop(person, "phone")
    assert vault.find("phone", "+85298765432") == []
    assert vault.contact(person) == Contact(None, CHAN["email"])


def test_a_contact_shows_nothing_of_itself_in_a_log_line(vault: Vault) -> None:
    contact = vault.contact(vault.add(CHAN, NOW))
    assert CHAN["phone"] not in repr(contact)
    assert CHAN["email"] not in f"{contact}"


@pytest.mark.parametrize("person", ["", "x" * 32, "../../etc", "AB" * 16])
def test_an_id_that_is_none_is_nobody(vault: Vault, person: str) -> None:
    with pytest.raises(ServiceError) as caught:
        vault.read(person)
    assert code(caught) == "unknown-person"


CONTACT = {"phone": "+85291234567", "email": "Chan@example.hk"}
AGAIN = {"phone": "+85291234567", "email": "chan@example.hk"}


def test_whoever_comes_again_with_the_same_contact_has_one_record(vault: Vault) -> None:
    person = vault.keep(CONTACT, {"order:a1": "U-1"}, 1, ["past"])
    assert vault.keep(AGAIN, {"order:b2": "U-2"}, NOW, ["future"]) == person
    assert vault.read(person) == {**CONTACT, "order:a1": "U-1", "order:b2": "U-2"}
    assert (vault.since(person), vault.events(person)) == (1, ["future", "past"])
    assert vault.outlived(NOW, frozenset({"past"})) == []


def test_a_phone_that_somebody_else_typed_opens_nobodys_record(vault: Vault) -> None:
    known = vault.keep(CONTACT, {}, NOW)
    others = [{"phone": CONTACT["phone"]}, {**CONTACT, "email": "mallory@example.hk"}, {"email": CONTACT["email"]}]
    persons = {known, *(vault.keep(other, {}, NOW) for other in others)}
    assert len(persons) == 4
    assert len(vault.find("phone", CONTACT["phone"])) == 3
    assert vault.keep({}, {}, NOW) != vault.keep({}, {}, NOW), "who gave no contact is nobody known"


@pytest.mark.parametrize("spelt", ["91234567", "+852 9123 4567", "９１２３－４５６７", "852-91234567"])
def test_a_phone_is_found_in_every_spelling(vault: Vault, spelt: str) -> None:
    person = vault.add(CHAN, NOW)
    assert vault.find("phone", spelt) == [person]


def test_an_order_is_found_by_its_number_in_every_event(vault: Vault) -> None:
    person = vault.keep(CONTACT, {"order:a1": "U-1001", "order:b2": "U-1001"}, NOW)
    assert vault.fields_with("order", "u 1001") == [(person, "order:a1"), (person, "order:b2")]
    vault.drop(person, "order:a1")
    assert vault.fields_with("order", "U-1001") == [(person, "order:b2")]


def as_before(path: Path, people: list[tuple[dict[str, str], int, str]]) -> list[str]:
    """A vault as earlier versions wrote it: a record for each order, found only by what is spelt alike."""
    with closing(Vault(path, KEY, os.urandom)) as vault:
        persons = [vault.add(values, since, [event]) for values, since, event in people]
        digests = [
            (vault.locker.digest(name, value), person, name)
            for person, (values, _, _) in zip(persons, people, strict=True)
            for name, value in values.items()
            if name in {"phone", "email", "document"}
        ]
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE lookups (digest BLOB, person TEXT, name TEXT, PRIMARY KEY (digest, person))")
        database.executemany("INSERT INTO lookups VALUES (?, ?, ?)", digests)
        database.execute("DROP TABLE sought")
        database.execute("DROP TABLE merged")
        database.commit()
    return persons


def test_records_of_one_person_become_one_when_an_earlier_vault_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "vault.sqlite3"
    alone = {"phone": CONTACT["phone"]}
    orders = [({**CONTACT, "order:a1": "U-1"}, 5, "e1"), ({**AGAIN, "order:b2": "U-2"}, 3, "e2"), (alone, 1, "e3")]
    first, second, other = as_before(path, orders)
    with closing(Vault(path, KEY, os.urandom)) as vault:
        assert sorted(vault.persons()) == sorted([second, other]), "the oldest record stays"
        assert vault.read(second) == {**AGAIN, "order:a1": "U-1", "order:b2": "U-2"}
        assert (vault.events(second), vault.since(second)) == (["e1", "e2"], 3)
        assert vault.merged() == [(first, second)]
        assert vault.find("email", "CHAN@example.hk") == vault.find("order", "u1") == [second]
        vault.forget(second)
        found = written(tmp_path)
        assert vault.forget_merged() is None
    assert first.encode() in found, "until the other books have heard of it"
    with closing(Vault(path, KEY, os.urandom)) as vault:
        assert (vault.merged(), vault.persons()) == ([], [other])


def test_an_earlier_vault_under_another_key_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "vault.sqlite3"
    as_before(path, [(CHAN, 1, "e1"), (CHAN, 2, "e2")])
    with pytest.raises(ServiceError, match=r"vault\.key"):
        Vault(path, bytes(32), os.urandom)
    with closing(Vault(path, KEY, os.urandom)) as vault:
        assert len(vault.persons()) == 1


def test_a_damaged_box_does_not_keep_an_earlier_vault_shut(tmp_path: Path) -> None:
    path = tmp_path / "vault.sqlite3"
    first, second = as_before(path, [(CHAN, 1, "e1"), (CHAN, 2, "e2")])
    with closing(sqlite3.connect(path)) as database:
        database.execute("UPDATE fields SET box = zeroblob(length(box)) WHERE person = ? AND name = 'name'", (first,))
        database.commit()
    with closing(Vault(path, KEY, os.urandom)) as vault:
        assert sorted(vault.persons()) == sorted([first, second])
        assert vault.find("phone", CHAN["phone"]) == [second]
