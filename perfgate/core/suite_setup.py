"""What setting tests up costs where one set-up could serve many: facts from a suite's phases and fixtures."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

#: Set-up beyond this share of a suite's time is worth a look: a suite that only builds what it tests rarely spends a fifth on it.
SETUP_SHARE = 0.3
#: A fixture that is set up less often saves little by being shared.
LEAST_SETUPS = 10
#: And one below this share of the suite's time could not save what a person notices.
FIXTURE_SHARE = 0.1
#: Made anew for each test by their nature: nobody can widen the scope of these fixtures of pytest's own.
NEVER_SHARED = frozenset(
    {
        *("cache", "caplog", "capfd", "capfdbinary", "capsys", "capsysbinary", "doctest_namespace", "monkeypatch"),
        *("pytester", "record_property", "record_xml_attribute", "recwarn", "request", "subtests", "testdir"),
        *("tmp_path", "tmpdir"),
    }
)
SETUP_PHASE, FIXTURE = "setup phase", "fixture"
Row = Mapping[str, str | int | float | bool | None]


class FixtureTime(NamedTuple):
    """A fixture with how often it was set up, and the seconds that took in all; "" for what is not told."""

    name: str
    scope: str
    file: str
    times: int
    seconds: float

    @property
    def could_be_shared(self) -> bool:
        """Whether it is set up for each test, often, and its scope could be widened in principle."""
        return self.scope == "function" and self.times >= LEAST_SETUPS and self.name not in NEVER_SHARED

    @property
    def saving(self) -> float:
        """Seconds that are saved where it is set up once."""
        return self.seconds * (1 - 1 / self.times)


def setup_costs(
    suite: str, seconds: float, phases: Mapping[str, float], fixtures: Iterable[FixtureTime]
) -> tuple[Row, ...]:
    """Rows of `test_setup_costs`: the set-up phase where it is large, then the fixtures to share, the dearest first.

    `seconds` are those of all tests together. Shares are of the largest of that sum, the phases' and the fixtures', because a
    source may leave set-up out of the tests' own times; so those of the fixtures never add up to more than 1.
    """
    known = list(fixtures)
    in_phases = math.fsum(phases.values())
    whole = max(seconds, in_phases, math.fsum(each.seconds for each in known))
    if whole <= 0:
        return ()
    rows: list[Row] = []
    setup = phases.get("setup", 0.0)
    if setup > SETUP_SHARE * whole:
        rows.append({"suite": suite, "kind": SETUP_PHASE, "seconds": setup, "share": setup / whole})
    for each in sorted(known, key=lambda each: (-each.seconds, each)):
        if each.could_be_shared and each.seconds >= FIXTURE_SHARE * whole:
            rows.append(
                {
                    "suite": suite,
                    "kind": FIXTURE,
                    "fixture": each.name,
                    "scope": each.scope,
                    "file": each.file or None,
                    "count": each.times,
                    "seconds": each.seconds,
                    "share": each.seconds / whole,
                    "saving": each.saving,
                }
            )
    return tuple(rows)
