"""`perfgate rejudge`: judge by trusted code what the finished workflow of a change measured, and tell the pull request."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import typer

from perfgate.cli import console
from perfgate.cli import judging_options as given

if TYPE_CHECKING:
    from perfgate.cli import trusted
    from perfgate.cli.judging import Rules
    from perfgate.cli.project import Project
    from perfgate.cli.trusted import Case
    from perfgate.core.decision import Decision
    from perfgate.core.model import Run
    from perfgate.forge.github_pulls import FinishedRun, Home
    from perfgate.forge.rest import Client
    from perfgate.formats import packed_runs

app = typer.Typer(**console.APP)

#: What a workflow run was started by, where there is a change to judge.
_OF_CHANGES = ("pull_request", "merge_group")
#: Ends of a run that nobody asked for a verdict on.
_UNASKED = ("cancelled", "skipped", "action_required", "stale", "neutral")


class Judged(NamedTuple):
    """The decision, the claims it is on, the text of the rules, and the exit code."""

    decision: Decision
    runs: tuple[Run, ...]
    rules: bytes
    code: int


@app.command(short_help="judge by trusted code what a change's own workflow measured")
def rejudge(
    artifact: str = typer.Option(
        "perfgate-decision", "--artifact", metavar="NAME", help="The artifact with the decision folder of the change."
    ),
    run: str = typer.Option(
        "", "--run", metavar="ID", help="Judge this run. [default: the one that the event tells of]"
    ),
    comment: given.Comment = typer.Option(
        given.Comment.ON, "--comment", help="on: comment on a breach; always: on every decision; off: never."
    ),
    check: str = given.CHECK,
    key: str = given.KEY,
    only: str = given.ONLY,
    fail_on: given.FailOn = given.FAIL_ON,
    out: Path | None = given.OUT,
    today: str = given.TODAY,
    as_json: bool = given.JSON,
    every: bool = given.ALL,
) -> None:
    """Judge again, with the base branch's rules and baseline, what the change's own workflow measured.

    For a job of a `workflow_run` workflow, which may write and never runs the change's code: the finished run's artifact is read as
    claims, its pull request is asked of GitHub.

    \b
    Example: perfgate rejudge --artifact perfgate-decision
    """
    from perfgate.cli import outputs, redacting, telling, trusted
    from perfgate.cli.project import Project, parse_day
    from perfgate.forge import github_pulls, github_rest

    given.refuse_names(check=check, key=key)
    project = Project.find()
    options = given.Options(
        only=only, today=parse_day(today), out=out, verbose=every, as_json=as_json, fail_on=fail_on.value, key=key
    )
    _refuse_other_jobs(project, run)
    client, repository = github_rest.client(project.environ), github_rest.repository(project.environ)
    if run:
        finished, home = github_pulls.of_id(client, repository, run)
    else:
        finished, home = github_pulls.of_event(project.environ)
    if reason := nothing_to_do(finished, home):
        console.say(f"nothing to judge: {reason}")
        return
    case, silent = _case(project, client, repository, finished, home)
    judged = _judged(project, client, repository, case, artifact, options)
    outputs.publish(project, judged.decision, judged.runs, judged.rules, options)
    if silent:
        console.say(f"the pull request is not told: {silent}")
    if case.pull is not None or finished.event == "merge_group":
        clean, _ = redacting.clean_decision(judged.decision)
        telling.tell(trusted.as_theirs(project, case), clean, telling.Telling(comment.value, check, key))
    raise typer.Exit(judged.code)


def _refuse_other_jobs(project: Project, run: str) -> None:
    """Refuse jobs in which this command would be the change's own, or would have nothing to go by."""
    from perfgate.errors import InputError

    event = project.environ.get("GITHUB_EVENT_NAME", "")
    if event in {"pull_request", "pull_request_target", "merge_group"}:
        raise InputError(
            f"this job belongs to the event {event}, where the change's own code may be at work",
            remedy="run this in a workflow of its own, with `on: workflow_run`",
        )
    if event != "workflow_run" and not run:
        raise InputError(
            "there is no finished run to judge",
            remedy="run this in a workflow with `on: workflow_run`, or name one: --run ID",
        )


def nothing_to_do(run: FinishedRun, home: Home) -> str:
    """Why there is no change to judge, "" where there is one."""
    from perfgate.errors import InputError

    if run.repository != home.id:
        raise InputError("the run is of another repository", remedy="name a run of this one")
    if run.status != "completed":
        raise InputError("the run has not finished", remedy="use `types: [completed]`, or wait for its end")
    if run.event not in _OF_CHANGES:
        return f"the run was started by {run.event}, not by a pull request"
    if run.conclusion in _UNASKED:
        return f"the run ended as {run.conclusion}"
    return ""


def _case(project: Project, client: Client, repository: str, run: FinishedRun, home: Home) -> tuple[Case, str]:
    """All that is known of the change without asking it, and why its pull request is not told, "" where it is."""
    from perfgate.cli import trusted
    from perfgate.forge import github_pulls

    # First of all, and before anything is asked: whose code is here?
    trusted.ground(project, home, home.default_branch)
    if run.event == "merge_group":
        found = github_pulls.Found(None, "a merge queue has no pull request of its own")
    else:
        found = github_pulls.find(client, repository, run, home)
    target = found.pull.base if found.pull is not None else run.queue_target or home.default_branch
    ground = trusted.ground(project, home, target)
    change = github_pulls.change(client, repository, ground.tip, run.head)
    return trusted.Case(run, home, ground, found.pull, change), found.why


def _judged(project: Project, client: Client, repository: str, case: Case, name: str, options: given.Options) -> Judged:
    """The decision on the artifact of this name; one that says so where there is nothing that can be judged."""
    from perfgate.cli import exit_codes, trusted
    from perfgate.errors import InputError, NothingJudged

    rules: Rules | None = None
    try:
        rules = trusted.rules_of(project, case.ground)
        packed, record = _claims(project, client, repository, case.run, name)
        decision, runs = trusted.decided(project, case, rules, packed, record, options)
    except (InputError, NothingJudged) as error:
        console.tell_error(error)
        source, text = (rules.source, rules.text) if rules is not None else ("", b"")
        why = f"{error.where}: {error.what}" if error.where else error.what
        return Judged(trusted.nothing(project, case, source, options, why), (), text, exit_codes.of_error(error))
    return Judged(decision, runs, rules.text, exit_codes.of_decision(decision, options.fail_on))


def _claims(
    project: Project, client: Client, repository: str, run: FinishedRun, name: str
) -> tuple[packed_runs.Packed, trusted.Record]:
    """What the run's artifact claims, and what GitHub itself has on record of the run."""
    from perfgate.cli import trusted
    from perfgate.errors import NothingJudged
    from perfgate.forge import github_artifacts, github_jobs_api
    from perfgate.formats import packed_runs

    told = github_jobs_api.fetch(project.environ, "", str(run.id), run.attempt)
    chosen = github_artifacts.choose(client, repository, run, name, told["jobs"])
    if chosen.artifact is None:
        raise NothingJudged(chosen.why, remedy="look at the run of the change: a measured command may have failed")
    data = github_artifacts.download(client, repository, chosen.artifact, packed_runs.MOST_PACKED)
    packed = packed_runs.read(data, f"artifact {chosen.artifact.id}")
    return packed, trusted.Record(told["run"], told["jobs"], chosen.artifact)
