"""What SQLite asks of the disk, written down: a VFS over its own that tells each write, sync, truncation and deletion.

The unmodified SQLite of this Python is under test: the VFS calls SQLite's own one, with three of its functions wrapped.
What is told can be counted (disk_use.py), or replayed up to a power cut (power_cut.py).
"""

import _sqlite3
import ctypes
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

_NAME = b"recorded"
_OK, _DIRECTORY_SYNCED = 0, 0x00080000 | 0x00000800
"""The second: SQLITE_OPEN_WAL and SQLITE_OPEN_MAIN_JOURNAL. A new one is synced together with its folder."""
_POINTER, _INT, _INT64 = ctypes.c_void_p, ctypes.c_int, ctypes.c_int64
_Open = ctypes.CFUNCTYPE(_INT, _POINTER, _POINTER, _POINTER, _INT, _POINTER)
_Delete = ctypes.CFUNCTYPE(_INT, _POINTER, ctypes.c_char_p, _INT)
_Write = ctypes.CFUNCTYPE(_INT, _POINTER, _POINTER, _INT, _INT64)
_Truncate = ctypes.CFUNCTYPE(_INT, _POINTER, _INT64)
_Sync = ctypes.CFUNCTYPE(_INT, _POINTER, _INT)


class _Vfs(ctypes.Structure):
    _fields_ = (
        ("version", _INT),
        ("file_size", _INT),
        ("most_path", _INT),
        ("next", _POINTER),
        ("name", ctypes.c_char_p),
        ("data", _POINTER),
        ("open", _Open),
        ("delete", _Delete),
        ("others", _POINTER * 14),
    )


class _Methods(ctypes.Structure):
    _fields_ = (
        ("version", _INT),
        ("close", _POINTER),
        ("read", _POINTER),
        ("write", _Write),
        ("truncate", _Truncate),
        ("sync", _Sync),
        ("others", _POINTER * 13),
    )


class Act(NamedTuple):
    """One thing that was asked of a file. `what`: open, create, write, truncate, sync, delete. `folder`: the file's
    folder is synced with it.
    """

    what: str
    path: str
    offset: int = 0
    data: bytes = b""
    folder: bool = False


Hear = Callable[[Act], None]


class _Recorder:
    """Keeps alive what SQLite points to; never given back, as SQLite may still call it."""

    def __init__(self, library: Any) -> None:
        library.sqlite3_vfs_find.restype = ctypes.POINTER(_Vfs)
        self._library = library
        self._real = library.sqlite3_vfs_find(None)
        self._files: dict[int, tuple[str, bool]] = {}
        self._methods: dict[int, tuple[_Methods, _Methods]] = {}
        self.hear: Hear | None = None
        self.vfs = _Vfs()
        ctypes.memmove(ctypes.byref(self.vfs), self._real, ctypes.sizeof(_Vfs))
        self._name = ctypes.c_char_p(_NAME)
        self.vfs.name = self._name
        self._open, self._delete = _Open(self.opening), _Delete(self.deleting)
        self.vfs.open, self.vfs.delete = self._open, self._delete
        self._write, self._truncate, self._sync = _Write(self.writing), _Truncate(self.truncating), _Sync(self.syncing)

    def default(self, *, ours: bool) -> None:
        chosen = ctypes.byref(self.vfs) if ours else self._real
        assert self._library.sqlite3_vfs_register(chosen, 1) == _OK

    def opening(self, _vfs: int, name: int, file: int, flags: int, out: int) -> int:
        path = ctypes.string_at(name).decode() if name else ""
        there = bool(path) and Path(path).exists()
        code: int = self._real.contents.open(ctypes.cast(self._real, _POINTER), name, file, flags, out)
        if code == _OK and path:
            self._files[file] = path, not there and bool(flags & _DIRECTORY_SYNCED)
            self._wrap(file)
            self._tell(Act("open" if there else "create", path, data=Path(path).read_bytes() if there else b""))
        return code

    def deleting(self, _vfs: int, name: bytes, synced: int) -> int:
        code: int = self._real.contents.delete(ctypes.cast(self._real, _POINTER), name, synced)
        if code == _OK:
            self._tell(Act("delete", name.decode(), folder=bool(synced)))
        return code

    def writing(self, file: int, data: int, size: int, offset: int) -> int:
        code: int = self._own(file).write(file, data, size, offset)
        if code == _OK:
            self._tell(Act("write", self._files[file][0], offset, ctypes.string_at(data, size)))
        return code

    def truncating(self, file: int, size: int) -> int:
        code: int = self._own(file).truncate(file, size)
        if code == _OK:
            self._tell(Act("truncate", self._files[file][0], size))
        return code

    def syncing(self, file: int, flags: int) -> int:
        code: int = self._own(file).sync(file, flags)
        if code == _OK:
            path, folder = self._files[file]
            self._files[file] = path, False
            self._tell(Act("sync", path, folder=folder))
        return code

    def _own(self, file: int) -> _Methods:
        wrapped = ctypes.cast(file, ctypes.POINTER(_POINTER))[0]
        assert wrapped is not None
        return self._methods[wrapped][1]

    def _wrap(self, file: int) -> None:
        place = ctypes.cast(file, ctypes.POINTER(_POINTER))
        own = ctypes.cast(place[0], ctypes.POINTER(_Methods)).contents
        for address, (_, known) in self._methods.items():
            if ctypes.addressof(known) == ctypes.addressof(own):
                place[0] = address
                return
        ours = _Methods()
        ctypes.memmove(ctypes.byref(ours), ctypes.byref(own), ctypes.sizeof(_Methods))
        ours.write, ours.truncate, ours.sync = self._write, self._truncate, self._sync
        self._methods[ctypes.addressof(ours)] = ours, own
        place[0] = ctypes.addressof(ours)

    def _tell(self, act: Act) -> None:
        if self.hear is not None:
            self.hear(act)


_made: list[_Recorder] = []


@contextmanager
def recorded(hear: Hear) -> Iterator[None]:
    """Tell `hear` what every database that is opened in the block asks of the disk, until the block ends."""
    if not _made:
        # The library that Python's own module is bound to, and no other copy of it.
        _made.append(_Recorder(ctypes.CDLL(_sqlite3.__file__)))
    recorder = _made[0]
    assert recorder.hear is None, "one recording at a time"
    recorder.hear = hear
    recorder.default(ours=True)
    try:
        yield
    finally:
        recorder.default(ours=False)
        recorder.hear = None


@contextmanager
def own_calls(hear: Hear) -> Iterator[None]:
    """Tell `hear` of each os.fsync, os.fdatasync and os.pwrite of this program, too."""
    kept = os.fsync, os.fdatasync, os.pwrite

    def path_of(handle: int) -> str:
        return str(Path(f"/proc/self/fd/{handle}").readlink())

    def telling(sync: Callable[[int], None]) -> Callable[[int], None]:
        def told(handle: int) -> None:
            sync(handle)
            hear(Act("sync", path_of(handle)))

        return told

    def pwrite(handle: int, data: bytes, offset: int) -> int:
        written = kept[2](handle, data, offset)
        hear(Act("write", path_of(handle), offset, data))
        return written

    os.fsync, os.fdatasync, os.pwrite = telling(kept[0]), telling(kept[1]), pwrite  # type: ignore[assignment]
    try:
        yield
    finally:
        os.fsync, os.fdatasync, os.pwrite = kept  # type: ignore[assignment]
