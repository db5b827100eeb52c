"""The records of perfgate's own pytest plugin (`perfgate/pytest_plugin.py`): JSON Lines, of which a killed session may have cut the last."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, BinaryIO

from perfgate.adapters.junit_numbers import LONGEST
from perfgate.adapters.labels import plain_text
from perfgate.adapters.own_metrics import OwnMetric, own_metric
from perfgate.adapters.suite_report import FAILED, PASSED, SEPARATOR, SKIPPED, Fixture, Report, short
from perfgate.core.model import Caveat
from perfgate.errors import InputError
from perfgate.formats import strict_json
from perfgate.recording import CRASHED, SCHEMA, UNKNOWN

#: Limits beyond any real record; each is refused with a sentence.
LINE, TESTS = 8 * 1024 * 1024, 5_000_000
_MOST_FIXTURES, _MOST_ROWS = 100_000, 50
#: The plugin writes times in steps of a tenth of a microsecond.
_STEP = 1e-7
_PHASES = ("setup", "call", "teardown")
_STATES = {
    "passed": PASSED,
    "xpassed": PASSED,
    UNKNOWN: PASSED,
    "skipped": SKIPPED,
    "xfailed": SKIPPED,
    "failed": FAILED,
    "error": FAILED,
    CRASHED: FAILED,
}
#: Exit codes of pytest that end a session before its last test.
_BROKEN_OFF = {2: "was interrupted", 3: "ended with an internal error of pytest", 4: "was called wrongly"}
_REMEDY = "let the tests run again with --perfgate FILE"


def read(stream: BinaryIO, where: str, report: Report) -> None:
    """Add the tests of a record to a report; raises InputError with its line for anything that is not one."""
    reader = _Reader(where, report)
    reader.run(stream)
    wall = None if report.incomplete else reader.wall
    report.end_file("pytest", _STEP, wall, report.incomplete or "the record tells no wall time")


def check(stream: BinaryIO, where: str) -> None:
    """Raise InputError for what does not begin as a record that this perfgate reads."""
    _Reader(where, Report()).begin(stream)


class _Reader:
    def __init__(self, where: str, report: Report) -> None:
        self._where = where
        self._line = 0
        self._report = report
        # Named as in pytest's JUnit reports, so that a case of either has one title.
        self._home = report.new_suite(report.new_suite(-1, str(report.files)), "pytest")
        self._each = self._grouped = False
        self._session: dict[str, str | int | float | None] = {}
        self._files: dict[str, float] = {}
        self._imports: dict[str, float] = {}
        self._fixtures: dict[Fixture, list[float]] = {}
        self._crashed: list[str] = []
        self._ended = False
        self.wall: float | None = None

    def begin(self, stream: BinaryIO) -> Iterator[dict[str, Any]]:
        """Take the first line; the others are still to be read."""
        lines = self._lines(stream)
        header = next(lines, None)
        if header is None:
            raise InputError("the record is empty", where=self._where, remedy=_REMEDY)
        self._header(header)
        return lines

    def run(self, stream: BinaryIO) -> None:
        for line in self.begin(stream):
            if "test" in line:
                self._test(line)
            elif "end" in line:
                self._end(self._object(line["end"]))
            elif "collected" in line:
                self._collected(self._object(line["collected"]))
            elif "late" in line:
                self._used(self._object(line["late"]).get("fixtures", []))
            elif "crashed" in line:
                self._crashed.append(self._text(line["crashed"]))
        if not self._ended:
            self._report.incomplete = "the session did not end; it may have been killed"
        self._tell()

    def _lines(self, stream: BinaryIO) -> Iterator[dict[str, Any]]:
        while data := stream.readline(LINE + 1):
            self._line += 1
            if len(data) > LINE:
                self._refuse(f"the line is longer than {LINE // 2**20} MB")
            if not data.endswith(b"\n"):
                # Cut off while it was written.
                return
            try:
                value = strict_json.loads(data, "")
            except InputError as error:
                self._refuse(error.what)
            yield self._object(value)

    def _refuse(self, what: str) -> None:
        raise InputError(what, where=f"{self._where}:{self._line}", remedy=_REMEDY)

    # --- line by line ---

    def _header(self, header: dict[str, Any]) -> None:
        schema = header.get("schema")
        if schema != SCHEMA:
            told = plain_text(schema)[:60] or "none"
            self._refuse(f"this is no record that this perfgate reads: its schema is {told}, not {SCHEMA}")
        workers, distribution = header.get("workers", 0), header.get("distribution")
        workers = workers if isinstance(workers, int) and 0 <= workers <= 100_000 else 0
        self._report.workers = max(self._report.workers, workers)
        self._each, self._grouped = distribution == "each", distribution == "loadgroup"
        self._session = {name: plain_text(header.get(name))[:40] or None for name in ("pytest", "python")}
        self._session["workers"] = workers
        plugins = self._object(header.get("plugins", {}))
        rows = [
            {"plugin": plain_text(name)[:100], "version": plain_text(version)[:40] or None}
            for name, version in plugins.items()
        ]
        self._report.add_rows("test_plugins", rows)

    def _test(self, line: dict[str, Any]) -> None:
        report, own_id = self._report, self._text(line["test"])
        if self._grouped:
            own_id = _without_group(own_id)
        suite = report.new_suite(self._home, self._text(line.get("worker", ""))) if self._each else self._home
        known = len(report)
        if known >= TESTS:
            self._refuse(f"there are more than {TESTS:,} tests")
        file, classname, name = _named(own_id)
        case = report.take(f"{suite}{SEPARATOR}", classname, name, file)
        again = case != known
        before = report.try_again(case) if again else PASSED
        report.ids[case] = own_id
        # An outcome of another plugin's ("rerun", "retried") says that the test failed and is tried again.
        state = _STATES.get(self._text(line.get("outcome")), FAILED)
        # A skipped attempt changes nothing about those that ran.
        report.states[case] = before if state == SKIPPED and again else state
        self._spend(case, line.get("seconds"))
        self._used(line.get("fixtures", []))
        own = self._own(line["metrics"]) if "metrics" in line else ()
        if own:
            report.own[case] = own
        else:
            report.own.pop(case, None)

    def _spend(self, case: int, seconds: Any) -> None:
        if not isinstance(seconds, list) or len(seconds) != len(_PHASES):
            self._refuse('"seconds" are those of the three phases')
            return
        told = [(phase, self._seconds(each)) for phase, each in zip(_PHASES, seconds, strict=True) if each is not None]
        if told:
            self._report.spend(case, math.fsum(each for _, each in told))
        for phase, each in told:
            self._report.spend_phase(case, phase, each)

    def _used(self, rows: Any) -> None:
        for row in self._list(rows):
            if not isinstance(row, list) or len(row) != 6 or not isinstance(row[3], int) or not 0 <= row[3] < 2**40:
                self._refuse("a fixture is its name, scope, file, count and two times")
            fixture = Fixture(short(self._text(row[0])), short(self._text(row[2])), self._text(row[1])[:20])
            if fixture not in self._fixtures and len(self._fixtures) >= _MOST_FIXTURES:
                self._refuse(f"there are more than {_MOST_FIXTURES:,} fixtures")
            used = self._fixtures.setdefault(fixture, [0, 0.0])
            used[0] += row[3]
            used[1] += self._seconds(row[4]) + self._seconds(row[5])

    def _own(self, rows: Any) -> tuple[OwnMetric, ...]:
        found: dict[str, OwnMetric] = {}
        for row in self._list(rows):
            if not isinstance(row, list) or len(row) != 5 or not isinstance(row[3], bool):
                self._refuse("a metric is its name, unit, direction, whether it is exact, and its values")
            name, unit, better = (self._text(each) for each in row[:3])
            if better not in {"", "lower", "higher", "none"}:
                self._refuse('a direction is "lower", "higher" or "none"')
            values = [self._number(each) for each in self._list(row[4])]
            own = own_metric(name, unit, better, values, exact=row[3])
            if own is None:
                self._refuse(f'"{name[:60]}" names no metric')
                continue
            earlier = found.get(own.metric)
            if earlier is not None and earlier[:4] != own[:4]:
                self._refuse(f"{own.metric} has two units or directions in one test")
            found[own.metric] = own if earlier is None else own._replace(values=earlier.values + own.values)
        return tuple(found.values())

    def _collected(self, told: dict[str, Any]) -> None:
        if "seconds" in told:
            self._session["collection"] = self._seconds(told["seconds"])
        for name, most in (("files", self._files), ("imports", self._imports)):
            for row in self._list(told.get(name, [])):
                if not isinstance(row, list) or len(row) != 2:
                    self._refuse(f"{name} are pairs of a name and a time")
                # Every worker collects for itself; the slowest one is waited for.
                key = short(self._text(row[0]))
                most[key] = max(most.get(key, 0.0), self._seconds(row[1]))

    def _end(self, end: dict[str, Any]) -> None:
        self._ended = True
        self.wall = self._seconds(end.get("seconds"))
        self._session["seconds"] = self.wall
        stopped, code = plain_text(end.get("stopped")), end.get("exit")
        if stopped:
            self._report.incomplete = f"the session stopped early: {' '.join(stopped.split())[:200]}"
        elif isinstance(code, int) and code in _BROKEN_OFF:
            self._report.incomplete = f"the session {_BROKEN_OFF[code]}"

    def _tell(self) -> None:
        """What all the lines say together."""
        report = self._report
        for fixture, (count, seconds) in self._fixtures.items():
            times, total = report.fixtures.get(fixture, (0, 0.0))
            report.fixtures[fixture] = times + int(count), total + seconds
        report.add_rows("test_sessions", [self._session])
        for block, key, found in (("test_collection", "file", self._files), ("test_imports", "module", self._imports)):
            dearest = sorted(found.items(), key=lambda each: (-each[1], each[0]))[:_MOST_ROWS]
            report.add_rows(block, [{key: name, "seconds": seconds} for name, seconds in dearest])
        if self._crashed:
            message = f"workers of xdist that crashed: {len(self._crashed)}, the first is {self._crashed[0][:60]}"
            remedy = "look at what their tests did: memory, signals, os._exit"
            report.caveats.append(Caveat("crashed workers", message, remedy))

    # --- plain values ---

    def _object(self, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            self._refuse("an object is wanted here")
        return dict(value)

    def _list(self, value: Any) -> list[Any]:
        if not isinstance(value, list):
            self._refuse("a list is wanted here")
        return list(value)

    def _text(self, value: Any) -> str:
        if not isinstance(value, str):
            self._refuse("a text is wanted here")
        # What separates the parts of an identity is in none of them.
        return plain_text(value).replace(SEPARATOR, "?")

    def _number(self, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e300:
            self._refuse("a number is wanted here")
        return float(value)

    def _seconds(self, value: Any) -> float:
        seconds = self._number(value)
        if not 0 <= seconds < LONGEST:
            self._refuse("no time is below zero or longer than a year")
        return seconds


def _named(own_id: str) -> tuple[str, str, str]:
    """File, class and name of a pytest node id, as its JUnit reports tell them: one series, whichever of the two was read."""
    path, bracket, parameters = own_id.partition("[")
    file, *names = path.split("::")
    names = [file.removesuffix(".py").replace("/", "."), *names]
    return file, ".".join(names[:-1]), names[-1] + bracket + parameters


def _without_group(own_id: str) -> str:
    """A node id without the group that xdist adds to it with --dist loadgroup: the test is the same one."""
    test, at, _ = own_id.rpartition("@")
    return test if at and (test.endswith("]") or "[" not in test) else own_id
