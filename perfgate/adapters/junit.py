"""JUnit XML of every common dialect, streamed: identities and times are kept, the document is not.

Counters and suite times of the file are never trusted; they are computed anew from the cases. A case that stands there more
than once was tried more than once: the last attempt is its result, and all attempts' times were spent.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple
from xml.parsers import expat

from perfgate.adapters.junit_numbers import Times
from perfgate.errors import InputError

#: Limits beyond any real report; each is refused with a sentence.
DEPTH, CASES, TOKEN = 64, 5_000_000, 16 * 1024 * 1024
_CHUNK = 256 * 1024
_IDENTITY = 1000
PASSED, FAILED, SKIPPED = 0, 1, 2
# A case without any time is as unknown as one whose time cannot be read.
_TIMED, _UNREADABLE = 1, 2
_SEPARATOR = "\x1f"
_FAILURES = frozenset({"failure", "error", "rerunFailure", "rerunError"})
_FLAKY = frozenset({"flakyFailure", "flakyError"})


class Case(NamedTuple):
    """A test case with all its attempts; `seconds` is their sum, None where one of them tells none."""

    suite: str
    classname: str
    name: str
    seconds: float | None
    state: int
    flaky: bool
    suspect: bool

    @property
    def title(self) -> str:
        """How people know it: class and name, or the suite path where there is no class."""
        return ".".join(part for part in (self.classname or self.suite, self.name) if part)


class Report:
    """The cases of one or more report files, held as columns: 200,000 cases take some 40 MB."""

    def __init__(self) -> None:
        self._index: dict[str, int] = {}
        self._seconds = array("d")
        self._states = bytearray()
        self._timed = bytearray()
        self._retried: set[int] = set()
        self._failed_before: set[int] = set()
        self._files = 0
        self.suites: dict[str, None] = {}
        self.root_name = ""
        self.wall: float | None = None
        self.resolution = 0.0
        self.unreadable_times: list[str] = []

    def read(self, stream: BinaryIO, where: str) -> None:
        """Add the cases of a report; raises InputError with line and column for anything that is not one."""
        reader = _Reader(self, where)
        reader.run(stream)
        self._files += 1
        times = reader.times.settle()
        self._take_times(times, reader, where)
        self.resolution = max(self.resolution, reader.times.resolution)
        self.wall = reader.wall(times) if self._files == 1 else None
        self.root_name = reader.root_name if self._files == 1 else ""

    def _take_times(self, times: list[float | None], reader: _Reader, where: str) -> None:
        new = len(self._states) - len(self._seconds)
        self._seconds.extend([0.0] * new)
        self._timed.extend(bytes(new))
        for case, seconds in zip(reader.owners, times, strict=True):
            if case < 0:
                continue
            if seconds is None:
                self._timed[case] = _UNREADABLE
            else:
                self._seconds[case] += seconds
                self._timed[case] |= _TIMED
        self.unreadable_times += [f"{where}:{line}" for line in reader.times.refused_lines]

    def prefix(self, path: str) -> str:
        """The beginning of the identity of every case in a suite of the file that is being read."""
        return f"{self._files}{_SEPARATOR}{path}{_SEPARATOR}"

    def add(self, prefix: str, classname: str, name: str) -> int:
        """The position of a case, new or known; a known one is tried again."""
        key = f"{prefix}{classname[:_IDENTITY]}{_SEPARATOR}{name[:_IDENTITY]}"
        states = self._states
        position = self._index.setdefault(key, len(states))
        if position == len(states):
            if position >= CASES:
                raise InputError(f"the report has more than {CASES:,} cases", remedy="split it")
            states.append(PASSED)
            return position
        if states[position] == FAILED:
            self._failed_before.add(position)
        self._retried.add(position)
        states[position] = PASSED
        return position

    def mark(self, case: int, state: int) -> None:
        """The result of a case's newest attempt."""
        if self._states[case] != FAILED:
            self._states[case] = state

    def mark_flaky(self, case: int) -> None:
        """An earlier attempt of this case failed."""
        self._failed_before.add(case)

    def cases(self) -> Iterator[Case]:
        """Every case once, in the order of the files."""
        for key, at in self._index.items():
            _, suite, classname, name = key.split(_SEPARATOR, 3)
            state = self._states[at]
            failed_before = at in self._failed_before
            # Reruns of pytest-rerunfailures leave earlier attempts that look passed: retried, outcome unknown.
            suspect = at in self._retried and not failed_before and state == PASSED
            seconds = self._seconds[at] if self._timed[at] == _TIMED else None
            yield Case(suite, classname, name, seconds, state, failed_before and state == PASSED, suspect)


class _Reader:
    """One pass of expat over one file."""

    def __init__(self, report: Report, where: str) -> None:
        self.report = report
        self.where = where
        self.times = Times()
        #: For each time in `times`, the case it belongs to; -1 for the root's.
        self.owners = array("l")
        self.root_name = ""
        self._stated: list[tuple[str, int]] = []
        self._top_suites = 0
        self._suites: list[str] = []
        self._add = report.add
        self._prefix = report.prefix("")
        self._opened: list[str] = []
        self._case = -1
        self._parser = expat.ParserCreate()

    def run(self, stream: BinaryIO) -> None:
        parser = self._parser
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        parser.StartDoctypeDeclHandler = self._refuse_doctype
        parser.EntityDeclHandler = self._refuse_doctype
        fed = 0
        try:
            while chunk := stream.read(_CHUNK):
                parser.Parse(chunk, False)
                fed += len(chunk)
                if fed - parser.CurrentByteIndex > TOKEN:
                    self._refuse("a single tag is larger than 16 MB")
            if fed == 0:
                raise InputError(
                    "the file is empty",
                    where=self.where,
                    remedy="let the tests write it again; they may have been stopped",
                )
            parser.Parse(b"", True)
        except expat.ExpatError as error:
            what = f"this is not well-formed XML: {expat.ErrorString(error.code)}"
            remedy = "let the tests write it again; they may have been stopped half-way"
            raise InputError(what, where=f"{self.where}:{error.lineno}:{error.offset + 1}", remedy=remedy) from error
        except ValueError as error:
            # An encoding that neither expat nor Python knows.
            raise InputError(
                f"the text cannot be decoded: {error}", where=self.where, remedy="save the report as UTF-8"
            ) from error
        except LookupError as error:
            raise InputError(
                f"the encoding is not known: {error}", where=self.where, remedy="save the report as UTF-8"
            ) from error

    def wall(self, times: list[float | None]) -> float | None:
        """The wall time that the root, or the only suite, tells; None where it tells none, or nothing, as ctest does."""
        for tag, position in self._stated:
            if (tag == "testsuites" or self._top_suites == 1) and (seconds := times[position]):
                return seconds
        return None

    def _refuse(self, what: str, remedy: str = "") -> None:
        place = f"{self.where}:{self._parser.CurrentLineNumber}"
        raise InputError(what, where=place, remedy=remedy)

    def _refuse_doctype(self, *_: object) -> None:
        self._refuse(
            "the report declares a document type or entities, which are not read", "let the tests write plain JUnit XML"
        )

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        """Called for every opening tag: there may be a million, so a case is dealt with first."""
        if ":" in tag:
            tag = tag.rpartition(":")[2]
        self._opened.append(tag)
        if tag == "testcase":
            case = self._case = self._add(self._prefix, attributes.get("classname", ""), attributes.get("name", ""))
            text = attributes.get("time")
            if text is not None:
                self.times.add(text, self._parser)
                self.owners.append(case)
            if "status" in attributes or "result" in attributes:
                self._not_run(case, attributes)
        elif self._case >= 0:
            self._inside_case(tag, attributes)
        elif tag in _SUITES:
            self._suite(tag, attributes)
        elif len(self._opened) == 1:
            self._refuse(
                f"the root element is <{tag[:60]}>, so this is not a JUnit report", "name the JUnit report of the tests"
            )
        if len(self._opened) > DEPTH:
            self._refuse(f"elements are nested deeper than {DEPTH}")

    def _end(self, tag: str) -> None:
        self._opened.pop()
        if tag.endswith("testcase"):
            self._case = -1
        elif tag.endswith("testsuite") and self._suites:
            self._suites.pop()
            self._prefix = self.report.prefix("/".join(self._suites))

    def _not_run(self, case: int, attributes: dict[str, str]) -> None:
        if attributes.get("status") in _NOT_RUN or attributes.get("result") in _NOT_RUN:
            self.report.mark(case, SKIPPED)

    def _inside_case(self, tag: str, attributes: dict[str, str]) -> None:
        if tag in _FAILURES:
            self.report.mark(self._case, FAILED)
        elif tag == "skipped":
            self.report.mark(self._case, SKIPPED)
        elif tag in _FLAKY:
            self.report.mark_flaky(self._case)
        text = attributes.get("time")
        if tag in _ATTEMPTS and text is not None:
            self.times.add(text, self._parser)
            self.owners.append(self._case)

    def _suite(self, tag: str, attributes: dict[str, str]) -> None:
        name = attributes.get("name", "")
        if tag == "testsuites":
            self.root_name = name
        else:
            self._suites.append(name[:_IDENTITY])
            self._prefix = self.report.prefix("/".join(self._suites))
            self.report.suites[name[:_IDENTITY]] = None
        text = attributes.get("time")
        if text is not None and (tag == "testsuites" or len(self._suites) == 1):
            self._stated.append((tag, len(self.owners)))
            self.times.add(text, self._parser)
            self.owners.append(-1)
        self._top_suites += tag == "testsuite" and len(self._suites) == 1


_SUITES = frozenset({"testsuites", "testsuite"})
_ATTEMPTS = frozenset({"flakyFailure", "flakyError", "rerunFailure", "rerunError"})
_NOT_RUN = frozenset({"notrun", "disabled", "suppressed"})
