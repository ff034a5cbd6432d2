"""The wallet's codecs in a real browser against the frozen vectors and against the implementation that gates use."""

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from ledger_node.contract.bodies_market import OfferTransfer
from ledger_node.contract.commitments import invitation
from scanner.verify import base45
from scanner.verify.entry import Entry, canonical, open_entry, signature_good
from scanner.verify.gatecode import event_hash, possession_message
from scanner.verify.keys import SigningKey
from tests.fakes.phone import BROWSER, Phone, open_browser, open_house
from tests.fakes.vectors import gate_codes

pytestmark = [pytest.mark.browser, pytest.mark.skipif(not BROWSER, reason="needs chromium and chromedriver")]
SEED = bytes(range(32))
MODULES = """
const code = await import("/wallet/gatecode.js"), bytes = await import("/wallet/bytes.js");
const { cbor } = await import("/wallet/cbor.js"), { base45 } = await import("/wallet/base45.js");
const entry = await import("/wallet/entry.js"), { hex, unhex, join } = bytes;
const holder = async (seed) => {
  const pkcs8 = join(unhex("302e020100300506032b657004220420"), unhex(seed));
  const key = await crypto.subtle.importKey("pkcs8", pkcs8, "Ed25519", false, ["sign"]);
  return async (message) => new Uint8Array(await crypto.subtle.sign("Ed25519", key, message));
};
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Phone]:
    home = tmp_path_factory.mktemp("codec")
    with open_house(home / "home") as house, open_browser(home / "profile") as driver:
        phone = Phone(driver)
        phone.open(f"{house.origin}/wallet/")
        yield phone


def run(page: Phone, script: str, *arguments: Any) -> Any:
    return page.run(MODULES + script, *arguments)


def test_frozen_codes_byte_for_byte(page: Phone) -> None:
    frozen = gate_codes()
    fields, whole = frozen["fields"], frozen["full"]["hex"]
    ticket = {"event": frozen["event_id"], "ticket": fields["ticket_index"], "owner_seq": fields["owner_seq"]}
    given = [
        frozen["holder_seed"],
        ticket,
        frozen["T"],
        frozen["compact_beacon5"]["beacon"],
        whole[32:132],
        whole[132:260],
    ]
    made = run(
        page,
        """
        const [seed, ticket, step, beacon, certificate, signature] = a;
        const sign = await holder(seed);
        const codes = {
          compact: await code.compact(ticket, step, sign),
          compact_beacon5: await code.compact(ticket, step, sign, { number: 5, value: unhex(beacon) }),
          full: await code.full(ticket, step, sign, unhex(certificate), unhex(signature)),
        };
        return Object.entries(codes).map(([name, raw]) => [name, hex(raw), code.text(raw)]);
        """,
        *given,
    )
    assert made == [
        [name, frozen[name]["hex"], frozen[name]["text"]] for name in ("compact", "compact_beacon5", "full")
    ]


def test_base45_of_every_length(page: Phone) -> None:
    rng = Random(45)
    inputs = [rng.randbytes(length) for length in range(40)] + [b"\xff" * 9, bytes(8)]
    made = run(page, "return a[0].map((one) => base45(unhex(one)));", [one.hex() for one in inputs])
    assert made == [base45.encode(one) for one in inputs]


def test_canonical_cbor_of_everything_that_an_entry_may_hold(page: Phone) -> None:
    edges = [0, 23, 24, 255, 256, 65_535, 65_536, 2**32 - 1, 2**32, 2**53 - 1]
    values: list[Any] = [
        {"z": 1, "aa": 2, "b": [], "": {}, "a" * 24: 3, "a" * 23: 4, "海": "港 🎫"},
        {"list": edges, "deep": [[{"x": [True, False, None]}]], "long": "é" * 300, "many": list(range(300))},
        *({"n": edge} for edge in edges),
    ]
    made = run(page, "return a[0].map((one) => hex(cbor(one)));", values)
    assert made == [canonical(one).hex() for one in values]
    raw = run(page, 'return hex(cbor({ "b": unhex(a[0]), "e": unhex("") }));', "ab" * 70_000)
    assert raw == canonical({"b": b"\xab" * 70_000, "e": b""}).hex()
    refused = (
        "for (const one of [-1, 1.5, 2 ** 53, undefined]) { try { cbor(one); return one; } catch {} } return 'none';"
    )
    assert run(page, refused) == "none"


def test_an_entry_that_the_page_signed_is_the_entry_that_the_ledger_reads(page: Phone) -> None:
    key, secret = SigningKey(SEED), b"s" * 32
    body = OfferTransfer(7, 2, 88_000, invitation(secret), 1_800_000_000)
    raw, deal = run(
        page,
        """
        const [seed, publicKey, secret] = a;
        const key = { public: unhex(publicKey), sign: await holder(seed) };
        const to = await entry.invitation(unhex(secret));
        const body = { ticket: 7, owner_seq: 2, price: 88000, to, until: 1800000000 };
        const raw = await entry.seal("transfer.offer", "harbour-nights", 1799999999, body, key);
        return [hex(raw), await entry.dealId(raw)];
        """,
        SEED.hex(),
        key.public.hex(),
        secret.hex(),
    )
    assert bytes.fromhex(raw) == body.seal("harbour-nights", 1_799_999_999, key)
    opened = open_entry(bytes.fromhex(raw))
    assert isinstance(opened, Entry)
    assert signature_good(opened)
    assert len(deal) == 64


def test_a_draft_is_signed_only_if_it_is_what_it_says(page: Phone) -> None:
    key = SigningKey(SEED)
    draft = OfferTransfer(7, 2, 0, b"d" * 32, 9).draft("e", 5, key.public)
    other = OfferTransfer(7, 2, 0, b"d" * 32, 9).draft("e", 5, SigningKey(b"x" * 32).public)
    script = """
    const [seed, publicKey, drafts] = a;
    const key = { public: unhex(publicKey), sign: await holder(seed) };
    const tries = drafts.map(([type, payload, message]) =>
      entry.sealDraft(type, { payload: unhex(payload), message: unhex(message) }, key).then(hex, () => "refused"));
    return Promise.all(tries);
    """
    good = ["transfer.offer", draft.payload.hex(), draft.message.hex()]
    wrong = [
        ["transfer.accept", draft.payload.hex(), draft.message.hex()],
        ["transfer.offer", draft.payload.hex(), other.message.hex()],
        ["transfer.offer", other.payload.hex(), other.message.hex()],
    ]
    made = run(page, script, SEED.hex(), key.public.hex(), [good, *wrong])
    assert made == [draft.sealed(key.sign(draft.message)).hex(), "refused", "refused", "refused"]


def test_proof_of_possession_is_over_the_right_words(page: Phone) -> None:
    ticket = {"event": "海:2026", "ticket": 2**32 - 1, "owner_seq": 65_535}
    made = run(page, "return hex(await code.possession(a[0], unhex(a[1])));", ticket, "ab" * 32)
    assert made == possession_message(event_hash("海:2026"), 2**32 - 1, 65_535, b"\xab" * 32).hex()


def test_keys_made_here_can_be_used_and_not_read(page: Phone) -> None:
    said = page.run(
        """
        const keys = await import("/wallet/keys.js");
        const key = await keys.makeKey();
        const read = (form) => crypto.subtle.exportKey(form, key.private).then(() => form, () => "");
        const known = await Promise.all(["raw", "pkcs8", "jwk"].map(read));
        const signature = await keys.signer(key)(key.public);
        return [key.private.extractable, known.join(""), key.public.length, signature.length];
        """
    )
    assert said == [False, "", 32, 64]
