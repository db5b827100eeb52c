"""The arithmetic of each test, line by line, for `explain`: a prediction interval, a score, pairs."""

from __future__ import annotations

import math

from perfgate.core.baseline import as_float
from perfgate.core.compare import Comparison, Finding, Tested
from perfgate.core.stats import interleaved, prediction, score
from perfgate.core.stats.interleaved import Interleaved
from perfgate.core.stats.prediction import Prediction
from perfgate.core.stats.score import Score
from perfgate.core.units import write_percent

_INDENT = " " * 14
_FINDINGS = {Finding.REAL: "real", Finding.SUSPECT: "suspect", Finding.UNCHANGED: "no change shown"}


def of(comparison: Comparison, evidence: Tested) -> list[str]:
    """How the evidence came to its finding, what it could have seen, and how often it is wrong."""
    made = evidence.numbers
    scale = "natural logarithms" if made.log else "plain differences"
    lines = [f"evidence      {evidence.method}, on {scale}"]
    if isinstance(made, Prediction):
        steps = _prediction(comparison, evidence, made)
    elif isinstance(made, Score):
        steps = _score(comparison, evidence, made)
    else:
        steps = _pairs(evidence, made)
    return lines + [_INDENT + step for step in (*steps, *_sight(evidence))]


def real(evidence: Tested) -> tuple[str, bool]:
    """What had to hold for the change to be called real, in numbers, and whether it did."""
    made = evidence.numbers
    answer = evidence.finding is Finding.REAL
    if isinstance(made, Prediction):
        return f"distance {multiple(abs(made.distance))} > {made.real_at:g}", answer
    if isinstance(made, Score):
        return f"S {multiple(made.score)} > {made.real_at:g}", answer
    nearest = made.low if made.shift > 0 else -made.high
    return f"at least {_percent(nearest, log=made.log)} > {_percent(made.margin, log=made.log)}", answer


def multiple(value: float) -> str:
    """How many half widths, spreads or standard errors; where these are zero, as in a history of zeros, a change is infinitely many."""
    return f"{value:.3f}" if math.isfinite(value) else "∞" if value > 0 else "−∞"


def _sight(evidence: Tested) -> list[str]:
    made = evidence.numbers
    lines = []
    if evidence.change_low is not None and evidence.change_high is not None:
        low, high = write_percent(evidence.change_low), write_percent(evidence.change_high)
        lines.append(f"{evidence.level * 100:.3g} % interval of the change: {low} … {high}")
    drop = f", or a fall of {write_percent(made.visible_drop, signed=False)}" if made.visible_drop is not None else ""
    lines.append(f"would be called real 9 times in 10: a rise of {write_percent(made.visible, signed=False)}{drop}")
    lines.append(f"an unchanged program is called real with the chance {made.false_alarm:.2g} on each side")
    return lines


def _candidate(comparison: Comparison, *, log: bool) -> float:
    after = as_float(comparison.after) if comparison.after is not None else 0.0
    return math.log(after) if log and after > 0 else after


def _prediction(comparison: Comparison, evidence: Tested, made: Prediction) -> list[str]:
    spread = made.sd * math.sqrt(1 + 1 / made.n)
    thin = made.n < prediction.FULL_HISTORY
    what = "machine class" if comparison.pooled else "earlier run"
    plural = "" if made.n == 1 else "es" if comparison.pooled else "s"
    prior = f", shrunk towards a prior of 5 % because there are fewer than {prediction.FULL_HISTORY}" if thin else ""
    lines = [
        f"n = {made.n} {what}{plural}, mean {made.center:.6g}, standard deviation {made.sd:.6g} between runs{prior}",
        f"one more run: {made.sd:.6g} × √(1 + 1/{made.n}) = {spread:.6g}",
        f"half width of the 99 % interval: t(0.995, {made.df:g}) = {made.quantile:.4f}; × {spread:.6g} = {made.quantile * spread:.6g}",
    ]
    if made.half_width > made.quantile * spread * (1 + 1e-9):
        lines.append(f"raised to its floor (5 %, or one step of the measurement): {made.half_width:.6g}")
    x = _candidate(comparison, log=made.log)
    return [
        *lines,
        f"expected between {made.low:.6g} and {made.high:.6g} {comparison.unit}",
        f"distance: ({x:.6g} − {made.center:.6g}) / {made.half_width:.6g} = {multiple(made.distance)} half widths: {_FINDINGS[evidence.finding]}",
        f"(beyond 1 is suspect, beyond {made.real_at:g} is real{_why(made.candidates)}; two-sided p = {made.p:.3g})",
    ]


def _score(comparison: Comparison, evidence: Tested, made: Score) -> list[str]:
    a, b, d = made.parts
    x = _candidate(comparison, log=made.log)
    extreme = "largest" if made.effect >= 0 else "smallest"
    first, second = ("x", "ref") if made.effect >= 0 else ("ref", "x")
    rooted = math.cbrt(a * b * d)
    raised = f", raised to its floor: {made.spread:.6g}" if made.spread > rooted * (1 + 1e-9) else ""
    return [
        f"n = {made.n} earlier runs; c, the median of the last 15: {made.center:.6g}",
        f"spread from three views: 95 % of distances to the running median {a:.6g}, Q3 + 3·IQR of successive steps {b:.6g},",
        f"  standard deviation of the last 64 {d:.6g}; s = ∛({a:.4g} × {b:.4g} × {d:.4g}) = {rooted:.6g}{raised}",
        f"x = {x:.6g}, effect x − c = {made.effect:.6g}; ref, the {extreme} of the last 30: {made.reference:.6g}",
        f"S = ({first} − {second}) / s = {multiple(made.score)}: {_FINDINGS[evidence.finding]}",
        f"(beyond {score.SUSPECT_AT:g} is suspect, beyond {made.real_at:g} is real{_why(made.candidates)})",
    ]


def _why(candidates: int) -> str:
    return f" for the median of {candidates} independent runs" if candidates >= 3 else " for one run alone"


def _pairs(evidence: Tested, made: Interleaved) -> list[str]:
    ends = f"{_percent(made.low, log=made.log)} … {_percent(made.high, log=made.log)}"
    margin = _percent(made.margin, log=made.log)
    lines = [
        f"n = {made.n} pairs, measured in turns on one machine",
        f"shift of the after side (Hodges and Lehmann, or by alignment): {made.shift:.6g}, interval {made.low:.6g} … {made.high:.6g}",
        f"as a change: {_percent(made.shift, log=made.log)}, {ends}; real where all of it is beyond ±{margin.lstrip('+')}: {_FINDINGS[evidence.finding]}",
    ]
    if made.aligned is not None:
        lines.append(
            f"by alignment: p = {made.aligned:.3g} against a shift of no more than {margin.lstrip('+')}; real at {interleaved.ALIGNED:g}"
        )
    return lines


def _percent(shift: float, *, log: bool) -> str:
    return write_percent(math.expm1(min(shift, 700.0))) if log else f"{shift:.6g}"
