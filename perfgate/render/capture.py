"""A run as people want to see it right after measuring: each series with its value and spread, then what to know beside."""

from __future__ import annotations

from collections.abc import Iterator

from perfgate.core.baseline import run_value
from perfgate.core.frames import BLOCK as PROFILE
from perfgate.core.model import Measurement, Run, State
from perfgate.core.units import write_percent, write_value, write_values
from perfgate.render import commands, resources, suite
from perfgate.render.suite_rows import TEST_BLOCKS
from perfgate.render.tables import Column, render_table
from perfgate.render.text import harmless

_DETAIL_ROWS = 5
#: Series named beside a reason that they share; the table shows them all.
_NAMED = 8
#: What the block of profiles tells as shares from 0 to 1.
_SHARES = frozenset({"self", "total"})
#: What has a picture of its own.
_DRAWN = frozenset({*commands.BLOCKS, resources.SUMMARY, resources.MOMENTS, *TEST_BLOCKS})


def render(run: Run, *, width: int, colour: bool, unicode: bool = True, slowest: int = 10) -> str:
    """What became of tests, the measurements as a table, the beginning of each other block of details, and the caveats.

    `slowest` is how many tests of a suite are listed as its slowest.
    """
    tests = suite.render(run, width=width, colour=colour, slowest=slowest)
    rows = [_row(measurement) for measurement in sorted(run.measurements, key=lambda each: str(each.series))]
    columns = (Column("series"), Column("value", number=True), Column("range", number=True), Column("n", number=True))
    parts = [tests, ""] if tests else []
    parts.append(render_table(columns, rows, width=width, colour=colour))
    if told := commands.render(run.details, width=width, colour=colour):
        parts.append(f"\n{told}\n")
    if resources.SUMMARY in run.details:
        rows_over_time = run.details.get(resources.MOMENTS, ())
        parts.append(
            "\n" + resources.render(run.details[resources.SUMMARY], rows_over_time, width=width, unicode=unicode)
        )
    for name, block in run.details.items():
        if block and name not in _DRAWN:
            parts.append(_details(name, block, width=width, colour=colour))
    parts += _reasons(run)
    for caveat in run.caveats:
        remedy = f" ({caveat.remedy})" if caveat.remedy else ""
        parts.append(f"note: {harmless(caveat.message + remedy)}")
    return "\n".join(parts)


def _reasons(run: Run) -> Iterator[str]:
    """Why values are not known, or not well: each reason once, behind the series that it is told of."""
    found: dict[str, list[str]] = {}
    for measurement in run.measurements:
        if measurement.state is not State.MEASURED:
            found.setdefault(measurement.reason, []).append(str(measurement.series))
    for reason, series in found.items():
        more = f" and {len(series) - _NAMED:,} more" if len(series) > _NAMED else ""
        yield f"{harmless(', '.join(series[:_NAMED]))}{more}: {harmless(reason)}"


def _row(measurement: Measurement) -> tuple[str, str, str, str]:
    series = str(measurement.series)
    if measurement.state is State.UNKNOWN or not measurement.values:
        return series, "unknown", "", "0"
    values = measurement.values
    prefix = "≥ " if measurement.state is State.LOWER_BOUND else ""
    text = prefix + write_value(run_value(measurement.unit, values), measurement.unit)
    low, high = min(values), max(values)
    spread = " – ".join(write_values((low, high), measurement.unit)) if low != high else ""
    return series, text, spread, str(len(values))


def _details(name: str, block: tuple[object, ...], *, width: int, colour: bool) -> str:
    rows = [row for row in block if isinstance(row, dict)][:_DETAIL_ROWS]
    names = list(dict.fromkeys(key for row in rows for key in row))
    columns = [
        Column(key.replace("_", " "), number=any(isinstance(row.get(key), (int, float)) for row in rows))
        for key in names
    ]
    shares = _SHARES if name == PROFILE else frozenset[str]()
    cells = [[_cell(row.get(key), share=key in shares) for key in names] for row in rows]
    more = f" (the first {len(rows)} of {len(block)})" if len(block) > len(rows) else ""
    return f"\n{harmless(name.replace('_', ' '))}{more}\n" + render_table(columns, cells, width=width, colour=colour)


def _cell(value: object, *, share: bool = False) -> str:
    if value is None:
        return "–"
    if share and isinstance(value, (int, float)):
        return write_percent(value, signed=False)
    if isinstance(value, float) and value.is_integer() and abs(value) >= 1e4:
        return f"{value:,.0f}"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
