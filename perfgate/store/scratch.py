"""Private temporary folders that are gone afterwards, however perfgate ends: at once, or at its next start where it was killed outright."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import stat
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from perfgate.errors import OperationFailed, Stopped

PREFIX = "perfgate-"
#: Held by the process that a folder belongs to. A process id would mean another process in another container.
_LOCK = ".in-use"
_ENDING = (signal.SIGTERM, signal.SIGHUP)
_INTERRUPTING = (signal.SIGINT, *_ENDING)


@contextmanager
def folder() -> Iterator[Path]:
    """A new folder that nobody else may read; OperationFailed where none can be made.

    Within it SIGTERM and SIGHUP raise Stopped, unless perfgate was started to ignore them (nohup), and only the first signal counts.
    """
    made: Path | None = None
    lock: int | None = None
    with stoppable():
        try:
            with held_back():
                made = _make()
                lock = _locked(made)
            yield made
        finally:
            with held_back():
                if made is not None:
                    remove(made)
                if lock is not None:
                    os.close(lock)


def _make() -> Path:
    try:
        return Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-")).resolve()
    except OSError as error:
        raise OperationFailed(
            f"no folder for temporary files can be made: {error.strerror}", remedy="free some space, or set TMPDIR"
        ) from error


def _locked(made: Path) -> int | None:
    """Mark the folder as in use: None where the file system knows no locks, and then nobody will ever call it left behind."""
    # It gets its name when it is locked, so that nobody finds it free in between.
    unfinished = made / f"{_LOCK}.new"
    descriptor = os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        unfinished.rename(made / _LOCK)
    except OSError:
        os.close(descriptor)
        unfinished.unlink(missing_ok=True)
        return None
    return descriptor


def left_behind() -> list[Path]:
    """The folders of processes that are no more."""
    found = []
    try:
        with os.scandir(tempfile.gettempdir()) as entries:
            for entry in entries:
                if entry.name.startswith(PREFIX) and entry.is_dir(follow_symlinks=False) and is_free(Path(entry.path)):
                    found.append(Path(entry.path))
    except OSError:
        return found
    return found


def is_free(path: Path) -> bool:
    """Whether this is a folder of this user's perfgate that no living process holds."""
    try:
        if path.lstat().st_uid != os.getuid():
            return False
        descriptor = os.open(path / _LOCK, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def remove(path: Path) -> None:
    """Remove a folder and all that is in it, also what was made read-only, as far as the system lets us."""
    shutil.rmtree(path, ignore_errors=True)
    if not path.exists():
        return
    for name, _, _ in os.walk(path):
        _make_writable(name)
    shutil.rmtree(path, ignore_errors=True)


def _make_writable(name: str) -> None:
    try:
        os.chmod(name, os.lstat(name).st_mode | stat.S_IRWXU)  # noqa: PTH101
    except OSError:
        return


@contextmanager
def held_back() -> Iterator[None]:
    """For as long as this lasts, Ctrl-C and signals that end perfgate wait: for steps that must not be left half done."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _INTERRUPTING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def stoppable() -> Iterator[None]:
    """For as long as this lasts SIGTERM and SIGHUP raise Stopped, unless perfgate was started to ignore them, and only the first
    signal counts."""
    usual = {signal.SIGINT: signal.default_int_handler} | dict.fromkeys(_ENDING, signal.SIG_DFL)
    changed = []
    if threading.current_thread() is threading.main_thread():
        for number, handler in usual.items():
            if signal.getsignal(number) is handler:
                signal.signal(number, _stop)
                changed.append(number)
    try:
        yield
    finally:
        for number in changed:
            signal.signal(number, usual[number])


def _stop(number: int, frame: object) -> None:
    """End perfgate, once: a second signal must not cut short the cleaning that the first has begun."""
    del frame
    for each in _INTERRUPTING:
        if signal.getsignal(each) is _stop:
            signal.signal(each, _stop_no_more)
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise Stopped(number)


def _stop_no_more(number: int, frame: object) -> None:
    del number, frame
