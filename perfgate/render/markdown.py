"""A decision as Markdown: what a pull request is told. Worst first, details folded, never longer than a comment may be.

Text from data stands in code spans or code blocks (`markdown_text`), where GitHub reads no mention, link, image or HTML.
"""

from __future__ import annotations

from collections.abc import Iterable

from perfgate.core.budgets import Level
from perfgate.core.decision import Decision
from perfgate.core.model import Series
from perfgate.render import markdown_history, markdown_timeline, text
from perfgate.render.markdown_remedies import what_to_do
from perfgate.render.markdown_sections import LONGEST_NAME, LONGEST_WHY, Section, fitted, fixed, folded
from perfgate.render.markdown_table import SIGNS, table
from perfgate.render.markdown_text import code, inline, prose

#: GitHub takes no longer comment, counted in characters; bytes are kept below it too.
LIMIT = 65_536
#: A comment without any row is at most this long; a smaller limit cannot be kept.
LEAST = 8_000


def render(decision: Decision, *, project: str = "", limit: int = LIMIT) -> str:
    """The comment without the marker that is its first line; `project` names one of a monorepo's projects in the heading.

    At most `limit` characters and bytes (of which it needs `LEAST`): whole rows are left out, from the mild end, and said.
    """
    return fitted(_head(decision, project), _sections(decision), limit)


def resolved(decision: Decision, *, project: str = "", earlier: str = "", limit: int = LIMIT) -> str:
    """What takes the place of a breach's comment once nothing is at warn or block any more: short, and never "pass" where it is none.

    `earlier` is that comment; the series that it names as breached are listed with what they are now.
    """
    breached = [each for each in decision.verdicts if earlier and _was_loud(earlier, each.series)]
    rows = list(
        dict.fromkeys(
            f"- {code(str(each.series), LONGEST_NAME)}: {prose(each.reason, LONGEST_WHY)}" for each in breached
        )
    )
    shown = 20
    more = [f"- and {len(rows) - shown} more"] if len(rows) > shown else []
    word = "resolved" if decision.level is Level.PASS else f"no breach any more ({text.title(decision)})"
    head = (
        f"## {SIGNS[decision.level]} perfgate: {word}{_in(project)}",
        f"An earlier state of this change was over its budget; this one is not. {_told(decision)}",
    )
    return fitted(head, [fixed("\n".join([*rows[:shown], *more])), _rest(decision)], limit)


def mentions(comment: str, series: Series) -> bool:
    """Whether a comment made here names this series."""
    return code(str(series), LONGEST_NAME) in comment


def _was_loud(comment: str, series: Series) -> bool:
    signs = (f"| {SIGNS[Level.BLOCK]}", f"| {SIGNS[Level.WARN]}")
    return any(line.startswith(signs) and mentions(line, series) for line in comment.splitlines())


def _in(project: str) -> str:
    return f" in {code(project, 100)}" if project else ""


def _head(decision: Decision, project: str) -> tuple[str, ...]:
    return f"## {SIGNS[decision.level]} perfgate: {text.title(decision)}{_in(project)}", _told(decision)


def _told(decision: Decision) -> str:
    return f"{prose(text.headline(decision), LONGEST_WHY)}. {_basis(decision)}"


def _basis(decision: Decision) -> str:
    made = decision.circumstances
    runs = len(made.baseline_runs)
    commit = made.context.head or made.context.tested
    parts = [
        f"Commit {code(commit[:10])}" if commit else "",
        f"{runs} baseline run{'' if runs == 1 else 's'}",
        f"judged by {prose(made.budgets_source, LONGEST_WHY)}" if made.budgets_source else "",
        text.false_alarms(decision),
    ]
    return "; ".join(part for part in parts if part) + "."


def _sections(decision: Decision) -> list[Section]:
    loud = [verdict for verdict in decision.verdicts if verdict.level >= Level.WARN]
    unclear = [verdict for verdict in decision.verdicts if verdict.level is Level.INCONCLUSIVE]
    sections = []
    if loud:
        sections += [
            table(decision, loud),
            markdown_history.section(decision, loud),
            *markdown_timeline.sections(decision, loud),
            *what_to_do(decision, loud),
        ]
    if decision.tests:
        from perfgate.render import markdown_tests

        sections.append(markdown_tests.section(decision))
    if decision.nothing_judged:
        sections.append(fixed(_NO_VERDICT))
    sections.append(_notes(decision))
    if unclear:
        heading = "" if decision.nothing_judged else f"{len(unclear)} inconclusive"
        sections.append(table(decision, unclear, heading))
    return [*sections, _passed(decision), _unbudgeted(decision)]


_NO_VERDICT = (
    "**This is no pass**: nothing here says that the change is fine. What would have to be known is said below."
)


def _rest(decision: Decision) -> Section:
    """Everything that was judged, folded."""
    count = len(decision.verdicts)
    return table(decision, decision.verdicts, f"{count} verdict{'' if count == 1 else 's'}") if count else fixed("")


def _passed(decision: Decision) -> Section:
    passed = [verdict for verdict in decision.verdicts if verdict.level is Level.PASS]
    return table(decision, passed, f"{len(passed)} pass") if passed else fixed("")


def _unbudgeted(decision: Decision) -> Section:
    count = len(decision.observed)
    return table(decision, decision.observed, f"{count} without a budget (no consequence)") if count else fixed("")


def _notes(decision: Decision) -> Section:
    def sentences() -> Iterable[str]:
        for caveat in decision.caveats:
            remedy = f" ({prose(caveat.remedy, LONGEST_WHY)})" if caveat.remedy else ""
            yield prose(caveat.message, LONGEST_WHY) + remedy
        for each in decision.unmatched:
            selector = code(str(each.budget.selector), LONGEST_NAME)
            yield f"{each.level.word}: {selector} ({prose(each.budget.place, LONGEST_NAME)}) met no series"
        for series in decision.vanished:
            yield f"{code(str(series), LONGEST_NAME)} is gone since the baseline; no budget names it"
        if count := len(decision.elsewhere):
            reasons = "; ".join(sorted({reason for _, reason in decision.elsewhere}))
            yield f"{count} budget{'' if count == 1 else 's'} did not apply here: {prose(reasons, LONGEST_WHY)}"

    notes = [f"- {inline(note)}" for note in sentences()]

    def write(most: int) -> str:
        if not notes:
            return ""
        shown = notes[:most]
        more = [f"- and {len(notes) - len(shown)} more"] if len(notes) > len(shown) else []
        return folded(f"{len(notes)} notes" if len(notes) > 3 else "", "\n".join([*shown, *more]))

    return Section(len(notes), write)
