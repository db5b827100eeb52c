"""What people want to see of a test suite beside its numbers: the slowest tests, the failed ones, the flaky ones."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from perfgate.adapters.suite_report import Case, Report
from perfgate.measure.result_files import shown

_SHOWN = 20
Row = Mapping[str, str | int | float | bool | None]


def details(suite: str, report: Report, root: Path) -> dict[str, tuple[Row, ...]]:
    seconds, total = report.seconds, math.fsum(report.seconds)
    slowest = [
        case for case in heapq.nlargest(_SHOWN, range(len(report)), key=seconds.__getitem__) if seconds[case] > 0
    ]
    failed, flaky, suspects = report.failed()[:_SHOWN], report.flaky()[:_SHOWN], report.suspects()[:_SHOWN]
    wanted = sorted({*slowest, *failed, *flaky, *suspects})
    known = dict(zip(wanted, report.cases(frozenset(wanted)), strict=True))

    def file(case: Case) -> str | None:
        return shown(Path(case.file), root) if case.file else None

    def rows(cases: Iterable[int], more: Callable[[int, Case], Row]) -> tuple[Row, ...]:
        return tuple(
            {"suite": suite, "test": known[case].title, "file": file(known[case]), **more(case, known[case])}
            for case in cases
        )

    blocks = {
        "slowest_tests": rows(slowest, lambda at, _: {"seconds": seconds[at], "share": seconds[at] / total}),
        "failed_tests": rows(failed, lambda _at, _case: {}),
        "flaky_tests": rows([*flaky, *suspects][:_SHOWN], lambda _, case: {"how": _how(case)}),
    }
    return {name: block for name, block in blocks.items() if block}


def _how(case: Case) -> str:
    return "failed, then passed" if case.flaky else "ran more than once, outcome of the first unknown"
