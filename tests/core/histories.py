"""Whole baselines of known making: noise, steps and slopes over days."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

from perfgate.core.baseline import AnchorChoice, Baseline, BaselineRun, Cut, Kind, collect
from perfgate.core.model import MachineClass, Measurement
from tests.core.making import MACHINE, measured

DAY = 86_400
START = 1_760_000_000
WHEEL = "size.bytes{path=wheel}"
SUCCESS = "llm.success{scenario=a}"


def whole(
    *series: tuple[str, Sequence[float]],
    machines: Sequence[MachineClass] = (MACHINE,),
    cuts: Sequence[Cut] = (),
    anchors: Sequence[AnchorChoice] = (),
    window: int = 100,
) -> Baseline:
    """A whole baseline of one run a day; the machines take turns."""
    entries = []
    for day in range(max(len(values) for _, values in series)):
        machine = machines[day % len(machines)]
        points = []
        for name, values in series:
            if day < len(values):
                made: Measurement = measured(name, values[day])
                points.append((made.series, values[day], Kind.of(made, machine)))
        started = f"2026-{10 + day // 28:02d}-{1 + day % 28:02d}T00:00:00Z"
        run = BaselineRun(f"run-{day}", f"{day:040x}", started, (START + day * DAY, started))
        entries.append((run, points))
    return collect(entries, cuts=cuts, anchors=anchors, window=window, source="baselines", whole=True)


def noisy(level: float, n: int, *, spread: float = 0.02, seed: int = 1, slope: float = 0.0) -> list[float]:
    source = random.Random(seed)
    return [level * (1 + slope * index) * math.exp(spread * source.gauss(0, 1)) for index in range(n)]


def stepped(n: int = 30, m: int = 20, size: float = 1.2) -> list[float]:
    return noisy(60, n) + noisy(60 * size, m, seed=2)
