"""What the XML reports of .NET's test tools have in common: elements with a depth limit, and times of cases as text."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import BinaryIO

from perfgate.adapters.junit_numbers import LONGEST, Comma, parse
from perfgate.adapters.suite_json import Cases, Clock
from perfgate.adapters.suite_report import Report
from perfgate.adapters.xml_feed import DEPTH, XmlFeed


class SuiteXml(ABC):
    """One pass over one file; a format overrides `begin` and `finish`, which hear local names."""

    def __init__(self, report: Report, where: str, title: str) -> None:
        self.report = report
        self.where = where
        self.cases = Cases(report, where)
        self.clock = Clock()
        #: The smallest step that the times of the cases show, in seconds.
        self.step = 0.0
        self._depth = 0
        self._names: dict[str, str] = {}
        self._feed = XmlFeed(where, title, self._start, self._end)

    def run(self, stream: BinaryIO) -> None:
        """Read the file to its end."""
        self._feed.run(stream)
        self.report.control_characters |= self._feed.control_characters

    @property
    def place(self) -> str:
        """File and line that are being read."""
        return f"{self.where}:{self._feed.line}"

    @abstractmethod
    def begin(self, tag: str, attributes: dict[str, str]) -> None:
        """An element begins."""

    @abstractmethod
    def finish(self, tag: str) -> None:
        """An element ends."""

    def spend(self, case: int, told: str | None) -> None:
        """The time of an attempt, in seconds or as hours:minutes:seconds; nothing where nothing is told."""
        if told is None:
            return
        seconds, step = _seconds(told)
        if seconds is None:
            self.report.unreadable(self.place)
        else:
            self.step = min(self.step or step, step)
        self.report.spend(case, seconds)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > DEPTH:
            self._feed.refuse(f"elements are nested deeper than {DEPTH}")
        self.begin(self._names.setdefault(tag, tag.rpartition(":")[2]), attributes)

    def _end(self, tag: str) -> None:
        self._depth -= 1
        self.finish(self._names[tag])


def seconds(told: str | None) -> float | None:
    """A time in seconds, or as hours:minutes:seconds; None for what is none."""
    return None if told is None else _seconds(told)[0]


def _seconds(told: str) -> tuple[float | None, float]:
    hours, minutes, last = _parts(told.strip())
    parsed = parse(last)
    if parsed.seconds is None or parsed.comma is Comma.EITHER or hours < 0 or minutes < 0:
        return None, 0.0
    found = hours * 3600.0 + minutes * 60.0 + parsed.seconds
    return (found if found < LONGEST else None), max(parsed.step, 1e-9)


def _parts(told: str) -> tuple[int, int, str]:
    """Hours, minutes and the text of the seconds; hours may stand behind days, as in 1.02:03:04.5. What is no number is -1."""
    if ":" not in told:
        return 0, 0, told
    hours, _, rest = told.partition(":")
    minutes, _, last = rest.partition(":")
    days, dot, behind = hours.partition(".")
    if dot:
        return (
            (_whole(days) * 24 + _whole(behind) if min(_whole(days), _whole(behind)) >= 0 else -1),
            _whole(minutes),
            last,
        )
    return _whole(hours), _whole(minutes), last


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else -1
