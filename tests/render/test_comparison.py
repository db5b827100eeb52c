"""`compare` as text: whatever the width, a change stands beside its interval and the smallest change that could be seen."""

from __future__ import annotations

import re

import pytest

from perfgate.core.baseline import Baseline
from perfgate.core.compare import Tested
from perfgate.core.units import write_percent
from perfgate.render import comparison
from tests.render import decisions
from tests.render.test_outputs import same_as_golden


@pytest.mark.parametrize("width", [40, 80, 160])
@pytest.mark.parametrize("name", decisions.EVERY)
def test_the_interval_and_what_could_be_seen_are_shown_at_every_width(name: str, width: int) -> None:
    comparisons = decisions.EVERY[name]().comparisons
    told = comparison.render(comparisons, Baseline(), width=width, colour=False)
    table = told if not comparisons else told.partition("\n")[2]
    assert all(len(line) <= width for line in table.splitlines() if " series: " not in line)
    flat = re.sub(r"\s+", " ", table)
    for each in comparisons:
        assert str(each.series) in flat
        if isinstance(each.evidence, Tested) and each.evidence.change_low is not None:
            interval = f"{write_percent(each.evidence.change_low)} … {write_percent(each.evidence.change_high)}"
            assert interval in flat
            assert f"±{write_percent(each.evidence.numbers.visible, signed=False)}" in flat


@pytest.mark.parametrize("width", [80, 160])
def test_the_table_is_as_it_was_agreed(width: int) -> None:
    told = comparison.render(decisions.mixed().comparisons, Baseline(), width=width, colour=False)
    same_as_golden(f"compared-{width}.txt", told)
