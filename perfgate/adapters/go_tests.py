"""`go test -json`: the events of test2json, https://pkg.go.dev/cmd/test2json, in which reruns and several packages may follow each other."""

from __future__ import annotations

from typing import Any, BinaryIO, NamedTuple

from perfgate.adapters import suite_json
from perfgate.adapters.suite_report import Report

#: Go prints hundredths of a second.
_STEP = 0.01
_CACHED = "\t(cached)"
_ENDS = frozenset({"pass", "fail", "skip"})


def read(stream: BinaryIO, where: str, report: Report) -> None:
    """Add the tests and subtests; lines that are no events, which builds print between them, are left out.

    A test's time is told with that of the subtests it waits for, which is taken away from it again. Tests of a package that Go
    took from its cache were not executed.
    """
    reading = _Reading(report, where)
    for line in suite_json.lines(stream, where, only_json=False):
        reading.take(line.value)
    for package in list(reading.packages):
        reading.leave(package)
    report.end_file("", _STEP, *reading.wall())


class _Package:
    """What is known of a package between its start and its end."""

    def __init__(self) -> None:
        #: When the tests that run began, by name.
        self.running: dict[str, object] = {}
        self.ended: list[_Ended] = []
        #: Subtests that ran beside others, for which no test waits.
        self.beside: set[str] = set()
        self.failed = self.cached = False


class _Ended(NamedTuple):
    """A test that ended, with its time in seconds, or None."""

    name: str
    action: str
    seconds: float | None


class _Reading:
    """The packages of one stream."""

    def __init__(self, report: Report, where: str) -> None:
        self._report = report
        self._cases = suite_json.Cases(report, where)
        self.packages: dict[str, _Package] = {}
        self._first: object = None
        self._last: object = None

    def wall(self) -> tuple[float | None, str]:
        """From the first event to the last: without building the first package."""
        clock = suite_json.Clock()
        clock.saw(suite_json.instant(self._first), suite_json.instant(self._last))
        return clock.wall()

    def take(self, event: dict[str, Any]) -> None:
        """One event."""
        action, moment = event.get("Action"), event.get("Time")
        if moment is not None:
            self._first, self._last = moment if self._first is None else self._first, moment
        name, test = suite_json.text(event.get("Package")), suite_json.text(event.get("Test"))
        if not name or not isinstance(action, str):
            return
        package = self.packages.get(name)
        if package is None or (action == "start" and not test):
            self.leave(name)
            package = self.packages[name] = _Package()
        if test:
            self._test(package, test, action, event)
        elif action == "output":
            output = event.get("Output")
            package.cached = package.cached or (
                isinstance(output, str) and output.startswith("ok ") and output.rstrip().endswith(_CACHED)
            )
        elif action in _ENDS:
            package.failed = action == "fail"
            self.leave(name, moment, built="FailedBuild" not in event)

    def _test(self, package: _Package, test: str, action: str, event: dict[str, Any]) -> None:
        # Benchmarks have no end, and are measured otherwise.
        if test.startswith("Benchmark"):
            return
        if action == "run":
            # With -count a name runs again in the same package.
            package.running[test] = event.get("Time")
        elif action == "pause":
            package.beside.add(test)
        elif action in _ENDS:
            package.running.pop(test, None)
            elapsed = event.get("Elapsed")
            seconds = suite_json.seconds(elapsed)
            if elapsed is not None and seconds is None:
                self._report.unreadable(suite_json.text(event.get("Package")))
            package.ended.append(_Ended(test, action, seconds))

    def leave(self, name: str, moment: object = None, *, built: bool = True) -> None:
        """A package ended, or the stream did before it: its tests are known now."""
        package = self.packages.pop(name, None)
        if package is None:
            return
        inner: dict[str, float] = {}
        names = {each.name for each in package.ended} | package.running.keys()
        for test, action, seconds in package.ended:
            waited = inner.pop(test, 0.0)
            own = None if seconds is None else max(0.0, seconds - waited)
            parent = test.rpartition("/")[0]
            while parent and parent not in names:
                # A name may itself hold a slash.
                parent = parent.rpartition("/")[0]
            if parent and seconds is not None and test not in package.beside:
                inner[parent] = inner.get(parent, 0.0) + seconds
            self._add(name, test, action, own, cached=package.cached)
        for test, began in package.running.items():
            start, stop = suite_json.instant(began), suite_json.instant(moment)
            seconds = None if start is None or stop is None else suite_json.seconds(stop - start)
            self._add(name, test, "fail", seconds, cached=False)
            self._report.unfinished += 1
        accused = package.running or any(each.action == "fail" for each in package.ended)
        if package.failed and (not built or not accused):
            self._report.loose_failures += 1

    def _add(self, package: str, test: str, action: str, seconds: float | None, *, cached: bool) -> None:
        case = self._cases.attempt(package, test)
        if cached or action == "skip":
            self._cases.skip(case)
            return
        if action == "fail":
            self._cases.fail(case)
        self._report.spend(case, seconds)
