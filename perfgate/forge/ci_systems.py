"""What every other CI system says of the change: one row of variable names for each, read by one function.

A row holds only what the system documents. What it does not tell stays empty: nothing here guesses a target branch.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from perfgate.core.model import Event

_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_WHOLE = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)
_COUNT = re.compile(r"[0-9]{1,8}", re.ASCII)
_LAST_NUMBER = re.compile(r"/([1-9][0-9]{0,8})/?", re.ASCII)
_REPOSITORY = re.compile(r"[A-Za-z0-9_.-]{1,100}(?:/[A-Za-z0-9_.-]{1,100}){1,20}")
#: Longer texts name single machines rather than a class of them, or are no name of a branch at all.
_LONGEST_TAGS, _LONGEST, _MOST_LABELS = 100, 500, 100
PULL_REQUEST, PUSH, OTHER = "pull_request", "push", "other"


class System(NamedTuple):
    """One CI system: `sign` is the variable that tells it, with the value it has ("" for any), `source` where it is documented.

    The other fields name variables; where there are several, the first that is set counts. `branch` is that of a push, `source_branch`
    that of a change. `retries` counts from 0, `attempt` from 1. `kinds` translates the value of `kind`, which tells what started the
    job, into the name of an event; where it tells nothing known, it is "other", unless it is empty.
    """

    provider: str
    sign: tuple[str, str]
    source: str
    run: tuple[str, ...]
    job: tuple[str, ...] = ()
    attempt: str = ""
    retries: str = ""
    head: tuple[str, ...] = ()
    branch: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()
    number: tuple[str, ...] = ()
    source_branch: tuple[str, ...] = ()
    target: tuple[str, ...] = ()
    target_sha: tuple[str, ...] = ()
    change_head: tuple[str, ...] = ()
    merge_base: str = ""
    default_branch: str = ""
    runner: str = ""
    labels: str = ""
    repository: tuple[str, ...] = ()
    kind: str = ""
    kinds: tuple[tuple[str, str], ...] = ()


_WOODPECKER = System(
    "woodpecker",
    ("CI", "woodpecker"),
    "woodpecker-ci.org/docs, environment variables",
    run=("CI_PIPELINE_NUMBER",),
    job=("CI_WORKFLOW_NAME", "CI_STEP_NAME"),
    head=("CI_COMMIT_SHA",),
    branch=("CI_COMMIT_BRANCH",),
    tag=("CI_COMMIT_TAG",),
    number=("CI_COMMIT_PULL_REQUEST",),
    source_branch=("CI_COMMIT_SOURCE_BRANCH",),
    target=("CI_COMMIT_TARGET_BRANCH",),
    default_branch="CI_REPO_DEFAULT_BRANCH",
    labels="CI_COMMIT_PULL_REQUEST_LABELS",
    repository=("CI_REPO",),
    kind="CI_PIPELINE_EVENT",
    kinds=(("push", PUSH), ("pull_request", PULL_REQUEST), ("pull_request_closed", PULL_REQUEST), ("cron", "schedule"), ("manual", "workflow_dispatch")),
)  # fmt: skip

#: Every system but GitHub and GitLab, the most telling sign first: several of them set CI as well.
SYSTEMS: tuple[System, ...] = (
    System(
        "circleci",
        ("CIRCLECI", "true"),
        "circleci.com/docs, built-in environment variables",
        run=("CIRCLE_WORKFLOW_ID", "CIRCLE_BUILD_NUM"),
        job=("CIRCLE_JOB",),
        head=("CIRCLE_SHA1",),
        branch=("CIRCLE_BRANCH",),
        tag=("CIRCLE_TAG",),
        number=("CIRCLE_PR_NUMBER", "CIRCLE_PULL_REQUEST"),
        source_branch=("CIRCLE_BRANCH",),
    ),
    System(
        "buildkite",
        ("BUILDKITE", "true"),
        "buildkite.com/docs/pipelines, environment variables",
        run=("BUILDKITE_BUILD_NUMBER", "BUILDKITE_BUILD_ID"),
        job=("BUILDKITE_STEP_KEY", "BUILDKITE_LABEL"),
        retries="BUILDKITE_RETRY_COUNT",
        head=("BUILDKITE_COMMIT",),
        branch=("BUILDKITE_BRANCH",),
        tag=("BUILDKITE_TAG",),
        number=("BUILDKITE_PULL_REQUEST",),
        source_branch=("BUILDKITE_BRANCH",),
        target=("BUILDKITE_PULL_REQUEST_BASE_BRANCH",),
        default_branch="BUILDKITE_PIPELINE_DEFAULT_BRANCH",
        labels="BUILDKITE_PULL_REQUEST_LABELS",
        kind="BUILDKITE_SOURCE",
        kinds=(("webhook", PUSH), ("schedule", "schedule"), ("ui", "workflow_dispatch"), ("api", "api"), ("trigger_job", "trigger")),
    ),
    System(
        "azure",
        ("TF_BUILD", "True"),
        "learn.microsoft.com/azure/devops/pipelines, predefined variables",
        run=("BUILD_BUILDID",),
        job=("SYSTEM_JOBNAME", "AGENT_JOBNAME"),
        attempt="SYSTEM_JOBATTEMPT",
        head=("BUILD_SOURCEVERSION",),
        branch=("BUILD_SOURCEBRANCH",),
        number=("SYSTEM_PULLREQUEST_PULLREQUESTNUMBER", "SYSTEM_PULLREQUEST_PULLREQUESTID"),
        source_branch=("SYSTEM_PULLREQUEST_SOURCEBRANCH",),
        target=("SYSTEM_PULLREQUEST_TARGETBRANCH",),
        change_head=("SYSTEM_PULLREQUEST_SOURCECOMMITID",),
        kind="BUILD_REASON",
        kinds=(("IndividualCI", PUSH), ("BatchedCI", PUSH), ("PullRequest", PULL_REQUEST), ("Schedule", "schedule"), ("Manual", "workflow_dispatch")),
    ),
    System(
        "bitbucket",
        ("BITBUCKET_BUILD_NUMBER", ""),
        "support.atlassian.com/bitbucket-cloud, variables and secrets",
        run=("BITBUCKET_BUILD_NUMBER",),
        attempt="BITBUCKET_STEP_RUN_NUMBER",
        head=("BITBUCKET_COMMIT",),
        branch=("BITBUCKET_BRANCH",),
        tag=("BITBUCKET_TAG",),
        number=("BITBUCKET_PR_ID",),
        source_branch=("BITBUCKET_BRANCH",),
        target=("BITBUCKET_PR_DESTINATION_BRANCH",),
        target_sha=("BITBUCKET_PR_DESTINATION_COMMIT",),
        repository=("BITBUCKET_REPO_FULL_NAME",),
    ),
    System(
        "teamcity",
        ("TEAMCITY_VERSION", ""),
        "jetbrains.com/help/teamcity, predefined build parameters",
        run=("BUILD_NUMBER",),
        job=("TEAMCITY_BUILDCONF_NAME",),
        head=("BUILD_VCS_NUMBER",),
    ),
    System(
        "drone",
        ("DRONE", "true"),
        "docs.drone.io, environment reference",
        run=("DRONE_BUILD_NUMBER",),
        job=("DRONE_STAGE_NAME", "DRONE_STEP_NAME"),
        head=("DRONE_COMMIT_SHA", "DRONE_COMMIT"),
        branch=("DRONE_BRANCH",),
        tag=("DRONE_TAG",),
        number=("DRONE_PULL_REQUEST",),
        source_branch=("DRONE_SOURCE_BRANCH",),
        target=("DRONE_TARGET_BRANCH",),
        default_branch="DRONE_REPO_BRANCH",
        repository=("DRONE_REPO",),
        kind="DRONE_BUILD_EVENT",
        kinds=(("push", PUSH), ("pull_request", PULL_REQUEST), ("cron", "schedule"), ("custom", "workflow_dispatch")),
    ),
    _WOODPECKER,
    _WOODPECKER._replace(sign=("CI_SYSTEM_NAME", "woodpecker")),
    System(
        "jenkins",
        ("JENKINS_URL", ""),
        "jenkins.io/doc, environment variables of the branch API plugin and the git plugin",
        run=("BUILD_NUMBER",),
        job=("JOB_NAME",),
        head=("GIT_COMMIT",),
        branch=("BRANCH_NAME",),
        tag=("TAG_NAME",),
        number=("CHANGE_ID",),
        source_branch=("CHANGE_BRANCH",),
        target=("CHANGE_TARGET",),
    ),
)  # fmt: skip


def read_event(environ: Mapping[str, str]) -> Event | None:
    """The event of the system in the table that runs this process; None where it is none of them."""
    for system in SYSTEMS:
        name, wanted = system.sign
        if environ.get(name) and wanted.lower() in {"", environ[name].lower()}:
            return _read(system, environ)
    return None


def _read(system: System, environ: Mapping[str, str]) -> Event:
    number = _pull_request(_first(environ, system.number))
    kind = environ.get(system.kind, "") if system.kind else ""
    name = dict(system.kinds).get(kind, OTHER if kind else PUSH)
    change = number is not None or name == PULL_REQUEST
    head = _sha(_first(environ, system.head))
    ref = _first(environ, system.branch)
    tag = bool(_first(environ, system.tag)) or ref.startswith("refs/tags/")
    default = _default_branch(system, environ)
    found = Event(
        provider=system.provider,
        name=name,
        ci_run=_first(environ, system.run),
        ci_attempt=_attempt(system, environ),
        ci_job=_first(environ, system.job),
        head=head,
        sha=head,
        default_branch=default,
        repository=_repository(_first(environ, system.repository)),
    )
    if not change:
        return found._replace(branch="" if tag else _branch(ref), target=default)
    labels = environ.get(system.labels, "") if system.labels else ""
    return found._replace(
        name=PULL_REQUEST,
        branch=_branch(_first(environ, system.source_branch)),
        target=_branch(_first(environ, system.target)) or default,
        target_sha=_sha(_first(environ, system.target_sha)),
        head=_sha(_first(environ, system.change_head)) or head,
        # Azure checks out the merge that the host made, under the same name as GitHub's.
        merge=ref.startswith("refs/pull/") and ref.endswith("/merge"),
        pull_request=number,
        labels=split_labels(labels),
    )


def _first(environ: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((environ[name][:_LONGEST] for name in names if environ.get(name)), "")


def _default_branch(system: System, environ: Mapping[str, str]) -> str:
    if system.provider == "jenkins":
        # A multibranch project says of a branch whether it is the main one, and names no other.
        return environ.get("BRANCH_NAME", "")[:_LONGEST] if environ.get("BRANCH_IS_PRIMARY") == "true" else ""
    return environ.get(system.default_branch, "")[:_LONGEST] if system.default_branch else ""


def _attempt(system: System, environ: Mapping[str, str]) -> int:
    if _WHOLE.fullmatch(told := environ.get(system.attempt, "")):
        return int(told)
    return int(told) + 1 if _COUNT.fullmatch(told := environ.get(system.retries, "")) else 1


def _pull_request(told: str) -> int | None:
    """The number, by itself or at the end of an address; where there is none some systems say "false"."""
    if _WHOLE.fullmatch(told):
        return int(told)
    found = _LAST_NUMBER.search(told, max(0, told.rstrip("/").rfind("/")))
    return int(found[1]) if found and found.end() == len(told) else None


def _branch(ref: str) -> str:
    return ref.removeprefix("refs/heads/") if not ref.startswith(("refs/pull/", "refs/tags/")) else ""


def _sha(text: str) -> str:
    """A full hash; nothing else may reach git."""
    return text if _SHA.fullmatch(text) and text.strip("0") else ""


def _repository(text: str) -> str:
    return text if _REPOSITORY.fullmatch(text) else ""


def split_labels(text: str) -> tuple[str, ...]:
    """Labels that a variable holds with commas between them."""
    return tuple(label for label in text[: 100 * _LONGEST].split(",") if label)[:_MOST_LABELS]


# --- GitLab -----------------------------------------------------------------------------------------------------------


def read_gitlab(environ: Mapping[str, str]) -> Event:
    """GitLab's predefined variables (docs.gitlab.com, predefined CI/CD variables)."""
    number = _WHOLE.fullmatch(environ.get("CI_MERGE_REQUEST_IID", ""))
    outside = None if number else _WHOLE.fullmatch(environ.get("CI_EXTERNAL_PULL_REQUEST_IID", ""))
    kind = environ.get("CI_PIPELINE_SOURCE", "push")
    default, tags = environ.get("CI_DEFAULT_BRANCH", ""), environ.get("CI_RUNNER_TAGS", "")
    head = _sha(environ.get("CI_COMMIT_SHA", ""))
    found = Event(
        provider="gitlab",
        name="merge_request_event" if number else kind,
        ci_run=environ.get("CI_PIPELINE_ID", ""),
        ci_job=environ.get("CI_JOB_NAME", ""),
        runner=tags if len(tags) <= _LONGEST_TAGS else "",
        branch=environ.get("CI_COMMIT_BRANCH", "")[:_LONGEST],
        target=default,
        head=head,
        default_branch=default,
        sha=head,
        before=_sha(environ.get("CI_COMMIT_BEFORE_SHA", "")) if kind == "push" else "",
        ref=environ.get("CI_COMMIT_REF_NAME", "")[:_LONGEST],
        repository=_repository(environ.get("CI_PROJECT_PATH", "")),
    )
    if outside:
        return _external(found, environ, int(outside[0]))
    if not number:
        return found
    project, source = (
        environ.get("CI_MERGE_REQUEST_PROJECT_ID", ""),
        environ.get("CI_MERGE_REQUEST_SOURCE_PROJECT_ID", ""),
    )
    return found._replace(
        branch=environ.get("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", "")[:_LONGEST],
        target=environ.get("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "")[:_LONGEST] or default,
        target_sha=_sha(environ.get("CI_MERGE_REQUEST_TARGET_BRANCH_SHA", "")),
        # Only merged results tell it; else the newest commit of the change is what was checked out.
        head=_sha(environ.get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", "")) or head,
        merge=environ.get("CI_MERGE_REQUEST_EVENT_TYPE") in {"merged_result", "merge_train"},
        merge_base=_sha(environ.get("CI_MERGE_REQUEST_DIFF_BASE_SHA", "")),
        pull_request=int(number[0]),
        from_fork=bool(source) and source != project,
        labels=split_labels(environ.get("CI_MERGE_REQUEST_LABELS", "")),
        repository=_repository(environ.get("CI_MERGE_REQUEST_PROJECT_PATH", "")) or found.repository,
    )


def _external(found: Event, environ: Mapping[str, str], number: int) -> Event:
    """A pull request on another host whose pipeline runs in GitLab."""
    start = "CI_EXTERNAL_PULL_REQUEST_"
    return found._replace(
        branch=environ.get(f"{start}SOURCE_BRANCH_NAME", "")[:_LONGEST],
        target=environ.get(f"{start}TARGET_BRANCH_NAME", "")[:_LONGEST] or found.default_branch,
        target_sha=_sha(environ.get(f"{start}TARGET_BRANCH_SHA", "")),
        head=_sha(environ.get(f"{start}SOURCE_BRANCH_SHA", "")) or found.head,
        pull_request=number,
        from_fork=environ.get(f"{start}SOURCE_REPOSITORY", "") != environ.get(f"{start}TARGET_REPOSITORY", ""),
    )
