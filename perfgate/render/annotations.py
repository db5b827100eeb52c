"""A decision as workflow commands of GitHub Actions, which become annotations on the change."""

from __future__ import annotations

from typing import NamedTuple

from perfgate.core.budgets import Budget, Level
from perfgate.core.decision import Decision
from perfgate.render import text
from perfgate.render.places import is_placed, place_of

#: GitHub shows ten annotations of each kind for a step, and drops the rest without a word.
MOST = 10
#: Longer messages are not read as annotations; the job summary has every word.
_LONGEST = 1000
_KINDS = ((Level.BLOCK, "error"), (Level.WARN, "warning"), (Level.INCONCLUSIVE, "notice"))
#: Where the change has budgets of its own, the lines of the ruling ones are other lines there.
_OTHER_LINES = frozenset({"budgets edited", "budgets broken"})


def render(decision: Decision, *, project: str = "") -> tuple[str, ...]:
    """At most ten commands of each kind, worst first, on the budget's line where it is known; the tenth says how many more there are.

    `project` is the folder of the project in its repository: it stands in the title, so that the calls of a monorepo's job can be told apart.
    """
    lines: list[str] = []
    comparisons = text.comparison_of(decision)
    placed = not any(caveat.code in _OTHER_LINES for caveat in decision.caveats)
    name = f"perfgate in {project}" if project else "perfgate"
    for level, kind in _KINDS:
        told: list[tuple[Budget | None, str]] = [
            (verdict.budget, text.sentence(verdict, comparisons.get(verdict.series)))
            for verdict in decision.verdicts
            if verdict.level is level
        ]
        told += [(each.budget, text.unmatched(each)) for each in decision.unmatched if each.level is level]
        shown = told if len(told) <= MOST else told[: MOST - 1]
        if rest := len(told) - len(shown):
            shown = [*shown, (None, f"and {rest} more; the job summary has them all")]
        for budget, words in shown:
            where = _where(budget, project) if placed and budget is not None and is_placed(budget) else ""
            lines.append(f"::{kind} {where}title={_property(f'{name}: {level.word}')}::{_data(words[:_LONGEST])}")
    return tuple(lines)


def error(sentence: str) -> str:
    """The command for an error that kept a decision from being made."""
    return f"::error title=perfgate::{_data(sentence[:_LONGEST])}"


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
            f"perfgate: {verdict.level.word}",
            text.sentence(verdict, comparisons.get(verdict.series)),
        )
        for verdict in decision.verdicts
        if verdict.level > Level.PASS
    ]
    told += [
        Note(each.level, each.budget.place, f"perfgate: {each.level.word}", text.unmatched(each))
        for each in decision.unmatched
        if each.level > Level.PASS
    ]
    told.sort(key=lambda note: note.level, reverse=True)
    if len(told) > most:
        rest = len(told) - most + 1
        last = told[most - 1]
        told[most - 1 :] = [last._replace(message=f"and {rest} more; the job summary has them all")]
    return tuple(note._replace(message=text.harmless(note.message)) for note in told)


def _where(budget: Budget, project: str) -> str:
    place = place_of(budget, project)
    return f"file={_property(place.path)},line={place.line},"


def _data(words: str) -> str:
    """The escapes of a workflow command's message, after everything unprintable is gone."""
    return text.harmless(words).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(words: str) -> str:
    return _data(words).replace(":", "%3A").replace(",", "%2C")
