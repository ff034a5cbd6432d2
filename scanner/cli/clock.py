"""`gate-scanner clock`: what the running gate makes of its clocks, and how a person sets it right.

The running gate alone moves its time. It is asked through a file in its state folder, and answers in its status.
"""

import json
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scanner.cli.settings import load
from scanner.cli.status import STALE_S, read_status
from scanner.clock_status import ClockAsked
from scanner.errors import GateError
from scanner.event_zone import in_words

FILE = "clock-reset.json"
ANSWER_S = 15.0


class ClockDesk:
    """Where the gate finds what a person asked; at most one thing at a time."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE

    def asked(self) -> ClockAsked | None:
        """What is asked, or None. One that cannot be read is thrown away."""
        try:
            number, source = json.loads(self._path.read_text())
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError):
            self.done()
            return None
        return ClockAsked(str(number), str(source))

    def done(self) -> None:
        """It was answered."""
        self._path.unlink(missing_ok=True)


def show(config: Path | None, *, as_json: bool) -> Iterator[str]:
    """Each source with its interval, beside the agreed time. Raises GateError if no gate runs here."""
    clock = _clock(config)
    if as_json:
        yield json.dumps(clock, ensure_ascii=False, indent=1)
        return
    yield f"time     {in_words(clock['unix'], clock['zone'])}  +-{clock['error_s']:.1f} s, {_rests_on(clock)}"
    yield f"floor    {in_words(clock['floor'], clock['zone']) if clock['floor'] else 'none yet'}"
    for source in clock["sources"]:
        low, high = source["low"] - clock["unix"], source["high"] - clock["unix"]
        said = f"{low:+.1f} s to {high:+.1f} s beside it, said {source['age_s']:.0f} s ago"
        yield f"{source['source']:<8} {said}{'  FALSE TICKER: not followed' if source['false_ticker'] else ''}"
    if not clock["sources"]:
        yield "sources  none was heard for a minute"


def proposal(config: Path | None, source: str) -> str:
    """What a reset would begin with, for people to confirm. Raises GateError if there is no such word."""
    clock = _clock(config)
    heard = {one["source"]: one for one in clock["sources"]}
    if source and source not in heard:
        raise GateError(f"{source!r} is not heard now; heard are: {', '.join(sorted(heard)) or 'none'}")
    if not heard:
        raise GateError("no source is heard now: connect to the node, to other gates or to NTP")
    if not source:
        return f"Set this gate's time to what most of {', '.join(sorted(heard))} say now?"
    middle = (heard[source]["low"] + heard[source]["high"]) / 2
    return f"Set this gate's time to what {source} says now, {middle - clock['unix']:+.1f} s from here?"


def reset(config: Path | None, source: str) -> str:
    """What came of it. Raises GateError if the gate refused, or does not answer."""
    settings = load(config)
    number, path = secrets.token_hex(8), settings.state_folder / FILE
    beside = path.with_suffix(".new")
    try:
        beside.write_text(json.dumps([number, source]))
        beside.replace(path)
    except OSError as error:
        raise GateError(f"the gate cannot be asked ({path}: {error.strerror})") from error
    end = time.monotonic() + ANSWER_S
    while time.monotonic() < end:
        answered = _clock(config)["answered"]
        if answered and answered[0] == number:
            if answered[1]:
                raise GateError(str(answered[1]))
            return "done, and in the journal as clock-reset"
        time.sleep(0.1)
    path.unlink(missing_ok=True)
    raise GateError("the gate did not answer: does it run? gate-scanner status")


def _clock(config: Path | None) -> dict[str, Any]:
    found, age = read_status(load(config))
    if age > STALE_S:
        raise GateError(f"the gate has said nothing for {age:.0f} s: systemctl start gate-scanner")
    clock: dict[str, Any] = found["clock"]
    return {
        **clock,
        "unix": found["unix"],
        "zone": found["zone"],
        "trusted": found["clock_trusted"],
        "alarm": found["clock_alarm"],
    }


def _rests_on(clock: dict[str, Any]) -> str:
    trust = "trusted" if clock["trusted"] else "not trusted"
    if clock["source"] == "none":
        return f"{trust}: this machine's own clock, because no source has spoken"
    return (
        f"{trust}: agreed on by several sources"
        if clock["source"] == "agreed"
        else f"{trust}: by {clock['source']} alone"
    )
