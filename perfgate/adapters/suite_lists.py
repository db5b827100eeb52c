"""Lists of tests as runners print them: pytest's collected node ids, `go test -list`, and names or paths one a line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from perfgate.errors import InputError

MOST_TESTS = 1_000_000
# "3 tests collected in 0.01s", "1/3 tests collected (2 deselected) in 0.01s", "no tests collected, 1 error in 0.1s", with or without "=".
_SUMMARY = re.compile(r"=*\s*(?:(?P<count>\d+)(?:/\d+)?|no) tests? collected\b(?P<rest>.*)")
_COUNTED = re.compile(r"\S.*\.\w+: \d+")
_GO_END = re.compile(r"(?:ok  |\?   )\t(?P<package>\S+)(?:\t.*)?")
_GO_NAME = re.compile(r"(?P<kind>Test|Fuzz|Example|Benchmark)(?:[^a-z\s]\S*)?")
_TREE = re.compile(r"\s*<(Package|Module|Dir|Session|Class|Function)\b")


class Listed(NamedTuple):
    """The names in a list, in its order, and what else it says that a reader should know."""

    names: tuple[str, ...]
    notes: tuple[str, ...] = ()


def read(text: str, where: str) -> Listed:
    """The tests that a list names; raises InputError where it may not be the whole list: a lost test would never run again."""
    if "\0" in text:
        return _checked([name for name in text.split("\0") if name], where)
    lines = [line.rstrip("\r") for line in text.split("\n")]
    first = next((at for at, line in enumerate(lines) if line.strip()), 0)
    end = next((at for at in range(first, len(lines)) if not lines[at].strip()), len(lines))
    if end > first and all(_COUNTED.fullmatch(line) for line in lines[first:end]):
        return _of_pytest_files(lines[first:end], lines[end:], where)
    if any(_SUMMARY.fullmatch(line) for line in lines):
        return _of_pytest(lines, where)
    if any(_TREE.match(line) for line in lines[:50]):
        what = "this is pytest's tree of the collected tests, not their ids"
        raise InputError(what, where=where, remedy="write it with pytest --collect-only -q")
    if any(line.startswith(("ok  \t", "?   \t", "FAIL\t")) for line in lines):
        return _of_go(lines, where)
    return _checked([line.strip() for line in lines if line.strip()], where)


def _checked(names: Sequence[str], where: str, notes: Sequence[str] = ()) -> Listed:
    if not names:
        raise InputError("the list names no test", where=where, remedy="check what wrote it")
    if len(names) > MOST_TESTS:
        raise InputError(f"the list names more than {MOST_TESTS:,} tests", where=where)
    if option := next((name for name in names if name.startswith("--")), ""):
        what = f'the list holds "{option[:60]}", which a runner would take for an option'
        raise InputError(what, where=where, remedy="write the names of tests, one a line")
    return Listed(tuple(names), tuple(notes))


def _of_pytest(lines: Sequence[str], where: str) -> Listed:
    """`pytest --collect-only -q`: ids up to the first blank line, then perhaps warnings, then how many there are."""
    summary = next(match for line in reversed(lines) if (match := _SUMMARY.fullmatch(line)))
    if "error" in summary["rest"]:
        raise _incomplete(where)
    first = next((at for at, line in enumerate(lines) if "::" in line), len(lines))
    end = next((at for at in range(first, len(lines)) if not lines[at].strip()), len(lines))
    names = lines[first:end]
    if len(names) != int(summary["count"] or 0):
        what = f"the list has {len(names)} ids, but its last line says {summary['count'] or 'no'} tests"
        raise InputError(
            what, where=where, remedy="write it anew: pytest --collect-only -q > FILE, with nothing else in it"
        )
    return _checked(names, where)


def _of_pytest_files(counted: Sequence[str], others: Sequence[str], where: str) -> Listed:
    """The same with -q twice, of which one may stand in pytest's settings: files with their number of tests."""
    if any(line.startswith(("!!!", "ERROR ")) for line in others):
        raise _incomplete(where)
    note = "the list has files only, as pytest writes it with -q twice; whole files are shared out"
    return _checked([line.rpartition(": ")[0] for line in counted], where, [note])


def _incomplete(where: str) -> InputError:
    what = "pytest could not collect all tests, so this list lacks some"
    return InputError(what, where=where, remedy="mend what pytest --collect-only -q complains of")


def _of_go(lines: Sequence[str], where: str) -> Listed:
    """`go test -list . ./...`: the names of each package stand before the line that ends it."""
    names: list[str] = []
    waiting: list[str] = []
    benchmarks = 0
    for line in lines:
        if line.startswith("FAIL"):
            raise InputError(
                "a package did not build, so the list lacks its tests", where=where, remedy="run go vet ./..."
            )
        ended = _GO_END.fullmatch(line)
        if ended is not None:
            names += [f"{ended['package']}.{name}" for name in waiting]
            waiting.clear()
        elif (name := _GO_NAME.fullmatch(line)) is not None:
            benchmarks += name["kind"] == "Benchmark"
            waiting += [line] if name["kind"] != "Benchmark" else []
    if waiting:
        what = f"the list ends before it says which package {waiting[0][:100]} belongs to"
        raise InputError(what, where=where, remedy="write it anew: go test -list . ./... > FILE")
    return _checked(names, where, [f"benchmarks left out: {benchmarks}"] if benchmarks else [])
