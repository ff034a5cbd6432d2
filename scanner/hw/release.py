"""Release the relay of a gate whose program is gone: systemd's ExecStopPost runs this. It does nothing else.

Every stop and every restart waits for it, and it has to work where the rest of the installation does not: so it speaks
to lgpio itself, not through gpiozero, and imports nothing else (tests/integration/test_start_up.py).
"""

import os
from collections.abc import Callable
from typing import Any

from scanner.hw.relay_pin import RelayPin

Lgpio = Any
"""The module lgpio, or what tests give in its place."""
_REVISION = "/proc/device-tree/system/linux,revision"
_PI_5 = 0x17


def release_relay(pin: RelayPin, load: Callable[[], Lgpio]) -> tuple[str, bool]:
    """Claim the relay's pin, drive it to rest, free it: a sentence that says what was done, and whether it was.

    Never raises: the program has ended, so nothing can follow but a line in the log.
    """
    doubt = f"; {pin.doubt}" if pin.doubt else ""
    try:
        lgpio = load()
        handle = lgpio.gpiochip_open(chip())
    except Exception as fault:  # noqa: BLE001 - lgpio has errors of its own, and may not be there to name them
        asked = "is this a Raspberry Pi, is lgpio installed, and is the user in the group gpio?"
        return f"the relay was not touched: cannot open the GPIO chip ({fault or type(fault).__name__}): {asked}", False
    try:
        lgpio.gpio_claim_output(handle, pin.number, int(pin.active_low))
    except Exception as fault:  # noqa: BLE001
        why = fault or type(fault).__name__
        return f"the relay was not touched: cannot claim GPIO{pin.number}: {why}{doubt}", False
    finally:
        lgpio.gpiochip_close(handle)
    return f"the relay on GPIO{pin.number} is released{doubt}", True


def chip() -> int:
    """The chip that the pins of the header are on, as gpiozero chooses it for the running gate."""
    try:
        with open(_REVISION, "rb") as file:  # noqa: PTH123 - see relay_pin
            revision = int.from_bytes(file.read(4), "big")
    except OSError:
        return 0
    return 4 if (revision & 0xFF0) >> 4 == _PI_5 and os.path.exists("/dev/gpiochip4") else 0  # noqa: PTH110
