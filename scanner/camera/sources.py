"""From the `source` of the configuration to an open source. The only place that knows all kinds."""

from pathlib import Path

from scanner.camera.capture import Source
from scanner.camera.config import CameraConfig
from scanner.camera.devices import RaspberryPiCamera, StreamCamera, V4l2Camera
from scanner.camera.replay import FolderReplay, FollowedFolder, VideoReplay
from scanner.errors import CameraError


def open_source(config: CameraConfig) -> Source:
    """The source that the configuration names, open; CameraError says what is wrong and what to do."""
    kind, _, rest = config.source.partition(":")
    if config.source.isdecimal():
        return V4l2Camera(int(config.source), config)
    if kind == "picamera2" and (rest.isdecimal() or not rest):
        return RaspberryPiCamera(int(rest or 0), config)
    if kind == "follow" and rest:
        return FollowedFolder(Path(rest))
    if kind == "replay" and rest:
        return _replay(Path(rest), config)
    if " ! " in config.source or "://" in config.source:
        return StreamCamera(config.source, pipeline=" ! " in config.source)
    return _by_path(config.source, config)


def _by_path(name: str, config: CameraConfig) -> Source:
    path = Path(name)
    if path.is_char_device():
        return V4l2Camera(str(path), config)
    if name and (path.is_dir() or path.is_file()):
        return _replay(path, config)
    if name.startswith("/dev/"):
        return V4l2Camera(str(path), config)
    raise CameraError(
        f"{name!r} is no camera: write an index (0), a device (/dev/video0), a pipeline, a URL, picamera2, "
        "replay:FOLDER or follow:FOLDER"
    )


def _replay(path: Path, config: CameraConfig) -> Source:
    if path.is_dir():
        return FolderReplay(path, config.fps, loop=config.loop)
    if path.is_file():
        return VideoReplay(path, config.fps, loop=config.loop)
    raise CameraError(f"{path}: there is nothing to replay; name a folder of pictures or a video file")
