"""Set-up that mocks, caching or a wider scope would remove: facts with their numbers, one line each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from perfgate.core.suite_setup import FIXTURE, SETUP_PHASE
from perfgate.core.units import Unit, write_value
from perfgate.render.suite_rows import Row, number, said, text

_SECONDS = Unit("s")


def setup_lines(rows: Iterable[Row]) -> Iterator[str]:
    """A sentence for each row of `test_setup_costs` that tells what it needs; untrusted text."""
    for row in rows:
        seconds, share = number(row, "seconds"), number(row, "share")
        if seconds is None or share is None:
            continue
        took = f"{write_value(seconds, _SECONDS)}, {said(share)} of the tests' time"
        if text(row, "kind") == SETUP_PHASE:
            yield f"set-up of the tests: {took}"
        elif text(row, "kind") == FIXTURE and (saving := number(row, "saving")) is not None:
            place = f"{text(row, 'file')}, " if text(row, "file") else ""
            yield (
                f"fixture {text(row, 'fixture')} ({place}scope {text(row, 'scope')}): set up {number(row, 'count') or 0:,.0f} times,"
                f" set-up and teardown {took}; at scope session once would save about {write_value(saving, _SECONDS)}, if its tests do not change it"
            )
