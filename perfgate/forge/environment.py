"""Which CI system this is, and what it says of the change: one question, asked once."""

from __future__ import annotations

import re
from collections.abc import Mapping

from perfgate.core.model import Event
from perfgate.forge import github

_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_IID = re.compile(r"[0-9]{1,9}")
#: Longer lists of tags name single machines rather than a class of them.
_LONGEST_TAGS = 100


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
    number = _IID.fullmatch(environ.get("CI_MERGE_REQUEST_IID", ""))
    default = environ.get("CI_DEFAULT_BRANCH", "")
    tags = environ.get("CI_RUNNER_TAGS", "")
    labels = environ.get("CI_MERGE_REQUEST_LABELS", "") if number else ""
    source = environ.get("CI_MERGE_REQUEST_SOURCE_PROJECT_ID", "")
    return Event(
        provider="gitlab",
        name="merge_request_event" if number else environ.get("CI_PIPELINE_SOURCE", "push"),
        ci_run=environ.get("CI_PIPELINE_ID", ""),
        ci_job=environ.get("CI_JOB_NAME", ""),
        runner=tags if len(tags) <= _LONGEST_TAGS else "",
        branch=environ.get("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME") or environ.get("CI_COMMIT_BRANCH", ""),
        target=environ.get("CI_MERGE_REQUEST_TARGET_BRANCH_NAME") or default,
        target_sha=_sha(environ, "CI_MERGE_REQUEST_TARGET_BRANCH_SHA"),
        head=_sha(environ, "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA") or _sha(environ, "CI_COMMIT_SHA"),
        merge=environ.get("CI_MERGE_REQUEST_EVENT_TYPE") in {"merged_result", "merge_train"},
        default_branch=default,
        pull_request=int(number[0]) if number else None,
        from_fork=bool(number and source) and source != environ.get("CI_MERGE_REQUEST_PROJECT_ID"),
        labels=tuple(label for label in labels.split(",") if label),
    )


def _sha(environ: Mapping[str, str], name: str) -> str:
    found = environ.get(name, "")
    return found if _SHA.fullmatch(found) else ""
