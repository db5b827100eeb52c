"""One series over its commits: a sparkline, its segments, its newest values, and which of them the baseline uses."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence
from typing import NamedTuple

from perfgate.core.baseline import Baseline, as_float
from perfgate.core.metrics import Assumption, Direction
from perfgate.core.stats.change_points import ChangePoint
from perfgate.core.stats.estimators import median
from perfgate.core.tracks import Track
from perfgate.core.units import Number, write_percent, write_values
from perfgate.render.sparkline import marks, sparkline
from perfgate.render.tables import Column, render_table
from perfgate.render.text import harmless

#: Narrower than this the names of the runs are left out, which tell day and commit again, and where else a step may have begun.
_WITH_RUNS = 120
#: More segments than this are not read by anyone.
_MOST_SEGMENTS = 20
_BETTER = {
    Direction.LOWER: "lower is better",
    Direction.HIGHER: "higher is better",
    Direction.NONE: "neither way is better",
}


class _Row(NamedTuple):
    """One value: the position of its run, its place among those that count (None where it was retired), why it was retired."""

    run: int
    value: Number
    place: int | None
    retired: str = ""


def render(track: Track, baseline: Baseline, *, last: int, others: int, width: int, colour: bool, unicode: bool) -> str:
    """The history of one series of one kind; `others` values of other kinds are only counted."""
    rows = _rows(track)
    lines = textwrap.wrap(harmless(str(track.series)), width, subsequent_indent="  ", break_on_hyphens=False)
    about = harmless(_about(track, baseline, rows))
    lines += textwrap.wrap(about, width, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)
    if others:
        lines.append(f"  {others} more of other machines or conditions (--all-machines shows them)")
    bars = max(10, width - 4)
    lines += ["", f"  {sparkline([as_float(row.value) for row in rows], width=bars, unicode=unicode)}"]
    begins = [position for position, row in enumerate(rows) if row.place in {change.start for change in track.changes}]
    if begins and (under := marks(begins, len(rows), width=bars)):
        lines.append(f"  {under}")
    lines += ["", *_segments(track, baseline, width=width, colour=colour)]
    lines += ["", _values(track, baseline, rows[-last:] if last else rows, width=width, colour=colour)]
    if last and len(rows) > last:
        lines.append(f"{len(rows) - last} older values (--last 0 shows all)")
    return "\n".join(lines)


def _rows(track: Track) -> list[_Row]:
    rows = [_Row(each.run, each.value, None, each.cut.reason or "retired") for each in track.retired]
    rows += [_Row(run, value, index) for index, (run, value) in enumerate(zip(track.runs, track.values, strict=True))]
    return sorted(rows, key=lambda row: row.run)


def _about(track: Track, baseline: Baseline, rows: Sequence[_Row]) -> str:
    days = [_day(baseline, row.run) for row in rows]
    values = f"{len(rows)} value{'' if len(rows) == 1 else 's'}, {days[0]} to {days[-1]}"
    retired = f", {len(track.retired)} of them retired" if track.retired else ""
    exact = ", exact" if track.kind.assumption is Assumption.EXACT else ""
    conditions = [str(track.kind.machine), *(f"{name} {value}" for name, value in track.kind.conditions)]
    on = "; ".join(part for part in conditions if part)
    return f"{track.kind.unit}, {_BETTER[track.kind.better]}{exact} · {values}{retired}{f' · {on}' if on else ''}"


def _segments(track: Track, baseline: Baseline, *, width: int, colour: bool) -> list[str]:
    columns: tuple[Column, ...] = (
        Column("segment from", whole=True),
        Column("commit", whole=True),
        Column("values", number=True),
        Column("median", number=True),
        Column("step", number=True),
        Column("95 % interval", number=True),
        Column("may have begun with", whole=True),
    )
    edges = track.edges
    shown = edges[-_MOST_SEGMENTS:]
    medians = write_values(tuple(median(track.values[start:end]) for start, end in shown), track.kind.unit)
    steps: dict[int, ChangePoint] = {change.start: change for change in track.changes}
    rows: list[tuple[str, ...]] = []
    for (start, end), level in zip(shown, medians, strict=True):
        step = steps.get(start)
        run = baseline.runs[track.runs[start]]
        between = ""
        if step is not None and step.earliest < step.latest:
            first, last = (baseline.runs[track.runs[place]].commit[:7] for place in (step.earliest, step.latest))
            between = f"{first}…{last}"
        cells = (_day(baseline, track.runs[start]), run.commit[:10], str(end - start), level)
        rows.append((*cells, write_percent(_ratio(step)), _interval(step), between))
    if width < _WITH_RUNS or not any(row[-1] for row in rows):
        columns, rows = columns[:-1], [row[:-1] for row in rows]
    lines = [render_table(columns, rows, width=width, colour=colour)] if rows else ["no value counts any more"]
    if len(edges) > len(shown):
        lines.append(f"{len(edges) - len(shown)} older segments")
    return lines


def _ratio(step: ChangePoint | None) -> float | None:
    return None if step is None or step.ratio is None else step.ratio - 1


def _interval(step: ChangePoint | None) -> str:
    if step is None or step.low is None or step.high is None or step.low == step.high:
        return ""
    return f"{write_percent(step.low - 1)} … {write_percent(step.high - 1)}"


def _values(track: Track, baseline: Baseline, rows: Sequence[_Row], *, width: int, colour: bool) -> str:
    columns: tuple[Column, ...] = (
        Column("date", whole=True),
        Column("commit", whole=True),
        Column("run", whole=True),
        Column("value", number=True),
        Column("in the baseline"),
    )
    values = write_values(tuple(row.value for row in rows), track.kind.unit)
    starts = {change.start for change in track.changes}
    cells: list[tuple[str, ...]] = []
    for row, value in zip(rows, values, strict=True):
        run = baseline.runs[row.run]
        notes = [f"retired: {row.retired}" if row.place is None else "used" if row.place >= track.used else ""]
        notes.append("a segment begins" if row.place in starts else "")
        notes.append("anchor" if row.place is not None and row.place == track.anchor else "")
        told = ", ".join(note for note in notes if note)
        cells.append((_day(baseline, row.run), run.commit[:10], run.id, value, told))
    if width < _WITH_RUNS:
        columns = (*columns[:2], *columns[3:])
        cells = [(*row[:2], *row[3:]) for row in cells]
    return render_table(columns, cells, width=width, colour=colour)


def _day(baseline: Baseline, run: int) -> str:
    return baseline.runs[run].started_at[:10]


def as_json(tracks: Sequence[Track], baseline: Baseline) -> str:
    """The histories for other programs: numbers in base units, money as strings; places are indexes into `values`."""
    return json.dumps(
        {
            "baseline": baseline.source,
            "runs": len(baseline.runs),
            "series": [_plain(each, baseline) for each in tracks],
        },
        indent=2,
        ensure_ascii=False,
    )


def _plain(track: Track, baseline: Baseline) -> dict[str, object]:
    rows = _rows(track)
    places = {row.place: position for position, row in enumerate(rows) if row.place is not None}
    return {
        "series": str(track.series),
        "unit": str(track.kind.unit),
        "better": track.kind.better.value,
        "assumption": track.kind.assumption.value,
        "machine": str(track.kind.machine),
        "conditions": dict(track.kind.conditions),
        "anchor": None if track.anchor is None else places[track.anchor],
        "used_from": places.get(track.used),
        "segments": [
            {"start": places[start], "values": end - start, "median": _number(median(track.values[start:end]))}
            for start, end in track.edges
        ],
        "changes": [
            {
                "start": places[change.start],
                "earliest": places[change.earliest],
                "latest": places[change.latest],
                "before": change.before,
                "after": change.after,
                "change": _ratio(change),
                "interval": None if change.low is None or change.high is None else [change.low - 1, change.high - 1],
            }
            for change in track.changes
        ],
        "values": [
            {
                "run": baseline.runs[row.run].id,
                "commit": baseline.runs[row.run].commit,
                "started_at": baseline.runs[row.run].started_at,
                "value": _number(row.value),
                "retired": row.retired or None,
            }
            for row in rows
        ],
    }


def _number(value: Number) -> object:
    return value if isinstance(value, (int, float)) else str(value)
