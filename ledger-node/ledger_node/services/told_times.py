"""Times as people read them, in letters and sentences: in the zone of the event that they are about. No clock here."""

from datetime import datetime
from zoneinfo import ZoneInfo

from scanner.verify.zones import HONG_KONG


def when(seconds: int, zone: str = HONG_KONG) -> str:
    """Unix seconds as a date and a time of day; what is about no event is told in Hong Kong's time."""
    return datetime.fromtimestamp(seconds, ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")
