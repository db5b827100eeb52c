"""Verdicts as a table of a comment: level, series and budget, both values and the change, and why."""

from __future__ import annotations

from collections.abc import Sequence

from perfgate.core.budgets import Level
from perfgate.core.decision import Decision, Rule, Subject, Verdict
from perfgate.render import text
from perfgate.render.markdown_sections import LONGEST_NAME, LONGEST_WHY, STEPS, Section, folded
from perfgate.render.markdown_text import code, prose

SIGNS = {Level.BLOCK: "⛔", Level.WARN: "⚠️", Level.INCONCLUSIVE: "❔", Level.PASS: "✅"}
_WOULD = "▫️"


def table(decision: Decision, verdicts: Sequence[Verdict], heading: str = "") -> Section:
    """A table of verdicts, folded under a heading where there is one."""
    comparisons = text.comparison_of(decision)
    rows = [_row(verdict, comparisons.get(verdict.series)) for verdict in verdicts[: STEPS[0]]]
    # Four columns of two lines each: a comment is some 80 characters wide, and a wider table hides the reasons.
    head = ["| | series, budget | base → now, change (99 % interval) | why |", "|---|---|---|---|"]
    remedies = dict.fromkeys(verdict.remedy for verdict in verdicts if verdict.level is Level.INCONCLUSIVE)
    settling = "".join(f"\n\nTo judge more: {prose(remedy, LONGEST_WHY)}" for remedy in list(remedies)[:3] if remedy)

    def write(most: int) -> str:
        left = len(verdicts) - min(most, len(rows))
        if not most:
            told = heading or f"{len(verdicts)} verdicts"
            return f"{told}: too many for a comment, all in `.perfgate/decision/decision.json`"
        more = [f"| | and {left} more, in `.perfgate/decision/decision.json` | | |"] if left else []
        return folded(heading, "\n".join([*head, *rows[:most], *more]) + settling)

    return Section(len(verdicts), write)


def _row(verdict: Verdict, comparison: Subject | None) -> str:
    level = text.level_of(verdict)
    sign = _WOULD if level != verdict.level.word else SIGNS[verdict.level]
    why = text.why(verdict)
    if verdict.remedy and verdict.level >= Level.WARN:
        why = f"{why}; {verdict.remedy}"
    budget = prose(text.budget_of(verdict).replace(" %", "\u00a0%"), LONGEST_NAME)
    cells = (
        _unbroken(f"{sign} {level}"),
        f"{code(str(verdict.series), LONGEST_NAME)}<br>{budget}",
        _numbers(comparison, interval=verdict.rule is not Rule.LIMIT),
        prose(why.replace(" %", "\u00a0%"), LONGEST_WHY),
    )
    return "| " + " | ".join(cells) + " |"


def _numbers(comparison: Subject | None, *, interval: bool) -> str:
    """Both values, and below them the change, with its interval where the verdict rests on it."""
    before, after = (prose(_unbroken(value)) for value in text.before_and_after(comparison))
    values = after if before == "–" else f"{before}\u00a0→ {after}"
    change = _unbroken(text.change(comparison, interval=interval)).replace("\u00a0(", " (").replace(",\u00a0", ", ")
    return values if change == "–" else f"{values}<br>{prose(change)}"


def _unbroken(words: str) -> str:
    """A number that stays on one line with its unit."""
    return words.replace(" ", "\u00a0")
