"""Which fixtures took longer to set up than in the newest comparable baseline run: where a slower test may have its time from."""

from __future__ import annotations

from collections.abc import Sequence

from perfgate.core.suite_change import MOST_ROWS, Fixture
from perfgate.core.suite_records import Suite

#: Growth that is told: this share of what the fixture took before, and these seconds.
_WORTH_SHARE, _WORTH_SECONDS = 0.1, 0.1
#: A run keeps so many fixtures of a suite: what a fuller list lacks may have been left out.
_KEPT = 100


def grown(candidate: Sequence[Suite], history: Sequence[Suite]) -> tuple[Fixture, ...]:
    """The fixtures whose total grew, the most first; nothing where a side tells no fixtures."""
    after = next((each.fixtures for each in reversed(candidate) if each.fixtures), None)
    before = next((each.fixtures for each in reversed(history) if each.fixtures), None)
    if after is None or before is None:
        return ()
    found = []
    for setup, (count, seconds) in after.items():
        if setup in before:
            found.append(Fixture(*setup, *before[setup], count, seconds))
        elif len(before) < _KEPT:
            found.append(Fixture(*setup, 0, None, count, seconds))
    worth = [each for each in found if each.moved >= max(_WORTH_SECONDS, _WORTH_SHARE * (each.before or 0.0))]
    return tuple(sorted(worth, key=lambda each: (-each.moved, each[:3]))[:MOST_ROWS])
