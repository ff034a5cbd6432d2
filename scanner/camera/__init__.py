"""From light to text: capture, decoding and debouncing. Whether a text is a ticket is not decided here.

What the daemon uses imports no OpenCV: the camera and the decoders live in a child process (`process`).
"""

from scanner.camera.config import CameraConfig
from scanner.camera.process import CameraProcess

__all__ = ["CameraConfig", "CameraProcess"]
