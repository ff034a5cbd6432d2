"""Secrets that a settings file names: each is a file of its own in the home's keys/, or in systemd's credentials.

One place, whatever the secret is for. A secret that cannot be had is an error which says where it belongs and how to
put it there; what its want means is the reader's business.
"""

import re
from pathlib import Path

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class SecretError(Exception):
    """A secret cannot be had; the text says what to do, and has nothing of the secret in it."""


def read_secret_file(name: str, keys: Path, credentials: Path | None = None) -> str:
    """The content of the secret's file, without blanks around it; systemd's credentials come first. SecretError."""
    if not _NAME.fullmatch(name):
        raise SecretError(f"{name!r} is not the plain name of a secret's file: write only its name, it is in {keys}")
    if credentials and (credentials / name).exists():
        # systemd's own folder is closed to others; a file in it may have group bits, which are its access list's mask.
        return _content(credentials / name)
    path = keys / name
    try:
        mode = path.stat().st_mode
    except OSError:
        raise SecretError(f"there is no secret in {path}. To put it there: {_way_there(path)}") from None
    if mode & 0o077:
        raise SecretError(f"{path} can be read by others: run chmod 600 on it, and change the secret")
    return _content(path)


def _way_there(path: Path) -> str:
    stray = path.parent.parent / path.name
    if stray.exists():
        return f"mv {stray} {path}"
    return f"(umask 077; cat > {path}), paste it, Ctrl-D, then chown --reference={path.parent} {path}"


def _content(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        todo = f"chown --reference={path.parent} {path}"
        raise SecretError(f"{path} cannot be read ({error.strerror}): {todo}") from error
    except UnicodeDecodeError as error:
        raise SecretError(f"{path} is not text in UTF-8: put the secret there again") from error
