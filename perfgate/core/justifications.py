"""What commits say of a warning: `Perf-Justification: SERIES - reason`, a trailer of a message."""

from __future__ import annotations

import re
from collections.abc import Iterable

from perfgate.core.decision import Justification
from perfgate.core.model import Caveat, Series
from perfgate.errors import InputError

#: A series, whose quoted labels may hold anything, then a dash between blanks and the reason.
_TRAILER = re.compile(
    r"""Perf-Justification:[ \t]*([^\s{]+(?:[ \t]*\{(?:"(?:[^"\\]|\\.)*"|[^"}])*\})?)(?:[ \t]+-(?:[ \t]+(.+))?)?"""
)
_TRAILERS = re.compile(r"^Perf-Justification:.*$", re.MULTILINE)


def read_justifications(messages: Iterable[str]) -> tuple[tuple[Justification, ...], tuple[Caveat, ...]]:
    """The justifications in commit messages, and a caveat for each trailer that cannot be read; the last one of a series wins.

    A trailer without a reason is forgiven where a later one of the same series gives it.
    """
    found: dict[Series, Justification] = {}
    unread: dict[str, Caveat] = {}
    for message in messages:
        for line in _TRAILERS.findall(message):
            match = _TRAILER.fullmatch(line.rstrip())
            try:
                series = Series.parse(match[1] if match else "")
            except InputError:
                what = f'a commit says "{line[:200]}", which names no single series'
                unread[line] = Caveat(
                    "justification unreadable",
                    what,
                    "write Perf-Justification: tests.duration{suite=unit} - the reason",
                )
                continue
            reason = match[2] if match else None
            if not reason:
                what = f"a commit justifies {series} without a reason"
                unread[str(series)] = Caveat(
                    "justification unreadable", what, f"write Perf-Justification: {series} - the reason"
                )
            else:
                found[series] = Justification(series, reason)
                unread.pop(str(series), None)
    return tuple(found.values()), tuple(unread.values())
