"""The file of a session's record: its own as long as it is written, a line at a time, so that a killed session leaves all but its last line."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from json.encoder import encode_basestring_ascii as quoted
from pathlib import Path

import pytest

from perfgate.recording import SCHEMA

#: How a record's first line begins; what does not is no record, and is not replaced.
_OPENING = f'{{"schema": "{SCHEMA.rpartition("/")[0]}/'.encode()
#: As many sessions at once may be told to write the same file.
_MOST_SESSIONS = 100

#: Plain values as JSON, in ASCII.
encoded = json.JSONEncoder(ensure_ascii=True, allow_nan=False, check_circular=False).encode
__all__ = ["Record", "encoded", "quoted"]


class Record:
    """An open record; raises pytest.UsageError where the file cannot be opened, or is no record and would be lost."""

    def __init__(self, path: Path) -> None:
        self.path, self._file = _opened(path)
        self._identity = _identity(self._file)
        self._process = os.getpid()
        #: Why the record ends early, "" where it does not.
        self.failure = ""

    def write(self, line: str) -> None:
        """Add a line at once; a disk that is full ends the record and not the session."""
        # A test may fork, and the child must not tell on what its parent is doing.
        if self.failure or os.getpid() != self._process:
            return
        data = line.encode("ascii")
        try:
            # A test that closes every descriptor closes this one, and whoever opens a file next gets its number.
            if _identity(self._file) != self._identity:
                self.failure = "a test closed it"
                return
            while data:
                data = data[os.write(self._file, data) :]
        except OSError as error:
            self.failure = error.strerror or "it cannot be written"

    def close(self) -> None:
        """End the record."""
        if os.getpid() == self._process and self._file >= 0:
            with suppress(OSError):
                if _identity(self._file) == self._identity:
                    os.close(self._file)
            self._file = -1


def _identity(file: int) -> tuple[int, int]:
    """Which file is open under this number."""
    status = os.fstat(file)
    return status.st_dev, status.st_ino


def _opened(path: Path) -> tuple[Path, int]:
    """The file, empty and for this session alone; while another session writes it, the next free name beside it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.parent.name == ".perfgate" and not (ignored := path.parent / ".gitignore").exists():
            ignored.write_text("*\n", encoding="utf-8")
        for number in range(1, _MOST_SESSIONS + 1):
            candidate = path if number == 1 else path.with_name(f"{path.stem}-{number}{path.suffix}")
            file = os.open(candidate, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0), 0o666)
            if _is_ours_alone(file):
                _empty(file, candidate)
                return candidate, file
            os.close(file)
    except OSError as error:
        raise pytest.UsageError(f"perfgate: the record {path} cannot be written: {error.strerror}") from error
    raise pytest.UsageError(f"perfgate: {_MOST_SESSIONS} sessions write {path} already")


def _is_ours_alone(file: int) -> bool:
    """Lock the file for as long as it is open; where a system has no such locks, whoever came last has it."""
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def _empty(file: int, path: Path) -> None:
    """Remove an earlier record; `pytest --perfgate tests/test_one.py` must not remove a test."""
    start = os.read(file, len(_OPENING))
    if start and not _OPENING.startswith(start) and not start.startswith(_OPENING):
        os.close(file)
        raise pytest.UsageError(f"perfgate: {path} is no record of tests, and is left as it is: name another file")
    os.ftruncate(file, 0)
