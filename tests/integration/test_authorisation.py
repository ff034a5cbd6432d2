"""Every cell of the authorisation matrix, asked of a running node: each route by each kind of caller. What is allowed
gets past the door, what is not gets the refusal that says why, and neither is a fault.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from ledger_node.services import sponsors
from ledger_node.web.authorisation import ROLES, Caller, Proof, Row, Scope
from ledger_node.web.authorisation_matrix import ROWS
from tests.fakes.everybody import SPONSOR, Asker, Everybody, everybody
from tests.fakes.marketplace import EVENT

Cell = tuple[Row, Asker, requests.Response]
HIDDEN = {"unknown-actor", "other-event", "other-device"}
"""Refusals that do not say whether there is such a thing."""
EMPTY = {
    "/log-keys",
    "/log-keys-{version}",
    "/v1/events/{event}/listings/{deal}",
    "/v1/events/{event}/transfers/{deal}",
    "/v1/events/{event}/refunds",
    "/v1/events/{event}/revocation",
    "/v1/events/{event}/receipts/{device}/{counter}",
}
"""Where there is nothing to read at this node, for a caller who is let in: no list, no deal, nothing cancelled."""
READ_BY_ALL_WHO_MAY = {Proof.NONE, Proof.SESSION, Proof.SIGNATURE}
DOCUMENTED = re.compile(r"^\| `(\w+) (\S+)` \| ([^|]+) \| ([^|]*) \|$", re.MULTILINE)
GUEST = sponsors.Guest(email="vip@example.com", question="Which hall?", answer="Jade")
NAMED = re.compile(r"{(\w+)(?::path)?}")


@pytest.fixture(scope="module")
def all_of_them(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Everybody]:
    with everybody(tmp_path_factory.mktemp("node")) as made:
        yield made


def filled(everybody: Everybody, path: str) -> str:
    """The path, naming things of EVENT and SPONSOR that are there."""
    market = everybody.market
    link = next(iter(market.node.activations.of_event(EVENT)), None)
    named = {
        "event": EVENT,
        "index": "1",
        "device": everybody.device,
        "counter": "1",
        "sponsor": SPONSOR,
        "account": everybody.account,
        "link": link.link if link else "0" * 16,
        "number": "999999",
        "path": "0/000.p/1",
        "file": "sw.js",
        "version": "1",
        "deal": "0" * 64,
        "hold": "x" * 22,
        "token": "x" * 22,
    }
    tail = "?tickets=1&wait=0" if path.endswith("/live") else "?from=0" if path.endswith("/changes") else ""
    return NAMED.sub(lambda found: named[found[1]], path) + tail


def refusal_of(row: Row, asker: Asker) -> str | None:
    """With which code the caller is to be refused at this route; None if it is let in."""
    match row.proof:
        case Proof.SESSION:
            return _refusal_of_account(row, asker)
        case Proof.SIGNATURE:
            return _refusal_of_device(row, asker)
        case Proof.PAGE:
            return None if asker.page else "cross-site"
    return None


def _refusal_of_account(row: Row, asker: Asker) -> str | None:
    if row.method != "GET" and not asker.page:
        return "cross-site"
    if asker.caller not in ROLES:
        return "not-signed-in"
    scope = row.scopes.get(asker.caller)
    if scope is None:
        return "forbidden"
    if row.passkey and not asker.passkey:
        return "passkey-needed"
    foreign = {Scope.EVENT: not asker.of_event, Scope.ORGANISATION: not asker.of_sponsor}
    return "unknown-actor" if foreign.get(scope) else None


def _refusal_of_device(row: Row, asker: Asker) -> str | None:
    if asker.gate is None:
        return "unsigned"
    if asker.caller not in row.scopes:
        return "revoked" if asker.caller is Caller.REVOKED_DEVICE else "unknown-key"
    if "{event}" in row.path and not asker.of_event:
        return "other-event"
    if "{device}" in row.path and asker.name != "device":
        return "other-device"
    return None


def told(answer: requests.Response) -> str | None:
    """The code of a refusal, also of a page's; None for what is none."""
    if answer.headers.get("Location") == "/account/login":
        return "not-signed-in"
    if answer.headers.get("Content-Type", "").startswith("text/html") and answer.status_code == 403:
        return "forbidden"
    if answer.headers.get("Content-Type") != "application/problem+json" or not answer.content:
        return None
    code = str(answer.json()["code"])
    return code if answer.status_code in {401, 403} or code in HIDDEN else None


@pytest.fixture(scope="module")
def cells(all_of_them: Everybody) -> list[Cell]:
    """Each route asked by each caller with a body of no use: who is let in is told so, and nothing is changed."""
    found = []
    for row in ROWS.values():
        path = filled(all_of_them, row.path)
        kind, body = ({"Content_Type": "text/plain"}, b"?") if row.method == "POST" else ({}, b"")
        found += [(row, asker, asker.ask(row.method, path, body, **kind)) for asker in all_of_them.askers]
    return found


def test_each_route_lets_in_whom_the_matrix_names_and_refuses_all_others_saying_why(cells: list[Cell]) -> None:
    wrong = []
    for row, asker, answer in cells:
        expected, got = refusal_of(row, asker), told(answer)
        read = row.method == "GET" and row.proof in READ_BY_ALL_WHO_MAY and expected is None
        served = not read or answer.status_code in {200, 308} or row.path in EMPTY
        if row.method == "HEAD":
            got = expected if (expected is None) == (answer.status_code == 200) else f"{answer.status_code}"
        if got != expected or answer.status_code >= 500 or not served:
            wrong.append((row.method, row.path, asker.name, expected, got, answer.status_code))
    assert wrong == []
    assert len(cells) > 2_000


def test_no_private_answer_may_be_kept_by_a_cache_or_taken_for_another_type(cells: list[Cell]) -> None:
    wrong = []
    for row, asker, answer in cells:
        headers = answer.headers
        good = headers.get("X-Content-Type-Options") == "nosniff"
        if row.private:
            good &= headers.get("Cache-Control") == "no-store"
        if row.private and row.proof is not Proof.SIGNATURE:
            good &= "frame-ancestors 'none'" in headers.get("Content-Security-Policy", "")
            good &= headers.get("Referrer-Policy") == "no-referrer"
            good &= headers.get("Cross-Origin-Resource-Policy") == "same-origin"
        if not good:
            wrong.append((row.method, row.path, asker.name, answer.status_code, dict(headers)))
    assert wrong == []


def test_another_method_than_the_matrix_has_is_refused_on_every_path(all_of_them: Everybody) -> None:
    ops = all_of_them.named("ops")
    wrong = []
    for path in sorted({row.path for row in ROWS.values()}):
        answer = ops.ask("PUT", filled(all_of_them, path), b"{}", Content_Type="application/json")
        if (answer.status_code, answer.headers.get("X-Content-Type-Options")) != (405, "nosniff"):
            wrong.append((path, answer.status_code))
    assert wrong == []


def test_the_description_says_of_each_operation_what_the_matrix_says(all_of_them: Everybody) -> None:
    described = all_of_them.named("public").ask("GET", "/openapi.json").json()
    schemes = described["components"]["securitySchemes"].keys()
    found = {
        (method.upper(), path): operation
        for path, operations in described["paths"].items()
        for method, operation in operations.items()
    }
    assert len(found) > 75
    for (method, path), operation in found.items():
        row = ROWS[method, "/tile/{path:path}" if path == "/tile/{path}" else path]
        assert operation["x-authorisation"] == row.described()
        named = [name for one in operation.get("security", []) for name in one]
        assert named == ([row.proof.value] if row.proof.value in schemes else [])
    pages = {path for (_, path), row in ROWS.items() if row.proof in {Proof.NONE, Proof.SESSION}}
    assert {path for _, path in ROWS} - {path for _, path in found} - {"/tile/{path:path}"} <= pages


def test_the_documented_matrix_is_the_routers() -> None:
    page = (Path(__file__).parents[2] / "docs" / "authorisation.md").read_text()
    documented = {(method, path): (who, passkey) for method, path, who, passkey in DOCUMENTED.findall(page)}
    said = {
        key: (
            "; ".join(f"{caller} ({scope})" for caller, scope in row.scopes.items()),
            "passkey" if row.passkey else row.proof.value,
        )
        for key, row in ROWS.items()
    }
    assert documented == said


def test_an_organiser_of_another_event_runs_no_sponsors_portal(all_of_them: Everybody) -> None:
    """They read the standing, recalled each guest's invitation, and invited themselves."""
    node, one = all_of_them.market.node, f"/v1/events/{EVENT}/sponsors/{SPONSOR}"
    given = sponsors.invite(node, EVENT, SPONSOR, [GUEST])
    asked = [
        ("GET", one, None),
        ("POST", f"{one}/recall", {"tickets": []}),
        ("POST", f"{one}/guests", {"guests": [{"email": "rival@evil.example"}]}),
    ]
    rivals = ("organiser of another event", "revoked organiser", "sponsor as organiser", "another sponsor")
    for name in (*rivals, "sponsor of another event", "revoked sponsor"):
        for method, path, body in asked:
            answer = as_json(all_of_them.named(name), method, path, body)
            assert (answer.status_code, answer.json()["code"]) == (404, "unknown-actor"), (name, path)
    assert sponsors.standing(node, EVENT, SPONSOR).unclaimed == tuple(given)
    for name in ("organiser", "organiser by code", "sponsor", "ops"):
        answer = as_json(all_of_them.named(name), "GET", one)
        assert (answer.status_code, answer.json()["unclaimed"]) == (200, given)
    answer = as_json(all_of_them.named("sponsor"), "POST", f"{one}/recall", {"tickets": given})
    assert (answer.status_code, answer.json()) == (200, {"tickets": given})


def as_json(asker: Asker, method: str, path: str, body: Any = None) -> requests.Response:
    kind = {} if body is None else {"Content_Type": "application/json"}
    return asker.ask(method, path, b"" if body is None else json.dumps(body).encode(), **kind)
