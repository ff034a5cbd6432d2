"""The other process dies, stops or is ended at the worst moment: who waits goes on, and the program can end.

The pools of Debian 12's Python are stuck when more waits to be written than a pipe holds, and keep silent to some who
wait; what is held here is that neither can happen, whatever the Python.
"""

import os
import pickle
import signal
import subprocess
import sys
import threading
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from pathlib import Path
from typing import Any

import pytest

from ledger_node.log import precheck as module
from ledger_node.log.helper_process import PIECE_BYTES, answer, end, fits, helper, pieces
from ledger_node.log.precheck import LEAST, Precheck
from ledger_node.log.writer import Looked
from tests.fakes.box_office import code, gates
from tests.fakes.clockwork import wait_until

PIPE = 65_536
ROOT = Path(__file__).parents[3]


def records(count: int) -> list[bytes]:
    gate = gates()[0]
    return [gate.admit(code(index % 40 + 1)) for index in range(count)]


class Inline(Executor):
    """Does the work at once, and remembers how much was to be written to the other process for it."""

    def __init__(self) -> None:
        self.written: list[int] = []

    def submit(self, work: Any, /, *given: Any, **_: Any) -> Future[Any]:
        self.written.append(len(pickle.dumps((work, given))))
        done: Future[Any] = Future()
        done.set_result(work(*given))
        return done

    _processes: dict[int, Any] | None = None


class Silent(Executor):
    """A pool of an older Python whose process died: no word to who waits, and a refusal to who asks for more."""

    def submit(self, *_: object, **__: object) -> Future[Any]:  # type: ignore[override]
        raise BrokenExecutor


def test_two_pieces_of_any_batch_fit_into_a_pipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inline = Inline()
    monkeypatch.setattr(module, "helper", lambda: inline)
    batch = [*records(400), bytes(PIECE_BYTES + 1), *records(3), bytes(60_000)]
    assert sum(map(len, batch)) > 3 * PIPE
    checked = Precheck(tmp_path / "no ledger")
    looked = checked.look(batch)
    assert [one.raw if isinstance(one, Looked) else one for one in looked] == batch
    assert [isinstance(one, Looked) for one in looked] == [len(raw) < PIECE_BYTES for raw in batch]
    assert 2 * max(inline.written) < PIPE
    assert len(inline.written) > 5


def test_pieces_are_all_in_order_and_none_is_too_long_but_what_cannot_be_cut() -> None:
    raws = [bytes([n % 251]) * (n * 37 % 9_000) for n in range(300)] + [bytes(PIECE_BYTES + 5)] + [b"x"]
    cut = list(pieces(raws))
    assert [raw for piece in cut for raw in piece] == raws
    assert [piece for piece in cut if not fits(piece)] == [[bytes(PIECE_BYTES + 5)]]
    assert list(pieces([])) == []


def test_a_process_that_died_without_a_word_is_not_waited_for() -> None:
    begun: Future[bytes] = Future()
    begun.set_running_or_notify_cancel()
    with pytest.raises(BrokenExecutor):
        answer(Silent(), begun)


def test_work_that_is_late_is_not_waited_for_and_work_that_fails_says_so() -> None:
    begun: Future[bytes] = Future()
    begun.set_running_or_notify_cancel()
    with pytest.raises(TimeoutError):
        answer(Inline(), begun, 0.01)
    failed: Future[bytes] = Future()
    failed.set_exception(TimeoutError("its own"))
    with pytest.raises(TimeoutError, match="its own"):
        answer(Inline(), failed)
    taken_back: Future[bytes] = Future()
    taken_back.cancel()
    with pytest.raises(CancelledError):
        answer(Inline(), taken_back)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # Python before 3.11.6
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_an_upload_of_many_pieces_goes_on_when_the_process_is_killed_or_stopped(
    tmp_path: Path, number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With all that was sent before still in the pipe, and none to read it."""
    monkeypatch.setattr(module, "PATIENCE_S", 2.0)
    batch, checked = records(400), Precheck(tmp_path / "no ledger")
    wait_until(lambda: isinstance(checked.look(batch)[0], Looked), "the other process answers", 60)
    pool = checked._pool
    assert pool is not None
    (process,) = pool._processes.values()
    os.kill(process.pid, number)
    assert checked.look(batch) is batch
    wait_until(lambda: not process.is_alive(), "it is gone", 30)
    checked.close()


def test_the_end_does_not_wait_for_a_process_that_stands_still(tmp_path: Path) -> None:
    """A node that stops ends, whatever its helper does; the pool's own end would wait for it for ever."""
    script = f"""
import os, signal, sys, time
from pathlib import Path
from ledger_node.log.helper_process import end, helper
from ledger_node.log.looks import look
if __name__ == "__main__":
    pool = helper()
    pool.submit(look, []).result()
    (process,) = pool._processes.values()
    os.kill(process.pid, signal.SIGSTOP)
    futures = [pool.submit(look, [bytes({PIECE_BYTES})]) for _ in range(8)]
    end(pool)
    end(pool)
    print("ended")
"""
    path = tmp_path / "ends.py"
    path.write_text(script)
    python = os.pathsep.join([str(ROOT), str(ROOT / "ledger-node")])
    done = subprocess.run(
        [sys.executable, path], env={**os.environ, "PYTHONPATH": python}, capture_output=True, text=True, timeout=100,
        check=True,
    )  # fmt: skip
    assert done.stdout == "ended\n"


def test_who_waits_while_it_is_ended_goes_on_unlooked_at(tmp_path: Path) -> None:
    batch, checked = records(LEAST * 4), Precheck(tmp_path / "no ledger")
    wait_until(lambda: isinstance(checked.look(batch)[0], Looked), "the other process answers", 60)
    (process,) = checked._pool._processes.values()  # type: ignore[union-attr]
    os.kill(process.pid, signal.SIGSTOP)
    given: list[object] = []
    waits = threading.Thread(target=lambda: given.append(checked.look(batch)))
    waits.start()
    wait_until(lambda: bool(checked._pool and checked._pool._pending_work_items), "it waits", 30)
    checked.close()
    waits.join(30)
    assert given == [batch]
    assert checked.look(batch) is batch


def test_a_pool_that_is_not_needed_is_ended_twice_without_harm() -> None:
    pool = helper()
    end(pool)
    end(pool)
