"""Whom a served node works with: the organisations of outside.toml in its home, put together. No such file = nobody.

What the file may say is adapters/settings.py's business (docs/adapters.md shows one). Its secrets are in keys/, as the
node's own are; what lacks one is left out and said in the log, because gates and holders need the rest.
"""

import os
import random
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

import structlog

from ledger_node.adapters.mail import Mailer
from ledger_node.adapters.provider import WalletProvider
from ledger_node.adapters.retry import Patience
from ledger_node.adapters.settings import Settings, SettingsError, load_settings
from ledger_node.adapters.sms import SmsSender
from ledger_node.home_folder import KEYS_FOLDER, credentials_folder
from ledger_node.services.errors import ServiceError
from ledger_node.services.node import Node
from ledger_node.services.outside import Outside
from ledger_node.services.post import Post

FILE = "outside.toml"
_TRIES = 3
log = structlog.get_logger()


@contextmanager
def surroundings(node: Node) -> Iterator[Outside]:
    """The organisations of outside.toml, until the end of the block. Raises ServiceError that names what is wrong."""
    try:
        settings = load_settings(node.home / FILE, node.home / KEYS_FOLDER, credentials_folder(os.environ))
    except SettingsError as error:
        raise ServiceError("settings", f"{error} (in {node.home})") from error
    for problem in settings.left_out:
        log.error("a secret is missing", problem=problem)
    with ExitStack() as stack:
        yield _put_together(node, settings, stack)


def _put_together(node: Node, settings: Settings, stack: ExitStack) -> Outside:
    patience = Patience(time.sleep, random.random, tries=_TRIES)
    mail = sms = provider = None
    if settings.mail:
        mail = stack.enter_context(closing(Mailer(settings.mail, patience, node.now)))
    if settings.sms:
        sms = stack.enter_context(closing(SmsSender(settings.sms, patience)))
    if settings.provider:
        client = WalletProvider(settings.provider, node.keys.node, node.now, lambda: node.draw(16).hex(), patience)
        provider = stack.enter_context(closing(client))
    messenger = Post(mail, sms) if mail or sms else None
    name, consent = (settings.provider.name, settings.provider.consent) if settings.provider else ("", "")
    return Outside(provider, name, messenger, settings.webhook_secrets, consent, settings.box_office)
