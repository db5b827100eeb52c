"""`measure command` beside hyperfine and pyperf, the same commands in one session: what each reports, and what perfgate adds to a run.

The tools take turns, so that whatever the machine does meanwhile happens to all of them; what is not installed is left out. PYPERF names
pyperf's interpreter where it is not this one. Arguments choose among the commands: `measure_command.py true`.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

RUNS, ROUNDS = 40, 5
COMMANDS: Mapping[str, list[str]] = {
    "true": ["true"],
    "python, 50 ms": [sys.executable, "-I", "-S", "-c", "import time; time.sleep(0.035)"],
    "a loop": [sys.executable, "-I", "-S", "-c", "for _ in range(1_500_000): pass"],
}


def with_perfgate(argv: list[str], folder: Path) -> list[float]:
    """The wall times that perfgate reports, in seconds."""
    output = folder / "run.json"
    command = [sys.executable, "-m", "perfgate", "-q", "measure", "command", "it", "--runs", str(RUNS), "--warmup", "3"]
    subprocess.run([*command, "-o", str(output), "--", *argv], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    rows = json.loads(output.read_text(encoding="utf-8"))["details"]["command_runs"]
    return [row["wall"] for row in rows]


def with_hyperfine(argv: list[str], folder: Path) -> list[float]:
    """The times that hyperfine reports, without a shell."""
    import shlex

    output = folder / "hyperfine.json"
    command = ["hyperfine", "-N", "--style", "none", "--warmup", "3", "--runs", str(RUNS), "--export-json", str(output)]
    subprocess.run([*command, shlex.join(argv)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    times: list[float] = json.loads(output.read_text(encoding="utf-8"))["results"][0]["times"]
    return times


def with_pyperf(argv: list[str], folder: Path) -> list[float]:
    """The values of `pyperf command`: one run each, of several processes."""
    output = folder / "pyperf.json"
    output.unlink(missing_ok=True)
    python = os.environ.get("PYPERF", sys.executable)
    command = [python, "-m", "pyperf", "command", "-q", "--loops", "1", "--processes", "4", "--values", str(RUNS // 4)]
    done = subprocess.run([*command, "-o", str(output), "--", *argv], check=False, capture_output=True)
    if done.returncode:
        return []
    found = json.loads(output.read_text(encoding="utf-8"))["benchmarks"][0]["runs"]
    return [value for run in found for value in run.get("values", ())]


def spread(values: list[float]) -> float:
    """The middle half of the values, in seconds: what one interrupted run does not move."""
    low, _, high = statistics.quantiles(values, n=4)
    return high - low


def added(folder: Path) -> float:
    """Seconds that perfgate adds to a run of `true` beyond a bare loop of spawn and wait, its own start-up taken off."""
    started = time.perf_counter()
    for _ in range(RUNS):
        os.waitpid(os.posix_spawnp("true", ["true"], os.environ), 0)
    bare = time.perf_counter() - started
    took = []
    for runs in (1, RUNS + 1):
        argv = [
            sys.executable,
            "-m",
            "perfgate",
            "-q",
            "measure",
            "command",
            "it",
            "--warmup",
            "0",
            "--runs",
            str(runs),
        ]
        started = time.perf_counter()
        subprocess.run([*argv, "-o", "run.json", "--", "true"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        took.append(time.perf_counter() - started)
    return (took[1] - took[0] - bare) / RUNS


def main() -> None:
    """Print, for each command and tool, the median of the rounds' medians, their quickest run and their spread."""
    tools: dict[str, Callable[[list[str], Path], list[float]]] = {"perfgate": with_perfgate}
    if shutil.which("hyperfine"):
        tools["hyperfine -N"] = with_hyperfine
    tools["pyperf command"] = with_pyperf
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} CPUs; {ROUNDS} rounds of {RUNS} runs, milliseconds")
    print(f"{'command':<15}{'tool':<16}{'median':>9}{'mean':>9}{'min':>9}{'spread':>9}{'σ':>9}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for command in sys.argv[1:] or COMMANDS:
            argv = COMMANDS[command]
            rounds: dict[str, list[list[float]]] = {tool: [] for tool in tools}
            for number in range(ROUNDS):
                order = list(tools.items())
                for tool, measure in order[number % len(order) :] + order[: number % len(order)]:
                    if values := measure(argv, folder):
                        rounds[tool].append(values)
            for tool, found in rounds.items():
                if not found:
                    continue
                by_round = [
                    (statistics.median(each), statistics.mean(each), min(each), spread(each), statistics.stdev(each))
                    for each in found
                ]
                figures = [statistics.median(column) for column in zip(*by_round, strict=True)]
                print(f"{command:<15}{tool:<16}" + "".join(f"{1e3 * each:9.3f}" for each in figures))
        print(
            f"perfgate adds {1e3 * statistics.median(added(folder) for _ in range(ROUNDS)):.2f} ms to each run of true"
        )


if __name__ == "__main__":
    main()
