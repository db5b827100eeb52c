"""benchstat's printed numbers, to the digit, from real `go test -bench` output."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest

from perfgate.core.stats import rank_sum
from tests.core.stats import benchstat

FOLDER = Path(__file__).parents[2] / "corpus" / "benchstat"
PRINTED = sorted(FOLDER.glob("*.benchstat"))
COUNTS = (3, 4, 6, 7, 10)


def results(name: str) -> str:
    """One file of results, or all of a variant in the order in which they were joined for benchstat."""
    names = [f"{name.removesuffix('-all')}-{count}" for count in COUNTS] if name.endswith("-all") else [name]
    return "".join((FOLDER / f"{each}.txt").read_text() for each in names)


def printed(text: str) -> dict[str, list[str]]:
    """The rows of each of benchstat's tables by unit, with single blanks, and without rules, footnotes and `-2` of the names."""
    found: dict[str, list[str]] = {}
    for block in text.split("\n\n"):
        unit = ""
        for line in block.splitlines():
            if "vs base" in line:
                unit = line.split("│")[1].strip()
            elif unit and not re.match(r"[¹²³]", line):
                plain = re.sub(r"(?<=∞) [¹²³]+|(?<=\)) [¹²³]+|[¹²³]", "", line)
                found.setdefault(unit, []).append(re.sub(r"^(\S+)-2 ", r"\1 ", " ".join(plain.split())))
    return found


@pytest.mark.parametrize("path", PRINTED, ids=lambda path: path.stem)
def test_every_printed_number_is_reproduced(path: Path) -> None:
    before, after = re.findall(r"(?:before|after|again)-(?:\d+|all)", path.stem)
    wanted = printed(path.read_text(encoding="utf-8"))
    assert sum(len(rows) for rows in wanted.values()) >= 20
    found = {unit: benchstat.lines(table, unit) for unit, table in benchstat.tables(results(before), results(after)).items()}  # fmt: skip
    assert found == wanted


def test_the_printed_tables_have_what_makes_them_hard() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in PRINTED)
    for part in ("~ (p=", "± ∞", "geomean", "p=1.000", "n=4+7", "n=30", "p=0.000", "all samples are equal"):
        assert part in text
    numbers = re.findall(r"p=\d\.\d{3}|[+-]\d+\.\d\d%|[\d.]+(?:[Mk]i?|Ki|µ|n|m)? ± (?:∞|\d+%)", text)
    assert len(numbers) > 500


def test_benchstat_is_certain_of_a_change_that_chance_makes_once_in_165_times_where_sizes_differ_and_values_tie() -> (
    None
):
    """Four times 20 allocations against seven times 19: benchstat prints no p at all, which is how it writes 0."""
    assert "-5.00% (n=4+7)" in (FOLDER / "before-4-after-7.benchstat").read_text(encoding="utf-8")
    before, after = [20.0] * 4, [19.0] * 7
    assert benchstat.p_value(before, after) == 0
    splits = list(itertools.combinations(range(11), 4))
    extreme = sum(set(split) in ({0, 1, 2, 3}, {7, 8, 9, 10}) for split in splits)
    assert rank_sum.two_sided(before, after) == pytest.approx(extreme / len(splits))
