"""A calibration for people and programs: how often the gate cries wolf, what each budget can see, and what to do."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence

from perfgate.core.budgets import Judge, Level
from perfgate.core.calibration import TOLERATED, Calibration, Record, Share, Standing
from perfgate.core.calibration_advice import Advice, Wider, advise
from perfgate.core.injection import asked_of
from perfgate.core.units import write_percent, write_threshold
from perfgate.core.visibility import LEAST, UP_TO
from perfgate.render.markdown_text import block, code, prose
from perfgate.render.tables import Column, name_column, render_table
from perfgate.render.text import harmless

SCHEMA = "perfgate/calibration/1"
#: Below this many rows all are shown; above it those that are fine are counted.
_FEW = 30
_MOST, _MOST_ADVICE = 200, 12
#: From this width on there is room for the engine's own figure and the suspects.
_WIDE = 150


def render(found: Calibration, *, width: int, colour: bool, every: bool = False) -> str:
    """The calibration as sentences, a table worst first, and what to do."""
    lines = [harmless(line) for line in _head(found)]
    shown = [each for each in found.records if every or len(found.records) <= _FEW or _is_worth_a_row(each)]
    if shown:
        lines += ["", _table(shown[:_MOST], width=width, colour=colour)]
    if len(shown) > _MOST:
        lines.append(f"and {len(shown) - _MOST} more (--json has them all)")
    if hidden := len(found.records) - len(shown):
        lines.append(f"{hidden} more are fine (--all shows them)")
    for line in (*_beside(found), *_what_to_do(advise(found))):
        lines += _wrapped(line, width)
    return "\n".join(lines)


def _is_worth_a_row(record: Record) -> bool:
    return record.budgeted and (record.standing is not Standing.SOUND or record.alarms.hits > 0)


def _head(found: Calibration) -> list[str]:
    if not found.replayed:
        return [f"{found.source or 'the baseline'}: {_runs(found.runs)}, none of which can be judged again"]
    thinned = "" if found.replayed == found.eligible else f" ({found.eligible} could be; evenly thinned)"
    lines = [
        f"{found.source}: {found.replayed} of {_runs(found.runs)} judged again{thinned}, each against the runs before it"
    ]
    if found.alarmed.of:
        verdict = " – more than can be tolerated" if found.alarms_too_often else ""
        lines.append(f"false alarms: {_counted(found.alarmed)} of the runs had any{verdict}")
        if found.would.hits != found.alarmed.hits:
            lines.append(f"if every budget were enforced: {_counted(found.would)}")
    else:
        lines.append("false alarms: no budget met a run")
    return lines


def _runs(count: int) -> str:
    return f"{count} run{'' if count == 1 else 's'}"


def _counted(share: Share) -> str:
    """A share with its interval: "2 of 95 (2.1 %, 95 % interval 0.3 … 7.4 %)"."""
    low, high = (write_percent(end, signed=False) for end in share.ends)
    return f"{share.hits} of {share.of} ({write_percent(share.ratio, signed=False)}, 95 % interval {low} … {high})"


# --- the table --------------------------------------------------------------------------------------------------------


def _table(records: Sequence[Record], *, width: int, colour: bool) -> str:
    rows = [_row(record) for record in records]
    columns = [
        name_column([row[0] for row in rows], width),
        Column("budget", number=True),
        Column("runs", number=True),
        Column("alarms", number=True),
        Column("95 % interval", number=True),
        Column("suspect", number=True),
        Column("unjudged", number=True),
        Column("could see", number=True),
        Column("showed", number=True),
        Column("injected", number=True),
        Column("seen", number=True),
        Column("blocked", number=True),
        Column("says"),
    ]
    if width < _WIDE:
        kept = (0, 1, 3, 6, 8, 10, 12) if width < 100 else (0, 1, 2, 3, 6, 7, 8, 10, 12)
        columns, rows = [columns[at] for at in kept], [tuple(row[at] for at in kept) for row in rows]
    return render_table(columns, rows, width=width, colour=colour)


def _row(record: Record) -> tuple[str, ...]:
    asked = asked_of(record.budget.relative) if record.budget.relative is not None else None
    low, high = (write_percent(end, signed=False) for end in record.alarms.ends)
    exact = record.replayed > 0 and not record.alarms.of and record.promised is None
    return (
        str(record.series),
        "none" if asked is None else write_threshold(asked),
        str(record.replayed),
        "exact" if exact else f"{record.alarms.hits}/{record.alarms.of}" if record.alarms.of else "–",
        f"{low} … {high}" if record.alarms.of else "–",
        str(record.suspects) if record.alarms.of else "–",
        _ratio(record.inconclusive),
        "any" if exact else write_percent(record.promised, signed=False),
        "any" if exact else _shown(record),
        "–" if record.size is None else write_percent(record.size if record.upwards else -record.size),
        _ratio(record.seen),
        _ratio(record.blocked),
        says(record),
    )


def _ratio(share: Share) -> str:
    return f"{100 * share.hits / share.of:.0f} %" if share.of else "–"


def _shown(record: Record) -> str:
    if record.shown is None or math.isfinite(record.shown):
        return write_percent(record.shown, signed=False)
    return f"> {write_percent(max(LEAST, UP_TO * (record.promised or 0.0)), signed=False)}"


def says(record: Record) -> str:
    """The standing in a few words, with what else is known of the history."""
    words = [record.standing.value]
    if record.standing is Standing.SHORT:
        words = [f"too few runs ({record.runs})"]
    elif record.standing is Standing.DIM and 2 * record.inconclusive.hits <= record.inconclusive.of:
        words = ["not judged now"]
    if record.together:
        words.append(f"{record.together} scenarios together")
    elif record.budget.judge is Judge.FAMILY:
        words.append("one of a family")
    if not record.budgeted:
        words.append("no budget")
    if record.at_changes:
        words.append(f"{record.at_changes} alarm{'' if record.at_changes == 1 else 's'} at changes")
    if record.changes:
        words.append(f"changed {record.changes} ×")
    if record.over:
        words.append(f"over its limit {record.over} ×")
    if record.drift is not None:
        words.append(f"drifted {write_percent(record.drift)}")
    return ", ".join(words)


# --- what else there is to say ----------------------------------------------------------------------------------------


def _beside(found: Calibration) -> list[str]:
    notes = [f"{each.selector} ({each.place}) was not judged again: {why}" for each, why in found.elsewhere]
    notes += [
        f"{each.selector} ({each.place}) was not judged again: no run has such a series with five comparable earlier runs"
        for each in found.unmatched
    ]
    short = [record for record in found.records if record.standing is Standing.SHORT]
    if short:
        most = max(record.runs for record in short)
        notes.append(
            f"{len(short)} series have too little history ({most} values at most; a run is judged again after 5): admit more runs of the default branch"
        )
    return ["", *notes] if notes else []


def _what_to_do(advice: Sequence[Advice]) -> list[str]:
    if not advice:
        return []
    lines = ["", "What to do:"]
    for each in advice[:_MOST_ADVICE]:
        lines.append(f"  {each.series}: {each.problem}")
        lines += [f"    - {step}" for step in each.steps]
    if len(advice) > _MOST_ADVICE:
        lines.append(f"  and {len(advice) - _MOST_ADVICE} more series (--json has them all)")
    pasted = lines_to_paste(advice[:_MOST_ADVICE])
    if pasted:
        lines += ["", "Budgets that these series can keep, to paste at the end of budgets: in budgets.yaml:", *pasted]
    return lines


def lines_to_paste(advice: Iterable[Advice]) -> list[str]:
    """The wider budgets as lines of budgets.yaml; the last budget that names a series wins, so they go to the end."""
    lines: list[str] = []
    for each in advice:
        if each.wider is not None:
            lines += _budget_lines(harmless(str(each.series)), each.wider)
    return lines


def _budget_lines(series: str, wider: Wider) -> list[str]:
    warn, limit = (write_threshold(ratio).replace(" ", "") for ratio in (wider.warn, wider.block))
    return [
        f"  - series: {json.dumps(series, ensure_ascii=False)}",
        f"    {wider.key}: {{warn: {warn}, block: {limit}}}",
    ]


def _wrapped(line: str, width: int) -> list[str]:
    import textwrap

    plain = harmless(line)
    indent = " " * (len(plain) - len(plain.lstrip()) + 2)
    if plain.lstrip().startswith(("- series:", "max_")):
        return [plain]
    return textwrap.wrap(plain, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False) or [""]


# --- Markdown and JSON ------------------------------------------------------------------------------------------------


def as_markdown(found: Calibration) -> str:
    """The calibration for a job summary."""
    parts = ["## perfgate calibrate", "\n".join(f"- {prose(line)}" for line in _head(found))]
    shown = [each for each in found.records if len(found.records) <= _FEW or _is_worth_a_row(each)][:_MOST]
    if shown:
        rows = [
            "| series | budget | alarms | unjudged | could see | showed | seen | says |",
            "|---|---|---|---|---|---|---|---|",
        ]
        for record in shown:
            row = _row(record)
            cells = [code(row[0], 200), *(prose(row[at]) for at in (1, 3, 6, 7, 8, 10, 12))]
            rows.append("| " + " | ".join(cells) + " |")
        parts.append("\n".join(rows))
    if notes := [line for line in _beside(found) if line]:
        parts.append("\n".join(f"- {prose(note, 500)}" for note in notes))
    advice = advise(found)
    if advice:
        lines = [
            f"- {code(str(each.series), 200)}: {prose('; '.join((each.problem, *each.steps)), 900)}"
            for each in advice[:_MOST_ADVICE]
        ]
        parts.append("**What to do**\n\n" + "\n".join(lines))
    if pasted := lines_to_paste(advice[:_MOST_ADVICE]):
        parts.append(block("\n".join(pasted), "yaml"))
    return "\n\n".join(parts)


def as_json(found: Calibration) -> str:
    """The calibration for other programs: the same text for the same baseline and budgets. Ratios are 0–1."""
    advice = {each.series: each for each in advise(found)}
    value = {
        "schema": SCHEMA,
        "level": found.level.word,
        "baseline": found.source,
        "runs": found.runs,
        "eligible": found.eligible,
        "replayed": found.replayed,
        "first": found.first,
        "last": found.last,
        "tolerated": TOLERATED,
        "alarmed_runs": _share(found.alarmed),
        "alarmed_runs_if_enforced": _share(found.would),
        "series": [_object(record, advice.get(record.series)) for record in found.records],
        "not_replayed": [
            {"selector": str(each.selector), "place": each.place, "why": why} for each, why in found.elsewhere
        ]
        + [
            {"selector": str(each.selector), "place": each.place, "why": "no series with enough history"}
            for each in found.unmatched
        ],
    }
    return json.dumps(value, indent=2, ensure_ascii=False)


def _object(record: Record, advice: Advice | None) -> dict[str, object]:
    relative = record.budget.relative
    return {
        "series": str(record.series),
        "budget": record.budget.place,
        "warn": None if relative is None else relative.warn,
        "block": None if relative is None else relative.block,
        "enforce": record.budget.enforce.value,
        "standing": record.standing.name.lower(),
        "values": record.runs,
        "replayed": record.replayed,
        "false_alarms": _share(record.alarms),
        "alarms_at_changes": record.at_changes,
        "exact_changes": record.changes,
        "suspects": record.suspects,
        "inconclusive": _share(record.inconclusive),
        "over_limit": record.over,
        "smallest_visible": {"engine": _number(record.promised), "replay": _number(record.shown)},
        "injected": {"size": _number(record.size), "seen": _share(record.seen), "blocked": _share(record.blocked)},
        "changes": list(record.starts),
        "drift": _number(record.drift),
        "problem": advice.problem if advice else "",
        "steps": list(advice.steps) if advice else [],
        "budget_to_write": None
        if advice is None or advice.wider is None
        else {advice.wider.key: {"warn": advice.wider.warn, "block": advice.wider.block}},
    }


def _share(share: Share) -> dict[str, object]:
    low, high = share.ends
    return {"count": share.hits, "of": share.of, "low": _number(low), "high": _number(high)}


def _number(value: float | None) -> float | None:
    """Six digits, so that the text does not hinge on the last bit of a sum; None where it is not a finite number."""
    return float(f"{value:.6g}") if value is not None and math.isfinite(value) else None


def sentence(found: Calibration) -> str:
    """Why the exit code is not 0, for stderr; "" where it is."""
    if found.level is not Level.WARN:
        return ""
    reasons = []
    if found.alarms_too_often:
        reasons.append(f"more than {write_threshold(TOLERATED)} of unchanged runs alarm")
    if found.blind:
        reasons.append(f"{len(found.blind)} budgeted series cannot be judged")
    return "; ".join(reasons)
