"""The scene behind a phone: what a gate's camera sees of a hall at night. No phone and no code is here."""

from functools import lru_cache

import numpy as np

from scanner.camera.images import cv2
from tests.show.optics import Gray, add_noise

WIDTH, HEIGHT = 1280, 720


@lru_cache(maxsize=6)
def hall(seed: int) -> Gray:
    """A hall with lights, railings, a poster and people out of focus; the same for the same seed. Read-only."""
    rng = np.random.default_rng(seed)
    base = np.linspace(70, 34, HEIGHT, dtype=np.float32)[:, None] * np.linspace(0.8, 1.2, WIDTH, dtype=np.float32)
    scene = base.astype(np.uint8)
    _tiles(scene, rng)
    _lights(scene, rng)
    _poster(scene, rng)
    _people(scene, rng)
    blurred = cv2.GaussianBlur(scene, (0, 0), 3.0)
    _railing(blurred, rng)
    out = np.asarray(cv2.GaussianBlur(blurred, (0, 0), 1.0))
    out.setflags(write=False)
    return out


def _tiles(scene: Gray, rng: np.random.Generator) -> None:
    for x in range(int(rng.integers(0, 60)), WIDTH, 90):
        cv2.line(scene, (x, 0), (x + 14, HEIGHT), 44, 2)
    for y in range(int(rng.integers(0, 50)), HEIGHT, 70):
        cv2.line(scene, (0, y), (WIDTH, y), 46, 2)


def _lights(scene: Gray, rng: np.random.Generator) -> None:
    for _ in range(14):
        x, y = int(rng.integers(0, WIDTH)), int(rng.integers(0, 260))
        cv2.circle(scene, (x, y), int(rng.integers(6, 34)), int(rng.integers(120, 255)), -1, cv2.LINE_AA)


def _poster(scene: Gray, rng: np.random.Generator) -> None:
    x, y = int(rng.integers(0, WIDTH - 260)), int(rng.integers(40, 240))
    cv2.rectangle(scene, (x, y), (x + 230, y + 320), int(rng.integers(140, 210)), -1)
    for line in range(6):
        cv2.putText(scene, "TONIGHT 20:15", (x + 12, y + 50 + line * 44), cv2.FONT_HERSHEY_DUPLEX, 0.9, 40, 2)


def _people(scene: Gray, rng: np.random.Generator) -> None:
    for _ in range(7):
        x, top = int(rng.integers(0, WIDTH)), int(rng.integers(220, 420))
        shade = int(rng.integers(15, 120))
        cv2.ellipse(scene, (x, HEIGHT), (95, HEIGHT - top - 60), 0, 180, 360, shade, -1, cv2.LINE_AA)
        cv2.circle(scene, (x, top), 48, min(shade + 70, 190), -1, cv2.LINE_AA)


def _railing(scene: Gray, rng: np.random.Generator) -> None:
    y = int(rng.integers(600, 680))
    cv2.line(scene, (0, y), (WIDTH, y - 20), 150, 14, cv2.LINE_AA)
    for x in range(30, WIDTH, 160):
        cv2.line(scene, (x, y), (x, HEIGHT), 110, 10, cv2.LINE_AA)


def empty_scene(rng: np.random.Generator, seed: int = 1, noise: float = 3.0) -> Gray:
    """One frame with nobody at the gate: the hall as the camera of gate `seed` sees it, with sensor noise."""
    return add_noise(hall(seed), noise, rng)
