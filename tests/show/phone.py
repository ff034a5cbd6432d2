"""Phones at a gate, frame by frame: what a camera at 1280x720 sees of a hand that holds up a ticket.

The geometry is that of a pinhole camera and the blur that of a shutter, so that a fast hand, a long exposure or a
near lamp cost what they cost at a real gate. It draws; it decides nothing and reads no code. Shared by the tests,
the demo and the benchmark. Frames are grey, `uint8[720, 1280]`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from scanner.camera.images import cv2
from tests.show import optics
from tests.show.conditions import CONDITIONS, Condition, any_condition
from tests.show.optics import Gray
from tests.show.screen import BODY_HEIGHT, BODY_WIDTH, CARD_TOP, CARD_WIDTH, Phone, Style
from tests.show.venue import HEIGHT, WIDTH, empty_scene, hall

__all__ = [
    "CONDITIONS",
    "Condition",
    "Phone",
    "Shot",
    "Style",
    "any_condition",
    "approach",
    "empty_scene",
    "shots",
    "still",
    "two_phones",
]

FOCAL = 1100.0  # pixels; a lens of about 60 degrees across 1280 pixels

Points = npt.NDArray[np.float64]


class Pose(NamedTuple):
    """Where the middle of the code's card is (pixels), how wide the card is (pixels) and how the phone is turned."""

    x: float
    y: float
    card: float
    roll: float
    pitch: float
    yaw: float


class Shot(NamedTuple):
    """One frame, and whether the whole symbol of (each) phone is inside it."""

    frame: Gray
    whole: bool


@dataclass(frozen=True)
class _Hand:
    """One approach: in from an edge, held with tremor, out again. All of it follows from the seed."""

    start: tuple[float, float]
    rest: Pose
    travel: float
    leave_at: float
    sway: Points
    wobble: Points
    restless: float
    lamp: tuple[float, float]

    @staticmethod
    def of(rng: np.random.Generator, condition: Condition, leave_at: float, middle: float = WIDTH / 2) -> "_Hand":
        turn = rng.uniform(-1, 1, 3) * (12.0, condition.tilt, condition.tilt)
        card = rng.uniform(*condition.card)
        rest = Pose(middle + rng.uniform(-120, 120), HEIGHT / 2 + rng.uniform(-60, 60), card, *turn)
        starts = [
            (rest.x + rng.uniform(-200, 200), HEIGHT + 420.0),
            (-420.0, rest.y + 160.0),
            (WIDTH + 420.0, rest.y + 160.0),
        ]
        travel = float(rng.uniform(0.4, 0.8))
        phases = rng.uniform(0, 2 * np.pi, (2, 2, 3))
        start = starts[int(rng.integers(0, 3))]
        lamp = (float(rng.uniform(-0.6, 0.6)), float(rng.uniform(-0.6, 0.6)))
        return _Hand(start, rest, travel, leave_at, phases[0], phases[1], condition.hand, lamp)

    def pose(self, t: float) -> Pose:
        arrived, leaving = _minimum_jerk(t / self.travel), _minimum_jerk((t - self.leave_at) / self.travel)
        away = 1.0 - arrived + leaving
        sway_x, sway_y = (self._wave(t, p, (5.0, 1.2, 0.5)) for p in self.sway)
        pitch, yaw = (self._wave(t, p, (2.2, 0.5, 0.2)) for p in self.wobble)
        return Pose(
            self.rest.x + away * (self.start[0] - self.rest.x) + sway_x,
            self.rest.y + away * (self.start[1] - self.rest.y) + sway_y,
            self.rest.card * (1.0 - 0.15 * away),
            self.rest.roll + 10 * away,
            self.rest.pitch + pitch + 8 * away,
            self.rest.yaw + yaw,
        )

    def reflection(self, pose: Pose) -> tuple[float, float]:
        """Where the lamp above the gate is mirrored: glass turned by an angle moves it by 2ab/(a+b) times the angle.

        With the phone a = 0.25 m from the lens and the lamp b = 2 m away that is 0.44 m a radian, 1.5 cards of 5 cm
        for each ten degrees: tremor alone makes a reflection wander. A phone that only slides takes no reflection
        along: it passes beneath it.
        """
        per_degree = 0.44 / 0.05 * np.radians(1.0)
        across = self.lamp[0] + (pose.yaw - self.rest.yaw) * per_degree
        down = self.lamp[1] - (pose.pitch - self.rest.pitch) * per_degree
        return self.rest.x + across * pose.card, self.rest.y + down * pose.card

    def _wave(self, t: float, phases: Points, sizes: tuple[float, float, float]) -> float:
        """A slow sway, a faster one and the physiological tremor (8 to 12 Hz)."""
        waves = zip(sizes, (1.1, 3.2, 9.5), phases, strict=True)
        return self.restless * float(sum(size * np.sin(2 * np.pi * hertz * t + phase) for size, hertz, phase in waves))


def _minimum_jerk(share: float) -> float:
    """How far a reaching hand has come after `share` of its time (Flash and Hogan 1985); 0 before, 1 after."""
    s = min(max(share, 0.0), 1.0)
    return s**3 * (10 - 15 * s + 6 * s * s)


def _projected(points: Points, pose: Pose) -> Points:
    """Points of the phone (x, y in points) in the frame, through a pinhole camera."""
    roll, pitch, yaw = np.radians([pose.roll, pose.pitch, pose.yaw])
    about_z = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
    about_y = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    middle = (BODY_WIDTH / 2, CARD_TOP + CARD_WIDTH / 2)
    flat = np.column_stack([points - middle, np.zeros(len(points))]) * (pose.card / CARD_WIDTH)
    turned = flat @ (about_z @ about_x @ about_y).T
    depth = 1.0 + turned[:, 2:] / FOCAL
    return np.asarray(turned[:, :2] / depth + (pose.x, pose.y))


def _corners(left: float, top: float, width: float, height: float) -> Points:
    return np.array([[left, top], [left + width, top], [left + width, top + height], [left, top + height]])


def _rounded(radius: float) -> Points:
    """The body's outline in points, with round corners."""
    arc = np.radians(np.arange(0, 91, 15))
    inner = _corners(radius, radius, BODY_WIDTH - 2 * radius, BODY_HEIGHT - 2 * radius)
    turns = np.radians([180.0, 270.0, 0.0, 90.0])
    return np.concatenate(
        [
            corner + radius * np.column_stack([np.cos(turn + arc), np.sin(turn + arc)])
            for corner, turn in zip(inner, turns, strict=True)
        ]
    )


_OUTLINE = _rounded(48.0)


def _whole(phone: Phone, pose: Pose) -> bool:
    left, top, width = phone.symbol_box()
    seen = _projected(_corners(left, top, width, width), pose)
    return bool((seen >= 0).all() and (seen[:, 0] < WIDTH).all() and (seen[:, 1] < HEIGHT).all())


def _draw(frame: Gray, phone: Phone, hand: _Hand, t: float, how: Condition, rng: np.random.Generator) -> None:
    """Lay the phone over the frame, with the reflection on its glass, smeared by what it moved during the exposure."""
    pose, before = hand.pose(t), hand.pose(t - how.exposure_ms / 1000)
    moved = (pose.x - before.x, pose.y - before.y)
    quad = _projected(_corners(0, 0, BODY_WIDTH, BODY_HEIGHT), pose)
    margin = 12 + int(max(abs(moved[0]), abs(moved[1])))
    left, top = (int(max(n, 0)) for n in np.floor(quad.min(axis=0)) - margin)
    right, bottom = (int(n) for n in np.ceil(quad.max(axis=0)) + margin)
    right, bottom = min(right, WIDTH), min(bottom, HEIGHT)
    if right - left < 4 or bottom - top < 4:
        return
    texture = phone.texture(hand.rest.card / CARD_WIDTH * 1.15)
    height, width = texture.shape
    matrix = cv2.getPerspectiveTransform(
        _corners(0, 0, width, height).astype(np.float32), (quad - (left, top)).astype(np.float32)
    )
    size = (right - left, bottom - top)
    glass = np.asarray(cv2.warpPerspective(texture, matrix, size, flags=cv2.INTER_LINEAR))
    mask = np.zeros((size[1], size[0]), np.uint8)
    cv2.fillConvexPoly(
        mask, np.round((_projected(_OUTLINE, pose) - (left, top)) * 16).astype(np.int32), 255, cv2.LINE_AA, 4
    )
    glass = _lit(glass, pose, hand.reflection(pose), (left, top), how, rng)
    patch = frame[top:bottom, left:right].copy()
    cv2.copyTo(glass, mask, patch)
    frame[top:bottom, left:right] = optics.smear(optics.defocus(patch, how.defocus), *moved)


def _lit(
    glass: Gray,
    pose: Pose,
    spot: tuple[float, float],
    origin: tuple[int, int],
    how: Condition,
    rng: np.random.Generator,
) -> Gray:
    if how.moire:
        glass = optics.add_moire(glass, how.moire, rng)
    if how.gradient:
        glass = optics.add_gradient(glass, how.gradient)
    if how.glare:
        centre = (spot[0] - origin[0], spot[1] - origin[1])
        glass = optics.add_glare(glass, centre, how.glare_radius * pose.card, how.glare)
    return glass


def _finish(frame: Gray, how: Condition, rng: np.random.Generator) -> Gray:
    return optics.add_noise(optics.expose(frame, how.light, how.contrast), how.noise, rng)


def _styled(phone: Phone, how: Condition) -> Phone:
    return phone if how.style is None or how.style == phone.style else replace(phone, style=how.style)


def _filmed(
    phones: Sequence[Phone],
    hands: Sequence[_Hand],
    how: Condition,
    rng: np.random.Generator,
    fps: float,
    seconds: float,
    scene: int,
    first: int = 0,
) -> Iterator[Shot]:
    for n in range(first, round(fps * seconds)):
        t = n / fps
        frame = hall(scene).copy()
        for phone, hand in zip(phones, hands, strict=True):
            _draw(frame, phone, hand, t, how, rng)
        whole = all(_whole(phone, hand.pose(t)) for phone, hand in zip(phones, hands, strict=True))
        yield Shot(_finish(frame, how, rng), whole)


def shots(
    phone: Phone,
    rng: np.random.Generator,
    condition: Condition = CONDITIONS["clean"],
    fps: float = 30,
    seconds: float = 2.5,
    *,
    leave: bool = True,
    scene: int = 1,
    skip_to_whole: bool = False,
) -> Iterator[Shot]:
    """One approach, shot by shot: the phone comes in from an edge, is held, and (with `leave`) goes away again.

    `skip_to_whole` leaves out what comes before the last two frames in which the symbol is not yet whole.
    """
    phone = _styled(phone, condition)
    hand = _Hand.of(rng, condition, seconds - 0.8 if leave else seconds + 1)
    frames = range(round(fps * seconds))
    first = next((n for n in frames if _whole(phone, hand.pose(n / fps))), 2) - 2 if skip_to_whole else 0
    return _filmed([phone], [hand], condition, rng, fps, seconds, scene, max(first, 0))


def approach(
    phone: Phone,
    rng: np.random.Generator,
    condition: Condition = CONDITIONS["clean"],
    fps: float = 30,
    seconds: float = 2.5,
    *,
    leave: bool = True,
    scene: int = 1,
) -> Iterator[Gray]:
    """The frames of `shots`, for who does not ask when the code was whole."""
    return (shot.frame for shot in shots(phone, rng, condition, fps, seconds, leave=leave, scene=scene))


def two_phones(
    first: Phone, second: Phone, rng: np.random.Generator, fps: float = 30, seconds: float = 2.5, *, scene: int = 1
) -> Iterator[Shot]:
    """Two people hold up their phones side by side."""
    how = replace(CONDITIONS["clean"], card=(200.0, 240.0))
    hands = [_Hand.of(rng, how, seconds + 1, middle) for middle in (WIDTH * 0.27, WIDTH * 0.73)]
    return _filmed([first, second], hands, how, rng, fps, seconds, scene)


def still(
    phone: Phone, rng: np.random.Generator, condition: Condition = CONDITIONS["clean"], *, scene: int = 1
) -> Gray:
    """One frame at a random moment while the phone is held: what the benchmark of single frames asks for."""
    phone = _styled(phone, condition)
    hand = _Hand.of(rng, condition, 60.0)
    t = float(rng.uniform(1.0, 20.0))
    frame = hall(scene).copy()
    _draw(frame, phone, hand, t, condition, rng)
    return _finish(frame, condition, rng)
