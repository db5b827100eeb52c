"""Benchmarks: runs what makes them, finds their files, and reads whichever tool wrote them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import NamedTuple

from perfgate.adapters import benchmarks
from perfgate.adapters.bench_reading import Reading
from perfgate.core.entries import BenchEntry
from perfgate.core.metrics import Direction
from perfgate.core.model import Capture, Caveat, Measurement, Series, State
from perfgate.errors import InputError
from perfgate.formats import strict_json
from perfgate.formats.files import read
from perfgate.measure.globbing import matches
from perfgate.measure.lock import Alone, alone
from perfgate.measure.machine import machine_class
from perfgate.measure.result_files import OUT, Made, make, shown
from perfgate.measure.surroundings import Surroundings

#: A folder with more files than this is not a folder of results.
MOST_FILES = 1000
#: Nor is one with so many names in it.
MOST_NAMES = 100_000
#: Caveats that no longer hold once somebody said which way is better.
_DIRECTIONLESS = {"no-direction", "custom-unit"}
#: What one load of a page takes says little; from so many on, their median is worth comparing.
_ENOUGH = 5
#: Results in one folder that are further apart than this, in seconds, are not of one session.
_ONE_SESSION = 6 * 3600


class _Source(NamedTuple):
    """What to read: a file, or a folder of which `names` are a tool's own; `optional`: found in a folder, may be anything."""

    path: Path
    shown: str
    optional: bool = False
    folder: benchmarks.FolderFormat | None = None
    names: tuple[str, ...] = ()


def capture(
    entry: BenchEntry,
    surroundings: Surroundings,
    progress: Callable[[str], None],
    tell: Callable[[str], None] = lambda _: None,
    tell_more: Callable[[str], None] = lambda _: None,
) -> Capture:
    """Run `entry.run` where there is one, then read every file; `tell` hears what was recognized, `tell_more` why it is nothing else.

    `{out}` in `run` stands for a file of perfgate's, which is read too. Raises CommandFailed where the command fails,
    InputError for a file that is missing, broken, in no known format, or measures what another one measured.
    """
    if entry.tool and entry.tool not in benchmarks.TOOLS:
        raise InputError(f'there is no format "{entry.tool}"', remedy=f"there are {', '.join(benchmarks.TOOLS)}")
    with alone(Alone(tell=surroundings.tell)) if entry.run else nullcontext():
        made = make(entry.run, entry.name, surroundings, progress)
    readings: list[Reading] = []
    caveats: list[Caveat] = []
    for source in _sources(entry, surroundings.root, made):
        progress(f"reading {source.shown}")
        reading = _read(source, entry.tool, tell, tell_more)
        if reading is not None:
            tell(_sentence(reading, source.shown))
            readings.append(_directed(reading, entry.better))
            caveats += [*_stale(made, source), *_other_machine(reading, source, surroundings)]
    if not readings:
        raise InputError(
            "there is no benchmark result in this folder",
            where=", ".join(entry.files),
            remedy=f"name a file of {entry.tool or ', '.join(benchmarks.TOOLS)}",
        )
    joined = Capture.joined([*_gathered(readings), Capture(caveats=tuple(caveats))])
    return _with_arch(joined, machine_class(surroundings.environ).arch)


def _read(source: _Source, tool: str, tell: Callable[[str], None], tell_more: Callable[[str], None]) -> Reading | None:
    if source.folder is not None:
        return source.folder.read(source.names, _loader(source), source.shown)
    data = read(source.path, source.shown)
    try:
        reading = benchmarks.read(data, source.shown, tool)
    except benchmarks.UnknownFormat:
        if not source.optional:
            raise
        tell(f"skipped {source.shown}: no benchmark results")
        return None
    if not tool:
        for line in benchmarks.why_not(data, source.shown):
            tell_more(f"  not of {line}")
    return reading


def _loader(source: _Source) -> Callable[[str], object]:
    def load(name: str) -> object:
        where = f"{source.shown}/{name}"
        return strict_json.loads(read(source.path / name, where), where, words=True)

    return load


def _directed(reading: Reading, better: Direction) -> Reading:
    """The reading with a direction for every series that has none."""
    if better is Direction.NONE:
        return reading
    measurements = tuple(
        each._replace(better=better) if each.better is Direction.NONE else each for each in reading.capture.measurements
    )
    caveats = tuple(each for each in reading.capture.caveats if each.code not in _DIRECTIONLESS)
    return reading._replace(capture=reading.capture._replace(measurements=measurements, caveats=caveats))


def _gathered(readings: list[Reading]) -> Iterator[Capture]:
    """The captures of the readings; those of a tool with one sample a file are put together."""
    single = [each for each in readings if each.sample_a_file]
    yield from (each.capture for each in readings if not each.sample_a_file)
    caveats = dict.fromkeys(caveat for each in single for caveat in each.capture.caveats)
    found: dict[Series, list[Measurement]] = {}
    for each in single:
        for measurement in each.capture.measurements:
            found.setdefault(measurement.series, []).append(measurement)
    failed = 0
    gathered = []
    for measurements in found.values():
        good = [each for each in measurements if each.state is State.MEASURED]
        failed = max(failed, len(measurements) - len(good) if good else 0)
        first = (good or measurements)[0]
        gathered.append(first._replace(values=tuple(value for each in good for value in each.values)))
    if failed:
        message = f"{failed} of {len(single)} files hold no value: the others stand for them"
        caveats[Caveat("failed-samples", message, "see why they failed")] = None
    most = max((len(each.values) for each in gathered), default=0)
    if 0 < most < _ENOUGH:
        message = (
            f"{single[0].tool}: {most} {'run is' if most == 1 else 'runs are'} few for a page, whose times vary much"
        )
        caveats[Caveat("few-samples", message, f"take at least {_ENOUGH}, and name all their files")] = None
    yield Capture(tuple(gathered), {}, tuple(caveats))


def _with_arch(capture: Capture, arch: str) -> Capture:
    """Exact counts depend on the instruction set, which no counter's file tells: it is this machine's."""
    measurements = tuple(
        each._replace(conditions=tuple(sorted((*each.conditions, ("arch", arch or "unknown")))))
        if "counter version" in dict(each.conditions) and "arch" not in dict(each.conditions)
        else each
        for each in capture.measurements
    )
    return capture._replace(measurements=measurements)


def _sentence(reading: Reading, name: str) -> str:
    noun = "benchmark" if reading.benchmarks == 1 else "benchmarks"
    return f"read {reading.benchmarks} {noun} from {name} ({reading.title})"


def _sources(entry: BenchEntry, root: Path, made: Made) -> Iterator[_Source]:
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
        for source in _named(pattern, root, made, entry.tool):
            if source.path not in seen:
                seen.add(source.path)
                yield source


def _named(pattern: str, root: Path, made: Made, tool: str) -> Iterator[_Source]:
    if OUT in pattern:
        path = made.path(pattern)
        if path.is_dir():
            yield from _inside(path, pattern, pattern, root, tool)
        else:
            yield _Source(path, pattern)
        return
    found = matches(root, pattern)
    if not found:
        raise InputError(f'there is no file "{pattern}"', remedy="check the path, or run the benchmarks first")
    for path in found:
        if path.is_dir():
            yield from _inside(path, pattern, shown(path, root), root, tool)
        else:
            yield _Source(path, shown(path, root))


def _inside(folder: Path, pattern: str, name: str, root: Path, tool: str) -> Iterator[_Source]:
    """The results in a folder: first those that are a folder of files themselves, then every file that is left."""
    names = _listed(folder, pattern)
    left = set(names)
    for each in benchmarks.FOLDER_FORMATS:
        if tool in {"", each.tool} and not each.why_not(names):
            left -= each.claims(names)
            yield _Source(folder, name.rstrip("/"), folder=each, names=names)
    if len(left) > MOST_FILES:
        raise InputError(f"there are more than {MOST_FILES:,} files in it", where=pattern, remedy="name the files")
    for file in sorted(left):
        path = folder / file
        if path.is_file():
            yield _Source(path, shown(path, root) if OUT not in name else f"{name}/{file}", optional=True)


def _listed(folder: Path, pattern: str) -> tuple[str, ...]:
    """The files in a folder and below, relative to it; hidden ones are nobody's results, links to folders are not followed."""
    found: list[str] = []
    for name, folders, files in os.walk(folder):
        folders[:] = sorted(each for each in folders if not each.startswith("."))
        inner = Path(name).relative_to(folder)
        found += ((inner / each).as_posix() for each in files if not each.startswith("."))
        if len(found) > MOST_NAMES:
            raise InputError(f"there are more than {MOST_NAMES:,} files in it", where=pattern, remedy="name the files")
    return tuple(sorted(found))


def _stale(made: Made, source: _Source) -> tuple[Caveat, ...]:
    """A caveat where a file is older than the command, or part of a folder's results than the rest of them."""
    if source.folder is None:
        return made.stale(source.path, source.shown)
    files = [source.path / name for name in source.folder.results(source.names)]
    times = {path: path.stat().st_mtime for path in files if path.is_file()}
    if not times:
        return ()
    oldest = min(times, key=lambda path: times[path])
    told = f"{source.shown}/{oldest.relative_to(source.path).as_posix()}"
    if made.started is not None:
        return made.stale(oldest, told)
    if max(times.values()) - times[oldest] > _ONE_SESSION:
        message = f"{told} is older than other results in this folder by hours"
        return (
            Caveat("stale-file", message, "remove results of benchmarks that are gone, and run all in one session"),
        )
    return ()


def _other_machine(reading: Reading, source: _Source, surroundings: Surroundings) -> tuple[Caveat, ...]:
    """Results from another machine carry this machine's class in the run, so a difference must be told."""
    if not reading.cpu:
        return ()
    mine = machine_class(surroundings.environ).cpu_model
    theirs = re.sub(r"\((?:R|TM|r|tm)\)|®|™", " ", reading.cpu)
    if not mine or set(mine.split()) <= set(theirs.split()):
        return ()
    message = f"{source.shown} was measured on another processor ({' '.join(theirs.split())}) than this one ({mine})"
    return (Caveat("other-machine", message, "measure and read the results on the same machine"),)
