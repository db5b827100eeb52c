"""Measuring cost: the file, or the command that makes it."""

from __future__ import annotations

import os
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from perfgate.core.entries import CostEntry
from perfgate.core.model import Capture, Series
from perfgate.errors import CommandFailed, InputError
from perfgate.measure.cost import capture
from perfgate.measure.surroundings import Surroundings

TEXT = (
    '{"version": "0.2", "metadata": {"infracostCommand": "diff"}, "currency": "USD", "totalMonthlyCost": "12.50",'
    ' "pastTotalMonthlyCost": "10", "projects": [{"name": "web", "breakdown": {"resources": [{"name": "a.x",'
    ' "costComponents": [{"name": "hours", "monthlyCost": "12.5"}]}], "totalMonthlyCost": "12.5"}, "pastBreakdown":'
    ' {"resources": [], "totalMonthlyCost": "10"}}]}'
)


@pytest.fixture
def around(tmp_path: Path) -> Surroundings:
    for name in ("root", "work"):
        (tmp_path / name).mkdir()
    return Surroundings(tmp_path / "root", tmp_path / "work", os.environ)


def taken(around: Surroundings, infracost: str = "", run: tuple[str, ...] = ()) -> Capture:
    entry = CostEntry("cloud", run=run, infracost=infracost, environment="dev")
    return capture(entry, around, lambda _: None)


def test_the_cost_of_a_file_is_measured_before_and_after(around: Surroundings) -> None:
    (around.root / "infracost.json").write_text(TEXT)
    cost = next(each for each in taken(around, "infracost.json").measurements if each.series.metric == "infra.cost")
    assert cost.series == Series.of("infra.cost", environment="dev")
    assert (cost.before, cost.values) == ((Decimal(10),), (Decimal("12.5"),))
    assert cost.origin == "infracost.json, $.totalMonthlyCost"


def test_the_command_that_makes_the_file_runs_first(around: Surroundings) -> None:
    run = (sys.executable, "-c", f"open(r'{{out}}', 'w').write({TEXT!r})")
    for infracost in ("", "{out}"):
        assert taken(around, infracost, run).measurements[0].origin == "{out}, $.totalMonthlyCost"
    with pytest.raises(CommandFailed):
        taken(around, "", (sys.executable, "-c", "raise SystemExit(1)  # {out}"))


def test_a_file_that_is_missing_or_not_named_is_refused(around: Surroundings) -> None:
    with pytest.raises(InputError, match="there is no such file"):
        taken(around, "infracost.json")
    with pytest.raises(InputError, match="no file of Infracost is named"):
        taken(around)
    with pytest.raises(InputError, match="a folder"):
        taken(around, ".")


def test_an_old_file_beside_a_command_is_told(around: Surroundings) -> None:
    path = around.root / "infracost.json"
    path.write_text(TEXT)
    os.utime(path, (1_000_000_000, 1_000_000_000))
    run = (sys.executable, "-c", "pass")
    assert "stale-file" in [each.code for each in taken(around, "infracost.json", run).caveats]
