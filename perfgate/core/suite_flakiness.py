"""Newly flaky tests: those that failed and passed at one commit, and that the baseline's runs do not know as such."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from perfgate.core.stats.proportion import wilson
from perfgate.core.suite_change import Flaky
from perfgate.core.suite_records import RETRIED, Key, Suite, plain


class Told(NamedTuple):
    """What one run tells of a suite; runs of one `state` tested the same commit and work tree, "" where that is not known."""

    state: str
    suite: Suite


class Found(NamedTuple):
    """The newly flaky tests, the least sure to pass first, and how many of the flaky ones are not new."""

    flaky: tuple[Flaky, ...] = ()
    known: int = 0


def find(candidate: Sequence[Told], baseline: Sequence[Told]) -> Found:
    """The tests that are flaky in the candidate's runs and in none of the baseline's."""
    seen = _flaky(candidate)
    earlier = _flaky(baseline) if seen else {}
    every = [each.suite for each in (*candidate, *baseline)]
    flaky = []
    for key, how in seen.items():
        if key not in earlier:
            executed = _executed(key, every)
            failed = sum(key in suite.failed or key in suite.flaky for suite in executed)
            low, high = wilson(failed, len(executed))
            flaky.append(Flaky(*key, failed, len(executed), low, high, how))
    flaky.sort(key=lambda each: (-each.failed / each.runs, each.test, each.file))
    return Found(tuple(flaky), len(seen) - len(flaky))


def _flaky(runs: Iterable[Told]) -> dict[Key, str]:
    """Each test that failed and passed within a run, or in several runs of one state, and how that was seen."""
    found: dict[Key, str] = {}
    states: dict[str, list[Suite]] = {}
    for each in runs:
        found |= dict.fromkeys(each.suite.flaky, RETRIED)
        if each.state:
            states.setdefault(each.state, []).append(each.suite)
    for suites in states.values():
        for key in {key for suite in suites for key in suite.failed} if len(suites) > 1 else ():
            executed = _executed(key, suites)
            failed = sum(key in suite.failed for suite in executed)
            # Where more tests failed than are told, one that is not among them may have failed too.
            if any(key not in suite.failed and not suite.cut_failures for suite in executed):
                found.setdefault(key, f"failed in {failed} of {len(executed)} runs of one commit")
    return found


def _executed(key: Key, suites: Sequence[Suite]) -> list[Suite]:
    """The runs that are known to have executed a test: they tell of it, or they ran the very set of tests of one that does."""
    told = [_tells(key, suite) for suite in suites]
    groups = {suite.group for suite, known in zip(suites, told, strict=True) if known and suite.group is not None}
    files = {
        suite.files[key[1]][0] for suite, known in zip(suites, told, strict=True) if known and key[1] in suite.files
    }
    return [
        suite
        for suite, known in zip(suites, told, strict=True)
        if known or suite.group in groups or (key[1] in suite.files and suite.files[key[1]][0] in files)
    ]


def _tells(key: Key, suite: Suite) -> bool:
    if key in suite.failed or key in suite.flaky or key in suite.times:
        return True
    # A test without a file is there under its class.
    return not key[1] and any(title == key[0] and plain((title, home)) == key for title, home in suite.times)
