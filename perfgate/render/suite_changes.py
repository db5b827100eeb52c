"""What changed in the test suites, in sentences for terminals and comments; untrusted names go through a given function."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence

from perfgate.core.model import Series
from perfgate.core.suite_change import Fixture, Flaky, Part, Plugin, Row, Share, Slower, SuiteChange
from perfgate.core.units import Unit, write_percent, write_values
from perfgate.render.text import harmless, shell_word

_SECONDS = Unit("s")
#: Tests of a list that are named on a terminal; `explain` and decision.json have more.
_NAMED = 5
_LONGEST = 160
#: A shift of all tests that is smaller is not worth a word.
_WORTH = 0.05
#: What moved by less than this share of the test that moved most is not worth a name.
_WORTH_NAMING = 0.05
#: How perfgate says that a test was seen to be flaky; a decision from a file may say anything.
_OWN_WORDS = re.compile(r"failed, then passed|failed in \d{1,4} of \d{1,4} runs of one commit", re.ASCII)
#: Writes a name from data so that it does no harm where it will stand.
Safe = Callable[[str], str]


def lines(
    changes: Iterable[SuiteChange], *, name: Safe = harmless, most: int = _NAMED, slowed: Collection[str] = ()
) -> list[str]:
    """What is new in each suite, a heading and some lines each; nothing of suites without news.

    In the suites of `slowed`, whose time is at warn or block, and in those whose common tests moved, the tests that moved most are named.
    """
    found = []
    for change in changes:
        named = []
        if change.common_moved or change.suite in slowed:
            named = [line for line in (moved_most(change, name, most), _fixtures(change, name, most)) if line]
        if change.is_news or named:
            found.append(f"{name(_cut(change.suite))}: {head(change)}")
            found += [f"  {line}" for line in (*body(change, name, most), *named)]
    return found


def head(change: SuiteChange) -> str:
    """The size of the suite and whether its set of tests changed."""
    if change.tests_after is None or change.tests_before is None:
        return _count(change.tests_after, "test") if change.tests_after is not None else "its tests"
    if not change.changed:
        return f"the same {_count(change.tests_after, 'test')} as in the baseline"
    return f"structure change, {_count(change.tests_after, 'test')}, {change.tests_before:,} before"


def body(change: SuiteChange, name: Safe, most: int) -> list[str]:
    """Where the time went, and the tests that are newly slow or newly flaky, at most so many of each."""
    found = []
    if change.parts:
        found.append(arithmetic(change))
    if change.renames:
        pairs = ", ".join(f"{name(_cut(old))} is {name(_cut(new))}" for new, old in change.renamed[:most])
        found.append(f"renamed: {pairs}{_more(change.renames, min(most, len(change.renamed)))}")
    if change.plugins:
        told = ", ".join(plugin(each, name) for each in change.plugins[:most])
        found.append(f"other plugins, which can change every test's time: {told}{_more(len(change.plugins), most)}")
    if change.slow:
        found.append(_listed("newly slow", (slower(each, name) for each in change.slower[:most]), change.slow, most))
        if abs(change.shift - 1) > _WORTH:
            found.append(
                f"all tests together ran {ratio(change.shift)} (the machine?); that is divided out of newly slow"
            )
    if change.newly_flaky:
        shown = (flaky(each, name) for each in change.flaky[:most])
        found.append(_listed("newly flaky", shown, change.newly_flaky, most))
    return found


def arithmetic(change: SuiteChange) -> str:
    """The change of the summed case time and its parts, which add up also as they are written.

    For example "case time +12.0 s: +11.2 s from 14 new tests, -1.0 s from 2 removed, +1.8 s on the 480 common ones".
    """
    whole = (change.after or 0.0) - (change.before or 0.0)
    digits, unit, scale = _scale([whole, *(part.seconds for part in change.parts)])
    amounts = _adding_up([part.seconds * scale for part in change.parts], whole * scale, digits)
    told = [
        f"{_signed(amount, digits)} {unit} {_source(part)}"
        for part, amount in zip(change.parts, amounts, strict=True)
        if part.tests or amount
    ]
    return f"case time {_signed(round(whole * scale, digits), digits)} {unit}: {', '.join(told) or 'nothing moved'}"


def _source(part: Part) -> str:
    count = f"{part.tests:,}"
    if part.share is Share.CAME:
        return f"from {_count(part.tests, 'new test')}"
    if part.share is Share.GONE:
        return f"from {count} removed"
    if part.share is Share.COMMON:
        return f"on the {count} common {'one' if part.tests == 1 else 'ones'}"
    if part.share is Share.EARLIER:
        return "because the baseline's newest set of tests differs from its earlier ones"
    return f"not told apart ({_count(part.tests, 'test')} below what a run keeps)"


def slower(each: Slower, name: Safe) -> str:
    """A newly slow test with both times."""
    before, after = write_values((each.before, each.after), _SECONDS)
    gain = f", {write_percent(each.after / each.before - 1)}" if each.before > 0 else ""
    return f"{_test(each.test, each.file, name)} {before} → {after}{gain}"


def moved_most(change: SuiteChange, name: Safe, most: int) -> str:
    """The common tests that moved most, beside those that are newly slow; "" where none moved. Information: no statistics stand behind it.

    For example "moved most: test_slow (tests/test_a.py) 1.00 s → 3.04 s, +2.04 s (+204 %)".
    """
    rows = change.common.rows if change.common is not None else ()
    least = _WORTH_NAMING * max((abs(row.moved) for row in rows), default=0.0)
    known = {(each.test, each.file) for each in change.slower}
    worth = [row for row in rows if row.moved and abs(row.moved) >= least and (row.test, row.file) not in known]
    if not worth:
        return ""
    shown = "; ".join(_moved(row, name) for row in worth[:most])
    series = Series("tests.case_time", (("suite", change.suite),))
    more = f"; more: {name(f'perfgate explain {shell_word(str(series))}')}" if len(worth) > most else ""
    return f"{'moved most beside these' if known else 'moved most'}: {shown}{more}"


def _moved(row: Row, name: Safe) -> str:
    before, after = write_values((row.before, row.after), _SECONDS)
    gain = f" ({write_percent(row.moved / row.before)})" if row.before else ""
    return f"{_row_name(row, name)} {before} → {after}, {'+' if row.moved > 0 else ''}{_one(row.moved)}{gain}"


def _fixtures(change: SuiteChange, name: Safe, most: int) -> str:
    shown = "; ".join(fixture(each, name) for each in change.fixtures[:most])
    return f"fixtures that grew: {shown}{_more(len(change.fixtures), most)}" if shown else ""


def fixture(each: Fixture, name: Safe) -> str:
    """A fixture that takes longer: "slow_db (tests/test_a.py) 3 × 1.5 s, 3 × 502 ms before"."""
    after = f"{each.count_after:,} × {_one(each.after / max(1, each.count_after))}"
    if each.before is None:
        return f"{_test(each.fixture, each.file, name)} {after}, new"
    before = f"{each.count_before:,} × {_one(each.before / max(1, each.count_before))}"
    return f"{_test(each.fixture, each.file, name)} {after}, {before} before"


def plugin(each: Plugin, name: Safe) -> str:
    """A plugin that changed: "pytest-x 1.0 is new", "pytest-y is gone", "pytest-z 2.0 → 2.1"."""
    called = name(_cut(each.plugin))
    if each.gone:
        return f"{called} is gone"
    if each.came:
        return f"{' '.join(part for part in (called, name(_cut(each.after))) if part)} is new"
    return f"{called} {name(_cut(each.before)) or 'unknown'} → {name(_cut(each.after)) or 'unknown'}"


def flaky(each: Flaky, name: Safe) -> str:
    """A newly flaky test with how often it failed."""
    how = each.how if _OWN_WORDS.fullmatch(each.how) else name(_cut(each.how))
    return f"{_test(each.test, each.file, name)} {rate(each)}; {how}"


def rate(each: Flaky) -> str:
    """How often a test failed: "failed in 2 of 31 runs, 6 % [2–21 %]"."""
    share = each.failed / each.runs if each.runs else 0.0
    runs = f"{each.runs} run{'' if each.runs == 1 else 's'}"
    return f"failed in {each.failed} of {runs}, {share * 100:.0f} % [{each.low * 100:.0f}–{each.high * 100:.0f} %]"


def ratio(shift: float) -> str:
    """A ratio as people write it."""
    return f"×{shift:.3g}"


def explained(change: SuiteChange) -> list[str]:
    """The arithmetic of a suite's case time for `explain`: every part with its rows."""
    found = [f"tests         {head(change)}"]
    if change.untold:
        found.append(f"              {change.untold}")
    if change.parts:
        found.append(f"              {arithmetic(change)}")
        found.append(
            f"              times before are medians of {change.timed} baseline run{'' if change.timed == 1 else 's'}"
        )
    for part in change.parts:
        found += _rows(part)
    found += [f"plugin        {plugin(each, harmless)}" for each in change.plugins]
    found += [f"fixture       {fixture(each, harmless)}" for each in change.fixtures]
    found += [f"renamed       {_cut(old)} is {_cut(new)}" for new, old in change.renamed]
    if change.judged:
        shift = f"; all together ran {ratio(change.shift)}, which is divided out"
        found.append(
            f"newly slow    {change.slow} of {change.judged} tests judged one by one"
            f" (any without a change: about {change.alpha * 100:.2g} % of runs){shift}"
        )
        for each in change.slower:
            found.append(
                f"              {slower(each, harmless)} ({each.runs} runs, largest {_one(each.largest)}, p = {each.p:.2g})"
            )
    if change.newly_flaky or change.known_flaky:
        found.append(f"newly flaky   {change.newly_flaky}, and {change.known_flaky} that the baseline knows")
        found += [f"              {flaky(each, harmless)}" for each in change.flaky]
    return found


def _rows(part: Part) -> list[str]:
    kept = [row for row in part.rows if row.moved]
    title = _source(part)
    if not kept:
        return []
    left = part.tests - sum(row.tests for row in kept)
    found = [f"              {title}:"]
    for row in kept:
        found.append(f"                {_row(row)}")
    return [*found, f"                and {left:,} more tests"] if left > 0 else found


def _row(row: Row) -> str:
    before, after = write_values((row.before, row.after), _SECONDS)
    moved = "+" if row.moved >= 0 else ""
    return f"{moved}{_one(row.moved)}  {before} → {after}  {_row_name(row, harmless)}"


def _row_name(row: Row, name: Safe) -> str:
    together = f"{_count(row.tests, 'test')} " if row.tests > 1 and not row.test else ""
    return together + _test(row.test, row.file, name).removeprefix("tests " if together else "")


def _one(seconds: float) -> str:
    return write_values((seconds,), _SECONDS)[0]


# --- words ------------------------------------------------------------------------------------------------------------


def _test(test: str, file: str, name: Safe) -> str:
    if not test:
        return f"tests in {name(_cut(file))}" if file else "tests without a row of their own"
    return f"{name(_cut(test))} ({name(_cut(file))})" if file else name(_cut(test))


def _cut(words: str) -> str:
    return words if len(words) <= _LONGEST else words[: _LONGEST - 1] + "…"


def _listed(what: str, shown: Iterable[str], count: int, most: int) -> str:
    return f"{what} ({count}): {'; '.join(shown)}{_more(count, most)}"


def _more(count: int, shown: int) -> str:
    return f" and {count - shown} more" if count > shown else ""


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _scale(seconds: Sequence[float]) -> tuple[int, str, float]:
    """Decimals, unit and scale that show the largest of these with three digits or more."""
    largest = max(map(abs, seconds), default=0.0)
    if largest < 1:
        return (1 if largest < 0.1 else 0), "ms", 1000.0
    return (2 if largest < 10 else 1), "s", 1.0


def _signed(amount: float, digits: int) -> str:
    return f"{amount:+,.{digits}f}" if amount else f"{0:.{digits}f}"


def _adding_up(amounts: Sequence[float], whole: float, digits: int) -> list[float]:
    """The amounts rounded so that they add up to the rounded whole: the remainders decide which go the other way."""
    factor = 10**digits
    floors = [int(amount * factor // 1) for amount in amounts]
    missing = round(whole * factor) - sum(floors)
    by_remainder = sorted(range(len(amounts)), key=lambda at: floors[at] - amounts[at] * factor)
    for at in by_remainder[: max(0, missing)]:
        floors[at] += 1
    return [number / factor for number in floors]
