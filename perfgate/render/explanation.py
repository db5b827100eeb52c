"""The arithmetic behind the verdicts on one series, step by step, with the rows it used: every number, none left out."""

from __future__ import annotations

import math
from collections.abc import Sequence

from perfgate.core.compare import Comparison, Exact, Insufficient, Tested
from perfgate.core.decision import Decision, Family, Rule, Verdict
from perfgate.core.metrics import Direction
from perfgate.core.model import Series
from perfgate.core.units import Number, Unit, write_percent, write_value
from perfgate.render import arithmetic, family, steps, text
from perfgate.render.steps import plain_number
from perfgate.render.text import harmless


def render(decision: Decision, series: Series) -> str:
    """What was compared with what, what that showed, and what each budget made of it."""
    subject = text.comparison_of(decision).get(series)
    comparison = None if isinstance(subject, Family) else subject
    verdicts = [verdict for verdict in (*decision.verdicts, *decision.observed) if verdict.series == series]
    lines = [str(series), ""]
    if isinstance(subject, Family):
        lines += family.render(subject)
    elif comparison is None:
        lines.append("the run has no such series; the baseline has")
    else:
        lines += _values(decision, comparison)
        lines += _history(decision, comparison)
        lines += _evidence(comparison)
        lines += _tests(decision, series)
    together = _families_of(decision, series)
    for verdict in verdicts:
        lines += ["", *_verdict(verdict, comparison)]
    for verdict in together:
        lines += ["", *_verdict(verdict, None)]
    if not verdicts and not together:
        lines += ["", "no budget names this series and no default applies to it, so there is no verdict"]
    return "\n".join(harmless(line) for line in lines) + "\n"


def _tests(decision: Decision, series: Series) -> list[str]:
    """What changed in the suite, where the series is its summed case time."""
    suite = dict(series.labels).get("suite", "")
    changes = [each for each in decision.tests if each.suite == suite]
    if series.metric != "tests.case_time" or len(series.labels) != 1 or not changes:
        return []
    from perfgate.render import suite_changes

    return suite_changes.explained(changes[0])


def _families_of(decision: Decision, series: Series) -> list[Verdict]:
    """The verdicts of the families that this series is a member of."""
    names = {each.series for each in decision.families if any(member.series == series for member in each.members)}
    return [verdict for verdict in decision.verdicts if verdict.rule is Rule.FAMILY and verdict.series in names]


def _values(decision: Decision, comparison: Comparison) -> list[str]:
    unit = comparison.unit
    context = decision.circumstances.context
    lines = [
        f"measured      {_shown(comparison.after, unit)}"
        if comparison.after is not None
        else f"measured      nothing: {comparison.reason}"
    ]
    if len(comparison.values) > 1:
        lines.append(f"              the median of {len(comparison.values)} runs: {_list(comparison.values)}")
    if comparison.state.value == "lower_bound":
        lines.append(f"              at least that much: {comparison.reason}")
    if comparison.interval:
        low, high = comparison.interval
        lines.append(f"              95 % interval of the runs' mean: {low:.6g} … {high:.6g} {unit}")
    where = [
        f"commit {context.tested[:10]}" if context.tested else "",
        f"work tree {context.worktree}" if context.worktree else "",
        str(context.machine),
    ]
    if any(where):
        lines.append(f"              {', '.join(part for part in where if part)}")
    if comparison.origin:
        lines.append(f"              from {comparison.origin}")
    better = "neither direction" if comparison.better is Direction.NONE else comparison.better.value
    counted = "a plain number" if str(unit) == "1" else f"counted in {unit}"
    lines.append(f"kind          {counted}, {better} is better, {comparison.assumption.value}")
    return lines


def _history(decision: Decision, comparison: Comparison) -> list[str]:
    made = decision.circumstances
    count = len(made.baseline_runs)
    cut = f", up to the base commit {made.context.base[:10]}" if made.context.base else ""
    lines = [f"baseline      {made.baseline_source or 'none'}, {count} run{'' if count == 1 else 's'}{cut}"]
    if made.baseline_problem:
        lines.append(f"              {made.baseline_problem}")
    # A decision from a file may name more of the one than of the other; whatever pairs up is shown.
    for index, value in zip(comparison.runs, comparison.used, strict=False):
        if index >= len(made.baseline_runs):
            lines.append(f"              a run that the decision does not name  {plain_number(value):>14}")
            continue
        run = made.baseline_runs[index]
        lines.append(f"              {run.started_at}  {run.commit[:10]}  {plain_number(value):>14}  {run.id}")
    for reason, count in comparison.excluded:
        lines.append(f"              {count} more left out: {reason}")
    if comparison.anchor is not None:
        anchor = comparison.anchor
        since = _better_or_worse(anchor.worse)
        beyond = ", beyond the noise" if anchor.beyond and isinstance(comparison.evidence, Tested) else ""
        told = f": {since} since{beyond}" if since else ""
        lines.append(f"anchor        {_shown(anchor.value, comparison.unit)}, run {anchor.run}{told}")
    return lines


def _evidence(comparison: Comparison) -> list[str]:
    evidence = comparison.evidence
    lines = []
    if comparison.before is not None:
        lines.append(f"before        {_shown(comparison.before, comparison.unit)}")
        side = _better_or_worse(comparison.worse)
        lines.append(f"change        {write_percent(comparison.relative)}" + (f" ({side})" if side else ""))
    if isinstance(evidence, Exact):
        lines.append(f"evidence      exact: any difference is a fact ({evidence.source})")
    elif isinstance(evidence, Insufficient):
        lines.append(f"evidence      insufficient: {evidence.missing}")
        if evidence.remedy:
            lines.append(f"              {evidence.remedy}")
    else:
        lines += arithmetic.of(comparison, evidence)
    return lines


def _better_or_worse(worse: float | None) -> str:
    """A change by its meaning; "" where the metric has no better direction."""
    if worse is None:
        return ""
    if worse == 0:
        return "the same"
    if math.isinf(worse):
        return f"{'worse' if worse > 0 else 'better'}, and before it was 0"
    return f"{write_percent(abs(worse), signed=False)} {'worse' if worse > 0 else 'better'}"


def _verdict(verdict: Verdict, comparison: Comparison | None) -> list[str]:
    """What a budget made of the numbers: the rule, each comparison with its answer, what it found, and what came of that."""
    budget = verdict.budget
    lines = [f"{verdict.rule.value:<14}{budget.place}: {budget.selector}"]
    if verdict.rule is Rule.FAMILY:
        lines.append(f"              judged together as {verdict.series}")
    if verdict.rule is Rule.LIMIT and budget.limit is not None:
        lines += steps.of_limit(verdict, budget.limit, comparison)
    if verdict.rule is Rule.FAMILY and budget.relative is not None:
        lines += steps.of_family(budget.relative)
    if verdict.rule is Rule.CHANGE and budget.relative is not None:
        lines += steps.of_change(verdict, budget.relative, comparison)
    lines.append(f"              {verdict.reason}")
    lines.append(f"              found: {verdict.found.word}")
    lines += [f"              {note}" for note in verdict.notes]
    if verdict.level is not verdict.found and not verdict.notes:
        lines.append(f"              enforce: {budget.enforce.value}, so it has no consequence")
    lines.append(f"              level: {verdict.level.word}")
    if verdict.remedy:
        lines.append(f"              {verdict.remedy}")
    return lines


def _shown(value: Number | None, unit: Unit) -> str:
    """A value for people, with its base value beside where that is written differently."""
    if value is None:
        return "–"
    words, base = write_value(value, unit), plain_number(value)
    exact = base if str(unit) == "1" else f"{base} {unit}"
    return words if words.replace(",", "") == exact else f"{words} ({exact})"


def _list(values: Sequence[Number]) -> str:
    shown = ", ".join(plain_number(value) for value in values[:20])
    return shown + (f", and {len(values) - 20} more" if len(values) > 20 else "")
