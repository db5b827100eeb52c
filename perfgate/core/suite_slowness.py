"""Newly slow tests: each test's time against its own times in the baseline, with what all tests have in common divided out.

For a test with times t1 … tn in n ≥ 5 baseline runs and c now, on logarithms and less each run's shift (the median over the tests
of log time minus the test's median; the machine, say): c is held against Student's prediction interval of one more value. Its
variance is pooled with the median variance of all tests, worth five degrees of freedom, where that is larger, and is never below 5 %.
The chances pass Holm's procedure, so that among all tests of a run without a change any is named at most at the rate `alpha`; and
because times have longer tails than that supposes, each must also be smaller than the smallest that a time of the baseline has
against the other runs (and then went back), by the factor that makes one of n runs one of 1/alpha.
Besides, the time must be 25 % and 10 ms above the test's median and above the largest time in the window: what was that slow before is
no news, whatever its distribution. Sources: Hahn and Meeker, Statistical Intervals; the pooling as in Smyth, Statistical
Applications in Genetics and Molecular Biology 3 (2004), article 3; Holm, Scandinavian Journal of Statistics 6 (1979).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from perfgate.core.stats.estimators import mean_and_sd, middle
from perfgate.core.stats.student import upper_tail
from perfgate.core.suite_change import Slower
from perfgate.core.suite_records import Key, shown_home

#: Among the tests of a run without a change any is called newly slow at most so often.
ALPHA = 0.05
#: Fewer times of a test show no spread.
FEWEST = 5
#: What a newly slow test takes more at least, as a ratio and in seconds.
LEAST_RATIO, LEAST_SECONDS = 1.25, 0.010
#: From so many common tests on their median says what they have in common: of fewer, the slow one would be a part of it.
ENOUGH = 10
_FLOOR_SD, _PRIOR_DF = 0.05, 5
_LEAST_TIME = 0.001


class Found(NamedTuple):
    """The newly slow tests, the slowest first, how many were judged, and the shift that was divided out."""

    slower: tuple[Slower, ...] = ()
    judged: int = 0
    shift: float = 1.0


def find(
    now: Mapping[Key, float],
    histories: Mapping[Key, Sequence[float | None]],
    *,
    resolution: float = 0.0,
    alpha: float = ALPHA,
) -> Found:
    """The newly slow tests among `now` (seconds). `histories` has a time, or None, for each baseline run, the same runs for every test.

    `resolution` is the smallest step of the times in seconds: nothing below two steps is a change.
    """
    least = max(_LEAST_TIME, resolution)
    known = {key: told for key in now if len(told := _told(histories.get(key, ()))) >= FEWEST}
    if not known:
        return Found()
    centers = {key: math.log(max(middle(sorted(told)), least)) for key, told in known.items()}
    runs = len(next(iter(histories.values())))
    drifts = [_shift([histories[key][run] for key in known], centers.values(), least) for run in range(runs)]
    shift = _shift([now[key] for key in known], centers.values(), least)
    logs = {
        key: [
            math.log(max(time, least)) - drift
            for time, drift in zip(histories[key], drifts, strict=True)
            if time is not None
        ]
        for key in known
    }
    moments = {key: mean_and_sd(values) for key, values in logs.items()}
    usual = middle(sorted(sd * sd for _, sd in moments.values()))
    ratio = math.exp(shift)
    suspects = []
    for key, told in known.items():
        after, largest = now[key], max(told)
        # Both as they were measured and with the shift divided out: else a quick day of the machine would make news.
        if not all(_is_longer(time, largest, resolution) for time in (after, after / ratio)):
            continue
        mean, sd = moments[key]
        p = _chance(math.log(max(after, least)) - shift - mean, sd, usual, len(told))
        suspects.append(Slower(key[0], shown_home(key[1]), middle(sorted(told)), largest, after, len(told), p))
    named = _holm(suspects, len(known), alpha)
    if named:
        limit = _smallest_by_chance(histories, logs, usual, resolution) * min(1.0, alpha * runs)
        named = tuple(each for each in named if each.p <= limit)
    return Found(named, len(known), ratio)


def _smallest_by_chance(
    histories: Mapping[Key, Sequence[float | None]],
    logs: Mapping[Key, Sequence[float]],
    usual: float,
    resolution: float,
) -> float:
    """The smallest chance of any baseline time against the test's others; 1 where none stands out.

    Only a test's largest time can stand out. The newest run's, and one that stayed, may be a change that has landed.
    """
    smallest = 1.0
    for key, values in logs.items():
        told = _told(histories[key])
        place = max(range(len(told)), key=told.__getitem__)
        others = told[:place] + told[place + 1 :]
        if place == len(told) - 1 or not _is_longer(told[place], max(others), resolution):
            continue
        mean, sd = mean_and_sd([*values[:place], *values[place + 1 :]])
        smallest = min(smallest, _chance(values[place] - mean, sd, usual, len(others)))
    return smallest


def _told(times: Sequence[float | None]) -> list[float]:
    return [time for time in times if time is not None]


def _shift(times: Sequence[float | None], centers: Iterable[float], least: float) -> float:
    """What a run's tests have in common, on logarithms; 0 where there are too few. Times at the least step say nothing."""
    ways = [
        math.log(time) - center
        for time, center in zip(times, centers, strict=True)
        if time is not None and time > least
    ]
    return middle(sorted(ways)) if len(ways) >= ENOUGH else 0.0


def _is_longer(after: float, before: float, resolution: float) -> bool:
    return after >= before * LEAST_RATIO and after - before >= max(LEAST_SECONDS, 2 * resolution)


def _chance(distance: float, sd: float, usual: float, n: int) -> float:
    """The one-sided chance of a value so far above the mean of n."""
    own, df = sd * sd, float(n - 1)
    pooled = (_PRIOR_DF * usual + df * own) / (_PRIOR_DF + df)
    # Shrinking a noisy test's variance towards the quiet ones' would accuse it.
    variance, freedom = (pooled, df + _PRIOR_DF) if pooled >= own else (own, df)
    spread = max(math.sqrt(variance), _FLOOR_SD) * math.sqrt(1 + 1 / n)
    return upper_tail(distance / spread, freedom)


def _holm(suspects: Sequence[Slower], tests: int, alpha: float) -> tuple[Slower, ...]:
    """Those that pass Holm's procedure over all tests, the largest gain first."""
    named = []
    for position, each in enumerate(sorted(suspects, key=lambda each: (each.p, each.test, each.file))):
        if each.p > alpha / (tests - position):
            break
        named.append(each)
    return tuple(sorted(named, key=lambda each: (each.before - each.after, each.test, each.file)))
