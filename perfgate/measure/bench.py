"""Benchmarks: runs what makes them, finds their files, and reads whichever tool wrote them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from perfgate.adapters import benchmarks
from perfgate.adapters.bench_reading import Reading
from perfgate.core.entries import BenchEntry
from perfgate.core.model import Capture, Caveat
from perfgate.errors import InputError
from perfgate.formats.files import read
from perfgate.measure.globbing import matches
from perfgate.measure.machine import machine_class
from perfgate.measure.result_files import OUT, Made, make, shown
from perfgate.measure.surroundings import Surroundings

#: A folder with more files than this is not a folder of results.
MOST_FILES = 1000


class _File(NamedTuple):
    """A file to read, as it is shown, and whether it was found in a folder and so may be something else."""

    path: Path
    shown: str
    optional: bool = False


def capture(
    entry: BenchEntry,
    surroundings: Surroundings,
    progress: Callable[[str], None],
    tell: Callable[[str], None] = lambda _: None,
) -> Capture:
    """Run `entry.run` where there is one, then read every file; `tell` hears what was recognized.

    `{out}` in `run` stands for a file of perfgate's, which is read too. Raises CommandFailed where the command fails,
    InputError for a file that is missing, broken, in no known format, or measures what another one measured.
    """
    made = make(entry.run, entry.name, surroundings, progress)
    captures: list[Capture] = []
    for file in _files(entry, surroundings.root, made):
        progress(f"reading {file.shown}")
        reading = _read(file, tell)
        if reading is not None:
            tell(_sentence(reading, file.shown))
            caveats = (*made.stale(file.path, file.shown), *_other_machine(reading, file, surroundings))
            captures += [reading.capture, Capture(caveats=caveats)]
    if not captures:
        raise InputError(
            "there is no benchmark result in this folder",
            where=", ".join(entry.files),
            remedy=f"name a file of {', '.join(benchmarks.TOOLS)}",
        )
    return Capture.joined(captures)


def _read(file: _File, tell: Callable[[str], None]) -> Reading | None:
    try:
        return benchmarks.read(read(file.path, file.shown), file.shown)
    except benchmarks.UnknownFormat:
        if not file.optional:
            raise
        tell(f"skipped {file.shown}: no benchmark results")
        return None


def _sentence(reading: Reading, name: str) -> str:
    noun = "benchmark" if reading.benchmarks == 1 else "benchmarks"
    return f"read {reading.benchmarks} {noun} from {name} ({reading.title})"


def _files(entry: BenchEntry, root: Path, made: Made) -> Iterator[_File]:
    wanted = list(entry.files)
    if any(OUT in word for word in entry.run) and not any(OUT in pattern for pattern in wanted):
        wanted.append(OUT)
    if not wanted:
        raise InputError(
            "no file of benchmark results is named",
            where=entry.name,
            remedy="name the file under files:, or write {out} where the command takes the name of its result file",
        )
    seen: set[Path] = set()
    for pattern in wanted:
        for file in _named(pattern, root, made):
            if file.path not in seen:
                seen.add(file.path)
                yield file


def _named(pattern: str, root: Path, made: Made) -> Iterator[_File]:
    if OUT in pattern:
        yield _File(made.path(pattern), pattern)
        return
    found = matches(root, pattern)
    if not found:
        raise InputError(f'there is no file "{pattern}"', remedy="check the path, or run the benchmarks first")
    for path in found:
        if path.is_dir():
            yield from _inside(path, pattern, root)
        else:
            yield _File(path, shown(path, root))


def _inside(folder: Path, pattern: str, root: Path) -> Iterator[_File]:
    count = 0
    for name, folders, files in os.walk(folder):
        folders.sort()
        for each in sorted(files):
            count += 1
            if count > MOST_FILES:
                raise InputError(
                    f"there are more than {MOST_FILES:,} files in it", where=pattern, remedy="name the files"
                )
            path = Path(name) / each
            if path.is_file() and not each.startswith("."):
                yield _File(path, shown(path, root), optional=True)


def _other_machine(reading: Reading, file: _File, surroundings: Surroundings) -> tuple[Caveat, ...]:
    """Results from another machine carry this machine's class in the run, so a difference must be told."""
    if not reading.cpu:
        return ()
    mine = machine_class(surroundings.environ).cpu_model
    theirs = re.sub(r"\((?:R|TM|r|tm)\)|®|™", " ", reading.cpu)
    if not mine or set(mine.split()) <= set(theirs.split()):
        return ()
    message = f"{file.shown} was measured on another processor ({' '.join(theirs.split())}) than this one ({mine})"
    return (Caveat("other-machine", message, "measure and read the results on the same machine"),)
