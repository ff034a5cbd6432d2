"""Every frame of an approach gets a try, and an empty hall stays cheap for hours."""

import numpy as np

from scanner.camera.images import halved
from scanner.camera.looks import Look, Looks
from scanner.camera.motion import Motion, same_bits
from tests.show.phone import CONDITIONS, Phone, empty_scene, shots

# Milliseconds on the machine where they were measured; only the ratios matter here.
COST = {Look.HALF: 0.4, Look.FULL: 1.1, Look.DOUBLED: 5.0, Look.SECOND: 24.0}


def chosen(looks: Looks, frames: int, *, moving: bool) -> list[Look]:
    return [looks.choose(moving=moving) for _ in range(frames)]


def test_idle_scene_gets_cheap_looks_only() -> None:
    looks = chosen(Looks(second=True), 300, moving=False)
    assert set(looks) == {Look.HALF, Look.FULL}
    assert looks.count(Look.FULL) == 75


def test_approach_gets_both_sizes_and_dear_looks() -> None:
    looks = chosen(Looks(second=True), 15, moving=True)
    assert looks.count(Look.HALF) >= 4
    assert looks.count(Look.FULL) >= 4
    assert looks.count(Look.DOUBLED) >= 3
    assert Look.SECOND in looks


def test_crowd_that_moves_all_day_stays_cheap() -> None:
    looks = chosen(Looks(second=True), 30 * 60 * 10, moving=True)
    assert sum(COST[look] for look in looks) / len(looks) < 2.0


def test_dear_looks_pause_after_a_read() -> None:
    looks = Looks(second=True)
    chosen(looks, 4, moving=True)
    looks.read()
    assert set(chosen(looks, 6, moving=True)) == {Look.HALF, Look.FULL}


def test_without_second_decoder_it_is_never_asked() -> None:
    assert Look.SECOND not in chosen(Looks(second=False), 200, moving=True)


def test_sensor_noise_is_not_motion_and_a_hand_is() -> None:
    rng = np.random.default_rng(1)
    still, hand = Motion(), Motion()
    quiet = [still.moved(halved(empty_scene(rng, noise=12.0))) for _ in range(20)]
    approach = [hand.moved(halved(shot.frame)) for shot in shots(Phone("T1"), rng, CONDITIONS["dim-and-noisy"])]
    assert not any(quiet[1:])
    assert sum(approach) > len(approach) / 2


def test_two_exposures_never_have_the_same_bits() -> None:
    rng = np.random.default_rng(2)
    one = empty_scene(rng)
    assert same_bits(one, one.copy())
    assert not same_bits(one, empty_scene(rng))
    assert not same_bits(None, one)
    assert not same_bits(one, one[:-2])
    nearly = one.copy()
    nearly[3, 3] ^= 1
    assert not same_bits(one, nearly)
