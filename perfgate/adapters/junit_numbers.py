"""The times of a JUnit report: seconds as the dialects write them, ambiguous ones settled by the file's own evidence."""

from __future__ import annotations

import math
import re
from array import array
from typing import Any

_PLAIN = re.compile(r"\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_COMMA = re.compile(r"\d+,\d+")
_AMBIGUOUS = re.compile(r"[1-9]\d{0,2},\d{3}")
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0}
_WITH_UNIT = re.compile(r"(\d+(?:\.\d+)?)\s*(ns|us|µs|μs|ms|s)")
#: No test takes longer than a year.
_LONGEST = 366 * 86_400.0
_SAMPLED = 2000


class Times:
    """The times of one file in their order; what `float` does not read is kept as text until the whole file has been seen."""

    def __init__(self) -> None:
        self._values = array("d")
        self._texts: dict[int, tuple[str, int]] = {}
        self._decimals = self._sampled = 0
        self._dots = False
        self.refused_lines: list[int] = []

    def add(self, text: str, parser: Any) -> None:
        """The next time, as it is written."""
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if 0.0 <= value < _LONGEST and "_" not in text:
            if self._sampled < _SAMPLED:
                self._sampled += 1
                self._decimals = max(self._decimals, len(text.partition(".")[2]))
                self._dots = self._dots or "." in text
        else:
            self._texts[len(self._values)] = (text.strip(), parser.CurrentLineNumber)
            value = math.nan
        self._values.append(value)

    @property
    def resolution(self) -> float:
        """The smallest step that the file's times show: 0.001 for three decimals; 0 where they show none."""
        return 10.0**-self._decimals if self._decimals else 0.0

    def settle(self) -> list[float | None]:
        """Every time in seconds; None for those that cannot be read, whose lines are then in `refused_lines`."""
        comma = self._what_a_comma_is()
        found: list[float | None] = list(self._values)
        for position, (text, line) in self._texts.items():
            found[position] = _read(text, comma)
            if found[position] is None:
                self.refused_lines.append(line)
        return found

    def _what_a_comma_is(self) -> str:
        """ "decimal", "group", or "" where the file does not tell."""
        texts = [text for text, _ in self._texts.values()]
        if self._dots or any("," in text and "." in text for text in texts):
            return "group"
        clear = [text for text in texts if _COMMA.fullmatch(text) and not _AMBIGUOUS.fullmatch(text)]
        return "decimal" if clear else ""


def _read(text: str, comma: str) -> float | None:
    value: float | None = None
    if match := _WITH_UNIT.fullmatch(text):
        value = float(match[1]) * _UNITS[match[2]]
    elif comma == "decimal" and _COMMA.fullmatch(text):
        value = float(text.replace(",", "."))
    elif comma == "group" and _GROUPED.fullmatch(text):
        value = float(text.replace(",", ""))
    elif _PLAIN.fullmatch(text):
        value = float(text)
    return value if value is not None and 0.0 <= value < _LONGEST else None
