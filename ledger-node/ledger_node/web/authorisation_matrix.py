"""The authorisation matrix of the node's HTTP API: every route, who may call it, and whose things they reach.

The router is built from it (routes.py): a route without a row does not start. docs/authorisation.md shows it, and a
test asks every cell of a running node. What each word means is in `authorisation`.
"""

from collections.abc import Mapping
from types import MappingProxyType

from ledger_node.web.authorisation import Caller, Proof, Row, Scope

WALLET_FILE = "/wallet/{file}"
TIME = "/v1/time"
LIVE = "/v1/events/{event}/live"
_OPS = {Caller.OPS: Scope.ALL}
_WATCHERS = {Caller.OPS: Scope.ALL, Caller.REGULATOR: Scope.ALL}
_ACCOUNTS = {
    Caller.OPS: Scope.SELF,
    Caller.REGULATOR: Scope.SELF,
    Caller.ORGANISER: Scope.SELF,
    Caller.SPONSOR: Scope.SELF,
}
_DEVICES = {Caller.DEVICE: Scope.EVENT}
_ALSO_REVOKED = {Caller.DEVICE: Scope.EVENT, Caller.REVOKED_DEVICE: Scope.EVENT}
_REFUNDERS = {Caller.OPS: Scope.ALL, Caller.ORGANISER: Scope.EVENT}
_PORTAL = {Caller.OPS: Scope.ALL, Caller.ORGANISER: Scope.EVENT, Caller.SPONSOR: Scope.ORGANISATION}


def _rows(scopes: Mapping[Caller, Scope], *routes: str, passkey: bool = False) -> list[Row]:
    split = [route.split(" ") for route in routes]
    return [Row(method, path, MappingProxyType(dict(scopes)), passkey) for method, path in split]


def _each(*rows: list[Row]) -> dict[tuple[str, str], Row]:
    found: dict[tuple[str, str], Row] = {}
    for row in (one for some in rows for one in some):
        if (row.method, row.path) in found:
            raise ValueError(f"{row.method} {row.path} stands twice in the authorisation matrix")
        found[row.method, row.path] = row
    return found


_PUBLIC = _rows(
    {Caller.PUBLIC: Scope.ALL},
    "GET /openapi.json",
    "GET /healthz",
    "GET /metrics",
    "GET /checkpoint",
    "GET /log-keys",
    "GET /log-keys-{version}",
    "GET /state",
    "GET /tile/{path:path}",
    f"GET {TIME}",
    "GET /v1/provider",
    "GET /v1/box-office",
    "GET /v1/events",
    "GET /v1/events/{event}",
    "GET /v1/events/{event}/assurance",
    "GET /v1/events/{event}/policy",
    "GET /v1/events/{event}/seats",
    f"GET {LIVE}",
    "GET /v1/events/{event}/tickets/{index}",
    "GET /v1/events/{event}/tickets/{index}/history",
    "GET /v1/events/{event}/listings",
    "GET /v1/events/{event}/listings/{deal}",
    "GET /v1/events/{event}/transfers/{deal}",
    "POST /v1/events/{event}/holds",
    "POST /v1/events/{event}/listings/{deal}/checkout",
)

_GATES = [
    *_rows({Caller.NEW_DEVICE: Scope.SELF, Caller.DEVICE: Scope.SELF}, "POST /v1/enrol"),
    # Also for a device whose enrolment was in what the node lost: the log's own signature is what counts.
    *_rows(
        {Caller.NEW_DEVICE: Scope.SELF, Caller.DEVICE: Scope.SELF, Caller.REVOKED_DEVICE: Scope.SELF}, "POST /v1/newer"
    ),
    *_rows({Caller.DEVICE: Scope.SELF}, "GET /v1/counter"),
    *_rows(
        _DEVICES,
        "GET /v1/events/{event}/snapshot",
        "HEAD /v1/events/{event}/snapshot",
        "GET /v1/events/{event}/state",
        "GET /v1/events/{event}/changes",
        "GET /v1/events/{event}/peers",
        "POST /v1/events/{event}/recalls",
        "POST /v1/events/{event}/claims",
    ),
    *_rows(_ALSO_REVOKED, "POST /v1/events/{event}/admissions", "GET /v1/events/{event}/revocation"),
    *_rows(
        {Caller.DEVICE: Scope.SELF, Caller.REVOKED_DEVICE: Scope.SELF},
        "GET /v1/events/{event}/receipts/{device}/{counter}",
    ),
]

_STAFF = [
    *_rows({Caller.INVITED: Scope.SELF}, "POST /v1/accounts/join/begin", "POST /v1/accounts/join/finish"),
    *_rows(
        {Caller.PAGE: Scope.SELF},
        "POST /v1/accounts/login/begin",
        "POST /v1/accounts/login/finish",
        "POST /v1/accounts/login/code",
    ),
    *_rows(
        _ACCOUNTS,
        "POST /v1/accounts/logout",
        "GET /v1/accounts/me",
        "GET /v1/accounts/sessions",
        "DELETE /v1/accounts/sessions/{number}",
    ),
    *_rows(
        _ACCOUNTS,
        "POST /v1/accounts/passkeys/begin",
        "POST /v1/accounts/passkeys/finish",
        "POST /v1/accounts/second-way/begin",
        "POST /v1/accounts/second-way/finish",
        passkey=True,
    ),
    *_rows(_OPS, "GET /v1/accounts"),
    *_rows(
        _OPS,
        "POST /v1/accounts",
        "POST /v1/accounts/{account}/recover",
        "POST /v1/accounts/{account}/revoke",
        passkey=True,
    ),
    *_rows(_WATCHERS, "GET /v1/accounts/trail"),
]

_HELP_DESK = _rows(
    _OPS,
    "GET /v1/activations/{event}",
    "POST /v1/activations/{link}/unlock",
    "POST /v1/activations/{link}/renew",
    "POST /v1/activations/{link}/revoke",
    "POST /v1/events/{event}/orders/find",
    "POST /v1/alerts/{number}/acknowledge",
    "POST /v1/alerts/{number}/close",
)

_OVERSIGHT = _rows(
    _WATCHERS,
    "GET /v1/alerts",
    "GET /v1/regulator/events",
    "GET /v1/regulator/events/{event}",
    "GET /v1/regulator/events/{event}/acts",
    "GET /v1/regulator/events/{event}/totals.csv",
    "GET /v1/regulator/events/{event}/acts.csv",
    "GET /regulator",
    "GET /regulator/events/{event}",
)

_PARTNERS = [
    *_rows(_REFUNDERS, "GET /v1/events/{event}/refunds", "POST /v1/events/{event}/refunds", passkey=True),
    *_rows(
        _PORTAL,
        "GET /v1/events/{event}/sponsors/{sponsor}",
        "POST /v1/events/{event}/sponsors/{sponsor}/guests",
        "POST /v1/events/{event}/sponsors/{sponsor}/recall",
    ),
    *_rows({Caller.TICKETING: Scope.ALL}, "POST /v1/events/{event}/orders"),
]

_TICKETS = [
    *_rows(
        {Caller.LINK: Scope.TICKET},
        "GET /v1/activation",
        "POST /v1/activation",
        "GET /v1/activation/{token}",
        "POST /v1/activation/{token}",
    ),
    *_rows(
        {Caller.HOLDER: Scope.TICKET},
        "POST /v1/events/{event}/tickets/{index}/holder",
        "POST /v1/events/{event}/transfers",
        "POST /v1/events/{event}/transfers/{deal}/cancel",
        "POST /v1/events/{event}/listings",
        "POST /v1/events/{event}/listings/{deal}/unlist",
    ),
    *_rows(
        {Caller.RECIPIENT: Scope.TICKET},
        "POST /v1/events/{event}/transfers/{deal}/checkout",
        "POST /v1/events/{event}/transfers/{deal}/accept",
        "POST /v1/events/{event}/transfers/{deal}/reject",
    ),
    *_rows(
        {Caller.BUYER: Scope.TICKET},
        "POST /v1/events/{event}/holds/{hold}/pay",
        "POST /v1/events/{event}/holds/{hold}/release",
        "POST /v1/events/{event}/listings/{deal}/buy",
    ),
    *_rows({Caller.CUSTOMER: Scope.SELF}, "POST /v1/events/{event}/identities"),
]

_PAGES = _rows(
    {Caller.PUBLIC: Scope.ALL},
    "GET /account",
    "GET /account/login",
    "GET /account/join",
    "GET /account/account.js",
    "GET /account/account.css",
    "GET /regulator/regulator.css",
    "GET /activate",
    "GET /offer",
    "GET /agreed",
    "GET /wallet",
    f"GET {WALLET_FILE}",
)
"""Pages and their files carry no data: scripts ask the API for it. `/wallet/{file}` stands for each file of the wallet,
which is a route of its own.
"""

ROWS: Mapping[tuple[str, str], Row] = MappingProxyType(
    _each(_PUBLIC, _GATES, _STAFF, _HELP_DESK, _OVERSIGHT, _PARTNERS, _TICKETS, _PAGES)
)


FILES = frozenset({"/openapi.json", *(row.path for row in _PAGES)})
"""What is the same for everybody, until the node is started again."""


def at_gates_port(method: str, path: str) -> bool:
    """Whether a route is at the gates' port: what devices sign, and the node's time. All routes are at the public's."""
    return ROWS[method, path].proof is Proof.SIGNATURE or (method, path) == ("GET", TIME)


def row_of(method: str, path: str) -> Row:
    """The row of a route. Raises LookupError: a route without one is not added."""
    known = WALLET_FILE if path.startswith("/wallet/") else path
    found = ROWS.get((method, known))
    if found is None:
        raise LookupError(f"{method} {path} has no row in the authorisation matrix: say who may call it")
    return found
