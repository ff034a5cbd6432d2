"""Whom a served node works with: read from outside.toml in its home, and put together. No such file = nobody.

[provider]  url, name, public_key (hex), ca     the wallet provider; its key is also an actor's: `actors add`
[mail]      host, sender, and what `adapters.mail.SmtpServer` takes; password_file instead of a password
[sms]       url, and what `adapters.sms.SmsGateway` takes; authorization_file instead of an authorization
[feed]      secrets_file                        the ticketing system's webhook secrets (whsec_...), one a line
"""

import random
import time
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

from ledger_node.adapters.mail import Mailer, SmtpServer
from ledger_node.adapters.provider import ProviderSettings, WalletProvider
from ledger_node.adapters.retry import Patience
from ledger_node.adapters.sms import SmsGateway, SmsSender
from ledger_node.adapters.webhook import read_secret
from ledger_node.services.errors import ServiceError
from ledger_node.services.node import Node
from ledger_node.services.outside import NOBODY, Outside
from ledger_node.services.post import Post

FILE = "outside.toml"
_SECTIONS = frozenset({"provider", "mail", "sms", "feed"})
_TRIES = 3
Section = Mapping[str, Any]


@contextmanager
def surroundings(node: Node) -> Iterator[Outside]:
    """The organisations of outside.toml, until the end of the block. Raises ServiceError that names what is wrong."""
    path = node.home / FILE
    if not path.exists():
        yield NOBODY
        return
    with ExitStack() as stack:
        try:
            made = _read(node, path, stack)
        except (OSError, TypeError, ValueError) as error:
            raise ServiceError("settings", f"{path}: {error}") from error
        yield made


def _read(node: Node, path: Path, stack: ExitStack) -> Outside:
    settings = tomllib.loads(path.read_text())
    unknown = settings.keys() - _SECTIONS
    if unknown:
        raise ValueError(f"unknown section {', '.join(sorted(unknown))}: there are {', '.join(sorted(_SECTIONS))}")
    patience = Patience(time.sleep, random.random, tries=_TRIES)
    folder = path.parent
    mail = sms = provider = None
    if "mail" in settings:
        server = SmtpServer(**_known(SmtpServer, _with_file(settings["mail"], "password", folder)))
        mail = stack.enter_context(closing(Mailer(server, patience, node.now)))
    if "sms" in settings:
        gateway = SmsGateway(**_known(SmsGateway, _with_file(settings["sms"], "authorization", folder)))
        sms = stack.enter_context(closing(SmsSender(gateway, patience)))
    if "provider" in settings:
        chosen = _provider(settings["provider"])
        client = WalletProvider(chosen, node.keys.node, node.now, lambda: node.draw(16).hex(), patience)
        provider = stack.enter_context(closing(client))
    messenger = Post(mail, sms) if mail or sms else None
    name = settings.get("provider", {}).get("name", "")
    return Outside(provider, name, messenger, _secrets(settings.get("feed", {}), folder))


def _provider(section: Section) -> ProviderSettings:
    values = dict(_known(ProviderSettings, section))
    values["public_key"] = bytes.fromhex(str(values.get("public_key", "")))
    return ProviderSettings(**values)


def _secrets(section: Section, folder: Path) -> tuple[bytes, ...]:
    if not section:
        return ()
    lines = (folder / section["secrets_file"]).read_text().split()
    return tuple(read_secret(line) for line in lines)


def _with_file(section: Section, name: str, folder: Path) -> Section:
    """A secret stands in a file of its own, so that the settings can be shown to somebody."""
    named = f"{name}_file"
    if named not in section:
        return section
    rest = {key: value for key, value in section.items() if key != named}
    return {**rest, name: (folder / section[named]).read_text().strip()}


def _known(kind: type[Any], section: Section) -> Section:
    names = {item.name for item in fields(kind)} - {"limits", "accepted"}
    unknown = section.keys() - names
    if unknown:
        raise ValueError(f"unknown setting {', '.join(sorted(unknown))}: there are {', '.join(sorted(names))}")
    return section
