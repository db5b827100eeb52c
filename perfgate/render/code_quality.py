"""A decision as GitLab's code-quality report: what did not pass, as issues on the lines of budgets.yaml."""

from __future__ import annotations

import json
from typing import Any

from perfgate.core.budgets import Level
from perfgate.core.decision import Decision
from perfgate.render import text
from perfgate.render.places import fingerprint, place_of
from perfgate.render.text import harmless

_SEVERITIES = {Level.BLOCK: "critical", Level.WARN: "major", Level.INCONCLUSIVE: "minor"}


def render(decision: Decision, *, folder: str = "") -> str:
    """The report as JSON, "[]" where everything passed. Two issues never share a fingerprint: GitLab would drop one."""
    comparisons = text.comparison_of(decision)
    issues: dict[str, dict[str, Any]] = {}
    told = [
        (verdict.rule.value, verdict.level, verdict.budget, str(verdict.series), text.sentence(verdict, comparisons.get(verdict.series)))
        for verdict in decision.verdicts
    ]  # fmt: skip
    told += [("unmatched", each.level, each.budget, "", text.unmatched(each)) for each in decision.unmatched]
    for rule, level, budget, series, words in told:
        if level not in _SEVERITIES:
            continue
        key = fingerprint(rule, str(budget.selector), series)
        number = 1
        while key in issues:
            number += 1
            key = fingerprint(rule, str(budget.selector), series, str(number))
        place = place_of(budget, folder)
        issues[key] = {
            "description": harmless(words),
            "check_name": f"perfgate.{rule}",
            "fingerprint": key,
            "severity": _SEVERITIES[level],
            "location": {"path": place.path, "lines": {"begin": place.line}},
        }
    return json.dumps(list(issues.values()), indent=1) + "\n"
