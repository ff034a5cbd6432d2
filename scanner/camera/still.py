"""Codes in picture files, for `gate-scanner decode`: every look is tried, because nobody is waiting at a gate."""

from pathlib import Path

from scanner.camera.decode import read_all_ways
from scanner.camera.images import load_gray
from scanner.errors import CameraError

LARGEST_SIDE = 12_000


def decode_file(path: str | Path) -> list[str]:
    """The texts of the QR codes in a JPEG or PNG file, gate codes first; CameraError when it cannot be used."""
    gray = load_gray(Path(path))
    if max(gray.shape) > LARGEST_SIDE:
        raise CameraError(f"{path}: {gray.shape[1]}x{gray.shape[0]} is too large; at most {LARGEST_SIDE} pixels a side")
    return list(read_all_ways(gray))
