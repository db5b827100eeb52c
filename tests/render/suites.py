"""Runs of test suites as `measure tests` makes them, from reports filled by hand."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from pathlib import Path

from perfgate.adapters.suite_report import FAILED, SKIPPED, Fixture, Report
from perfgate.core.model import Caveat, Measurement, Run, State
from perfgate.measure.suite_details import details
from tests.core.making import measured, run

ROOT = Path("/tmp/x")


def suite_run(
    report: Report, *, suite: str = "unit", wall: float | None = None, caveats: tuple[Caveat, ...] = ()
) -> Run:
    """The run of one suite: its five series and the blocks of its tests."""
    values = {
        "duration": wall,
        "count": len(report) - report.count(SKIPPED),
        "failed": report.count(FAILED),
        "flaky": len(report.flaky()),
        "case_time": sum(report.seconds),
    }
    made = run(*(_series(f"tests.{name}{{suite={suite}}}", value) for name, value in values.items()))
    return made._replace(details=details(suite, report, ROOT), caveats=caveats)


def _series(name: str, value: float | None) -> Measurement:
    if value is None:
        return measured(name, state=State.UNKNOWN, reason="no report tells the wall time")
    return measured(name, float(value))


def plugin_report() -> Report:
    """What the pytest plugin tells of a parallel suite with a dear fixture, a failed test and a flaky one."""
    report, chance = Report(), random.Random(7)
    report.names.add("pytest")
    suite = report.new_suite(report.new_suite(-1, "root"), "pytest")
    for number in range(412):
        module = ("api", "billing", "export", "models", "search", "users", "views")[number % 7]
        case = report.take(f"{suite}\x1f", f"tests.test_{module}", f"test_case_{number}", f"tests/test_{module}.py")
        report.ids[case] = f"tests/test_{module}.py::test_case_{number}"
        call = 31.25 if number == 100 else chance.lognormvariate(-3, 1.2)
        for phase, seconds in (("setup", 0.2), ("call", call), ("teardown", 0.011)):
            report.spend_phase(case, phase, seconds)
            report.spend(case, seconds)
        report.set_up(Fixture("db", "tests/conftest.py", "function"), 0.175)
        report.set_up(Fixture("tmp_path", "", "function"), 0.02)
        if number % 50 == 7:
            report.states[case] = SKIPPED
    report.set_up(Fixture("server", "tests/conftest.py", "session"), 2.5)
    report.states[33] = FAILED
    report.failed_before.add(200)
    return report


def plain_report() -> Report:
    """What a JUnit report of a serial suite tells: no phases, no fixtures, and for want of files only classes."""
    report, chance = Report(), random.Random(11)
    suite = report.new_suite(-1, "")
    for number in range(90):
        name = ("OrderServiceTest", "InvoiceRepositoryIntegrationTest", "MoneyTest")[number % 3]
        case = report.take(f"{suite}\x1f", f"com.example.shop.{name}", f"keepsItsPromiseNumber{number}()", "")
        report.spend(case, round(chance.lognormvariate(-4, 1.5), 3))
    return report


def hostile_report() -> Report:
    """Names that would move the cursor, hide what follows, or never end."""
    report = Report()
    suite = report.new_suite(-1, "\x1b[2J")
    for number, name in enumerate(("\x1b[31mred\x1b[0m", "a\rb", "[bold]no markup[/bold]", "w" * 2000, "\u202eevil")):
        case = report.take(f"{suite}\x1f", "", name, f"tests/{name[:50]}.py")
        report.spend(case, 1.0 + number)
        report.states[case] = FAILED
        report.set_up(Fixture(name, name, "function"), 1.0)
    return report


EVERY: Mapping[str, Callable[[], Run]] = {
    "suite-plugin": lambda: suite_run(plugin_report(), wall=47.0),
    "suite-plain": lambda: suite_run(plain_report(), suite="shop", wall=12.5),
    "suite-no-wall": lambda: suite_run(plain_report(), suite="shop"),
    "suite-hostile": lambda: suite_run(hostile_report(), suite="\x1b]0;x\x07", wall=2.0),
}
