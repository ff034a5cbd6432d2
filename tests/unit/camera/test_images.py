"""Whatever layout a camera hands over, the luma comes out, and damage comes out as None."""

import numpy as np
import pytest

from scanner.camera.images import cv2, gray_of
from tests.show.venue import hall

WIDTH, HEIGHT = 1280, 720


@pytest.fixture
def scene() -> np.ndarray:
    return hall(1)


def test_grey_passes_without_a_copy(scene: np.ndarray) -> None:
    assert np.shares_memory(gray_of(scene, WIDTH, HEIGHT), scene)


def test_yuyv_is_a_view(scene: np.ndarray) -> None:
    yuyv = np.dstack([scene, np.full_like(scene, 128)])
    gray = gray_of(yuyv, WIDTH, HEIGHT)
    assert np.shares_memory(gray, yuyv)
    assert np.array_equal(gray, scene)
    assert np.array_equal(gray_of(yuyv.reshape(1, -1), WIDTH, HEIGHT), scene)


def test_padded_rows_of_yuv420_are_cut(scene: np.ndarray) -> None:
    planes = np.zeros((HEIGHT * 3 // 2, WIDTH + 64), np.uint8)
    planes[:HEIGHT, :WIDTH] = scene
    assert np.array_equal(gray_of(planes, WIDTH, HEIGHT), scene)


def test_nv12_in_one_row_is_cut(scene: np.ndarray) -> None:
    data = np.concatenate([scene.reshape(-1), np.full(WIDTH * HEIGHT // 2, 128, np.uint8)])
    assert np.array_equal(gray_of(data.reshape(1, -1), WIDTH, HEIGHT), scene)


def test_jpeg_of_a_usb_camera_is_decoded(scene: np.ndarray) -> None:
    data = cv2.imencode(".jpg", scene)[1].reshape(1, -1)
    padded = np.hstack([data, np.zeros((1, 5000), np.uint8)])
    for jpeg in (data, padded):
        gray = gray_of(jpeg, WIDTH, HEIGHT)
        assert np.abs(gray.astype(int) - scene).mean() < 2


def test_colour_becomes_luma(scene: np.ndarray) -> None:
    for channels in (cv2.COLOR_GRAY2BGR, cv2.COLOR_GRAY2BGRA):
        gray = gray_of(cv2.cvtColor(scene, channels), WIDTH, HEIGHT)
        assert np.abs(gray.astype(int) - scene).max() <= 1
    assert np.array_equal(gray_of(scene[:, :, None], WIDTH, HEIGHT), scene)


@pytest.mark.parametrize(
    "raw",
    [
        np.zeros((0, 0), np.uint8),
        np.zeros((0, 1280, 3), np.uint8),
        np.zeros((720, 1280), np.uint16),
        np.zeros((720, 1280, 5), np.uint8),
        np.zeros((4, 4, 4, 4), np.uint8),
        np.zeros((8, 8), np.uint8),
        np.zeros((1, 100), np.uint8),
        np.frombuffer(b"\xff\xd8 this is no JPEG", np.uint8).reshape(1, -1),
    ],
    ids=["empty", "zero-rows", "16-bit", "5-channels", "4-d", "tiny", "odd-bytes", "broken-jpeg"],
)
def test_damaged_frame_is_none(raw: np.ndarray) -> None:
    assert gray_of(raw, WIDTH, HEIGHT) is None
