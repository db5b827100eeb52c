"""What every reader of benchmark results yields, and how raw samples become a measurement or a state."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from perfgate.adapters.labels import label, plain_text
from perfgate.core.metrics import Assumption, Direction
from perfgate.core.model import Capture, Caveat, Measurement, Series, State
from perfgate.core.stats.estimators import block_medians, median
from perfgate.core.units import Unit
from perfgate.errors import InputError

#: More benchmarks than this in one file are no benchmark results.
MOST_BENCHMARKS = 20_000
#: More series than a run file may hold are not kept either.
MOST_SERIES = 100_000
#: Beyond this nothing is a time, a size or a count (the limit of run files).
LARGEST = 1e30
_NO_NUMBERS = {"nan", "inf", "infinity", "∞"}


class Reading(NamedTuple):
    """The benchmarks of one file: `tool` and `version` as the file tells them, `cpu` the processor it says they ran on."""

    tool: str
    version: str
    cpu: str
    benchmarks: int
    capture: Capture
    #: Whether the tool gives one value a file, so that several files of one series are its samples.
    sample_a_file: bool = False

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
    assumption: Assumption = Assumption.NOISY,
    conditions: tuple[tuple[str, str], ...] = (),
) -> Measurement:
    """The samples of one benchmark as a measurement, or as unknown with the reason why they say nothing.

    More than a hundred samples become block medians. A time or throughput whose median is zero was below the clock's
    step, which is not the same as taking no time; counts and bytes may be zero (`zero_is_real`).
    """
    problem = _problem(values, zero_is_real=zero_is_real)
    if problem:
        return unknown(series, unit, better, origin, problem, assumption=assumption)
    return Measurement(
        series,
        unit,
        better,
        assumption,
        block_medians(values),
        origin=origin,
        resolution=resolution,
        conditions=conditions,
    )


def unknown(
    series: Series,
    unit: Unit,
    better: Direction,
    origin: str,
    reason: str,
    *,
    assumption: Assumption = Assumption.NOISY,
) -> Measurement:
    """A benchmark that has no value, and why."""
    return Measurement(
        series, unit, better, assumption, (), origin=origin, state=State.UNKNOWN, reason=plain_text(reason)[:500]
    )


class Findings:
    """What a reader found so far in one file: measurements, and what must be said about many of them in one sentence."""

    def __init__(self, tool: str, where: str) -> None:
        self.tool = tool
        self.where = where
        self.found: list[Measurement] = []
        self.caveats: list[Caveat] = []
        self._bare: list[str] = []
        self._aimless: list[str] = []

    def series(self, metric: str, benchmark: object, place: str, **labels: str) -> Series:
        """The series of a benchmark; InputError where it has no name. Labels without a value are left out."""
        name = label(plain_text(benchmark), self.caveats)
        if not name:
            raise InputError("this benchmark has no name", where=place, remedy="write the file again")
        cut = {key: label(value, self.caveats) for key, value in labels.items()}
        return Series.of(metric, tool=self.tool, benchmark=name, **cut)

    def add(
        self,
        series: Series,
        unit: Unit,
        better: Direction,
        values: Sequence[float],
        origin: str,
        *,
        bare: bool = False,
        zero_is_real: bool = False,
        assumption: Assumption = Assumption.NOISY,
        conditions: tuple[tuple[str, str], ...] = (),
    ) -> None:
        """Keep the samples of a series; `bare`: the tool kept none, and gives one value that stands for them."""
        if bare:
            self._bare.append(str(series))
        if better is Direction.NONE:
            self._aimless.append(str(series))
        self._keep(
            measurement(
                series,
                unit,
                better,
                values,
                origin,
                zero_is_real=zero_is_real,
                assumption=assumption,
                conditions=conditions,
            )
        )

    def fail(self, series: Series, unit: Unit, better: Direction, origin: str, reason: str) -> None:
        """Keep a benchmark that has no value, and why."""
        self._keep(unknown(series, unit, better, origin, reason))

    def _keep(self, found: Measurement) -> None:
        if len(self.found) >= MOST_SERIES:
            raise InputError(f"more than the {MOST_SERIES:,} series that are read", where=self.where)
        self.found.append(found)

    def note(self, code: str, message: str, remedy: str = "") -> None:
        """Keep a caveat, once."""
        caveat = Caveat(code, plain_text(f"{self.where}: {message}"), remedy)
        if caveat not in self.caveats:
            self.caveats.append(caveat)

    def reading(
        self,
        *,
        benchmarks: int | None = None,
        version: object = "",
        cpu: object = "",
        samples_by: str = "",
        twice: str = "give each benchmark its own name",
        sample_a_file: bool = False,
    ) -> Reading:
        """Everything found. `samples_by` says how the tool keeps raw samples, `twice` what to do about equal names."""
        names = {
            (dict(each.series.labels)["benchmark"], dict(each.series.labels).get("parameters")) for each in self.found
        }
        count = len(names) if benchmarks is None else benchmarks
        check_count(count, self.where, self.tool)
        check_unique(self.found, self.where, twice)
        if self._bare:
            some = f"{len(self._bare)} of {len(self.found)} series come without raw samples"
            self.note(
                "no-raw-samples", f"{some} ({self._bare[0][:100]}, for example): one value each is kept", samples_by
            )
        if self._aimless:
            some = f"nothing says which way {self._aimless[0][:100]} is better"
            if len(self._aimless) > 1:
                some += f", nor {len(self._aimless) - 1} more"
            self.note("no-direction", f"{some}: only limits apply", "say it: --better lower, or --better higher")
        found, caveats = tuple(self.found), tuple(self.caveats)
        capture = Capture(found, {}, caveats)
        return Reading(self.tool, plain_text(version)[:40], plain_text(cpu)[:200], count, capture, sample_a_file)


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


def number(value: object) -> float | None:
    """A number from a JSON file, NaN for the words that tools write instead of one ("NaN", "Infinity"), None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        try:
            return float(value)
        except OverflowError:
            return math.inf
    if isinstance(value, str) and value.strip().lstrip("+-").lower() in _NO_NUMBERS:
        return math.nan
    return None


def objects(value: object, where: str, place: str) -> list[tuple[dict[str, Any], str]]:
    """The objects of a list with their places; InputError for what is none."""
    if not isinstance(value, list):
        raise InputError("a list is wanted here", where=f"{where}, {place}", remedy="write the file again")
    found = []
    for index, each in enumerate(value):
        inner = f"{where}, {place}[{index}]"
        if not isinstance(each, dict):
            raise InputError("an object is wanted here", where=inner, remedy="write the file again")
        found.append((each, inner))
    return found


def parameters(value: object) -> str:
    """Parameters of a benchmark as "n=1, size=2", in the order of their names; "" where there are none."""
    if not isinstance(value, dict):
        return ""
    return ", ".join(f"{name}={value[name]}" for name in sorted(value))


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
