"""What an operator may set about monitoring, in `monitoring.toml` in the node's home: thresholds, and a webhook.

  [thresholds]                 any field of `monitoring.Thresholds`; what is left out keeps its default
  refused = 20

  [webhook]
  url = "https://ops.example.hk/alerts"
  secret = "alerts.secret"     a file in the home's keys folder, only for its owner: whsec_ and base64

All faults are told at once. Without the file, defaults count and nothing is posted.
"""

import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from ledger_node.adapters.webhook import read_secret
from ledger_node.services.errors import ServiceError
from ledger_node.services.monitoring import MOST_COUNT, Thresholds

FILE = "monitoring.toml"
_WEBHOOK = {"url", "secret"}
_COUNTS = ("tickets", "hands", "refused", "at_cap", "skew_tickets")


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    """Where alerts are posted, and the key that signs them."""

    url: str
    secret: bytes


@dataclass(frozen=True, slots=True)
class AlertSettings:
    """The file."""

    thresholds: Thresholds = field(default_factory=Thresholds)
    webhook: WebhookSettings | None = None


def read_settings(home: Path) -> AlertSettings:
    """Raises ServiceError that names every fault."""
    path = home / FILE
    if not path.exists():
        return AlertSettings()
    try:
        given = tomllib.loads(path.read_text())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ServiceError("settings", f"{path} cannot be read: {error}") from error
    faults = [f"[{name}] is unknown" for name in given.keys() - {"thresholds", "webhook"}]
    thresholds = _thresholds(given.get("thresholds", {}), faults)
    webhook = _webhook(home, given["webhook"], faults) if "webhook" in given else None
    if faults:
        raise ServiceError("settings", f"{path}: {'; '.join(sorted(faults))}")
    return AlertSettings(thresholds, webhook)


def _thresholds(given: Any, faults: list[str]) -> Thresholds:
    names = {item.name for item in fields(Thresholds)}
    if not isinstance(given, dict):
        faults.append("thresholds is a table")
        return Thresholds()
    faults += [f"thresholds.{name} is unknown" for name in given.keys() - names]
    known = {name: value for name, value in given.items() if name in names}
    wrong = [name for name, value in known.items() if type(value) is not int or value < 1]
    faults += [f"thresholds.{name} is a whole number from 1" for name in wrong]
    high = [name for name in _COUNTS if name in known and name not in wrong and known[name] > MOST_COUNT]
    faults += [f"thresholds.{name} is at most {MOST_COUNT}" for name in high]
    if known.get("refused_percent", 1) not in range(1, 101):
        faults.append("thresholds.refused_percent is from 1 to 100")
    return Thresholds(**{name: value for name, value in known.items() if name not in wrong})


def _webhook(home: Path, given: Any, faults: list[str]) -> WebhookSettings | None:
    if not isinstance(given, dict) or given.keys() != _WEBHOOK or not all(isinstance(v, str) for v in given.values()):
        faults.append("webhook has url and secret, both texts")
        return None
    path = home / "keys" / given["secret"]
    try:
        if path.stat().st_mode & 0o077:
            faults.append(f"{path} can be read by others: chmod 600")
        return WebhookSettings(given["url"], read_secret(path.read_text()))
    except (OSError, ValueError) as error:
        faults.append(f"webhook.secret: {path}: {error}")
        return None
