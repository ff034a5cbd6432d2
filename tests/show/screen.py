"""A phone's screen as a picture: body, status bar, the wallet's ticket page and its code. No camera is here."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import segno

from scanner.camera.images import cv2
from tests.show.optics import Gray

Style = Literal["light", "dark", "inverted"]

# The page is laid out in points: a phone 75 mm wide whose screen is 390 points wide; the code's card is 320 points.
BODY_WIDTH, BODY_HEIGHT, BEZEL = 420, 860, 15
CARD_TOP, CARD_WIDTH = 250, 320
QUIET = 4
TEXTURES_A_POINT = 12


@dataclass(frozen=True)
class Phone:
    """One phone that shows one text as QR (level M, or better where the version has room) on a wallet page."""

    text: str
    style: Style = "light"
    title: str = "Coliseum: The Long Night"
    seat: str = "Block A  Row 12  Seat 5"
    clock: str = "19:42"

    @cached_property
    def modules(self) -> npt.NDArray[np.uint8]:
        """The symbol without its quiet zone, 1 = dark (ISO/IEC 18004)."""
        symbol = segno.make(self.text, error="m", micro=False)
        return np.array([list(row) for row in symbol.matrix], dtype=np.uint8)

    @cached_property
    def _textures(self) -> dict[int, Gray]:
        return {}

    def texture(self, points: float) -> Gray:
        """The phone, face on, at about `points` pixels a point; kept, because a phone is drawn many times."""
        size = max(1, round(points * TEXTURES_A_POINT))
        if size not in self._textures:
            shape = (round(BODY_WIDTH * size / TEXTURES_A_POINT), round(BODY_HEIGHT * size / TEXTURES_A_POINT))
            self._textures[size] = np.asarray(cv2.resize(self._page, shape, interpolation=cv2.INTER_AREA))
        return self._textures[size]

    def symbol_box(self) -> tuple[float, float, float]:
        """Left, top and width of the symbol without its quiet zone, in points from the body's corner."""
        count = len(self.modules)
        edge = CARD_WIDTH * QUIET / (count + 2 * QUIET)
        return (BODY_WIDTH - CARD_WIDTH) / 2 + edge, CARD_TOP + edge, CARD_WIDTH - 2 * edge

    def _drawn_at(self) -> float:
        """Pixels a point at which each module is a whole number of pixels and none is blurred before the camera."""
        count = len(self.modules) + 2 * QUIET
        return count * max(1, -(-CARD_WIDTH * 2 // count)) / CARD_WIDTH

    @cached_property
    def _page(self) -> Gray:
        scale = self._drawn_at()
        dark = self.style != "light"
        paper, ink = (26, 225) if dark else (240, 30)
        page = np.full((round(BODY_HEIGHT * scale), round(BODY_WIDTH * scale)), 12, np.uint8)
        draw = _Pen(page, scale)
        draw.box(BEZEL, BEZEL, BODY_WIDTH - 2 * BEZEL, BODY_HEIGHT - 2 * BEZEL, paper)
        draw.box(BODY_WIDTH / 2 - 45, BEZEL + 10, 90, 22, 8)
        draw.text(self.clock, 45, 44, 0.55, ink)
        draw.bars(330, 44, ink)
        draw.text("My ticket", 40, 100, 0.9, ink)
        draw.text(self.title, 40, 150, 0.62, ink)
        draw.text(self.seat, 40, 184, 0.55, ink)
        self._code(page, scale, paper)
        left = (BODY_WIDTH - CARD_WIDTH) / 2
        draw.box(left, CARD_TOP + CARD_WIDTH + 26, CARD_WIDTH, 6, 90 if dark else 205)
        draw.box(left, CARD_TOP + CARD_WIDTH + 26, CARD_WIDTH * 0.6, 6, 140)
        draw.text("Refreshes every 10 seconds", left, CARD_TOP + CARD_WIDTH + 62, 0.5, 130)
        draw.box(left, 690, CARD_WIDTH, 52, 110 if dark else 60)
        draw.text("Transfer this ticket", left + 70, 723, 0.55, 245)
        draw.box(BODY_WIDTH / 2 - 65, BODY_HEIGHT - 34, 130, 5, ink)
        return page

    def _code(self, page: Gray, scale: float, paper: int) -> None:
        quiet = np.pad(self.modules, QUIET)
        card = np.where(quiet == 1, 238, paper) if self.style == "inverted" else np.where(quiet == 1, 14, 252)
        width = round(CARD_WIDTH * scale)
        left, top = round((BODY_WIDTH - CARD_WIDTH) / 2 * scale), round(CARD_TOP * scale)
        picture = cv2.resize(card.astype(np.uint8), (width, width), interpolation=cv2.INTER_NEAREST)
        page[top : top + width, left : left + width] = picture


class _Pen:
    """Draws on a page in points."""

    def __init__(self, page: Gray, scale: float) -> None:
        self.page, self.scale = page, scale

    def box(self, left: float, top: float, width: float, height: float, shade: int) -> None:
        corner = self._at(left, top)
        cv2.rectangle(self.page, corner, self._at(left + width, top + height), shade, -1)

    def text(self, words: str, left: float, base: float, size: float, shade: int) -> None:
        thick = max(1, round(1.2 * self.scale))
        where, font = self._at(left, base), cv2.FONT_HERSHEY_SIMPLEX
        cv2.putText(self.page, words, where, font, size * self.scale, shade, thick, cv2.LINE_AA)

    def bars(self, left: float, base: float, shade: int) -> None:
        for n in range(4):
            self.box(left + n * 6, base - 4 - n * 3, 3, 4 + n * 3, shade)
        self.box(left + 32, base - 12, 26, 12, shade)

    def _at(self, x: float, y: float) -> tuple[Any, Any]:
        return round(x * self.scale), round(y * self.scale)
