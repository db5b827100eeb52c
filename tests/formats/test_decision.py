"""decision.json holds the whole decision."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfgate.core.baseline import Baseline
from perfgate.core.budgets import Enforce, Level, When
from perfgate.core.decision import Acceptance, Decision
from perfgate.core.metrics import Assumption, Direction
from perfgate.core.model import Measurement, Run, State
from perfgate.errors import InputError, PerfgateError
from perfgate.formats import decision as decision_format
from perfgate.formats import schema
from perfgate.render import explanation
from tests.core.making import UNIT_TESTS, baseline, baseline_of, bench, budget, decided, measured, run, waiver
from tests.render import decisions


def kept(decision: Decision) -> None:
    data = decision_format.dump(decision)
    schema.check("decision", json.loads(data), "decision.json")
    read = decision_format.load(data, "decision.json")
    # The order of runs in history is the order of the list; its sort keys are not kept.
    runs = tuple(each._replace(order=(0, "")) for each in decision.circumstances.baseline_runs)
    assert read == decision._replace(circumstances=decision.circumstances._replace(baseline_runs=runs))
    assert decision_format.dump(read) == data
    for comparison in decision.comparisons:
        # `explain` has the file alone.
        assert explanation.render(read, comparison.series) == explanation.render(decision, comparison.series)


@given(
    st.lists(st.floats(0, 1e6), max_size=12),
    st.floats(0, 1e6),
    st.sampled_from(list(Enforce)),
    st.sampled_from(list(Level)),
)
@settings(deadline=None, max_examples=60)
def test_a_decision_that_is_written_and_read_is_the_same(
    history: list[float], value: float, enforce: Enforce, level: Level
) -> None:
    base = baseline(UNIT_TESTS, history) if history else Baseline()
    rule = budget(UNIT_TESTS, "100 s", enforce=enforce, on_inconclusive=level)
    kept(decided(run(measured(UNIT_TESTS, value)), base, rule, budget("llm.cost", when=When(branch=("x",)))))


AMOUNTS = st.decimals(0, 1_000_000, places=2, allow_nan=False)
VALUES = st.floats(0, 1e6) | st.sampled_from([0.0, 100.0])


@st.composite
def runs_of_everything(draw: st.DrawFn, number: int, *, admitted: bool = False) -> Run:
    """A run with some of: a noisy time, money, a size, benchmarks of every direction and, unless admitted, a value nobody knows."""
    several = [
        measured(UNIT_TESTS, *draw(st.lists(VALUES, min_size=1, max_size=4))),
        measured("infra.cost{environment=dev}", draw(AMOUNTS), before=(draw(AMOUNTS),)),
        measured("llm.cost{scenario=chat}", draw(AMOUNTS)),
        measured("size.bytes{path=a}", draw(VALUES)),
        bench("bench.rate{benchmark=b}", draw(VALUES), better=draw(st.sampled_from(list(Direction)))),
        bench("bench.ops{benchmark=b}", draw(VALUES), assumption=Assumption.EXACT),
        measured("llm.tokens{scenario=chat}", state=State.UNKNOWN, reason="no usage was recorded"),
    ]
    several = several[:-1] if admitted else several
    return run(*draw(st.lists(st.sampled_from(several), max_size=7, unique_by=lambda each: each.series)), number=number)


@given(st.data())
@settings(deadline=None, max_examples=60)
def test_whatever_is_decided_is_the_same_after_writing_and_reading(data: st.DataObject) -> None:
    history = [
        data.draw(runs_of_everything(number, admitted=True)) for number in range(1, 1 + data.draw(st.integers(0, 8)))
    ]
    candidates = [data.draw(runs_of_everything(50 + number)) for number in range(data.draw(st.integers(1, 3)))]
    enforce = st.sampled_from(list(Enforce))
    kept(
        decided(
            candidates, baseline_of(history),
            budget(UNIT_TESTS, "100 s", enforce=data.draw(enforce)), budget("infra.*", "500 USD/month"), budget("bench.*"),
            budget("llm.*", enforce=data.draw(enforce)), budget("size.bytes", when=When(paths=("src",), ci=False)),
            waivers=(waiver(UNIT_TESTS, "200 s"),), messages=("Perf-Justification: size.bytes{path=a} - more icons",),
        )
    )  # fmt: skip


@pytest.mark.parametrize("made", [decisions.agents, decisions.shifted, decisions.mixed])
def test_families_and_shifts_survive(made: Callable[[], Decision]) -> None:
    kept(made())


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"numbers": {}}, "is missing|lacks|wanted"),
        ({"success": [1.0]}, "before and after"),
        ({"series": "x"}, "series"),
        ({"members": [{"series": "a.b", "before": 0, "after": 1, "runs": 1}]}, "above zero"),
    ],
)
def test_a_damaged_family_is_refused_with_its_place(change: dict[str, object], reason: str) -> None:
    text = json.loads(decision_format.dump(decisions.agents()))
    text["families"][0].update(change)
    with pytest.raises(InputError, match=reason) as caught:
        decision_format.load(json.dumps(text).encode(), "decision.json")
    assert "families" in caught.value.where


def test_a_decision_from_before_families_is_read() -> None:
    text = json.loads(decision_format.dump(decisions.mixed()))
    del text["families"]
    assert decision_format.load(json.dumps(text).encode(), "decision.json").families == ()


def test_money_is_written_in_digits_and_growth_from_nothing_in_a_word() -> None:
    grown = measured("infra.cost{environment=dev}", Decimal("0.10"), before=(Decimal(0),))
    text = json.loads(decision_format.dump(decided(run(grown), Baseline(), budget("infra.cost"))))
    (comparison,) = text["comparisons"]
    assert comparison["after"] == "0.10"
    assert comparison["relative"] == "infinite"


def test_every_kind_of_evidence_state_and_note_survives() -> None:
    measurements: list[Measurement] = [
        measured("infra.cost{environment=dev}", Decimal("742.64"), before=(Decimal(0),)),
        measured("size.bytes{path=a}", 5.0),
        measured("llm.cost{scenario=x}", state=State.UNKNOWN, reason="no price"),
        bench("bench.throughput{benchmark=b}", 3.0, better=Direction.HIGHER),
    ]
    base = baseline_of(
        [
            run(
                measured("size.bytes{path=a}", 0.0),
                measured("tests.count{suite=u}", 3.0),
                measured("job.duration{job=j}", 3.0),
                number=n,
            )
            for n in range(3)
        ]
    )
    kept(
        decided(
            run(*measurements), base, budget("size.bytes"), budget("infra.*"), budget("llm.*"), budget("tests.count"), budget("prompt.tokens"),
            waivers=(waiver("size.bytes{path=a}", "6 B"),), messages=("Perf-Justification: nonsense",),
        )
    )  # fmt: skip


@given(st.data())
@settings(deadline=None, max_examples=50)
def test_damaged_decisions_give_a_decision_or_an_error_of_ours(data: st.DataObject) -> None:
    text = bytearray(
        decision_format.dump(
            decided(run(measured(UNIT_TESTS, 3.0)), baseline(UNIT_TESTS, [1.0] * 6), budget(UNIT_TESTS, "2 s"))
        )
    )
    at = data.draw(st.integers(0, len(text) - 1))
    text[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    try:
        decision_format.load(bytes(text), "decision.json")
    except PerfgateError as error:
        assert error.where


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "1E9999999", "-", "", " 1", "1_0", "1" * 500])
def test_an_amount_that_is_no_number_or_too_large_to_write_is_refused(amount: str) -> None:
    cost = measured("infra.cost{environment=dev}", Decimal("742.64"), before=(Decimal(700),))
    text = json.loads(decision_format.dump(decided(run(cost), Baseline(), budget("infra.cost", "500 USD/month"))))
    for holder, key in ((text["comparisons"][0], "after"), (text["budgets"][0]["limit"], "value")):
        right, holder[key] = holder[key], amount
        with pytest.raises(InputError, match=r"string of digits|longer than"):
            decision_format.load(json.dumps(text).encode(), "decision.json")
        holder[key] = right


@pytest.mark.parametrize(
    ("forge", "place", "told"),
    [
        (lambda text: text.update(level="pass"), "$.level", 'the level is "pass", but its verdicts come to "block"'),
        (lambda text: text.update(level="warn"), "$.level", 'but its verdicts come to "block"'),
        (lambda text: text["verdicts"].clear(), "$.level", 'but its verdicts come to "inconclusive"'),
        (lambda text: text["counts"].update(block=0), "$.counts.block", "0 verdicts are said to be block, but 3 are"),
        (lambda text: text["counts"].update({"pass": 99}), "$.counts.pass", "99 verdicts are said to be pass, but 10"),
        (lambda text: text["counts"].update(good=1), "$.counts", '"good" is not known'),
        (lambda text: text.update(nothing_judged=True), "$.nothing_judged", "reached a conclusion, which this denies"),
        (lambda text: text.update(nothing_judged=1), "$.nothing_judged", "true or false is wanted"),
    ],
)
def test_a_decision_that_says_something_else_than_its_verdicts_is_refused(
    forge: Callable[[Any], None], place: str, told: str
) -> None:
    text = json.loads(decision_format.dump(decisions.mixed()))
    forge(text)
    with pytest.raises(InputError) as caught:
        decision_format.load(json.dumps(text).encode(), "decision.json")
    assert told in caught.value.what
    assert caught.value.where == f"decision.json, {place}"


def test_a_budget_that_met_no_series_counts_for_the_level() -> None:
    kept(decided(run(measured("size.bytes{path=a}", 1.0)), Baseline(), budget("llm.cost", on_inconclusive=Level.BLOCK)))


def test_an_interval_with_one_end_is_refused() -> None:
    text = json.loads(decision_format.dump(decided(run(measured(UNIT_TESTS, 3.0)), Baseline(), budget(UNIT_TESTS))))
    text["comparisons"][0]["interval"] = [1.0]
    with pytest.raises(InputError, match="two ends"):
        decision_format.load(json.dumps(text).encode(), "decision.json")


def accepted() -> Decision:
    refused = decisions.blocking()
    made = refused.circumstances._replace(acceptance=Acceptance("perfgate: accepted", "pull request 12"))
    verdicts = tuple(each._replace(level=Level.WARN, accepted=True) for each in refused.verdicts)
    return refused._replace(level=Level.WARN, verdicts=verdicts, circumstances=made)


def test_a_file_of_before_there_were_acceptances_is_still_read() -> None:
    value = json.loads(decision_format.dump(decisions.blocking()))
    del value["circumstances"]["acceptance"]
    for verdict in (*value["verdicts"], *value["observed"]):
        del verdict["accepted"]
    schema.check("decision", value, "decision.json")
    read = decision_format.load(json.dumps(value).encode(), "decision.json")
    assert read.circumstances.acceptance is None
    assert decision_format.dump(read) == decision_format.dump(decisions.blocking())


def test_a_verdict_that_says_it_is_accepted_where_nothing_accepts_is_refused() -> None:
    value = json.loads(decision_format.dump(accepted()))
    decision_format.load(json.dumps(value).encode(), "decision.json")
    value["circumstances"]["acceptance"] = None
    with pytest.raises(InputError, match="by no acceptance"):
        decision_format.load(json.dumps(value).encode(), "decision.json")
