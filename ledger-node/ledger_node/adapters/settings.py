"""outside.toml: which mail server, SMS gateway, wallet provider and ticketing system this node works with.

Read strictly: an unknown section or name is a mistake that is named, because a misspelled setting would otherwise leave
people without their tickets; all mistakes are told at once. Passwords are not in it: the file names other files, each
with one secret, that only the owner may read. A section whose secret cannot be had is left out and named: the rest
works without it. Nothing is connected to here.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, cast

from ledger_node.adapters.exchange import read_address
from ledger_node.adapters.mail import Security, SmtpServer
from ledger_node.adapters.provider import ProviderSettings
from ledger_node.adapters.secret_files import SecretError, read_secret_file
from ledger_node.adapters.sms import Encoding, SmsGateway
from ledger_node.adapters.webhook import read_secret
from scanner.verify.keys import valid_public_key
from scanner.verify.toml_text import NotToml, parse_toml

FILE = "outside.toml"
_SECURITY = ("tls", "starttls", "none")
_ENCODINGS = ("json", "form")
_CONTACT = re.compile(r"(https://[!-~]+|mailto:[!-~]+@[!-~]+|tel:\+?[0-9-]+)")


@dataclass(frozen=True, slots=True)
class Settings:
    """What is set up; None or empty for what is not. `left_out`: for each secret that cannot be had, what is not set up
    for want of it, where it belongs, and how to put it there.
    """

    mail: SmtpServer | None = None
    sms: SmsGateway | None = None
    provider: ProviderSettings | None = None
    webhook_secrets: tuple[bytes, ...] = field(default=(), repr=False)
    left_out: tuple[str, ...] = ()
    box_office: str = ""


class SettingsError(Exception):
    """The file cannot be used; the text says which setting, and what to do. No secret is in it."""


def load_settings(path: Path, keys: Path, credentials: Path | None = None) -> Settings:
    """The settings in `path`, all empty if there is no such file. Secrets are files in `keys`, or in systemd's
    credentials, which come first.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return Settings()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"cannot read {path}: {error}") from error
    try:
        return read_settings(text, lambda name: read_secret_file(name, keys, credentials))
    except SettingsError as error:
        raise SettingsError(f"{path.name}: {error}") from error


def read_settings(text: str, secret: Callable[[str], str]) -> Settings:
    """The settings of a TOML text; `secret` gives the content of a secret's file. Raises SettingsError."""
    try:
        given = parse_toml(text)
    except NotToml as error:
        raise SettingsError(str(error)) from error
    whole = _Section("the file", given, secret)
    readers: dict[str, Callable[[_Section], Any]] = {
        "mail": _mail,
        "sms": _sms,
        "provider": _provider,
        "ticketing": _ticketing,
        "box_office": _box_office,
    }
    sections = {name: section for name in readers if (section := whole.section(name))}
    whole.end()
    made = {name: readers[name](section) for name, section in sections.items()}
    faults = [fault for section in (whole, *sections.values()) for fault in section.faults]
    if faults:
        raise SettingsError("; ".join(faults))
    left_out = []
    for name, section in sections.items():
        left_out += [f"[{name}] is left out: {problem}" for problem in section.lacking]
        made[name] = None if section.lacking else made[name]
        left_out += section.unused
    mail, sms, provider = (made.get(name) for name in ("mail", "sms", "provider"))
    return Settings(mail, sms, provider, made.get("ticketing", ()), tuple(left_out), made.get("box_office", ""))


class _Section:
    """One table; each setting is taken once, and `end` complains of what nobody took.

    `faults` gathers what is wrong: a setting with a fault reads as one that is empty, so that the next is looked at.
    `lacking` are the secrets without which the section cannot be used, `unused` those that it does without.
    """

    def __init__(self, name: str, values: dict[str, Any], secret: Callable[[str], str]) -> None:
        self._name = name
        self._values = dict(values)
        self._secret = secret
        self.faults: list[str] = []
        self.lacking: list[str] = []
        self.unused: list[str] = []

    def fault(self, what: str) -> None:
        self.faults.append(f"{self._name} {what}")

    def section(self, name: str) -> "_Section | None":
        value = self._values.pop(name, None)
        if value is None:
            return None
        if not isinstance(value, dict):
            self.faults.append(f"{name} is a section: [{name}]")
            return None
        return _Section(f"[{name}]", value, self._secret)

    def has(self, name: str) -> bool:
        return name in self._values

    def take(self, name: str, kind: type, default: Any = None) -> Any:
        value = self._values.pop(name, default)
        if type(value) is kind:
            return value
        self.fault(f"needs {name}" if value is None else f"{name} is of the wrong kind: {kind.__name__} is needed")
        return kind()

    def text(self, name: str, default: str | None = None) -> str:
        return str(self.take(name, str, default))

    def good(self, name: str, wrong: Callable[[str], str], default: str | None = None) -> str:
        """A text of which `wrong` says nothing; what it says follows the setting's name."""
        before, value = len(self.faults), self.text(name, default)
        if len(self.faults) == before and (what := wrong(value)):
            self.fault(f"{name}{what}")
        return value

    def address(self, name: str) -> str:
        return self.good(name, _address_fault)

    def one_of(self, name: str, words: Sequence[str]) -> str:
        value = self.good(name, lambda word: "" if word in words else f" is one of {', '.join(words)}", words[0])
        return value if value in words else words[0]

    def texts(self, name: str, default: list[str]) -> list[str]:
        value = self.take(name, list, default)
        if all(isinstance(one, str) for one in value):
            return list(value)
        self.fault(f"{name} is a list of texts")
        return []

    def mapping(self, name: str, default: dict[str, str]) -> dict[str, str]:
        value = self.take(name, dict, default)
        if all(isinstance(one, str) for one in value.values()):
            return dict(value)
        self.fault(f"{name} is a table of texts")
        return {}

    def secret(self, name: str) -> str:
        """The content of the file that this setting names, or nothing."""
        file = self.text(name, "")
        try:
            return self._secret(file) if file else ""
        except SecretError as error:
            self.lacking.append(str(error))
            return "lacking"

    def secrets(self, name: str) -> list[Callable[[], str]]:
        """For each file that this setting lists, what gives its content."""
        return [partial(self._secret, file) for file in self.texts(name, [])]

    def end(self) -> None:
        if self._values:
            self.fault(f"has no setting {', '.join(sorted(self._values))}")

    def made(self, make: Callable[[], Any]) -> Any:
        """What `make` makes of this section, all of which has been taken; nothing, if there are faults."""
        self.end()
        try:
            return None if self.faults else make()
        except ValueError as error:
            self.fault(str(error))
            return None


def _address_fault(value: str) -> str:
    try:
        read_address(value)
    except ValueError as error:
        return f": {error}"
    return ""


def _mail(given: _Section) -> SmtpServer | None:
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
    return cast("SmtpServer | None", given.made(lambda: SmtpServer(**values)))


def _sms(given: _Section) -> SmsGateway | None:
    usual = SmsGateway("")
    accepted = given.texts("accepted", [])
    if len(accepted) not in {0, 2}:
        given.fault('accepted is a field and its value, like ["status", "queued"]')
    values = {
        "url": given.address("url"),
        "sender": given.text("sender", usual.sender),
        "fields": given.mapping("fields", dict(usual.fields)),
        "encoding": cast("Encoding", given.one_of("encoding", _ENCODINGS)),
        "authorization": given.secret("authorization_file"),
        "idempotency_header": given.text("idempotency_header", usual.idempotency_header),
        "id_field": given.text("id_field", usual.id_field),
        "accepted": (accepted[0], accepted[1]) if len(accepted) == 2 else None,
        "plus": given.take("plus", bool, usual.plus),
        "ca": given.text("ca", "") or None,
    }
    return cast("SmsGateway | None", given.made(lambda: SmsGateway(**values)))


def _provider(given: _Section) -> ProviderSettings | None:
    url, name, ca = given.address("url"), given.text("name"), given.text("ca", "") or None
    key = given.good("public_key", _key_fault)
    consent = given.address("consent") if given.has("consent") else ""
    made = given.made(lambda: ProviderSettings(url, name, bytes.fromhex(key), ca, consent=consent))
    return cast("ProviderSettings | None", made)


def _key_fault(key: str) -> str:
    good = re.fullmatch(r"[0-9a-f]{64}", key) and valid_public_key(bytes.fromhex(key))
    return "" if good else " is the provider's Ed25519 key, 64 hex digits"


def _box_office(given: _Section) -> str:
    """Where holders reach people."""
    like = " is a link: https://..., mailto:name@example.com or tel:+85221234567"
    contact = given.good("contact", lambda link: "" if _CONTACT.fullmatch(link) else like)
    given.end()
    return contact


def _ticketing(given: _Section) -> tuple[bytes, ...]:
    """The secrets that there are: while one is being changed, the other goes on serving."""
    found = []
    for secret in given.secrets("webhook_secret_files"):
        try:
            found.append(read_secret(secret()))
        except (SecretError, ValueError) as error:
            given.unused.append(f"[ticketing] webhook_secret_files: {error}")
    given.end()
    return tuple(found)
