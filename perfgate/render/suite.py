"""Test suites as a developer wants to see them right after a run: totals, what failed, where the time went."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from perfgate.core.model import Measurement, Run, State
from perfgate.core.units import Unit, write_value
from perfgate.render.suite_rows import Row, number, rows_by_suite, said, text, timed
from perfgate.render.suite_setup import setup_lines
from perfgate.render.tables import Column, render_table
from perfgate.render.text import harmless, wrapped

#: Rows of the lists that nobody asks the length of.
_FILES, _FIXTURES, _NAMES, _IMPORTS = 5, 5, 10, 3
#: From here on columns that most terminals have no room for are shown.
_WIDE = 120
#: Below this ratio of summed to wall time nothing ran at once, but for what clocks differ by.
_PARALLEL = 1.1
#: A test that takes half of the wall time: twice the workers cannot halve it any more.
_STRAGGLER = 0.5
#: Less time outside the tests than this share is what every runner needs.
_OUTSIDE = 0.1
#: An import that takes less of the wall time than this is not why a suite starts slowly.
_IMPORT = 0.05
_SECONDS = Unit("s")
_PHASES = {"setup": "set-up"}
_BOLD, _RED, _YELLOW = "1", "31;1", "33;1"


class _Suite(NamedTuple):
    """A suite of a run: its measurements by name, and the rows of its blocks."""

    name: str
    measured: Mapping[str, Measurement]
    blocks: Mapping[str, Sequence[Row]]

    def rows(self, block: str) -> Sequence[Row]:
        return self.blocks.get(block, ())

    def value(self, name: str) -> float | None:
        """The suite's value of a metric tests.NAME, None where it is not known."""
        found = self.measured.get(name)
        return float(found.values[0]) if found is not None and found.values else None

    def tests(self) -> float | None:
        """How many tests were executed, also where the suite failed and its series are unknown."""
        told = self.value("count")
        return next((number(row, "tests") for row in self.rows("test_sets")), None) if told is None else told

    def total(self) -> float | None:
        """Seconds of all tests together, also where the suite failed and its series are unknown."""
        told = self.value("case_time")
        return next((number(row, "seconds") for row in self.rows("test_sets")), None) if told is None else told


class _Look(NamedTuple):
    """How wide the terminal is, and whether it has colours."""

    width: int
    colour: bool

    def paint(self, line: str, style: str) -> str:
        return f"\x1b[{style}m{line}\x1b[0m" if self.colour else line

    def table(self, columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> str:
        return "\n" + render_table(columns, rows, width=self.width, colour=self.colour)

    def wrapped(self, line: str) -> str:
        return "\n".join(wrapped(line, self.width))


def render(run: Run, *, width: int, colour: bool, slowest: int = 10) -> str:
    """The suites of a run, each as a section; "" where the run tells nothing of tests. `slowest` is how many are listed."""
    look = _Look(width, colour)
    suites = rows_by_suite(run.details)
    return "\n\n".join(
        "\n".join(_section(_Suite(name, _measured(run, name), suites[name]), look, slowest)) for name in suites
    )


def _measured(run: Run, suite: str) -> dict[str, Measurement]:
    """The suite's own measurements by what follows "tests." in their names."""
    return {
        each.series.metric.removeprefix("tests."): each
        for each in run.measurements
        if each.series.metric.startswith("tests.") and dict(each.series.labels) == {"suite": suite}
    }


def _section(suite: _Suite, look: _Look, slowest: int) -> Iterator[str]:
    yield _counts(suite, look)
    yield from (look.wrapped(line) for line in _times(suite))
    yield from _failed(suite, look)
    yield from _flaky(suite, look)
    yield from _slowest(suite, look, slowest)
    yield from _files(suite, look)
    yield from _phases(suite, look)
    yield from _fixtures(suite, look)
    facts = [look.wrapped(line) for line in setup_lines(suite.rows("test_setup_costs"))]
    yield from ["", *facts] if facts else []


# --- totals -----------------------------------------------------------------------------------------------------------


def _counts(suite: _Suite, look: _Look) -> str:
    sets = next(iter(suite.rows("test_sets")), {})
    tests = suite.tests()
    failed, flaky, skipped = suite.value("failed"), suite.value("flaky"), number(sets, "skipped")
    parts = [f"{tests:,.0f} test{'' if tests == 1 else 's'}"] if tests is not None else []
    if failed is not None:
        parts.append(look.paint(f"{failed:,.0f} failed", _RED) if failed else "0 failed")
    if skipped:
        parts.append(f"{skipped:,.0f} skipped")
    if flaky:
        parts.append(look.paint(f"{flaky:,.0f} flaky", _YELLOW))
    name = look.paint(harmless(suite.name), _BOLD)
    return f"{name}: {', '.join(parts)}" if parts else name


def _times(suite: _Suite) -> Iterator[str]:
    """Wall and summed time, how parallel that is, and whether a single test is what everything waits for."""
    wall, total = suite.value("duration"), suite.total()
    told = suite.measured.get("case_time")
    least = "≥ " if told is not None and told.state is State.LOWER_BOUND else ""
    parts = [f"wall {write_value(wall, _SECONDS)}"] if wall is not None else []
    parts += [f"tests together {least}{write_value(total, _SECONDS)}"] if total is not None else []
    line = ", ".join(parts)
    if not wall or not total:
        yield from [line] if line else []
        return
    factor = total / wall
    if factor >= _PARALLEL or _workers(suite):
        # Of several workers nobody knows what is outside the tests: each waits, collects and idles by itself.
        line += f": ×{factor:.1f} in parallel{_workers(suite)}"
    elif not least and 1 - factor >= _OUTSIDE:
        line += f"; {said(1 - factor)} of the wall time is outside the tests{_collection(suite)}"
    yield line
    yield from _imports(suite, wall)
    longest = max((number(row, "seconds") or 0.0 for row in _dearest(suite)), default=0.0)
    if factor >= _PARALLEL and longest >= _STRAGGLER * wall:
        workers = math.ceil(total / longest)
        share = said(min(1.0, longest / wall))
        yield f"the longest test alone takes {share} of the wall time: more than {workers} workers cannot help"


def _workers(suite: _Suite) -> str:
    workers = max((number(row, "workers") or 0.0 for row in suite.rows("test_sessions")), default=0.0)
    return f" on {workers:,.0f} workers" if workers > 1 else ""


def _collection(suite: _Suite) -> str:
    told = [seconds for row in suite.rows("test_sessions") if (seconds := number(row, "collection")) is not None]
    return f", {write_value(max(told), _SECONDS)} of it collection" if told else ""


def _imports(suite: _Suite, wall: float) -> Iterator[str]:
    """The imports that took longest, where the first takes a part of the wall time that somebody notices."""
    dearest = timed(suite.rows("test_imports"), "module")[:_IMPORTS]
    if dearest and (number(dearest[0], "seconds") or 0.0) >= _IMPORT * wall:
        told = (f"{text(row, 'module')} {write_value(number(row, 'seconds'), _SECONDS)}" for row in dearest)
        yield f"slowest imports: {', '.join(told)}"


# --- lists ------------------------------------------------------------------------------------------------------------


def _of(shown: int, there: float | None) -> str:
    """How many of how many, for a heading: "" where all are shown."""
    return f" ({shown} of {there:,.0f})" if there is not None and there > shown else ""


def _failed(suite: _Suite, look: _Look) -> Iterator[str]:
    rows = suite.rows("failed_tests")[:_NAMES]
    if rows:
        there = suite.value("failed") or len(suite.rows("failed_tests"))
        yield _names(f"failed tests{_of(len(rows), there)}", rows, look, style="red")


def _flaky(suite: _Suite, look: _Look) -> Iterator[str]:
    rows = suite.rows("flaky_tests")[:_NAMES]
    if rows:
        heading = f"flaky or suspect{_of(len(rows), len(suite.rows('flaky_tests')))}"
        yield _names(heading, rows, look, style="yellow", more="how")


def _names(heading: str, rows: Sequence[Row], look: _Look, *, style: str, more: str = "") -> str:
    columns = [Column(heading, style=style)]
    wide = look.width >= _WIDE and any(_file(row) for row in rows)
    columns += [*([Column("file")] if wide else []), *([Column(more)] if more else [])]
    cells = [[_name(row), *([_file(row)] if wide else []), *([text(row, more)] if more else [])] for row in rows]
    return look.table(columns, cells)


def _dearest(suite: _Suite) -> list[Row]:
    """The tests of the suite that took time, the dearest first."""
    return timed(suite.rows("test_times") or suite.rows("slowest_tests"), "test")


def _slowest(suite: _Suite, look: _Look, most: int) -> Iterator[str]:
    rows = _dearest(suite)[:most]
    total = suite.total() or 0.0
    if not rows or total <= 0:
        return
    wide = look.width >= _WIDE and any(_file(row) for row in rows)
    columns = [
        Column(f"slowest tests{_of(len(rows), suite.tests())}"),
        *([Column("file")] if wide else []),
        *(Column(name, number=True) for name in ("time", "share", "together")),
    ]
    together = 0.0
    cells = []
    for row in rows:
        seconds = number(row, "seconds") or 0.0
        together += seconds
        shares = [write_value(seconds, _SECONDS), said(seconds / total), said(min(1.0, together / total))]
        cells.append([_name(row), *([_file(row)] if wide else []), *shares])
    yield look.table(columns, cells)


def _name(row: Row) -> str:
    """What to call a test: the runner's own id, which can be pasted behind its command, else the title."""
    return text(row, "id") or text(row, "test")


def _file(row: Row) -> str:
    """The file to show beside a test's name: "" where the name is an id, which tells it, or the file is only a class."""
    return "" if text(row, "id") or text(row, "by") else text(row, "file")


def _files(suite: _Suite, look: _Look) -> Iterator[str]:
    rows = timed(suite.rows("test_files"), "file")
    total = suite.total() or 0.0
    # Of one file the totals say the same.
    if len(rows) < 2 or total <= 0:
        return
    shown = rows[:_FILES]
    kind = "class" if all(text(row, "by") for row in shown) else "file"
    heading = f"time by {kind}{_of(len(shown), len(suite.rows('test_files')))}"
    columns = [Column(heading), *(Column(name, number=True) for name in ("tests", "time", "share"))]
    cells = [
        [
            text(row, "file"),
            f"{number(row, 'tests') or 0:,.0f}",
            write_value(number(row, "seconds"), _SECONDS),
            said((number(row, "seconds") or 0.0) / total),
        ]
        for row in shown
    ]
    yield look.table(columns, cells)


def _phases(suite: _Suite, look: _Look) -> Iterator[str]:
    phases = [(text(row, "phase"), number(row, "seconds") or 0.0) for row in suite.rows("test_phases")]
    total = math.fsum(seconds for _, seconds in phases)
    if total > 0:
        parts = [
            f"{_PHASES.get(name, name)} {said(seconds / total)} ({write_value(seconds, _SECONDS)})"
            for name, seconds in phases
        ]
        yield ""
        yield look.wrapped(f"time by phase: {', '.join(parts)}")


def _fixtures(suite: _Suite, look: _Look) -> Iterator[str]:
    rows = timed(suite.rows("test_fixtures"), "fixture")
    total = suite.total() or 0.0
    if not rows or total <= 0:
        return
    shown = rows[:_FIXTURES]
    wide = look.width >= _WIDE and any(text(row, "file") for row in shown)
    heading = f"fixtures{_of(len(shown), len(suite.rows('test_fixtures')))}"
    columns = [
        Column(heading),
        *([Column("file")] if wide else []),
        Column("scope"),
        *(Column(name, number=True) for name in ("times", "set-up and teardown", "share")),
    ]
    cells = []
    for row in shown:
        seconds, count = number(row, "seconds") or 0.0, number(row, "count") or 0.0
        mean = f"{count:,.0f} × {write_value(seconds / count, _SECONDS)}" if count else "–"
        numbers = [mean, write_value(seconds, _SECONDS), said(seconds / total)]
        cells.append(
            [text(row, "fixture"), *([text(row, "file")] if wide else []), text(row, "scope") or "–", *numbers]
        )
    yield look.table(columns, cells)
