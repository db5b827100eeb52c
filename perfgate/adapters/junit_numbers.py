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

_PLAIN = re.compile(r"(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
# 2,120.532 and 1,024,000: the comma can only group thousands.
_GROUPED = re.compile(r"[1-9]\d{0,2}(?:(?:,\d{3})+\.\d+|(?:,\d{3}){2,})")
# 1.234,5: the comma can only be the decimal one.
_GROUPED_BY_DOTS = re.compile(r"[1-9]\d{0,2}(?:\.\d{3})+,\d+")
_ONE_COMMA = re.compile(r"\d+,\d+")
_AMBIGUOUS = re.compile(r"[1-9]\d{0,2},\d{3}")
# 80.803us, 1h 2m 3.5s, 1 min 2 sec: what Kotlin and Go write of a duration.
_UNIT = r"(\d[\d.,]*)\s*(ns|us|µs|μs|ms|sec|s|min|m|h|d)"
_WITH_UNIT, _WITH_UNITS = re.compile(_UNIT), re.compile(rf"{_UNIT}(?:\s*{_UNIT}){{0,6}}")
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "sec": 1.0}
_UNITS |= {"min": 60.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
# PT1H2M3.5S (ISO 8601), and 00:01:02.5 (.NET's).
_ISO = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:[.,](\d+))?S)?)?(?<![PT])")
_CLOCK = re.compile(r"(?:(\d+)\.)?(\d+):([0-5]?\d):([0-5]?\d)(?:\.(\d+))?")


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
    text = text.strip()[:100]
    if _WITH_UNITS.fullmatch(text):
        return _with_units(text)
    if match := _ISO.fullmatch(text) or _CLOCK.fullmatch(text):
        return _clock(*match.groups())
    return _number(text)


def _number(text: str) -> Parsed:
    comma = Comma.UNSEEN
    if _PLAIN.fullmatch(text):
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
    return _sane(float(number), 10.0 ** -len(number.partition(".")[2]), comma)


def _with_units(text: str) -> Parsed:
    """The sum of parts with units; a comma that may be either stays unknown, for it is not the file's that would settle it."""
    seconds, step, comma = 0.0, math.inf, Comma.UNSEEN
    for number, unit in _WITH_UNIT.findall(text):
        part = _number(number)
        if part.seconds is None or part.comma is Comma.EITHER:
            return Parsed(None)
        scale = _UNITS[unit]
        seconds, step = seconds + (part.seconds * scale if scale != 1.0 else part.seconds), min(step, part.step * scale)
        comma = part.comma if part.comma is not Comma.UNSEEN else comma
    return _sane(seconds, step, comma)


def _clock(days: str, hours: str, minutes: str, seconds: str, fraction: str | None) -> Parsed:
    """Days, hours, minutes and seconds, each "" or None where it is not written."""
    whole = ((int(days or 0) * 24 + int(hours or 0)) * 60 + int(minutes or 0)) * 60 + int(seconds or 0)
    return _sane(float(f"{whole}.{fraction or 0}"), 10.0 ** -len(fraction or ""), Comma.UNSEEN)


def _sane(seconds: float, step: float, comma: Comma) -> Parsed:
    if not (math.isfinite(seconds) and 0.0 <= seconds < LONGEST):
        return Parsed(None)
    return Parsed(seconds, step, comma)


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
        #: What a time has to be multiplied with, 0 where that is not known yet.
        self._scales = array("d")
        self._seen: set[Comma] = set()

    def __len__(self) -> int:
        return len(self._owners)

    def saw(self, comma: Comma) -> None:
        """A time of the file showed what its commas are; a plain "0.5" shows that they are not decimal ones."""
        self._seen.add(comma)

    def hold(self, owner: int, seconds: float, line: int) -> None:
        """A time whose comma may be either; `seconds` read as the decimal one."""
        self._owners.append(owner)
        self._lines.append(line)
        self._seconds.append(seconds)
        self._scales.append(0.0)

    def weigh(self, since: int, known: float, told: Parsed) -> None:
        """The times of a suite's cases, held from position `since` on, against the time that the suite tells.

        `known` are the seconds of its other cases. They settle the comma where they add up with one reading only, or where one
        reading makes a case longer than its suite; a suite may take longer than its cases.
        """
        cases = [each for owner, each in zip(self._owners[since:], self._seconds[since:], strict=True) if owner >= 0]
        if told.seconds is None or not cases:
            return
        as_decimal, as_group = told.seconds, told.seconds * (1000.0 if told.comma is Comma.EITHER else 1.0)
        held = math.fsum(cases)
        decimal, group = _near(known + held, as_decimal), _near(known + held * 1000.0, as_group)
        if decimal == group:
            decimal, group = max(cases) <= as_decimal < max(cases) * 999.0 and told.comma is not Comma.EITHER, False
        if decimal == group:
            return
        self._seen.add(Comma.DECIMAL if decimal else Comma.GROUP)
        for position in range(since, len(self._owners)):
            if self._owners[position] >= 0:
                self._scales[position] = self._scales[position] or (1.0 if decimal else 1000.0)

    def settle(self) -> Iterator[Settled]:
        """Every time held, by the file's evidence; a file that shows nothing, or both, leaves them unknown."""
        told = self._seen & {Comma.DECIMAL, Comma.GROUP}
        common = 0.0 if len(told) != 1 else 1.0 if Comma.DECIMAL in told else 1000.0
        columns = zip(self._owners, self._lines, self._seconds, self._scales, strict=True)
        for owner, line, seconds, own in columns:
            scale = own or common
            # 1.234 * 1000 is not 1234 in binary; the text had three decimals.
            yield Settled(owner, line, round(seconds * scale, 3) if scale else None)


def _near(total: float, told: float) -> bool:
    """Whether cases can add up to what their suite tells, with its own set-up and roundings."""
    return abs(total - told) <= 0.1 * told + 0.002
