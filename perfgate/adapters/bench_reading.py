"""What every reader of benchmark results yields, and how raw samples become a measurement or a state."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from perfgate.adapters.labels import plain_text
from perfgate.core.metrics import Assumption, Direction
from perfgate.core.model import Capture, Measurement, Series, State
from perfgate.core.stats.estimators import block_medians, median
from perfgate.core.units import Unit
from perfgate.errors import InputError

#: More benchmarks than this in one file are no benchmark results.
MOST_BENCHMARKS = 20_000
#: Beyond this nothing is a time, a size or a count (the limit of run files).
LARGEST = 1e30


class Reading(NamedTuple):
    """The benchmarks of one file: `tool` and `version` as the file tells them, `cpu` the processor it says they ran on."""

    tool: str
    version: str
    cpu: str
    benchmarks: int
    capture: Capture

    @property
    def title(self) -> str:
        """The tool and, where known, its version: "pytest-benchmark 5.3.1"."""
        return f"{self.tool} {self.version}".strip()


def measurement(
    series: Series,
    unit: Unit,
    better: Direction,
    values: Sequence[float],
    origin: str,
    *,
    resolution: float = 0.0,
    zero_is_real: bool = False,
) -> Measurement:
    """The samples of one benchmark as a noisy measurement, or as unknown with the reason why they say nothing.

    More than a hundred samples become block medians. A time or throughput whose median is zero was below the clock's
    step, which is not the same as taking no time; counts and bytes may be zero (`zero_is_real`).
    """
    problem = _problem(values, zero_is_real=zero_is_real)
    if problem:
        return unknown(series, unit, better, origin, problem)
    return Measurement(
        series, unit, better, Assumption.NOISY, block_medians(values), origin=origin, resolution=resolution
    )


def unknown(series: Series, unit: Unit, better: Direction, origin: str, reason: str) -> Measurement:
    """A benchmark that has no value, and why."""
    return Measurement(
        series, unit, better, Assumption.NOISY, (), origin=origin, state=State.UNKNOWN, reason=plain_text(reason)
    )


def _problem(values: Sequence[float], *, zero_is_real: bool) -> str:
    total = len(values)
    if not total:
        return "the tool gave no sample; run the benchmark again"
    broken = sum(1 for value in values if not math.isfinite(value))
    if broken:
        return f"{broken} of {total} samples are not finite numbers; run the benchmark again"
    if max(abs(value) for value in values) > LARGEST:
        return "a sample is larger than anything that is measured; run the benchmark again"
    negative = sum(1 for value in values if value < 0)
    if negative:
        return f"{negative} of {total} samples are below zero; look at the clock, and run the benchmark again"
    if not zero_is_real and median(values) == 0:
        return "the samples are zero, below the step of the clock; let one round do more work"
    return ""


def sample(value: object, place: str) -> float:
    """A number from a JSON file; InputError names its place."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InputError("a number is wanted for this sample", where=place, remedy="run the benchmark again")
    try:
        return float(value)
    except OverflowError:
        return math.inf


def samples(value: object, place: str) -> list[float]:
    """A list of numbers from a JSON file; InputError names the place of what is none."""
    if not isinstance(value, list):
        raise InputError("a list of samples is wanted here", where=place, remedy="run the benchmark again")
    return [sample(each, f"{place}[{index}]") for index, each in enumerate(value)]


def check_count(count: int, where: str, what: str) -> None:
    """InputError for a file without a benchmark, or with more than anyone has."""
    if count == 0:
        raise InputError(f"this {what} file holds no benchmark", where=where, remedy="see whether any was selected")
    if count > MOST_BENCHMARKS:
        raise InputError(f"{count:,} benchmarks are more than the {MOST_BENCHMARKS:,} that are read", where=where)


def check_unique(measurements: Sequence[Measurement], where: str, remedy: str) -> None:
    """InputError where two entries of one file are the same series."""
    seen: dict[Series, str] = {}
    for each in measurements:
        if each.series in seen:
            place = each.origin or where
            raise InputError(f"{each.series} is there twice, first at {seen[each.series]}", where=place, remedy=remedy)
        seen[each.series] = each.origin
