"""Decisions of every colour, made by the real engine, for the tests of their rendering."""

from __future__ import annotations

from decimal import Decimal

from perfgate.core.baseline import Baseline
from perfgate.core.budgets import Enforce, Relative, Side, When
from perfgate.core.decision import Decision
from perfgate.core.model import Caveat, State
from perfgate.core.units import Quantity
from tests.core.making import MACHINE, UNIT_TESTS, baseline_of, budget, decided, measured, run, waiver

QUIET = [100.0, 101.0, 99.0, 100.5, 99.5, 100.0, 101.5, 98.5, 100.0, 100.2]


def passing() -> Decision:
    """One exact series within its limit."""
    base = baseline_of([run(measured("size.bytes{path=a}", 100.0), number=1)])
    return decided(run(measured("size.bytes{path=a}", 101.0)), base, budget("size.bytes", "200 B"))


def first() -> Decision:
    """No baseline yet, and only relative limits."""
    return decided(run(measured("tests.duration{suite=unit}", 90.0)), Baseline(), budget("tests.duration"))


def warning() -> Decision:
    """A size that grew by less than blocks, and one that did not."""
    base = baseline_of([run(measured("size.bytes{path=a}", 1000.0), measured("size.bytes{path=b}", 500.0), number=1)])
    candidate = run(measured("size.bytes{path=a}", 1070.0), measured("size.bytes{path=b}", 500.0))
    return decided(candidate, base, budget("size.bytes"))


def blocking() -> Decision:
    """A suite that became slower, beyond noise and beyond its limit."""
    base = baseline_of([run(measured(UNIT_TESTS, value), number=number) for number, value in enumerate(QUIET, 1)])
    return decided(run(measured(UNIT_TESTS, 141.0)), base, budget("tests.duration", "2 min"))


def moved() -> Decision:
    """Five noisy series measured on another machine, and one size that can be judged anywhere."""
    names = [f"command.wall{{command=step-{number}}}" for number in range(5)]
    base = baseline_of(
        [
            run(*(measured(name, 1.0) for name in names), measured("size.bytes{path=a}", 100.0), number=n)
            for n in range(1, 7)
        ]
    )
    candidate = run(
        *(measured(name, 1.0) for name in names),
        measured("size.bytes{path=a}", 100.0),
        machine=MACHINE._replace(cpu_count=99),
    )
    return decided(candidate, base, budget("command.wall"), budget("size.bytes"))


def mixed() -> Decision:
    """Everything at once, on fourteen series: blocks, warnings, a suspect, waivers, drops, missing, inconclusive, unbudgeted,
    unmatched, elsewhere."""
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
            measured("command.cpu{command=import}", quiet / 100),
            measured("llm.success{scenario=support}", 0.9 + quiet / 10_000),
            measured("tests.case_time{suite=unit}", quiet * 2),
            measured("job.duration{job=build,workflow=ci}", quiet * 3),
            measured("size.bytes{path=docs}", 40_000.0),
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
        measured("command.cpu{command=import}", 1.065),
        measured("llm.success{scenario=support}", 0.74),
        measured("tests.case_time{suite=unit}", 201.0),
        measured("job.duration{job=build,workflow=ci}", 303.0),
        measured("size.bytes{path=docs}", 40_100.0),
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
        budget("llm.success", "0.8", enforce=Enforce.WARN),
        budget("command.cpu"),
        budget("tests.case_time"),
        budget("job.duration", "10 min"),
        budget("pipeline.duration", "15 min", when=When(ci=False)),
        budget("prompt.tokens", "1000 token"),
        waivers=(waiver("infra.cost{environment=dev}", "700 USD/month"),),
    )  # fmt: skip


def many(count: int = 3000) -> Decision:
    """More breaches than a comment can hold."""
    names = [f"size.bytes{{path=folder/with/a/rather/long/name/{number:05d}.bin}}" for number in range(count)]
    base = baseline_of([run(*(measured(name, 100.0) for name in names), number=1)])
    return decided(run(*(measured(name, 150.0) for name in names)), base, budget("size.bytes"))


EVERY = {
    "pass": passing, "warn": warning, "block": blocking, "inconclusive": moved, "first": first, "mixed": mixed,
}  # fmt: skip
