"""What to do about a breach, ready to paste: see and repeat it, justify it, waive it; and what does not lift it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal

from perfgate.core.budgets import Level
from perfgate.core.compare import Tested
from perfgate.core.decision import Decision, Family, Rule, Subject, Verdict
from perfgate.core.metrics import Direction
from perfgate.core.model import Series
from perfgate.render import text
from perfgate.render.markdown_sections import LONGEST_NAME, LONGEST_WHY, Section, fixed, folded
from perfgate.render.markdown_text import block
from perfgate.render.text import harmless

#: A proposed ceiling is at least this much worse than the value.
_LEAST_ROOM = 0.05


def what_to_do(decision: Decision, loud: Sequence[Verdict]) -> list[Section]:
    """How to see the numbers and repeat the measurement, how to justify or waive, all of it ready to paste; and what not to do."""
    made = decision.circumstances
    reproduce = harmless(made.reproduce)
    worst = next(iter(_short(verdict.series for verdict in loud)), None)
    commands = [reproduce] if len(reproduce) <= LONGEST_WHY else []
    if worst is not None:
        commands.append(f"perfgate explain {text.shell_word(harmless(str(worst)))}")
    sections = []
    if commands:
        repeat = "**See the numbers and repeat it locally**\n\n" + block("\n".join(commands), "sh")
        if made.situation.ci and worst is not None:
            # Who reads a pull request has no decision folder yet.
            repeat += "\n\n`explain` reads `.perfgate/decision`: unpack the artifact of this job there first."
        sections.append(fixed(repeat))
    if any(verdict.level is Level.BLOCK for verdict in loud):
        lifted = f"**A block** is {text.lifted_by(decision)}; {text.NOT_TO_DO}."
        sections.append(fixed(lifted))
    comparisons = text.comparison_of(decision)
    waivers = [
        _waiver(decision, verdict, comparisons.get(verdict.series))
        for verdict in loud
        if verdict.level is Level.BLOCK and _short([verdict.series])
    ]
    warned = _short(verdict.series for verdict in loud if verdict.level is Level.WARN and not verdict.accepted)
    trailers = [f"Perf-Justification: {harmless(str(series))} - why this is worth it" for series in warned]
    waive = "Accept a block for a while: a waiver in budgets.yaml, landed on the base branch first"
    justify = "Justify a warning: a line in a commit message"
    return [
        *sections,
        _paste(waive, "yaml", [each for each in dict.fromkeys(waivers) if each], first="waivers:"),
        _paste(justify, "text", trailers),
    ]


def _short(series: Iterable[Series]) -> list[Series]:
    """Those whose names are short enough to paste, each once."""
    return [each for each in dict.fromkeys(series) if len(str(each)) <= LONGEST_NAME]


def _paste(heading: str, language: str, entries: Sequence[str], *, first: str = "") -> Section:
    """Lines to paste, folded under what they are for."""

    def write(most: int) -> str:
        if not entries or not most:
            return ""
        left = len(entries) - min(most, len(entries))
        more = f"\n\nand {left} more like these" if left else ""
        lines = [first] if first else []
        return folded(heading, block("\n".join([*lines, *entries[:most]]), language) + more)

    return Section(len(entries), write)


def _waiver(decision: Decision, verdict: Verdict, comparison: Subject | None) -> str:
    if comparison is None or comparison.after is None or verdict.rule is Rule.MISSING:
        return ""
    until = decision.circumstances.today + timedelta(days=30)
    return (
        f"  - series: {_yaml_text(harmless(str(verdict.series)))}\n"
        f"    ceiling: {ceiling(comparison)}\n"
        f"    until: {until}\n"
        f'    reason: ""   # why, and what will end it\n'
        f'    owner: ""    # who answers for it'
    )


def ceiling(comparison: Subject) -> str:
    """A quantity that the next runs at this level stay within, in the series' base unit, as budgets.yaml reads it."""
    after = Decimal(str(comparison.after))
    higher = comparison.better is Direction.HIGHER
    room = abs(after) * Decimal(str(_room(comparison, higher=higher)))
    bound = after - room if higher else after + room
    context = Context(prec=3, rounding=ROUND_FLOOR if higher else ROUND_CEILING)
    number = format(context.plus(bound), "f")
    if "." in number:
        number = number.rstrip("0").rstrip(".")
    unit = comparison.unit
    return f"{number} {unit}" if unit.is_money or unit.base in {"s", "B", "token"} else number


def _room(comparison: Subject, *, higher: bool) -> float:
    """How far beyond its value a series may come to lie without being worse: as far as runs differ, from 5 % to the value itself."""
    if isinstance(comparison, Family):
        return _LEAST_ROOM
    evidence, relative = comparison.evidence, comparison.relative
    if not isinstance(evidence, Tested) or relative is None or not -1 < relative < float("inf"):
        return _LEAST_ROOM
    end = evidence.change_low if higher else evidence.change_high
    spread = abs(end - relative) / (1 + relative) if end is not None else 0.0
    # A floor is never proposed at nothing, nor a ceiling at any multiple: a waiver that accepts everything is none.
    return min(max(spread, _LEAST_ROOM), 0.5 if higher else 1.0)


def _yaml_text(words: str) -> str:
    import json

    return json.dumps(words, ensure_ascii=False)
