"""Which CI system this is, and what it says of the change: one question, asked once."""

from __future__ import annotations

from collections.abc import Mapping

from perfgate.core.model import Event
from perfgate.forge import github


def read_event(environ: Mapping[str, str]) -> Event:
    """The event of the CI system that runs this process; an empty Event outside CI. Never raises: what is not told stays empty."""
    if environ.get("GITHUB_ACTIONS") == "true":
        return github.read_event(environ)
    if environ.get("GITLAB_CI") == "true":
        return _gitlab(environ)
    if environ.get("CI", "").lower() in {"true", "1"}:
        return Event(provider="ci", name="push")
    return Event()


def _gitlab(environ: Mapping[str, str]) -> Event:
    """GitLab's predefined variables (docs.gitlab.com, predefined CI/CD variables)."""
    number = environ.get("CI_MERGE_REQUEST_IID", "")
    default = environ.get("CI_DEFAULT_BRANCH", "")
    is_change = number.isdigit()
    return Event(
        provider="gitlab",
        name="merge_request_event" if is_change else environ.get("CI_PIPELINE_SOURCE", "push"),
        ci_run=environ.get("CI_PIPELINE_ID", ""),
        ci_job=environ.get("CI_JOB_NAME", ""),
        runner=environ.get("CI_RUNNER_TAGS", "") if len(environ.get("CI_RUNNER_TAGS", "")) < 100 else "",
        branch=environ.get("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME") or environ.get("CI_COMMIT_BRANCH", ""),
        target=environ.get("CI_MERGE_REQUEST_TARGET_BRANCH_NAME") or default,
        target_sha=environ.get("CI_MERGE_REQUEST_TARGET_BRANCH_SHA", ""),
        head=environ.get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA") or environ.get("CI_COMMIT_SHA", ""),
        merge=environ.get("CI_MERGE_REQUEST_EVENT_TYPE") in {"merged_result", "merge_train"},
        default_branch=default,
        pull_request=int(number) if is_change else None,
    )
