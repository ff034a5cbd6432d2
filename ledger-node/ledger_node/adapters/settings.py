"""outside.toml: which mail server, SMS gateway, wallet provider and ticketing system this node works with.

Read strictly: an unknown section or name is a mistake that is named, because a misspelled setting would otherwise leave
people without their tickets. Passwords are not in it: the file names other files, each with one secret, that only the
owner may read. Nothing is connected to here.
"""

import os
import re
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from ledger_node.adapters.exchange import read_address
from ledger_node.adapters.mail import Security, SmtpServer
from ledger_node.adapters.provider import ProviderSettings
from ledger_node.adapters.sms import Encoding, SmsGateway
from ledger_node.adapters.webhook import read_secret
from scanner.verify.keys import valid_public_key

FILE = "outside.toml"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SECURITY = ("tls", "starttls", "none")
_ENCODINGS = ("json", "form")


@dataclass(frozen=True, slots=True)
class Settings:
    """What is set up; None or empty for what is not."""

    mail: SmtpServer | None = None
    sms: SmsGateway | None = None
    provider: ProviderSettings | None = None
    webhook_secrets: tuple[bytes, ...] = field(default=(), repr=False)


class SettingsError(Exception):
    """The file cannot be used; the text says which setting, and what to do. No secret is in it."""


def load_settings(path: Path, secrets: Sequence[Path]) -> Settings:
    """The settings in `path`, all empty if there is no such file. Secrets' files are looked for in these folders."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Settings()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"cannot read {path}: {error}") from error
    try:
        return read_settings(text, lambda name: _secret(name, secrets))
    except SettingsError as error:
        raise SettingsError(f"{path.name}: {error}") from error


def read_settings(text: str, secret: Callable[[str], str]) -> Settings:
    """The settings of a TOML text; `secret` gives the content of a secret's file. Raises SettingsError."""
    try:
        given = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SettingsError(f"not TOML: {error}") from error
    whole = _Section("the file", given, secret)
    mail, sms, provider, ticketing = (whole.section(name) for name in ("mail", "sms", "provider", "ticketing"))
    whole.end()
    return Settings(
        _mail(mail) if mail else None,
        _sms(sms) if sms else None,
        _provider(provider) if provider else None,
        _ticketing(ticketing) if ticketing else (),
    )


class _Section:
    """One table; each setting is taken once, and `end` complains of what nobody took."""

    def __init__(self, name: str, values: dict[str, Any], secret: Callable[[str], str]) -> None:
        self._name = name
        self._values = dict(values)
        self._secret = secret

    def section(self, name: str) -> "_Section | None":
        value = self._values.pop(name, None)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise SettingsError(f"{name} is a section: [{name}]")
        return _Section(f"[{name}]", value, self._secret)

    def has(self, name: str) -> bool:
        return name in self._values

    def take(self, name: str, kind: type, default: Any = None) -> Any:
        value = self._values.pop(name, default)
        if value is None:
            raise SettingsError(f"{self._name} needs {name}")
        if type(value) is not kind:
            raise SettingsError(f"{self._name} {name} is of the wrong kind: {kind.__name__} is needed")
        return value

    def address(self, name: str) -> str:
        value = self.text(name)
        try:
            read_address(value)
        except ValueError as error:
            raise SettingsError(f"{self._name} {name}: {error}") from error
        return value

    def text(self, name: str, default: str | None = None) -> str:
        return str(self.take(name, str, default))

    def one_of(self, name: str, words: Sequence[str]) -> str:
        value = self.text(name, words[0])
        if value not in words:
            raise SettingsError(f"{self._name} {name} is one of {', '.join(words)}")
        return value

    def texts(self, name: str, default: list[str]) -> list[str]:
        value = self.take(name, list, default)
        if not all(isinstance(one, str) for one in value):
            raise SettingsError(f"{self._name} {name} is a list of texts")
        return list(value)

    def mapping(self, name: str, default: dict[str, str]) -> dict[str, str]:
        value = self.take(name, dict, default)
        if not all(isinstance(one, str) for one in value.values()):
            raise SettingsError(f"{self._name} {name} is a table of texts")
        return dict(value)

    def secret(self, name: str) -> str:
        """The content of the file that this setting names, or nothing."""
        file = self.text(name, "")
        return self._secret(file) if file else ""

    def secrets(self, name: str) -> list[str]:
        return [self._secret(file) for file in self.texts(name, [])]

    def end(self) -> None:
        if self._values:
            raise SettingsError(f"{self._name} has no setting {', '.join(sorted(self._values))}")

    def made(self, make: Callable[[], Any]) -> Any:
        """What `make` makes of this section, all of which has been taken."""
        self.end()
        try:
            return make()
        except ValueError as error:
            raise SettingsError(f"{self._name} {error}") from error


def _mail(given: _Section) -> SmtpServer:
    security = cast("Security", given.one_of("security", _SECURITY))
    values = {
        "host": given.text("host"),
        "sender": given.text("sender"),
        "name": given.text("name", "TicketME"),
        "reply_to": given.text("reply_to", ""),
        "port": given.take("port", int, {"tls": 465, "starttls": 587, "none": 25}[security]),
        "security": security,
        "user": given.text("user", ""),
        "password": given.secret("password_file"),
        "ca": given.text("ca", "") or None,
    }
    return cast("SmtpServer", given.made(lambda: SmtpServer(**values)))


def _sms(given: _Section) -> SmsGateway:
    usual = SmsGateway("")
    accepted = given.texts("accepted", [])
    if len(accepted) not in {0, 2}:
        raise SettingsError('[sms] accepted is a field and its value, like ["status", "queued"]')
    values = {
        "url": given.address("url"),
        "sender": given.text("sender", usual.sender),
        "fields": given.mapping("fields", dict(usual.fields)),
        "encoding": cast("Encoding", given.one_of("encoding", _ENCODINGS)),
        "authorization": given.secret("authorization_file"),
        "idempotency_header": given.text("idempotency_header", usual.idempotency_header),
        "id_field": given.text("id_field", usual.id_field),
        "accepted": (accepted[0], accepted[1]) if accepted else None,
        "plus": given.take("plus", bool, usual.plus),
        "ca": given.text("ca", "") or None,
    }
    return cast("SmsGateway", given.made(lambda: SmsGateway(**values)))


def _provider(given: _Section) -> ProviderSettings:
    url, name, key, ca = (
        given.address("url"),
        given.text("name"),
        given.text("public_key"),
        given.text("ca", "") or None,
    )
    consent = given.address("consent") if given.has("consent") else ""
    given.end()
    if not re.fullmatch(r"[0-9a-f]{64}", key) or not valid_public_key(bytes.fromhex(key)):
        raise SettingsError("[provider] public_key is the provider's Ed25519 key, 64 hex digits")
    return ProviderSettings(url, name, bytes.fromhex(key), ca, consent=consent)


def _ticketing(given: _Section) -> tuple[bytes, ...]:
    secrets = given.secrets("webhook_secret_files")
    return cast("tuple[bytes, ...]", given.made(lambda: tuple(read_secret(text) for text in secrets)))


def _secret(name: str, folders: Sequence[Path]) -> str:
    if not _NAME.fullmatch(name):
        raise SettingsError(f"{name!r} is not the plain name of a secret's file")
    for path in (folder / name for folder in folders):
        if not path.exists():
            continue
        if path.stat().st_mode & 0o077:
            raise SettingsError(f"{path} can be read by others: run chmod 600 on it, and change the secret")
        if not os.access(path, os.R_OK):
            raise SettingsError(f"{path} cannot be read by this user")
        return path.read_text(encoding="utf-8").strip()
    raise SettingsError(f"no file {name} in {' or '.join(str(folder) for folder in folders)}")
