"""Tracks, changes, drift, forecasts and proposals on histories of known making."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from perfgate.core.baseline import AnchorChoice, Baseline, BaselineRun, Cut
from perfgate.core.budgets import Budget, Relative
from perfgate.core.forecast import forecast_of, moment_of
from perfgate.core.metrics import Direction
from perfgate.core.model import Selector, Series
from perfgate.core.ratchet import limit_text, proposals
from perfgate.core.tracks import Track, tracks_of
from perfgate.core.trend import Ruling, drift_of, moves_of, trend_of
from perfgate.core.units import Quantity, Unit
from tests.core.histories import DAY, SUCCESS, WHEEL, noisy, stepped, whole
from tests.core.making import MACHINE, UNIT_TESTS, budget


def track(baseline: Baseline) -> Track:
    return tracks_of(baseline, baseline.histories)[0]


# --- tracks -----------------------------------------------------------------------------------------------------------


def test_the_current_segment_is_what_the_next_run_is_compared_with() -> None:
    found = track(whole((UNIT_TESTS, stepped())))
    assert [change.start for change in found.changes] == [30]
    assert found.used == 30
    assert found.edges == [(0, 30), (30, 50)]
    assert found.level == pytest.approx(72, rel=0.02)


def test_never_more_than_the_window_is_used() -> None:
    assert track(whole((UNIT_TESTS, noisy(60, 50)), window=20)).used == 30


def test_every_machine_class_has_its_own_history_and_the_newest_comes_first() -> None:
    other = MACHINE._replace(cpu_model="model B")
    values = [(60.0, 90.0)[day % 2] for day in range(31)]
    found = tracks_of(whole((UNIT_TESTS, values), machines=(MACHINE, other)), [Series.parse(UNIT_TESTS)])
    assert [(each.kind.machine.cpu_model, len(each.values)) for each in found] == [("model A", 16), ("model B", 15)]
    assert not any(each.changes for each in found)


def test_an_accepted_level_starts_anew_and_what_was_before_is_kept_as_retired() -> None:
    cut = Cut(Selector.parse("tests.*"), "", "agreed", "run-30")
    found = track(whole((UNIT_TESTS, stepped()), cuts=[cut]))
    assert len(found.retired) == 30
    assert {each.cut.reason for each in found.retired} == {"agreed"}
    assert (found.changes, found.used, found.anchor) == ((), 0, 0)
    assert found.runs == tuple(range(30, 50))


def test_a_series_whose_values_were_all_retired_has_nothing_to_tell() -> None:
    baseline = whole((UNIT_TESTS, stepped()), cuts=[Cut(Selector("*"), "2099-01-01T00:00:00Z", "all")])
    found = track(baseline)
    assert (found.values, found.edges, found.anchor) == ((), [], None)
    assert trend_of(baseline, [found], {}, allowed=0.1, newest=20).worse == ()


def test_of_an_exact_series_every_difference_is_a_change() -> None:
    found = track(whole((WHEEL, [100.0, 100.0, 101.0, 101.0, 150.0])))
    assert [change.start for change in found.changes] == [2, 4]
    assert found.used == 4
    assert [move.worse for move in moves_of(found, 5, 2)] == [pytest.approx(49 / 101)]


# --- changes and drift ------------------------------------------------------------------------------------------------


def test_a_worsening_names_the_run_before_it_and_is_new_among_the_newest_runs() -> None:
    found = track(whole((UNIT_TESTS, stepped())))
    move = moves_of(found, 50, 20)[0]
    assert (move.before, move.likely, move.is_new) == (29, 30, True)
    assert move.first <= 30 <= move.last
    assert move.worse == pytest.approx(0.2, abs=0.03)
    assert move.low is not None
    assert move.high is not None
    assert move.worse is not None
    assert move.low < move.worse < move.high
    assert not moves_of(found, 50, 19)[0].is_new


def test_where_higher_is_better_a_fall_is_worse_and_its_interval_is_turned_too() -> None:
    values = noisy(0.9, 25, spread=0.01) + noisy(0.7, 15, spread=0.01, seed=2)
    move = moves_of(track(whole((SUCCESS, values))), 40, 20)[0]
    assert move.worse == pytest.approx(0.22, abs=0.02)
    assert move.low is not None
    assert move.high is not None
    assert move.worse is not None
    assert move.low < move.worse < move.high


def test_improvements_stand_apart_and_the_worst_comes_first() -> None:
    baseline = whole(
        ("tests.duration{suite=a}", stepped(size=1.2)),
        ("tests.duration{suite=b}", stepped(size=1.5)),
        ("tests.duration{suite=c}", stepped(size=0.5)),
        ("tests.duration{suite=d}", stepped(20, 30, 1.9)),
    )
    found = trend_of(baseline, tracks_of(baseline, baseline.histories), {}, allowed=9.0, newest=20)
    assert [move.track.series.labels[0][1] for move in found.worse] == ["b", "a", "d"]
    assert [move.track.series.labels[0][1] for move in found.better] == ["c"]
    assert found.is_alarming


def test_an_old_worsening_alone_does_not_alarm() -> None:
    baseline = whole((UNIT_TESTS, stepped(20, 40, 1.08)))
    found = trend_of(baseline, tracks_of(baseline, baseline.histories), {}, allowed=0.5, newest=20)
    assert found.worse
    assert not found.is_alarming


def test_a_slow_drift_without_any_step_is_held_against_the_anchor() -> None:
    found = track(whole((UNIT_TESTS, noisy(60, 80, spread=0.01, slope=0.004))))
    assert found.changes == ()
    drift = drift_of(found, 0.10)
    assert drift is not None
    assert drift.worse == pytest.approx(0.29, abs=0.04)
    assert drift_of(found, 0.50) is None


def test_a_chosen_anchor_is_what_drift_is_held_against() -> None:
    values = noisy(60, 80, spread=0.01, slope=0.004)
    choice = AnchorChoice(Selector.parse("tests.*"), "run-75", "release 2")
    found = track(whole((UNIT_TESTS, values), anchors=[choice]))
    assert found.anchor == 75
    assert drift_of(found, 0.10) is None


def drifts(baseline: Baseline) -> int:
    return len(trend_of(baseline, tracks_of(baseline, baseline.histories), {}, allowed=0.1, newest=20).drifts)


def test_an_anchor_that_was_an_outlier_is_no_drift() -> None:
    values = noisy(60, 20, spread=0.02)
    assert drifts(whole((UNIT_TESTS, [40.0, *values]))) == 0


def test_a_drift_that_noise_explains_is_not_told() -> None:
    values = noisy(60, 20, spread=0.25)
    (found,) = [drift_of(track(whole((UNIT_TESTS, [46.0, 41.0, 52.0, *values]))), 0.10)]
    assert found is not None
    assert found.p > 0.05
    assert drifts(whole((UNIT_TESTS, [46.0, 41.0, 52.0, *values]))) == 0


def test_many_unchanged_series_together_seldom_have_a_drift() -> None:
    alarms = 0
    for seed in range(20):
        series = [
            (f"tests.duration{{suite=s{index}}}", noisy(60, 40, spread=0.06, seed=100 * seed + index))
            for index in range(40)
        ]
        alarms += drifts(whole(*series)) > 0
    assert alarms <= 3


def test_among_many_series_the_one_that_drifts_is_told() -> None:
    series = [(f"tests.duration{{suite=s{index}}}", noisy(60, 60, seed=index)) for index in range(60)]
    baseline = whole(*series, (UNIT_TESTS, noisy(60, 60, slope=0.003)))
    found = trend_of(baseline, tracks_of(baseline, baseline.histories), {}, allowed=0.1, newest=20)
    assert [str(each.track.series) for each in found.drifts] == [UNIT_TESTS]


# --- forecasts --------------------------------------------------------------------------------------------------------


def forecast(values: Sequence[float], limit: float, series: str = UNIT_TESTS) -> tuple[float, float | None] | None:
    baseline = whole((series, values))
    found = forecast_of(track(baseline), limit, lambda run: moment_of(baseline.runs[run]))
    return None if found is None else (found.soonest, found.latest)


def test_a_steady_climb_meets_its_limit_on_the_foretold_day() -> None:
    # 60 s and 0.24 s a day more: 74.2 s on the 60th day, 80 s about 24 days later.
    found = forecast(noisy(60, 60, spread=0.005, slope=0.004), 80.0)
    assert found is not None
    soonest, latest = found
    assert latest is not None
    assert soonest < 24.3 < latest
    assert latest - soonest < 6


def test_the_day_is_covered_by_its_interval_in_most_histories() -> None:
    covered = told = 0
    for seed in range(100):
        found = forecast(noisy(60, 60, spread=0.02, slope=0.004, seed=seed), 80.0)
        if found is not None:
            told += 1
            covered += found[0] <= 24.3 <= (found[1] or math.inf)
    assert told >= 80
    assert covered / told >= 0.9


@pytest.mark.parametrize(
    ("values", "limit"),
    [
        (noisy(60, 60), 62.0),
        (noisy(60, 60, slope=-0.004), 80.0),
        (noisy(60, 60, slope=0.0005, spread=0.001), 600.0),
        (noisy(60, 9, slope=0.01, spread=0.001), 70.0),
        ([60.0] * 40, 61.0),
        (noisy(60, 60, slope=0.004), 50.0),
    ],
    ids=["no slope", "away from the limit", "too far", "too few", "constant", "crossed already"],
)
def test_nothing_is_foretold_without_reason(values: list[float], limit: float) -> None:
    assert forecast(values, limit) is None


def test_unchanged_series_near_their_limit_are_seldom_told_a_day() -> None:
    told = sum(forecast(noisy(60, 60, spread=0.04, seed=seed), 63.0) is not None for seed in range(200))
    assert told / 200 <= 0.05


def test_a_falling_series_meets_a_limit_below_it_where_higher_is_better() -> None:
    values = noisy(0.95, 50, spread=0.002, slope=-0.002)
    found = forecast(values, 0.8, SUCCESS)
    assert found is not None
    assert found[0] < 30 < (found[1] or 99)


def test_a_growing_exact_series_is_foretold_too() -> None:
    found = forecast([1_000_000.0 + 2000 * day for day in range(40)], 1_100_000.0, WHEEL)
    assert found is not None
    assert found[0] == found[1] == pytest.approx(11)


# --- proposals --------------------------------------------------------------------------------------------------------


def proposed(rule: Ruling, *series: tuple[str, Sequence[float]]) -> list[tuple[str, str]]:
    baseline = whole(*series)
    tracks = tracks_of(baseline, baseline.histories)
    return [(each.key, each.proposed) for each in proposals(tracks, dict.fromkeys(baseline.histories, rule))]


def test_a_limit_with_room_is_tightened_to_what_the_current_segment_keeps() -> None:
    # 60 s ± 2 %: 99 % of runs stay below 63.5 s; with 10 % that is 70 s.
    rule = Ruling(budget(UNIT_TESTS, "2 min"))
    assert proposed(rule, (UNIT_TESTS, noisy(60, 40))) == [("limit", "1 min 10 s")]
    assert proposed(Ruling(budget(UNIT_TESTS, "80 s")), (UNIT_TESTS, noisy(60, 40))) == []
    assert proposed(rule, (UNIT_TESTS, noisy(60, 9))) == []


def test_a_limit_of_several_series_is_only_tightened_to_what_all_of_them_keep() -> None:
    rule = Ruling(budget("tests.duration", "10 min"))
    slow, fast = ("tests.duration{suite=slow}", noisy(200, 40)), ("tests.duration{suite=fast}", noisy(60, 40))
    assert proposed(rule, slow, fast) == proposed(rule, slow) == [("limit", "4 min")]
    assert proposed(rule, slow, ("tests.duration{suite=new}", noisy(60, 3))) == []


def test_a_floor_is_raised_where_higher_is_better() -> None:
    assert proposed(Ruling(budget(SUCCESS, "0.5")), (SUCCESS, noisy(0.95, 40, spread=0.005))) == [("limit", "0.84")]


def test_a_relative_budget_is_never_proposed_below_what_can_be_seen() -> None:
    loose = Budget(Selector.parse(UNIT_TESTS), relative=Relative(block=0.5, stated=True), place="budgets.yaml:3")
    ((key, text),) = proposed(Ruling(None, loose), (UNIT_TESTS, noisy(60, 40, spread=0.05)))
    assert key == "max_increase"
    assert 18 <= int(text.removesuffix("%")) <= 40
    assert proposed(Ruling(None, loose), (UNIT_TESTS, noisy(60, 40, spread=0.3))) == []
    unstated = loose._replace(relative=Relative(block=0.5))
    assert proposed(Ruling(None, unstated), (UNIT_TESTS, noisy(60, 40, spread=0.05))) == []


@pytest.mark.parametrize(
    ("value", "unit"),
    [
        (0.0001234, "s"),
        (0.34, "s"),
        (69.2, "s"),
        (4321.0, "s"),
        (123_456.0, "B"),
        (7.0, "B"),
        (0.0123, "USD/task"),
        (1234.5, "USD/month"),
        (12_345.0, "token/task"),
        (0.93, "1"),
        (1234.0, "req/s"),
    ],
)
def test_every_limit_that_is_proposed_can_be_read_and_is_not_tighter_than_it_may_be(value: float, unit: str) -> None:
    written = limit_text(value, Unit.parse(unit), up=True)
    assert written is not None
    read = Quantity.parse(written.written)
    assert read.fits(Unit.parse(unit))
    assert value * 0.999 <= float(read.value) <= value * 1.11


@pytest.mark.parametrize("value", [0.0, -1.0, math.inf, math.nan])
def test_a_limit_that_makes_no_sense_is_not_written(value: float) -> None:
    assert limit_text(value, Unit("s"), up=True) is None


def test_a_limit_that_is_crossed_already_is_told_and_not_foretold() -> None:
    baseline = whole((UNIT_TESTS, noisy(60, 40)))
    ruling = {Series.parse(UNIT_TESTS): Ruling(budget(UNIT_TESTS, "50 s"))}
    found = trend_of(baseline, tracks_of(baseline, baseline.histories), ruling, allowed=0.1, newest=20)
    assert [each.limit for each in found.crossed] == [50.0]
    assert found.forecasts == ()


def test_a_series_without_a_better_direction_only_changes() -> None:
    baseline = whole(("tests.count{suite=a}", [100.0] * 10 + [50.0] * 10))
    (found,) = tracks_of(baseline, baseline.histories)
    assert found.kind.better is Direction.NONE
    told = trend_of(baseline, [found], {}, allowed=0.1, newest=20)
    assert (len(told.other), told.worse, told.drifts) == (1, (), ())
    assert not told.is_alarming


def test_a_run_without_a_commit_time_is_placed_by_its_start() -> None:
    assert moment_of(BaselineRun("a", "", "1970-01-02T00:00:00Z", (3, ""))) == DAY
    assert moment_of(BaselineRun("a", "", "", (0, ""))) == 0
