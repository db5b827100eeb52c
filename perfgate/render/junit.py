"""A decision as JUnit XML, which every CI system shows: a test case for each verdict, in a suite for each metric."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape, quoteattr

from perfgate.core.budgets import Level
from perfgate.core.decision import Decision
from perfgate.render import text
from perfgate.render.text import harmless

# XML 1.0 knows no other characters, not even escaped.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(decision: Decision, *, fail_on: str = "warn") -> str:
    """The report. A block is a failure unless `fail_on` is "never", a warning one where it is "warn"; what was not judged is skipped."""
    comparisons = text.comparison_of(decision)
    suites: dict[str, list[_Case]] = {}
    names: dict[str, int] = {}
    for verdict in decision.verdicts:
        words = text.sentence(verdict, comparisons.get(verdict.series))
        name = f"{verdict.series}: {text.budget_of(verdict)}"
        names[name] = names.get(name, 0) + 1
        name = name if names[name] == 1 else f"{name} ({names[name]})"
        suites.setdefault(verdict.series.metric, []).append(_Case(name, verdict.level, words, fail_on))
    for each in decision.unmatched:
        case = _Case(f"{each.budget.selector}: {each.budget.place}", each.level, text.unmatched(each), fail_on)
        suites.setdefault("budgets without a series", []).append(case)
    cases = [case for suite in suites.values() for case in suite]
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<testsuites name="perfgate" {_counts(cases)}>',
    ]
    for name, suite in suites.items():
        lines += [f"  <testsuite name={_attribute(name)} {_counts(suite)}>", *(case.written(name) for case in suite)]
        lines.append("  </testsuite>")
    return "\n".join([*lines, "</testsuites>"]) + "\n"


class _Case:
    """One verdict as a test case."""

    def __init__(self, name: str, level: Level, words: str, fail_on: str) -> None:
        self.name, self.level, self.words = name, level, words
        self.failed = (level is Level.BLOCK and fail_on != "never") or (level is Level.WARN and fail_on == "warn")
        self.skipped = level is Level.INCONCLUSIVE

    def written(self, suite: str) -> str:
        opened = f"    <testcase classname={_attribute(suite)} name={_attribute(self.name)}"
        said = _attribute(f"{self.level.word}: {self.words}")
        if self.failed:
            return f'{opened}><failure type="{self.level.word}" message={said}>{_text(self.words)}</failure></testcase>'
        if self.skipped:
            return f"{opened}><skipped message={said}/></testcase>"
        return f"{opened}><system-out>{_text(f'{self.level.word}: {self.words}')}</system-out></testcase>"


def _counts(cases: list[_Case]) -> str:
    failed, skipped = sum(case.failed for case in cases), sum(case.skipped for case in cases)
    return f'tests="{len(cases)}" failures="{failed}" errors="0" skipped="{skipped}"'


def _text(words: str) -> str:
    return escape(_FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", harmless(words)))


def _attribute(words: str) -> str:
    return quoteattr(_FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", harmless(words)))
