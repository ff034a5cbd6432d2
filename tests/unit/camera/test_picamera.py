"""The Raspberry Pi camera: padded rows, the sensor's own clock, fixed focus, and a camera that stops."""

import time
from typing import Any, ClassVar

import numpy as np
import pytest

from scanner.camera.config import CameraConfig
from scanner.camera.devices import RaspberryPiCamera, believable
from scanner.camera.images import gray_of
from scanner.errors import CameraError

STRIDE_OF = 64  # libcamera pads each row of YUV 4:2:0 to a multiple of this


class FakeRequest:
    def __init__(self, camera: "FakePicamera2") -> None:
        self.camera = camera

    def make_array(self, stream: str) -> np.ndarray:
        assert stream == "main"
        width, height = self.camera.size
        planes = np.full((height * 3 // 2, -(-width // STRIDE_OF) * STRIDE_OF), 128, np.uint8)
        planes[:height, :width] = 77
        planes[:height, width:] = 255
        return planes

    def get_metadata(self) -> dict[str, Any]:
        return {"SensorTimestamp": self.camera.stamp}

    def release(self) -> None:
        self.camera.held -= 1


class FakePicamera2:
    """As strict as libcamera: four buffers, configured before started, no controls that the sensor lacks."""

    camera_controls: ClassVar = {"ExposureTime": (), "FrameRate": (), "AfMode": (), "LensPosition": ()}

    def __init__(self, number: int = 0) -> None:
        if number > 0:
            raise IndexError("list index out of range")
        self.controls: dict[str, Any] = {}
        self.started = self.closed = False
        self.size = (0, 0)
        self.held = 0
        self.stamp = time.monotonic_ns() - 20_000_000
        FakePicamera2.last = self

    def create_video_configuration(self, main: dict[str, Any], buffer_count: int) -> dict[str, Any]:
        return {"main": main, "buffer_count": buffer_count}

    def configure(self, configuration: dict[str, Any]) -> None:
        assert configuration["main"]["format"] == "YUV420"
        self.size = configuration["main"]["size"]

    def set_controls(self, controls: dict[str, Any]) -> None:
        assert set(controls) <= set(self.camera_controls)
        self.controls |= controls

    def start(self) -> None:
        assert self.size != (0, 0)
        self.started = True

    def capture_request(self) -> FakeRequest:
        if not self.started:
            raise RuntimeError("camera frontend has timed out")
        assert self.held < 4, "all buffers are held"
        self.held += 1
        return FakeRequest(self)

    def stop(self) -> None:
        self.started = False

    def close(self) -> None:
        self.closed = True


class Library:
    Picamera2 = FakePicamera2


CONFIG = CameraConfig(source="picamera2", width=1300, height=720)


def test_padding_is_cut_and_buffers_are_given_back() -> None:
    camera = RaspberryPiCamera(0, CONFIG, Library)
    for _ in range(10):
        gray = gray_of(camera.read().raw, CONFIG.width, CONFIG.height)
        assert gray.shape == (720, 1300)
        assert (gray == 77).all()
    camera.close()
    assert FakePicamera2.last.closed
    assert FakePicamera2.last.held == 0


def test_frame_carries_the_sensors_time() -> None:
    camera = RaspberryPiCamera(0, CONFIG, Library)
    assert camera.read().captured_at == FakePicamera2.last.stamp / 1e9


def test_focus_and_exposure_are_fixed() -> None:
    RaspberryPiCamera(0, CONFIG, Library)
    assert FakePicamera2.last.controls == {"ExposureTime": 5000, "FrameRate": 30.0, "AfMode": 0, "LensPosition": 5.0}


def test_lens_without_motor_is_not_told_to_focus(monkeypatch) -> None:
    monkeypatch.setattr(FakePicamera2, "camera_controls", {"ExposureTime": (), "FrameRate": ()})
    RaspberryPiCamera(0, CONFIG, Library)
    assert set(FakePicamera2.last.controls) == {"ExposureTime", "FrameRate"}


def test_missing_and_stopped_cameras_are_faults() -> None:
    with pytest.raises(CameraError, match="picamera2:1"):
        RaspberryPiCamera(1, CONFIG, Library)
    camera = RaspberryPiCamera(0, CONFIG, Library)
    FakePicamera2.last.stop()
    with pytest.raises(CameraError, match="ribbon"):
        camera.read()


@pytest.mark.parametrize(("stamp", "now", "is_used"), [(9.9, 10.0, True), (10.1, 10.0, False), (3.0, 10.0, False)])
def test_stamp_of_another_clock_is_not_believed(stamp: float, now: float, is_used: bool) -> None:
    assert believable(stamp, now) == (stamp if is_used else now)
