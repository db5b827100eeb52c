"""Projects whose baseline was made by the store itself, from simulated noise at a fixed seed; without git where that is not the point."""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from perfgate.core.model import Measurement
from perfgate.store import directory
from tests.cli.program import Program


def project(root: Path, budgets: str, runs: Sequence[Sequence[Measurement]], *, git: bool = False) -> Program:
    """A project with these admitted runs, oldest first, each of its own commit."""
    made = Program(root, budgets, git=git)
    for number, measurements in enumerate(runs):
        commit = made.commit(f"state {number}") if git else f"{number + 1:040x}"
        directory.admit(root / "baselines", made.run_of(measurements, commit=commit))
    if git:
        made.commit("baseline")
    return made


def noisy(seed: int, sd: float, level: float = 1.0) -> Iterator[float]:
    """Log-normal noise around a level, without end."""
    chance = random.Random(seed)
    while True:
        yield level * math.exp(chance.gauss(0, sd))


def simulated(count: int, *series: Callable[[], Measurement]) -> list[list[Measurement]]:
    """The measurements of so many runs."""
    return [[each() for each in series] for _ in range(count)]


def prints(folder: Path) -> dict[str, str]:
    """What every file below a folder holds, git's own bookkeeping apart."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(folder).parts[:1]
    }
