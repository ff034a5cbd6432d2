"""Signing in: only the right passkey, on the right site, once; codes that cannot be guessed or used twice."""

import dataclasses
from pathlib import Path

import pytest

from ledger_node.services.accounts import sessions, signing_in, staff
from ledger_node.services.accounts.roles import Role, Way
from ledger_node.services.accounts.site import Site
from ledger_node.services.errors import ServiceError
from tests.fakes.authenticator import EDDSA, PRESENT, VERIFIED, Authenticator, b64, unb64
from tests.fakes.staffed_node import ADDRESS, BY, SITE, open_office, secret_bytes


@pytest.fixture
def office(tmp_path: Path):
    with open_office(tmp_path) as opened:
        yield opened


def refused(call, *args) -> str:
    with pytest.raises(ServiceError) as caught:
        call(*args)
    return caught.value.code


def test_an_invited_person_makes_a_passkey_and_signs_in_with_it(office) -> None:
    device, joined = office.join("box-office-2")
    assert (joined.account.role, joined.way) == (Role.OPS, Way.PASSKEY)
    again = office.session(office.login(device))
    assert again.account.account == joined.account.account
    assert again.number != joined.number
    assert office.acts() == ["account.invite", "account.join", "login"]


def test_an_invitation_is_good_once_and_not_for_long(office) -> None:
    used, late = office.invite("first"), office.invite("second")
    office.accept(used)
    assert refused(office.accept, used) == "invitation"
    office.clock.pass_time(staff.INVITATION_LIFE)
    assert refused(office.accept, late) == "invitation"
    assert refused(office.accept, "A" * 22) == "invitation"


def test_two_who_hold_the_same_invitation_do_not_both_get_in(office) -> None:
    token, first, second = office.invite("one"), Authenticator(SITE.origin), Authenticator(SITE.origin)
    both = [(one, signing_in.begin_join(office.node, SITE, token)[1]) for one in (first, second)]
    made = [one.create(options) for one, options in both]
    signing_in.finish_join(office.node, SITE, token, made[0], ADDRESS)
    assert refused(signing_in.finish_join, office.node, SITE, token, made[1], ADDRESS) == "invitation"


def test_a_newer_invitation_of_the_same_name_replaces_the_older(office) -> None:
    old, new = office.invite("one"), office.invite("one")
    assert refused(office.accept, old) == "invitation"
    office.accept(new)
    assert refused(office.invite, "one") == "account-exists"


@pytest.mark.parametrize("alike", ["ANN WÉ", "Ann  Wé", "Ａｎｎ Wé", "ann wé"])
def test_a_name_that_is_read_like_anothers_is_refused_with_that_name(office, alike: str) -> None:
    """Capital letters, width, normal form and blanks are not told apart by people; each account keeps its own."""
    ann = office.invite("Ann Wé")
    with pytest.raises(ServiceError, match=r"is read like 'Ann Wé', which is another account \(invited\)") as refused:
        staff.invite(office.node, Role.OPS, alike, "", BY)
    assert refused.value.code == "account-exists"
    office.accept(ann)
    with pytest.raises(ServiceError, match=r"\(active\): take another name"):
        staff.invite(office.node, Role.OPS, alike, "", BY)
    assert [one.name for one in office.node.accounts.accounts()] == ["Ann Wé"]


def test_an_answer_is_acted_upon_once(office) -> None:
    device, _ = office.join("one")
    answer = device.get(signing_in.begin_login(office.node, SITE))
    signing_in.finish_login(office.node, SITE, answer, ADDRESS)
    assert refused(signing_in.finish_login, office.node, SITE, answer, ADDRESS) == "not-signed-in"


def test_a_phones_passkey_that_does_not_count_is_not_replayed_either(office) -> None:
    device, _ = office.join("one")
    device.counting = False
    answer = device.get(signing_in.begin_login(office.node, SITE))
    signing_in.finish_login(office.node, SITE, answer, ADDRESS)
    assert refused(signing_in.finish_login, office.node, SITE, answer, ADDRESS) == "not-signed-in"
    office.login(device)


def test_a_cloned_authenticator_is_noticed_by_its_counter(office) -> None:
    device, _ = office.join("one")
    office.login(device)
    device.held[0].count -= 1
    assert refused(office.login, device) == "not-signed-in"
    assert office.acts()[-1] == "login.refused"


def test_a_lookalike_site_gets_nothing_that_signs_in_here(office) -> None:
    device, _ = office.join("one")
    device.origin = "https://tickets-example.hk"
    assert refused(office.login, device) == "not-signed-in"


def test_without_finger_face_or_pin_nobody_signs_in(office) -> None:
    device, _ = office.join("one")
    for flags in (PRESENT, VERIFIED, 0):
        device.flags = flags
        assert refused(office.login, device) == "not-signed-in"


def test_somebody_elses_key_under_ones_own_id_is_refused(office) -> None:
    device, _ = office.join("one")
    thief, _ = office.join("two")
    thief.held[0].id = device.held[0].id
    assert refused(office.login, thief) == "not-signed-in"


@pytest.mark.parametrize("seconds", [301, -400])
def test_a_challenge_is_good_for_five_minutes(office, seconds: int) -> None:
    device, _ = office.join("one")
    answer = device.get(signing_in.begin_login(office.node, SITE))
    office.clock.pass_time(seconds)
    assert refused(signing_in.finish_login, office.node, SITE, answer, ADDRESS) == "not-signed-in"


def test_a_challenge_of_ones_own_making_or_for_another_purpose_is_refused(office) -> None:
    device, session = office.join("one")
    for challenge in (bytes(56), b"", signing_in._challenges(office.node).make("join x", office.node.seconds)):
        answer = device.get({"rpId": SITE.domain, "challenge": b64(challenge)})
        assert refused(signing_in.finish_login, office.node, SITE, answer, ADDRESS) == "not-signed-in"
    options = signing_in.begin_passkey(office.node, SITE, session)
    other, other_session = office.join("two")
    made = Authenticator(SITE.origin).create(options)
    assert refused(signing_in.finish_passkey, office.node, SITE, other_session, made) == "not-signed-in"
    assert other.held


def test_an_ed25519_passkey_is_not_offered_and_not_taken(office) -> None:
    token = office.invite("one")
    _, options = signing_in.begin_join(office.node, SITE, token)
    assert [one["alg"] for one in options["pubKeyCredParams"]] == [-7, -257]
    made = Authenticator(SITE.origin, algorithm=EDDSA).create(options)
    assert refused(signing_in.finish_join, office.node, SITE, token, made, ADDRESS) == "passkey"
    office.accept(token)


@pytest.mark.parametrize(
    "spoil",
    [
        dict.fromkeys,
        lambda answer: {**answer, "response": None},
        lambda answer: {**answer, "response": {**answer["response"], "clientDataJSON": 7}},
        lambda answer: {**answer, "response": {**answer["response"], "authenticatorData": "AAAA"}},
        lambda answer: {**answer, "response": {**answer["response"], "authenticatorData": b64(bytes(37))}},
        lambda answer: {**answer, "response": {**answer["response"], "signature": b64(bytes(70))}},
        lambda answer: {**answer, "response": {**answer["response"], "signature": "\udcff"}},
        lambda answer: {**answer, "id": "x"},
        lambda answer: {**answer, "rawId": "x"},
        lambda answer: {**answer, "type": "password"},
    ],
)
def test_an_answer_that_makes_no_sense_has_the_same_refusal(office, spoil) -> None:
    device, _ = office.join("one")
    answer = device.get(signing_in.begin_login(office.node, SITE))
    assert refused(signing_in.finish_login, office.node, SITE, spoil(answer), ADDRESS) == "not-signed-in"


def test_a_signature_with_any_byte_changed_signs_nobody_in(office) -> None:
    device, _ = office.join("one")
    answer = device.get(signing_in.begin_login(office.node, SITE))
    for part in ("authenticatorData", "clientDataJSON"):
        data = bytearray(unb64(answer["response"][part]))
        for index in range(len(data)):
            data[index] ^= 1
            spoiled = {**answer, "response": {**answer["response"], part: b64(bytes(data))}}
            assert refused(signing_in.finish_login, office.node, SITE, spoiled, ADDRESS) == "not-signed-in"
            data[index] ^= 1
    signing_in.finish_login(office.node, SITE, answer, ADDRESS)


def test_a_second_passkey_is_added_and_the_same_device_is_not_asked_twice(office) -> None:
    device, session = office.join("one")
    options = signing_in.begin_passkey(office.node, SITE, session)
    assert [unb64(one["id"]) for one in options["excludeCredentials"]] == [device.held[0].id]
    spare = Authenticator(SITE.origin)
    signing_in.finish_passkey(office.node, SITE, session, spare.create(options))
    assert office.session(office.login(spare)).account == session.account


def test_key_and_code_sign_in_the_second_way(office) -> None:
    _, session = office.join("one")
    way = office.second_way(session)
    assert "issuer=TicketME" in way.uri
    token = office.login_by_code("one", way.key.lower().replace("-", " "), office.code(way))
    assert office.session(token).way is Way.CODE


def test_sessions_invitations_and_keys_are_too_long_to_be_guessed(office) -> None:
    device, session = office.join("one")
    token = office.login(device)
    assert (len(unb64(token)), len(unb64(office.invite("two")))) == (32, 16)
    assert office.login(device) != token
    key = office.second_way(session).key.replace("-", "")
    assert (len(key), set(key) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")) == (16, True), "80 bits"


def test_a_code_is_good_once(office) -> None:
    _, session = office.join("one")
    way = office.second_way(session)
    code = office.code(way)
    office.login_by_code("one", way.key, code)
    assert refused(office.login_by_code, "one", way.key, code) == "not-signed-in"


def test_a_code_without_its_key_and_a_key_without_its_code_are_nothing(office) -> None:
    _, session = office.join("one")
    way = office.second_way(session)
    wrong = f"{(int(office.code(way)) + 1) % 1_000_000:06d}"
    for name, key, code in (("one", "A" * 16, office.code(way)), ("one", way.key, wrong), ("two", way.key, "0")):
        assert refused(office.login_by_code, name, key, code) == "not-signed-in"


def test_five_wrong_codes_lock_the_second_way_for_longer_each_time_but_not_the_passkey(office) -> None:
    device, session = office.join("one")
    way = office.second_way(session)
    for lock in (15 * 60, 30 * 60):
        for _ in range(5):
            assert refused(office.login_by_code, "one", way.key, "no") == "not-signed-in"
        office.clock.pass_time(lock - 1)
        assert refused(office.login_by_code, "one", way.key, office.code(way)) == "not-signed-in"
        office.clock.pass_time(1)
    office.login(device)
    office.login_by_code("one", way.key, office.code(way))


def test_who_guesses_without_the_key_locks_nobody_out_and_fills_no_trail(office) -> None:
    _, session = office.join("one")
    way = office.second_way(session)
    before = len(office.acts())
    for number in range(30):
        assert refused(office.login_by_code, "one", f"{number:016d}", office.code(way)) == "not-signed-in"
    assert len(office.acts()) == before
    office.login_by_code("one", way.key, office.code(way))


def test_a_second_way_that_was_not_confirmed_signs_nobody_in(office) -> None:
    _, session = office.join("one")
    way = signing_in.begin_second_way(office.node, session)
    assert refused(office.login_by_code, "one", way.key, office.code(way)) == "not-signed-in"
    assert refused(signing_in.finish_second_way, office.node, session, "123") == "wrong-code"


def test_no_secret_is_readable_in_the_file_or_the_trail(office, tmp_path: Path) -> None:
    token = office.invite("one")
    device, session = office.accept(token)
    way, cookie = office.second_way(session), office.login(device)
    office.login_by_code("one", way.key, office.code(way))
    written = b"".join(path.read_bytes() for path in tmp_path.glob("accounts.sqlite3*"))
    assert b"box" not in written
    for secret in (token, cookie, way.secret, way.key, way.key.replace("-", "")):
        assert secret.encode() not in written
    assert secret_bytes(way) not in written
    assert office.node.trail.check() is None


def test_recovery_takes_every_way_in_away_and_is_not_for_oneself(office) -> None:
    device, session = office.join("one")
    _, colleague = office.join("two")
    way, token = office.second_way(session), office.login(device)
    for account in (session.account.account, "one"):
        assert refused(staff.close, office.node, account, session.actor) == "not-your-own"
    staff.close(office.node, "one", colleague.actor)
    assert sessions.find_session(office.node, token, ADDRESS) is None
    assert refused(office.login, device) == "not-signed-in"
    assert refused(office.login_by_code, "one", way.key, office.code(way)) == "not-signed-in"
    anew = office.node, Role.OPS, "one", "", colleague.actor
    assert refused(staff.invite, *anew) == "account-exists"
    invitation = staff.recover(office.node, "one")
    assert refused(staff.invite, *anew) == "account-exists"
    new, again = office.accept(invitation.token)
    assert again.account == session.account
    office.login(new)
    assert refused(office.login, device) == "not-signed-in"


def test_a_revoked_account_is_out_at_once_and_for_good(office) -> None:
    device, session = office.join("one")
    staff.revoke(office.node, "one", BY)
    assert refused(office.login, device) == "not-signed-in"
    assert sessions.list_sessions(office.node, session.account.account) == []
    assert refused(staff.recover, office.node, session.account.account) == "account-revoked"
    assert refused(office.invite, "one") == "account-exists"


def test_a_session_ends_when_idle_and_after_a_working_day(office) -> None:
    device, _ = office.join("one")
    idle, used = office.login(device), office.login(device)
    for _ in range(25):
        office.clock.pass_time(sessions.IDLE - 60)
        found = sessions.find_session(office.node, used, ADDRESS)
        if found is None:
            break
    assert sessions.find_session(office.node, idle, ADDRESS) is None
    assert found is None, "a session that is used ends after its life"
    assert office.clock.now >= 1_790_000_000 + sessions.LIFE


def test_one_ends_ones_own_sessions_and_nobody_elses(office) -> None:
    device, session = office.join("one")
    _, other = office.join("two")
    lost = office.session(office.login(device))
    assert refused(sessions.end_session, office.node, other, lost.number) == "unknown-session"
    sessions.end_session(office.node, session, lost.number)
    assert [row.number for row in sessions.list_sessions(office.node, session.account.account)] == [session.number]


@pytest.mark.parametrize("token", ["", "x", "\udcff", "A" * 5_000])
def test_a_token_that_is_none_is_nobody(office, token: str) -> None:
    if token == "\udcff":
        token = token.encode("utf-8", "replace").decode()
    assert sessions.find_session(office.node, token, ADDRESS) is None


@pytest.mark.parametrize(
    ("role", "name", "organisation", "code"),
    [
        (Role.SPONSOR, "desk", "", "no-organisation"),
        (Role.OPS, "", "", "bad-name"),
        (Role.OPS, "a\nb", "", "bad-name"),
        (Role.OPS, "<script>", "", "bad-name"),
        (Role.SPONSOR, "desk", "x" * 65, "bad-name"),
    ],
)
def test_a_name_is_a_name(office, role: Role, name: str, organisation: str, code: str) -> None:
    assert refused(office.invite, name, role, organisation) == code


@pytest.mark.parametrize(
    "url",
    [
        "http://tickets.example.hk",
        "https://",
        "https://192.0.2.1",
        "https://a.hk/path",
        "ftp://a.hk",
        "x",
        "https://a.hk:x",
    ],
)
def test_an_address_that_passkeys_cannot_be_bound_to_is_refused(url: str) -> None:
    assert refused(Site.parse, url) == "bad-url"


def test_addresses_are_origins() -> None:
    assert Site.parse("https://Tickets.example.hk:443/") == Site("https://tickets.example.hk", "tickets.example.hk")
    assert dataclasses.astuple(Site.parse("http://localhost:8440")) == ("http://localhost:8440", "localhost")
