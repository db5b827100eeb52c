"""decision.json holds the whole decision."""

from __future__ import annotations

import json
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from perfgate.core.baseline import Baseline
from perfgate.core.budgets import Enforce, Level, When
from perfgate.core.decision import Decision
from perfgate.core.metrics import Direction
from perfgate.core.model import Measurement, State
from perfgate.errors import PerfgateError
from perfgate.formats import decision as decision_format
from perfgate.formats import schema
from tests.core.making import UNIT_TESTS, baseline, baseline_of, bench, budget, decided, measured, run, waiver


def kept(decision: Decision) -> None:
    data = decision_format.dump(decision)
    schema.check("decision", json.loads(data), "decision.json")
    read = decision_format.load(data, "decision.json")
    # The order of runs in history is the order of the list; its sort keys are not kept.
    runs = tuple(each._replace(order=(0, "")) for each in decision.circumstances.baseline_runs)
    assert read == decision._replace(circumstances=decision.circumstances._replace(baseline_runs=runs))
    assert decision_format.dump(read) == data


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
