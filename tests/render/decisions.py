"""Decisions of every colour, made by the real engine, for the tests of their rendering."""

from __future__ import annotations

from decimal import Decimal

from perfgate.core.baseline import Baseline
from perfgate.core.budgets import Enforce, Judge, Level, Relative, Side, When
from perfgate.core.decision import Decision
from perfgate.core.model import Caveat, Measurement, Run, State
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


def agents() -> Decision:
    """Eight scenarios of an agent that became dearer together, and fail more often; one is new, one is gone, one told nothing."""
    tokens = {"book": 12_000, "cancel": 8_000, "change": 21_000, "refund": 15_500, "search": 4_200, "seat": 9_100, "status": 3_000, "upgrade": 17_000}  # fmt: skip
    spread = (0.97, 1.05, 0.92, 1.1, 1.0, 0.94, 1.03, 0.99, 1.06, 0.95)

    def one(position: int, factor: float, success: float, *more: Measurement) -> Run:
        found = []
        for at, (name, count) in enumerate(tokens.items()):
            found.append(measured(f"llm.tokens{{scenario={name}}}", count * factor * spread[(position + at * 3) % 10]))
            found.append(measured(f"llm.success{{scenario={name}}}", success))
        return run(*found, *more, number=position)

    gone = measured("llm.tokens{scenario=voucher}", 5_000.0)
    history = [one(position, 1.0, 0.92, gone) for position in range(1, 11)]
    silent = measured("llm.tokens{scenario=lounge}", state=State.UNKNOWN, reason="no usage was recorded")
    candidate = one(13, 1.24, 0.85, measured("llm.tokens{scenario=meal}", 5_200.0), silent)
    return decided(
        candidate, baseline_of(history), budget("llm.tokens", judge=Judge.FAMILY, on_missing=Level.WARN), budget("llm.success", relative=None)
    )  # fmt: skip


def shifted() -> Decision:
    """Six of seven benchmarks slower by a third: the runner, most likely."""
    names = [f"command.wall{{command=step-{number}}}" for number in range(7)]
    base = baseline_of(
        [run(*(measured(name, value / 100) for name in names), number=number) for number, value in enumerate(QUIET, 1)]
    )
    candidate = run(*(measured(name, 1.33 + at / 100 if at else 1.0) for at, name in enumerate(names)))
    return decided(candidate, base, budget("command.wall"))


def pipeline() -> Decision:
    """A pipeline over its budget: seven jobs, one of them over its own, one that waited long, one whose steps tell no times."""
    total, job = "pipeline.duration{workflow=ci.yml}", "job.duration{job=unit,workflow=ci.yml}"
    base = baseline_of(
        [
            run(measured(total, value * 6), measured(job, value * 4), number=number)
            for number, value in enumerate(QUIET, 1)
        ]
    )
    rows = (
        ("lint", 4.0, 4.0, 2.0, 41.0),
        ("build", 5.0, 5.0, 3.0, 188.0),
        ("unit", 206.0, 9.0, 3.0, 604.0),
        ("test (3.14, ubuntu)", 204.0, 7.0, 3.0, 380.0),
        ("test (3.14, a large macOS runner with a very long name)", 431.0, 234.0, 10.0, 395.0),
        ("package", 841.0, 6.0, 2.0, 33.0),
        ("notify", 880.0, None, None, None),
    )
    jobs = tuple(
        {"workflow": "ci.yml", "job": name, "runner": "ubuntu-24.04", "offset_s": start, "queue_s": queue, "provision_s": provision, "execution_s": execution, "conclusion": "success", "attempt": 1}
        for name, start, queue, provision, execution in rows
    )  # fmt: skip
    candidate = run(measured(total, 884.0), measured(job, 607.0))._replace(details={"jobs": jobs})
    return decided(candidate, base, budget("pipeline.duration", "12 min"), budget("job.duration"))


EVERY = {
    "pass": passing, "warn": warning, "block": blocking, "inconclusive": moved, "first": first, "mixed": mixed,
    "agents": agents, "shifted": shifted, "pipeline": pipeline,
}  # fmt: skip
