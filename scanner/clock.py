"""Trusted time: what the majority of clocks shares, carried by the monotonic clock from then on.

Sources are NTP's discipline of the wall clock, the ledger node's signed time, other gates' signed times and the clock
chip; each is an interval that grows while nothing confirms it. **No single voice moves the time by more than its error
bound**: what was agreed on is a voice itself, and only two or more that are not each other's echo move it. One that
stands alone is a false ticker, which people are told of. Time never runs below the floor, which follows agreed time and
is never ahead of it. Reading the clocks is the shell's work (`scanner.system_clock`); nothing here does.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from scanner.clock_status import ClockSource
from scanner.kept_time import DRIFT, NOTHING_KEPT, SETTLE_S, SETTLED, Held, Kept
from scanner.time_vote import Elected, Voice, beside, elect, roots_of

TRUST_LIMIT_S = 5.0
"""Half a time step: with a larger error the window of -3..+2 steps no longer means what it says."""
VOICE_ERROR_S = 0.5
"""Added to what each source says: a clock that NTP steers by slewing runs so far beside ours without being wrong."""
RTC_ERROR_S = 900.0
"""A clock chip is set seldom: it says in which quarter of an hour we are, and finds out who is hours off."""
LIVE_S = 60.0
"""Seconds after which what a source said no longer counts."""
TELL_AGAIN_S = 600.0
"""Seconds between two records of one source that is not followed: it may change its mind with each answer."""
EARLIEST = 1_735_689_600.0
"""2025: a clock chip that says less has lost its battery."""
NTP, RTC, NODE, HELD, FLOOR = "ntp", "rtc", "node", "this gate", "the floor"


@dataclass(frozen=True, slots=True)
class ClockReading:
    """Unix seconds, whether to trust them, and how far off they may be. `root` names the one voice on which they rest
    alone; "" = they rest on several, or on none.
    """

    seconds: float
    trusted: bool
    error_s: float
    source: str
    root: str = ""


@dataclass(frozen=True, slots=True)
class TimeSample:
    """A signed time, and the monotonic seconds at which we asked and were answered. `error_s` is the teller's own error
    bound; `root`: the one voice on which its time rests, "" = it rests on several. `teller` is the name by which others
    tell of it as a root, "" = `source`.
    """

    node_ms: int
    sent: float
    received: float
    source: str = NODE
    error_s: float = 0.0
    root: str = ""
    teller: str = ""


@dataclass(frozen=True, slots=True)
class ClockNews:
    """What people should hear of once: a source that is not followed, or a move of the time."""

    kind: str
    source: str
    seconds: float


@dataclass(frozen=True, slots=True)
class _Said:
    source: str
    teller: str
    root: str
    unix: float
    monotonic: float
    error_s: float

    def at(self, monotonic: float) -> Voice:
        elapsed = monotonic - self.monotonic
        error = self.error_s + abs(elapsed) * DRIFT
        return Voice(self.source, self.unix + elapsed - error, self.unix + elapsed + error, self.root)


class TrustedClock:
    """See the module. `wall` and `monotonic` are clocks; `ntp` gives the error bound of a wall clock that NTP holds,
    else None; `rtc` the clock chip's unix seconds, else None. `kept` is what was kept of an earlier run, `boot` which
    start of the machine this is, and `me` this device.
    """

    def __init__(
        self,
        wall: Callable[[], float],
        monotonic: Callable[[], float],
        ntp: Callable[[], float | None],
        kept: Kept = NOTHING_KEPT,
        *,
        rtc: Callable[[], float | None] = lambda: None,
        boot: str = "",
        me: str = "",
    ) -> None:
        self._wall, self._monotonic, self._ntp, self._rtc = wall, monotonic, ntp, rtc
        self._boot, self._me = boot, me
        self._lock = threading.Lock()
        self._said: dict[str, _Said] = {}
        self._kept = kept
        self._held: Held | None = kept.held if kept.held and boot and kept.held.boot == boot else None
        self._false: dict[str, float] = {}
        self._split: tuple[str, ...] = ()
        self._doubted: _Said | None = None
        self._news: list[ClockNews] = []
        self._told: dict[str, float] = {}
        self.discipline()

    def now(self) -> ClockReading:
        """The time. Untrusted, and no more than the wall clock, until a source has spoken."""
        with self._lock:
            return self._read()

    def observe(self, sample: TimeSample) -> None:
        """Hear what the node or another gate says of the time. One that repeats our own word is not heard."""
        if sample.root and sample.root == self._me:
            return
        half = (sample.received - sample.sent) / 2
        error = half + VOICE_ERROR_S + sample.error_s
        teller = sample.teller or sample.source
        root = sample.root or teller
        with self._lock:
            said = _Said(sample.source, teller, root, sample.node_ms / 1000 + half, sample.received, error)
            self._said[sample.source] = said
            self._settle(said)

    def discipline(self) -> None:
        """Hear this machine's own clocks; call about once a second."""
        bound, chip = self._ntp(), self._rtc()
        with self._lock:
            now = self._monotonic()
            self._note(NTP, None if bound is None else _Said(NTP, NTP, NTP, self._wall(), now, VOICE_ERROR_S + bound))
            # NTP sets the chip, too: while it holds the clock, both are one voice.
            usable = bound is None and chip is not None and chip > EARLIEST
            self._note(RTC, _Said(RTC, RTC, RTC, chip or 0.0, now, RTC_ERROR_S) if usable else None)
            self._settle(self._said.get(NTP) or self._said.get(RTC))

    def proposed(self, source: str = "") -> float | None:
        """By how many seconds `reset` would move the time; None: there is no such word."""
        with self._lock:
            elected = self._word_of(source)
            return (elected.low + elected.high) / 2 - self._read().seconds if elected else None

    def reset(self, source: str = "") -> ClockReading | None:
        """Forget what was agreed on, and begin with what `source` says now, or what most do ("" = most). None, with
        everything as it was, if there is no such word. A person must have asked for it.
        """
        with self._lock:
            elected = self._word_of(source)
            if elected is None:
                return None
            self._doubted = None
            self._hold(elected, firm=True)
            self._kept = replace(self._kept, floor=elected.low, proven=True)
            self._judge(self._voices())
            return self._read()

    def kept(self) -> Kept:
        """What is to be kept on disk: the floor, and what carries the agreed time over a restart of the program."""
        with self._lock:
            return replace(self._kept, held=self._held)

    def floor(self) -> float:
        """Unix seconds that agreed time has passed for certain."""
        return self._kept.floor

    def heard(self) -> tuple[ClockSource, ...]:
        """Each source as it stands now, for people."""
        with self._lock:
            now, voices = self._monotonic(), self._voices()
            return tuple(
                ClockSource(v.source, v.low, v.high, now - self._said[v.source].monotonic, v.source in self._false)
                for v in voices
            )

    def alarm(self) -> str:
        """A disagreement between clocks that people should look at, or ""."""
        with self._lock:
            if self._split:
                return (
                    f"{' and '.join(self._split)} disagree on the time, and none is followed: see `gate-scanner clock`"
                )
            return "; ".join(
                f"{source} is at least {abs(off):.1f} s {'ahead of' if off > 0 else 'behind'} the agreed time"
                " and is not followed"
                for source, off in sorted(self._false.items())
            )

    def news(self) -> list[ClockNews]:
        """What happened since this was last asked, oldest first."""
        with self._lock:
            news, self._news = self._news, []
            return news

    # Inside: the lock is held

    def _word_of(self, source: str) -> Elected | None:
        return elect([voice for voice in self._voices() if source in {"", voice.source}])

    def _read(self) -> ClockReading:
        if self._held is None:
            seconds = max(self._wall(), self._kept.floor)
            return ClockReading(seconds, trusted=False, error_s=86_400.0, source="none")
        low, high = self._held.at(self._monotonic())
        seconds, root = max((low + high) / 2, self._kept.floor), self._held.root
        error = max(seconds - low, high - seconds)
        return ClockReading(seconds, error <= TRUST_LIMIT_S, error, root or "agreed", root)

    def _note(self, source: str, said: _Said | None) -> None:
        if said:
            self._said[source] = said
        else:
            self._said.pop(source, None)

    def _voices(self) -> list[Voice]:
        now = self._monotonic()
        self._said = {source: said for source, said in self._said.items() if now - said.monotonic <= LIVE_S}
        return [said.at(now) for said in self._said.values()]

    def _settle(self, fresh: _Said | None) -> None:
        voices = self._voices()
        if self._held is not None and fresh is not None and self._takes_back(fresh):
            self._held, self._doubted = None, fresh
        elif self._held is None:
            self._found(voices, fresh)
        else:
            self._follow(self._held, voices, fresh)
        self._judge(voices)
        if self._held is not None and self._held.settled:
            low, _ = self._held.at(self._monotonic())
            if low > self._kept.floor or not self._kept.proven:
                self._kept = replace(self._kept, floor=low, proven=True)

    def _takes_back(self, fresh: _Said) -> bool:
        """Whether the one voice on which our time rests says another time before it has said the first often enough."""
        held = self._held
        assert held is not None
        return not held.settled and held.root == fresh.teller and not self._as_voice(held).shares(self._at_now(fresh))

    def _found(self, voices: Sequence[Voice], fresh: _Said | None) -> None:
        """Begin with what most voices share, if they are above the floor: one voice alone does not undercut it."""
        voices = _memories_apart(voices)
        above = [voice for voice in voices if voice.high >= self._kept.floor] if self._kept.proven else []
        elected = elect(voices) or elect(above)
        if elected is None:
            return
        if elected.high < self._kept.floor and self._kept.proven and len(elected.roots) < 2:
            return
        if len(elected.roots) == 1 and self._doubted is not None and not self._says_it_again(fresh):
            self._doubted = fresh or self._doubted
            return
        self._doubted = None
        if elected.high < self._kept.floor:
            self._kept = replace(self._kept, floor=elected.low)
        self._hold(elected, firm=False)

    def _says_it_again(self, fresh: _Said | None) -> bool:
        before = self._doubted
        if before is None or fresh is None or before is fresh or before.root != fresh.root:
            return False
        return self._at_now(before).shares(self._at_now(fresh))

    def _follow(self, held: Held, voices: Sequence[Voice], fresh: _Said | None) -> None:
        ours = self._as_voice(held)
        elected = elect([ours, *voices])
        if elected is not None and ours not in elected.voices:
            # At least two of them: what is held is a voice that these outnumber.
            away = (elected.low + elected.high) / 2 - self._read().seconds
            self._tell(ClockNews("clock-moved", ", ".join(sorted(elected.roots)), away))
            self._kept = replace(self._kept, floor=min(self._kept.floor, elected.low))
            self._hold(elected, firm=True)
            return
        if elected is None and not held.settled and any(v.source == NTP and not v.shares(ours) for v in voices):
            # NTP came up after a first word of another source: neither is trusted, and the wall clock is read.
            self._held = None
            return
        narrowed = beside(ours, voices)
        # Whose word stands against others is no further witness; within our own bound it may still be followed.
        founders = held.founders if elected is None else held.founders | (elected.roots - {HELD})
        if len(founders) > 1 and narrowed.high < self._kept.floor:
            self._kept = replace(self._kept, floor=narrowed.low)
        again = fresh is not None and fresh.teller in held.founders and self._at_now(fresh).shares(ours)
        said = min(held.said + int(again), SETTLED)
        self._held = Held(self._boot, self._monotonic(), narrowed.low, narrowed.high, founders, said, held.since)

    def _hold(self, elected: Elected, *, firm: bool) -> None:
        """Another time than before; `firm`: it is not taken back by the one who said it."""
        now = self._monotonic()
        said, since = (SETTLED, now - SETTLE_S) if firm else (1, now)
        self._held = Held(self._boot, now, elected.low, elected.high, elected.roots, said, since)

    def _judge(self, voices: Sequence[Voice]) -> None:
        """Who stands alone, now that the time is settled."""
        self._split = ()
        if self._held is None:
            self._false = {}
            below = [FLOOR] if any(voice.high < self._kept.floor for voice in voices) else []
            if len(roots_of(voices)) + len(below) > 1:
                self._split = (*sorted(voice.source for voice in voices), *below)
            return
        ours = self._as_voice(self._held)
        off = {voice.source: ahead for voice in voices if (ahead := voice.ahead_of(ours))}
        now = self._monotonic()
        for source in sorted(off.keys() - self._false.keys()):
            if now - self._told.get(source, -TELL_AGAIN_S) >= TELL_AGAIN_S:
                self._told[source] = now
                self._tell(ClockNews("clock-false-ticker", source, off[source]))
        self._false = off

    def _tell(self, news: ClockNews) -> None:
        self._news = [*self._news, news][-16:]

    def _as_voice(self, held: Held) -> Voice:
        low, high = held.at(self._monotonic())
        return Voice(HELD, low, high, held.root or HELD)

    def _at_now(self, said: _Said) -> Voice:
        return said.at(self._monotonic())


def _memories_apart(voices: Sequence[Voice]) -> list[Voice]:
    """Who remembers another word of a source than that source says now speaks for itself."""
    says = {voice.source: voice for voice in voices}

    def own(voice: Voice) -> Voice:
        origin = says.get(voice.root)
        return replace(voice, root=voice.source) if origin and not origin.shares(voice) else voice

    return [own(voice) for voice in voices]
