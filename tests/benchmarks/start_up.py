"""Whole-process times of perfgate against bare `python -c pass`, interleaved, and the gate's peak memory."""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SERIES, RUNS, ROUNDS = 50, 30, 20
ENVIRON = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith(("GITHUB_", "PYTHONDONTWRITEBYTECODE")) and name != "CI"
}


def wall(argv: list[str], cwd: Path) -> tuple[float, int]:
    """Wall seconds and peak resident bytes of one process."""
    started = time.perf_counter()
    with subprocess.Popen(argv, cwd=cwd, env=ENVIRON, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        _, _, usage = os.wait4(process.pid, 0)
        process.returncode = 0
    return time.perf_counter() - started, usage.ru_maxrss * 1024


def prepare(folder: Path) -> None:
    """A repository whose baseline holds `RUNS` runs of `SERIES` series, one commit each, and a run of the newest state."""
    from perfgate.core.metrics import find
    from perfgate.core.model import Context, Measurement, Run, Series
    from perfgate.formats import run as run_format
    from perfgate.measure.machine import machine_class
    from perfgate.store import directory

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=folder, env=ENVIRON, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    chance = random.Random(1)
    metric = find("command.wall")
    assert metric is not None
    unit = metric.unit
    assert unit is not None
    machine = machine_class(ENVIRON)

    def made(commit: str, number: int) -> Run:
        started = f"2026-10-01T{number // 60:02d}:{number % 60:02d}:00Z"
        measurements = tuple(
            Measurement(
                Series.of("command.wall", command=f"c{index}"),
                unit,
                metric.better,
                metric.assumption,
                tuple((1 + index) * (1 + chance.gauss(0, 0.02)) for _ in range(10)),
                "benchmark",
            )
            for index in range(SERIES)
        )
        return Run(Context(tested=commit, head=commit, started_at=started, machine=machine), measurements)

    git("init", "-q", "-b", "main")
    git("config", "user.email", "bench@example.invalid")
    git("config", "user.name", "bench")
    (folder / "budgets.yaml").write_text('version: 1\nbudgets:\n  - series: "command.*"\n', encoding="utf-8")
    (folder / ".gitignore").write_text(".perfgate/\n", encoding="utf-8")
    for number in range(RUNS):
        git("add", "-A")
        git("commit", "-q", "--allow-empty", "-m", f"state {number}")
        directory.admit(folder / "baselines", made(git("rev-parse", "HEAD"), number))
    git("add", "-A")
    git("commit", "-q", "-m", "baseline")
    runs = folder / ".perfgate" / "runs"
    runs.mkdir(parents=True)
    (runs / "now.json").write_bytes(run_format.dump(made(git("rev-parse", "HEAD"), RUNS)))


def main() -> None:
    """Print the medians and their ratios."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder)
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "perfgate --version": [sys.executable, "-m", "perfgate", "--version"],
            "perfgate --help": [sys.executable, "-m", "perfgate", "--help"],
            f"perfgate gate ({SERIES} series x {RUNS} runs)": [sys.executable, "-m", "perfgate", "gate"],
        }
        times: dict[str, list[float]] = {label: [] for label in commands}
        peak = 0
        for position in range(ROUNDS + 2):
            for label, argv in commands.items():
                seconds, memory = wall(argv, folder)
                if position >= 2:
                    times[label].append(seconds)
                if "gate (" in label:
                    peak = max(peak, memory)
        bare = statistics.median(times["python -c pass"])
        for label, values in times.items():
            print(
                f"{label:45} {statistics.median(values) * 1e3:8.1f} ms  ({min(values) * 1e3:.1f} - {max(values) * 1e3:.1f})  {statistics.median(values) / bare:5.1f} x"
            )
        print(f"peak memory of gate: {peak / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
