"""The sandbox's own desk, under /sandbox/: what a demonstration does in place of people, their phones and the
provider's staff. Unsigned: the server listens on this machine only. No part of the port: a real provider has no such.

  GET  about        name and public key              POST clients      {public_key}
  GET  accounts     cents by account                 POST accounts     {account, deposit?, level?, merchant?}
  GET  books        where all the money is           POST permissions  {account, event, purpose, most?}
  GET  faults                                        POST faults       {faults, delay_ms?}
                                                     POST parties      {account, event}
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from ledger_node.contract.shape import MOST_CENTS
from ledger_node.sandbox.bank import RefusedError
from ledger_node.sandbox.faults import read_faults
from ledger_node.sandbox.orders import unhex
from ledger_node.sandbox.provider import PURPOSES, Provider
from scanner.verify.entry import is_uint
from scanner.verify.keys import valid_public_key

Said = tuple[int, Mapping[str, Any]]


class Desk:
    """Answers for one provider."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._acts: Mapping[tuple[str, str], Callable[[dict[str, Any]], Mapping[str, Any]]] = {
            ("GET", "about"): self._about,
            ("GET", "accounts"): lambda _: provider.accounts(),
            ("GET", "books"): lambda _: provider.books(),
            ("GET", "faults"): lambda _: provider.faults.every,
            ("POST", "clients"): self._client,
            ("POST", "accounts"): self._account,
            ("POST", "permissions"): self._permission,
            ("POST", "parties"): self._party,
            ("POST", "faults"): self._faults,
        }

    def answer(self, method: str, path: str, body: bytes) -> Said:
        """Status and what to say."""
        act = self._acts.get((method, path))
        if act is None:
            paths = ", ".join(sorted({name for _, name in self._acts}))
            return 404, {"code": "no-such-path", "detail": f"the desk has: {paths}"}
        try:
            given = json.loads(body) if body else {}
            return 200, act(given if isinstance(given, dict) else {})
        except RefusedError as refused:
            return 404, {"code": refused.code, "detail": str(refused)}
        except (ValueError, RecursionError) as error:
            return 422, {"code": "bad-request", "detail": str(error)}

    def _about(self, _: dict[str, Any]) -> Mapping[str, Any]:
        return {"provider": self._provider.bank.name, "public_key": self._provider.key.public.hex()}

    def _client(self, given: dict[str, Any]) -> Mapping[str, Any]:
        key = unhex(given.get("public_key"))
        if key is None or not valid_public_key(key):
            raise ValueError("public_key is an Ed25519 key in hex")
        self._provider.add_client(key)
        return {"public_key": key.hex()}

    def _account(self, given: dict[str, Any]) -> Mapping[str, Any]:
        account = _text(given, "account")
        deposit, level = _number(given, "deposit", 0, MOST_CENTS), _number(given, "level", 2, 9)
        merchant = given.get("merchant", False) is True
        self._provider.open_account(account, deposit=deposit, level=level, merchant=merchant)
        return {"account": account, "available": self._provider.available(account)}

    def _permission(self, given: dict[str, Any]) -> Mapping[str, Any]:
        purpose = _text(given, "purpose")
        if purpose not in PURPOSES:
            raise ValueError(f"purpose is one of {', '.join(PURPOSES)}")
        most = _number(given, "most", MOST_CENTS, MOST_CENTS)
        return {"authorisation": self._provider.permit(_text(given, "account"), _text(given, "event"), purpose, most)}

    def _party(self, given: dict[str, Any]) -> Mapping[str, Any]:
        return {"party": self._provider.party(_text(given, "account"), _text(given, "event")).hex()}

    def _faults(self, given: dict[str, Any]) -> Mapping[str, Any]:
        delay = _number(given, "delay_ms", 1_000, 600_000)
        self._provider.faults.change(read_faults(str(given.get("faults", ""))), delay / 1000)
        return self._provider.faults.every


def _text(given: Mapping[str, Any], name: str) -> str:
    value = given.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= 128 or not value.isprintable() or value.startswith("*"):
        raise ValueError(f"{name} is a text of 1 to 128 characters")
    return value


def _number(given: Mapping[str, Any], name: str, default: int, most: int) -> int:
    value = given.get(name, default)
    if not is_uint(value, most):
        raise ValueError(f"{name} is an integer from 0 to {most}")
    return int(value)
