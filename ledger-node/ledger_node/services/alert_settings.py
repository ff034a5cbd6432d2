"""What an operator may set about monitoring, in `monitoring.toml` in the node's home: thresholds, and a webhook.

  [thresholds]                 any field of `monitoring.Thresholds`; what is left out keeps its default
  refused = 20

  [webhook]
  url = "https://ops.example.hk/alerts"
  secret = "alerts.secret"     a file in the home's keys folder, only for its owner: whsec_ and base64

All faults are told at once. Without the file, defaults count and nothing is posted. Without the secret nothing is
posted either, and `left_out` says why: alerts are still raised, and gates are served.
"""

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from ledger_node.adapters.exchange import read_address
from ledger_node.adapters.secret_files import SecretError, read_secret_file
from ledger_node.adapters.webhook import read_secret
from ledger_node.home_folder import KEYS_FOLDER
from ledger_node.services.errors import ServiceError
from ledger_node.services.monitoring import MOST_COUNT, Thresholds
from scanner.verify.toml_text import NotToml, parse_toml

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
    left_out: str = ""


def read_settings(home: Path, credentials: Path | None = None) -> AlertSettings:
    """Raises ServiceError that names every fault."""
    path = home / FILE
    if not path.exists():
        return AlertSettings()
    try:
        given = parse_toml(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, NotToml) as error:
        raise ServiceError("settings", f"{path} cannot be read: {error}") from error
    faults = [f"[{name}] is unknown" for name in given.keys() - {"thresholds", "webhook"}]
    thresholds = _thresholds(given.get("thresholds", {}), faults)
    url, secret = _webhook(given["webhook"], faults) if "webhook" in given else ("", "")
    if faults:
        raise ServiceError("settings", f"{path}: {'; '.join(sorted(faults))}")
    if not url:
        return AlertSettings(thresholds)
    try:
        key = read_secret(read_secret_file(secret, home / KEYS_FOLDER, credentials))
    except (SecretError, ValueError) as error:
        return AlertSettings(thresholds, None, f"[webhook] of {path} is left out: {error}")
    return AlertSettings(thresholds, WebhookSettings(url, key))


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


def _webhook(given: Any, faults: list[str]) -> tuple[str, str]:
    """Address, and name of the secret's file."""
    if not isinstance(given, dict):
        faults.append("webhook is a table")
        return "", ""
    faults += [f"webhook.{name} is unknown" for name in given.keys() - _WEBHOOK]
    faults += [f"webhook.{name} is needed, a text" for name in _WEBHOOK if not isinstance(given.get(name), str)]
    url = given.get("url")
    try:
        read_address(url if isinstance(url, str) else "https://localhost")
    except ValueError as error:
        faults.append(f"webhook.url: {error}")
    return str(url), str(given.get("secret"))
