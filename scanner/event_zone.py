"""The event's time zone, in which people are told times, whatever the machine's."""

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from scanner.verify.manifest import EventManifest
from scanner.verify.zones import HONG_KONG


def zone_known(name: str) -> bool:
    """Whether this machine knows the zone."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def zone_of(name: str) -> tzinfo:
    """The zone; UTC for one that this machine does not know, which `doctor` says."""
    return ZoneInfo(name) if zone_known(name) else UTC


def zone_in(manifest: EventManifest | None) -> str:
    """The event's zone; before anything is known of the event, that of most."""
    return manifest.zone if manifest else HONG_KONG


def in_words(unix: float, name: str) -> str:
    """Date, time of day and the zone's own short name."""
    return datetime.fromtimestamp(unix, zone_of(name)).strftime("%Y-%m-%d %H:%M:%S %Z")
