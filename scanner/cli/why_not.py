"""A gate that cannot start says so with its lamps before it ends; systemd starts it again (docs/gate-staff.md)."""

import time
from collections.abc import Callable
from threading import Event

import structlog

from scanner.cli.settings import Settings
from scanner.errors import GateError
from scanner.hw.beacon import Beacon
from scanner.hw.gpio import Factory, open_gpio
from scanner.identity import Identities, NotEnrolledError

# Below TimeoutStartSec= of the unit, which counts until the gate is ready.
NOT_ENROLLED_S = 150.0
# What failed may be over soon (a disk, a pin): the next try must not wait long.
FAILED_S = 8.0

log = structlog.get_logger("gate")


def signal_why(
    settings: Settings, error: GateError, ending: Event, open_factory: Callable[[], Factory] = open_gpio
) -> None:
    """Light the lamps that tell `error`, for a while: a gate that is not enrolled, until it is. Returns at once where
    there are no lamps or another program has them, and when `ending` is set.
    """
    log.error("not started", problem=str(error))
    if settings.pins == "mock":
        return
    enrolling = isinstance(error, NotEnrolledError)
    until = time.monotonic() + (NOT_ENROLLED_S if enrolling else FAILED_S)

    def over(seconds: float) -> bool:
        return ending.wait(seconds) or time.monotonic() >= until or (enrolling and _enrolled(settings))

    try:
        beacon = Beacon(settings.pins, open_factory())
    except GateError as fault:
        log.warning("no lamps", problem=str(fault))
        return
    try:
        beacon.play("not-enrolled" if enrolling else "failed", over)
    except GateError as fault:
        log.warning("no lamps", problem=str(fault))
    finally:
        beacon.close()


def _enrolled(settings: Settings) -> bool:
    try:
        Identities(settings.state_folder).enrolled()
    except NotEnrolledError:
        return False
    except GateError:
        return True
    return True
