"""Which CI system this is, and what each says of the change; all variables are from the systems' documentation only."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfgate.core.model import Event
from perfgate.forge import ci_systems
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
    "CI_COMMIT_BEFORE_SHA": BASE,
    "CI_DEFAULT_BRANCH": "main",
    "CI_PROJECT_PATH": "group/sub/project",
}
MERGE_REQUEST = {
    "CI_PIPELINE_SOURCE": "merge_request_event",
    "CI_MERGE_REQUEST_IID": "12",
    "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "feature",
    "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "release",
    "CI_MERGE_REQUEST_PROJECT_ID": "1",
    "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "1",
    "CI_MERGE_REQUEST_DIFF_BASE_SHA": BASE,
    "CI_MERGE_REQUEST_LABELS": "perf,big",
    "CI_MERGE_REQUEST_PROJECT_PATH": "group/sub/project",
}


class Case(NamedTuple):
    """One system's variables for a push to a branch and for a pull request, and what they come to."""

    push: dict[str, str]
    pushed: Event
    change: dict[str, str]
    changed: Event


def _event(provider: str, **facts: Any) -> Event:
    return Event(provider=provider, name="push", head=SHA, sha=SHA, branch="feature")._replace(**facts)


CASES = {
    "circleci": Case(
        {"CI": "true", "CIRCLECI": "true", "CIRCLE_WORKFLOW_ID": "w-1", "CIRCLE_JOB": "bench", "CIRCLE_SHA1": SHA, "CIRCLE_BRANCH": "feature"},
        _event("circleci", ci_run="w-1", ci_job="bench"),
        {"CIRCLE_PULL_REQUEST": "https://example.invalid/o/r/pull/7", "CIRCLE_BRANCH": "pull/7"},
        _event("circleci", name="pull_request", ci_run="w-1", ci_job="bench", branch="pull/7", pull_request=7),
    ),
    "buildkite": Case(
        {"CI": "true", "BUILDKITE": "true", "BUILDKITE_BUILD_NUMBER": "5", "BUILDKITE_STEP_KEY": "bench", "BUILDKITE_RETRY_COUNT": "1",
         "BUILDKITE_COMMIT": SHA, "BUILDKITE_BRANCH": "feature", "BUILDKITE_PULL_REQUEST": "false", "BUILDKITE_PULL_REQUEST_BASE_BRANCH": "",
         "BUILDKITE_PIPELINE_DEFAULT_BRANCH": "main", "BUILDKITE_SOURCE": "webhook"},
        _event("buildkite", ci_run="5", ci_job="bench", ci_attempt=2, target="main", default_branch="main"),
        {"BUILDKITE_PULL_REQUEST": "7", "BUILDKITE_PULL_REQUEST_BASE_BRANCH": "release", "BUILDKITE_PULL_REQUEST_LABELS": "a,b"},
        _event("buildkite", name="pull_request", ci_run="5", ci_job="bench", ci_attempt=2, target="release", default_branch="main",
               pull_request=7, labels=("a", "b")),
    ),
    "azure": Case(
        {"TF_BUILD": "True", "BUILD_BUILDID": "5", "SYSTEM_JOBNAME": "bench", "SYSTEM_JOBATTEMPT": "3", "BUILD_SOURCEVERSION": SHA,
         "BUILD_SOURCEBRANCH": "refs/heads/feature", "BUILD_REASON": "IndividualCI"},
        _event("azure", ci_run="5", ci_job="bench", ci_attempt=3),
        {"BUILD_REASON": "PullRequest", "BUILD_SOURCEBRANCH": "refs/pull/9/merge", "SYSTEM_PULLREQUEST_PULLREQUESTID": "9",
         "SYSTEM_PULLREQUEST_SOURCEBRANCH": "refs/heads/feature", "SYSTEM_PULLREQUEST_TARGETBRANCH": "refs/heads/main",
         "SYSTEM_PULLREQUEST_SOURCECOMMITID": HEAD},
        _event("azure", name="pull_request", ci_run="5", ci_job="bench", ci_attempt=3, target="main", head=HEAD, merge=True, pull_request=9),
    ),
    "bitbucket": Case(
        {"CI": "true", "BITBUCKET_BUILD_NUMBER": "5", "BITBUCKET_STEP_RUN_NUMBER": "2", "BITBUCKET_COMMIT": SHA,
         "BITBUCKET_BRANCH": "feature", "BITBUCKET_REPO_FULL_NAME": "team/repo"},
        _event("bitbucket", ci_run="5", ci_attempt=2, repository="team/repo"),
        {"BITBUCKET_PR_ID": "4", "BITBUCKET_PR_DESTINATION_BRANCH": "main", "BITBUCKET_PR_DESTINATION_COMMIT": BASE},
        _event("bitbucket", name="pull_request", ci_run="5", ci_attempt=2, repository="team/repo", target="main", target_sha=BASE, pull_request=4),
    ),
    "teamcity": Case(
        {"TEAMCITY_VERSION": "2026.1", "BUILD_NUMBER": "5", "TEAMCITY_BUILDCONF_NAME": "bench", "BUILD_VCS_NUMBER": SHA},
        _event("teamcity", ci_run="5", ci_job="bench", branch=""),
        {},
        _event("teamcity", ci_run="5", ci_job="bench", branch=""),
    ),
    "drone": Case(
        {"CI": "true", "DRONE": "true", "DRONE_BUILD_NUMBER": "5", "DRONE_STAGE_NAME": "bench", "DRONE_COMMIT_SHA": SHA,
         "DRONE_BRANCH": "feature", "DRONE_REPO_BRANCH": "main", "DRONE_REPO": "o/r", "DRONE_BUILD_EVENT": "push"},
        _event("drone", ci_run="5", ci_job="bench", target="main", default_branch="main", repository="o/r"),
        # Drone's DRONE_BRANCH is the target of a pull request.
        {"DRONE_BUILD_EVENT": "pull_request", "DRONE_PULL_REQUEST": "7", "DRONE_BRANCH": "main", "DRONE_SOURCE_BRANCH": "feature",
         "DRONE_TARGET_BRANCH": "main"},
        _event("drone", name="pull_request", ci_run="5", ci_job="bench", target="main", default_branch="main", repository="o/r", pull_request=7),
    ),
    "woodpecker": Case(
        {"CI": "woodpecker", "CI_PIPELINE_NUMBER": "5", "CI_WORKFLOW_NAME": "bench", "CI_COMMIT_SHA": SHA, "CI_COMMIT_BRANCH": "feature",
         "CI_REPO_DEFAULT_BRANCH": "main", "CI_REPO": "o/r", "CI_PIPELINE_EVENT": "push"},
        _event("woodpecker", ci_run="5", ci_job="bench", target="main", default_branch="main", repository="o/r"),
        {"CI_PIPELINE_EVENT": "pull_request", "CI_COMMIT_PULL_REQUEST": "7", "CI_COMMIT_BRANCH": "main", "CI_COMMIT_SOURCE_BRANCH": "feature",
         "CI_COMMIT_TARGET_BRANCH": "main", "CI_COMMIT_PULL_REQUEST_LABELS": "perf"},
        _event("woodpecker", name="pull_request", ci_run="5", ci_job="bench", target="main", default_branch="main", repository="o/r",
               pull_request=7, labels=("perf",)),
    ),
    "jenkins": Case(
        {"JENKINS_URL": "https://ci.invalid/", "BUILD_NUMBER": "5", "JOB_NAME": "bench", "GIT_COMMIT": SHA, "BRANCH_NAME": "feature"},
        _event("jenkins", ci_run="5", ci_job="bench"),
        {"BRANCH_NAME": "PR-7", "CHANGE_ID": "7", "CHANGE_BRANCH": "feature", "CHANGE_TARGET": "main"},
        _event("jenkins", name="pull_request", ci_run="5", ci_job="bench", target="main", pull_request=7),
    ),
}  # fmt: skip


def test_outside_ci_there_is_no_event() -> None:
    assert read_event({}) == Event()
    assert read_event({"CI": "false"}) == Event()


@pytest.mark.parametrize("value", ["true", "1", "True"])
def test_an_unknown_ci_system_is_still_ci(value: str) -> None:
    assert read_event({"CI": value}) == Event(provider="ci", name="push")


def test_every_system_of_the_table_has_a_case_here() -> None:
    assert {system.provider for system in ci_systems.SYSTEMS} == set(CASES)
    assert all(system.source for system in ci_systems.SYSTEMS)


@pytest.mark.parametrize("provider", sorted(CASES))
def test_a_push_is_read_as_the_system_documents_it(provider: str) -> None:
    assert read_event(CASES[provider].push) == CASES[provider].pushed


@pytest.mark.parametrize("provider", sorted(CASES))
def test_a_pull_request_is_read_as_the_system_documents_it(provider: str) -> None:
    case = CASES[provider]
    assert read_event(case.push | case.change) == case.changed


@pytest.mark.parametrize(
    ("provider", "tag"),
    [
        ("circleci", {"CIRCLE_TAG": "v1", "CIRCLE_BRANCH": ""}),
        ("buildkite", {"BUILDKITE_TAG": "v1", "BUILDKITE_BRANCH": "main"}),
        ("azure", {"BUILD_SOURCEBRANCH": "refs/tags/v1"}),
        ("bitbucket", {"BITBUCKET_TAG": "v1", "BITBUCKET_BRANCH": ""}),
        ("drone", {"DRONE_TAG": "v1", "DRONE_BRANCH": "main", "DRONE_BUILD_EVENT": "tag"}),
        ("woodpecker", {"CI_COMMIT_TAG": "v1", "CI_COMMIT_BRANCH": "", "CI_PIPELINE_EVENT": "tag"}),
        ("jenkins", {"TAG_NAME": "v1", "BRANCH_NAME": "v1"}),
    ],
)
def test_a_tag_is_no_branch(provider: str, tag: dict[str, str]) -> None:
    assert read_event(CASES[provider].push | tag).branch == ""


def test_jenkins_says_of_a_branch_whether_it_is_the_main_one() -> None:
    found = read_event(CASES["jenkins"].push | {"BRANCH_NAME": "trunk", "BRANCH_IS_PRIMARY": "true"})
    assert (found.branch, found.target, found.default_branch) == ("trunk", "trunk", "trunk")


@pytest.mark.parametrize(
    ("provider", "variables", "name"),
    [
        ("buildkite", {"BUILDKITE_SOURCE": "schedule"}, "schedule"),
        ("azure", {"BUILD_REASON": "Schedule"}, "schedule"),
        ("azure", {"BUILD_REASON": "CheckInShelveset"}, "other"),
        ("drone", {"DRONE_BUILD_EVENT": "cron"}, "schedule"),
        ("drone", {"DRONE_BUILD_EVENT": "promote"}, "other"),
        ("woodpecker", {"CI_PIPELINE_EVENT": "manual"}, "workflow_dispatch"),
    ],
)
def test_what_started_a_job_has_the_same_name_everywhere(provider: str, variables: dict[str, str], name: str) -> None:
    assert read_event(CASES[provider].push | variables).name == name


@given(st.sampled_from(sorted(CASES)), st.data())
def test_no_value_of_any_variable_is_an_error_or_reaches_git_unchecked(provider: str, data: st.DataObject) -> None:
    variables = CASES[provider].push | CASES[provider].change
    changed = data.draw(st.dictionaries(st.sampled_from(sorted(variables)), st.text(max_size=50), max_size=5))
    found = read_event(variables | changed)
    for commit in (found.head, found.sha, found.before, found.target_sha, found.merge_base):
        assert commit == "" or (len(commit) in {40, 64} and set(commit) <= set("0123456789abcdef"))


# --- GitLab -----------------------------------------------------------------------------------------------------------


def test_a_push_in_gitlab_lands_on_the_default_branch() -> None:
    found = read_event(GITLAB)
    assert (found.provider, found.name, found.branch, found.target) == ("gitlab", "push", "feature", "main")
    assert (found.head, found.ci_run, found.ci_job, found.pull_request) == (SHA, "99", "bench", None)
    assert (found.sha, found.before, found.repository) == (SHA, BASE, "group/sub/project")


def test_a_detached_merge_request_in_gitlab_is_a_change_of_its_target() -> None:
    found = read_event(GITLAB | MERGE_REQUEST)
    assert (found.name, found.pull_request, found.branch) == ("merge_request_event", 12, "feature")
    assert (found.target, found.target_sha, found.head, found.merge) == ("release", "", SHA, False)
    assert (found.labels, found.from_fork, found.merge_base) == (("perf", "big"), False, BASE)
    assert read_event(GITLAB | MERGE_REQUEST | {"CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "2"}).from_fork


@pytest.mark.parametrize("kind", ["merged_result", "merge_train"])
def test_a_merged_result_in_gitlab_is_a_merge_of_both(kind: str) -> None:
    merged = {
        "CI_MERGE_REQUEST_EVENT_TYPE": kind,
        "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": HEAD,
        "CI_MERGE_REQUEST_TARGET_BRANCH_SHA": BASE,
    }
    found = read_event(GITLAB | MERGE_REQUEST | merged)
    assert (found.merge, found.head, found.target_sha, found.sha) == (True, HEAD, BASE, SHA)


def test_the_target_of_a_merge_request_that_runs_in_a_fork_is_in_the_other_project() -> None:
    fork = {"CI_PROJECT_PATH": "someone/project", "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "2"}
    found = read_event(GITLAB | MERGE_REQUEST | fork)
    assert (found.repository, found.from_fork) == ("group/sub/project", True)


def test_a_pull_request_of_another_host_in_gitlab_is_a_change() -> None:
    outside = {
        "CI_PIPELINE_SOURCE": "external_pull_request_event",
        "CI_EXTERNAL_PULL_REQUEST_IID": "8",
        "CI_EXTERNAL_PULL_REQUEST_SOURCE_BRANCH_NAME": "main",
        "CI_EXTERNAL_PULL_REQUEST_TARGET_BRANCH_NAME": "main",
        "CI_EXTERNAL_PULL_REQUEST_SOURCE_BRANCH_SHA": HEAD,
        "CI_EXTERNAL_PULL_REQUEST_TARGET_BRANCH_SHA": BASE,
        "CI_EXTERNAL_PULL_REQUEST_SOURCE_REPOSITORY": "fork/r",
        "CI_EXTERNAL_PULL_REQUEST_TARGET_REPOSITORY": "o/r",
    }
    found = read_event(GITLAB | outside)
    assert (found.pull_request, found.target, found.target_sha, found.head) == (8, "main", BASE, HEAD)
    assert (found.from_fork, found.name) == (True, "external_pull_request_event")


@pytest.mark.parametrize("text", ["²", "-1", "1" * 5000, "x"])
def test_odd_values_are_left_out(text: str) -> None:
    odd = {"CI_MERGE_REQUEST_IID": text, "CI_COMMIT_SHA": text, "CI_RUNNER_TAGS": "[" + "x" * 500}
    found = read_event(GITLAB | odd)
    assert (found.pull_request, found.head, found.runner, found.name) == (None, "", "", "push")
