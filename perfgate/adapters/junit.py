"""JUnit XML of every common dialect, streamed: identities and times are kept, the document is not.

Counters and suite times of the file are never trusted; they are computed anew from the cases. A case that stands there more
than once was tried more than once: the last attempt that was not skipped is its result, and all attempts' times were spent.
The last and not the best: pytest-rerunfailures leaves every failed attempt but the last as a case that looks passed.
"""

from __future__ import annotations

import math
from typing import BinaryIO, NamedTuple, NoReturn

from perfgate.adapters.junit_dialects import (
    BROKEN,
    CASE,
    FAILURE,
    FLAKY,
    MEANINGS,
    NO_NAMES,
    NOT_RUN,
    OTHER,
    RERUN,
    ROOT,
    SKIP,
    SUITE,
    counters,
    is_testngs,
    writes_no_attempts,
)
from perfgate.adapters.junit_numbers import LONGEST, ODD, Comma, Waiting, parse
from perfgate.adapters.suite_report import FAILED, PASSED, SEPARATOR, SKIPPED, TIMED, Report, short
from perfgate.adapters.xml_feed import DEPTH, XmlFeed

#: Limits beyond any real report; each is refused with a sentence.
CASES, SUITES = 5_000_000, 1_000_000


def read(stream: BinaryIO, where: str, report: Report) -> None:
    """Add the cases of a report file; raises InputError with line and column for anything that is not one."""
    reader = _Reader(report, where, report.new_suite(-1, str(report.files)))
    reader.run(stream)
    report.end_file(reader.name(), reader.step(), *reader.wall())


class _Suite(NamedTuple):
    """An open suite: the one to go back to at its end, what was counted before it, and what it tells of itself."""

    around: int
    cases: int
    failures: int
    flakes: int
    #: What is said already of cases, failures and flaky tests that are counted and not there.
    missing: int
    loose: int
    untold: int
    held: int
    told: tuple[int, ...]
    time: str | None


class _Reader:
    """One pass of expat over one file."""

    def __init__(self, report: Report, where: str, home: int) -> None:
        self._report = report
        self._where = where
        self._take = report.take
        self._seconds, self._timed, self._states = report.seconds, report.timed, report.states
        self._meanings = dict(MEANINGS)
        #: For each open element what to go back to at its end: a case, a suite, or nothing.
        self._opened: list[int | _Suite | None] = []
        self._suites = self._failures = self._flakes = 0
        self._suite = home
        self._home = home
        self._prefix = f"{home}{SEPARATOR}"
        self._case = -1
        self._before = PASSED
        self._retry = False
        #: Whether cases of one name are several tests, and those there are.
        self._several = False
        self._twins: dict[int, list[int]] = {}
        self._todo = -1
        self._decimals = 0
        self._longest = 0.0
        self._odd_step = 0.0
        self._waiting = Waiting()
        #: Times told by the root (True) or a suite below it, in order; None until settled or where unreadable.
        self._stated: list[tuple[bool, float | None]] = []
        self._root_name = ""
        self._tops: set[str] = set()
        self._top_suites = 0
        self._loose, self._known, self._begun = False, len(self._states), len(self._states)
        self._subtests = False
        self._feed = XmlFeed(where, "JUnit XML report", self._start, self._end, self._comment)

    def run(self, stream: BinaryIO) -> None:
        self._feed.run(stream)
        self._report.control_characters |= self._feed.control_characters
        self._enter(self._home)
        self._settle()
        self._tell_suspects()
        if self._subtests:
            self._report.leave_to_subtests(self._begun)

    def _tell_suspects(self) -> None:
        """TestNG tells of an attempt that is tried again as skipped, so a test of that name that passed may be the next one."""
        for first, others in self._twins.items():
            states = {self._states[case] for case in (first, *others)}
            if SKIPPED in states:
                for case in (first, *others):
                    self._report.suspect(case)

    def _comment(self, text: str) -> None:
        self._several = self._several or (not self._opened and is_testngs(text))

    def _refuse(self, what: str, remedy: str = "") -> NoReturn:
        self._feed.refuse(what, remedy)

    # --- element by element: there may be millions, so a case is dealt with first, and in one go ---

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        meaning = self._meanings.get(tag)
        if meaning != CASE:
            self._start_other(tag, meaning, attributes)
            return
        opened, known = self._opened, len(self._states)
        opened.append(self._case)
        get = attributes.get
        name = get("name", "")
        case = self._case = self._take(self._prefix, get("classname", ""), name, get("file", ""))
        if case != known:
            case = self._same_name(case, attributes)
        else:
            self._retry = False
        if "/" in name:
            self._subtests = True
        text = get("time")
        if text is not None:
            try:
                seconds = float(text)
            except ValueError:
                seconds = ODD
            if 0.0 <= seconds < LONGEST and "_" not in text:
                self._seconds[case] += seconds
                self._timed[case] |= TIMED
                dot = text.find(".")
                if dot >= 0 and len(text) - dot > self._decimals:
                    self._decimals = len(text) - dot
                self._longest = max(self._longest, seconds)
            else:
                self._odd_time(case, text)
        if "status" in attributes or "result" in attributes or "flaky" in attributes:
            self._outcome(attributes)
        if len(opened) > DEPTH or known >= CASES:
            self._refuse_size()

    def _same_name(self, case: int, attributes: dict[str, str]) -> int:
        """A case whose names were there before: another attempt, or where its producer writes none as cases, another test."""
        if self._several:
            get = attributes.get
            twin = self._take(self._prefix, get("classname", ""), get("name", ""), get("file", ""), twin=True)
            self._twins.setdefault(case, []).append(twin)
            self._case, self._retry = twin, False
            return twin
        self._before, self._retry = self._report.try_again(case), True
        self._flakes += self._before == FAILED
        return case

    def _end(self, _tag: str) -> None:
        back = self._opened.pop()
        if isinstance(back, int):
            self._case = back
        elif back is not None:
            self._end_suite(back)

    def _refuse_size(self) -> None:
        if len(self._opened) > DEPTH:
            self._refuse(f"elements are nested deeper than {DEPTH}")
        self._refuse(f"there are more than {CASES:,} cases", "read the reports of fewer suites at once")

    def _start_other(self, tag: str, meaning: int | None, attributes: dict[str, str]) -> None:
        if meaning is None:
            meaning = self._meanings[tag] = MEANINGS.get(tag.rpartition(":")[2], OTHER)
            if meaning == CASE:
                self._start(tag, attributes)
                return
        if not self._opened and meaning not in {SUITE, ROOT}:
            self._refuse(f"the root element is <{tag[:60]}>, so this is not a JUnit report")
        suite = meaning in {SUITE, ROOT}
        self._opened.append(self._counted_so_far(attributes) if suite else None)
        if len(self._opened) > DEPTH:
            self._refuse_size()
        if suite:
            self._start_suite(attributes, root=meaning == ROOT)
        elif meaning != OTHER:
            self._mark(meaning, attributes)

    def _start_suite(self, attributes: dict[str, str], *, root: bool) -> None:
        name = short(attributes.get("name", "").strip())
        top = self._suite == self._home
        self._several = self._several or writes_no_attempts(attributes, outermost=len(self._opened) == 1)
        if root:
            self._root_name = self._root_name or name
        else:
            self._top_suites += top
            if top and len(self._tops) < 2:
                self._tops.add(name)
            self._suites += 1
            if self._suites > SUITES:
                self._refuse(f"there are more than {SUITES:,} suites", "read fewer reports at once")
            self._enter(self._report.another_suite(self._suite, name))
        text = attributes.get("time")
        if top and text is not None and len(self._stated) < 2:
            parsed = parse(text)
            self._stated.append((root, parsed.seconds if parsed.comma is not Comma.EITHER else None))
            self._waiting.saw(parsed.comma)
            if parsed.comma is Comma.EITHER and parsed.seconds is not None:
                self._waiting.hold(-len(self._stated), parsed.seconds, self._feed.line)

    def _counted_so_far(self, attributes: dict[str, str]) -> _Suite:
        report = self._report
        counted = len(self._states), self._failures, self._flakes
        said = report.missing, report.loose_failures, report.untold_flaky
        return _Suite(self._suite, *counted, *said, len(self._waiting), counters(attributes), attributes.get("time"))

    def _end_suite(self, suite: _Suite) -> None:
        """Its time may settle a comma; its counters matter only where nothing of what they count is there.

        Producers count differently: pytest counts subtests that are no cases, gotestsum a package that is not built twice.
        """
        report, (tests, failures, flaky) = self._report, suite.told
        if len(self._waiting) > suite.held and suite.time is not None:
            self._waiting.weigh(suite.held, math.fsum(self._seconds[suite.cases :]), parse(suite.time))
        if len(self._states) == suite.cases and report.missing == suite.missing:
            report.missing += tests
        if self._failures == suite.failures and report.loose_failures == suite.loose:
            report.loose_failures += failures
        report.untold_flaky += max(0, flaky - (self._flakes - suite.flakes) - (report.untold_flaky - suite.untold))
        self._enter(suite.around)

    def _enter(self, suite: int) -> None:
        """Go into a suite, or back to the one around it; cases met between suites belong to none."""
        if self._suite == self._home:
            self._loose = self._loose or len(self._states) > self._known
        self._known = len(self._states)
        self._suite = suite
        self._prefix = f"{suite}{SEPARATOR}"

    def _mark(self, meaning: int, attributes: dict[str, str]) -> None:
        """An element inside a case tells what became of it, or of an earlier attempt."""
        case = self._case
        if case < 0:
            self._report.loose_failures += meaning == FAILURE
            return
        if meaning in {FAILURE, RERUN}:
            self._failures += meaning == FAILURE
            if case != self._todo:
                self._states[case] = FAILED
        elif meaning == SKIP:
            if attributes.get("type") == "todo":
                # What fails behind it was expected to, as pytest's xfail.
                self._todo = case
            self._skip()
        else:
            self._flakes += 1
            self._report.failed_before.add(case)
        text = attributes.get("time")
        if meaning in {FLAKY, RERUN} and text is not None:
            self._odd_time(case, text)

    def _outcome(self, attributes: dict[str, str]) -> None:
        """What became of a case, where attributes tell it; an element inside it may tell more."""
        told = {attributes.get("status"), attributes.get("result")}
        if told & BROKEN:
            self._states[self._case] = FAILED
        elif told & NOT_RUN:
            self._skip()
        if attributes.get("flaky") == "true":
            self._flakes += 1
            self._report.failed_before.add(self._case)

    def _skip(self) -> None:
        """A skipped attempt changes nothing about the ones that ran."""
        if self._states[self._case] != FAILED:
            self._states[self._case] = self._before if self._retry else SKIPPED

    # --- times ---

    def _odd_time(self, case: int, text: str) -> None:
        parsed, line = parse(text), self._feed.line
        self._waiting.saw(parsed.comma)
        if parsed.seconds is None:
            self._report.unreadable(f"{self._where}:{line}")
        elif parsed.comma is Comma.EITHER:
            self._waiting.hold(case, parsed.seconds, line)
            self._odd_step = min(self._odd_step or 0.001, 0.001)
            return
        else:
            self._odd_step = min(self._odd_step or parsed.step, parsed.step)
            self._longest = max(self._longest, parsed.seconds)
        self._report.spend(case, parsed.seconds)

    def _settle(self) -> None:
        if self._decimals > 1:
            self._waiting.saw(Comma.GROUP)
        for owner, line, seconds in self._waiting.settle():
            if owner < 0:
                self._stated[-owner - 1] = (self._stated[-owner - 1][0], seconds)
                continue
            if seconds is None:
                self._report.unreadable(f"{self._where}:{line}")
            else:
                self._longest = max(self._longest, seconds)
            self._report.spend(owner, seconds)

    def step(self) -> float:
        """The smallest step that the times of the cases show, 0 where they show none; nothing is timed finer than 1 ns."""
        plain = 10.0 ** (1 - self._decimals) if self._decimals > 1 else 0.0
        return min((max(step, 1e-9) for step in (plain, self._odd_step) if step), default=0.0)

    def name(self) -> str:
        """The root's name, else that of the only suite directly below it, else ""."""
        only = next(iter(self._tops)) if len(self._tops) == 1 else ""
        return next((name for name in (self._root_name, only) if name not in NO_NAMES), "")

    def wall(self) -> tuple[float | None, str]:
        """The time that the root or the only suite tells, where it can be the wall time; else None, and why."""
        impossible = ""
        for root, seconds in self._stated:
            if not seconds or not (root or (self._top_suites == 1 and not self._loose)):
                continue
            if seconds + self.step() >= self._longest:
                return seconds, ""
            impossible = (
                f"the report tells a wall time of {seconds:.6g} s, less than its longest case ({self._longest:.6g} s)"
            )
        return None, impossible or "the report tells no wall time"
