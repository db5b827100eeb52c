"""What `perfgate shard` does: the list, the times, the shards, and where they go."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from perfgate.adapters import pytest_split, suite_lists
from perfgate.cli import console, exit_codes, recorded, redacting
from perfgate.core.model import glob_matches
from perfgate.core.recorded_times import Estimate, Estimates, Keep, Recording, estimates, recorded_names, units
from perfgate.core.sharding import MOST_SHARDS, SECOND, Algorithm, Plan, choose, split
from perfgate.core.suite_names import is_file
from perfgate.errors import InputError
from perfgate.formats.files import read, write_atomically
from perfgate.render import shard as page
from perfgate.render import shard_formats

_SHARD_FILE = re.compile(r"shard-\d+\.txt")
#: What makes others run exactly these names, so that a missing or foreign one is an error.
_LISTS = frozenset({"node-ids", "github-matrix"})


class Wanted(NamedTuple):
    """The command line; 0 and "" where nothing was said."""

    into: int = 0
    shard: int = 0
    tests: str = ""
    sources: tuple[str, ...] = ()
    suite: str = ""
    last: int = 20
    algorithm: Algorithm | None = None
    speeds: str = ""
    keep: Keep = Keep.NONE
    first: tuple[str, ...] = ()
    failed_first: bool = False
    overhead: str = ""


def share(wanted: Wanted, form: str, *, null: bool, out: Path | None, output: Path | None) -> int:
    """Share out, print or write; the exit code: NOTHING_JUDGED for a shard without tests."""
    if form != "node-ids" and null:
        raise InputError("only names are ended by a NUL", where="--null", remedy="take --format node-ids")
    index = wanted.shard if form != "node-ids" or out is not None else wanted.shard or _index_by_ci(wanted.into)
    into = wanted.into or _total_by_ci()
    if not 1 <= into <= MOST_SHARDS:
        raise InputError(
            f"the number of shards is 1 to {MOST_SHARDS:,}", where="--into", remedy="write for example --into 4"
        )
    if index > into or index < 0:
        raise InputError(
            f"there is no shard {index} of {into}", where="--index", remedy=f"shards count from 1 to {into}"
        )
    speeds = _speeds(wanted.speeds, into)
    algorithm = _algorithm(wanted, speeds)
    with console.progress() as progress:
        times = recorded.find(wanted.sources, wanted.suite, wanted.last, progress)
        names, listed = _names(wanted.tests, times.recordings)
        told = estimates(names, times.recordings)
        if not wanted.tests:
            _check_recorded(told.tests, times.recordings, form, out)
        sharing = _shared(wanted, into, told, algorithm, speeds, choosing=form in {"table", "json"})
    sharing = sharing._replace(source=times.told, notes=(*listed, *times.notes, *_idle(wanted, told)))
    return _give(sharing, form, index, null=null, out=out, output=output)


# --- what is asked for ------------------------------------------------------------------------------------------------


def _total_by_ci() -> int:
    from perfgate.forge.parallel_jobs import copy_of

    copy = copy_of(os.environ)
    return copy.total if copy else 0


def _index_by_ci(into: int) -> int:
    """Which shard this job is to run; InputError where no CI system says it, or it runs another number of jobs: some tests would be lost."""
    from perfgate.forge.parallel_jobs import copy_of

    copy = copy_of(os.environ)
    if copy is None:
        raise InputError(
            "which shard is wanted?",
            where="--index",
            remedy="write for example --index 1, or --out DIR for all of them",
        )
    if into and copy.total != into:
        what = f"--into is {into}, but {copy.variables} say that there are {copy.total} jobs, so not every test would run once"
        raise InputError(what, where="--into", remedy="leave --into out")
    return copy.number


def _speeds(text: str, into: int) -> tuple[Fraction, ...]:
    if not text:
        return ()
    parts = [part.strip() for part in text.split(",")]
    if not all(re.fullmatch(r"\d{1,6}(\.\d{1,6})?", part) and Fraction(part) > 0 for part in parts):
        raise InputError(
            f'"{text[:100]}" is not a list of speeds', where="--speeds", remedy="write for example 1,1,0.5"
        )
    if len(parts) != into:
        raise InputError(
            f"there are {len(parts)} speeds for {into} shards", where="--speeds", remedy="give one for each"
        )
    return tuple(map(Fraction, parts))


def _algorithm(wanted: Wanted, speeds: Sequence[Fraction]) -> Algorithm:
    """The algorithm asked for, or that of the options that need one; InputError for options that it would not heed."""
    priority = bool(wanted.first) or wanted.failed_first
    usual = Algorithm.PRIORITY_FIRST if priority else Algorithm.WEIGHTED if speeds else Algorithm.LEAST_LOADED
    chosen = wanted.algorithm or usual
    if chosen is Algorithm.WEIGHTED and not speeds:
        raise InputError("how fast are the runners?", where="--speeds", remedy="write for example --speeds 1,1,0.5")
    if priority and chosen is not Algorithm.PRIORITY_FIRST:
        raise InputError(
            f"{chosen.value} has no order of priority", where="--first", remedy="take --algorithm priority-first"
        )
    if chosen is Algorithm.PRIORITY_FIRST and not priority:
        raise InputError(
            "which tests come first?", where="--first", remedy="write --first 'tests/smoke/*' or --failed-first"
        )
    if speeds and chosen in {Algorithm.IN_ORDER, Algorithm.ROUND_ROBIN}:
        raise InputError(
            f"{chosen.value} does not look at speeds", where="--speeds", remedy="take --algorithm weighted"
        )
    return chosen


# --- what is shared out -----------------------------------------------------------------------------------------------


def _names(tests: str, recordings: Sequence[Recording]) -> tuple[Sequence[str], tuple[str, ...]]:
    """The names to share out, and what to say of them."""
    if not tests:
        names = recorded_names(recordings)
        if not names:
            remedy = "give the list of tests (--tests FILE), or times (--from 'reports/*.xml')"
            raise InputError("there is no list of tests, and no run has recorded any", where="--tests", remedy=remedy)
        return names, ("no --tests: all recorded names are shared out, those of tests that are gone among them",)
    data = sys.stdin.buffer.read() if tests == "-" else read(Path(tests), console.shown(Path(tests)))
    where = "standard input" if tests == "-" else console.shown(Path(tests))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError("the list is not UTF-8", where=where, remedy="write it as UTF-8") from error
    listed = suite_lists.read(text, where)
    return listed.names, listed.notes


def _check_recorded(tests: Sequence[Estimate], recordings: Sequence[Recording], form: str, out: Path | None) -> None:
    """Without a list, names for a runner must be a runner's own, and all of them."""
    if form not in _LISTS and out is None:
        return
    remedy = "give the list of tests: --tests FILE, written for example by pytest --collect-only -q"
    if not all(run.is_whole for run in recordings):
        what = "runs keep the names of the dearest tests that were executed, so the others would never run"
        raise InputError(what, where="--tests", remedy=remedy)
    strange = next((test.name for test in tests if "::" not in test.name and not is_file(test.name)), None)
    if strange is not None:
        what = f'"{strange[:200]}" is what a report calls a test, and may not be what its runner does'
        raise InputError(what, where="--tests", remedy=remedy)


def _idle(wanted: Wanted, told: Estimates) -> list[str]:
    """What was to come first and is not there, a sentence each."""
    idle = [
        f'no test is called "{glob[:200]}", which was to come first'
        for glob in wanted.first
        if not any(glob_matches(glob, test.name) for test in told.tests)
    ]
    if wanted.failed_first and not any(test.failed for test in told.tests):
        idle.append("no test of the list failed in a recorded run")
    return idle


def _shared(
    wanted: Wanted, into: int, told: Estimates, algorithm: Algorithm, speeds: Sequence[Fraction], *, choosing: bool
) -> page.Sharing:
    first = frozenset(
        test.name
        for test in told.tests
        if (wanted.failed_first and test.failed) or any(glob_matches(glob, test.name) for glob in wanted.first)
    )
    timed = any(test.cost is not None for test in told.tests)
    tests = told.tests
    if not timed and algorithm is Algorithm.IN_ORDER:
        # By number: each test counts as much as any other.
        tests = tuple(test._replace(cost=1) for test in tests)
    elif not timed:
        algorithm = Algorithm.ROUND_ROBIN
    shared = units(tests, wanted.keep, first)
    overhead = round(console.seconds(wanted.overhead, "--overhead") * SECOND) if wanted.overhead else 0
    plan = split(shared, into, algorithm, speeds=speeds, overhead=overhead)
    choice = None
    if choosing and timed and len(set(speeds)) < 2:
        choice = choose(shared, into, algorithm, overhead)
    return page.Sharing(plan, told, choice, "", (), _fingerprint(plan))


def _fingerprint(plan: Plan) -> str:
    import hashlib

    told = "\0\0".join("\0".join(shard.tests) for shard in plan.shards)
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:12]


# --- where it goes ----------------------------------------------------------------------------------------------------


def _give(sharing: page.Sharing, form: str, index: int, *, null: bool, out: Path | None, output: Path | None) -> int:
    if form not in {"table", "json"}:
        console.say(
            f"plan {sharing.fingerprint}: {len(sharing.plan.shards)} shards of {len(sharing.estimates.tests)} tests"
        )
        for sentence in page.sentences(sharing):
            console.say(sentence)
    files = _write_lists(sharing.plan, out, null=null) if out is not None else ()
    if form == "node-ids" and out is not None:
        return exit_codes.PASS
    if form == "node-ids" and not sharing.plan.shards[index - 1].units:
        console.say_error(f"shard {index} of {len(sharing.plan.shards)} has nothing to run")
        return exit_codes.NOTHING_JUDGED
    _print(_text(sharing, form, index, files, null=null), output, exact=form not in {"table", "json"})
    return exit_codes.PASS


def _text(sharing: page.Sharing, form: str, index: int, files: Sequence[str], *, null: bool) -> str:
    tests = sharing.estimates.tests
    if form == "node-ids":
        return shard_formats.lines(sharing.plan.shards[index - 1].tests, nul=null)
    if form == "pytest-split":
        return pytest_split.dump(shard_formats.durations(tests).items())
    if form == "circleci":
        return shard_formats.circleci(tests) + "\n"
    if form == "github-matrix":
        return shard_formats.github_matrix(sharing.plan, files, timed=sharing.is_timed) + "\n"
    if form == "json":
        return page.as_json(sharing) + "\n"
    return page.render(sharing, width=console.width(), colour=console.colour()) + "\n"


def _print(text: str, output: Path | None, *, exact: bool) -> None:
    """Write a file as it is; print what is harmless. A name that printing would change would be the name of another test."""
    if output is not None and str(output) != "-":
        write_atomically(output, text.encode("utf-8", "surrogateescape"))
        console.say(f"written to {console.shown(output)}")
        return
    if exact and (redacting.clean(text) != text or (text[:1] != "{" and console.without_commands(text) != text)):
        raise InputError(
            "a name reads as a secret or as a command to the CI system, so it is not printed",
            remedy="write the names to files: --out DIR, or -o FILE",
        )
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape")) if exact else console.out(text.removesuffix("\n"))


def _write_lists(plan: Plan, folder: Path, *, null: bool) -> list[str]:
    """Write a file for each shard that has tests; none for the others, and none of an earlier call stays.

    A runner that is given an empty list runs everything, one that is given a missing file fails.
    """
    names = [f"shard-{number}.txt" for number in range(1, len(plan.shards) + 1)]
    written = set()
    for name, shard in zip(names, plan.shards, strict=True):
        if shard.units:
            write_atomically(
                folder / name, shard_formats.lines(shard.tests, nul=null).encode("utf-8", "surrogateescape")
            )
            written.add(name)
    for path in folder.iterdir() if folder.is_dir() else ():
        if _SHARD_FILE.fullmatch(path.name) and path.name not in written and not path.is_dir():
            path.unlink()
    console.say(f"written to {console.shown(folder)}: {len(written)} lists")
    return [(folder / name).as_posix() for name in names]
