"""Levels: what each rule of design.md 5 comes to."""

from __future__ import annotations

import random
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfgate.core.baseline import Baseline
from perfgate.core.budgets import Budget, Budgets, Enforce, Judge, Level, Relative, Side, Situation, Waiver, When
from perfgate.core.decision import Circumstances, Decision, Justification, Rule, Verdict
from perfgate.core.justifications import read_justifications
from perfgate.core.metrics import Direction
from perfgate.core.model import COMMAND_FAILED, Capture, Caveat, Context, Run, Series, State
from perfgate.core.policy import decide
from perfgate.core.units import Quantity, Unit
from perfgate.errors import InputError
from tests.core.making import UNIT_TESTS, baseline, baseline_of, bench, budget, decided, measured, run, waiver

QUIET = [100.0, 101.0, 99.0, 100.5, 99.5, 100.0, 101.5, 98.5, 100.0, 100.2]
SIZE = "size.bytes{path=wheel}"
COST = "infra.cost{environment=dev}"


def the(decision: Decision, rule: Rule) -> Verdict:
    (found,) = [verdict for verdict in decision.verdicts if verdict.rule is rule]
    return found


def sized(value: float, *history: float, **changes: Any) -> Decision:
    return decided(run(measured(SIZE, value)), baseline(SIZE, history), budget("size.bytes", **changes))


# --- limits -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "level"),
    [(119.0, Level.PASS), (120.0, Level.PASS), (120.1, Level.WARN), (132.0, Level.WARN), (132.1, Level.BLOCK)],
)
def test_a_limit_passes_up_to_it_warns_within_the_tolerance_and_blocks_beyond(value: float, level: Level) -> None:
    assert decided(run(measured(UNIT_TESTS, value)), Baseline(), budget(UNIT_TESTS, "2 min")).level is level


@pytest.mark.parametrize(("value", "level"), [("100", Level.PASS), ("95", Level.WARN), ("89.9", Level.BLOCK)])
def test_where_higher_is_better_a_limit_is_a_floor(value: str, level: Level) -> None:
    name = "bench.throughput{benchmark=copy}"
    found = decided(run(bench(name, float(value), better=Direction.HIGHER)), Baseline(), budget(name, "100 s"))
    assert found.level is level


@pytest.mark.parametrize("changes", [{"better": Direction.HIGHER}, {"unit": "B"}])
def test_a_series_declared_otherwise_than_in_the_baseline_passes_no_limit_and_counts_as_missing(
    changes: dict[str, Any],
) -> None:
    name = "bench.time{benchmark=copy}"
    past = baseline_of([run(bench(name, 100.0), number=number) for number in range(3)])
    claimed = bench(name, 900.0, better=changes.get("better", Direction.LOWER))
    if "unit" in changes:
        claimed = claimed._replace(unit=Unit(changes["unit"]))
    found = decided(run(claimed), past, budget(name, "120 s"))
    assert the(found, Rule.MISSING).level is Level.BLOCK
    assert "declared otherwise" in [each.code for each in found.caveats]


def test_what_a_failed_command_did_not_yield_is_no_breach_and_no_pass() -> None:
    past = baseline_of([run(measured(UNIT_TESTS, 60.0), measured(SIZE, 100.0), number=number) for number in range(3)])
    failed = run(measured(SIZE, 100.0))._replace(caveats=(Caveat(COMMAND_FAILED, "the suite failed"),))
    found = decided(failed, past, budget(UNIT_TESTS, "2 min"), budget(SIZE))
    assert found.level is Level.INCONCLUSIVE
    assert found.command_failed
    assert [each.rule for each in found.verdicts if each.rule is Rule.MISSING] == []


def test_a_limit_of_nothing_has_no_tolerance() -> None:
    name = "tests.failed{suite=unit}"
    assert decided(run(measured(name, 1.0)), Baseline(), budget(name, "0")).level is Level.BLOCK
    assert decided(run(measured(name, 0.0)), Baseline(), budget(name, "0")).level is Level.PASS


def test_over_the_limit_already_and_not_worse_is_a_warning_for_the_innocent_change() -> None:
    found = decided(run(measured(SIZE, 200.0)), baseline(SIZE, [199.0, 200.0]), budget(SIZE, "100 B"))
    assert found.level is Level.WARN
    assert "before this change" in the(found, Rule.LIMIT).reason


def test_over_the_limit_already_and_worse_blocks() -> None:
    found = decided(run(measured(SIZE, 220.0)), baseline(SIZE, [199.0, 200.0]), budget(SIZE, "100 B"))
    assert the(found, Rule.LIMIT).level is Level.BLOCK


def test_twelve_small_drifts_over_the_limit_are_caught_by_the_anchor() -> None:
    history = [190.0 * 1.009**n for n in range(12)]
    found = decided(run(measured(SIZE, history[-1] * 1.009)), baseline(SIZE, history), budget(SIZE, "100 B"))
    assert the(found, Rule.LIMIT).level is Level.BLOCK


def test_a_limit_in_another_unit_is_an_error_of_the_budget() -> None:
    with pytest.raises(InputError, match="counted in USD"):
        decided(run(measured(SIZE, 1.0)), Baseline(), budget(SIZE, "5 USD"))


def test_an_unknown_value_is_inconclusive_never_zero() -> None:
    name = "llm.cost{scenario=fix}"
    unknown = measured(name, state=State.UNKNOWN, reason="no price for model x")
    found = decided(run(unknown), Baseline(), budget(name, "0.10 USD/task"))
    assert found.level is Level.INCONCLUSIVE
    assert found.nothing_judged
    assert "no price for model x" in found.verdicts[0].reason


def test_a_lower_bound_over_the_limit_blocks_and_below_it_is_inconclusive() -> None:
    def bounded(value: str) -> Decision:
        measurement = measured(COST, Decimal(value), state=State.LOWER_BOUND, reason="one price is missing")
        return decided(run(measurement), Baseline(), budget(COST, "500 USD/month"))

    assert bounded("600").level is Level.BLOCK
    assert bounded("400").level is Level.INCONCLUSIVE


# --- changes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "level"),
    [(105.0, Level.PASS), (105.1, Level.WARN), (110.0, Level.WARN), (110.1, Level.BLOCK), (90.0, Level.PASS)],
)
def test_an_exact_series_is_judged_by_the_percentages_alone(value: float, level: Level) -> None:
    assert sized(value, 100.0).level is level


def test_per_cent_and_floor_must_both_be_exceeded() -> None:
    floor = Relative(at_least=Quantity.parse("5 B"), stated=True)
    assert sized(13.0, 10.0, relative=floor).level is Level.PASS
    assert sized(15.1, 10.0, relative=floor).level is Level.BLOCK


def test_growth_from_nothing_exceeds_every_percentage_but_not_the_floor() -> None:
    assert sized(3.0, 0.0).level is Level.BLOCK
    assert sized(3.0, 0.0, relative=Relative(at_least=Quantity.parse("5 B"), stated=True)).level is Level.PASS
    assert sized(0.0, 0.0).level is Level.PASS


def test_a_noisy_change_needs_evidence() -> None:
    def by(value: float) -> Decision:
        return decided(
            run(measured(UNIT_TESTS, value)), baseline(UNIT_TESTS, QUIET), budget("tests.duration", relative=loose)
        )

    loose = Relative(warn=0.02, block=0.30, stated=True)
    assert by(103.5).level is Level.PASS
    assert by(106.0).verdicts[0].suspect
    assert by(106.0).level is Level.PASS
    assert by(120.0).level is Level.WARN
    assert by(140.0).level is Level.BLOCK


def test_a_short_history_warns_at_most() -> None:
    found = decided(run(measured(UNIT_TESTS, 300.0)), baseline(UNIT_TESTS, [100.0, 101.0]), budget("tests.duration"))
    assert found.level is Level.WARN
    assert "at most warn: only 2 comparable runs" in found.verdicts[0].notes[0]


def test_a_series_too_noisy_for_its_budget_is_inconclusive_and_says_what_it_could_show() -> None:
    noisy = [100.0, 140.0, 80.0, 120.0, 70.0, 130.0, 90.0, 110.0]
    found = decided(run(measured(UNIT_TESTS, 105.0)), baseline(UNIT_TESTS, noisy), budget("tests.duration"))
    assert found.level is Level.INCONCLUSIVE
    assert "this series can show a change of" in found.verdicts[0].reason
    assert found.nothing_judged


def test_a_confirmed_change_is_never_called_inconclusive_however_noisy_the_series() -> None:
    noisy = [100.0, 140.0, 80.0, 120.0, 70.0, 130.0, 90.0, 110.0]
    found = decided(run(measured(UNIT_TESTS, 2000.0)), baseline(UNIT_TESTS, noisy), budget("tests.duration"))
    assert found.level is Level.BLOCK


def test_a_change_that_this_series_shows_by_luck_only_warns_until_it_is_settled() -> None:
    chance = random.Random(2)
    history = [100.0 * chance.lognormvariate(0, 0.04) for _ in range(40)]
    once = decided(run(measured(UNIT_TESTS, 118.0)), baseline(UNIT_TESTS, history), budget("tests.duration"))
    (verdict,) = once.verdicts
    assert (verdict.level, verdict.suspect) == (Level.WARN, True)
    assert "at most warn until it is settled" in verdict.notes[0]
    far = decided(run(measured(UNIT_TESTS, 150.0)), baseline(UNIT_TESTS, history), budget("tests.duration"))
    assert far.level is Level.BLOCK
    runs = [run(measured(UNIT_TESTS, 118.0)) for _ in range(3)]
    jobs = [each._replace(context=each.context._replace(ci_run="7", ci_job=str(n))) for n, each in enumerate(runs)]
    assert decided(jobs, baseline(UNIT_TESTS, history), budget("tests.duration")).level is Level.BLOCK
    same = [each._replace(context=each.context._replace(ci_run="7", ci_job="unit")) for each in runs]
    assert decided(same, baseline(UNIT_TESTS, history), budget("tests.duration")).level is Level.WARN


@pytest.mark.parametrize(("target", "level"), [("main", Level.WARN), ("", Level.PASS)])
def test_slow_drift_warns_on_the_target_branch_and_is_a_note_elsewhere(target: str, level: Level) -> None:
    name = "size.bytes{path=a}"
    base = baseline(name, [1000.0 * 1.02**n for n in range(20)])
    here = run(measured(name, 1000.0 * 1.02**20))
    circumstances = Circumstances(context=Context(branch="main", target=target), baseline_runs=base.runs)
    (verdict,) = decide([here], base, Budgets(budgets=(budget("size.bytes"),)), circumstances).verdicts
    assert verdict.level is level
    assert any(
        note.startswith("drift: the baseline is 45.7 % worse than its anchor, run run-1") for note in verdict.notes
    )


def test_the_wrong_side_of_a_change_is_an_error_of_the_budget() -> None:
    with pytest.raises(InputError, match="better when lower") as caught:
        sized(1.0, 1.0, relative=Relative(side=Side.DECREASE, stated=True))
    assert "max_increase" in caught.value.remedy


def test_a_count_of_tests_may_be_held_from_falling() -> None:
    name = "tests.count{suite=unit}"
    held = Relative(side=Side.DECREASE, warn=0.01, block=0.05, stated=True)
    found = decided(run(measured(name, 90.0)), baseline(name, [100.0]), budget(name, relative=held))
    assert found.level is Level.BLOCK


def counted(after: float, *budgets: Budget) -> list[tuple[Level, str]]:
    """The levels of the changes of a count of tests that was 100, with the place of the budget."""
    name = "tests.count{suite=unit}"
    found = decided(run(measured(name, after)), baseline(name, [100.0]), *budgets)
    return sorted((each.level, each.budget.place) for each in found.verdicts if each.rule is Rule.CHANGE)


RISE = Relative(side=Side.INCREASE, warn=0.1, block=0.2, stated=True)
FALL = Relative(side=Side.DECREASE, warn=0.01, block=0.05, stated=True)
BOTH = (budget("tests.count", relative=RISE, place="rise"), budget("tests.count", relative=FALL, place="fall"))


@pytest.mark.parametrize("budgets", [BOTH, BOTH[::-1]])
def test_a_rise_and_a_fall_of_one_series_may_both_be_limited(budgets: tuple[Budget, ...]) -> None:
    assert counted(130.0, *budgets) == [(Level.PASS, "fall"), (Level.BLOCK, "rise")]
    assert counted(90.0, *budgets) == [(Level.PASS, "rise"), (Level.BLOCK, "fall")]


def test_both_sides_of_a_series_together_raise_the_false_alarms_of_each() -> None:
    name = "bench.ops{benchmark=b}"
    base = baseline(name, [100.0, 101.0, 99.0, 100.0, 102.0, 98.0])
    rise, fall = (budget("bench.*", relative=side) for side in (RISE, FALL))
    after = run(bench(name, 100.0, better=Direction.NONE))
    up, down, both = (
        decided(after, base, *budgets).expected_false_alarms for budgets in ((rise,), (fall,), (rise, fall))
    )
    assert both == pytest.approx(up + down)
    assert min(up, down) > 0


def test_a_later_limit_replaces_only_its_own_side_and_none_ends_both() -> None:
    wider = budget("tests.count{suite=unit}", relative=RISE._replace(warn=None, block=0.5), place="wider")
    assert counted(130.0, *BOTH, wider) == [(Level.PASS, "fall"), (Level.PASS, "wider")]
    ended = budget("tests.count{suite=unit}", relative=None, place="none")
    assert counted(90.0, *BOTH, ended) == [(Level.PASS, "none")]
    assert counted(130.0, *BOTH, ended, wider) == [(Level.PASS, "wider")]


def test_where_one_side_is_an_improvement_a_limit_on_the_other_replaces_it() -> None:
    name = "infra.coverage{environment=dev}"
    base, after = baseline(name, [1.0]), run(measured(name, 0.5))
    every = budget("infra.*", relative=RISE)
    assert decided(after, base, every, budget("infra.coverage", relative=FALL)).level is Level.BLOCK
    with pytest.raises(InputError, match="better when higher"):
        decided(after, base, budget("infra.*", relative=RISE), budget("infra.*", relative=FALL))


@pytest.mark.parametrize(("before", "after"), [(0.0, 0.0), (0.0, 3.0), (5.0, 5.0), (5.0, 6.0), (5.0, 0.0), (5.0, 2.0)])
def test_a_limit_of_zero_says_it_all_once(before: float, after: float) -> None:
    name = "tests.failed{suite=unit}"
    candidate, base = run(measured(name, after)), baseline(name, [before])
    found = decided(candidate, base, budget(name, "0"))
    assert Rule.CHANGE not in {each.rule for each in found.verdicts}
    # Judged apart, the change would have said nothing worse.
    assert found.level >= decided(candidate, base, budget(name)).level
    stated = decided(candidate, base, budget(name, "0", relative=Relative(Side.INCREASE, stated=True)))
    assert Rule.CHANGE in {each.rule for each in stated.verdicts}


def test_a_count_of_tests_may_grow_where_nothing_is_said() -> None:
    name = "tests.count{suite=unit}"
    assert decided(run(measured(name, 150.0)), baseline(name, [100.0]), budget(name)).level is Level.PASS


def test_no_baseline_yet_is_said_and_the_limit_still_judges() -> None:
    found = decided(run(measured(UNIT_TESTS, 100.0)), Baseline(), budget(UNIT_TESTS, "2 min"))
    assert found.level is Level.PASS
    assert "no baseline yet" in the(found, Rule.LIMIT).notes[0]


def test_no_baseline_and_no_limit_is_inconclusive_and_nothing_is_judged() -> None:
    found = decided(run(measured(UNIT_TESTS, 100.0)), Baseline(), budget(UNIT_TESTS))
    assert found.level is Level.INCONCLUSIVE
    assert found.nothing_judged


def test_one_scenario_of_a_family_does_not_block_alone() -> None:
    name = "llm.tokens{scenario=fix}"
    found = decided(run(measured(name, 900.0)), baseline(name, [100.0] * 8), budget("llm.tokens", judge=Judge.FAMILY))
    assert found.level is Level.WARN


# --- drops and missing ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("after", [3.0, 0.0, 49.0])
def test_a_collapse_is_suspicious_rather_than_good_news(after: float) -> None:
    found = sized(after, 100.0)
    assert the(found, Rule.DROP).level is Level.WARN


def test_half_is_still_an_improvement() -> None:
    assert sized(50.0, 100.0).level is Level.PASS


def test_failures_going_to_nothing_are_good_news() -> None:
    name = "tests.failed{suite=unit}"
    assert decided(run(measured(name, 0.0)), baseline(name, [4.0]), budget(name, "10")).level is Level.PASS


def test_where_higher_is_better_a_doubling_is_suspicious() -> None:
    name = "bench.throughput{benchmark=copy}"
    runs = [run(bench(name, 100.0 + n % 3, better=Direction.HIGHER), number=n) for n in range(1, 9)]
    found = decided(run(bench(name, 250.0, better=Direction.HIGHER)), baseline_of(runs), budget(name))
    assert the(found, Rule.DROP).level is Level.WARN


def test_a_vanished_series_is_judged_by_on_missing() -> None:
    base = baseline_of([run(measured(SIZE, 1.0), measured(UNIT_TESTS, 1.0), number=1)])
    found = decided(run(measured(SIZE, 1.0)), base, budget("size.bytes"), budget("tests.*"))
    assert the(found, Rule.MISSING).level is Level.BLOCK
    found = decided(run(measured(SIZE, 1.0)), base, budget("size.bytes"), budget("tests.*", on_missing=Level.WARN))
    assert found.level is Level.WARN


def test_a_vanished_series_that_no_budget_names_is_told_without_consequence() -> None:
    base = baseline_of([run(measured(SIZE, 1.0), measured(UNIT_TESTS, 1.0), number=1)])
    found = decided(run(measured(SIZE, 1.0)), base, budget("size.bytes"))
    assert found.level is Level.PASS
    assert [str(series) for series in found.vanished] == [UNIT_TESTS]


def test_a_series_gone_for_ten_runs_is_no_longer_missed() -> None:
    runs = [run(measured(SIZE, 1.0), measured(UNIT_TESTS, 1.0), number=1)]
    runs += [run(measured(SIZE, 1.0), number=n) for n in range(2, 12)]
    assert decided(run(measured(SIZE, 1.0)), baseline_of(runs), budget("*")).level is Level.PASS


def test_only_judges_a_part_and_misses_nothing_of_the_rest() -> None:
    base = baseline_of([run(measured(SIZE, 1.0), measured(UNIT_TESTS, 1.0), number=1)])
    found = decided(run(measured(SIZE, 1.0)), base, budget("size.bytes"), budget(UNIT_TESTS), only="size.*")
    assert found.level is Level.PASS
    assert not found.unmatched


# --- which budget rules -----------------------------------------------------------------------------------------------


def test_the_last_matching_budget_wins_per_kind_of_limit() -> None:
    found = decided(
        run(measured(UNIT_TESTS, 100.0)), Baseline(), budget("tests.*", "1 min"), budget(UNIT_TESTS, "2 min")
    )
    assert found.level is Level.PASS
    found = decided(
        run(measured(SIZE, 130.0)),
        baseline(SIZE, [100.0]),
        budget("size.*", relative=Relative(warn=0.5, block=1.0, stated=True)),
        budget(SIZE, "1 kB"),
    )
    assert found.level is Level.PASS


def test_a_budget_for_elsewhere_does_not_apply_and_is_listed() -> None:
    found = decided(
        run(measured(UNIT_TESTS, 999.0)), Baseline(), budget(UNIT_TESTS, "1 s", when=When(branch=("release/*",)))
    )
    assert found.level is Level.INCONCLUSIVE
    assert "release/*" in found.elsewhere[0][1]
    assert found.nothing_judged


@pytest.mark.parametrize(
    ("when", "applies"),
    [
        (When(branch=("main",)), True),
        (When(branch=("ma*", "x")), True),
        (When(event=("push",)), False),
        (When(label=("perf",)), True),
        (When(label=("slow",)), False),
        (When(paths=("src/",)), True),
        (When(paths=("docs/**",)), False),
        (When(paths=("**/*.tf",)), True),
        (When(ci=True), True),
        (When(ci=False), False),
    ],
)
def test_when_asks_about_branch_event_label_paths_and_ci(when: When, applies: bool) -> None:
    situation = Situation("main", "pull_request", ("perf",), ("src/a/b.py", "infra/x.tf"), ci=True)
    assert (when.why_not(situation) == "") is applies


def test_unknown_changed_paths_count_as_changed() -> None:
    assert When(paths=("src/",)).why_not(Situation(paths=None)) == ""


def test_an_unmatched_budget_is_said_and_can_be_made_to_count() -> None:
    found = decided(run(measured(SIZE, 1.0)), Baseline(), budget(SIZE, "1 kB"), budget("llm.cost", "1 USD"))
    assert found.level is Level.INCONCLUSIVE
    assert len(found.unmatched) == 1
    strict = decided(
        run(measured(SIZE, 1.0)),
        Baseline(),
        budget(SIZE, "1 kB"),
        budget("llm.cost", "1 USD", on_inconclusive=Level.BLOCK),
    )
    assert strict.level is Level.BLOCK


def test_series_without_a_budget_are_judged_by_the_defaults_and_have_no_say() -> None:
    found = decided(run(measured(SIZE, 200.0)), baseline(SIZE, [100.0]), budget("tests.*"))
    assert found.observed[0].found is Level.BLOCK
    assert found.observed[0].level is Level.PASS
    assert found.nothing_judged


def test_enforce_caps_the_level_and_says_so() -> None:
    assert sized(200.0, 100.0, enforce=Enforce.WARN).level is Level.WARN
    watched = sized(200.0, 100.0, enforce=Enforce.OBSERVE)
    assert watched.level is Level.PASS
    assert "enforce: observe (block without it)" in watched.verdicts[0].notes


def test_what_could_not_be_judged_is_never_called_a_pass_even_where_it_is_only_observed() -> None:
    watched = decided(run(measured(UNIT_TESTS, 1.0)), Baseline(), budget(UNIT_TESTS, enforce=Enforce.OBSERVE))
    assert watched.verdicts[0].level is Level.INCONCLUSIVE
    assert watched.nothing_judged
    nobodys = decided(run(measured(UNIT_TESTS, 1.0)), Baseline(), budget("size.bytes"))
    assert nobodys.observed[0].level is Level.INCONCLUSIVE


def test_inconclusive_can_be_raised() -> None:
    found = decided(run(measured(UNIT_TESTS, 1.0)), Baseline(), budget(UNIT_TESTS, on_inconclusive=Level.WARN))
    assert found.level is Level.WARN


# --- waivers and justifications ---------------------------------------------------------------------------------------


def waived(value: float, *waivers: Waiver) -> Decision:
    return decided(run(measured(SIZE, value)), baseline(SIZE, [100.0]), budget(SIZE), waivers=tuple(waivers))


def test_a_valid_waiver_lets_a_breach_pass_with_a_note_and_out_of_the_baseline() -> None:
    found = waived(150.0, waiver(SIZE, "160 B"))
    assert found.level is Level.PASS
    assert found.verdicts[0].waived
    assert "@team" in found.verdicts[0].notes[0]


def test_a_waiver_ends_at_its_ceiling_on_its_last_day_and_with_its_series() -> None:
    assert waived(170.0, waiver(SIZE, "160 B")).level is Level.BLOCK
    assert waived(150.0, waiver(SIZE, "160 B", date(2026, 11, 21))).level is Level.PASS
    expired = waived(150.0, waiver(SIZE, "160 B", date(2026, 11, 20)))
    assert expired.level is Level.BLOCK
    assert "expired on 2026-11-20" in expired.verdicts[0].notes[0]
    assert waived(150.0, waiver("size.bytes{path=other}", "160 B")).level is Level.BLOCK


def test_a_commit_can_justify_a_warning_but_not_a_block() -> None:
    message = f"parser: faster\n\nPerf-Justification: {SIZE} - a new table, agreed in review"

    def by(value: float) -> Decision:
        return decided(run(measured(SIZE, value)), baseline(SIZE, [100.0]), budget(SIZE), messages=(message,))

    assert by(107.0).level is Level.PASS
    assert "agreed in review" in by(107.0).verdicts[0].notes[-1]
    assert by(150.0).level is Level.BLOCK
    assert "a commit justifies it, which lifts warnings only" in by(150.0).verdicts[0].notes


def test_a_justification_names_one_series_not_a_pattern() -> None:
    message = "Perf-Justification: size.* - everything is fine"
    found = decided(run(measured(SIZE, 107.0)), baseline(SIZE, [100.0]), budget(SIZE), messages=(message,))
    assert found.level is Level.WARN
    assert "names no single series" in found.caveats[0].message


def test_a_justification_without_a_reason_is_told_until_a_later_one_gives_it() -> None:
    def caveats(*messages: str) -> tuple[str, ...]:
        found = decided(run(measured(SIZE, 107.0)), baseline(SIZE, [100.0]), budget(SIZE), messages=messages)
        return tuple(caveat.message for caveat in found.caveats)

    assert caveats(f"Perf-Justification: {SIZE}") == (f"a commit justifies {SIZE} without a reason",)
    assert caveats(f"Perf-Justification: {SIZE}", f"Perf-Justification: {SIZE} - agreed") == ()


@pytest.mark.parametrize(
    "value", ["a - b", " - ", "{} - {", '"', 'say "x" - y', "\\", "a\n - b", "}", "x} - y", "-", 'a" - "b']
)
def test_a_justification_is_read_whatever_the_label_holds(value: str) -> None:
    series = Series("command.wall", (("command", value),))
    (found,), caveats = read_justifications([f"x\n\nPerf-Justification: {series} - faster - and agreed \r\n"])
    assert found == Justification(series, "faster - and agreed")
    assert caveats == ()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (f"{SIZE} -", "without a reason"),
        (f"{SIZE} - ", "without a reason"),
        (f"{SIZE}: agreed", "names no single series"),
        ('command.wall{command="a - b - agreed', "names no single series"),
        ("", "names no single series"),
        ("- agreed", "names no single series"),
        ("{" * 5000, "names no single series"),
        (f"{SIZE} - {' ' * 5000}", "without a reason"),
    ],
)
def test_a_justification_that_cannot_be_read_is_told(line: str, told: str) -> None:
    found, (caveat,) = read_justifications([f"Perf-Justification: {line}"])
    assert found == ()
    assert told in caveat.message


def test_a_waiver_or_justification_of_a_series_that_is_not_here_is_told() -> None:
    found = decided(
        run(measured(SIZE, 150.0)),
        baseline(SIZE, [100.0]),
        budget(SIZE),
        waivers=(waiver("size.bytes{path=weel}", "160 B"),),
        messages=("Perf-Justification: size.bytes{path=whl} - agreed",),
    )
    assert found.level is Level.BLOCK
    told = [caveat.message for caveat in found.caveats]
    assert "the waiver of size.bytes{path=weel} (budgets.yaml:9) meets no series" in told
    assert "a commit justifies size.bytes{path=whl}, which this decision does not know" in told


# --- laws -------------------------------------------------------------------------------------------------------------

HISTORIES = st.lists(st.floats(10.0, 1000.0), min_size=1, max_size=20)


@given(HISTORIES, st.floats(10.0, 1000.0), st.floats(1.0, 5.0), st.sampled_from(["", "5 min", "1 s"]))
@settings(max_examples=120)
def test_a_worse_candidate_never_gets_a_milder_level(
    history: list[float], value: float, factor: float, limit: str
) -> None:
    base, rule = baseline(UNIT_TESTS, history), budget(UNIT_TESTS, limit)

    def level(at: float) -> Level:
        found = decided(run(measured(UNIT_TESTS, at)), base, rule)
        return max((verdict.level for verdict in found.verdicts if verdict.rule is not Rule.DROP), default=Level.PASS)

    assert level(value * factor) >= level(value)


@given(HISTORIES)
def test_a_value_the_history_already_knows_never_blocks_by_its_change(history: list[float]) -> None:
    middle = sorted(history)[len(history) // 2]
    found = decided(run(measured(UNIT_TESTS, middle)), baseline(UNIT_TESTS, [middle, *history]), budget(UNIT_TESTS))
    same = decided(run(measured(UNIT_TESTS, middle)), baseline(UNIT_TESTS, [middle] * 8), budget(UNIT_TESTS))
    assert same.level is Level.PASS
    assert isinstance(found, Decision)


@given(
    st.lists(st.tuples(st.sampled_from("abcdef"), st.floats(1, 1000)), min_size=1, unique_by=lambda pair: pair[0]),
    st.randoms(use_true_random=False),
)
def test_the_order_of_series_and_runs_changes_no_verdict(pairs: list[tuple[str, float]], chance: random.Random) -> None:
    measurements = [measured(f"size.bytes{{path={name}}}", value) for name, value in pairs]
    base = baseline_of([run(*(m._replace(values=(100.0,)) for m in measurements), number=1)])
    shuffled = list(measurements)
    chance.shuffle(shuffled)

    def verdicts(which: Run) -> list[tuple[str, Level]]:
        return [(str(verdict.series), verdict.level) for verdict in decided(which, base, budget("size.*")).verdicts]

    assert verdicts(run(*measurements)) == verdicts(run(*shuffled))


@given(HISTORIES, st.floats(10.0, 1000.0))
def test_swapping_the_better_side_mirrors_the_finding(history: list[float], value: float) -> None:
    name = "bench.time{benchmark=x}"

    def level(values: list[float], at: float, better: Direction) -> Level:
        runs = [run(bench(name, each, better=better), number=n) for n, each in enumerate(values, 1)]
        found = decided(run(bench(name, at, better=better)), baseline_of(runs), budget(name, relative=wide))
        return max(verdict.found for verdict in found.verdicts if verdict.rule is Rule.CHANGE)

    wide = Relative(warn=None, block=0.0, stated=True)
    lower = level(history, value, Direction.LOWER)
    higher = level([1 / each for each in history], 1 / value, Direction.HIGHER)
    assert (lower is Level.BLOCK) == (higher is Level.BLOCK)


def test_the_same_inputs_give_the_same_decision() -> None:
    def once() -> Decision:
        return decided(run(measured(UNIT_TESTS, 120.0)), baseline(UNIT_TESTS, QUIET), budget(UNIT_TESTS, "2 min"))

    assert once() == once()
    assert Capture.joined([]) == Capture()
