"""What changed between a run's tests and the baseline's: growth in parts that add up, newly slow and newly flaky tests."""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfgate.core import suite_slowness
from perfgate.core.baseline import Baseline
from perfgate.core.compare import compare
from perfgate.core.model import Run
from perfgate.core.observation import observe
from perfgate.core.suite_change import Share, SuiteChange
from perfgate.core.suite_changes import WINDOW, Witness, asked, changes
from perfgate.core.suite_growth import own_name
from perfgate.core.suite_records import Key, suites_of
from tests.core.making import baseline_of, measured, run

Times = Mapping[tuple[str, str], float]


def prints(names: Iterable[tuple[str, str]]) -> str:
    return hashlib.sha256(repr(sorted(names)).encode()).hexdigest()[:16]


def details(times: Times, *, most: int = 1000, **more: Sequence[tuple[str, str]]) -> dict[str, tuple[Any, ...]]:
    """The blocks that a run keeps of the suite "unit": tests by title and file, the dearest `most` by name."""
    files: dict[str, dict[tuple[str, str], float]] = {}
    for key, seconds in times.items():
        files.setdefault(key[1], {})[key] = seconds
    dearest = sorted(times, key=lambda key: -times[key])[:most]
    blocks: dict[str, tuple[Any, ...]] = {
        "test_sets": (
            {"suite": "unit", "tests": len(times), "seconds": math.fsum(times.values()), "fingerprint": prints(times)},
        ),
        "test_times": tuple(
            {"suite": "unit", "test": test, "file": file, "seconds": times[test, file]} for test, file in dearest
        ),
        "test_files": tuple(
            {
                "suite": "unit", "file": file, "tests": len(here), "seconds": math.fsum(here.values()), "fingerprint": prints(here),
            }
            for file, here in files.items()
        ),
    }  # fmt: skip
    how = {"flaky_tests": {"how": "failed, then passed"}, "failed_tests": {}}
    for name, tests in more.items():
        blocks[name] = tuple({"suite": "unit", "test": test, "file": file, **how[name]} for test, file in tests)
    return {name: rows for name, rows in blocks.items() if rows}


def ran(times: Times, number: int = 0, **more: Any) -> Run:
    total = math.fsum(times.values())
    made = run(
        measured("tests.case_time{suite=unit}", total), measured("tests.count{suite=unit}", len(times)), number=number
    )
    return made._replace(details=details(times, **more))


def changed(candidate: Run | Sequence[Run], earlier: Sequence[Run]) -> SuiteChange:
    runs = [candidate] if isinstance(candidate, Run) else list(candidate)
    (found,) = every(runs, earlier, baseline_of(earlier))
    return found


def every(runs: Sequence[Run], earlier: Sequence[Run], base: Baseline) -> tuple[SuiteChange, ...]:
    comparisons = compare(observe(runs), base)
    wanted = asked(len(base.runs), comparisons)
    witnesses = [
        Witness(position, base.runs[position].commit, suites_of(earlier[position].details)) for position in wanted
    ]
    return changes(runs, [each for each in witnesses if each.suites], comparisons)


def suite(count: int = 40, files: int = 4, start: float = 0.2) -> dict[tuple[str, str], float]:
    return {(f"pkg.m{n % files}.test_{n}", f"tests/test_{n % files}.py"): start * (1 + n % 7) for n in range(count)}


def noisy(times: Times, chance: random.Random, sd: float = 0.03) -> dict[tuple[str, str], float]:
    return {key: seconds * math.exp(chance.gauss(0, sd)) for key, seconds in times.items()}


def history(times: Times, runs: int = 12, seed: int = 7, **more: Any) -> list[Run]:
    chance = random.Random(seed)
    return [ran(noisy(times, chance), number, **more) for number in range(1, runs + 1)]


def part(change: SuiteChange, share: Share) -> tuple[int, Any]:
    return next(((each.tests, each.seconds) for each in change.parts if each.share is share), (0, 0.0))


def test_growth_is_told_in_parts_new_tests_removed_ones_and_the_common_ones() -> None:
    times = suite()
    gone = ("pkg.m1.test_1", "tests/test_1.py")
    now = {key: seconds for key, seconds in times.items() if key != gone}
    now |= {(f"pkg.fresh.test_{n}", "tests/test_fresh.py"): 0.5 for n in range(10)}
    now |= {("pkg.m2.test_more", "tests/test_2.py"): 1.5}
    change = changed(ran(now, 99), history(times))
    assert change.changed
    assert (change.tests_before, change.tests_after) == (40, 50)
    assert part(change, Share.CAME) == (11, pytest.approx(6.5))
    assert part(change, Share.GONE) == (1, pytest.approx(-0.4, rel=0.05))
    assert part(change, Share.COMMON)[0] == 39
    assert abs(part(change, Share.COMMON)[1]) < 0.5
    assert part(change, Share.UNTOLD) == (0, 0.0)
    assert change.slow == 0


@settings(max_examples=30, deadline=None)
@given(
    st.dictionaries(st.integers(0, 30), st.floats(0.001, 9.0), min_size=1),
    st.dictionaries(st.integers(0, 30), st.floats(0.001, 9.0), min_size=1),
    st.integers(1, 40),
    st.integers(1, 4),
)
def test_the_parts_always_add_up_to_the_change_and_the_counts_to_the_sets(
    before: dict[int, float], after: dict[int, float], most: int, files: int
) -> None:
    def of(told: dict[int, float]) -> dict[tuple[str, str], float]:
        return {(f"a.test_{n}", f"f{n % files}.py"): seconds for n, seconds in told.items()}

    change = changed(ran(of(after), 99, most=most), [ran(of(before), number, most=most) for number in range(1, 7)])
    assert change.before is not None
    assert change.after is not None
    assert math.fsum(each.seconds for each in change.parts) == pytest.approx(change.after - change.before, abs=1e-9)
    came, gone, common, untold = (
        part(change, share)[0] for share in (Share.CAME, Share.GONE, Share.COMMON, Share.UNTOLD)
    )
    assert came + common <= len(after)
    if not untold:
        assert came + common == len(after)
        assert gone + common == len(before)
    assert change.changed == (set(before) != set(after))


def test_tests_without_rows_are_compared_by_file_and_what_cannot_be_told_apart_is_said() -> None:
    times = suite(40, 4)
    earlier = history(times, most=8)
    same = changed(ran({key: seconds * 2 for key, seconds in times.items()}, 99, most=8), earlier)
    assert part(same, Share.COMMON) == (40, pytest.approx(math.fsum(times.values()), rel=0.05))
    more = times | {("pkg.m0.test_cheap", "tests/test_0.py"): 0.01}
    change = changed(ran(more, 99, most=8), earlier)
    assert part(change, Share.CAME)[0] == 0
    assert part(change, Share.UNTOLD)[0] > 0, "one of that file's tests is new, and nobody can say which"


def test_a_file_that_was_moved_is_the_same_tests_under_another_name() -> None:
    times = suite(20, 2)
    moved = {
        (test.replace("m1", "other"), file.replace("test_1.py", "other.py")): seconds
        for (test, file), seconds in times.items()
    }
    change = changed(ran(moved, 99), history(times))
    assert change.renames == 10
    assert part(change, Share.CAME) == part(change, Share.GONE) == (0, 0.0)
    assert part(change, Share.COMMON)[0] == 20
    one = {key: seconds for key, seconds in times.items() if key[1].endswith("0.py")} | {("x.test_new", "x.py"): 1.0}
    assert changed(ran(one, 99), history(times)).renames == 0
    assert own_name("pkg.mod.TestA.test_b[1.5]") == "test_b[1.5]"


def test_growth_within_the_baseline_is_a_part_of_its_own() -> None:
    times = suite()
    grown = times | {(f"pkg.late.test_{n}", "tests/late.py"): 1.0 for n in range(5)}
    earlier = history(times, 10) + [
        each._replace(context=ran(grown, n).context) for n, each in enumerate(history(grown, 2), 11)
    ]
    change = changed(ran(grown, 99), earlier)
    assert not change.changed
    assert part(change, Share.CAME)[0] == 0
    assert part(change, Share.EARLIER)[1] > 3


def test_a_test_that_doubled_is_newly_slow_once_and_is_no_news_when_the_baseline_knows_it() -> None:
    times = suite()
    slow = ("pkg.m3.test_3", "tests/test_3.py")
    now = times | {slow: times[slow] * 2}
    earlier = history(times)
    change = changed(ran(now, 99), earlier)
    assert [each.test for each in change.slower] == [slow[0]]
    assert change.slower[0].after == pytest.approx(2 * change.slower[0].before, rel=0.1)
    assert not change.changed
    landed = [*earlier, ran(noisy(now, random.Random(3)), 50)]
    assert changed(ran(now, 99), landed).slow == 0


def test_a_slow_machine_is_divided_out_and_said() -> None:
    times = suite()
    change = changed(ran({key: seconds * 1.6 for key, seconds in times.items()}, 99), history(times))
    assert change.slow == 0
    assert change.shift == pytest.approx(1.6, rel=0.05)
    few = dict(list(times.items())[:3])
    alone = changed(ran({key: seconds * 3 for key, seconds in few.items()}, 99), history(few))
    assert alone.shift == 1.0, "three tests say nothing of the machine"
    assert alone.slow == 3


def test_times_in_hundredths_and_short_histories_accuse_nobody() -> None:
    cheap = {(f"t{n}", "f.py"): 0.01 for n in range(30)}
    assert changed(ran(cheap | {("t1", "f.py"): 0.02}, 99), history(cheap)).slow == 0
    times = suite()
    change = changed(ran(times | {("pkg.m0.test_0", "tests/test_0.py"): 9.0}, 99), history(times, 4))
    assert (change.slow, change.judged) == (0, 0)


def test_several_runs_of_the_candidate_are_judged_by_their_medians() -> None:
    times = suite()
    spike = times | {("pkg.m0.test_0", "tests/test_0.py"): 9.0}
    assert changed(ran(spike, 99), history(times)).slow == 1
    assert changed([ran(each, 90 + n) for n, each in enumerate((times, spike, times))], history(times)).slow == 0


@pytest.mark.parametrize("tail", [0, 3])
def test_without_a_change_lists_are_as_rare_as_is_said_and_a_doubled_test_is_found(tail: int) -> None:
    chance = random.Random(20_261_121)
    false = hits = 0
    for _ in range(trials := 60):
        base = [math.exp(chance.gauss(-2, 1.5)) for _ in range(80)]

        keys: list[Key] = [(str(n), "") for n in range(80)]
        runs = [_day(base, chance, tail) for _ in range(12)]
        histories = {key: [each[n] for each in runs] for n, key in enumerate(keys)}
        now = dict(zip(keys, _day(base, chance, tail), strict=True))
        false += bool(suite_slowness.find(now, histories).slower)
        doubled = min(keys, key=lambda key: abs(now[key] - 0.3))
        hits += doubled[0] in {
            each.test for each in suite_slowness.find(now | {doubled: now[doubled] * 2}, histories).slower
        }
    assert false <= (0.05 if tail == 0 else 0.1) * trials
    assert hits >= (0.8 * trials if tail == 0 else 0)


def _day(base: Sequence[float], chance: random.Random, tail: int) -> list[float]:
    """The tests' times in one run of an unchanged program, on a machine of its own mood."""
    machine = math.exp(chance.gauss(0, 0.1))
    return [seconds * machine * math.exp(0.08 * _noise(chance, tail)) for seconds in base]


def _noise(chance: random.Random, tail: int) -> float:
    normal = chance.gauss(0, 1)
    return normal / math.sqrt(sum(chance.gauss(0, 1) ** 2 for _ in range(tail)) / tail) if tail else normal


def test_a_test_that_failed_and_then_passed_is_newly_flaky_with_its_rate() -> None:
    times = suite()
    shaky = ("pkg.m0.test_0", "tests/test_0.py")
    change = changed(ran(times, 99, flaky_tests=[shaky]), history(times, 30))
    (found,) = change.flaky
    assert (found.test, found.failed, found.runs) == (shaky[0], 1, 31)
    assert found.low == pytest.approx(0.0057, abs=1e-3)
    assert found.high == pytest.approx(0.1619, abs=1e-3)
    known = [*history(times, 11), ran(times, 12, flaky_tests=[shaky])]
    again = changed(ran(times, 99, flaky_tests=[shaky]), known)
    assert (again.newly_flaky, again.known_flaky, again.is_news) == (0, 1, False)


def test_two_runs_of_one_state_that_disagree_show_a_flaky_test_and_two_states_do_not() -> None:
    times = suite()
    shaky = ("pkg.m0.test_0", "tests/test_0.py")
    first, second = ran(times, 99, failed_tests=[shaky]), ran(times, 99)
    change = changed([first, second], history(times))
    assert change.flaky[0].how == "failed in 1 of 2 runs of one commit"
    assert change.flaky[0].runs == 14
    assert changed(first, history(times)).newly_flaky == 0, "it only failed"
    nowhere = [each._replace(context=each.context._replace(tested="")) for each in (first, second)]
    assert changed(nowhere, history(times)).newly_flaky == 0, "nobody knows whether these are of one state"
    other = second._replace(context=second.context._replace(worktree="edited"))
    assert changed([first, other], history(times)).newly_flaky == 0
    many = [(f"bad{n}", "x.py") for n in range(20)]
    unsure = ran(times, 99, failed_tests=many)
    full = changed([first, unsure], history(times)).flaky
    assert shaky[0] not in {each.test for each in full}, "the list of failures is full: it may have failed there too"


def test_older_runs_without_blocks_are_no_witnesses_and_an_unfinished_suite_tells_no_growth() -> None:
    times = suite()
    bare = [each._replace(details={}) for each in history(times)]
    change = changed(ran(times, 99), bare)
    assert (change.runs, change.parts, change.untold) == (0, (), "no run of the baseline tells its tests")
    stopped = ran(dict(list(times.items())[:5]), 99)
    measurements = tuple(
        each._replace(values=(), state=type(each.state)("unknown"), reason="it failed") for each in stopped.measurements
    )
    half = changed(stopped._replace(measurements=measurements), history(times))
    assert (half.changed, half.parts) == (False, ())
    assert half.untold == "the run does not tell all its tests"


def test_only_the_newest_runs_are_asked_and_only_suites_that_are_compared_are_told() -> None:
    times = suite()
    earlier = history(times, 40)
    base = baseline_of(earlier)
    candidate = ran(times, 99)
    assert asked(40, compare(observe([candidate]), base)) == tuple(range(40 - WINDOW, 40))
    assert asked(40, ()) == tuple(range(40 - WINDOW, 40))
    assert every([candidate._replace(measurements=())], earlier, base) == ()


_GOOD = ran(suite(6, 2), 99)
_EARLIER = history(suite(6, 2), 6)
_BASE = baseline_of(_EARLIER)
_CELL = st.none() | st.booleans() | st.text(max_size=5) | st.floats() | st.integers()
_ROWS = st.lists(
    st.dictionaries(
        st.sampled_from(["suite", "test", "file", "seconds", "tests", "fingerprint", "by", "how"]),
        _CELL | st.just("unit"),
    ),
    max_size=6,
)


@settings(max_examples=30, deadline=None)
@given(
    st.dictionaries(st.sampled_from(["test_sets", "test_times", "test_files", "flaky_tests", "failed_tests"]), _ROWS)
)
def test_rows_that_make_no_sense_are_left_out_and_nothing_falls_over(blocks: dict[str, Any]) -> None:
    candidate = _GOOD._replace(details={name: tuple(rows) for name, rows in blocks.items()})
    every([candidate], _EARLIER, _BASE)
    every([_GOOD], [each._replace(details=candidate.details) for each in _EARLIER], _BASE)


def test_a_plugin_that_came_went_or_changed_is_said_because_it_can_slow_every_test() -> None:
    def using(run: Run, **plugins: str | None) -> Run:
        rows = tuple({"suite": "unit", "plugin": name, "version": version} for name, version in plugins.items())
        return run._replace(details={**run.details, "test_plugins": rows})

    times = {("test_a", "a.py"): 1.0}
    before = [ran(times, number) for number in range(1, 5)] + [using(ran(times, 5), xdist="3.6", retry="1.7", cov=None)]
    change = changed(using(ran(times, 9), xdist="3.8", monitor="1.6", cov=None), before)
    found = {each.plugin: (each.before, each.after, each.came, each.gone) for each in change.plugins}
    assert found == {
        "xdist": ("3.6", "3.8", False, False),
        "retry": ("1.7", "", False, True),
        "monitor": ("", "1.6", True, False),
    }
    assert change.is_news
    assert changed(ran(times, 9), before).plugins == (), "a run that tells no plugins has not lost them"
