"""The JSON lines of `perf stat -j`: counts of the processor's own counters, and what it says where it has none."""

from __future__ import annotations

import json
from typing import NamedTuple

#: An event that was counted less than this share of the time, in per cent, was taking turns with others: its count is scaled up.
_WHOLE = 99.95


class Counted(NamedTuple):
    """One event: its number, None where `why_not` says why there is none, and the per cent of the time in which it was counted."""

    event: str
    number: float | None
    running: float = 100.0
    why_not: str = ""

    @property
    def is_scaled(self) -> bool:
        """Whether the count was made larger for the time in which nothing was counted."""
        return self.number is not None and self.running < _WHOLE


def read(text: str) -> tuple[Counted, ...]:
    """The events in the output of `perf stat -j`; lines that are none of its JSON are left out."""
    found = []
    for line in text.splitlines():
        if not line.startswith("{") or len(line) > 10_000:
            continue
        try:
            told = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(told, dict) and isinstance(told.get("event"), str):
            found.append(_counted(told))
    return tuple(found)


def _counted(told: dict[str, object]) -> Counted:
    event = str(told["event"])[:100]
    value, running = told.get("counter-value"), _number(told.get("pcnt-running"))
    count = _number(value)
    if count is None or count < 0:
        # "<not supported>" and "<not counted>" are words in the place of a number, and no zero.
        why = str(value).strip("<>")[:100] if isinstance(value, str) else "no count"
        return Counted(event, None, running or 0.0, why)
    if running == 0:
        return Counted(event, None, 0.0, "not counted")
    return Counted(event, count, 100.0 if running is None else running)


def _number(value: object) -> float | None:
    """A number as some versions write it, or the text of one as others do."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if abs(number) < 1e30 else None
