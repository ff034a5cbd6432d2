"""What the address of a ledger node may look like: said before anything is sent there."""

from urllib.parse import urlsplit


def address_fault(url: str) -> str:
    """Why this is no address of a ledger node, with a right one to compare; empty if it can be one."""
    try:
        parts = urlsplit(url)
        # The port is parsed, and refused, when it is asked for.
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        bare = parts.username is None and not any(mark.isspace() or mark in "?#" for mark in url)
    except ValueError:
        good = bare = False
    if good and bare:
        return ""
    return f"{url!r} is not the address of a ledger node: http:// or https:// and a name, like http://10.8.0.10:8444"
