"""The past judged again: what is an alarm, what can be seen, what is blind, and what to do about it."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfgate.core.baseline import History
from perfgate.core.budgets import Budget, Budgets, Enforce, Judge, Level, Relative, Side, When
from perfgate.core.calibration import Calibration, Record, Standing, calibrate
from perfgate.core.calibration_advice import advise
from perfgate.core.compare import Tested
from perfgate.core.model import Measurement, Run, Series, State
from perfgate.core.replay import Past, Trial, evenly, replay
from perfgate.core.stats.interleaved import Interleaved
from perfgate.core.stats.prediction import Prediction
from perfgate.core.stats.score import Score
from perfgate.core.units import Number
from perfgate.render import calibration as render
from tests.core.making import baseline_of, bench, budget, decided, measured, run

WALL = "command.wall{command=it}"


def past(values: Mapping[str, Sequence[Number]], *budgets: Budget) -> Past:
    """A past of these series, one run a value, all in the same runs."""
    count = max(map(len, values.values()))
    runs = [
        run(*(_measured(name, series[at]) for name, series in values.items() if at < len(series)), number=at + 1)
        for at in range(count)
    ]
    return of_runs(runs, *budgets)


def _measured(name: str, value: Number) -> Measurement:
    return bench(name, value) if name.startswith("bench.") else measured(name, value)


def of_runs(runs: Sequence[Run], *budgets: Budget) -> Past:
    baseline = baseline_of(runs)
    named = {known.id: each._replace(id=known.id) for known, each in zip(baseline.runs, runs, strict=True)}
    return Past(baseline, named, Budgets(budgets=budgets))


def noise(count: int, sd: float, *, seed: int = 1, level: float = 1.0) -> list[float]:
    chance = random.Random(seed)
    return [level * math.exp(chance.gauss(0, sd)) for _ in range(count)]


def numbers(trial: Trial) -> Prediction | Score | Interleaved:
    assert isinstance(trial.comparison.evidence, Tested)
    return trial.comparison.evidence.numbers


def only(found: Calibration) -> Record:
    (record,) = found.records
    return record


# --- what is judged against what --------------------------------------------------------------------------------------


def test_every_run_is_judged_as_the_engine_judges_it_against_the_runs_before_it() -> None:
    values = noise(40, 0.03)
    values[20] *= 1.5
    values[31] *= 1.3
    runs = [run(measured(WALL, value), number=at + 1) for at, value in enumerate(values)]
    by_hand = [decided(runs[at], baseline_of(runs[:at]), budget(WALL)).verdicts[0].found for at in range(5, len(runs))]
    trials = replay(of_runs(runs, budget(WALL))).trials
    assert [trial.level for trial in trials] == by_hand
    assert by_hand.count(Level.BLOCK) >= 1


def test_later_runs_change_nothing_about_earlier_ones() -> None:
    values = noise(30, 0.02)
    short = replay(past({WALL: values}, budget(WALL))).trials
    longer = replay(past({WALL: [*values, 9.0, 0.01]}, budget(WALL))).trials
    assert [trial[:10] for trial in longer[: len(short)]] == [trial[:10] for trial in short]


def test_a_run_is_not_judged_against_another_run_of_its_own_commit() -> None:
    runs = [run(measured(WALL, 1.0 + at / 1000), number=at) for at in range(1, 11)]
    again = runs[-1]._replace(measurements=(measured(WALL, 5.0),))
    trials = replay(of_runs([*runs, again], budget(WALL))).trials
    assert [numbers(trial).n for trial in trials[-2:]] == [9, 9]


def test_five_comparable_earlier_runs_are_needed() -> None:
    assert calibrate(past({WALL: noise(5, 0.01)}, budget(WALL))).level is Level.INCONCLUSIVE
    found = calibrate(past({WALL: noise(6, 0.01)}, budget(WALL)))
    assert only(found).replayed == 1
    other = [
        run(measured(WALL, 1.0), number=at, machine=run().context.machine._replace(cpu_model="B")) for at in (8, 9)
    ]
    mixed = of_runs(
        [*(run(measured(WALL, value), number=at) for at, value in enumerate(noise(4, 0.01), 1)), *other], budget(WALL)
    )
    assert calibrate(mixed).replayed == 0


def test_a_value_that_a_waiver_kept_out_of_the_baseline_is_not_judged_again() -> None:
    runs = [run(measured(WALL, value), number=at) for at, value in enumerate(noise(12, 0.01), 1)]
    runs[-1] = runs[-1]._replace(measurements=(measured(WALL, 3.0),), excluded=(WALL,))
    base = of_runs(runs, budget(WALL))
    history = base.baseline.histories[Series.parse(WALL)]
    kept = History(history.values[:-1], history.runs[:-1], history.kinds[:-1])
    base = base._replace(baseline=base.baseline._replace(histories={Series.parse(WALL): kept}))
    assert only(calibrate(base)).alarms.hits == 0
    assert only(calibrate(base)).replayed == 6


def test_an_unknown_value_is_no_trial() -> None:
    runs = [run(measured(WALL, value), number=at) for at, value in enumerate(noise(8, 0.01), 1)]
    runs[6] = runs[6]._replace(measurements=(measured(WALL, 1.0, values=(), state=State.UNKNOWN),))
    entries = [each for at, each in enumerate(runs) if at != 6]
    assert only(calibrate(of_runs(entries, budget(WALL)))).replayed == 2


def test_a_wide_past_is_thinned_evenly_and_says_so() -> None:
    values = {f"command.wall{{command=c{at}}}": noise(60, 0.02, seed=at) for at in range(3)}
    base = past(values, budget("command.wall"))
    whole, thin = replay(base), replay(base, most=30)
    assert (len(whole.runs), len(thin.runs), thin.eligible) == (55, 20, 55)
    assert (len(whole.shown), len(thin.shown)) == (3, 0)
    assert sum(trial.seen is not None for trial in thin.trials) == 30
    by_run = {(trial.series, trial.run): trial.level for trial in whole.trials}
    assert all(by_run[trial.series, trial.run] is trial.level for trial in thin.trials)


# --- false alarms -----------------------------------------------------------------------------------------------------


def test_planted_outliers_are_counted_as_false_alarms_of_their_runs() -> None:
    values = {f"command.wall{{command=c{at}}}": noise(60, 0.01, seed=at) for at in range(6)}
    planted = {0: (20,), 1: (30,), 2: (30,), 4: (45,)}
    for name, places in planted.items():
        for place in places:
            values[f"command.wall{{command=c{name}}}"][place] *= 1.6
    found = calibrate(past(values, budget("command.wall")))
    assert (found.alarmed.hits, found.alarmed.of) == (3, 55)
    assert sum(record.alarms.hits for record in found.records) == 4
    assert found.alarmed.ends == pytest.approx((0.0114, 0.1512), abs=1e-3)
    assert found.level is Level.PASS


def test_unchanged_normal_noise_alarms_about_as_often_as_the_engine_expects() -> None:
    values = {f"command.wall{{command=c{at}}}": noise(40, 0.08, seed=at) for at in range(40)}
    found = replay(past(values, budget("command.wall")))
    expected = sum(numbers(trial).false_alarm for trial in found.trials)
    counted = sum(trial.level >= Level.WARN for trial in found.trials)
    assert 0.1 < expected < 10
    assert counted <= expected + 4 * math.sqrt(expected)


def test_a_gate_that_alarms_on_more_than_one_run_in_twenty_with_confidence_is_told_so() -> None:
    found = calibrate(jumpy())
    assert found.alarmed.hits == 10  # every sixth of 60 runs
    assert found.alarms_too_often
    assert found.level is Level.WARN
    assert "unchanged runs alarm" in render.sentence(found)
    assert "more than can be tolerated" in render.render(found, width=160, colour=False)


def jumpy() -> Past:
    """A series that jumps in every sixth run, judged against the last five: each jump is an alarm."""
    values = [value * (1.4 if at % 6 == 5 else 1) for at, value in enumerate(noise(60, 0.005))]
    base = past({WALL: values}, budget(WALL))
    return base._replace(baseline=base.baseline._replace(window=5))


def test_what_only_observes_is_told_and_alarms_nobody() -> None:
    values = noise(40, 0.01)
    values[25] *= 1.5
    found = calibrate(past({WALL: values}, budget(WALL, enforce=Enforce.OBSERVE)))
    assert (found.alarmed.hits, found.would.hits) == (0, 1)
    assert "if every budget were enforced: 1 of 35" in render.render(found, width=120, colour=False)


def test_an_alarm_at_a_change_of_level_is_not_false() -> None:
    values = [*noise(20, 0.01), *noise(20, 0.01, seed=2, level=1.5)]
    base = past({WALL: values}, budget(WALL))
    without = only(calibrate(base, segment=lambda _: ()))
    known = only(calibrate(base))
    assert without.alarms.hits >= 1
    assert (known.alarms.hits, known.at_changes) == (0, without.alarms.hits)
    assert known.starts == ("run-21",)


def test_a_change_elsewhere_does_not_excuse_an_alarm() -> None:
    values = noise(40, 0.01)
    values[30] *= 1.5
    assert only(calibrate(past({WALL: values}, budget(WALL)), segment=lambda _: (12,))).alarms.hits == 1


def test_a_change_of_an_exact_metric_is_a_fact_and_no_alarm() -> None:
    sizes = [100.0] * 10 + [150.0] * 10
    record = only(calibrate(past({"size.bytes{path=wheel}": sizes}, budget("size.bytes"))))
    assert (record.alarms.of, record.changes, record.standing) == (0, 1, Standing.SOUND)
    assert (record.seen.hits, record.blocked.ratio) == (15, 1.0)


def test_money_is_judged_again_as_money() -> None:
    costs = [Decimal("100.00") + Decimal(at % 3) / 100 for at in range(20)]
    record = only(calibrate(past({"infra.cost{environment=dev}": costs}, budget("infra.cost"))))
    assert record.blocked.ratio == 1.0


def test_a_value_beyond_its_limit_is_no_false_alarm_and_is_told() -> None:
    found = calibrate(past({WALL: noise(20, 0.01)}, budget(WALL, "0.5 s", relative=None)))
    assert found.alarmed.hits == 0
    assert only(found).over == 15


# --- what can be seen -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sd", [0.01, 0.04])
def test_what_the_replay_shows_is_what_the_engine_promises_under_normal_noise(sd: float) -> None:
    values = {f"command.wall{{command=c{at}}}": noise(100, sd, seed=at) for at in range(5)}
    found = calibrate(past(values, budget("command.wall")))
    for record in found.records:
        assert record.promised is not None
        assert record.shown is not None
        assert record.shown == pytest.approx(record.promised, rel=0.4)


def test_a_quiet_series_shows_the_regression_of_its_budgets_size_and_a_noisy_one_does_not() -> None:
    found = calibrate(
        past(
            {"command.wall{command=quiet}": noise(40, 0.005), "command.wall{command=noisy}": noise(40, 0.2)},
            budget("command.wall"),
        )
    )
    noisy, quiet = sorted(found.records, key=lambda each: str(each.series))
    assert quiet.size == pytest.approx(0.12)
    assert (quiet.seen.ratio, quiet.blocked.ratio) == (1.0, 1.0)
    assert noisy.seen.ratio == pytest.approx(0.0, abs=0.1)


def test_higher_is_better_is_made_worse_downwards() -> None:
    base = past({"llm.success{scenario=a}": [value * 0.9 for value in noise(40, 0.003)]}, budget("llm.success"))
    record = only(calibrate(base))
    assert not record.upwards
    assert record.blocked.ratio == 1.0
    assert record.shown is not None
    assert record.shown < 0.2
    assert "-12.0 %" in render.render(calibrate(base), width=200, colour=False)


def test_a_metric_without_a_better_side_is_made_worse_the_way_its_budget_says() -> None:
    relative = Relative(Side.DECREASE, 0.02, 0.2, stated=True)
    record = only(calibrate(past({"tests.count{suite=unit}": [100.0] * 12}, budget("tests.count", relative=relative))))
    assert (record.upwards, record.blocked.ratio) == (False, 1.0)


def test_a_floor_makes_the_injected_regression_larger() -> None:
    from perfgate.core.units import Quantity

    relative = Relative(Side.INCREASE, 0.05, 0.1, at_least=Quantity.parse("50 B"), stated=True)
    record = only(calibrate(past({"size.bytes{path=x}": [100.0] * 12}, budget("size.bytes", relative=relative))))
    assert record.size == pytest.approx(0.6)
    assert record.blocked.ratio == 1.0


def test_zeros_are_never_injected_into() -> None:
    record = only(calibrate(past({"tests.failed{suite=unit}": [0.0] * 12}, budget("tests.failed"))))
    assert (record.size, record.seen.of) == (None, 0)


# --- blind budgets, and what to do ------------------------------------------------------------------------------------


def test_a_budget_that_is_never_judged_is_found_and_the_advised_one_is_judged() -> None:
    values = noise(40, 0.12)
    found = calibrate(past({WALL: values}, budget(WALL)))
    assert only(found).standing is Standing.BLIND
    assert found.level is Level.WARN
    (advice,) = advise(found)
    assert advice.wider is not None
    assert "the budget asks for 10 %" in advice.problem
    assert any("versus: base" in step for step in advice.steps)
    wider = Relative(Side.INCREASE, advice.wider.warn, advice.wider.block, stated=True)
    again = calibrate(past({WALL: values}, budget(WALL, relative=wider)))
    assert only(again).inconclusive.hits < only(again).inconclusive.of
    assert not again.blind


def test_a_series_that_only_a_doubling_would_stand_out_from_is_advised_a_limit() -> None:
    (advice,) = advise(calibrate(past({WALL: noise(40, 0.3)}, budget(WALL))))
    assert advice.wider is None
    assert "give it a limit" in advice.steps[-1]


def test_drift_is_told() -> None:
    values = [value * 1.01**at for at, value in enumerate(noise(80, 0.01))]
    record = only(calibrate(past({WALL: values}, budget(WALL))))
    assert record.drift == pytest.approx(1.01**79 - 1, rel=0.1)
    assert "drifted +1" in render.render(calibrate(past({WALL: values}, budget(WALL))), width=160, colour=False)


def test_an_alarming_series_is_advised_a_budget_that_its_alarms_fit_into() -> None:
    (advice,) = advise(calibrate(jumpy()))
    assert advice.wider is not None
    assert advice.wider.block == pytest.approx(0.45)
    wider = Relative(Side.INCREASE, advice.wider.warn, advice.wider.block, stated=True)
    assert calibrate(jumpy()._replace(budgets=Budgets(budgets=(budget(WALL, relative=wider),)))).alarmed.hits == 0


def test_series_without_a_budget_are_told_and_have_no_consequence() -> None:
    found = calibrate(past({WALL: noise(30, 0.2)}))
    assert not only(found).budgeted
    assert found.level is Level.PASS
    assert advise(found) == ()


def test_budgets_that_apply_elsewhere_or_meet_nothing_are_told() -> None:
    here, there, nowhere = budget(WALL), budget(WALL, when=When(ci=True)), budget("llm.cost")
    found = calibrate(past({WALL: noise(12, 0.01)}, here, there, nowhere))
    assert [(each, why) for each, why in found.elsewhere] == [(there, "only in CI")]
    assert found.unmatched == (nowhere,)
    text = render.render(found, width=120, colour=False)
    assert "llm.cost (budgets.yaml:3) was not judged again" in text


def test_the_run_tells_the_branch_and_the_event_that_budgets_ask_about() -> None:
    runs = [run(measured(WALL, value), number=at) for at, value in enumerate(noise(12, 0.01), 1)]
    runs = [
        each._replace(context=each.context._replace(branch="main", provider="github", event="push")) for each in runs
    ]
    found = calibrate(of_runs(runs, budget(WALL, when=When(branch=("main",), event=("push",), ci=True))))
    assert only(found).budgeted


# --- scenarios together -----------------------------------------------------------------------------------------------


def test_scenarios_that_are_judged_together_have_a_record_of_their_own() -> None:
    values = {f"llm.tokens{{scenario=s{at}}}": noise(30, 0.15, seed=at, level=1000.0) for at in range(9)}
    together = budget("llm.tokens", judge=Judge.FAMILY, relative=Relative(Side.INCREASE, 0.2, 0.5, stated=True))
    found = calibrate(past(values, together))
    (family,) = [record for record in found.records if record.together]
    assert str(family.series) == "llm.tokens{scenario=*}"
    assert (family.together, family.replayed, family.standing) == (9, 25, Standing.SOUND)
    assert (family.seen.hits, family.seen.of) == (25, 25)
    assert family.blocked.hits >= 18
    assert found.level is Level.PASS
    assert not found.blind
    text = render.render(found, width=160, colour=False)
    assert "9 scenarios together" in text
    assert "one of a family" in text


# --- laws -------------------------------------------------------------------------------------------------------------


@given(st.integers(0, 300), st.integers(2, 50))
def test_runs_are_thinned_evenly_and_the_newest_stays(count: int, most: int) -> None:
    positions = list(range(count))
    chosen = evenly(positions, most)
    assert len(chosen) == min(count, most)
    assert chosen == sorted(set(chosen))
    assert not positions or chosen[-1] == positions[-1]
    if count > most:
        gaps = [after - before for before, after in pairwise(chosen)]
        assert max(gaps) - min(gaps) <= 1


@settings(max_examples=15, deadline=None)
@given(st.floats(1e-3, 1e6), st.integers(0, 10_000))
def test_the_unit_of_the_values_changes_nothing(scale: float, seed: int) -> None:
    values = noise(14, 0.05, seed=seed)
    plain, scaled = (
        only(calibrate(past({WALL: [v * factor for v in values]}, budget(WALL)))) for factor in (1.0, scale)
    )
    assert (plain.alarms, plain.inconclusive, plain.seen) == (scaled.alarms, scaled.inconclusive, scaled.seen)


def test_the_same_past_gives_the_same_text() -> None:
    base = past(
        {WALL: noise(30, 0.05), "bench.time{tool=x,benchmark=y}": noise(30, 0.1)}, budget(WALL), budget("bench.*")
    )
    assert render.as_json(calibrate(base)) == render.as_json(calibrate(base))


def test_hostile_names_reach_no_terminal_and_no_markdown() -> None:
    name = str(Series.of("command.wall", command="\x1b[31m| @all <img>`x` \u202e"))
    found = calibrate(past({name: noise(30, 0.2)}, budget("command.wall")))
    for width in (80, 160):
        assert "\x1b" not in render.render(found, width=width, colour=False)
    markdown = render.as_markdown(found)
    assert "\x1b" not in markdown
    assert "\u202e" not in markdown


def test_tables_fit_the_width() -> None:
    values = {f"command.wall{{command=c{at}}}": noise(30, 0.02 * at + 0.005, seed=at) for at in range(6)}
    found = calibrate(past(values, budget("command.wall")))
    for width in (80, 120, 160):
        lines = render.render(found, width=width, colour=False).splitlines()
        assert all(len(line) <= width or line.strip().startswith(("- series:", "max_")) for line in lines)
