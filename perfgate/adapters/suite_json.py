"""Test reports in JSON, whole or line by line: bounded, and every value of the wrong kind is unknown rather than a crash."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, BinaryIO, NamedTuple

from perfgate.adapters.junit_numbers import LONGEST
from perfgate.adapters.suite_report import FAILED, SEPARATOR, SKIPPED, Report
from perfgate.errors import InputError
from perfgate.formats import strict_json

#: A JSON report is held in memory as a whole; lines are held one by one.
LIMIT, LINE = 256 * 1024 * 1024, 16 * 1024 * 1024
#: More cases than any suite has.
CASES = 5_000_000
#: Times below this, in seconds since 1970, are no time of a test run (a runner that knows none writes 0).
_FIRST_INSTANT = 86_400.0
_SURROGATE = re.compile("[\ud800-\udfff]")


def load(stream: BinaryIO, where: str) -> dict[str, Any]:
    """The object that a JSON report is; InputError for anything else, or for one larger than `LIMIT`."""
    data = stream.read(LIMIT + 1)
    if len(data) > LIMIT:
        remedy = "let the tests write JUnit XML, which is read piece by piece"
        raise InputError(f"the report is larger than the {LIMIT // 2**20} MB that are read", where=where, remedy=remedy)
    value = strict_json.loads(data, where, limit=LIMIT, words=True)
    if not isinstance(value, dict):
        raise InputError("a JSON object is wanted here", where=where, remedy="let the tests write it again")
    return value


class Line(NamedTuple):
    """An object of a file of JSON Lines, and where it stands."""

    number: int
    value: dict[str, Any]


def lines(stream: BinaryIO, where: str, *, only_json: bool) -> Iterator[Line]:
    """The objects of JSON Lines. A last line that was cut off is left out; other text between them only where it may stand there."""
    number, broken = 0, 0
    while raw := stream.readline(LINE + 1):
        number += 1
        if len(raw) > LINE:
            raise InputError(f"a line is longer than {LINE // 2**20} MB", where=f"{where}:{number}")
        if broken:
            remedy = "let the tests write it again; two runs may have written into one file"
            raise InputError("this line is not a JSON object", where=f"{where}:{broken}", remedy=remedy)
        text = raw.strip()
        if not text:
            continue
        value = _object(text[3:] if number == 1 and text.startswith(b"\xef\xbb\xbf") else text)
        if value is not None:
            yield Line(number, value)
        elif only_json:
            broken = number


def _object(text: bytes) -> dict[str, Any] | None:
    if not text.startswith(b"{"):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


# --- values -----------------------------------------------------------------------------------------------------------


def text(value: object) -> str:
    """A name as the source writes it, "" for what is none; without half characters and what separates the parts of an identity."""
    if not isinstance(value, str):
        return ""
    if not value.isascii() and _SURROGATE.search(value):
        value = _SURROGATE.sub("�", value)
    return value.replace(SEPARATOR, "?") if SEPARATOR in value else value


def objects(value: object) -> list[dict[str, Any]]:
    """The objects of a list; empty for what is none."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def texts(value: object) -> list[str]:
    """The texts of a list; empty for what is none."""
    return [text(each) for each in value if isinstance(each, str)] if isinstance(value, list) else []


def number(value: object) -> float | None:
    """A finite number, None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def seconds(value: object, unit: float = 1.0) -> float | None:
    """A time in units of so many seconds; None for what no time can be."""
    found = number(value)
    if found is None or not 0.0 <= found * unit < LONGEST:
        return None
    return found * unit


def instant(value: object, unit: float = 1.0) -> float | None:
    """A moment in seconds since 1970, from a number in units of so many seconds or from ISO 8601; None for anything else."""
    if isinstance(value, str):
        # .NET writes seven digits behind the dot, others nine.
        try:
            moment = datetime.fromisoformat(value.strip())
        except ValueError:
            return None
        try:
            found = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        except (OverflowError, ValueError):
            return None
    else:
        told = number(value)
        if told is None:
            return None
        found = told * unit
    return found if math.isfinite(found) and found >= _FIRST_INSTANT else None


class Clock:
    """From the first start to the last stop that a report tells: the wall time of the tests."""

    def __init__(self) -> None:
        self._first: float | None = None
        self._last: float | None = None

    def saw(self, start: float | None, stop: float | None) -> None:
        """A test, or a file of tests, ran from one moment to the other; None for what is not told."""
        if start is not None:
            self._first = start if self._first is None else min(self._first, start)
        if stop is not None:
            self._last = stop if self._last is None else max(self._last, stop)

    def wall(self) -> tuple[float | None, str]:
        """The seconds in between, or None and why."""
        if self._first is None or self._last is None:
            return None, "the report tells no wall time"
        if not 0.0 < self._last - self._first < LONGEST:
            return None, "the report tells a wall time that cannot be true"
        return self._last - self._first, ""


class Folder:
    """The folder that the paths of a report are told from, so that they are the same on every machine.

    That of the report where it is told, else perfgate's own root, else the deepest that all the paths share.
    """

    def __init__(self, paths: list[str], *known: str) -> None:
        self._base = ""
        slashed = [path.replace("\\", "/") for path in paths]
        for base in (each.replace("\\", "/").rstrip("/") for each in known):
            if base and all(path.startswith(base + "/") for path in slashed):
                self._base = base + "/"
                return
        folders = [path.split("/")[:-1] for path in slashed if _absolute(path)]
        shared = folders[0] if folders else []
        for folder in folders:
            same = (one == other for one, other in zip(shared, folder, strict=False))
            shared = shared[: next((at for at, each in enumerate(same) if not each), min(len(shared), len(folder)))]
        self._base = "/".join([*shared, ""]) if shared else ""

    def within(self, path: str) -> str:
        """The path from the folder; as it is where it does not lie in it."""
        return path.replace("\\", "/").removeprefix(self._base)


def _absolute(path: str) -> bool:
    return path.startswith("/") or path[1:3] == ":/"


class Cases:
    """Cases of a report whose every entry is a test of its own: it tells attempts otherwise, so an equal name is another test."""

    def __init__(self, report: Report, where: str) -> None:
        self._report = report
        self._where = where
        self._home = report.new_suite(-1, str(report.files))
        self._before: dict[int, int] = {}

    def suite(self, *names: str) -> int:
        """The suite of these names, the outer ones first."""
        found = self._home
        for name in names:
            found = self._report.new_suite(found, name)
        return found

    def add(self, classname: str, name: str, file: str = "", suite: int | None = None) -> int:
        """Another case, also where there is one of its names already."""
        report, known = self._report, len(self._report)
        prefix = f"{self._home if suite is None else suite}{SEPARATOR}"
        case = report.take(prefix, classname, name, file)
        if case != known:
            case = report.take(prefix, classname, name, file, twin=True)
        self._check(known)
        return case

    def attempt(self, classname: str, name: str, file: str = "", suite: int | None = None) -> int:
        """A case that may be known already, and then is tried again."""
        report, known = self._report, len(self._report)
        home = self._home if suite is None else suite
        case = report.take(f"{home}{SEPARATOR}", classname, name, file)
        if case != known:
            self._before[case] = report.try_again(case)
        self._check(known)
        return case

    def _check(self, known: int) -> None:
        if known >= CASES:
            remedy = "read the reports of fewer suites at once"
            raise InputError(f"there are more than {CASES:,} cases", where=self._where, remedy=remedy)

    def time(self, case: int, told: object, unit: float = 1.0) -> None:
        """The time of an attempt as told, in units of so many seconds; nothing where nothing is told."""
        if told is None:
            return
        found = seconds(told, unit)
        if found is None:
            self._report.unreadable(self._where)
        self._report.spend(case, found)

    def fail(self, case: int) -> None:
        """The attempt failed."""
        self._report.states[case] = FAILED

    def skip(self, case: int) -> None:
        """The attempt was not executed, which changes nothing about earlier ones."""
        self._report.states[case] = self._before.get(case, SKIPPED)

    def failed_before(self, case: int) -> None:
        """An earlier attempt failed."""
        self._report.failed_before.add(case)
