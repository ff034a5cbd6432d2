"""How one camera is set up: plain values. Reading the configuration file is not done here."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CameraConfig:
    """One camera. Times are seconds.

    `source` is a V4L2 index ("0"), a device path ("/dev/video0"), a GStreamer pipeline (it contains " ! "), a stream's
    URL, "picamera2" or "picamera2:1" (Raspberry Pi camera), "replay:FOLDER-OR-VIDEO", or "follow:FOLDER", where
    another process renames pictures into place as they happen. A path of an existing file or folder is replayed.
    """

    source: str = "0"
    width: int = 1280
    height: int = 720
    fps: float = 30.0
    pixel_format: str = "MJPG"
    loop: bool = True
    exposure_us: int = 5000
    lens_position: float = 5.0
    second_look: bool = True
    stale_after: float = 2.0
    retry_after: float = 1.0
    stuck_after: float = 8.0
    silent_after: float = 3.0
