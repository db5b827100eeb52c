"""What a run keeps of a test suite beside its numbers: what people want to see, and what later runs are compared with."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from perfgate.adapters.labels import label
from perfgate.adapters.suite_report import Case, Report
from perfgate.core.suite_setup import FixtureTime, setup_costs
from perfgate.measure import suite_times
from perfgate.measure.suite_times import rounded

#: Rows of each block for people.
_SHOWN = 20
#: Fixtures kept: those that took longest.
MOST_FIXTURES = 100
#: The order in which a test's phases happen; others follow by name.
_PHASES = ("setup", "call", "teardown")
Row = Mapping[str, str | int | float | bool | None]


def details(suite: str, report: Report, root: Path) -> dict[str, tuple[Row, ...]]:
    """The blocks of a suite's run; one is absent where the source tells nothing for it. The order of the cases changes nothing.

    Names are cut as labels are, files are relative to `root` where they lie inside.
    """
    files = suite_times.Files(root)
    kept = suite_times.kept(suite, report, files)
    blocks = {
        **_shown(suite, report, files),
        "test_sets": kept.sets,
        "test_times": kept.times,
        "test_files": kept.files,
        "test_phases": _phases(suite, report),
        "test_fixtures": _fixtures(suite, report, files),
        "test_setup_costs": _setup_costs(suite, report, files),
    }
    return {name: block for name, block in blocks.items() if block}


def _shown(suite: str, report: Report, files: suite_times.Files) -> dict[str, tuple[Row, ...]]:
    """The slowest, failed and flaky cases, each as the report tells it."""
    seconds, total = report.seconds, math.fsum(report.seconds)
    positions = range(len(report))
    # What takes as long as the last one shown could be shown as well: then the names decide.
    least = min(heapq.nlargest(_SHOWN, seconds), default=0.0)
    slowest = [case for case in positions if seconds[case] >= least and seconds[case] > 0]
    failed, flaky, suspects = report.failed(), report.flaky(), report.suspects()
    known = _cases(report, {*slowest, *failed, *flaky, *suspects})

    def rows(cases: Iterable[int], more: Callable[[int], Row], *, longest_first: bool = False) -> tuple[Row, ...]:
        named = [
            (
                -seconds[case] if longest_first else 0.0,
                _named(known[case]),
                files.told(known[case].file) or "",
                suite_times.own_id(report, case),
                case,
            )
            for case in cases
        ]
        return tuple(
            {"suite": suite, "test": test, "file": file or None, **_id(report, case), **more(case)}
            for _, test, file, _, case in heapq.nsmallest(_SHOWN, named)
        )

    unsure = rows(flaky, lambda _: {"how": "failed, then passed"})
    unsure += rows(suspects, lambda _: {"how": "ran more than once, outcome of the first unknown"})
    return {
        "slowest_tests": rows(
            slowest, lambda case: {"seconds": seconds[case], "share": seconds[case] / total}, longest_first=True
        ),
        "failed_tests": rows(failed, lambda _: {}),
        "flaky_tests": unsure[:_SHOWN],
    }


def _id(report: Report, case: int) -> Row:
    own = suite_times.own_id(report, case)
    return {"id": own} if own else {}


def _cases(report: Report, wanted: set[int]) -> dict[int, Case]:
    return dict(zip(sorted(wanted), report.cases(frozenset(wanted)), strict=True))


def _named(case: Case) -> str:
    return label(case.title, []) or "unnamed"


def _phases(suite: str, report: Report) -> tuple[Row, ...]:
    """The time of each phase in all tests together."""
    names = sorted(report.phases, key=lambda name: (_PHASES.index(name) if name in _PHASES else len(_PHASES), name))
    return tuple(
        {"suite": suite, "phase": label(name, []), "seconds": rounded(math.fsum(report.phases[name]))} for name in names
    )


def _fixtures(suite: str, report: Report, files: suite_times.Files) -> tuple[Row, ...]:
    """The fixtures that took longest to set up in all, the dearest first."""
    dearest = sorted(_fixture_times(report, files), key=lambda each: (-each.seconds, each))
    return tuple(
        {
            "suite": suite,
            "fixture": each.name,
            "scope": each.scope or None,
            "file": each.file or None,
            "count": each.times,
            "seconds": rounded(each.seconds),
        }
        for each in dearest[:MOST_FIXTURES]
    )


def _fixture_times(report: Report, files: suite_times.Files) -> list[FixtureTime]:
    return [
        FixtureTime(
            label(fixture.name, []) or "unnamed",
            label(fixture.scope, []),
            files.told(fixture.file) or "",
            count,
            seconds,
        )
        for fixture, (count, seconds) in report.fixtures.items()
    ]


def _setup_costs(suite: str, report: Report, files: suite_times.Files) -> tuple[Row, ...]:
    phases = {name: math.fsum(seconds) for name, seconds in report.phases.items()}
    rows = setup_costs(suite, math.fsum(report.seconds), phases, _fixture_times(report, files))
    return tuple(
        {name: rounded(cell) if isinstance(cell, float) else cell for name, cell in row.items()} for row in rows
    )


#: Rows that a run of many suites keeps of each block, in equal parts: a file of these stays below 3 MB.
_MOST_OF_RUN = {"test_times": 4000, "test_files": 6000, "test_fixtures": 1000}


def bounded(blocks: Mapping[str, tuple[Row, ...]]) -> dict[str, tuple[Row, ...]]:
    """The details of a run without more rows of its suites than a file should hold: of each suite those that took longest."""
    return {name: _bounded(rows, _MOST_OF_RUN.get(name, len(rows))) for name, rows in blocks.items()}


def _bounded(rows: tuple[Row, ...], most: int) -> tuple[Row, ...]:
    if len(rows) <= most:
        return rows
    suites: dict[object, list[int]] = {}
    for at, row in enumerate(rows):
        suites.setdefault(row.get("suite"), []).append(at)
    part = most // len(suites)
    kept: set[int] = set()
    for places in suites.values():
        kept.update(heapq.nlargest(part, places, key=lambda at: _seconds(rows[at])))
    return tuple(row for at, row in enumerate(rows) if at in kept)


def _seconds(row: Row) -> float:
    seconds = row.get("seconds")
    return seconds if isinstance(seconds, float) else 0.0
