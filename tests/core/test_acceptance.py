"""What a maintainer's acceptance makes of a decision: blocks become warnings, and nothing else moves."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from perfgate.core.admission import excluded_series, new_levels, why_not
from perfgate.core.baseline import Baseline
from perfgate.core.budgets import Budget, Budgets, Enforce, Judge, Level, Relative, Waiver
from perfgate.core.decision import Acceptance, Circumstances, Decision, Rule, Verdict
from perfgate.core.model import Context, Run, Series
from perfgate.core.policy import decide
from perfgate.formats import decision as decision_format
from perfgate.formats import schema
from tests.core.making import TODAY, UNIT_TESTS, baseline, baseline_of, budget, measured, run, waiver

LABEL = Acceptance("perfgate: accepted", "pull request 12")
SIZE = "size.bytes{path=wheel}"
TRAILER = f"Perf-Justification: {SIZE} - the new codec is worth it"


def judged(
    runs: Run,
    base: Baseline,
    *budgets: Budget,
    acceptance: Acceptance | None = LABEL,
    waivers: tuple[Waiver, ...] = (),
    messages: tuple[str, ...] = (),
) -> Decision:
    circumstances = Circumstances(
        baseline_source=base.source, baseline_runs=base.runs, today=TODAY, acceptance=acceptance
    )
    return decide([runs], base, Budgets(budgets=budgets, waivers=waivers), circumstances, messages)


def grown(*, justified: bool = False, accepted: bool = True) -> Decision:
    messages = (TRAILER,) if justified else ()
    acceptance = LABEL if accepted else None
    base = baseline(SIZE, [100.0, 100.0])
    return judged(run(measured(SIZE, 150.0)), base, budget(SIZE, "120 B"), acceptance=acceptance, messages=messages)


def test_an_accepted_block_is_a_warning_that_says_by_what() -> None:
    found = grown()
    assert found.level is Level.WARN
    for verdict in found.verdicts:
        assert (verdict.level, verdict.found, verdict.accepted) == (Level.WARN, Level.BLOCK, True)
        assert verdict.notes[-1] == 'accepted: by the label "perfgate: accepted" of pull request 12'
        assert verdict.acceptance == 'by the label "perfgate: accepted" of pull request 12'


def test_the_trailer_of_a_series_is_the_reason_and_still_no_pass() -> None:
    found = grown(justified=True)
    assert found.level is Level.WARN
    assert found.verdicts[0].acceptance == (
        'the new codec is worth it (by the label "perfgate: accepted" of pull request 12)'
    )


def test_a_trailer_alone_never_lifts_a_block() -> None:
    found = grown(justified=True, accepted=False)
    assert found.level is Level.BLOCK
    assert not any(verdict.accepted for verdict in found.verdicts)


def test_a_removed_benchmark_can_be_accepted() -> None:
    base = baseline_of([run(measured(SIZE, 100.0), measured(UNIT_TESTS, 10.0), number=number) for number in (1, 2)])
    found = judged(run(measured(SIZE, 100.0)), base, budget(UNIT_TESTS), budget(SIZE))
    gone = next(verdict for verdict in found.verdicts if verdict.rule is Rule.MISSING)
    assert (gone.level, gone.accepted) == (Level.WARN, True)
    assert why_not(found, Context(tested="a" * 40), in_ci=True, on_target=True, asked=False) == ""


def test_a_budget_that_met_no_series_and_blocks_is_accepted_too() -> None:
    rule = budget("llm.cost", on_inconclusive=Level.BLOCK)
    refused = judged(run(measured(SIZE, 1.0)), Baseline(), rule, budget(SIZE, "2 B"), acceptance=None)
    found = judged(run(measured(SIZE, 1.0)), Baseline(), rule, budget(SIZE, "2 B"))
    assert (refused.level, found.level) == (Level.BLOCK, Level.WARN)
    assert "accepted: by the label" in found.unmatched[0].why


def test_what_is_waived_beside_stays_out_of_the_baseline_and_what_is_accepted_begins_a_level() -> None:
    base = baseline_of([run(measured(SIZE, 100.0), measured("size.bytes{path=b}", 100.0), number=1)])
    candidate = run(measured(SIZE, 150.0), measured("size.bytes{path=b}", 150.0))
    found = judged(candidate, base, budget("size.bytes", "120 B"), waivers=(waiver("size.bytes{path=b}", "160 B"),))
    assert excluded_series(found) == ("size.bytes{path=b}",)
    (level,) = new_levels(found, [candidate])
    assert (level.run, level.series) == (0, (Series.parse(SIZE),))
    assert level.reason == 'by the label "perfgate: accepted" of pull request 12'


def test_a_level_begins_with_the_earliest_run_that_measured_the_series() -> None:
    names = {name: f"size.bytes{{path={name}}}" for name in "abc"}
    base = baseline_of([run(*(measured(name, 100.0) for name in names.values()), number=1)])
    late, early = run(measured(names["a"], 200.0), number=9), run(measured(names["b"], 200.0), number=8)
    circumstances = Circumstances(baseline_runs=base.runs, today=TODAY, acceptance=LABEL)
    found = decide([late, early], base, Budgets(budgets=(budget("size.bytes", "120 B"),)), circumstances)
    assert {verdict.series.labels[0][1] for verdict in found.verdicts if verdict.accepted} == {"a", "b", "c"}
    begun = {str(series): level.run for level in new_levels(found, [late, early]) for series in level.series}
    assert begun == {names["a"]: 0, names["b"]: 1, names["c"]: 1}


def test_an_accepted_family_begins_a_level_for_each_of_its_scenarios() -> None:
    names = [f"llm.tokens{{scenario=s{number}}}" for number in range(8)]
    base = baseline_of([run(*(measured(name, 100.0) for name in names), number=number) for number in range(1, 8)])
    candidate = run(*(measured(name, 160.0) for name in names))
    rule = budget("llm.tokens", judge=Judge.FAMILY, relative=Relative(stated=True))
    found = judged(candidate, base, rule)
    family = next(verdict for verdict in found.verdicts if verdict.rule is Rule.FAMILY)
    assert family.accepted
    assert {str(each) for level in new_levels(found, [candidate]) for each in level.series} == set(names)


# --- laws -------------------------------------------------------------------------------------------------------------

VALUES = st.sampled_from([0.0, 40.0, 100.0, 104.0, 108.0, 130.0, 300.0])


class Case(NamedTuple):
    """One and the same change, decided without and with an acceptance, and how it was."""

    without: Decision
    accepted: Decision
    candidate: Run
    again: Callable[[Circumstances], Decision]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    names = [SIZE, UNIT_TESTS, "size.bytes{path=b}", "tests.duration{suite=slow}", "infra.cost{environment=dev}"]
    history = [
        run(*(measured(name, Decimal(100) if "cost" in name else 100.0) for name in names), number=number)
        for number in range(1, 1 + draw(st.integers(0, 7)))
    ]
    chosen = draw(st.lists(st.sampled_from(names), unique=True))
    values = {name: draw(VALUES) for name in chosen}
    candidate = run(*(measured(name, Decimal(v) if "cost" in name else v) for name, v in values.items()))
    rules = [
        budget(
            selector,
            draw(st.sampled_from(["", "50 B", "200 B"])) if selector.startswith("size") else "",
            enforce=draw(st.sampled_from(list(Enforce))),
            on_missing=draw(st.sampled_from(list(Level))),
            on_inconclusive=draw(st.sampled_from(list(Level))),
        )
        for selector in draw(st.lists(st.sampled_from(["size.bytes", "tests.duration", "infra.cost", "llm.cost"])))
    ]
    waivers = (waiver("size.bytes{path=b}", "500 B"),) if draw(st.booleans()) else ()
    messages = (TRAILER,) if draw(st.booleans()) else ()
    base = baseline_of(history)

    def decided(circumstances: Circumstances) -> Decision:
        return decide([candidate], base, Budgets(budgets=tuple(rules), waivers=waivers), circumstances, messages)

    plain = Circumstances(baseline_source=base.source, baseline_runs=base.runs, today=TODAY)
    return Case(decided(plain), decided(plain._replace(acceptance=LABEL)), candidate, decided)


def keyed(decision: Decision) -> dict[tuple[object, ...], Verdict]:
    return {(each.series, each.rule, each.budget, each.reason): each for each in decision.verdicts}


@given(cases())
@settings(deadline=None, max_examples=80)
def test_an_acceptance_makes_warnings_of_blocks_and_moves_nothing_else(case: Case) -> None:
    without, accepted = case.without, case.accepted
    before, after = keyed(without), keyed(accepted)
    assert before.keys() == after.keys()
    for key, verdict in before.items():
        if verdict.level is Level.BLOCK:
            assert after[key].level is Level.WARN
            assert after[key].accepted
            assert after[key].notes[:-1] == verdict.notes
        else:
            assert after[key] == verdict
    for one, other in zip(without.unmatched, accepted.unmatched, strict=True):
        assert other.level is (Level.WARN if one.level is Level.BLOCK else one.level)
    assert accepted.level is min(without.level, Level.WARN)
    assert accepted.level is Decision.level_of(accepted.verdicts, accepted.unmatched)
    assert accepted.nothing_judged == without.nothing_judged
    assert (accepted.observed, accepted.vanished, accepted.caveats) == (
        without.observed, without.vanished, without.caveats,
    )  # fmt: skip


@given(cases())
@settings(deadline=None, max_examples=40)
def test_a_decision_that_was_accepted_is_written_read_and_repeated_as_it_was(case: Case) -> None:
    data = decision_format.dump(case.accepted)
    schema.check("decision", json.loads(data), "decision.json")
    read = decision_format.load(data, "decision.json")
    assert decision_format.dump(read) == data
    assert decision_format.dump(case.again(read.circumstances)) == data
    assert new_levels(read, [case.candidate]) == new_levels(case.accepted, [case.candidate])
