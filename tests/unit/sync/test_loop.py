"""A side of the sync survives whatever its step meets, and says so."""

import queue
import threading

import pytest

from scanner.errors import JournalError, SyncError
from scanner.sync.backoff import Backoff
from scanner.sync.faults import AlarmError, RevokedError
from scanner.sync.loop import Loop, Turn
from scanner.sync.status import Board, SyncStatus


class Script:
    """A side whose steps are played from a list; each is a Turn or an exception. Afterwards it rests."""

    side = "up"

    def __init__(self, *steps):
        self._steps = iter(steps)
        self.taken = threading.Semaphore(0)

    def step(self):
        self.taken.release()
        step = next(self._steps, Turn(exchanged=False, rest=60))
        if isinstance(step, Exception):
            raise step
        return step


class Bench:
    def __init__(self, *steps):
        self.news: queue.Queue[SyncStatus] = queue.Queue()
        self.waiting = 3
        self.board = Board(self.queue_length, lambda: 40, self.news.put, lambda: 17.0)
        self.script = Script(*steps)
        self.loop = Loop(self.script, self.board, lambda: 0.5, Backoff(0.001, 0.002), slowly=0.002)

    def queue_length(self):
        if isinstance(self.waiting, Exception):
            raise self.waiting
        return self.waiting

    def __enter__(self):
        self.loop.start()
        return self

    def __exit__(self, *_):
        self.loop.stop()
        assert self.loop.join(5)

    def hear(self):
        return self.news.get(timeout=5)


GOOD = Turn(exchanged=True)


def test_success_is_online():
    with Bench(GOOD) as bench:
        assert bench.hear() == SyncStatus(online=True, last_success=17.0, queue=3, view_size=40)


@pytest.mark.parametrize("error", [SyncError("no network"), JournalError("disk full")])
def test_failure_is_said_retried_and_forgotten_after_a_success(error):
    with Bench(error, GOOD) as bench:
        failed = bench.hear()
        assert (failed.online, failed.last_error, failed.alarm) == (False, str(error), "")
        recovered = bench.hear()
        assert (recovered.online, recovered.last_error) == (True, "")


def test_alarm_stands_until_a_success_although_other_errors_come_between():
    alarm = AlarmError("the log went back from 812 to 400")
    with Bench(alarm, SyncError("no network"), GOOD) as bench:
        assert [bench.hear().alarm for _ in range(3)] == [str(alarm), str(alarm), ""]


def test_revoked_is_for_good():
    with Bench(RevokedError("this device was revoked"), GOOD) as bench:
        assert [bench.hear().revoked for _ in range(2)] == [True, True]


def test_fault_of_the_program_does_not_end_the_thread():
    with Bench(ZeroDivisionError("ours"), GOOD) as bench:
        assert "please report it: ZeroDivisionError('ours')" in bench.hear().last_error
        assert bench.hear().online


def test_listener_that_fails_does_not_end_the_thread():
    bench = Bench(GOOD, GOOD)
    heard = []

    def publish(status):
        heard.append(status)
        if len(heard) == 1:
            raise ZeroDivisionError("theirs")
        bench.news.put(status)

    bench.board._publish = publish
    with bench:
        assert bench.hear().online


def test_idle_ends_an_error_that_mended_itself():
    with Bench(JournalError("disk"), Turn(exchanged=False, rest=60)) as bench:
        assert bench.hear().last_error == "disk"
        assert bench.hear().last_error == ""


def test_wake_ends_a_rest():
    with Bench() as bench:
        assert bench.script.taken.acquire(timeout=5)
        bench.loop.wake()
        assert bench.script.taken.acquire(timeout=5)


def test_journal_that_cannot_be_counted_never_looks_empty():
    bench = Bench()
    bench.board.good("up")
    assert bench.hear().queue == 3
    bench.waiting = JournalError("disk")
    bench.board.revoked("down", "revoked")
    told = bench.hear()
    assert told.queue == 3
    assert "disk" in told.last_error


def test_one_side_that_cannot_reach_the_node_is_offline():
    bench = Bench()
    bench.board.good("down")
    bench.board.bad("up", "no network", no_network=True)
    assert bench.board.status().no_network
    assert [bench.hear().online for _ in range(2)] == [True, False]


def test_loop_that_never_began_ends_at_once():
    bench = Bench()
    bench.loop.stop()
    assert bench.loop.join(0)
