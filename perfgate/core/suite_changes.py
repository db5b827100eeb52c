"""What changed between a candidate's tests and those of the baseline runs it is compared with: growth, newly slow and newly flaky ones.

Information beside the verdicts, which rest on the series alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from perfgate.core import suite_fixtures, suite_flakiness, suite_growth, suite_slowness
from perfgate.core.compare import PAIRS, Comparison, Tested
from perfgate.core.model import Run, State
from perfgate.core.stats.estimators import median, middle
from perfgate.core.suite_change import MOST_ROWS, Part, Plugin, Share, SuiteChange
from perfgate.core.suite_flakiness import Told
from perfgate.core.suite_homes import aligned
from perfgate.core.suite_records import Key, Names, Suite, suites_of

#: The newest baseline runs that are asked; those whose times are comparable come first.
WINDOW = 30
#: Renamed tests that are named.
_MOST_RENAMES = 5


class Witness(NamedTuple):
    """A baseline run's word on its tests: the run's position in the baseline, its commit, and its suites by name."""

    position: int
    commit: str
    suites: Mapping[str, Suite]


def asked(runs: int, comparisons: Sequence[Comparison]) -> tuple[int, ...]:
    """The positions of the baseline runs, of so many, whose details are wanted: the newest ones with comparable times, then others."""
    timed: dict[int, None] = {}
    for comparison in comparisons:
        if comparison.series.metric == "tests.case_time":
            timed |= dict.fromkeys(_timed(comparison)[-WINDOW:])
    chosen = sorted(timed, reverse=True)[:WINDOW]
    others = [position for position in range(runs - 1, -1, -1) if position not in timed]
    return tuple(sorted(chosen + others[: WINDOW - len(chosen)]))


def changes(
    runs: Sequence[Run], witnesses: Sequence[Witness], comparisons: Sequence[Comparison], names: Names | None = None
) -> tuple[SuiteChange, ...]:
    """What changed in each suite of which a series tests.* is compared and the candidate's details tell; by name.

    Older runs without these details are no witnesses; where there are none, only what the candidate's runs show by themselves is told.
    """
    told = {each.series: each for each in comparisons if each.series.metric.startswith("tests.")}
    wanted = {dict(series.labels).get("suite", "") for series in told}
    known = names or Names()
    mine = [(_state(run), suites_of(run.details, known)) for run in runs]
    suites = sorted({name for _, each in mine for name in each} & wanted)
    found = []
    for name in suites:
        cases = [Told(state, each[name]) for state, each in mine if name in each]
        own = {series.metric: each for series, each in told.items() if series.labels == (("suite", name),)}
        here = [each for each in sorted(witnesses, key=lambda each: each.position) if name in each.suites]
        found.append(_change(name, cases, here, own, alpha=suite_slowness.ALPHA / len(suites)))
    return tuple(found)


def _state(run: Run) -> str:
    """The commit and work tree that a run tested, "" where that is not known."""
    return f"{run.context.tested}{run.context.worktree}" if run.context.tested else ""


def _change(
    name: str,
    candidate: Sequence[Told],
    witnesses: Sequence[Witness],
    comparisons: Mapping[str, Comparison],
    *,
    alpha: float,
) -> SuiteChange:
    candidate, witnesses = _aligned(name, candidate, witnesses)
    flaky = suite_flakiness.find(candidate, [Told(each.commit, each.suites[name]) for each in witnesses])
    change = SuiteChange(
        name,
        runs=len(witnesses),
        flaky=flaky.flaky[:MOST_ROWS],
        newly_flaky=len(flaky.flaky),
        known_flaky=flaky.known,
        plugins=_plugins([each.suite for each in candidate], [each.suites[name] for each in witnesses]),
    )
    after, count = _combined([each.suite for each in candidate]), comparisons.get("tests.count")
    if after.group is None or (count is not None and count.state is State.UNKNOWN):
        return change._replace(untold="the run does not tell all its tests")
    if not witnesses:
        return change._replace(tests_after=after.group.tests, untold="no run of the baseline tells its tests")
    cases = comparisons.get("tests.case_time")
    timed = set(_timed(cases)) if cases is not None else set()
    history = [each.suites[name] for each in witnesses if each.position in timed]
    before = next((each for each in reversed(history) if each.group), None)
    before = before or next((each.suites[name] for each in reversed(witnesses) if each.suites[name].group), None)
    if before is None or before.group is None:
        return change._replace(tests_after=after.group.tests, untold="no run of the baseline tells its set of tests")
    growth = suite_growth.grown(after, before, history)
    change = change._replace(
        timed=len(history),
        tests_before=before.group.tests,
        tests_after=after.group.tests,
        changed=after.group != before.group,
        renamed=tuple((new[0], old[0]) for new, old in growth.renamed[:_MOST_RENAMES]),
        renames=len(growth.renamed),
        fixtures=suite_fixtures.grown([each.suite for each in candidate], history),
    )
    if cases is None or cases.state is not State.MEASURED or not history or cases.before is None or cases.after is None:
        return change._replace(untold="no comparable times of the suite")
    whole = float(cases.before), float(cases.after)
    grew = any(each.group not in {None, before.group} for each in history)
    slow = _slower(after, history, dict(growth.renamed), alpha=alpha)
    return change._replace(
        before=whole[0],
        after=whole[1],
        parts=_parts(growth, whole[1] - whole[0], grew=grew),
        shift=slow.shift,
        judged=slow.judged,
        alpha=alpha,
        slower=slow.slower[:MOST_ROWS],
        slow=len(slow.slower),
    )


def _aligned(name: str, candidate: Sequence[Told], witnesses: Sequence[Witness]) -> tuple[list[Told], list[Witness]]:
    """All runs with their tests named as the candidate's newest names them; those it has not, as the baseline's newest does."""
    model = next((each.suite for each in reversed(candidate) if each.suite.group), candidate[-1].suite)
    ours = [each._replace(suite=aligned(each.suite, model)) for each in candidate]
    suites = [aligned(each.suites[name], model) for each in witnesses]
    newest = next((each for each in reversed(suites) if each.group), None)
    if newest is not None:
        suites = [aligned(each, newest) for each in suites]
    theirs = [each._replace(suites={name: suite}) for each, suite in zip(witnesses, suites, strict=True)]
    return ours, theirs


def _plugins(candidate: Sequence[Suite], history: Sequence[Suite]) -> tuple[Plugin, ...]:
    """What changed among the runner's plugins since the newest run that tells them; nothing where a side tells none."""
    after = next((each.plugins for each in candidate if each.plugins), None)
    before = next((each.plugins for each in reversed(history) if each.plugins), None)
    if after is None or before is None:
        return ()
    found = [
        Plugin(name, before.get(name, ""), after.get(name, ""), came=name not in before, gone=name not in after)
        for name in sorted({*before, *after})
    ]
    return tuple(each for each in found if each.came or each.gone or each.before != each.after)[:MOST_ROWS]


def _parts(growth: suite_growth.Growth, whole: float, *, grew: bool) -> tuple[Part, ...]:
    """The parts with what they leave over, so that they add up.

    Medians of tests do not add up to the median of their sums, which is the common tests' doing; unless the baseline's own runs differ
    in their tests, or some tests cannot be told apart.
    """
    parts = list(growth.parts)
    rest = whole - math.fsum(part.seconds for part in parts)
    if growth.untold:
        parts.append(Part(Share.UNTOLD, growth.untold, rest))
    elif grew:
        parts.append(Part(Share.EARLIER, 0, rest))
    else:
        parts = [part._replace(seconds=part.seconds + rest) if part.share is Share.COMMON else part for part in parts]
    return tuple(part for part in parts if part.tests or part.seconds)


def _slower(
    after: Suite, history: Sequence[Suite], renamed: Mapping[Key, Key], *, alpha: float
) -> suite_slowness.Found:
    histories = {}
    for key in after.times:
        origin = renamed.get(key, key)
        histories[key] = [_time(origin, suite, after) for suite in history]
    steps = [round(time, 6) for time in after.times.values()]
    return suite_slowness.find(after.times, histories, resolution=_resolution(steps), alpha=alpha)


def _time(key: Key, suite: Suite, after: Suite) -> float | None:
    """A test's time in a run. Where the run executed the very tests of its file and told its dearest ones only, it is at most the least
    time told, which stands for it."""
    told = suite.times.get(key)
    if told is None and suite.cut and key[1] in suite.files and key[1] in after.files:
        return suite.cut if suite.files[key[1]][0] == after.files[key[1]][0] else None
    return told


def _resolution(times: Sequence[float]) -> float:
    """The step in which the times are written, 0 where it is finer than a millisecond: many reports round to hundredths."""
    for step in (1.0, 0.1, 0.01):
        if times and all(abs(time / step - round(time / step)) < 1e-6 for time in times):
            return step
    return 0.0


def _timed(comparison: Comparison) -> tuple[int, ...]:
    """The baseline runs that a suite's case time is compared with; none where both sides were measured in turns."""
    evidence = comparison.evidence
    return comparison.runs if isinstance(evidence, Tested) and evidence.method != PAIRS else ()


def _combined(suites: Sequence[Suite]) -> Suite:
    """Several runs of the candidate as one: the newest one's set, with the medians of their times."""
    newest = next((each for each in reversed(suites) if each.group is not None), Suite())
    same = [each for each in suites if each.group == newest.group]
    if len(same) < 2:
        return newest
    times = {key: middle(sorted(each.times[key] for each in same if key in each.times)) for key in newest.times}
    files = {
        home: (group, middle(sorted(each.files[home][1] for each in same if home in each.files)))
        for home, (group, _) in newest.files.items()
    }
    seconds = float(median([each.seconds for each in same]))
    return newest._replace(times=times, files=files, seconds=seconds)
