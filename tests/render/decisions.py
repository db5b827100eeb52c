"""Decisions of every colour, made by the real engine, for the tests of their rendering."""

from __future__ import annotations

from decimal import Decimal

from perfgate.core.baseline import Baseline
from perfgate.core.budgets import Relative, Side, When
from perfgate.core.decision import Decision
from perfgate.core.model import Caveat, State
from perfgate.core.units import Quantity
from tests.core.making import baseline_of, budget, decided, measured, run, waiver

QUIET = [100.0, 101.0, 99.0, 100.5, 99.5, 100.0, 101.5, 98.5, 100.0, 100.2]


def passing() -> Decision:
    """One exact series within its limit."""
    base = baseline_of([run(measured("size.bytes{path=a}", 100.0), number=1)])
    return decided(run(measured("size.bytes{path=a}", 101.0)), base, budget("size.bytes", "200 B"))


def first() -> Decision:
    """No baseline yet, and only relative limits."""
    return decided(run(measured("tests.duration{suite=unit}", 90.0)), Baseline(), budget("tests.duration"))


def mixed() -> Decision:
    """Everything at once: blocks, warnings, waivers, drops, missing, inconclusive, unbudgeted, unmatched, elsewhere."""
    noisy = [100.0, 140.0, 80.0, 120.0, 70.0, 130.0, 90.0, 110.0, 95.0, 105.0]
    history = [
        run(
            measured("tests.duration{suite=unit}", quiet),
            measured("tests.duration{suite=integration}", wild),
            measured("size.bytes{path=dist/*.whl}", 100_000.0),
            measured("size.bytes{path=assets}", 5_000_000.0),
            measured("infra.cost{environment=dev}", Decimal("455.20")),
            measured("tests.count{suite=unit}", 812.0),
            measured("tests.flaky{suite=unit}", 0.0),
            measured("command.wall{command=start-up}", 0.0912),
            number=number,
        )
        for number, (quiet, wild) in enumerate(zip(QUIET, noisy, strict=True), 1)
    ]
    candidate = run(
        measured("tests.duration{suite=unit}", 141.0, origin="reports/unit.xml"),
        measured("tests.duration{suite=integration}", 104.0),
        measured("size.bytes{path=dist/*.whl}", 107_000.0),
        measured("size.bytes{path=assets}", 900_000.0),
        measured("infra.cost{environment=dev}", Decimal("642.64")),
        measured("tests.count{suite=unit}", 815.0),
        measured("command.wall{command=start-up}", 0.131),
        measured("llm.cost{scenario=support}", state=State.UNKNOWN, reason="the price book has no price for model-x"),
    )._replace(caveats=(Caveat("skipped tests", "3 skipped tests are not counted"),))
    return decided(
        candidate,
        baseline_of(history),
        budget("tests.duration", "2 min"),
        budget("size.bytes", relative=Relative(warn=0.05, block=0.2, at_least=Quantity.parse("1 kB"), stated=True)),
        budget("infra.cost", "500 USD/month"),
        budget("tests.count", relative=Relative(Side.DECREASE, 0.01, 0.1, None, True)),
        budget("tests.flaky", "0"),
        budget("llm.cost", "0.10 USD/task"),
        budget("pipeline.duration", "15 min", when=When(ci=False)),
        budget("prompt.tokens", "1000 token"),
        waivers=(waiver("infra.cost{environment=dev}", "700 USD/month"),),
    )  # fmt: skip


def many(count: int = 3000) -> Decision:
    """More breaches than a comment can hold."""
    names = [f"size.bytes{{path=folder/with/a/rather/long/name/{number:05d}.bin}}" for number in range(count)]
    base = baseline_of([run(*(measured(name, 100.0) for name in names), number=1)])
    return decided(run(*(measured(name, 150.0) for name in names)), base, budget("size.bytes"))


EVERY = {"pass": passing, "first": first, "mixed": mixed}
