"""The arithmetic behind a family of scenarios: each pair, and what the pairs show together."""

from __future__ import annotations

import math

from perfgate.core.decision import Family
from perfgate.core.stats import families
from perfgate.core.units import write_percent, write_value
from perfgate.render import arithmetic

_INDENT = " " * 14


def render(family: Family) -> list[str]:
    """Every scenario with both means and its log-ratio, the scenarios that stand alone, and the test with its numbers."""
    lines = [f"family        {_count(len(family.members))} on both sides, counted in {family.unit}"]
    for member in family.members:
        before, after = write_value(member.before, family.unit), write_value(member.after, family.unit)
        ratio = math.log(member.after) - math.log(member.before)
        runs = f"mean of {member.runs} run{'' if member.runs == 1 else 's'}"
        lines.append(f"{_INDENT}{before} ({runs}) → {after}  log-ratio {ratio:+.4f}  {member.series}")
    lines += [f"alone         {series}: {reason}" for series, reason in family.alone]
    made = family.numbers
    if made is None:
        return [*lines, "evidence      insufficient: a family needs two scenarios that both sides have"]
    low, high = family.interval
    error = made.sd / math.sqrt(made.n)
    t = made.mean / error if error else math.copysign(math.inf, made.mean) if made.mean else 0.0
    how = (
        f"the share of the 2^{made.n} choices of signs with no smaller a sum"
        if made.method == "sign flips"
        else f"Student's t = {arithmetic.multiple(t)} with {made.n - 1} degrees of freedom"
    )
    return [
        *lines,
        f"change        {write_percent(family.relative)}: the mean log-ratio {made.mean:+.5f}, standard deviation {made.sd:.5f} between scenarios",
        f"evidence      {made.method}, one-sided: {how}",
        f"{_INDENT}p = {made.p:.3g} against a rise, {made.p_fall:.3g} against a fall; real at {families.TOGETHER_LEVEL * 100:g} %",
        f"{_INDENT}98 % interval of the change: {write_percent(low)} … {write_percent(high)}",
        f"{_INDENT}would be called real 9 times in 10: {write_percent(math.expm1(made.visible))}",
        *_success(family),
    ]


def _success(family: Family) -> list[str]:
    lines = []
    if family.success is not None:
        before, after = (write_percent(share, signed=False) for share in family.success)
        lines.append(f"success       {before} → {after} of the tasks")
    if family.per_success is not None:
        before, after = (write_value(value, family.unit) for value in family.per_success)
        lines.append(f"{_INDENT}per successful task: {before} → {after}")
    return lines


def _count(number: int) -> str:
    return f"{number} scenario{'' if number == 1 else 's'}"
