"""A decision as SARIF 2.1.0, the format of code scanning: a rule for each budget, a result for each verdict that did not pass."""

from __future__ import annotations

import json
from typing import Any, NamedTuple
from urllib.parse import quote

from perfgate import __version__
from perfgate.core.budgets import Budget, Level
from perfgate.core.decision import Decision
from perfgate.render import text
from perfgate.render.places import fingerprint, place_of
from perfgate.render.text import harmless

#: GitHub's code scanning takes no more results of a run.
MOST = 5_000
_LEVELS = {Level.BLOCK: "error", Level.WARN: "warning", Level.INCONCLUSIVE: "note"}


def render(decision: Decision, *, folder: str = "") -> str:
    """The log as JSON. Of more results than are taken, the worst are there, and a notification says how many are not."""
    loud = [verdict for verdict in decision.verdicts if verdict.level in _LEVELS]
    idle = [each for each in decision.unmatched if each.level in _LEVELS]
    comparisons = text.comparison_of(decision)
    told = [
        _Told(
            verdict.rule.value,
            verdict.level,
            verdict.budget,
            str(verdict.series),
            text.sentence(verdict, comparisons.get(verdict.series)),
        )
        for verdict in loud[:MOST]
    ]
    told += [_Told("unmatched", each.level, each.budget, "", text.unmatched(each)) for each in idle[: MOST - len(told)]]
    left = len(loud) + len(idle) - len(told)
    rules: dict[str, int] = {}
    results = [_result(each, rules.setdefault(each.key, len(rules)), folder) for each in told]
    invocation: dict[str, Any] = {"executionSuccessful": True}
    if left:
        message = f"{left} more results are not listed; decision.json has them all"
        invocation["toolExecutionNotifications"] = [{"level": "warning", "message": {"text": message}}]
    run = {
        "tool": {
            "driver": {
                "name": "perfgate",
                "version": __version__,
                "rules": [_rule(key) for key in rules],
            }
        },
        "columnKind": "unicodeCodePoints",
        "invocations": [invocation],
        "results": results,
    }
    log = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=1) + "\n"


class _Told(NamedTuple):
    """What one result tells: which rule of which budget, of which series, at which level."""

    rule: str
    level: Level
    budget: Budget
    series: str
    words: str

    @property
    def key(self) -> str:
        return harmless(f"{self.rule}/{self.budget.selector}")


def _rule(key: str) -> dict[str, Any]:
    rule, _, selector = key.partition("/")
    return {
        "id": key,
        "shortDescription": {"text": f"the budget of {selector} ({rule})"},
        "properties": {"tags": ["performance"]},
    }


def _result(told: _Told, position: int, folder: str) -> dict[str, Any]:
    place = place_of(told.budget, folder)
    return {
        "ruleId": told.key,
        "ruleIndex": position,
        "level": _LEVELS[told.level],
        "message": {"text": harmless(told.words)},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": quote(place.path), "uriBaseId": "%SRCROOT%"},
                    "region": {"startLine": place.line},
                }
            }
        ],
        # What makes a result the same one in the next run: neither its numbers nor its line.
        "partialFingerprints": {"perfgate/v1": fingerprint(told.key, told.series)},
    }
