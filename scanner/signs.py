"""The words for what lamps and buzzer say. Apart from the ports, so that a program without a gate may light a lamp."""

from typing import Literal

Lamp = Literal["off", "ready", "green", "amber", "red", "fault", "busy", "not-enrolled", "no-list", "failed"]
"""busy: installing or starting; no-list: no ticket list yet; failed: cannot start or be installed."""

Sound = Literal["none", "admit", "amber", "refuse", "fault"]
