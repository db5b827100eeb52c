"""`perfgate selftest` on real baselines: every kind of budget blocks what it should, or it is said why that cannot be shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from perfgate.cli.judging_options import Options
from perfgate.cli.project import Project
from perfgate.cli.selftest import outcome, proved
from perfgate.core.budgets import Relative
from perfgate.core.decision import Decision
from perfgate.core.model import Measurement, Series
from perfgate.core.selftest import Proof, cases, prove_together, worse
from perfgate.formats import run as run_format
from perfgate.render import selftest as render
from perfgate.store import directory
from tests.cli.admitting import noisy, prints, project, simulated
from tests.cli.program import Program
from tests.core.making import baseline as baseline_of_series
from tests.core.making import bench, budget, decided, measured, run

WALL = "command.wall{command=it}"
SOURCE = noisy(1, 0.005)


def proof_of(program: Program, only: str = "") -> tuple[int, dict[str, Any]]:
    """The exit code and the JSON of a self-test, in this process; the tests of the command itself run it as a program."""
    found = proved(Project.find(program.root, {}), Options(only=only, today=date(2026, 11, 21)))
    return outcome(found)[0], json.loads(render.as_json(found))


def budgets(*lines: str, more: str = "") -> str:
    return "version: 1\nbudgets:\n" + "".join(f"  - {line}\n" for line in lines) + more


KINDS: dict[str, tuple[str, Callable[[], Measurement], str, str]] = {
    "limit of a time": (
        "{series: command.wall, limit: 2 s, max_increase: none}",
        lambda: measured(WALL, next(SOURCE)),
        "limit",
        "block",
    ),
    "limit from below": (
        "{series: infra.coverage, limit: 0.8, max_decrease: none}",
        lambda: measured("infra.coverage{environment=dev}", 0.97),
        "limit",
        "block",
    ),
    "limit of nothing at all": (
        "{series: tests.failed, limit: 0, max_increase: none}",
        lambda: measured("tests.failed{suite=unit}", 0.0),
        "limit",
        "block",
    ),
    "limit of money": (
        "{series: infra.cost, limit: 500 USD/month, max_increase: none}",
        lambda: measured("infra.cost{environment=dev}", Decimal("431.20")),
        "limit",
        "block",
    ),
    "change of a time": (
        "{series: command.wall, max_increase: 10%}",
        lambda: measured(WALL, next(SOURCE)),
        "change",
        "block",
    ),
    "change of a time of many values": (
        "{series: command.wall, max_increase: 10%}",
        lambda: measured(WALL, *(next(SOURCE) for _ in range(4))),
        "change",
        "block",
    ),
    "change where higher is better": (
        "{series: llm.success, max_decrease: 10%}",
        lambda: measured("llm.success{scenario=a}", 0.9 * next(SOURCE)),
        "change",
        "block",
    ),
    "change of a size": (
        "{series: size.bytes, max_increase: 10%}",
        lambda: measured("size.bytes{path=w}", 1234.0),
        "change",
        "block",
    ),
    "change with a floor": (
        "{series: size.bytes, max_increase: {block: 10%, at_least: 2 kB}}",
        lambda: measured("size.bytes{path=w}", 1234.0),
        "change",
        "block",
    ),
    "any change of a size": (
        "{series: size.bytes, max_increase: {warn: 0%, block: 0%}}",
        lambda: measured("size.bytes{path=w}", 1234.0),
        "change",
        "block",
    ),
    "change from zero": (
        "{series: tests.flaky, max_increase: 10%}",
        lambda: measured("tests.flaky{suite=unit}", 0.0),
        "change",
        "block",
    ),
    "change of money": (
        "{series: infra.cost, max_increase: {block: 10%, at_least: 5 USD/month}}",
        lambda: measured("infra.cost{environment=dev}", Decimal("31.20")),
        "change",
        "block",
    ),
    "change of money beside its own before": (
        "{series: infra.cost, max_increase: 10%}",
        lambda: measured("infra.cost{environment=dev}", Decimal("31.20"), before=(Decimal("31.20"),)),
        "change",
        "block",
    ),
    "fall of a count": (
        "{series: tests.count, max_decrease: {warn: 2%, block: 20%}}",
        lambda: measured("tests.count{suite=unit}", 57.0),
        "change",
        "block",
    ),
    "warning at most": (
        "{series: command.wall, max_increase: 10%, enforce: warn}",
        lambda: measured(WALL, next(SOURCE)),
        "change",
        "warn",
    ),
    "watching only": (
        "{series: command.wall, max_increase: 10%, enforce: observe}",
        lambda: measured(WALL, next(SOURCE)),
        "change",
        "pass",
    ),
}


def test_scenarios_that_are_judged_together_are_made_worse_together(tmp_path: Path) -> None:
    sources = [noisy(seed, 0.06, level=1000.0 * (seed + 1)) for seed in range(9)]
    series = [(lambda at=at: measured(f"llm.tokens{{scenario=s{at}}}", next(sources[at]))) for at in range(9)]
    made = project(tmp_path, budgets("{series: llm.tokens, max_increase: 30%, judge: family}"), simulated(15, *series))
    code, told = proof_of(made)
    (result,) = told["results"]
    assert (code, result["result"], result["rule"], result["whole_gate"]) == (0, "proved", "family", True)
    assert "in all of its 9 scenarios; exit code 20" in result["said"]
    few = project(
        tmp_path / "few", budgets("{series: llm.tokens, max_increase: 30%, judge: family}"), simulated(15, *series[:4])
    )
    code, told = proof_of(few)
    assert (code, told["results"][0]["result"]) == (3, "hidden")
    assert "at most warn: a block needs 7 scenarios" in told["results"][0]["said"]


def test_both_sides_of_a_change_are_tested(tmp_path: Path) -> None:
    made = project(
        tmp_path,
        budgets(
            "{series: tests.count, max_decrease: {warn: 2%, block: 20%}}",
            "{series: tests.count, max_increase: {warn: 50%, block: 100%}}",
        ),
        [[measured("tests.count{suite=unit}", 57.0)]] * 8,
    )
    code, told = proof_of(made)
    assert code == 0
    assert sorted(result["value"] for result in told["results"]) == [43.0, 126.0]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_budget_proves_itself_through_the_whole_gate(tmp_path: Path, kind: str) -> None:
    line, make, rule, expected = KINDS[kind]
    code, told = proof_of(project(tmp_path, budgets(line), simulated(20, make)))
    (result,) = told["results"]
    assert (result["rule"], result["result"], result["expected"], result["whole_gate"]) == (
        rule,
        "proved",
        expected,
        True,
    ), result
    assert (code, told["works"], told["unchanged"]["exit_code"]) == (0, True, 0)
    ends = {"block": "exit code 20", "warn": "exit code 10", "pass": "would block (enforce: observe)"}[expected]
    assert ends in result["said"]


def test_a_real_gate_blocks_the_value_that_the_selftest_says_it_blocks(tmp_path: Path) -> None:
    made = project(
        tmp_path,
        budgets("{series: command.wall, max_increase: 10%}"),
        simulated(20, lambda: measured(WALL, next(SOURCE))),
        git=True,
    )
    code, told = proof_of(made)
    assert code == 0
    (result,) = told["results"]
    made.git("checkout", "-q", "-b", "change")
    made.commit("a change")
    made.measure(measured(WALL, result["value"]))
    assert made.perfgate("gate").code == 20


def test_every_series_of_a_glob_is_tested(tmp_path: Path) -> None:
    names = [f"command.wall{{command=c{at}}}" for at in range(30)]
    made = project(
        tmp_path,
        budgets("{series: 'command.wall{command=*}', limit: 3 s}"),
        simulated(15, *((lambda name=name: measured(name, next(SOURCE))) for name in names)),
    )
    code, told = proof_of(made)
    assert code == 0
    assert {each["series"] for each in told["results"]} == set(names)
    assert len(told["results"]) == 60
    assert sum(each["whole_gate"] for each in told["results"]) == 2
    assert "and 29 more" in made.perfgate("selftest").out


def test_nothing_stored_is_changed_and_no_ci_file_is_written(tmp_path: Path) -> None:
    made = project(
        tmp_path / "made",
        budgets("{series: command.wall, limit: 3 s}"),
        simulated(12, lambda: measured(WALL, next(SOURCE))),
        git=True,
    )
    made.perfgate("baseline", "anchor", next((made.root / "baselines" / "runs").iterdir()).stem, "--reason", "release")
    before = prints(made.root)
    summary, output = tmp_path / "summary.md", tmp_path / "output.txt"
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environ = {
        "GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "push", "GITHUB_REF": "refs/heads/main", "GITHUB_SHA": made.git("rev-parse", "HEAD"),
        "GITHUB_STEP_SUMMARY": str(summary), "GITHUB_OUTPUT": str(output), "TMPDIR": str(temporary),
    }  # fmt: skip
    ended = made.perfgate("selftest", environ=environ)
    assert ended.code == 0, ended
    assert prints(made.root) == before
    assert made.git("status", "--porcelain", "--ignored").splitlines() in ([], ["?? baselines/events/"])
    assert not summary.exists()
    assert not output.exists()
    assert "::" not in ended.out
    assert list(temporary.iterdir()) == []


def test_a_budget_that_is_too_small_to_be_seen_is_no_success(tmp_path: Path) -> None:
    loud = noisy(3, 0.2)
    made = project(
        tmp_path,
        budgets("{series: command.wall, max_increase: 10%}"),
        simulated(30, lambda: measured(WALL, next(loud))),
    )
    code, told = proof_of(made)
    (result,) = told["results"]
    assert (code, result["result"]) == (3, "hidden")
    assert "the budget asks for 10 %; blocks at +" in result["said"]


def test_what_cannot_be_shown_beside_what_works_is_10(tmp_path: Path) -> None:
    loud = noisy(3, 0.2)
    made = project(
        tmp_path,
        budgets("series: command.wall", "series: llm.cost"),
        simulated(30, lambda: measured(WALL, next(SOURCE)), lambda: measured("command.wall{command=loud}", next(loud))),
    )
    code, told = proof_of(made)
    assert code == 10
    assert sorted((each["selector"], each["result"]) for each in told["results"]) == [
        ("command.wall", "hidden"),
        ("command.wall", "proved"),
        ("llm.cost", "hidden"),
    ]
    assert proof_of(made, WALL)[0] == 0


def test_budgets_for_other_circumstances_are_listed_as_not_proof_of(tmp_path: Path) -> None:
    made = project(
        tmp_path,
        budgets("{series: command.wall}", "{series: command.wall, limit: 3 s, when: {ci: true}}"),
        simulated(12, lambda: measured(WALL, next(SOURCE))),
    )
    code, told = proof_of(made)
    assert code == 0
    assert told["results"][-1]["result"] == "untested"
    assert told["results"][-1]["said"] == "it does not apply here: only in CI"


def test_a_budget_that_a_later_one_replaces_and_one_without_a_limit_are_listed(tmp_path: Path) -> None:
    made = project(
        tmp_path,
        budgets(
            "{series: 'command.wall{command=i*}', max_increase: 20%}",
            "{series: command.wall, max_increase: 10%}",
            "{series: command.cpu, max_increase: none}",
        ),
        simulated(12, lambda: measured(WALL, next(SOURCE)), lambda: measured("command.cpu{command=it}", 1.0)),
    )
    said = [each["said"] for each in proof_of(made)[1]["results"] if each["result"] == "untested"]
    assert said == ["every series it names is ruled by a later budget", "it sets no limit"]


def test_a_waived_breach_is_said_and_beyond_its_ceiling_it_blocks(tmp_path: Path) -> None:
    waiver = 'waivers:\n  - {series: "command.wall{command=it}", ceiling: 4 s, until: 2099-01-01, reason: agreed, owner: "@team"}\n'
    made = project(
        tmp_path,
        budgets("{series: command.wall, limit: 2 s, max_increase: none}", more=waiver),
        simulated(12, lambda: measured(WALL, next(SOURCE))),
    )
    code, told = proof_of(made)
    (result,) = told["results"]
    assert (code, result["result"]) == (0, "proved")
    assert "up to its ceiling it is waived" in result["said"]
    assert result["value"] > 4


def test_a_run_that_is_blocked_unchanged_proves_nothing(tmp_path: Path) -> None:
    made = project(
        tmp_path,
        budgets("{series: size.bytes, limit: 100 B, max_increase: none}"),
        [[measured("size.bytes{path=w}", 90.0)]] * 3 + [[measured("size.bytes{path=w}", 500.0)]],
    )
    code, told = proof_of(made)
    assert (code, told["unchanged"]["level"], told["unchanged"]["exit_code"]) == (3, "block", 20)
    assert "already" in told["results"][0]["said"]


def test_over_the_limit_since_long_ago_is_shown_by_making_it_worse(tmp_path: Path) -> None:
    made = project(
        tmp_path, budgets("{series: size.bytes, limit: 100 B}"), [[measured("size.bytes{path=w}", 500.0)]] * 8
    )
    code, told = proof_of(made)
    # The newest run passes no clean bill: it is over its limit, and only warned about because it always was.
    assert code == 10
    limit = next(each for each in told["results"] if each["rule"] == "limit")
    assert limit["result"] == "proved"
    assert limit["value"] > 500


def test_an_empty_baseline_is_3_and_a_single_run_tests_the_limits_only(tmp_path: Path) -> None:
    assert Program(tmp_path / "empty", budgets("series: command.wall"), git=False).perfgate("selftest").code == 3
    one = project(
        tmp_path / "one", budgets("{series: command.wall, limit: 3 s, max_increase: 10%}"), [[measured(WALL, 1.0)]]
    )
    code, told = proof_of(one)
    assert code == 10
    assert {each["rule"]: each["result"] for each in told["results"]} == {"limit": "proved", "change": "hidden"}
    assert "no baseline yet" in next(each["said"] for each in told["results"] if each["rule"] == "change")


def test_a_thin_history_that_may_only_warn_is_said(tmp_path: Path) -> None:
    made = project(
        tmp_path,
        budgets("{series: command.wall, max_increase: 60%}"),
        simulated(4, lambda: measured(WALL, next(SOURCE))),
    )
    code, told = proof_of(made)
    assert code == 3
    assert "at most warn: only 3 comparable runs" in told["results"][0]["said"]


def test_parts_that_one_ci_run_measured_apart_are_tested_together(tmp_path: Path) -> None:
    made = Program(tmp_path, budgets("series: command.wall", "series: size.bytes"), git=False)
    for number in range(12):
        for part in (measured(WALL, next(SOURCE)), measured("size.bytes{path=w}", 100.0)):
            each = made.run_of([part], commit=f"{number + 1:040x}")
            directory.admit(tmp_path / "baselines", each._replace(context=each.context._replace(ci_run=f"r{number}")))
    code, told = proof_of(made)
    assert code == 0
    assert len(told["runs"]) == 2
    assert {each["series"] for each in told["results"]} == {WALL, "size.bytes{path=w}"}


def test_hostile_names_are_named_in_the_comment_and_harmless_on_the_terminal(tmp_path: Path) -> None:
    name = str(Series.of("command.wall", command="\x1b[2J`@team` <b>|x\n\u202e'; rm"))
    made = project(tmp_path, budgets("series: command.wall"), simulated(12, lambda: measured(name, next(SOURCE))))
    for columns in ("80", "160"):
        ended = made.perfgate("selftest", environ={"COLUMNS": columns})
        assert ended.code == 0
        assert "\x1b" not in ended.out
        assert all(len(line) <= int(columns) for line in ended.out.splitlines())


def test_a_gate_that_lets_everything_through_is_called_broken() -> None:
    base = baseline_of_series(WALL, [next(SOURCE) for _ in range(20)])
    unchanged = decided(run(measured(WALL, 1.0)), base, budget(WALL, "3 s"))
    chosen = cases(unchanged)
    assert len(chosen) == 2
    for case in chosen:
        (result,) = prove_together([case], lambda _: unchanged)
        assert result.proof is Proof.BROKEN
        assert "however large" in result.said
        (result,) = prove_together([case], lambda _: unchanged._replace(verdicts=()))
        assert result.proof is Proof.BROKEN


def test_a_budget_that_blocks_only_far_beyond_its_size_cannot_be_shown() -> None:
    base = baseline_of_series(WALL, [next(SOURCE) for _ in range(20)])
    ruled, lax = budget(WALL), budget(WALL, relative=Relative(warn=0.5, block=0.6))
    tested_run = run(measured(WALL, 1.0))
    (case,) = cases(decided(tested_run, base, ruled))

    def judged(values: Any) -> Decision:
        return decided(worse([tested_run], values), base, lax)

    (result,) = prove_together([case], judged)
    assert result.proof is Proof.HIDDEN
    assert "not at the size it asks for" in result.said


def test_a_worse_run_keeps_its_spread_and_survives_its_file_format() -> None:
    one = run(measured(WALL, 1.0, 2.0, 3.0), bench("bench.time{tool=a,benchmark=b}", 5.0))
    (made,) = worse([one], {Series.parse(WALL): 4.0})
    assert made.measurements[0].values == (2.0, 4.0, 6.0)
    assert made.measurements[1] == one.measurements[1]
    assert set(run_format.load(run_format.dump(made), "x").measurements) == set(made.measurements)
