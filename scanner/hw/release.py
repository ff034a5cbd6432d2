"""Release the relay of a gate whose program is gone: systemd's ExecStopPost runs this. It does nothing else."""

from collections.abc import Callable

from scanner.errors import HardwareError
from scanner.hw.gpio import Board, Factory, open_gpio
from scanner.hw.pins import PinConfig


def release_relay(config: PinConfig, open_factory: Callable[[], Factory] = open_gpio) -> str:
    """Claim the relay pin, drive it to rest, free it; returns one sentence that says what was done. Never raises.

    The outcome is a sentence and not an error because nothing can follow: the program has ended, and a stop that
    fails would keep systemd from starting it again.
    """
    try:
        Board(config, open_factory(), names=("relay",)).close()
    except HardwareError as fault:
        return f"the relay was not touched: {fault}"
    return f"the relay on GPIO{config.relay} is released"
