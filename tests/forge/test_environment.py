"""Which CI system this is; GitLab's variables are from its documentation only."""

from __future__ import annotations

import pytest

from perfgate.core.model import Event
from perfgate.forge.environment import read_event

SHA, BASE, HEAD = "a" * 40, "b" * 40, "c" * 40
GITLAB = {
    "CI": "true",
    "GITLAB_CI": "true",
    "CI_PIPELINE_SOURCE": "push",
    "CI_PIPELINE_ID": "99",
    "CI_JOB_NAME": "bench",
    "CI_COMMIT_SHA": SHA,
    "CI_COMMIT_BRANCH": "feature",
    "CI_DEFAULT_BRANCH": "main",
}
MERGE_REQUEST = {
    "CI_PIPELINE_SOURCE": "merge_request_event",
    "CI_MERGE_REQUEST_IID": "12",
    "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "feature",
    "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "release",
    "CI_MERGE_REQUEST_PROJECT_ID": "1",
    "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "1",
    "CI_MERGE_REQUEST_LABELS": "perf,big",
}


def test_outside_ci_there_is_no_event() -> None:
    assert read_event({}) == Event()
    assert read_event({"CI": "false"}) == Event()


@pytest.mark.parametrize("value", ["true", "1", "True"])
def test_an_unknown_ci_system_is_still_ci(value: str) -> None:
    assert read_event({"CI": value}) == Event(provider="ci", name="push")


def test_a_push_in_gitlab_lands_on_the_default_branch() -> None:
    found = read_event(GITLAB)
    assert (found.provider, found.name, found.branch, found.target) == ("gitlab", "push", "feature", "main")
    assert (found.head, found.ci_run, found.ci_job, found.pull_request) == (SHA, "99", "bench", None)


def test_a_merge_request_in_gitlab_is_a_change_of_its_target() -> None:
    found = read_event(GITLAB | MERGE_REQUEST)
    assert (found.name, found.pull_request, found.branch) == ("merge_request_event", 12, "feature")
    assert (found.target, found.target_sha, found.head, found.merge) == ("release", "", SHA, False)
    assert (found.labels, found.from_fork) == (("perf", "big"), False)
    assert read_event(GITLAB | MERGE_REQUEST | {"CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "2"}).from_fork


def test_a_merged_result_in_gitlab_is_a_merge_of_both() -> None:
    merged = {
        "CI_MERGE_REQUEST_EVENT_TYPE": "merged_result",
        "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": HEAD,
        "CI_MERGE_REQUEST_TARGET_BRANCH_SHA": BASE,
    }
    found = read_event(GITLAB | MERGE_REQUEST | merged)
    assert (found.merge, found.head, found.target_sha) == (True, HEAD, BASE)


@pytest.mark.parametrize("text", ["²", "-1", "1" * 5000, "x"])
def test_odd_values_are_left_out(text: str) -> None:
    odd = {"CI_MERGE_REQUEST_IID": text, "CI_COMMIT_SHA": text, "CI_RUNNER_TAGS": "[" + "x" * 500}
    found = read_event(GITLAB | odd)
    assert (found.pull_request, found.head, found.runner, found.name) == (None, "", "", "push")
