"""A socket that listens, or a sentence that says which setting to change: for the staff's page and the other gates."""

import os
import socket

from scanner.errors import GateError


def listen(host: str, port: int, table: str) -> socket.socket:
    """Listen at what the table of the settings names. Raises GateError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except (OSError, UnicodeError) as fault:
        number = fault.errno if isinstance(fault, OSError) and fault.errno else -1
        if number < 0:  # of the name service, which numbers its own
            raise GateError(f"{host!r} is not known as an address here: see {table}.host") from fault
        # Python adds the address to the system's own words.
        raise GateError(
            f"cannot listen on {host} port {port}: {os.strerror(number)}; another program has the port, or the address "
            f"is not this machine's: see {table}.port and {table}.host"
        ) from fault
