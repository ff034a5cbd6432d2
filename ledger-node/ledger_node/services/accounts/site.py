"""The address under which people reach the node: passkeys, cookies and links are bound to it."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from ledger_node.services.errors import ServiceError

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
