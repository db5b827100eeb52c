"""Tests of one title are the same test where a report tells their files and another only classes, or no home at all."""

from __future__ import annotations

import math
from typing import Any
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfgate.core.model import Run
from perfgate.core.suite_change import Share
from perfgate.core.suite_homes import aligned, factor
from perfgate.core.suite_records import suites_of
from tests.core.test_suite_changes import Times, changed, history, part, ran, suite

HOWS = ("file", "class", "nothing")


def home(test: str, file: str, how: str) -> dict[str, Any]:
    if how == "file":
        return {"file": file}
    return {"file": test.rpartition(".")[0], "by": "class"} if how == "class" else {"file": None}


def told(times: Times, how: str, number: int = 0, most: int = 1000, **failures: Any) -> Run:
    """A run whose report tells the home of its tests in this way, with fingerprints as a capture writes them."""
    made = ran(times, number, most=most, **failures)
    homes: dict[tuple[str, str], list[tuple[str, float]]] = {}
    for (test, file), seconds in times.items():
        where = home(test, file, how)
        homes.setdefault((where["file"] or "", where.get("by", "")), []).append((test, seconds))
    digests = {
        name: sum(crc32(test.encode()) ** 3 for test, _ in rows) * factor(name[0]) for name, rows in homes.items()
    }
    files = tuple(
        {"suite": "unit", "file": name or None, "tests": len(rows), "seconds": math.fsum(each for _, each in rows),
         "fingerprint": f"{digests[name, by] % 2**64:016x}", **({"by": by} if by else {})}
        for (name, by), rows in homes.items()
    )  # fmt: skip
    sets = {**made.details["test_sets"][0], "fingerprint": f"{sum(digests.values()) % 2**64:016x}"}
    shown = {
        block: tuple({**row, "file": row["file"] if how == "file" else None} for row in made.details[block])
        for block in ("failed_tests", "flaky_tests")
        if block in made.details
    }
    rows = tuple({**row, **home(str(row["test"]), str(row["file"]), how)} for row in made.details["test_times"])
    return made._replace(details={"test_sets": (sets,), "test_times": rows, "test_files": files, **shown})


@pytest.mark.parametrize("before", HOWS)
@pytest.mark.parametrize("after", HOWS)
@pytest.mark.parametrize("most", [1000, 12])
def test_the_same_tests_are_the_same_set_however_a_report_tells_their_homes(before: str, after: str, most: int) -> None:
    times = suite()
    slow = dict(times)
    slow["pkg.m1.test_13", "tests/test_1.py"] += 3.0
    change = changed(told(slow, after, 99, most), [told(times, before, number, most) for number in range(1, 9)])
    assert not change.changed
    assert change.renames == 0
    assert [each.share for each in change.parts] == [Share.COMMON]
    assert part(change, Share.COMMON) == (40, pytest.approx(3.0))


def test_a_new_test_is_one_new_test_where_the_report_begins_to_tell_files() -> None:
    times = suite()
    more = times | {("pkg.m1.test_more", "tests/test_1.py"): 1.5}
    change = changed(told(more, "file", 99), [told(times, "class", number) for number in range(1, 9)])
    assert change.changed
    assert part(change, Share.CAME) == (1, pytest.approx(1.5))
    assert part(change, Share.COMMON)[0] == 40
    mixed = [told(times, ("class", "file")[number % 2], number) for number in range(1, 9)]
    gone = changed(told({key: each for key, each in times.items() if key[0] != "pkg.m1.test_1"}, "nothing", 99), mixed)
    assert part(gone, Share.GONE) == (1, pytest.approx(-0.4))
    assert {each.share for each in gone.parts} == {Share.GONE, Share.COMMON}, "the baseline's runs ran one set of tests"


def test_titles_that_two_tests_have_and_files_that_differ_are_not_guessed_at() -> None:
    twins = {("test_a", "x.py"): 1.0, ("test_a", "y.py"): 2.0}
    assert changed(told(twins, "file", 99), [told(twins, "nothing", number) for number in range(1, 9)]).changed
    here, there = ({("test_a", file): 1.0, ("test_b", "z.py"): 1.0} for file in ("x.py", "y.py"))
    assert changed(told(here, "file", 99), [told(there, "file", number) for number in range(1, 9)]).changed


def test_a_test_known_as_flaky_by_its_file_is_known_by_its_title() -> None:
    times, flaky = suite(), [("pkg.m1.test_1", "tests/test_1.py")]
    for before, after in (("file", "class"), ("class", "file"), ("nothing", "file")):
        earlier = [told(times, before, number, flaky_tests=flaky if number == 3 else []) for number in range(1, 9)]
        change = changed(told(times, after, 99, flaky_tests=flaky), earlier)
        assert (change.newly_flaky, change.known_flaky) == (0, 1)


def test_what_is_told_alike_stays_as_it_is() -> None:
    one, other = (suites_of(each.details)["unit"] for each in history(suite(), 2))
    assert aligned(one, other) is one


@settings(max_examples=30, deadline=None)
@given(
    st.dictionaries(st.integers(0, 30), st.floats(0.001, 9.0), min_size=1),
    st.dictionaries(st.integers(0, 30), st.floats(0.001, 9.0), min_size=1),
    st.integers(1, 40),
    st.sampled_from(HOWS),
    st.sampled_from(HOWS),
)
def test_the_parts_add_up_whatever_homes_are_told(
    before: dict[int, float], after: dict[int, float], most: int, first: str, then: str
) -> None:
    def of(numbers: dict[int, float]) -> dict[tuple[str, str], float]:
        return {(f"a{n % 3}.test_{n}", f"f{n % 3}.py"): seconds for n, seconds in numbers.items()}

    change = changed(told(of(after), then, 99, most), [told(of(before), first, number, most) for number in range(1, 7)])
    assert change.before is not None
    assert change.after is not None
    assert math.fsum(each.seconds for each in change.parts) == pytest.approx(change.after - change.before, abs=1e-9)
    came, gone, common, untold = (
        part(change, share)[0] for share in (Share.CAME, Share.GONE, Share.COMMON, Share.UNTOLD)
    )
    if not untold:
        assert came + common == len(after)
        assert gone + common == len(before)
    if most >= 31:
        assert change.changed == (set(before) != set(after))
        assert not untold
