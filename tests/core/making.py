"""Small runs and baselines for tests, made by the same nouns the program uses."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from perfgate.core.baseline import Baseline, BaselineRun, Kind, collect
from perfgate.core.budgets import Budget, Budgets, Situation, Waiver
from perfgate.core.decision import Circumstances, Decision
from perfgate.core.metrics import Assumption, Direction, find
from perfgate.core.model import Context, MachineClass, Measurement, Run, Selector, Series
from perfgate.core.policy import decide
from perfgate.core.units import Number, Quantity, Unit

MACHINE = MachineClass("linux", "x86_64", "ubuntu-24.04", "model A", 4)
TODAY = date(2026, 11, 21)
UNIT_TESTS = "tests.duration{suite=unit}"


def measured(series: str, *values: Number, **changes: Any) -> Measurement:
    """A measurement with the registry's unit, direction and assumption."""
    name = Series.parse(series)
    metric = find(name.metric)
    assert metric is not None
    plain = Measurement(name, metric.unit or Unit("s"), metric.better, metric.assumption, values, "test")
    return plain._replace(**changes)


def bench(
    series: str, *values: Number, better: Direction = Direction.LOWER, assumption: Assumption = Assumption.NOISY
) -> Measurement:
    """A measurement of a benchmark that brings its own direction."""
    return measured(series, *values, better=better, assumption=assumption)


def run(*measurements: Measurement, machine: MachineClass = MACHINE, number: int = 0) -> Run:
    """A run on the usual machine."""
    started = f"2026-10-01T{number // 60:02d}:{number % 60:02d}:00Z"
    return Run(Context(tested=f"{number:040x}", started_at=started, machine=machine), measurements)


def baseline(series: str, values: Sequence[Number], machine: MachineClass = MACHINE, **changes: Any) -> Baseline:
    """A baseline of one series, one run a value, oldest first."""
    return baseline_of(
        [run(measured(series, value, **changes), machine=machine, number=n) for n, value in enumerate(values, 1)]
    )


def baseline_of(runs: Sequence[Run]) -> Baseline:
    """A baseline of whole runs."""
    return collect(
        [
            (
                BaselineRun(f"run-{position}", each.context.tested, each.context.started_at, (position, "")),
                [(m.series, m.values[0], Kind.of(m, each.context.machine)) for m in each.measurements],
            )
            for position, each in enumerate(runs, 1)
        ],
        source="baselines",
    )


def budget(series: str, limit: str = "", **changes: Any) -> Budget:
    """A budget with the usual defaults."""
    plain = Budget(Selector.parse(series), Quantity.parse(limit) if limit else None, place="budgets.yaml:3")
    return plain._replace(**changes)


def waiver(series: str, ceiling: str, until: date = date(2026, 12, 31)) -> Waiver:
    """A waiver with an owner and a reason."""
    return Waiver(Selector.parse(series), Quantity.parse(ceiling), until, "fixtures moved", "@team", "budgets.yaml:9")


def decided(
    runs: Run | Sequence[Run],
    base: Baseline,
    *budgets: Budget,
    waivers: tuple[Waiver, ...] = (),
    messages: tuple[str, ...] = (),
    situation: Situation | None = None,
    only: str = "",
) -> Decision:
    """The decision on these runs."""
    circumstances = Circumstances(
        baseline_source=base.source,
        baseline_runs=base.runs,
        budgets_source="budgets.yaml",
        today=TODAY,
        situation=situation or Situation(branch="main", event="pull_request", ci=True),
        only=only,
    )
    rules = Budgets(budgets=budgets, waivers=waivers)
    return decide([runs] if isinstance(runs, Run) else list(runs), base, rules, circumstances, messages)
