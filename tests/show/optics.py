"""What light, lens and sensor do to a picture, cheap enough to draw live. Nothing about phones is here.

All pictures are grey, `uint8[height, width]`. Every effect takes its randomness from the generator that is passed in.
"""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from scanner.camera.images import cv2

Gray = npt.NDArray[np.uint8]

NOISE_MARGIN = 256
FIELD_SIGMA = 16.0


@lru_cache(maxsize=2)
def _noise_field(height: int, width: int) -> Gray:
    """Sensor noise around 128, larger than the frame; each frame takes another window of it."""
    field = np.random.default_rng(20).normal(128, FIELD_SIGMA, (height + NOISE_MARGIN, width + NOISE_MARGIN))
    return np.clip(field, 0, 255).astype(np.uint8)


def add_noise(frame: Gray, sigma: float, rng: np.random.Generator) -> Gray:
    """The frame with sensor noise of standard deviation `sigma` grey levels; never the same bits twice."""
    height, width = frame.shape
    top, left = (int(n) for n in rng.integers(0, NOISE_MARGIN, 2))
    window = _noise_field(height, width)[top : top + height, left : left + width]
    share = sigma / FIELD_SIGMA
    return np.asarray(cv2.addWeighted(frame, 1.0, window, share, -128.0 * share))


def expose(frame: Gray, light: float, contrast: float) -> Gray:
    """The frame at `light` times its brightness, its contrast drawn together around the middle grey."""
    if light == 1.0 and contrast == 1.0:
        return frame
    levels = ((np.arange(256) - 118.0) * contrast + 118.0) * light
    return np.asarray(cv2.LUT(frame, np.clip(levels, 0, 255).astype(np.uint8)))


def defocus(patch: Gray, sigma: float) -> Gray:
    """The patch out of focus, `sigma` pixels."""
    return patch if sigma < 0.3 else np.asarray(cv2.GaussianBlur(patch, (0, 0), sigma))


def smear(patch: Gray, dx: float, dy: float) -> Gray:
    """The patch smeared along the way (dx, dy), pixels, that it moved while the shutter was open."""
    length = float(np.hypot(dx, dy))
    if length < 1.2:
        return patch
    size = int(length / 2) * 2 + 3
    kernel = np.zeros((size, size), np.float32)
    middle, shift = size // 2, 4
    scale = float(1 << shift)
    ends = [(round((middle + s * dx / 2) * scale), round((middle + s * dy / 2) * scale)) for s in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], 1.0, 1, cv2.LINE_AA, shift)
    return np.asarray(cv2.filter2D(patch, -1, kernel / kernel.sum()))


@lru_cache(maxsize=1)
def _lamp() -> Gray:
    """A reflection: a saturated middle with a soft edge."""
    y, x = np.mgrid[-1:1:256j, -1:1:256j]
    return np.clip(np.exp(-4.0 * (x**2 + y**2)) * 1.25 * 255, 0, 255).astype(np.uint8)


def add_glare(patch: Gray, centre: tuple[float, float], radius: float, strength: float) -> Gray:
    """The patch with the reflection of a lamp at `centre` (x, y), `radius` pixels wide; 1 whitens its middle."""
    size = int(radius * 2)
    left, top = int(centre[0] - radius), int(centre[1] - radius)
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + size, patch.shape[1]), min(top + size, patch.shape[0])
    if size < 4 or x0 >= x1 or y0 >= y1:
        return patch
    spot = cv2.resize(_lamp(), (size, size), interpolation=cv2.INTER_LINEAR)[y0 - top : y1 - top, x0 - left : x1 - left]
    view = patch[y0:y1, x0:x1]
    patch[y0:y1, x0:x1] = cv2.addWeighted(view, 1.0, spot, strength, 0.0)
    return patch


@lru_cache(maxsize=1)
def _beat() -> Gray:
    """The beat of the screen's pixel grid against the sensor's, around 128."""
    y, x = np.mgrid[0:1000, 0:1600].astype(np.float32)
    waves = np.sin(x * 0.9 + y * 0.13) + np.sin(y * 1.1 - x * 0.21) + np.sin(x * 0.11 + y * 0.07)
    return np.asarray(128 + waves / 3 * 127).astype(np.uint8)


def add_moire(patch: Gray, strength: float, rng: np.random.Generator) -> Gray:
    """The patch with a moire pattern of amplitude `strength` (1 = half the full scale)."""
    top, left = (int(n) for n in rng.integers(0, 200, 2))
    window = _beat()[top : top + patch.shape[0], left : left + patch.shape[1]]
    return np.asarray(cv2.addWeighted(patch, 1.0, window, strength, -128.0 * strength))


@lru_cache(maxsize=1)
def _ramp() -> Gray:
    return np.tile(np.linspace(0, 255, 1600, dtype=np.float32).astype(np.uint8), (1000, 1))


def add_gradient(patch: Gray, strength: float) -> Gray:
    """The patch lit from one side: `strength` (0..1) of the light is gone at the left edge."""
    height, width = patch.shape
    ramp = cv2.resize(_ramp(), (width, height), interpolation=cv2.INTER_LINEAR)
    light = cv2.addWeighted(ramp, strength, ramp, 0.0, 255.0 * (1.0 - strength))
    return np.asarray(cv2.multiply(patch, light, scale=1 / 255.0))
