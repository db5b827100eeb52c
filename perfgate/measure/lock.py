"""One measurement at a time on a machine: whoever measures holds a lock that everybody on it can see, and others wait for it."""

from __future__ import annotations

import fcntl
import os
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from perfgate.core.model import Caveat
from perfgate.core.units import Unit, write_value
from perfgate.errors import OperationFailed

#: Names the lock's file, for containers of one machine that share a folder.
LOCK = "PERFGATE_LOCK"
#: Set for everything that a measured command starts: the lock it runs under. A perfgate among it must not wait for the one that waits for it.
HELD = "PERFGATE_MEASURING"
#: Set to 1 where every measurement is to go on at once, as with --overlap.
OVERLAP = "PERFGATE_OVERLAP"
_NAME = "perfgate.lock"
_EVERYBODYS = 0o1777
_PAUSE = 0.1


class Alone(NamedTuple):
    """How a measurement gets its machine: it waits so many seconds for another one's end, or not at all and overlaps it; `tell` hears of it."""

    wait: float = 600.0
    overlap: bool = False
    tell: Callable[[str], None] = lambda _: None


_held: list[str] = []


def mark() -> Mapping[str, str]:
    """What the environment of a measured command says of the lock that it runs under."""
    return {HELD: _held[-1]} if _held else {}


@contextmanager
def alone(how: Alone) -> Iterator[tuple[Caveat, ...]]:
    """Hold the machine's lock; what must be said of the measurement where it could not be had.

    Free at once for whoever runs inside a measurement that holds it, this process or one above it. The system lets go of it however the
    holder ends. Raises OperationFailed where another one measures for longer than `how.wait`.
    """
    path = lock_file()
    if path in _held or os.environ.get(HELD) == path:
        yield ()
        return
    descriptor = _open(path)
    try:
        caveats = _unlocked(path) if descriptor is None else _taken(descriptor, how)
        _held.append(path)
        try:
            yield caveats
        finally:
            _held.pop()
    finally:
        if descriptor is not None:
            os.close(descriptor)


def lock_file() -> str:
    """The file that is locked: the same for every user of the machine, wherever their temporary files are."""
    if given := os.environ.get(LOCK, ""):
        return str(Path(given).absolute())
    for folder in ("/run/lock", "/tmp"):  # noqa: S108 - TMPDIR is one user's, or one job's
        try:
            # The folder's own rights decide, not this user's: every user must come to the same answer.
            if stat.S_IMODE(os.stat(folder).st_mode) & _EVERYBODYS == _EVERYBODYS:  # noqa: PTH116
                return f"{folder}/{_NAME}"
        except OSError:
            continue
    return f"/tmp/{_NAME}"  # noqa: S108


def _open(path: str) -> int | None:
    """The lock's file, open; made where it is not there, readable by all and writable by nobody. None where it cannot be had.

    Reading is enough to lock a file, so that it does not matter who made it. A link or a pipe that somebody put there is not followed
    or waited for.
    """
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    for _ in range(3):
        try:
            descriptor = os.open(path, flags)
        except FileNotFoundError:
            try:
                descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o444)
                # The umask may have taken the others' right to read it.
                os.fchmod(descriptor, 0o444)
            except FileExistsError:
                continue
            except OSError:
                return None
        except OSError:
            return None
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            return descriptor
        os.close(descriptor)
        return None
    return None


def _unlocked(path: str) -> tuple[Caveat, ...]:
    message = f"the lock that keeps measurements on one machine apart cannot be had ({path}), so another one may have run at the same time"
    return (Caveat("no lock", message, f"name a file that can be made: {LOCK}=FILE"),)


def _taken(descriptor: int, how: Alone) -> tuple[Caveat, ...]:
    began = time.monotonic()
    told = False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if how.overlap or os.environ.get(OVERLAP) == "1":
                message = "another measurement ran on this machine at the same time"
                return (Caveat("overlap", message, "leave --overlap out: then one waits for the other"),)
        except OSError as error:
            return (
                Caveat(
                    "no lock",
                    f"the file system knows no locks ({error.strerror}), so another measurement may have run at the same time",
                ),
            )
        else:
            return ()
        if time.monotonic() - began >= how.wait:
            raise OperationFailed(
                f"another measurement on this machine did not end within {write_value(how.wait, Unit('s'))}",
                remedy="wait longer (--wait 1 h), or measure at the same time and let it be said (--overlap, PERFGATE_OVERLAP=1)",
            )
        if not told:
            told = True
            how.tell(f"waiting for another measurement on this machine: at most {write_value(how.wait, Unit('s'))}")
        time.sleep(_PAUSE)
