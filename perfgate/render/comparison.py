"""Comparisons as a table, for `compare`: before, after, change, how sure, and the smallest change that could be seen."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from perfgate.core.baseline import Baseline
from perfgate.core.compare import Comparison, Exact, Finding, Insufficient, Tested
from perfgate.core.frames import Moved
from perfgate.core.units import write_percent, write_values
from perfgate.render import frames
from perfgate.render.tables import Column, render_table
from perfgate.render.text import harmless

if TYPE_CHECKING:
    from perfgate.core.suite_change import SuiteChange

_UNBROKEN = "\u00a0"
#: The level of an interval that the column's heading names.
_USUAL = 0.99
_WORDS = {Finding.REAL: "real", Finding.SUSPECT: "suspect", Finding.UNCHANGED: "no change seen"}


def render(comparisons: Sequence[Comparison], baseline: Baseline, *, width: int, colour: bool, head: str = "") -> str:
    """The table, preceded by what it was compared with (`head`, else the baseline), followed by why rows have no comparison."""
    head = head or f"compared with {baseline.source or 'an empty baseline'}: {len(baseline.runs)} runs"
    if baseline.problem:
        head = f"the baseline's history is not known: {baseline.problem}"
    columns: tuple[Column, ...] = (
        Column("series"),
        Column("before", number=True),
        Column("after", number=True),
        Column("change", number=True),
        Column("99 % interval", number=True),
        Column("n", number=True),
        Column("could see", number=True),
        Column("says"),
    )
    rows = [_row(comparison) for comparison in comparisons]
    widths = [max(map(len, cells)) for cells in zip([each.name for each in columns], *rows, strict=True)]
    fits = sum(widths) + 2 * (len(widths) - 1) <= width
    table = render_table(columns, rows, width=width, colour=colour) if fits else _stacked(rows, width)
    parts = [harmless(head), table]
    return "\n".join(parts + _reasons(comparisons))


def _stacked(rows: Sequence[tuple[str, ...]], width: int) -> str:
    """Each series as two or more lines, for narrow terminals: what is said of it, then its numbers and how sure they are."""
    import textwrap

    lines: list[str] = []
    for series, before, after, change, interval, n, visible, says in rows:
        lines += textwrap.wrap(harmless(f"{series}  {says}"), width, subsequent_indent="  ", break_on_hyphens=False)
        numbers = [f"{before} → {after}  {change}" if before != "–" else after]
        ends, _, level = interval.partition(" (")
        numbers += [f"({level.removesuffix(')') or '99 %'}: {ends})"] if " … " in interval else []
        numbers += [f"n = {n}", f"could see {visible}"] if visible.startswith("±") else []
        # A number is not parted from its unit, nor an interval in its middle.
        whole = ", ".join(harmless(each).replace(" ", _UNBROKEN) for each in numbers).replace(", (", " (")
        indent = " " * 4
        wrapped = textwrap.wrap(whole, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)
        lines += [line.replace(_UNBROKEN, " ") for line in wrapped]
    return "\n".join(lines)


def _row(comparison: Comparison) -> tuple[str, ...]:
    before, after = write_values((comparison.before, comparison.after), comparison.unit)
    evidence = comparison.evidence
    change = write_percent(comparison.relative)
    series = str(comparison.series)
    if isinstance(evidence, Exact):
        return series, before, after, change, "exact", "1", "any", "exact" if comparison.relative else "the same"
    if isinstance(evidence, Insufficient):
        return series, before, after, change, "", str(len(comparison.used)), "", evidence.code
    return (
        series,
        before,
        after,
        change,
        _interval(evidence),
        str(evidence.numbers.n),
        _visible(evidence),
        _WORDS[evidence.finding],
    )


def _interval(evidence: Tested) -> str:
    if evidence.change_low is None or evidence.change_high is None:
        return "–"
    level = "" if evidence.level == _USUAL else f" ({evidence.level * 100:.3g} %)"
    return f"{write_percent(evidence.change_low)} … {write_percent(evidence.change_high)}{level}"


def _visible(evidence: Tested) -> str:
    return f"±{write_percent(evidence.numbers.visible, signed=False)}" if evidence.numbers.visible is not None else "–"


def _reasons(comparisons: Sequence[Comparison]) -> list[str]:
    """One line for each reason that kept series from being compared, with how many it concerns."""
    reasons: dict[tuple[str, str], int] = {}
    for comparison in comparisons:
        if isinstance(comparison.evidence, Insufficient):
            key = comparison.evidence.missing, comparison.evidence.remedy
            reasons[key] = reasons.get(key, 0) + 1
    return [
        f"{count} series: {harmless(missing)}" + (f" ({harmless(remedy)})" if remedy else "")
        for (missing, remedy), count in reasons.items()
    ]


def as_json(
    comparisons: Sequence[Comparison],
    baseline: Baseline,
    tests: Sequence[SuiteChange] = (),
    moved: Sequence[Moved] = (),
) -> str:
    """The comparisons for other programs: one object a series, numbers in base units, money as strings; what changed in suites; frames that grew."""
    rows = [
        {
            "series": str(each.series),
            "unit": str(each.unit),
            "before": _plain(each.before),
            "after": _plain(each.after),
            "relative": None if each.relative is None or abs(each.relative) == float("inf") else each.relative,
            "evidence": type(each.evidence).__name__.lower(),
            "says": _row(each)[7],
            "interval": [each.evidence.change_low, each.evidence.change_high]
            if isinstance(each.evidence, Tested)
            else None,
            "level": each.evidence.level if isinstance(each.evidence, Tested) else None,
            "visible": each.evidence.numbers.visible if isinstance(each.evidence, Tested) else None,
            "n": each.evidence.numbers.n if isinstance(each.evidence, Tested) else len(each.used),
        }
        for each in comparisons
    ]
    value = {"baseline": baseline.source, "runs": len(baseline.runs), "comparisons": rows}
    if tests:
        from perfgate.formats import decision_tests

        value["tests"] = [decision_tests.value_of(each) for each in tests]
    if moved:
        value["profiles"] = [frames.as_value(each) for each in moved]
    return json.dumps(value, indent=2, ensure_ascii=False)


def _plain(value: object) -> object:
    return value if value is None or isinstance(value, (int, float)) else str(value)
