"""The arithmetic behind the verdicts on one series, step by step, with the rows it used: every number, none left out."""

from __future__ import annotations

import math
from collections.abc import Sequence

from perfgate.core.compare import Comparison, Exact, Finding, Insufficient, Tested
from perfgate.core.decision import Decision, Rule, Verdict
from perfgate.core.model import Series
from perfgate.core.stats import prediction
from perfgate.core.units import Number, Unit, write_percent, write_threshold, write_value
from perfgate.render import text
from perfgate.render.text import harmless


def render(decision: Decision, series: Series) -> str:
    """What was compared with what, what that showed, and what each budget made of it."""
    comparison = text.comparison_of(decision).get(series)
    verdicts = [verdict for verdict in (*decision.verdicts, *decision.observed) if verdict.series == series]
    lines = [str(series), ""]
    if comparison is None:
        lines.append("the run has no such series; the baseline has")
    else:
        lines += _values(decision, comparison)
        lines += _history(decision, comparison)
        lines += _evidence(comparison)
    for verdict in verdicts:
        lines += ["", *_verdict(verdict, comparison)]
    if not verdicts:
        lines += ["", "no budget names this series and no default applies to it, so there is no verdict"]
    return "\n".join(harmless(line) for line in lines) + "\n"


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
    lines.append(f"kind          counted in {unit}, {comparison.better.value} is better, {comparison.assumption.value}")
    return lines


def _history(decision: Decision, comparison: Comparison) -> list[str]:
    made = decision.circumstances
    lines = [
        f"baseline      {made.baseline_source or 'none'}, {len(made.baseline_runs)} runs, cut at base {made.context.base[:10] or 'unknown'}"
    ]
    if made.baseline_problem:
        lines.append(f"              {made.baseline_problem}")
    for index, value in zip(comparison.runs, comparison.used, strict=True):
        if index >= len(made.baseline_runs):
            lines.append(f"              a run that the decision does not name  {_plain(value):>14}")
            continue
        run = made.baseline_runs[index]
        lines.append(f"              {run.started_at}  {run.commit[:10]}  {_plain(value):>14}  {run.id}")
    for reason, count in comparison.excluded:
        lines.append(f"              {count} more left out: {reason}")
    if comparison.anchor is not None:
        anchor = comparison.anchor
        lines.append(
            f"anchor        {_shown(anchor.value, comparison.unit)} (run {anchor.run}): {write_percent(anchor.worse)} worse since"
        )
    return lines


def _evidence(comparison: Comparison) -> list[str]:
    evidence = comparison.evidence
    lines = []
    if comparison.before is not None:
        lines.append(f"before        {_shown(comparison.before, comparison.unit)}")
        lines.append(
            f"change        {write_percent(comparison.relative)}"
            + (f" ({write_percent(comparison.worse)} worse)" if comparison.worse is not None else "")
        )
    if isinstance(evidence, Exact):
        lines.append(f"evidence      exact: any difference is a fact ({evidence.source})")
    elif isinstance(evidence, Insufficient):
        lines.append(f"evidence      insufficient: {evidence.missing}")
        if evidence.remedy:
            lines.append(f"              {evidence.remedy}")
    else:
        lines += _tested(comparison, evidence)
    return lines


def _tested(comparison: Comparison, evidence: Tested) -> list[str]:
    made = evidence.numbers
    scale = "natural logarithms" if made.log else "plain differences"
    after = float(comparison.after) if comparison.after is not None else math.nan
    x = math.log(after) if made.log else after
    spread = made.sd * math.sqrt(1 + 1 / made.n)
    prior = (
        f", shrunk towards a prior of 5 % because there are fewer than {prediction.FULL_HISTORY} runs"
        if evidence.at_most_warn
        else ""
    )
    lines = [
        f"evidence      {evidence.method}, on {scale}",
        f"              n = {made.n} earlier runs, mean {made.center:.6g}, standard deviation {made.sd:.6g} between runs{prior}",
        f"              one more run: {made.sd:.6g} × √(1 + 1/{made.n}) = {spread:.6g}",
        f"              half width of the 99 % interval: t(0.995, {made.df:g}) = {made.quantile:.4f}; × {spread:.6g} = {made.quantile * spread:.6g}",
    ]
    if made.half_width > made.quantile * spread * (1 + 1e-9):
        lines.append(f"              raised to its floor (5 %, or one step of the measurement): {made.half_width:.6g}")
    lines += [
        f"              expected between {made.low:.6g} and {made.high:.6g} {comparison.unit}",
        f"              distance: ({x:.6g} − {made.center:.6g}) / {made.half_width:.6g} = {made.distance:.3f} half widths: {_finding(evidence.finding)}",
        f"              (beyond 1 is suspect, beyond {prediction.REAL_AT} is real; two-sided p = {made.p:.3g})",
    ]
    if evidence.change_low is not None and evidence.change_high is not None:
        lines.append(
            f"              99 % interval of the change: {write_percent(evidence.change_low)} … {write_percent(evidence.change_high)}"
        )
    drop = f", or a fall of {write_percent(made.visible_drop, signed=False)}" if made.visible_drop is not None else ""
    lines.append(
        f"              would be called real 9 times in 10: a rise of {write_percent(made.visible, signed=False)}{drop}"
    )
    lines.append(
        f"              an unchanged program is called real with the chance {made.false_alarm:.2g} on each side"
    )
    return lines


def _finding(finding: Finding) -> str:
    return {Finding.REAL: "real", Finding.SUSPECT: "suspect", Finding.UNCHANGED: "no change shown"}[finding]


def _verdict(verdict: Verdict, comparison: Comparison | None) -> list[str]:
    budget = verdict.budget
    lines = [f"{verdict.rule.value:<14}{budget.place}: {budget.selector}"]
    if verdict.rule is Rule.LIMIT and budget.limit is not None:
        lines.append(
            f"              limit {budget.limit} = {budget.limit.value:f} {budget.limit.unit}, tolerance {write_threshold(budget.tolerance)}"
        )
    if verdict.rule is Rule.CHANGE and budget.relative is not None:
        relative = budget.relative
        floor = f", and by more than {relative.at_least}" if relative.at_least else ""
        source = "" if relative.stated else " (from the defaults)"
        lines.append(
            f"              warn beyond {write_threshold(relative.warn)}, block beyond {write_threshold(relative.block)}{floor}{source}"
        )
        if comparison is not None and isinstance(comparison.evidence, Tested):
            lines.append(f"              nothing is said up to min_effect = {write_threshold(budget.min_effect)}")
    lines.append(f"              {verdict.reason}")
    lines.append(f"              found: {verdict.found.word}")
    lines += [f"              {note}" for note in verdict.notes]
    lines.append(f"              level: {verdict.level.word}")
    if verdict.remedy:
        lines.append(f"              {verdict.remedy}")
    return lines


def _shown(value: Number | None, unit: Unit) -> str:
    """A value for people with its base value beside."""
    if value is None:
        return "–"
    return f"{write_value(value, unit)} ({_plain(value)} {unit})"


def _plain(value: Number) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _list(values: Sequence[Number]) -> str:
    shown = ", ".join(_plain(value) for value in values[:20])
    return shown + (f", and {len(values) - 20} more" if len(values) > 20 else "")
