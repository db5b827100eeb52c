"""A decision as workflow commands of GitHub Actions, which become annotations on the change."""

from __future__ import annotations

from typing import NamedTuple

from perfgate.core.budgets import Level
from perfgate.core.decision import Decision, Subject, Verdict
from perfgate.render import text

#: GitHub shows ten annotations of each kind for a step, and drops the rest without a word.
_MOST = 10
#: Longer messages are not read as annotations; the job summary has every word.
_LONGEST = 1000
_KINDS = ((Level.BLOCK, "error"), (Level.WARN, "warning"), (Level.INCONCLUSIVE, "notice"))


def render(decision: Decision) -> tuple[str, ...]:
    """At most ten commands of each kind, worst first; the tenth says how many more there are."""
    lines: list[str] = []
    comparisons = text.comparison_of(decision)
    for level, kind in _KINDS:
        told = [
            _sentence(verdict, comparisons.get(verdict.series))
            for verdict in decision.verdicts
            if verdict.level is level
        ]
        told += [text.unmatched(each) for each in decision.unmatched if each.level is level]
        shown = told if len(told) <= _MOST else told[: _MOST - 1]
        if rest := len(told) - len(shown):
            shown = [*shown, f"and {rest} more; the job summary has them all"]
        lines += [_command(kind, f"perfgate: {level.word}", words) for words in shown]
    return tuple(lines)


class Note(NamedTuple):
    """A sentence on the budget at `place` (`budgets.yaml:12`)."""

    level: Level
    place: str
    title: str
    message: str


def notes(decision: Decision, most: int) -> tuple[Note, ...]:
    """What is wrong, beside the budget that says so, worst first; at most `most`, the last of which says how many more there are."""
    comparisons = text.comparison_of(decision)
    told = [
        Note(
            verdict.level,
            verdict.budget.place,
            _title(verdict.level),
            _sentence(verdict, comparisons.get(verdict.series)),
        )
        for verdict in decision.verdicts
        if verdict.level > Level.PASS
    ]
    told += [
        Note(each.level, each.budget.place, _title(each.level), text.unmatched(each))
        for each in decision.unmatched
        if each.level > Level.PASS
    ]
    told.sort(key=lambda note: note.level, reverse=True)
    if len(told) > most:
        rest = len(told) - most + 1
        last = told[most - 1]
        told[most - 1 :] = [last._replace(message=f"and {rest} more; the job summary has them all")]
    return tuple(note._replace(message=text.harmless(note.message)) for note in told)


def _title(level: Level) -> str:
    return f"perfgate: {level.word}"


def _sentence(verdict: Verdict, comparison: Subject | None) -> str:
    before, after = text.before_and_after(comparison)
    numbers = after if before == "–" else f"{before} → {after}"
    remedy = f"; {verdict.remedy}" if verdict.remedy else ""
    return f"{verdict.series}: {numbers}; {text.why(verdict, comparison)}{remedy}"


def _command(kind: str, title: str, message: str) -> str:
    return f"::{kind} title={_property(title)}::{_data(message[:_LONGEST])}"


def _data(words: str) -> str:
    """The escapes of a workflow command's message, after everything unprintable is gone."""
    return text.harmless(words).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(words: str) -> str:
    return _data(words).replace(":", "%3A").replace(",", "%2C")
