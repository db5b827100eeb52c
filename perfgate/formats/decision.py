"""decision.json out: everything a decision rests on, so that it can be explained and repeated from the file alone."""

from __future__ import annotations

from typing import Any

from perfgate.core.budgets import Budget, Level
from perfgate.core.compare import Comparison
from perfgate.core.decision import Circumstances, Decision, Verdict
from perfgate.core.units import Number, Quantity
from perfgate.formats import decision_families, decision_timelines, evidence, strict_json
from perfgate.formats.decision_reading import SCHEMA, load
from perfgate.formats.run import caveat_value, context_value, plain

__all__ = ["SCHEMA", "dump", "load"]


def dump(decision: Decision) -> bytes:
    """The text of a decision.json: the same decision always gives the same bytes."""
    every = [verdict.budget for verdict in (*decision.verdicts, *decision.observed)]
    every += [each.budget for each in decision.unmatched] + [budget for budget, _ in decision.elsewhere]
    budgets = list(dict.fromkeys(every))
    index = {budget: position for position, budget in enumerate(budgets)}
    return strict_json.dumps(
        {
            "schema": SCHEMA,
            "level": decision.level.word,
            "nothing_judged": decision.nothing_judged,
            "counts": {level.word: decision.number_at(level) for level in Level},
            "expected_false_alarms": decision.expected_false_alarms,
            "circumstances": _circumstances_value(decision.circumstances),
            "budgets": [_budget_value(budget) for budget in budgets],
            "verdicts": [_verdict_value(verdict, index) for verdict in decision.verdicts],
            "observed": [_verdict_value(verdict, index) for verdict in decision.observed],
            "comparisons": [_comparison_value(comparison) for comparison in decision.comparisons],
            "families": [decision_families.value_of(family) for family in decision.families],
            "unmatched": [
                {"budget": index[each.budget], "level": each.level.word, "why": each.why} for each in decision.unmatched
            ],
            "elsewhere": [{"budget": index[budget], "why": reason} for budget, reason in decision.elsewhere],
            "vanished": [str(series) for series in decision.vanished],
            "caveats": [caveat_value(caveat) for caveat in decision.caveats],
            **(
                {"timelines": timelines}
                if (timelines := [decision_timelines.value_of(each) for each in decision.timelines])
                else {}
            ),
            **({"tests": _tests(decision)} if decision.tests else {}),
        }
    )


def _tests(decision: Decision) -> list[dict[str, Any]]:
    from perfgate.formats import decision_tests

    return [decision_tests.value_of(each) for each in decision.tests]


def _circumstances_value(made: Circumstances) -> dict[str, Any]:
    situation = made.situation
    return {
        "context": context_value(made.context),
        "runs": list(made.runs),
        "baseline": {
            "source": made.baseline_source,
            "problem": made.baseline_problem,
            **({"approximate": made.base_approximate} if made.base_approximate else {}),
            "runs": [{"id": run.id, "commit": run.commit, "started_at": run.started_at} for run in made.baseline_runs],
        },
        "budgets_source": made.budgets_source,
        "situation": {
            "branch": situation.branch,
            "event": situation.event,
            "labels": list(situation.labels),
            "paths": None if situation.paths is None else list(situation.paths),
            "ci": situation.ci,
        },
        "today": made.today.isoformat(),
        "only": made.only,
        "reproduce": made.reproduce,
        "acceptance": made.acceptance
        and {"rule": made.acceptance.rule, "subject": made.acceptance.subject, "reason": made.acceptance.reason},
    }


def _budget_value(budget: Budget) -> dict[str, Any]:
    relative, when = budget.relative, budget.when
    return {
        "series": str(budget.selector),
        "place": budget.place,
        "limit": _quantity_value(budget.limit),
        "relative": relative
        and {
            "side": relative.side.value,
            "warn": relative.warn,
            "block": relative.block,
            "at_least": _quantity_value(relative.at_least),
            "stated": relative.stated,
        },
        "tolerance": budget.tolerance,
        "min_effect": budget.min_effect,
        "on_missing": budget.on_missing.word,
        "on_inconclusive": budget.on_inconclusive.word,
        "enforce": budget.enforce.value,
        "judge": budget.judge.value,
        "when": {
            "branch": list(when.branch), "event": list(when.event), "label": list(when.label), "paths": list(when.paths), "ci": when.ci,
        },
    }  # fmt: skip


def _quantity_value(quantity: Quantity | None) -> dict[str, str] | None:
    if quantity is None:
        return None
    return {"value": str(quantity.value), "unit": str(quantity.unit), "written": quantity.written}


def _verdict_value(verdict: Verdict, index: dict[Budget, int]) -> dict[str, Any]:
    return {
        "series": str(verdict.series),
        "rule": verdict.rule.value,
        "level": verdict.level.word,
        "found": verdict.found.word,
        "reason": verdict.reason,
        "notes": list(verdict.notes),
        "remedy": verdict.remedy,
        "suspect": verdict.suspect,
        "waived": verdict.waived,
        "accepted": verdict.accepted,
        "budget": index[verdict.budget],
    }


def _comparison_value(each: Comparison) -> dict[str, Any]:
    return {
        "series": str(each.series),
        "unit": str(each.unit),
        "better": each.better.value,
        "assumption": each.assumption.value,
        "state": each.state.value,
        "reason": each.reason,
        "origin": each.origin,
        "before": _maybe(each.before),
        "after": _maybe(each.after),
        "relative": evidence.ratio(each.relative),
        "worse": evidence.ratio(each.worse),
        "values": [plain(value) for value in each.values],
        "interval": list(each.interval) if each.interval else None,
        "used": [plain(value) for value in each.used],
        "runs": list(each.runs),
        "excluded": [{"reason": reason, "count": count} for reason, count in each.excluded],
        "anchor": each.anchor
        and {
            "run": each.anchor.run,
            "value": plain(each.anchor.value),
            "worse": evidence.ratio(each.anchor.worse),
            "beyond": each.anchor.beyond,
        },
        "caveats": [caveat_value(caveat) for caveat in each.caveats],
        "alone": [plain(value) for value in each.alone],
        "pooled": each.pooled,
        "evidence": evidence.dump(each.evidence),
    }


def _maybe(value: Number | None) -> float | str | None:
    return None if value is None else plain(value)
