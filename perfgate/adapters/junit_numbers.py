"""The times of a JUnit report: seconds as the dialects write them, ambiguous ones settled by the file's own evidence."""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

#: No test takes longer than a year.
LONGEST = 366 * 86_400.0
#: A value that no time has: what `plain` answers for text that is more than digits and a dot.
ODD = -1.0

_PLAIN = re.compile(r"\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
# 2,120.532 and 1,024,000: the comma can only group thousands.
_GROUPED = re.compile(r"[1-9]\d{0,2}(?:(?:,\d{3})+\.\d+|(?:,\d{3}){2,})")
# 1.234,5: the comma can only be the decimal one.
_GROUPED_BY_DOTS = re.compile(r"[1-9]\d{0,2}(?:\.\d{3})+,\d+")
_ONE_COMMA = re.compile(r"\d+,\d+")
_AMBIGUOUS = re.compile(r"[1-9]\d{0,2},\d{3}")
_WITH_UNIT = re.compile(r"(\d+(?:\.\d+)?)\s*(ns|us|µs|μs|ms|s)")
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0}


class Comma(Enum):
    """What a comma is in one time: nothing said, the decimal comma, a separator of thousands, or either of them."""

    UNSEEN = 0
    DECIMAL = 1
    GROUP = 2
    EITHER = 3


class Parsed(NamedTuple):
    """One time: seconds (None: cannot be read), its smallest step, and what it shows of the comma.

    Where the comma may be either, the seconds are those of the decimal one.
    """

    seconds: float | None
    step: float = 0.0
    comma: Comma = Comma.UNSEEN


def parse(text: str) -> Parsed:
    """Read one time; negative, infinite and absurd ones are as unreadable as words."""
    text = text.strip()
    step, comma = 1.0, Comma.UNSEEN
    if match := _WITH_UNIT.fullmatch(text):
        number, step = match[1], _UNITS[match[2]]
    elif _PLAIN.fullmatch(text):
        number = text
    elif _ONE_COMMA.fullmatch(text):
        number = text.replace(",", ".")
        comma = Comma.EITHER if _AMBIGUOUS.fullmatch(text) else Comma.DECIMAL
    elif _GROUPED.fullmatch(text):
        number, comma = text.replace(",", ""), Comma.GROUP
    elif _GROUPED_BY_DOTS.fullmatch(text):
        number, comma = text.replace(".", "").replace(",", "."), Comma.DECIMAL
    else:
        return Parsed(None)
    value = float(number)
    seconds = value * step if step != 1.0 else value
    if not (math.isfinite(seconds) and 0.0 <= seconds < LONGEST):
        return Parsed(None)
    return Parsed(seconds, step * 10.0 ** -len(number.partition(".")[2]), comma)


class Settled(NamedTuple):
    """A time that had to wait for the end of its file: whose it is, its line, and its seconds, None where nothing tells."""

    owner: int
    line: int
    seconds: float | None


class Waiting:
    """Times such as "1,234", one second or a thousand, held until the whole file has shown what its commas are."""

    def __init__(self) -> None:
        self._owners = array("q")
        self._lines = array("q")
        self._seconds = array("d")
        self._seen: set[Comma] = set()

    def saw(self, comma: Comma) -> None:
        """A time of the file showed what its commas are; a plain "0.5" shows that they are not decimal ones."""
        self._seen.add(comma)

    def hold(self, owner: int, seconds: float, line: int) -> None:
        """A time whose comma may be either; `seconds` read as the decimal one."""
        self._owners.append(owner)
        self._lines.append(line)
        self._seconds.append(seconds)

    def settle(self) -> Iterator[Settled]:
        """Every time held, by the file's evidence; a file that shows nothing, or both, leaves them unknown."""
        told = self._seen & {Comma.DECIMAL, Comma.GROUP}
        scale = None if len(told) != 1 else 1.0 if Comma.DECIMAL in told else 1000.0
        for owner, line, seconds in zip(self._owners, self._lines, self._seconds, strict=True):
            # 1.234 * 1000 is not 1234 in binary; the text had three decimals.
            yield Settled(owner, line, None if scale is None else round(seconds * scale, 3))
