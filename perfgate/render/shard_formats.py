"""Shards for programs: lists that a test runner takes, CircleCI's timings, pytest-split's durations, and a matrix for GitHub."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence

from perfgate.core.recorded_times import Estimate, How
from perfgate.core.sharding import Plan
from perfgate.core.suite_names import file_of, is_file, scope_of
from perfgate.errors import InputError
from perfgate.render.shard import seconds

#: GitHub refuses a matrix of more jobs, and an output of a job above 1 MB (docs.github.com, "Usage limits" and "Passing information").
MOST_JOBS, MOST_OUTPUT = 256, 900_000
#: Linux takes no single argument or variable above 128 KiB (execve(2), MAX_ARG_STRLEN).
MOST_ARGUMENTS = 120_000


def lines(tests: Sequence[str], *, nul: bool = False) -> str:
    """The names one a line, or each ended by a NUL; InputError for a name that would be two.

    A path that begins with "@" or "-" gets a "./" before it: pytest would read another file of arguments, or an option.
    """
    end = "\0" if nul else "\n"
    for test in tests:
        if end in test or "\0" in test or (not nul and "\r" in test):
            what = f"the name {test[:100]!r} has a line break in it, so a list by lines cannot hold it"
            raise InputError(what, remedy="take --null")
    return "".join((f"./{test}" if test[0] in "@-" and _is_path(test) else test) + end for test in tests)


def _is_path(test: str) -> bool:
    return "::" in test or is_file(test)


def durations(tests: Sequence[Estimate]) -> dict[str, float]:
    """What pytest-split is given: measured tests only, as for the others it has its own rule; InputError where there is none."""
    known = {
        test.name: seconds(test.cost)
        for test in tests
        if test.cost is not None and test.how in {How.MEASURED, How.SHARE}
    }
    if not known:
        raise InputError("no time of any of these tests is known", remedy="give recorded times: --from 'reports/*.xml'")
    if not all("::" in name for name in known):
        raise InputError(
            "pytest-split knows tests by their node ids, and these names are none",
            remedy="give the list of them: --tests FILE, written by pytest --collect-only -q",
        )
    return known


def circleci(tests: Sequence[Estimate]) -> str:
    """Times in the shape of CircleCI's own results.json, by file, class and name, for `circleci tests split --split-by=timings`."""
    rows = [
        {
            "classname": scope_of(test.name),
            "file": test.name if is_file(test.name) else file_of(test.name) or test.file,
            "name": test.name,
            "result": "skipped" if test.how is How.SKIPPED else "success",
            "run_time": seconds(test.cost),
        }
        for test in tests
        if test.cost is not None
    ]
    if not rows:
        raise InputError("no time of any of these tests is known", remedy="give recorded times: --from 'reports/*.xml'")
    return json.dumps({"tests": rows, "files": [], "exceptions": []}, ensure_ascii=False)


def github_matrix(plan: Plan, files: Sequence[str], *, timed: bool) -> str:
    """A matrix for `fromJSON`, one job for each shard that has tests, on one line.

    A job gets the name of its file where `files` names one for each shard, else its tests as words for a shell. InputError where
    GitHub or the shell would not take it.
    """
    include: list[dict[str, str | int | float]] = []
    for number, shard in enumerate(plan.shards, 1):
        if not shard.units:
            continue
        job: dict[str, str | int | float] = {"shard": number, "of": len(plan.shards), "tests": len(shard.tests)}
        if timed:
            job["seconds"] = round(seconds(shard.took + plan.overhead), 3)
        if files:
            job["file"] = files[number - 1]
        else:
            job["args"] = shlex.join(shard.tests)
            if len(str(job["args"]).encode()) > MOST_ARGUMENTS:
                raise _too_large(f"the tests of shard {number} are more than a command line takes")
        include.append(job)
    if len(include) > MOST_JOBS:
        raise InputError(
            f"GitHub takes at most {MOST_JOBS} jobs in a matrix", where="--into", remedy="share out into fewer"
        )
    text = json.dumps({"include": include}, ensure_ascii=True)
    if len(text) > MOST_OUTPUT:
        raise _too_large("the matrix is larger than GitHub lets a job hand on")
    return text


def _too_large(what: str) -> InputError:
    remedy = "hand the lists on as an artifact (--out DIR), or let each job make its own: --index"
    return InputError(what, where="--format github-matrix", remedy=remedy)
