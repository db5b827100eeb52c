"""What the clone of a CI job lacks, brought from its remote or asked of the host's API; never outside CI, never where it is unwanted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from perfgate.cli import console
from perfgate.core.baseline import Baseline
from perfgate.core.model import Event
from perfgate.store.fetching import EVERYTHING, Source
from perfgate.store.git import Repository
from perfgate.store.lineage import SHALLOW, Lacks, Lineage, trace

if TYPE_CHECKING:
    from perfgate.cli.project import Project

#: Set to "never" where a job must not use the network, or its clone must stay as it is.
VARIABLE = "PERFGATE_FETCH"
_UNWANTED = frozenset({"never", "no", "false", "0"})
#: Seconds for all of it, and by how many commits the clone is deepened each time.
_SECONDS = 90.0
_ROUNDS = (50, 500, EVERYTHING)


class Reached(NamedTuple):
    """What is known after looking further."""

    repository: Repository
    event: Event
    lineage: Lineage


def is_wanted(event: Event, environ: Mapping[str, str]) -> bool:
    """Whether the network may be used to see more of the history."""
    return bool(event.provider) and environ.get(VARIABLE, "").strip().lower() not in _UNWANTED


def further(repository: Repository, event: Event, lineage: Lineage, environ: Mapping[str, str]) -> Reached:
    """The lineage after what it lacks was brought: first the target's tip, then the base by the API, then more of the history."""
    found = Reached(repository, event, lineage)
    source = Source(repository, seconds=_SECONDS)
    if lineage.lacks is Lacks.TIP and source.fetch_branch(lineage.target):
        found = _again(found)
    if found.lineage.lacks is Lacks.BASE and (told := _by_api(found, environ)):
        found = _again(found._replace(event=event._replace(merge_base=told)))
    for by in _ROUNDS:
        if found.lineage.lacks not in {Lacks.BASE, Lacks.HISTORY} or not found.repository.is_shallow:
            break
        source = source.of(found.repository)
        if not source.deepen(by, found.lineage.tested, found.lineage.target, event.ref):
            break
        found = _again(found)
    if found.lineage.lacks is not Lacks.NOTHING and source.failure:
        console.say(f"this clone lacks {found.lineage.lacks.value}, and it could not be fetched: {source.failure}")
    return found


def with_history(project: Project, baseline: Baseline, read: Callable[[Project], Baseline]) -> tuple[Project, Baseline]:
    """The baseline, read again after a shallow clone was deepened until it can tell whose ancestors the admitted runs are."""
    repository = project.repository
    if baseline.problem != SHALLOW or repository is None or not is_wanted(project.event, project.environ):
        return project, baseline
    source = Source(repository, seconds=_SECONDS)
    for by in _ROUNDS:
        if baseline.problem != SHALLOW or not repository.is_shallow:
            break
        source = source.of(repository)
        if not source.deepen(by, project.lineage.tested, project.lineage.target, project.event.ref):
            console.say(f"more of this clone's history is needed, and it could not be fetched: {source.failure}")
            break
        found = _again(Reached(repository, project.event, project.lineage))
        repository = found.repository
        project = project._replace(repository=repository, lineage=found.lineage)
        baseline = read(project)
    return project, baseline


def _again(found: Reached) -> Reached:
    """The same, read from the clone as it is now."""
    repository = Repository.discover(found.repository.root) or found.repository
    return Reached(repository, found.event, trace(repository, found.event))


def _by_api(found: Reached, environ: Mapping[str, str]) -> str:
    """The base as the host's API tells it, "" where it does not."""
    event, lineage = found.event, found.lineage
    if event.provider != "github" or event.head != lineage.tested:
        return ""
    from perfgate.forge.github_compare import merge_base

    return merge_base(environ, event.target_sha or event.target, lineage.tested)
