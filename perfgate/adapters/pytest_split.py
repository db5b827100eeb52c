"""pytest-split's file of durations (.test_durations): a JSON object from node id to seconds, set-up and tear-down among them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from perfgate.core.recorded_times import Recording, Timed
from perfgate.errors import InputError


def why_not(value: object) -> str:
    """Why this JSON is no file of durations; "" where it is."""
    if isinstance(value, dict) and value and all(isinstance(each, int | float) for each in value.values()):
        return ""
    return "it is no object from test to seconds"


def read(value: dict[str, Any], where: str) -> Recording:
    """The tests of a file that `why_not` accepted. What it tells are node ids and times of the last run of each, also of tests long gone."""
    tests = []
    for node, seconds in value.items():
        if isinstance(seconds, bool) or seconds < 0:
            raise InputError(
                "a duration is a number of seconds", where=f"{where}, {node[:100]!r}", remedy="write it anew"
            )
        tests.append(Timed(node, id=node, seconds=float(seconds)))
    return Recording(tuple(tests), {})


def dump(durations: Iterable[tuple[str, float]]) -> str:
    """The text of such a file, sorted and indented as pytest-split writes it."""
    import json

    return json.dumps(dict(sorted(durations)), indent=4) + "\n"
