"""benchstat's table of two result files, with perfgate's reading and perfgate's numbers; only the writing of them is benchstat's."""

from __future__ import annotations

import math
from collections.abc import Sequence

from perfgate.adapters import go_bench
from perfgate.core.stats import rank_sum, shift

#: benchstat's units of the metrics; a custom unit is written as it was read.
UNITS = {"bench.time": "sec/op", "bench.throughput": "B/s", "bench.bytes": "B/op", "bench.allocs": "allocs/op"}
#: benchunit's prefixes: the factor, and the least values that have one, two and three digits after the point.
DECIMAL = [(float(f"1e{exponent}"), prefix) for exponent, prefix in zip(range(12, -10, -3), "TGMk·mµn", strict=True)]
BINARY = [(2.0**exponent, prefix) for exponent, prefix in zip(range(40, -1, -10), ("Ti", "Gi", "Mi", "Ki", ""), strict=True)]  # fmt: skip
ALPHA = 0.05

Table = dict[str, tuple[list[float], list[float]]]


def tables(before: str, after: str) -> dict[str, Table]:
    """The values of both texts by unit and by benchmark."""
    found: dict[str, Table] = {}
    for side, text in enumerate((before, after)):
        for measurement in go_bench.read(text, "x").capture.measurements:
            unit = UNITS.get(measurement.series.metric, str(measurement.unit))
            name = dict(measurement.series.labels)["benchmark"].removeprefix("Benchmark")
            row = found.setdefault(unit, {}).setdefault(name, ([], []))
            row[side].extend(_as_benchstat_scales(float(value), unit) for value in measurement.values)
    return found


def _as_benchstat_scales(value: float, unit: str) -> float:
    """The printed nanoseconds times the float 1e-9: perfgate scales exactly, and half of a last digit rounds by such a trifle."""
    return round(value * 1e9, 6) * 1e-9 if unit == "sec/op" else value


def lines(table: Table, unit: str) -> list[str]:
    """The rows of one table, with single blanks, and without rules and footnote marks."""
    binary = unit.startswith("B/")
    written, centres = [], []
    for name, (before, after) in table.items():
        left, right = shift.of_median(before), shift.of_median(after)
        centres.append((left.estimate, right.estimate))
        scale = _scale([left.estimate, right.estimate], binary=binary)
        p = p_value(before, after)
        sizes = f"n={len(before)}" if len(before) == len(after) else f"n={len(before)}+{len(after)}"
        written.append(
            f"{name} {scale_to(left.estimate, scale)} ± {_range(left)} {scale_to(right.estimate, scale)} ± {_range(right)}"
            f" {_delta(left.estimate, right.estimate, p)} ({f'p={p:.3f} ' if p else ''}{sizes})"
        )
    if len(table) > 1:
        both = [_geometric_mean([pair[side] for pair in centres]) for side in (0, 1)]
        ratio = _geometric_mean([1.0 if left == right else right / left for left, right in centres])
        texts = [scale_to(mean, _scale([mean], binary=binary)) for mean in both]
        written.append(f"geomean {texts[0]} {texts[1]} {(ratio - 1) * 100:+.2f}%")
    return written


def p_value(before: Sequence[float], after: Sequence[float]) -> float:
    """benchstat's p-value: ours, but for ties in samples of unequal size.

    There the distribution of U is not symmetric, and benchstat looks up the smaller U of both sides in that of one side.
    """
    ours = rank_sum.two_sided(before, after)
    u, ties = rank_sum.statistic(after, before)
    n, m = len(after), len(before)
    tied = 1 < len(ties) < n + m
    if n == m or not tied or max(n, m) > rank_sum.EXACT_TO_TIED:
        return ours
    return 1.0 if u == n * m / 2 else 2 * rank_sum.distribution(n, m, ties).up_to(min(u, n * m - u))


def scale_to(value: float, scale: tuple[int, float, str]) -> str:
    digits, factor, prefix = scale
    return f"{value / factor:.{digits}f}{prefix}"


def _scale(values: Sequence[float], *, binary: bool) -> tuple[int, float, str]:
    """Digits, factor and prefix that suit the smallest value: four significant digits, rounded as they are printed."""
    smallest = min((abs(value) for value in values if value), default=0.0)
    if not smallest:
        return 3, 1.0, ""
    for factor, prefix in BINARY if binary else DECIMAL:
        for digits, least in ((1, 99.995), (2, 9.9995), (3, 0.99995)):
            if smallest >= least * factor:
                return digits, factor, prefix.strip("·")
    raise ValueError("smaller than any value here")


def _range(found: shift.Shift) -> str:
    low, centre, high = found.low, found.estimate, found.high
    if math.isinf(low) or math.isinf(high):
        return "∞"
    if centre == low == high == 0:
        return "0%"
    if low <= 0:
        return "?"
    return f"{100 * max(high / centre - 1, 1 - low / centre):.0f}%"


def _delta(before: float, after: float, p: float) -> str:
    if p > ALPHA:
        return "~"
    if before == after:
        return "0.00%"
    return f"{(after / before - 1) * 100:+.2f}%" if before else "?"


def _geometric_mean(values: Sequence[float]) -> float:
    return math.exp(math.fsum(math.log(value) for value in values) / len(values))
