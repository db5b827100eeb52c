"""What `measure command` adds to each run: wall time of the whole process over many runs against a bare loop of the same command."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RUNS, ROUNDS = 200, 5
COMMAND = ["true"]


def bare(runs: int) -> float:
    """Seconds for a loop of spawn and wait."""
    started = time.perf_counter()
    for _ in range(runs):
        os.waitpid(os.posix_spawnp(COMMAND[0], COMMAND, os.environ), 0)
    return time.perf_counter() - started


def measured(runs: int, folder: Path) -> tuple[float, float]:
    """Seconds for the whole process, and the median wall time that it reports."""
    output = folder / "run.json"
    argv = [
        sys.executable,
        "-m",
        "perfgate",
        "-q",
        "measure",
        "command",
        "it",
        "--runs",
        str(runs),
        "--warmup",
        "0",
        "-o",
        str(output),
        "--",
        *COMMAND,
    ]
    started = time.perf_counter()
    subprocess.run(argv, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - started
    told = json.loads(output.read_text(encoding="utf-8"))["measurements"]
    (walls,) = [each["values"] for each in told if each["metric"] == "command.wall"]
    return seconds, statistics.median(walls)


def main() -> None:
    """Print the cost of a run beyond the bare one, from the difference of long and short measurements."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        added, told, alone = [], [], []
        for _ in range(ROUNDS):
            loop = bare(RUNS) / RUNS
            long, wall = measured(RUNS, folder)
            short, _ = measured(1, folder)
            added.append((long - short) / (RUNS - 1) - loop)
            told.append(wall)
            alone.append(loop)
        print(f"a bare run of {COMMAND[0]}: {statistics.median(alone) * 1e3:.2f} ms")
        print(
            f"measure command adds {statistics.median(added) * 1e3:.2f} ms to a run ({min(added) * 1e3:.2f} - {max(added) * 1e3:.2f})"
        )
        print(
            f"it reports {statistics.median(told) * 1e3:.2f} ms for it, {statistics.median(told) / statistics.median(alone):.2f} x the bare loop"
        )


if __name__ == "__main__":
    main()
