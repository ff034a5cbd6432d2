"""The shortcut finds for every request what FastAPI would find, or leaves it to FastAPI."""

import re
from collections.abc import Iterator

import pytest
from fastapi.routing import APIRoute
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.routing import Match

from ledger_node.web.shortcut import Api, Shortcuts
from tests.fakes.running_node import open_home, serving

_WORDS = ["", "show", "7", "%2F", "é", "checkpoint", "{event}", "v1", "x\n"]


@pytest.fixture(scope="module")
def routes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[object]]:
    """Those of a node that is served."""
    found: list[list[object]] = []

    class Seen(Api):
        def shorten(self) -> None:
            super().shorten()
            found.append(list(self.routes))

    with pytest.MonkeyPatch.context() as patched, open_home(tmp_path_factory.mktemp("home")) as node:
        patched.setattr("ledger_node.web.app.Api", Seen)
        with serving(node):
            yield found[0]


def first(routes: list[object], method: str, path: str) -> tuple[object, dict[str, str]] | None:
    """As FastAPI looks."""
    scope = {"type": "http", "method": method, "path": path, "root_path": "", "headers": [], "path_params": {}}
    for route in routes:
        match, more = route.matches(dict(scope))  # type: ignore[attr-defined]
        if match == Match.FULL:
            return route, dict(more["path_params"])
    return None


def _whole(pattern: str) -> bool:
    return all(re.fullmatch(r"[^{]*|{\w+}", part) for part in pattern.split("/"))


@given(st.data())
@settings(deadline=None, max_examples=300)
def test_a_path_leads_where_fastapi_would_lead_it(routes: list[object], data: st.DataObject) -> None:
    patterns = [route.path for route in routes if isinstance(route, APIRoute)]
    parts = data.draw(st.sampled_from(patterns)).split("/")
    kept = [data.draw(st.sampled_from([part, *_WORDS])) if part.startswith("{") else part for part in parts]
    if data.draw(st.booleans()) and len(kept) > 1:
        kept[data.draw(st.integers(1, len(kept) - 1))] = data.draw(st.sampled_from(_WORDS))
    method = data.draw(st.sampled_from(["GET", "POST", "HEAD", "DELETE"]))
    path = "/".join(kept)
    found, expected = Shortcuts(routes).find(method, path), first(routes, method, path)  # type: ignore[arg-type]
    if found is not None:
        assert expected is not None
        assert (found[0], found[1]) == expected
    elif expected is not None:
        assert not isinstance(expected[0], APIRoute) or not _whole(expected[0].path) or "\n" in path


def test_the_paths_of_gates_and_of_the_market_take_the_shortcut(routes: list[object]) -> None:
    shortcuts = Shortcuts(routes)  # type: ignore[arg-type]
    for method, path in (
        ("POST", "/v1/events/show/claims"),
        ("POST", "/v1/events/show/admissions"),
        ("GET", "/v1/events/show/changes"),
        ("POST", "/v1/events/show/holds"),
        ("POST", "/v1/events/show/holds/token/pay"),
        ("POST", "/v1/events/show/transfers/deal/accept"),
        ("GET", "/checkpoint"),
    ):
        assert shortcuts.find(method, path) is not None, path
    assert shortcuts.find("DELETE", "/v1/events/show/claims") is None
    assert shortcuts.find("POST", "/v1/events//claims") is None
