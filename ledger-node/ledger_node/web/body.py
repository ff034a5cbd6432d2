"""Reading a request's body: bounded in size and in time, so that nobody is held up by a slow or endless sender."""

import asyncio

from starlette.requests import ClientDisconnect, Request

from ledger_node.services.errors import ServiceError

DEADLINE = 20.0
"""Seconds within which a body must have arrived."""


async def read_body(request: Request, most: int) -> bytes:
    """The whole body. Raises ServiceError "too-large", "too-slow" or "gone"; the connection must then be closed."""
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced) > most:
        raise _too_large(most)
    parts, size = [], 0
    try:
        async with asyncio.timeout(DEADLINE):
            async for part in request.stream():
                size += len(part)
                if size > most:
                    raise _too_large(most)
                parts.append(part)
    except TimeoutError:
        raise ServiceError("too-slow", f"the body did not arrive within {DEADLINE:.0f} s: send it again", 408) from None
    except ClientDisconnect:
        raise ServiceError("gone", "the sender went away", 400) from None
    return b"".join(parts)


def _too_large(most: int) -> ServiceError:
    return ServiceError("too-large", f"the body has more than {most} bytes: send it in smaller parts", 413)
