"""From a grey picture to the texts of its QR codes: the one door to zxing-cpp.

Whether a text is a ticket is not decided here; only the prefix is looked at, to know when the looking has paid.
One symbology is asked for (ISO/IEC 18004 model 2), which is ten times cheaper than all and finds no phantoms.
"""

from collections.abc import Iterable

import zxingcpp

from scanner.camera.images import SMALLEST, Gray, doubled, halved, smoothed
from scanner.camera.looks import Look, Looks
from scanner.camera.motion import Motion
from scanner.camera.second import read_second, second_decoder_available

GATE_PREFIXES = ("T1", "T2")
# More codes than this in one frame is a poster wall, not a queue; the message to the daemon stays small.
MOST_TEXTS = 4

_QR = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCodeModel2)
_PLAIN = zxingcpp.TextMode.Plain


def read(gray: Gray) -> tuple[str, ...]:
    """The texts of all QR codes in the picture, read at its own size; a strided view is read without a copy.

    All codes are asked for: the call for a single one may return the other person's.
    """
    found = zxingcpp.read_barcodes(gray, formats=_QR, text_mode=_PLAIN)
    return _distinct(code.text for code in found)


def is_gate_code(text: str) -> bool:
    """Whether the text has the prefix of a gate code; nothing else of it is looked at."""
    return text.startswith(GATE_PREFIXES)


def read_all_ways(gray: Gray) -> tuple[str, ...]:
    """Every text that any look finds: for a still picture, where time does not matter."""
    smaller = read(halved(gray)) if min(gray.shape) >= SMALLEST else ()
    return _distinct([*read(gray), *read(smoothed(gray)), *smaller, *read(doubled(gray)), *read_second(gray)])


def _distinct(texts: Iterable[str]) -> tuple[str, ...]:
    whole = dict.fromkeys(text for text in texts if text)
    first_ours = sorted(whole, key=lambda text: not is_gate_code(text))
    return tuple(first_ours[:MOST_TEXTS])


class Decoder:
    """Reads a stream of frames, one look a frame."""

    def __init__(self, *, second_look: bool = True) -> None:
        self._motion = Motion()
        self._looks = Looks(second=second_look and second_decoder_available())

    def see(self, gray: Gray) -> tuple[str, ...]:
        """The texts read in this frame, gate codes first; empty for most frames."""
        half = halved(gray)
        look = self._looks.choose(moving=self._motion.moved(half))
        texts = self._look(look, gray, half)
        if any(is_gate_code(text) for text in texts):
            self._looks.read()
        return texts

    @staticmethod
    def _look(look: Look, gray: Gray, half: Gray) -> tuple[str, ...]:
        if look is Look.HALF:
            return read(half)
        if look is Look.FULL:
            # Noise above four grey levels makes the decoder chase specks: four times slower, and fewer codes read.
            return read(smoothed(gray))
        return read(doubled(gray)) if look is Look.DOUBLED else read_second(gray)
