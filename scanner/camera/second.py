"""The second decoder, zbar, through pyzbar: it reads some glare and damage that the first one does not.

It is optional: the system library libzbar0 may be missing, and then the gate works without it. Only QR is asked for.
"""

from typing import Any

from scanner.camera.images import Gray

try:
    from pyzbar import pyzbar as _pyzbar
except (ImportError, OSError):
    # pyzbar raises ImportError without the library, and OSError when the library is of another machine.
    _pyzbar = None

pyzbar: Any = _pyzbar


def second_decoder_available() -> bool:
    """Whether zbar can be used; if not, `apt install libzbar0` brings it."""
    return pyzbar is not None


def read_second(gray: Gray) -> tuple[str, ...]:
    """The texts of all QR codes that zbar finds; empty without zbar. Text that is not UTF-8 is left out."""
    if pyzbar is None:
        return ()
    found = pyzbar.decode(gray, symbols=[pyzbar.ZBarSymbol.QRCODE])
    texts = []
    for code in found:
        try:
            texts.append(code.data.decode("utf-8"))
        except UnicodeDecodeError:
            continue
    return tuple(texts)
