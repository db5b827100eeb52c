"""What a run keeps of a test suite beside its numbers: what people want to see, and what later runs are compared with."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from perfgate.adapters.labels import label
from perfgate.adapters.suite_report import Case, Report
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
            (-seconds[case] if longest_first else 0.0, _named(known[case]), files.told(known[case].file) or "", case)
            for case in cases
        ]
        return tuple(
            {"suite": suite, "test": test, "file": file or None, **more(case)}
            for _, test, file, case in heapq.nsmallest(_SHOWN, named)
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
    rows = [
        {
            "suite": suite,
            "fixture": label(fixture.name, []) or "unnamed",
            "scope": label(fixture.scope, []) or None,
            "file": files.told(fixture.file),
            "count": count,
            "seconds": rounded(seconds),
        }
        for fixture, (count, seconds) in sorted(report.fixtures.items(), key=lambda each: (-each[1][1], each[0]))
    ]
    return tuple(rows[:MOST_FIXTURES])
