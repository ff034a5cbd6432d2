"""The address under which people reach the node: passkeys, cookies and links are bound to it."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from ledger_node.services.errors import ServiceError
from ledger_node.services.node import Node

NAME = "TicketME"
_DEFAULT_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Site:
    """`origin` is scheme://host[:port] (RFC 6454), `domain` the passkeys' relying party id (WebAuthn)."""

    origin: str
    domain: str

    @classmethod
    def parse(cls, url: str) -> "Site":
        """Raises ServiceError unless `url` is nothing but an origin, https or on localhost."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        good = parts.scheme == "https" or (parts.scheme == "http" and host == "localhost")
        try:
            port = parts.port
        except ValueError:
            good, port = False, None
        named = host and not host[-1].isdigit() and ":" not in host
        bare = parts.path in {"", "/"} and not (parts.query or parts.fragment or parts.username)
        if not (good and named and bare):
            raise ServiceError(
                "bad-url", f"{url!r} is not like https://tickets.example.hk: passkeys need a name and https"
            )
        suffix = "" if port in {None, _DEFAULT_PORTS[parts.scheme]} else f":{port}"
        return cls(f"{parts.scheme}://{host}{suffix}", host)

    @property
    def secure(self) -> bool:
        """Whether cookies are for https only."""
        return self.origin.startswith("https:")

    def link(self, path: str) -> str:
        """The address of a page."""
        return f"{self.origin}{path}"


_SETTING = "site"
_LISTENING = "listening"
_DEFAULT = "http://localhost:8440"


def set_site(node: Node, url: str) -> Site:
    """The site's address from now on, also after a restart. Raises ServiceError."""
    site = Site.parse(url)
    node.accounts.set(_SETTING, site.origin)
    return site


def site_of(node: Node) -> Site:
    """The address that was set, else this machine at the port that was last listened at."""
    return Site.parse(node.accounts.setting(_SETTING) or node.accounts.setting(_LISTENING) or _DEFAULT)


def listening(node: Node, port: int) -> Site:
    """The address of people, now that the node listens at `port`."""
    node.accounts.set(_LISTENING, f"http://localhost:{port}")
    return site_of(node)
