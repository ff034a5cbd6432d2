"""How hard a camera has it: named conditions for single frames, and what visitors bring. Only numbers are here."""

from dataclasses import dataclass

import numpy as np

from tests.show.screen import Style


@dataclass(frozen=True, slots=True)
class Condition:
    """How hard the camera has it. Widths in pixels, angles in degrees, noise in grey levels."""

    card: tuple[float, float] = (230.0, 330.0)  # width of the code's card in the frame, least and most
    tilt: float = 6.0
    exposure_ms: float = 5.0
    hand: float = 1.0  # how restless the hand is; 1 is a calm adult
    defocus: float = 0.4
    glare: float = 0.0  # 1 whitens the middle of the reflection
    glare_radius: float = 0.0  # of the card's width
    noise: float = 3.0
    light: float = 1.0
    contrast: float = 1.0
    moire: float = 0.0
    gradient: float = 0.0
    style: Style | None = None


CONDITIONS: dict[str, Condition] = {
    "clean": Condition(),
    "perspective": Condition(tilt=42.0),
    "small": Condition(card=(150.0, 190.0)),
    "defocus": Condition(defocus=1.8),
    "motion": Condition(exposure_ms=20.0, hand=4.5),
    "dim-and-noisy": Condition(light=0.28, noise=12.0),
    "low-contrast": Condition(contrast=0.25),
    "glare": Condition(glare=1.3, glare_radius=0.8, tilt=10.0),
    "moire": Condition(moire=0.22),
    "gradient": Condition(gradient=0.75),
    "dark-mode": Condition(style="dark"),
    "inverted": Condition(style="inverted"),
    "mixed": Condition(
        tilt=22.0, exposure_ms=12.0, hand=2.5, defocus=1.2, glare=0.8, glare_radius=0.5, noise=7.0, light=0.6, moire=0.1
    ),
}


def any_condition(rng: np.random.Generator) -> Condition:
    """What one visitor brings: each trouble in its own strength, most of them mild, now and then several at once.

    A lamp is mirrored in every fifth phone. Glass reflects 4 %: a panel (4,000 cd/m2) next to a screen (400 cd/m2)
    adds under half of white over a wide area; a bare bulb whitens what it covers, which is small.
    """
    glare, radius = 0.0, 0.0
    if rng.random() < 0.2:
        panel = rng.random() < 0.5
        glare = float(rng.uniform(0.25, 0.5) if panel else rng.uniform(0.8, 1.5))
        radius = float(rng.uniform(0.4, 0.9) if panel else rng.uniform(0.12, 0.35))
    return Condition(
        card=(200.0, 340.0),
        tilt=float(rng.triangular(0, 5, 40)),
        exposure_ms=float(rng.uniform(4, 16)),
        hand=float(rng.triangular(0.5, 1, 4)),
        defocus=float(rng.triangular(0.2, 0.4, 1.5)),
        glare=glare,
        glare_radius=radius,
        noise=float(rng.triangular(2, 3, 10)),
        light=float(rng.triangular(0.35, 1, 1.1)),
        contrast=float(rng.triangular(0.4, 1, 1)),
        moire=float(rng.triangular(0, 0, 0.2)),
        gradient=float(rng.triangular(0, 0, 0.7)),
        style=("light", "light", "dark", "inverted")[int(rng.integers(0, 4))],
    )
