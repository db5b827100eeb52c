"""How tests are shared out to jobs so that the last one ends early: pure, in whole nanoseconds, and the same on every machine."""

from __future__ import annotations

import heapq
import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import NamedTuple

#: Nanoseconds of a second. Sums of whole numbers do not depend on their order, so jobs that split by themselves agree.
SECOND = 10**9
#: Jobs that tests can be shared out to; a GitHub matrix has at most 256, CircleCI at most 500.
MOST_SHARDS = 1000


class Algorithm(StrEnum):
    """How units find their shard."""

    LEAST_LOADED = "least-loaded"
    WEIGHTED = "weighted"
    IN_ORDER = "in-order"
    PRIORITY_FIRST = "priority-first"
    ROUND_ROBIN = "round-robin"


class Unit(NamedTuple):
    """Tests that stay together, and the nanoseconds that they take on a runner of speed 1; `first` ones run before all others."""

    name: str
    tests: tuple[str, ...]
    cost: int
    first: bool = False


class Shard(NamedTuple):
    """The units of one job, in the order in which they run, and the speed of its runner."""

    units: tuple[Unit, ...]
    speed: Fraction = Fraction(1)

    @property
    def tests(self) -> tuple[str, ...]:
        """The tests in the order in which they run."""
        return tuple(test for unit in self.units for test in unit.tests)

    @property
    def took(self) -> Fraction:
        """Nanoseconds that the tests take on this runner."""
        return sum(unit.cost for unit in self.units) / self.speed


class Plan(NamedTuple):
    """Every unit in exactly one shard. `overhead` is what each job costs before its first test, in nanoseconds."""

    shards: tuple[Shard, ...]
    algorithm: Algorithm
    overhead: int = 0

    @property
    def makespan(self) -> Fraction:
        """Nanoseconds until the last job ends."""
        return max(shard.took for shard in self.shards) + self.overhead

    @property
    def longest(self) -> Unit | None:
        """The unit that no number of jobs makes shorter."""
        units = [unit for shard in self.shards for unit in shard.units]
        return min(units, key=lambda unit: (-unit.cost, unit.name), default=None)

    @property
    def lower_bound(self) -> Fraction:
        """No way to share these units out ends before this many nanoseconds."""
        total = sum(unit.cost for shard in self.shards for unit in shard.units)
        speeds = [shard.speed for shard in self.shards]
        longest = self.longest.cost if self.longest else 0
        return max(total / sum(speeds, Fraction(0)), longest / max(speeds)) + self.overhead

    @property
    def empty(self) -> int:
        """How many shards have no test; there are none as long as there are as many units as shards."""
        return sum(not shard.units for shard in self.shards)


def split(
    units: Sequence[Unit],
    into: int,
    algorithm: Algorithm = Algorithm.LEAST_LOADED,
    *,
    speeds: Sequence[Fraction] = (),
    overhead: int = 0,
) -> Plan:
    """The units shared out to `into` jobs, whose runners have these speeds (all 1 where none are given).

    No shard is empty while there are as many units as shards: pytest fails where it is given no test, and a runner that is given
    no name at all runs everything.
    """
    if not 1 <= into <= MOST_SHARDS or len(speeds) not in {0, into} or any(speed <= 0 for speed in speeds):
        raise ValueError(f"{into} shards with {len(speeds)} speeds")
    runners = tuple(speeds) or (Fraction(1),) * into
    ways: dict[Algorithm, Callable[[Sequence[Unit], tuple[Fraction, ...]], list[list[int]]]] = {
        Algorithm.LEAST_LOADED: _least_loaded,
        Algorithm.WEIGHTED: _least_loaded,
        Algorithm.PRIORITY_FIRST: _priority_first,
        Algorithm.IN_ORDER: lambda units, runners: _in_order([unit.cost for unit in units], len(runners)),
        Algorithm.ROUND_ROBIN: _round_robin,
    }
    groups = ways[algorithm](units, runners)
    _leave_none_empty(groups, units)
    shards = (Shard(tuple(map(units.__getitem__, group)), speed) for group, speed in zip(groups, runners, strict=True))
    return Plan(tuple(shards), algorithm, overhead)


# --- longest first, to the runner that would be done with it first ----------------------------------------------------


class _Runners:
    """The loads of the runners; those of one speed are one heap, so that ten thousand units and a hundred runners stay quick."""

    def __init__(self, speeds: Sequence[Fraction]) -> None:
        self.groups: list[list[int]] = [[] for _ in speeds]
        # (load, units, number): where loads are alike, as with tests of no time at all, the one with fewer units goes first.
        heaps: dict[Fraction, list[tuple[int, int, int]]] = {}
        for number, speed in enumerate(speeds):
            heaps.setdefault(speed, []).append((0, 0, number))
        # Times on a runner of speed p/q are loads times q/p; with a common denominator they are whole numbers.
        common = math.lcm(*(speed.numerator for speed in heaps))
        self._heaps = [(speed.denominator * (common // speed.numerator), heap) for speed, heap in heaps.items()]

    def take(self, position: int, cost: int) -> None:
        """Give a unit to the runner that ends it first."""
        heap = self._heaps[0][1]
        if len(self._heaps) > 1:
            _, heap = min(self._heaps, key=lambda each: ((each[1][0][0] + cost) * each[0], *each[1][0][1:]))
        load, units, number = heap[0]
        heapq.heapreplace(heap, (load + cost, units + 1, number))
        self.groups[number].append(position)


def _longest_first(units: Sequence[Unit], positions: Iterable[int]) -> list[int]:
    """Positions by time, the longest first; of equal times by name, so that the order of the list does not matter."""
    return sorted(positions, key=lambda position: (-units[position].cost, units[position].name))


def _least_loaded(units: Sequence[Unit], speeds: tuple[Fraction, ...]) -> list[list[int]]:
    """LPT: never more than 4/3 of the best on runners alike (Graham 1969), 2 on others (Gonzalez, Ibarra and Sahni 1977)."""
    runners = _Runners(speeds)
    for position in _longest_first(units, range(len(units))):
        runners.take(position, units[position].cost)
    return [sorted(group) for group in runners.groups]


def _priority_first(units: Sequence[Unit], speeds: tuple[Fraction, ...]) -> list[list[int]]:
    """The first ones are balanced by themselves, so that all are over early; the others are balanced on top of them."""
    runners = _Runners(speeds)
    for wanted in (True, False):
        for position in _longest_first(units, (each for each in range(len(units)) if units[each].first is wanted)):
            runners.take(position, units[position].cost)
    return [sorted(group, key=lambda position: (not units[position].first, position)) for group in runners.groups]


def _round_robin(units: Sequence[Unit], speeds: tuple[Fraction, ...]) -> list[list[int]]:
    return [list(range(first, len(units), len(speeds))) for first in range(len(speeds))]


def _leave_none_empty(groups: list[list[int]], units: Sequence[Unit]) -> None:
    """A slow runner that gets nothing takes the shortest unit of those that have several."""
    for group in groups:
        if not group:
            others = [
                (units[each].cost, units[each].name, other) for other in groups if len(other) > 1 for each in other
            ]
            if not others:
                return
            _, name, giver = min(others, key=lambda other: other[:2])
            group.append(next(each for each in giver if units[each].name == name))
            giver.remove(group[0])


# --- in order ---------------------------------------------------------------------------------------------------------


def _in_order(costs: Sequence[int], into: int) -> list[list[int]]:
    """Contiguous parts with the smallest possible maximum; of those that reach it, the ones cut nearest to equal shares."""
    sums = [0, *accumulate(costs)]
    count = len(costs)
    if count <= into:
        return [[position] for position in range(count)] + [[] for _ in range(into - count)]
    most = _smallest_maximum(sums, into, max(costs))
    # From the end: the earliest place of each cut at which what follows still fits.
    earliest = [count] * (into + 1)
    for cut in range(into - 1, 0, -1):
        earliest[cut] = max(cut, bisect_left(sums, sums[earliest[cut + 1]] - most, 0, earliest[cut + 1]))
    cuts = [0]
    for cut in range(1, into):
        latest = min(count - (into - cut), bisect_right(sums, sums[cuts[-1]] + most) - 1)
        soonest = max(earliest[cut], cuts[-1] + 1)
        cuts.append(min(max(_nearest(sums, cut, into), soonest), latest))
    cuts.append(count)
    return [list(range(first, last)) for first, last in pairwise(cuts)]


def _nearest(sums: Sequence[int], cut: int, into: int) -> int:
    """The place whose sum is nearest to the share that `cut` of `into` parts have."""
    goal = sums[-1] * cut
    after = bisect_left(sums, -(-goal // into))
    return after if after == 0 or sums[after] * into - goal < goal - sums[after - 1] * into else after - 1


def _smallest_maximum(sums: Sequence[int], into: int, longest: int) -> int:
    """The least number that `into` contiguous parts need not exceed, found by halving between what it cannot be below and above."""
    low, high = max(longest, -(-sums[-1] // into)), sums[-1]
    while low < high:
        middle = (low + high) // 2
        if _parts(sums, middle, into) <= into:
            high = middle
        else:
            low = middle + 1
    return low


def _parts(sums: Sequence[int], most: int, enough: int) -> int:
    """How many contiguous parts of at most `most` there are at least; no further than one above `enough`."""
    start = parts = 0
    while start < len(sums) - 1 and parts <= enough:
        start = bisect_right(sums, sums[start] + most) - 1
        parts += 1
    return parts


# --- how many jobs ----------------------------------------------------------------------------------------------------


class Jobs(NamedTuple):
    """What a number of jobs takes: until the last one ends, and together; nanoseconds. `minutes` is billed by the started minute of each."""

    number: int
    makespan: Fraction
    together: Fraction
    minutes: int


_MINUTE = 60 * SECOND
#: With more units than this only the numbers that are shown are tried.
_MANY = 5000
_SHOWN = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)


class Choice(NamedTuple):
    """What some numbers of jobs take, and the best of those that were tried."""

    rows: tuple[Jobs, ...]
    best: Jobs


def choose(units: Sequence[Unit], into: int, algorithm: Algorithm, overhead: int) -> Choice:
    """The best number of jobs (runners alike): beyond it another one saves less time than the overhead it costs.

    So it is where makespan and the overhead of all jobs together are least, the smaller number where two are alike.
    """
    most = min(len(units), max(2 * into, 16), MOST_SHARDS)
    shown = {number for number in (*_SHOWN, into) if number <= most}
    tried = range(1, most + 1) if len(units) * most <= 32 * _MANY else sorted(shown)
    loads = _loads(units, algorithm)
    found = {number: _jobs([*loads(number)], overhead) for number in tried}
    best = min(found.values(), key=lambda jobs: (jobs.makespan + jobs.number * overhead, jobs.number))
    rows = (found[number] for number in sorted(shown | {best.number}) if number <= max(into, best.number) * 2)
    return Choice(tuple(rows), best)


def jobs_of(plan: Plan) -> Jobs:
    """What the jobs of a plan take; those without a test are not run."""
    return _jobs([shard.took for shard in plan.shards if shard.units], plan.overhead)


def _jobs(loads: Sequence[Fraction], overhead: int) -> Jobs:
    times = [load + overhead for load in loads]
    return Jobs(
        len(times), max(times), sum(times, Fraction(0)), sum(max(1, math.ceil(time / _MINUTE)) for time in times)
    )


def _loads(units: Sequence[Unit], algorithm: Algorithm) -> Callable[[int], Iterable[Fraction]]:
    """The loads of no more runners than there are units, all alike, by their number: as `split` would have them, without its lists."""
    costs = [unit.cost for unit in units]
    if algorithm is Algorithm.IN_ORDER:
        return lambda into: (Fraction(sum(costs[group[0] : group[-1] + 1])) for group in _in_order(costs, into))
    if algorithm is Algorithm.ROUND_ROBIN:
        return lambda into: (Fraction(sum(costs[first::into])) for first in range(into))
    priority = algorithm is Algorithm.PRIORITY_FIRST
    order = sorted((not unit.first if priority else True, -unit.cost) for unit in units)

    def least_loaded(into: int) -> Iterable[Fraction]:
        # Which of two runners with one load takes the next unit changes no load.
        heap = [0] * into
        for _, cost in order:
            heapq.heapreplace(heap, heap[0] - cost)
        return map(Fraction, heap)

    return least_loaded
