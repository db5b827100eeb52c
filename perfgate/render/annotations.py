"""A decision as workflow commands of GitHub Actions, which become annotations on the change."""

from __future__ import annotations

from perfgate.core.budgets import Level
from perfgate.core.decision import Decision, Verdict
from perfgate.render import text

#: GitHub shows ten annotations of each kind for a step, and drops the rest without a word.
_MOST = 10
_KINDS = ((Level.BLOCK, "error"), (Level.WARN, "warning"), (Level.INCONCLUSIVE, "notice"))


def render(decision: Decision) -> tuple[str, ...]:
    """At most ten commands of each kind, worst first; the tenth says how many more there are."""
    lines: list[str] = []
    comparisons = text.comparison_of(decision)
    for level, kind in _KINDS:
        verdicts = [verdict for verdict in decision.verdicts if verdict.level is level]
        shown = verdicts if len(verdicts) <= _MOST else verdicts[: _MOST - 1]
        for verdict in shown:
            lines.append(
                _command(
                    kind,
                    f"perfgate: {level.word}",
                    _sentence(verdict, text.before_and_after(comparisons.get(verdict.series))),
                )
            )
        if len(verdicts) > len(shown):
            rest = len(verdicts) - len(shown)
            lines.append(_command(kind, f"perfgate: {level.word}", f"and {rest} more; the job summary has them all"))
    return tuple(lines)


def _sentence(verdict: Verdict, values: tuple[str, str]) -> str:
    before, after = values
    numbers = after if before == "–" else f"{before} → {after}"
    return f"{verdict.series}: {numbers}; {text.why(verdict)}"


def _command(kind: str, title: str, message: str) -> str:
    return f"::{kind} title={_property(title)}::{_data(message)}"


def _data(words: str) -> str:
    """The escapes of a workflow command's message, after everything unprintable is gone."""
    return text.harmless(words).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(words: str) -> str:
    return _data(words).replace(":", "%3A").replace(",", "%2C")
