"""Real cameras: USB and other V4L2 devices, streams and GStreamer pipelines through OpenCV, Raspberry Pi cameras.

Which one is meant is said by the configuration; nothing is guessed from what happens to be plugged in.
"""

import importlib
import time
from pathlib import Path
from typing import Any

from scanner.camera.capture import Frame
from scanner.camera.config import CameraConfig
from scanner.camera.images import (
    CAP_ANY,
    CAP_GSTREAMER,
    CAP_V4L2,
    capture_options,
    open_video,
    stamp_seconds,
)
from scanner.errors import CameraError

# A stamp older than this is of another clock, not of an old frame.
OLDEST_STAMP = 1.0


def believable(stamp: float, now: float) -> float:
    """`stamp` (seconds) if it can be the moment of an exposure just read at `now`, else `now`."""
    return stamp if now - OLDEST_STAMP <= stamp <= now else now


class V4l2Camera:
    """A V4L2 device by index or path. Frames come as the device makes them: no conversion to colour is paid."""

    live = True

    def __init__(self, device: str | int, config: CameraConfig) -> None:
        self._name = f"/dev/video{device}" if isinstance(device, int) else device
        if not Path(self._name).exists():
            raise CameraError(f"{self._name}: there is no such camera; plug it in, or name one of: {_cameras()}")
        self._video = _opened(self._name, device, CAP_V4L2, capture_options(config))

    def read(self) -> Frame | None:
        """The next frame, stamped by the driver where it can be; CameraError when the device is gone."""
        done, picture = self._video.read()
        if not done:
            raise CameraError(f"{self._name}: the camera stopped delivering; check its cable and power")
        now = time.monotonic()
        return Frame(picture, believable(stamp_seconds(self._video), now))

    def close(self) -> None:
        """Give the source back."""
        self._video.release()


class StreamCamera:
    """A GStreamer pipeline or the URL of a network camera."""

    live = True

    def __init__(self, target: str, *, pipeline: bool) -> None:
        self._target = target
        try:
            self._video = open_video(target, CAP_GSTREAMER if pipeline else CAP_ANY, {})
        except CameraError as fault:
            hint = "; OpenCV's wheels have no GStreamer, Debian's python3-opencv has it" if pipeline else ""
            raise CameraError(f"{fault}{hint}") from fault

    def read(self) -> Frame | None:
        """The next frame; CameraError when the stream ended."""
        done, picture = self._video.read()
        if not done:
            raise CameraError(f"{self._target}: the stream ended")
        return Frame(picture, time.monotonic())

    def close(self) -> None:
        """Give the source back."""
        self._video.release()


class RaspberryPiCamera:
    """A Raspberry Pi camera through picamera2 (apt: python3-picamera2), with fixed focus and a short fixed exposure.

    `library` is the picamera2 module; a test may hand over another. Frames are YUV 4:2:0 with padded rows.
    """

    live = True

    def __init__(self, number: int, config: CameraConfig, library: Any = None) -> None:
        picamera2 = library if library is not None else _picamera2()
        try:
            self._camera = picamera2.Picamera2(number)
            self._camera.configure(
                self._camera.create_video_configuration(
                    main={"format": "YUV420", "size": (config.width, config.height)}, buffer_count=4
                )
            )
            self._camera.set_controls(self._controls(config))
            self._camera.start()
        except (RuntimeError, IndexError, OSError) as fault:
            raise CameraError(f"picamera2:{number}: cannot be started ({fault}); see `rpicam-hello --list`") from fault

    def _controls(self, config: CameraConfig) -> dict[str, Any]:
        controls = {"ExposureTime": config.exposure_us, "FrameRate": config.fps}
        # AfMode 0 is manual: a gate reads at one distance, and a lens that hunts costs more than one a little off.
        focus = {"AfMode": 0, "LensPosition": config.lens_position}
        return controls | {name: value for name, value in focus.items() if name in self._camera.camera_controls}

    def read(self) -> Frame | None:
        """The next frame, stamped by the sensor; CameraError when the camera stopped."""
        try:
            request = self._camera.capture_request()
        except RuntimeError as fault:
            raise CameraError(f"the Raspberry Pi camera stopped ({fault}); check its ribbon cable") from fault
        try:
            picture = request.make_array("main")
            stamp = request.get_metadata().get("SensorTimestamp", 0) / 1e9
        finally:
            request.release()
        return Frame(picture, believable(stamp, time.monotonic()))

    def close(self) -> None:
        """Give the source back."""
        self._camera.stop()
        self._camera.close()


def _picamera2() -> Any:
    try:
        return importlib.import_module("picamera2")
    except ImportError as fault:
        raise CameraError(
            f"picamera2 cannot be imported ({fault}); sudo systemd/install.sh add --pi-camera, or the word --pi-camera "
            "in the file gate/install on the card"
        ) from fault


def _opened(name: str, device: str | int, backend: int, options: dict[int, float]) -> Any:
    try:
        return open_video(device, backend, options)
    except CameraError as fault:
        raise CameraError(
            f"{name}: cannot be opened; another program may hold it, or the user is not in group video"
        ) from fault


def _cameras() -> str:
    return ", ".join(sorted(str(path) for path in Path("/dev").glob("video*"))) or "(no /dev/video* here)"
