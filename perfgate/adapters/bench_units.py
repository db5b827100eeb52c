"""The units of benchmark tools: what they are in base units, and which way is better where the unit itself says it."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import NamedTuple

from perfgate.adapters.labels import plain_text
from perfgate.core.metrics import Direction
from perfgate.core.units import Unit, base_of

_LONGEST = 80
#: Spellings of tools that perfgate's own files do not know.
_SPELLINGS = {
    "nanosecond": "ns",
    "nanoseconds": "ns",
    "nsec": "ns",
    "microsecond": "us",
    "microseconds": "us",
    "usec": "us",
    "millisecond": "ms",
    "milliseconds": "ms",
    "msec": "ms",
    "sec": "s",
    "m": "min",
    "hr": "h",
    "operation": "op",
    "operations": "op",
    "ops": "op",
    "iter": "op",
    "iteration": "op",
    "iterations": "op",
    "#": "1",
    "Megabytes": "MB",
    "Kilobytes": "kB",
    "Gigabytes": "GB",
}
_DAY = Decimal(86400)


class Cleaned(NamedTuple):
    """A tool's unit in base units: the unit, the factor that leads to it, and the direction that it implies."""

    unit: Unit
    factor: Decimal
    better: Direction

    def value(self, number: float) -> float:
        """A value of the tool's in base units; what is no finite number stays so."""
        return _times(number, self) if self.factor != 1 and math.isfinite(number) else number


def cleaned(text: str) -> Cleaned:
    """What a tool's unit stands for: times in seconds, sizes in bytes, rates per second.

    A time is better lower and something per time better higher; of any other unit nobody knows. A unit that looks like a
    currency is none, because amounts are never floats.

    >>> cleaned("ops/ms")
    Cleaned(unit=Unit(base='op', per='s'), factor=Decimal('1000'), better=<Direction.HIGHER: 'higher'>)
    """
    name, _, per = plain_text(text).strip()[:_LONGEST].partition("/")
    base, factor = _part(name)
    below = per.strip()
    below_base, below_factor = _part(below) if below else ("", Decimal(1))
    if below_base == "s":
        below, factor = "s", factor / below_factor
    else:
        below = _SPELLINGS.get(below, below)
    if re.fullmatch(r"[A-Z]{3}", base):
        base = base.lower()
    unit = Unit(base or "1", below)
    if below == "s":
        return Cleaned(unit, factor, Direction.HIGHER)
    return Cleaned(unit, factor, Direction.LOWER if base == "s" else Direction.NONE)


def slug(text: str) -> str:
    """A tool's own name as the last word of a metric: "p99-latency" as p99_latency."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:60] or "custom"


def _part(name: str) -> tuple[str, Decimal]:
    name = name.strip()
    if name == "day":
        return "s", _DAY
    unit, factor = base_of(_SPELLINGS.get(name, name))
    return (unit.base if not unit.per else name), factor


def _times(number: float, unit: Cleaned) -> float:
    """The product, rounded once: 135 ns is 1.35e-07 s, not the nearest float of a float's factor."""
    return float(Decimal(repr(number)) * unit.factor) if abs(number) < 1e300 else number
