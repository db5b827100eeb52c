"""`trend` on 10,000 series x 100 runs: segments, drift, forecasts and proposals, in one process."""

from __future__ import annotations

import random
import time

from perfgate.core.baseline import BaselineRun, Kind, Point, collect
from perfgate.core.budgets import Budget
from perfgate.core.metrics import find
from perfgate.core.model import MachineClass, Measurement, Selector, Series
from perfgate.core.ratchet import proposals
from perfgate.core.stats.change_points import current_start
from perfgate.core.tracks import tracks_of
from perfgate.core.trend import Ruling, trend_of
from perfgate.core.units import Quantity

SERIES, RUNS = 10_000, 100


def main() -> None:
    """Print seconds for each part, and how many times a plain loop that sorts all histories once they take."""
    chance = random.Random(1)
    metric = find("command.wall")
    assert metric is not None
    assert metric.unit is not None
    names = [Series.of("command.wall", command=f"c{index}") for index in range(SERIES)]
    machine = MachineClass("linux", "x86_64", "runner", "cpu", 4)
    kind = Kind.of(Measurement(names[0], metric.unit, metric.better, metric.assumption, (1.0,)), machine)
    entries: list[tuple[BaselineRun, list[Point]]] = [
        (
            BaselineRun(f"r{run}", f"{run:040x}", "", (1_700_000_000 + 43_200 * run, "")),
            [(name, chance.gauss(10, 0.5), kind) for name in names],
        )
        for run in range(RUNS)
    ]
    baseline = collect(entries, whole=True)
    rule = Ruling(Budget(Selector("command.*"), Quantity.parse("20 s")), Budget(Selector("command.*")))
    ruling = dict.fromkeys(names, rule)
    started = time.perf_counter()
    for history in baseline.histories.values():
        sorted(history.values)
    plain = time.perf_counter() - started
    for history in baseline.histories.values():
        current_start([float(value) for value in history.values])
    current = time.perf_counter() - started - plain
    tracks = tracks_of(baseline, names)
    cut = time.perf_counter() - started - plain - current
    trend = trend_of(baseline, tracks, ruling, allowed=0.1, newest=20)
    told = time.perf_counter() - started - plain - current - cut
    found = proposals(tracks, ruling)
    last = time.perf_counter() - started - plain - current - cut - told
    for what, seconds in (
        ("sort every history once", plain),
        ("the start of every current segment, as the gate asks", current),
        ("all segments", cut),
        (f"changes, drift, forecasts ({len(trend.worse)} worse, {len(trend.forecasts)} forecasts)", told),
        (f"proposals ({len(found)})", last),
    ):
        print(f"{what}: {seconds:.2f} s, {seconds / plain:.0f} x")


if __name__ == "__main__":
    main()
