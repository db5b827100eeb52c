"""`perfgate calibrate` on 200 series x 100 runs, as a whole process, beside the self-test of the same project."""

from __future__ import annotations

import math
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from perfgate.core.metrics import find
from perfgate.core.model import Context, MachineClass, Measurement, Run, Series
from perfgate.store import directory

SERIES, RUNS = 200, 100


def main() -> None:
    """Print seconds and memory of both commands."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "budgets.yaml").write_text("version: 1\nbudgets:\n  - series: command.wall\n", encoding="utf-8")
        _admit(folder)
        for command in ("calibrate", "selftest"):
            started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run(
                [sys.executable, "-m", "perfgate", command, "--json"],
                cwd=folder,
                stdout=subprocess.DEVNULL,
                check=False,
            )
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            used = after.ru_utime - before.ru_utime
            wall, memory = time.perf_counter() - started, after.ru_maxrss / 1024
            print(f"{command}: {wall:.1f} s, {used:.1f} s of CPU time, at most {memory:.0f} MB so far")


def _admit(folder: Path) -> None:
    chance = random.Random(1)
    metric = find("command.wall")
    assert metric is not None
    assert metric.unit is not None
    spreads = [chance.choice([0.01, 0.02, 0.05, 0.1]) for _ in range(SERIES)]
    for number in range(RUNS):
        measurements = tuple(
            Measurement(
                Series.of("command.wall", command=f"c{at}"), metric.unit, metric.better, metric.assumption,
                (1.3 * math.exp(chance.gauss(0, spreads[at])),), "bench",
            )
            for at in range(SERIES)
        )  # fmt: skip
        started = f"2026-10-01T{number // 60:02d}:{number % 60:02d}:00Z"
        context = Context(tested=f"{number + 1:040x}", started_at=started, machine=MachineClass("linux", "x86_64"))
        directory.admit(folder / "baselines", Run(context, measurements))


if __name__ == "__main__":
    main()
