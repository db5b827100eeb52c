"""How even shards are, beside pytest-split's two algorithms where that is installed, and what 100,000 tests take."""

from __future__ import annotations

import functools
import importlib.util
import random
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from perfgate.core.sharding import SECOND, Algorithm, Unit, split

SUITES, TESTS, MANY = 200, 400, 100_000
SHARDS = (2, 4, 8, 16)
#: A suite of files instead of tests: fewer units, and none as dear as the sum of the others.
FILES, FILE_SPREAD = 40, 0.8
SPREAD = 1.8
#: In times of sorting the same tests once by time and name.
SLOWEST = 6.0

Suite = Sequence[tuple[str, float]]
#: The seconds of each group, None for one without a test.
Way = Callable[[Suite, int], list[float | None]]


class _Item(NamedTuple):
    """What pytest-split needs of a test."""

    nodeid: str


def ours(algorithm: Algorithm) -> Way:
    """perfgate's shards."""

    def way(suite: Suite, into: int) -> list[float | None]:
        units = [Unit(name, (name,), round(seconds * SECOND)) for name, seconds in suite]
        plan = split(units, into, algorithm)
        return [float(shard.took / SECOND) if shard.units else None for shard in plan.shards]

    return way


def theirs(name: str) -> Way:
    """The groups of an algorithm of pytest-split."""
    algorithm: Any = importlib.import_module("pytest_split.algorithms").Algorithms[name].value

    def way(suite: Suite, into: int) -> list[float | None]:
        groups = algorithm(into, [_Item(name) for name, _ in suite], dict(suite))
        return [group.duration if group.selected else None for group in groups]

    return way


def ways() -> dict[str, Way]:
    """Everything that is compared."""
    found = {f"perfgate {each.value}": ours(each) for each in (Algorithm.LEAST_LOADED, Algorithm.IN_ORDER)}
    if importlib.util.find_spec("pytest_split") is None:
        print("pytest-split is not installed here, so its algorithms are left out\n")
        return found
    return found | {f"pytest-split {name}": theirs(name) for name in ("duration_based_chunks", "least_duration")}


def suites() -> dict[str, list[Suite]]:
    """Suites that are drawn, and those that were recorded where they are beside this repository."""
    draw = random.Random(1)
    made: dict[str, list[Suite]] = {
        f"{TESTS} tests, lognormal, spread {SPREAD}": [drawn(draw, TESTS, SPREAD) for _ in range(SUITES)],
        f"{FILES} files, lognormal, spread {FILE_SPREAD}": [drawn(draw, FILES, FILE_SPREAD) for _ in range(SUITES)],
    }
    data = Path(__file__).resolve().parents[3] / "shared" / "data" / "junit"
    recorded = [suite for path in sorted(data.rglob("*.xml")) if len(suite := of_report(path)) >= 32]
    if recorded:
        made[f"{len(recorded)} recorded suites of 32 tests and more"] = recorded
    return made


def drawn(draw: random.Random, count: int, spread: float) -> Suite:
    """A suite whose times have this spread of their logarithms, in the order of a list, not of time."""
    return [(f"tests/test_{number // 20}.py::test_{number}", draw.lognormvariate(0, spread)) for number in range(count)]


def of_report(path: Path) -> Suite:
    """The executed tests of a JUnit report; none where it cannot be read."""
    from perfgate.errors import PerfgateError
    from perfgate.measure.recorded_times import of_files

    try:
        (recording,) = of_files([path.name], path.parent, lambda _: None, suite="", last=1).recordings
    except PerfgateError:
        return []
    times = {test.name: test.seconds for test in recording.tests if test.seconds is not None}
    return list(times.items())


def compared(made: Sequence[Suite], way: Way, into: int) -> tuple[float, float, int]:
    """Makespan by lower bound (half of the suites below, 95 % below), and how many suites have an empty group."""
    ratios, empty = [], 0
    for suite in made:
        groups = way(suite, into)
        times = [seconds for _, seconds in suite]
        ratios.append(max(each or 0.0 for each in groups) / max(sum(times) / into, *times))
        empty += None in groups
    ratios.sort()
    return statistics.median(ratios), ratios[min(len(ratios) - 1, round(0.95 * len(ratios)))], empty


def main() -> None:
    """Print the table; end with 1 where 100,000 tests take too long, by what sorting them takes."""
    compare, everything = ways(), suites()
    for title, made in everything.items():
        print(
            f"{title}: makespan ÷ lower bound, half of the suites / 95 % of them are below; suites with an empty group"
        )
        print(
            "| algorithm | "
            + " | ".join(f"{into} shards" for into in SHARDS)
            + " |\n"
            + "|---" * (1 + len(SHARDS))
            + "|"
        )
        for name, way in compare.items():
            cells = (compared(made, way, into) for into in SHARDS)
            print(
                f"| {name} | " + " | ".join(f"{half:.3f} / {most:.3f}, {empty}" for half, most, empty in cells) + " |"
            )
        print()
    many = drawn(random.Random(2), MANY, SPREAD)
    once = fastest(lambda: sorted(many, key=lambda test: (-test[1], test[0])))
    slowest = 0.0
    for name, way in compare.items():
        took = fastest(functools.partial(way, many, 16)) / once
        slowest = max(slowest, took if name.startswith("perfgate") else 0.0)
        print(f"{MANY:,} tests into 16, {name}: {took:.1f} times as long as sorting them once ({once:.2f} s)")
    print(f"slowest of perfgate's: {slowest:.1f} (bar {SLOWEST:g})")
    raise SystemExit(slowest > SLOWEST)


def fastest(work: Callable[[], object], rounds: int = 5) -> float:
    """The shortest of some rounds, in seconds."""
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times)


if __name__ == "__main__":
    main()
