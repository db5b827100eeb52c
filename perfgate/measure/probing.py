"""What is asked of commands beside their times: their instructions, counted, and where their time goes, sampled in one run more."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from perfgate.core.entries import CommandEntry
from perfgate.core.model import Capture, Series
from perfgate.core.stats.estimators import median
from perfgate.measure import counting, profiling
from perfgate.measure.session import title
from perfgate.measure.surroundings import Surroundings


def captures(
    entries: Sequence[CommandEntry],
    surroundings: Surroundings,
    progress: Callable[[str], None],
    timed: Sequence[Capture],
) -> list[Capture]:
    """Count those that have a counter, then profile those that ask for it: behind all the runs that are `timed`, which it never disturbs."""
    found = [counting.capture(entry, surroundings, _named(entry, progress)) for entry in entries if entry.counter]
    walls = {each.series: each.values for capture in timed for each in capture.measurements if each.values}
    for entry in entries:
        if entry.profile:
            wall = walls.get(Series.of("command.wall", command=entry.name, **dict(entry.labels)))
            expected = float(median(wall)) if wall else 0.0
            found.append(profiling.capture(entry, surroundings, _named(entry, progress), expected=expected))
    return found


def _named(entry: CommandEntry, progress: Callable[[str], None]) -> Callable[[str], None]:
    return lambda text: progress(f"{title(entry)}: {text}")
