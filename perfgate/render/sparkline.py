"""A row of numbers as a row of bars, in the characters that the terminal has."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

_BARS = "▁▂▃▄▅▆▇█"
_PLAIN = "_.-=+*%#"


def sparkline(values: Sequence[float], *, width: int, unicode: bool, bottom: float | None = None) -> str:
    """The values as bars from the least (or `bottom`) to the largest; where there are more than `width`, medians of neighbours.

    >>> sparkline([1, 2, 3, 8], width=10, unicode=False)
    '_.-#'
    """
    if not values or width < 1:
        return ""
    bars = _BARS if unicode else _PLAIN
    shown = [_middle(values[start:end]) for start, end in pieces(len(values), width)]
    least, most = min(shown) if bottom is None else bottom, max(shown)
    if not math.isfinite(most - least) or most == least:
        return bars[0 if most == least else 3] * len(shown)
    return "".join(bars[min(len(bars) - 1, int((value - least) / (most - least) * len(bars)))] for value in shown)


def marks(starts: Sequence[int], count: int, *, width: int, sign: str = "^") -> str:
    """A line to stand under a sparkline of `count` values: a sign under each value that begins a segment."""
    columns = [" "] * min(count, width)
    for position, (start, end) in enumerate(pieces(count, width)):
        if any(start <= index < end for index in starts):
            columns[position] = sign
    return "".join(columns).rstrip()


def pieces(count: int, width: int) -> list[tuple[int, int]]:
    """`count` values in at most `width` consecutive pieces of nearly equal size."""
    columns = min(count, width)
    edges = [index * count // columns for index in range(columns + 1)] if columns else []
    return list(pairwise(edges))


def _middle(values: Sequence[float]) -> float:
    ordered = sorted(values)
    return ordered[len(ordered) // 2]
