"""What changed in the test suites, as a part of a comment that is there anyway: short, and never a reason to comment."""

from __future__ import annotations

from perfgate.core.budgets import Level
from perfgate.core.decision import Decision
from perfgate.render.markdown_sections import LONGEST_NAME, Section, folded
from perfgate.render.markdown_text import code, inline

#: Lines of a comment that are about tests, and how many are shown without a click.
_MOST, _OPEN = 12, 6
#: Tests named in one line.
_NAMED = 3


def section(decision: Decision) -> Section:
    """The suites with news: those whose own verdict is no pass, those with a newly slow or newly flaky test, and those whose common
    tests moved."""
    loud = {
        dict(verdict.series.labels).get("suite", "")
        for verdict in decision.verdicts
        if verdict.level > Level.PASS and verdict.series.metric.startswith("tests.")
    }
    wanted = [each for each in decision.tests if each.suite in loud or each.tells_of_tests or each.common_moved]
    if not wanted:
        return Section(0, lambda _: "")
    from perfgate.render import suite_changes

    told = suite_changes.lines(wanted, name=_name, most=_NAMED, slowed=decision.slowed_suites)
    if not told:
        return Section(0, lambda _: "")
    lines = [f"  - {inline(line.strip())}" if line.startswith("  ") else f"- {inline(line)}" for line in told]
    if len(lines) > _MOST:
        lines = [
            *lines[: _MOST - 1],
            f"- and {len(lines) - _MOST + 1} more lines, in `.perfgate/decision/decision.json`",
        ]
    heading = "What changed in the tests" if len(lines) > _OPEN else ""
    title = "" if heading else "**What changed in the tests**\n\n"
    text = title + folded(heading, "\n".join(lines))
    return Section(1, lambda most: text if most else "")


def _name(words: str) -> str:
    return code(words, LONGEST_NAME)
