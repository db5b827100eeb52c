"""What the pytest plugin adds to each of 10,000 trivial tests, with and without xdist, and what its entry point adds to a start of pytest.

Rounds with the plugin on and off take turns in one run; CPU time is compared by the least disturbed round of each, wall time by medians. `--tests N --rounds N` make it shorter.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BAR = 50e-6
FILES = 20
MODES: Mapping[str, Sequence[str]] = {"one process": (), "two workers": ("-p", "xdist", "-n", "2")}
ON = ("-p", "perfgate.pytest_plugin", "--perfgate", "record.jsonl")


def write(folder: Path, tests: int) -> None:
    """Files of tests that do nothing."""
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    for number in range(FILES):
        text = "".join(f"def test_{each}(): pass\n" for each in range(tests // FILES))
        (folder / f"test_{number}.py").write_text(text, encoding="utf-8")


def timed(folder: Path, words: Sequence[str]) -> tuple[float, float]:
    """Wall and CPU seconds of one session, workers included."""
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environ |= {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *words]
    before, started = os.times(), time.perf_counter()
    done = subprocess.run(argv, cwd=folder, env=environ, stdout=subprocess.PIPE, text=True, check=False)
    wall, after = time.perf_counter() - started, os.times()
    if done.returncode not in {0, 5}:
        raise SystemExit(done.stdout)
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return wall, cpu


def compare(folder: Path, tests: int, rounds: int, words: Sequence[str]) -> tuple[float, float, float]:
    """What the plugin adds per test in wall and in CPU seconds, and the ratio of the walls."""
    off: list[tuple[float, float]] = []
    on: list[tuple[float, float]] = []
    timed(folder, words)
    for number in range(rounds):
        pair = [(off, words), (on, (*words, *ON))]
        for found, argv in pair if number % 2 else reversed(pair):
            found.append(timed(folder, argv))
    walls = [statistics.median(wall for wall, _ in found) for found in (off, on)]
    cpus = [min(cpu for _, cpu in found) for found in (off, on)]
    return (walls[1] - walls[0]) / tests, (cpus[1] - cpus[0]) / tests, walls[1] / walls[0]


def importing(rounds: int) -> float:
    """Seconds that importing the plugin takes where pytest is loaded already, the median of processes."""
    program = (
        "import time, pytest; started = time.perf_counter(); import perfgate, perfgate.pytest_plugin; "
        "print(time.perf_counter() - started)"
    )
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environ["PYTHONPATH"] = str(ROOT)
    argv = [sys.executable, "-c", program]
    told = [
        subprocess.run(argv, env=environ, stdout=subprocess.PIPE, text=True, check=True).stdout
        for _ in range(2 * rounds + 1)
    ]
    return statistics.median(map(float, told[1:]))


def main() -> None:
    """Print the figures; end with 1 where the bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tests", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    missed = False
    print(f"importing the plugin: {importing(options.rounds) * 1e3:.2f} ms")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, options.tests)
        for mode, words in MODES.items():
            wall, cpu, ratio = compare(folder, options.tests, options.rounds, words)
            missed = missed or cpu > BAR
            print(
                f"{mode}, {options.tests:,} tests: {cpu * 1e6:.1f} µs of CPU time and {wall * 1e6:.1f} µs of wall time a test "
                f"(bar {BAR * 1e6:.0f} µs of CPU time), wall {ratio:.3f} times that without the plugin"
            )
    raise SystemExit(missed)


if __name__ == "__main__":
    main()
