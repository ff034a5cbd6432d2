"""Every setting with its default and what it does, as a file to begin with: `gate-scanner settings`.

Names, order and defaults come from the settings themselves; only the words are here.
"""

import json
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from scanner.cli.settings import Settings

_COLUMN = 24
_HEAD = """\
# Settings of one gate: /etc/gate-scanner.toml. Every line is optional; what is here are the defaults.
# Nothing secret belongs in here. `gate-scanner doctor` says what is wrong with it, all at once, with the line.
"""
WORDS = {
    "state": 'where the gate keeps its key, enrolment, journal and view; "" = what systemd gives the service',
    "runtime": 'where it keeps its status; "" = what systemd gives the service',
    "camera.source": '"0" or "/dev/video0": USB; "picamera2": Raspberry Pi camera; "replay:FOLDER": '
    "pictures from files",
    "camera.width": "pixels; aim at 4 or more for each module of the code",
    "camera.pixel_format": "what a USB 2 camera needs for 30 frames a second at this size",
    "camera.loop": "replay only: begin again at the end",
    "camera.exposure_us": "Raspberry Pi camera: short, because motion costs more reads than noise. USB: "
    "docs/operations.md",
    "camera.lens_position": "Raspberry Pi camera with a lens that focuses: dioptres, 5 = 20 cm; autofocus stays off",
    "camera.second_look": "look twice at frames where something moves and nothing was read",
    "camera.stale_after": "seconds without a new picture, then the camera counts as frozen and is opened again",
    "camera.retry_after": "seconds before a camera that is gone is tried again",
    "camera.stuck_after": "seconds inside one call of the driver that gets nowhere, then the camera's "
    "process is replaced",
    "camera.silent_after": "seconds without a word of the camera's process once it has begun, then it is replaced",
    "pins": "BCM numbers; docs/hardware.md",
    "pins.relay": 'the turnstile\'s "open" input',
    "pins.passage": "the turnstile's passage contact",
    "pins.fire_release": "a contact of the alarm panel: seen, never driven",
    "pins.tamper": "the switch under the lid",
    "pins.green": "lamps",
    "pins.unwired": 'what the venue has not, by name: "tamper", "buzzer", ...; not relay or passage',
    "pins.active_low": "outputs that are on when the pin is low",
    "pins.pull_down": "inputs whose contact goes to 3.3 V and not to ground",
    "pins.normally_closed": "inputs whose contact is closed at rest: a cut cable is then an alarm. Best for "
    "fire and tamper",
    "pins.pulse_ms": "50 to 5000",
    "pins.gap_ms": "silence between two pulses",
    "pins.debounce_ms": "how long a contact must hold to be believed",
    "pins.passage_window_s": "as set at the turnstile",
    "pins.stuck_s": "a passage contact that stays closed for so long closes the gate",
    "mock": 'for `pins = "mock"` in place of the table [pins]: a gate without GPIO',
    "mock.passage_s": "seconds until somebody passes; below 0 nobody does",
    "node.url": '"" = the address that the gate was enrolled with',
    "node.ca": "a certificate file, for https with a certificate of your own",
    "trust": "whose word about the log counts beside its own: docs/witness.md",
    "trust.witnesses": 'verifier keys of other organisations\' witnesses, "name+id+key"',
    "trust.quorum": "how many of them must have cosigned what this gate is shown; 0 = none",
    "peers": "the gates of a group tell each other whom they admit, so that it stays one without the node",
    "peers.host": 'where this gate listens to the others; "127.0.0.1" lets none connect, and it still connects to them',
    "peers.port": "the same in the firewall",
    "peers.addresses": '"R2=10.8.0.22:8442" by gate or device: only where the ledger node sees another '
    "address than the gates",
    "kiosk": "the page for staff",
    "kiosk.host": "another address lets the network look at the staff's page; it has no password",
}
"""By dotted key; a table has words too. What its name says needs none."""


def defaults() -> dict[str, Any]:
    """Dotted key -> default, in the order of the file."""
    found: dict[str, Any] = {}
    for name, value in _named(Settings()):
        if is_dataclass(value):
            found |= {f"{name}.{key}": inner for key, inner in _named(value)}
        else:
            found[name] = value
    return found


def sample() -> str:
    """The file."""
    lines, table = [_HEAD], ""
    for key, value in defaults().items():
        head, _, name = key.rpartition(".")
        if head != table:
            lines += ["", _line(f"[{head}]", WORDS.get(head, ""))]
            table = head
        lines.append(_line(f"{name} = {_toml(value)}", WORDS.get(key, "")))
    return "\n".join(lines) + "\n"


def _named(settings: Any) -> Iterator[tuple[str, Any]]:
    return ((item.name, getattr(settings, item.name)) for item in fields(settings))


def _line(text: str, words: str) -> str:
    return f"{text:<{_COLUMN - 1}} # {words}" if words else text


def _toml(value: Any) -> str:
    """These kinds of value are written in TOML as in JSON."""
    return json.dumps(list(value) if isinstance(value, tuple) else value)
