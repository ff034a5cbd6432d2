"""Pictures as arrays: the one door to OpenCV. Reads, converts, scales and opens; it does not look for codes.

`cv2.QRCodeDetector` must never be used: it aborts the process on some frames that hold no code (OpenCV 4.14 and 5.0).
A grey picture is `uint8[height, width]`, dark 0, possibly a strided view; a colour picture is BGR.
"""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from scanner.camera.config import CameraConfig
from scanner.errors import CameraError

CAP_ANY: int = cv2.CAP_ANY
CAP_V4L2: int = cv2.CAP_V4L2
CAP_GSTREAMER: int = cv2.CAP_GSTREAMER

Gray = npt.NDArray[np.uint8]
Picture = npt.NDArray[np.uint8]

# No code of 21 modules fits into less, and the scaling below needs a few pixels to work on.
SMALLEST = 32
JPEG_MAGIC = b"\xff\xd8"

# One frame is small: threads inside OpenCV cost more than they bring, and the gate has other work for its cores.
cv2.setNumThreads(1)


def gray_of(raw: Picture, width: int, height: int) -> Gray | None:
    """The luma of whatever a camera hands over, without a copy where the layout allows it.

    Known layouts: grey `[h, w]`, BGR `[h, w, 3]`, YUYV `[h, w, 2]`, planar YUV 4:2:0 `[h * 3 / 2, stride]` with padded
    rows, and one JPEG as a row of bytes `[1, n]` (V4L2 without conversion). None for an empty, tiny or unknown one.
    """
    if raw.size == 0 or raw.dtype != np.uint8:
        return None
    gray = _luma(raw, width, height)
    return None if gray is None or min(gray.shape) < SMALLEST else gray


def _luma(raw: Picture, width: int, height: int) -> Gray | None:
    if raw.ndim == 3:
        return _luma_of_channels(raw)
    if raw.ndim != 2:
        return None
    if raw.shape[0] == 1:
        return _luma_of_bytes(raw.reshape(-1), width, height)
    return raw[:height, :width] if raw.shape[0] == height * 3 // 2 else raw


def _luma_of_channels(raw: Picture) -> Gray | None:
    channels = raw.shape[2]
    if channels in {1, 2}:
        return raw[:, :, 0]
    if channels in {3, 4}:
        return np.asarray(cv2.cvtColor(raw, cv2.COLOR_BGR2GRAY if channels == 3 else cv2.COLOR_BGRA2GRAY))
    return None


def _luma_of_bytes(data: npt.NDArray[np.uint8], width: int, height: int) -> Gray | None:
    if data[:2].tobytes() == JPEG_MAGIC:
        return decode_gray(data)
    plane = width * height
    if data.size in {plane, plane * 3 // 2}:
        return data[:plane].reshape(height, width)
    if data.size == plane * 2:
        return data.reshape(height, width, 2)[:, :, 0]
    return None


def decode_gray(data: npt.NDArray[np.uint8]) -> Gray | None:
    """The grey picture in the bytes of a JPEG or PNG file, or None when they are damaged."""
    if data.size == 0:
        return None
    try:
        picture = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)
    except cv2.error:
        return None
    return None if picture is None or picture.size == 0 else np.asarray(picture, dtype=np.uint8)


def load_gray(path: Path) -> Gray:
    """The grey picture in a file; CameraError says why there is none."""
    try:
        data = np.frombuffer(path.read_bytes(), dtype=np.uint8)
    except OSError as fault:
        raise CameraError(f"{path}: cannot be read ({fault.strerror}); name an existing JPEG or PNG file") from fault
    picture = decode_gray(data)
    if picture is None:
        raise CameraError(f"{path}: not a picture that can be decoded; use a whole JPEG or PNG file")
    return picture


def save(path: Path, picture: Picture, quality: int = 85) -> None:
    """Write a JPEG or PNG (by the name's ending); CameraError when that fails. `quality` counts for JPEG only."""
    options = [cv2.IMWRITE_JPEG_QUALITY, quality] if path.suffix.lower() in {".jpg", ".jpeg"} else []
    try:
        done, data = cv2.imencode(path.suffix, picture, options)
        if not done:
            raise CameraError(f"{path}: the picture could not be encoded")
        path.write_bytes(data.tobytes())
    except (OSError, cv2.error) as fault:
        raise CameraError(f"{path}: cannot be written ({fault})") from fault


def halved(gray: Gray) -> Gray:
    """Half the width and height, each pixel the mean of four: noise is halved too."""
    return np.asarray(cv2.resize(gray, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))


def doubled(gray: Gray) -> Gray:
    """Twice the width and height, smoothly: gives the decoder more pixels a module."""
    return np.asarray(cv2.resize(gray, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC))


def smoothed(gray: Gray) -> Gray:
    """The picture with noise taken off by a 3x3 Gaussian; modules of three pixels and more keep their edges."""
    return np.asarray(cv2.GaussianBlur(gray, (3, 3), 0))


def thumbnail(gray: Gray, size: tuple[int, int]) -> Gray:
    """The picture at `size` (width, height), each pixel the mean of what it covers."""
    return np.asarray(cv2.resize(gray, size, interpolation=cv2.INTER_AREA))


def open_video(target: str | int, backend: int, options: dict[int, float]) -> Any:
    """A `cv2.VideoCapture` that is open, with `options` asked for; CameraError when OpenCV cannot open `target`."""
    try:
        video = cv2.VideoCapture(target, backend)
    except cv2.error as fault:
        raise CameraError(f"{target}: cannot be opened ({fault})") from fault
    if not video.isOpened():
        video.release()
        raise CameraError(f"{target}: cannot be opened")
    for option, value in options.items():
        video.set(option, value)
    return video


def capture_options(config: CameraConfig) -> dict[int, float]:
    """What a V4L2 camera is asked for, in the order in which drivers want to hear it: the format before the size."""
    fourcc = cv2.VideoWriter.fourcc(*config.pixel_format)
    return {
        cv2.CAP_PROP_FOURCC: float(fourcc),
        cv2.CAP_PROP_FRAME_WIDTH: float(config.width),
        cv2.CAP_PROP_FRAME_HEIGHT: float(config.height),
        cv2.CAP_PROP_FPS: config.fps,
        cv2.CAP_PROP_BUFFERSIZE: 1.0,
        cv2.CAP_PROP_CONVERT_RGB: 0.0,
    }


def stamp_seconds(video: Any) -> float:
    """When the frame just read was captured, by the driver's clock (monotonic for V4L2), seconds; 0 if unknown."""
    return float(video.get(cv2.CAP_PROP_POS_MSEC)) / 1000.0
