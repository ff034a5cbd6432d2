"""What the camera's process says to the daemon, as one datagram each: JSON of a Sighting or a CameraHealth."""

import json
from dataclasses import asdict

from scanner.ports import CameraHealth, Sighting

Message = Sighting | CameraHealth
# Four codes of the largest QR symbol, every byte escaped, fit in.
LARGEST = 1 << 18


def encode(message: Message) -> bytes:
    """The datagram for one message. Lone surrogates, which a hostile code may hold, survive as escapes."""
    return json.dumps(asdict(message)).encode("ascii")


def decode(data: bytes) -> Message:
    """The message in one datagram; ValueError when it is none."""
    try:
        fields = json.loads(data)
        if "texts" in fields:
            return Sighting(tuple(fields["texts"]), float(fields["captured_at"]), float(fields["decoded_at"]))
        return CameraHealth(fields["state"], str(fields["detail"]), int(fields["frames"]), float(fields["at"]))
    except (KeyError, TypeError) as fault:
        raise ValueError(f"not a message of the camera: {fault}") from fault
