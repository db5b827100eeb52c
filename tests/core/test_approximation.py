"""What is found against an approximate base warns, and what does not rest on the base stays as it is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from perfgate.core.admission import why_not
from perfgate.core.approximation import hold
from perfgate.core.budgets import Budget, Budgets, Level
from perfgate.core.decision import Circumstances, Decision, Rule, Verdict
from perfgate.core.model import Context, Measurement, Series
from perfgate.core.policy import decide
from perfgate.formats import decision as decision_format
from tests.core.making import TODAY, baseline, budget, measured, run

SIZE = "size.bytes{path=wheel}"
WHY = "the clone is shallow"


def decided(*budgets: Budget, measurement: Measurement, why: str = WHY) -> Decision:
    base = baseline(SIZE, [100.0] * 5)
    circumstances = Circumstances(
        baseline_source="baselines", baseline_runs=base.runs, today=TODAY, base_approximate=why
    )
    return decide([run(measurement)], base, Budgets(budgets=budgets), circumstances)


def test_a_change_that_would_block_warns_and_says_why() -> None:
    assert decided(budget(SIZE), measurement=measured(SIZE, 150.0), why="").level is Level.BLOCK
    decision = decided(budget(SIZE), measurement=measured(SIZE, 150.0))
    assert decision.level is Level.WARN
    (verdict,) = [each for each in decision.verdicts if each.rule is Rule.CHANGE]
    assert "at most warn: the base is only approximately known" in verdict.notes
    assert [caveat.message for caveat in decision.caveats if caveat.code == "base approximate"] == [WHY]


def test_a_series_that_only_the_newer_main_has_blocks_nobody() -> None:
    other = measured("size.bytes{path=other}", 1.0)
    assert decided(budget("size.bytes"), measurement=other, why="").level is Level.BLOCK
    assert decided(budget("size.bytes"), measurement=other).level is Level.WARN


def test_an_absolute_limit_blocks_as_ever() -> None:
    assert decided(budget(SIZE, "120 B"), measurement=measured(SIZE, 150.0)).level is Level.BLOCK


def test_the_decision_is_the_same_when_it_is_read_again() -> None:
    decision = decided(budget(SIZE), measurement=measured(SIZE, 150.0))
    assert decision_format.load(decision_format.dump(decision), "decision.json").circumstances.base_approximate == WHY


@given(st.sampled_from(Rule), st.sampled_from(Level), st.sampled_from(["", WHY]))
def test_an_approximate_base_never_makes_a_verdict_worse_and_never_a_pass_of_a_breach(
    rule: Rule, level: Level, why: str
) -> None:
    before = Verdict(Series.parse(SIZE), rule, level, level, "because", budget(SIZE))
    after = hold(before, why)
    assert after.level <= before.level
    assert after.level >= min(before.level, Level.WARN)
    if not why or rule is Rule.LIMIT:
        assert after == before


def test_a_merge_queue_is_never_admitted_not_even_by_hand() -> None:
    decision = decided(budget(SIZE), measurement=measured(SIZE, 100.0), why="")
    context = Context(tested="a" * 40, event="merge_group")
    assert "merge queue" in why_not(decision, context, in_ci=True, on_target=False, asked=True)
    assert why_not(decision, context._replace(event="push"), in_ci=True, on_target=False, asked=True) == ""
