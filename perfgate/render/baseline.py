"""The baseline as a list: its runs, and what was recorded about them."""

from __future__ import annotations

import json
from collections.abc import Sequence

from perfgate.core.model import Run
from perfgate.render.tables import Column, render_table
from perfgate.render.text import harmless

#: Narrower than this only the names are shown: they tell day and commit, and people copy them.
_WITH_MACHINE = 120


def render(runs: Sequence[Run], events: Sequence[str], *, folder: str, width: int, colour: bool) -> str:
    """The runs as a table, oldest first, then the events, a sentence each."""
    if not runs:
        return f"{folder} holds no admitted run yet\n  admit one: perfgate check --admit, on the default branch"
    columns: tuple[Column, ...] = (
        Column("run", whole=True),
        Column("started", whole=True),
        Column("commit", whole=True),
        Column("series", number=True),
        Column("machine"),
    )
    rows: list[tuple[str, ...]] = [
        (run.id, run.context.started_at, run.context.tested[:10], str(len(run.measurements)), str(run.context.machine))
        for run in sorted(runs, key=lambda run: (run.context.started_at, run.id))
    ]
    if width < _WITH_MACHINE:
        columns, rows = (columns[0], columns[3]), [(row[0], row[3]) for row in rows]
    lines = [f"{folder}: {len(runs)} runs", render_table(columns, rows, width=width, colour=colour)]
    lines += [harmless(event) for event in events]
    return "\n".join(lines)


def as_json(runs: Sequence[Run], events: Sequence[str]) -> str:
    """The list for other programs."""
    rows = [
        {
            "id": run.id,
            "started_at": run.context.started_at,
            "commit": run.context.tested,
            "series": sorted(str(measurement.series) for measurement in run.measurements),
            "excluded": list(run.excluded),
        }
        for run in runs
    ]
    return json.dumps({"runs": rows, "events": list(events)}, indent=2, ensure_ascii=False)
