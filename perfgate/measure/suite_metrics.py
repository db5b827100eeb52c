"""What the tests of a suite recorded of their own, as measurements."""

from __future__ import annotations

from perfgate.adapters.bench_reading import measurement, unknown
from perfgate.adapters.labels import label
from perfgate.adapters.suite_report import FAILED, Report
from perfgate.core.model import Caveat, Measurement, Series
from perfgate.errors import InputError

#: The label `tool` of such series.
TOOL = "perfgate"
_MOST = 20_000


def measurements(suite: str, report: Report, caveats: list[Caveat]) -> list[Measurement]:
    """A series `bench.NAME{tool=perfgate,benchmark=TEST,suite=…}` for each metric of each test, unknown where the test failed.

    Tests of one title put their values together. Raises InputError where there are more than anybody follows.
    """
    found: dict[Series, Measurement] = {}
    positions = sorted(report.own)
    for position, case in zip(positions, report.cases(frozenset(positions)), strict=True):
        test = label(case.title, caveats) or "unnamed"
        for own in report.own[position]:
            series = Series.of(own.metric, tool=TOOL, benchmark=test, suite=suite)
            if case.state == FAILED:
                why = "the test that records it failed"
                one = unknown(series, own.unit, own.better, case.id, why, assumption=own.assumption)
            else:
                zero_is_real = own.unit.base != "s"
                one = measurement(
                    series,
                    own.unit,
                    own.better,
                    own.values,
                    case.id[:500],
                    zero_is_real=zero_is_real,
                    assumption=own.assumption,
                )
            found[series] = _together(found.get(series), one, caveats)
            if len(found) > _MOST:
                raise InputError(
                    f"the tests record more than the {_MOST:,} own series that are kept",
                    remedy="record fewer metrics, or those of fewer tests",
                )
    return list(found.values())


def _together(earlier: Measurement | None, one: Measurement, caveats: list[Caveat]) -> Measurement:
    """Two tests of one title as one series; what cannot be put together is told."""
    if earlier is None:
        return one
    if (earlier.unit, earlier.better, earlier.assumption, earlier.state) == (
        one.unit,
        one.better,
        one.assumption,
        one.state,
    ):
        return earlier._replace(values=earlier.values + one.values)
    message = f"tests of one name record {one.series.metric} in different ways; the first one's values are kept"
    caveats.append(Caveat("metrics of one name", message, "give the tests names of their own"))
    return earlier
