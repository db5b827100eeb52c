"""Where the reports of a test suite come from: files that are there, or those that running the suite leaves."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from perfgate.adapters import suite_formats
from perfgate.adapters.suite_head import LOOKED_AT
from perfgate.core.entries import TestsEntry
from perfgate.errors import CommandFailed, InputError
from perfgate.measure import suite_recording
from perfgate.measure.command import Execution, failed, fill, run_once
from perfgate.measure.globbing import matches
from perfgate.measure.lock import Alone, alone
from perfgate.measure.surroundings import Surroundings

_OUT = "{out}"
_PYTEST = frozenset({"pytest", "py.test"})
_REPORT_OPTIONS = ("--junitxml", "--junit-xml")
#: Programs that start the program named behind their own words.
_STARTERS = frozenset(
    {"coverage", "env", "hatch", "nice", "pdm", "pipenv", "pixi", "poetry", "timeout", "uv", "uvx", "xvfb-run"}
)


#: How test reports in a folder end, and whether a file that ends so is likely to be one.
_LIKELY = {".xml": True, ".trx": True, ".json": False, ".jsonl": False, ".ndjson": False}


class Reports(NamedTuple):
    """Report files, and where the suite was run for them its wall time in seconds and how many older reports are left out.

    `out` is the file behind `{out}`, which is shown to nobody. `failure` is the suite's run where it ended with another code than 0.
    """

    paths: tuple[Path, ...]
    wall: float | None = None
    stale: int = 0
    out: Path | None = None
    failure: Execution | None = None


def found(patterns: Sequence[str], root: Path) -> Reports:
    """The reports that patterns, files or folders name, each once; raises InputError for a pattern that names none."""
    paths: dict[str, Path] = {}
    for pattern in patterns:
        named = list(_named(pattern, root))
        if not named:
            what = f'no report matches "{pattern}"'
            if (root / pattern).is_dir():
                what = f'the folder "{pattern}" holds no test report that perfgate reads'
            raise InputError(what, remedy="run the tests first, or check the pattern")
        for path in named:
            paths.setdefault(os.path.realpath(path), path)
    return Reports(tuple(paths.values()))


def made(entry: TestsEntry, surroundings: Surroundings, progress: Callable[[str], None]) -> Reports:
    """Run the suite and take the reports it wrote; those that were there before and did not change are stale.

    Raises CommandFailed where a signal ends the suite, or it writes no report where it was asked for one.
    """
    out = Path(tempfile.mkdtemp(dir=surroundings.work)) / "junit.xml"
    words, patterns = with_report(entry.run, entry.reports)
    wanted = [fill([pattern], out=out)[0] for pattern in patterns]
    before = _stamps(wanted, surroundings.root)
    progress(f"running {entry.run[0]}")
    folder = Path(tempfile.mkdtemp(dir=surroundings.work))
    around = surroundings._replace(environ=suite_recording.asking(surroundings.environ, folder))
    with alone(Alone(tell=surroundings.tell)):
        execution = run_once(fill(words, out=out), around, what=f'"{entry.name}"', accept=lambda code: code >= 0)
    failure = execution if execution.returncode else None
    is_pytest, names = _pytest(words) is not None, any(_OUT in word for word in words)
    if records := suite_recording.left(entry, folder, is_pytest=is_pytest, names_reports=names):
        return Reports(records, execution.wall, out=records[0], failure=failure)
    if any(_OUT in word for word in words) and not any(_OUT in pattern for pattern in patterns):
        patterns, wanted = (_OUT, *patterns), [str(out), *wanted]
    after = _stamps(wanted, surroundings.root)
    fresh = {os.path.realpath(path): path for path, stamp in after.items() if before.get(path) != stamp}
    # A suite that failed may have stopped before it wrote them all, but the reports of its failures are needed.
    if failure is not None and not fresh:
        raise failed(f'"{entry.name}"', failure)
    for pattern, filled in zip(patterns, wanted, strict=True) if failure is None else ():
        if not fresh or not any(path in after for path in _named(filled, surroundings.root)):
            raise CommandFailed(
                f'the command "{entry.name}" wrote no report {pattern}',
                remedy="let it write its report there, or give {out} where it takes the name of its report",
                output=execution.output_tail,
            )
    stale = {os.path.realpath(path) for path in after} - fresh.keys()
    return Reports(tuple(fresh.values()), execution.wall, len(stale), out, failure)


def with_report(run: Sequence[str], reports: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The words of a command and the patterns of its reports; pytest is asked for a report where nobody did.

    The option goes right behind the word pytest: behind "--" it would be the name of a file.
    """
    words, patterns = tuple(run), tuple(reports)
    at = _pytest(words)
    if at is None or patterns or any(_OUT in word for word in words):
        return words, patterns
    for index in range(at + 1, len(words)):
        option, equals, value = words[index].partition("=")
        if option in _REPORT_OPTIONS:
            own = value if equals else "".join(words[index + 1 : index + 2])
            return words, (own,) if own else ()
    return (*words[: at + 1], f"--junitxml={_OUT}", *words[at + 1 :]), ()


def suite_name(run: Sequence[str]) -> str:
    """What a suite is called that nobody named: "pytest", else the program that runs it, "tests" without one."""
    if not run:
        return "tests"
    at = _pytest(run)
    return "pytest" if at is not None else Path(run[0]).name or "tests"


def _pytest(words: Sequence[str]) -> int | None:
    """The position of the word that starts pytest, None where the command is something else."""
    for index, word in enumerate(words):
        first = index == 0 or Path(words[0]).name in _STARTERS
        module = index > 0 and words[index - 1] == "-m" and word == "pytest"
        if module or (first and Path(word).name in _PYTEST):
            return index
    return None


def _named(pattern: str, root: Path) -> Iterator[Path]:
    """The files a pattern names; a folder stands for the test reports in it, and other files in it are left alone."""
    for path in matches(root, pattern):
        if path.is_dir():
            inside = (inner for inner in path.rglob("*") if inner.suffix.lower() in _LIKELY)
            yield from sorted(inner for inner in inside if inner.is_file() and _belongs(inner))
        else:
            yield path


def _belongs(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return suite_formats.belongs(stream.read(LOOKED_AT), likely=_LIKELY[path.suffix.lower()])
    except OSError:
        # What cannot be read is told when it is to be read.
        return _LIKELY[path.suffix.lower()]


def _stamps(patterns: Sequence[str], root: Path) -> dict[Path, tuple[int, int, int]]:
    """What changes of a file when it is written, for every file that the patterns name."""
    stamps = {}
    for pattern in patterns:
        for path in _named(pattern, root):
            try:
                status = path.stat()
            except OSError:
                # A link to nowhere, or a file removed meanwhile.
                continue
            stamps[path] = (status.st_mtime_ns, status.st_size, status.st_ino)
    return stamps
