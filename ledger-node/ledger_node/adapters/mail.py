"""E-mail through the operator's own SMTP server: TLS from the start or STARTTLS; in the clear to this machine only.

A letter goes to one address, in text and HTML. Its Message-ID comes from the message's key, so a try after a lost
answer is the same message to whoever keeps count; SMTP itself may then deliver it twice.
A try is bounded in all, also against a server that drips a byte a second. A server's reply quotes addresses, so of it
only the number gets into a reason or an error. No queue and no bounces here: what the server took is `Sent`.
"""

import contextlib
import hashlib
import smtplib
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime
from typing import Any, Literal

from ledger_node import spelling
from ledger_node.adapters.delivery import DeliveryError, NotSent, Sent
from ledger_node.adapters.exchange import is_this_machine
from ledger_node.adapters.letters import Letter
from ledger_node.adapters.retry import Patience

Security = Literal["tls", "starttls", "none"]


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """A server's settings. `sender` is the address that letters come from, `name` what stands before it.

    Raises ValueError for settings that would send in the clear over a network, or from no address.
    """

    host: str
    sender: str
    name: str = "TicketME"
    reply_to: str = ""
    port: int = 465
    security: Security = "tls"
    user: str = ""
    password: str = field(default="", repr=False)
    timeout: float = 20.0
    ca: str | None = None

    def __post_init__(self) -> None:
        if self.security == "none" and not is_this_machine(self.host):
            raise ValueError(f"mail to {self.host} would be readable on its way: use tls or starttls")
        for given in (self.sender, *([self.reply_to] if self.reply_to else [])):
            if spelling.mail(given) != given:
                raise ValueError("sender and reply_to are addresses like tickets@example.com, nothing around them")


_LONGEST_WORD = 75
"""RFC 2047."""


class _LetterPolicy(EmailPolicy):
    """Words of people are encoded whole: Python 3.13.5, Debian 13's, adds a space where it folds what is so in part."""

    def fold_binary(self, name: str, value: Any) -> bytes:
        """The header's lines."""
        if name not in ("Subject", "From") or value.isascii():
            return super().fold_binary(name, value)
        words, end = str(value), ""
        if name == "From":
            (sender,) = value.addresses
            words, end = sender.display_name, f"{self.linesep} <{sender.addr_spec}>"
        lines = Header(words, "utf-8", _LONGEST_WORD, name).encode(linesep=self.linesep)
        return f"{name}: {lines}{end}{self.linesep}".encode("ascii")


_LETTER = _LetterPolicy(linesep="\r\n")


class Mailer:
    """Sends over one connection, which is kept; any thread may call. `now` gives unix seconds, for the Date."""

    def __init__(self, server: SmtpServer, patience: Patience, now: Callable[[], float]) -> None:
        self._server = server
        self._patience = patience
        self._now = now
        self._guard = threading.Lock()
        self._line: smtplib.SMTP | None = None
        self._wire = _Wire()
        secure = server.security != "none"
        self._tls = ssl.create_default_context(cafile=server.ca) if secure else None

    def send(self, address: str, letter: Letter, key: str) -> Sent | NotSent:
        """Send `letter` to `address`. `key` names this message for good.

        Raises DeliveryError after the last try, with what went wrong then.
        """
        to = spelling.mail(address)
        if to is None:
            return NotSent("this is no e-mail address")
        message = self._message(to, letter, key)
        problem = ""
        for _ in self._patience.attempts():
            with self._guard:
                outcome = self._try(to, message)
            if not isinstance(outcome, str):
                return outcome
            problem = outcome
        raise DeliveryError(f"{problem}: send it again later")

    def close(self) -> None:
        """Say goodbye to the server."""
        with self._guard:
            self._hang_up()

    def _message(self, to: str, letter: Letter, key: str) -> EmailMessage:
        server = self._server
        message = EmailMessage(policy=_LETTER)
        message["Message-ID"] = f"<{hashlib.sha256(key.encode()).hexdigest()[:40]}@{server.sender.rpartition('@')[2]}>"
        message["Date"] = format_datetime(datetime.fromtimestamp(int(self._now()), UTC))
        message["From"] = Address(server.name, addr_spec=server.sender)
        message["To"] = Address(addr_spec=to)
        message["Subject"] = letter.subject
        message["Auto-Submitted"] = "auto-generated"
        if server.reply_to:
            message["Reply-To"] = Address(addr_spec=server.reply_to)
        message.set_content(letter.plain(), cte="base64")
        message.add_alternative(letter.html(), subtype="html", cte="base64")
        return message

    def _try(self, to: str, message: EmailMessage) -> Sent | NotSent | str:
        """The outcome, or what to say if it was the last try. Only a verdict on this letter is for good."""
        watch = threading.Timer(self._server.timeout, self._wire.cut)
        watch.start()
        try:
            self._connected().send_message(message, self._server.sender, [to])
            return Sent(str(message["Message-ID"]))
        except smtplib.SMTPRecipientsRefused as error:
            code, about_letter = next(iter(error.recipients.values()))[0], True
        except smtplib.SMTPResponseException as error:
            code, about_letter = error.smtp_code, isinstance(error, smtplib.SMTPDataError)
        except (smtplib.SMTPException, OSError, ValueError) as error:
            self._hang_up()
            return f"the mail server {self._server.host} is of no use now ({_brief(error)})"
        finally:
            watch.cancel()
        if about_letter and 500 <= code < 600:
            return NotSent(f"the mail server refuses it for good ({code})")
        self._hang_up()
        return f"the mail server {self._server.host} answers {code}"

    def _connected(self) -> smtplib.SMTP:
        if self._line is not None:
            # Servers end idle connections, and that shall not cost a try.
            with contextlib.suppress(smtplib.SMTPException, OSError):
                if self._line.noop()[0] == 250:
                    return self._line
            self._hang_up()
        server = self._server
        self._line = _Line(server, self._tls, self._wire)
        if self._tls and server.security == "starttls":
            self._line.starttls(context=self._tls)
        if server.user:
            self._line.login(server.user, server.password)
        return self._line

    def _hang_up(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            with contextlib.suppress(smtplib.SMTPException, OSError):
                line.quit()
            line.close()
        self._wire.close()


class _Wire:
    """The way to cut a connection off from another thread, whatever TLS has made of its socket."""

    def __init__(self) -> None:
        self._held: socket.socket | None = None

    def hold(self, sock: socket.socket) -> None:
        """From now on this connection is the one to cut."""
        self.close()
        self._held = sock.dup()

    def cut(self) -> None:
        """End it; whoever reads from it hears so."""
        if self._held is not None:
            with contextlib.suppress(OSError):
                self._held.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Forget it."""
        held, self._held = self._held, None
        if held is not None:
            held.close()


class _Line(smtplib.SMTP):
    """smtplib's connection, with TLS from the start if the server is so, and known to `wire` before a byte is read."""

    def __init__(self, server: SmtpServer, tls: ssl.SSLContext | None, wire: _Wire) -> None:
        self._wrap = tls if server.security == "tls" else None
        self._wire = wire
        # Untold, smtplib asks the name service who this machine is, for as long as that takes to answer.
        ours = server.sender.rpartition("@")[2]
        super().__init__(server.host, server.port, local_hostname=ours, timeout=server.timeout)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        sock = socket.create_connection((host, port), timeout)
        self._wire.hold(sock)
        return self._wrap.wrap_socket(sock, server_hostname=host) if self._wrap else sock


def _brief(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
