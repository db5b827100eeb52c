"""The engine on 10,000 series x 100 runs: collecting the baseline, then comparing and judging, in one process."""

from __future__ import annotations

import random
import resource
import time

from perfgate.core.baseline import BaselineRun, Kind, Point, collect
from perfgate.core.budgets import Budget, Budgets
from perfgate.core.decision import Circumstances
from perfgate.core.metrics import find
from perfgate.core.model import Context, MachineClass, Measurement, Run, Selector, Series
from perfgate.core.policy import decide

SERIES, RUNS = 10_000, 100


def peak() -> float:
    """The largest memory of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Print seconds for each part; the ratio is judged series a second, beside a plain loop that adds all values once."""
    chance = random.Random(1)
    metric = find("command.wall")
    assert metric is not None
    assert metric.unit is not None
    machine = MachineClass("linux", "x86_64", "runner", "cpu", 4)
    names = [Series.of("command.wall", command=f"c{index}") for index in range(SERIES)]
    measurements = tuple(
        Measurement(name, metric.unit, metric.better, metric.assumption, (chance.gauss(10, 0.2),), "bench")
        for name in names
    )
    kind = Kind.of(measurements[0], machine)
    entries: list[tuple[BaselineRun, list[Point]]] = [
        (BaselineRun(f"r{run}", f"{run:040x}", "", (run, "")), [(name, chance.gauss(10, 0.2), kind) for name in names])
        for run in range(RUNS)
    ]
    started = time.perf_counter()
    baseline = collect(entries)
    collected = time.perf_counter()
    held = peak()
    budgets = Budgets(budgets=(Budget(Selector.parse("command.*")),))
    decision = decide([Run(Context(machine=machine), measurements)], baseline, budgets, Circumstances())
    judged = time.perf_counter()
    grown = peak() - held
    total = 0.0
    for history in baseline.histories.values():
        for value in history.values:
            total += float(value)
    summed = time.perf_counter()
    print(f"collect {SERIES} series x {RUNS} runs: {collected - started:.2f} s")
    print(f"judge them: {judged - collected:.2f} s, {len(decision.verdicts)} verdicts, level {decision.level.word}")
    print(f"peak memory: {held:.0f} MB with the data, {grown:.0f} MB more for judging and its decision")
    print(
        f"a plain loop over the same values: {summed - judged:.2f} s; judging / loop = {(judged - collected) / (summed - judged):.1f} x"
    )


if __name__ == "__main__":
    main()
