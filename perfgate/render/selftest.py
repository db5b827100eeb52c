"""A self-test for people and programs: what the unchanged run came to, and for each budget whether it was shown to work."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal

from perfgate.core.decision import Rule
from perfgate.core.selftest import Proof, Result, SelfTest
from perfgate.core.units import Number, write_threshold
from perfgate.render.tables import Column, name_column, render_table
from perfgate.render.text import harmless

SCHEMA = "perfgate/selftest/1"
_MOST, _MOST_EVERY = 40, 1000
_NARROW = 100


def render(found: SelfTest, *, width: int, colour: bool, every: bool = False) -> str:
    """The self-test as sentences and a table, worst first; the series of one budget that works are one row unless `every`."""
    lines = _wrapped(_head(found), width)
    for reason in found.reasons[:5]:
        lines += _wrapped(f"  {reason}", width)
    ordered = sorted(found.results, key=lambda each: list(Proof).index(each.proof))
    rows = [_row([each]) for each in ordered] if every else [_row(group) for group in _grouped(ordered)]
    most = _MOST_EVERY if every else _MOST
    if rows:
        columns = [
            Column("budget"),
            Column("rule"),
            name_column([row[2] for row in rows], width),
            Column("result", whole=width >= _NARROW),
            Column("how"),
        ]
        if width < _NARROW:
            columns, rows = columns[1:], [row[1:] for row in rows]
        lines += ["", render_table(columns, rows[:most], width=width, colour=colour)]
    if len(rows) > most:
        lines.append(f"and {len(rows) - most} more rows ({'--json has' if every else '--all shows'} them)")
    return "\n".join((*lines, "", *_wrapped(_summary(found), width)))


def _head(found: SelfTest) -> str:
    runs = "the newest admitted run" if len(found.runs) == 1 else f"the newest {len(found.runs)} admitted runs"
    names = ", ".join(found.runs)
    before = f"{found.before} run{'' if found.before == 1 else 's'} before"
    return f"{runs}, {names}, unchanged against {before}: {found.unchanged.word}, exit code {found.code}"


def _summary(found: SelfTest) -> str:
    counts = ((sum(each.proof is proof for each in found.results), proof.value) for proof in Proof)
    told = ", ".join(f"{count} {word}" for count, word in counts if count) or "nothing to test"
    gated = sum(each.gated for each in found.results)
    return f"{told}; {gated} through the whole gate, the others by its engine; nothing stored was changed"


def _grouped(results: Sequence[Result]) -> list[list[Result]]:
    """Results that say the same kind of thing of one budget, together; each that does not work stays alone."""
    groups: dict[tuple[object, ...], list[Result]] = {}
    for position, each in enumerate(results):
        alone = position if each.proof in {Proof.BROKEN, Proof.HIDDEN} else -1
        groups.setdefault((each.budget.place, each.budget.selector, each.rule, each.proof, alone), []).append(each)
    return list(groups.values())


def _row(group: Sequence[Result]) -> tuple[str, ...]:
    first = group[0]
    names = str(first.series or first.budget.selector)
    if len(group) > 1:
        names += f" and {len(group) - 1} more"
    return first.budget.place, _rule(first), names, first.proof.value, first.said


def _rule(result: Result) -> str:
    if result.rule is Rule.LIMIT and result.budget.limit is not None:
        return f"limit {result.budget.limit}"
    relative = result.budget.relative
    if relative is None:
        return "none"
    kind = "family" if result.rule is Rule.FAMILY else "change"
    return f"{kind} {write_threshold(relative.block if relative.block is not None else relative.warn)}"


def _wrapped(line: str, width: int) -> list[str]:
    import textwrap

    return textwrap.wrap(harmless(line), width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def as_json(found: SelfTest) -> str:
    """The self-test for other programs; money as strings."""
    value = {
        "schema": SCHEMA,
        "runs": list(found.runs),
        "commit": found.commit,
        "runs_before": found.before,
        "unchanged": {"level": found.unchanged.word, "exit_code": found.code, "reasons": list(found.reasons)},
        "works": found.proved > 0 and not found.broken and not found.doubtful,
        "results": [
            {
                "budget": each.budget.place,
                "selector": str(each.budget.selector),
                "rule": each.rule.value,
                "series": None if each.series is None else str(each.series),
                "result": each.proof.name.lower(),
                "expected": each.expected.word,
                "value": _plain(each.values[0][1]) if len(each.values) == 1 else None,
                "said": each.said,
                "whole_gate": each.gated,
            }
            for each in found.results
        ],
    }
    return json.dumps(value, indent=2, ensure_ascii=False)


def _plain(value: Number) -> object:
    return str(value) if isinstance(value, Decimal) else value
