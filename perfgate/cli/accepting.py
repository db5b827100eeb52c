"""A block that a maintainer accepts by a label: asked of the code host where there is a block, and decided again with the answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from perfgate.core.budgets import Level
from perfgate.core.decision import ACCEPTED_LABEL, Acceptance, Decision
from perfgate.core.model import Caveat
from perfgate.errors import PerfgateError

if TYPE_CHECKING:
    from perfgate.cli.project import Project
    from perfgate.forge.github_labels import Answer


def settled(project: Project, decision: Decision, again: Callable[[Acceptance], Decision]) -> Decision:
    """The decision, made `again` with the acceptance where its blocks are accepted; why a label does not count is a caveat of it."""
    if decision.level is not Level.BLOCK or project.event.provider != "github":
        return decision
    return with_answer(decision, _asked(project, decision), again)


def with_answer(decision: Decision, answer: Answer, again: Callable[[Acceptance], Decision]) -> Decision:
    """What an answer of the code host makes of a decision that blocks."""
    if answer.acceptance is not None:
        made, by = again(answer.acceptance), answer.acceptance
        message = f'accepted by the label "{by.rule}" of {by.subject}: what would block warns'
        return made._replace(caveats=(*made.caveats, Caveat("accepted", message)))
    if answer.refusal:
        return decision._replace(caveats=(*decision.caveats, Caveat("acceptance refused", answer.refusal)))
    return decision


def _asked(project: Project, decision: Decision) -> Answer:
    """What GitHub says of the pull request, of the one in the merge queue, or of those that the pushed commit merged."""
    from perfgate.forge import github_labels, github_rest
    from perfgate.forge.github_labels import Answer

    event, environ = project.event, project.environ
    if not github_rest.has_token(environ):
        told = any(label.casefold() == ACCEPTED_LABEL for label in event.labels)
        why = "who set it can only be asked with a token; give the step GITHUB_TOKEN"
        return Answer(refusal=f'the label "{ACCEPTED_LABEL}" does not count: {why}' if told else "")
    context = decision.circumstances.context
    try:
        # A host that is away must not hold up every block for a quarter of a minute; a run after it is back asks again.
        client, repository = github_rest.client(environ, tries=2), github_rest.repository(environ)
        if event.name == "merge_group":
            number = github_labels.queued_number(event.branch)
            return github_labels.accepted(client, repository, number) if number else Answer()
        if project.lineage.on_target:
            numbers = github_labels.merged_numbers(client, repository, context.tested, project.lineage.target)
            answers = [github_labels.accepted(client, repository, number) for number in numbers]
            found = next((answer for answer in answers if answer.acceptance), None)
            return found or Answer(refusal="; ".join(answer.refusal for answer in answers if answer.refusal))
        if event.pull_request is None or event.name not in {"pull_request", "pull_request_target"}:
            return Answer()
        return github_labels.accepted(client, repository, event.pull_request, head=context.head or event.head)
    except PerfgateError as error:
        return Answer(refusal=f'whether a label "{ACCEPTED_LABEL}" accepts this could not be asked: {error.what}')
