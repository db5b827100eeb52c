"""The check run on GitHub: created in progress, filled with annotations, and concluded whatever happens in between."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

from perfgate.core.budgets import Level
from perfgate.core.decision import Decision
from perfgate.errors import OperationFailed, PerfgateError
from perfgate.forge import github_rest
from perfgate.forge.marker import Marker
from perfgate.forge.rest import Client, Refused
from perfgate.forge.telling import Outcome

#: What GitHub takes: annotations in one request, and characters of a summary; bytes are kept below that, which are never fewer.
BATCH, LONGEST_SUMMARY = 50, 65_535
#: Nobody reads more annotations than these, and each fifty are a request; the summary tells the rest.
MOST = 200
_LONGEST_TITLE, _LONGEST_MESSAGE = 255, 4_000
_KINDS = {Level.BLOCK: "failure", Level.WARN: "warning"}


class Annotation(NamedTuple):
    """A sentence beside one line of a file in the repository."""

    path: str
    line: int
    level: Level
    title: str
    message: str


class Check(NamedTuple):
    """A decision as a check run: `name` is what branch protection would ask for, `link` the run's address or ""."""

    name: str
    marker: Marker
    conclusion: str
    title: str
    summary: str
    annotations: tuple[Annotation, ...] = ()
    link: str = ""

    @property
    def external_id(self) -> str:
        """Which attempt of which run said this: the same again updates it."""
        return f"perfgate {self.marker.key} {self.marker.run}.{self.marker.attempt}"


def conclusion_of(decision: Decision) -> str:
    """What a decision concludes a check with; where nothing could be judged somebody must look, which is neither pass nor breach."""
    if decision.level is Level.BLOCK or decision.command_failed:
        return "failure"
    if decision.level is Level.WARN:
        return "neutral"
    return "action_required" if decision.nothing_judged else "success"


def tell(environ: Mapping[str, str], check: Check, *, sleep: Callable[[float], None] = time.sleep) -> Outcome:
    """Write the check run; never raises for anything that GitHub or the network does."""
    if not check.marker.head:
        return Outcome("no check run: the commit that was judged is not known", failed=True)
    if not github_rest.has_token(environ):
        return Outcome(f'the check run "{check.name}" could not be written: this step has no GITHUB_TOKEN', failed=True)
    try:
        client = github_rest.client(environ, sleep=sleep)
        return Outcome(_tell(client, github_rest.repository(environ), check))
    except PerfgateError as error:
        status = error.status if isinstance(error, Refused) else 0
        remedy = "the job needs checks: write, which a fork's pull request never has"
        if status == 401:
            remedy = "the token is not one that GitHub knows, or no longer"
        remedy = remedy if status in {401, 403, 404} else error.remedy
        return Outcome(f'the check run "{check.name}" could not be written: {error.what}; {remedy}'.rstrip("; "), True)


def _tell(client: Client, repository: str, check: Check) -> str:
    before = _own(client, repository, check)
    if before is not None and _says(before, check):
        return f'the check run "{check.name}" says so already'
    # GitHub adds annotations to those that are there.
    there = before is not None and _output(before).get("annotations_count")
    with _concluded(client, lambda: f"{repository}/check-runs/{_number(client, repository, check, before)}") as path:
        _fill(client, path, check, () if there else check.annotations)
    return f'the check run "{check.name}" says {check.conclusion}'


def _number(client: Client, repository: str, check: Check, before: dict[str, Any] | None) -> int:
    """The id of the check run that is there, or of a new one that is in progress."""
    if before is not None:
        found: int = before["id"]
        return found
    body = {
        "name": check.name,
        "head_sha": check.marker.head,
        "status": "in_progress",
        "external_id": check.external_id,
    }
    made = client.send("POST", f"{repository}/check-runs", body | ({"details_url": check.link} if check.link else {}))
    if not isinstance(made, dict) or type(made.get("id")) is not int:
        raise OperationFailed("GitHub's answer does not tell the check run's id", remedy="try again later")
    number: int = made["id"]
    return number


@contextmanager
def _concluded(client: Client, begin: Callable[[], str]) -> Iterator[str]:
    """The path of the check run that `begin` finds or makes. One that is in progress is concluded, also where we are stopped: nobody
    else ever would."""
    path = ""
    try:
        with _held_back():
            path = begin()
        yield path
    except BaseException:
        output = {
            "title": "perfgate failed",
            "summary": "perfgate stopped before it had told its verdict; see the job.",
        }
        with suppress(OperationFailed):
            if path:
                client.send("PATCH", path, {"conclusion": "action_required", "output": output})
        raise


@contextmanager
def _held_back() -> Iterator[None]:
    """For as long as this lasts a signal waits: of a check run that is being made, nobody would learn the id."""
    waiting = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, waiting)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _fill(client: Client, path: str, check: Check, annotations: Sequence[Annotation]) -> None:
    """All annotations but the last ones, then those with the conclusion. Refused annotations do not keep it from being concluded."""
    output = {"title": check.title[:_LONGEST_TITLE], "summary": _fitting(check)}
    told = [_value(each) for each in annotations]
    batches = [told[start : start + BATCH] for start in range(0, len(told), BATCH)] or [[]]
    final = {"status": "completed", "conclusion": check.conclusion, "output": output}
    try:
        for batch in batches[:-1]:
            client.send("PATCH", path, {"output": {**output, "annotations": batch}})
        last = {**output, "annotations": batches[-1]} if batches[-1] else output
        client.send("PATCH", path, {**final, "output": last})
    except Refused as error:
        if error.status != 422 or not told:
            raise
        client.send("PATCH", path, final)


def _fitting(check: Check) -> str:
    if len(check.summary.encode("utf-8", "replace")) <= LONGEST_SUMMARY:
        return check.summary
    return f"{check.title}: the rest is too long for a check run; the summary of the run has all of it."


def _value(each: Annotation) -> dict[str, Any]:
    return {
        "path": each.path,
        "start_line": each.line,
        "end_line": each.line,
        "annotation_level": _KINDS.get(each.level, "notice"),
        "title": each.title[:_LONGEST_TITLE],
        "message": each.message[:_LONGEST_MESSAGE],
    }


def _own(client: Client, repository: str, check: Check) -> dict[str, Any] | None:
    """The check run that this attempt of the run has written already; None where there is none."""
    if not check.marker.run:
        return None
    from urllib.parse import quote

    asked = f"{repository}/commits/{check.marker.head}/check-runs?check_name={quote(check.name, safe='')}&filter=all"
    for each in client.every(asked, within="check_runs"):
        if isinstance(each, dict) and type(each.get("id")) is int and each.get("external_id") == check.external_id:
            return each
    return None


def _output(told: dict[str, Any]) -> dict[str, Any]:
    output = told.get("output")
    return output if isinstance(output, dict) else {}


def _says(told: dict[str, Any], check: Check) -> bool:
    output = _output(told)
    return told.get("conclusion") == check.conclusion and (output.get("title"), output.get("summary")) == (
        check.title[:_LONGEST_TITLE],
        _fitting(check),
    )
