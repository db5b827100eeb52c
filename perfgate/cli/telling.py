"""Tells the code host of a decision: a comment on the pull request, a check run. Whatever comes of that, the verdict stays."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from perfgate.cli import console
from perfgate.cli.project import BUDGETS

if TYPE_CHECKING:
    from perfgate.cli.project import Project
    from perfgate.core.decision import Decision
    from perfgate.forge.github_check import Check
    from perfgate.forge.marker import Marker
    from perfgate.forge.telling import Outcome, Told

#: The word that switches a comment or a check run off.
OFF = "off"
_WITH_PULL_REQUEST = frozenset({"pull_request", "pull_request_target", "workflow_run"})


class Telling(NamedTuple):
    """What the command line wants told: `comment` is on, always or off; `check` the name of a check run, or off."""

    comment: str = OFF
    check: str = OFF
    key: str = ""

    @property
    def silent(self) -> bool:
        """Whether nobody is to be told anything."""
        return self.comment == OFF and self.check == OFF


def tell(project: Project, decision: Decision, telling: Telling) -> bool:
    """Tell what is wanted, and say on stderr what became of it; False where anything of it failed."""
    from perfgate.store import scratch

    # A check run that is in progress is concluded before a signal ends us.
    with scratch.stoppable():
        outcomes = _outcomes(project, decision, telling)
    for outcome in outcomes:
        if outcome.failed:
            console.say_error(f"{outcome.said}; the verdict is the same")
        else:
            console.say(outcome.said)
    return not any(outcome.failed for outcome in outcomes)


def _outcomes(project: Project, decision: Decision, telling: Telling) -> list[Outcome]:
    from perfgate.forge.marker import Marker
    from perfgate.forge.telling import Outcome

    if telling.silent:
        return []
    event = project.event
    hosts = {"github": _github, "gitlab": _gitlab}
    if event.provider not in hosts:
        return [Outcome("nobody was told: this is no job of GitHub Actions or GitLab", failed=True)]
    marker = Marker.of(decision, project.name, telling.key, event)
    if event.head and marker.head != event.head:
        # Whoever wrote the decision names the pull request in it; the event is the code host's own word.
        what = f"the decision is of commit {marker.head[:10] or 'unknown'}, this job's event of {event.head[:10]}"
        return [Outcome(f"nobody was told: {what}", failed=True)]
    return list(hosts[event.provider](project, decision, telling, marker))


def _github(project: Project, decision: Decision, telling: Telling, marker: Marker) -> Iterator[Outcome]:
    from perfgate.forge import github_check, github_comment
    from perfgate.forge.telling import Mode, Outcome

    event = project.event
    link = github_comment.link(project.environ, marker.run)
    if telling.comment != OFF:
        follows = event.name == "workflow_run"
        number = decision.circumstances.context.pull_request if follows else event.pull_request
        if event.name not in _WITH_PULL_REQUEST or number is None:
            yield Outcome(f"no comment: there is no pull request to this {event.name or 'event'}")
        else:
            told = _told(project, decision, marker, link)
            yield github_comment.tell(project.environ, number, told, Mode(telling.comment))
    if telling.check != OFF:
        yield github_check.tell(project.environ, _check(project, decision, telling, marker, link))


def _gitlab(project: Project, decision: Decision, telling: Telling, marker: Marker) -> Iterator[Outcome]:
    from perfgate.forge import gitlab
    from perfgate.forge.telling import Mode, Outcome

    if telling.comment != OFF:
        told = _told(project, decision, marker, gitlab.link(project.environ))
        yield gitlab.tell(project.environ, told, Mode(telling.comment))
    if telling.check != OFF:
        yield Outcome("no check run: GitLab has none; the job's exit code is its check")


def _told(project: Project, decision: Decision, marker: Marker, link: str) -> Told:
    from perfgate.forge.telling import Told
    from perfgate.render import markdown

    room = markdown.LIMIT - len(marker.line) - 1
    text = markdown.render(decision, project=project.name, limit=room)

    def resolved(earlier: str) -> str:
        return markdown.resolved(decision, project=project.name, earlier=earlier, limit=room)

    return Told(marker, text, resolved, link)


def _check(project: Project, decision: Decision, telling: Telling, marker: Marker, link: str) -> Check:
    from perfgate.forge import github_check
    from perfgate.render import annotations, markdown, text

    path = project.in_repository(project.root / BUDGETS)
    beside = tuple(
        github_check.Annotation(path, _line(note.place), note.level, note.title, note.message)
        for note in annotations.notes(decision, github_check.MOST)
    )
    name = telling.check if marker.key == "." else f"{telling.check} ({marker.key})"
    return github_check.Check(
        name,
        marker,
        github_check.conclusion_of(decision),
        text.harmless(f"{text.title(decision)}: {text.headline(decision)}"),
        markdown.render(decision, project=project.name, limit=github_check.LONGEST_SUMMARY),
        beside,
        link,
    )


def _line(place: str) -> int:
    """The line at the end of a place, as in budgets.yaml:12; the first where there is none."""
    found = re.search(r":([1-9][0-9]{0,6})$", place, re.ASCII)
    return int(found[1]) if found else 1
