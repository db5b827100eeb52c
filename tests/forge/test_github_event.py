"""What GitHub says of a change, from its published payloads and from broken ones."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfgate.core.model import Event
from perfgate.forge.environment import read_event

SHA, BASE, HEAD = "a" * 40, "b" * 40, "c" * 40
VARIABLES = {
    "CI": "true",
    "GITHUB_ACTIONS": "true",
    "GITHUB_SHA": SHA,
    "GITHUB_RUN_ID": "123456",
    "GITHUB_RUN_ATTEMPT": "2",
    "GITHUB_JOB": "bench",
    "RUNNER_ENVIRONMENT": "github-hosted",
    "RUNNER_OS": "Linux",
    "RUNNER_NAME": "GitHub Actions 17",
    "ImageOS": "ubuntu24",
}


def event(tmp_path: Path, name: str, ref: str, payload: object, **variables: str) -> Event:
    path = tmp_path / "event.json"
    path.write_bytes(payload if isinstance(payload, bytes) else json.dumps(payload).encode())
    more = {"GITHUB_EVENT_NAME": name, "GITHUB_REF": ref, "GITHUB_EVENT_PATH": str(path)}
    return read_event(VARIABLES | more | variables)


# --- real payloads ----------------------------------------------------------------------------------------------------


def webhook(shared_data: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((shared_data / "ci" / "webhooks" / name).read_bytes())
    return found


def test_every_real_pull_request_is_read_as_it_says(shared_data: Path, tmp_path: Path) -> None:
    files = sorted((shared_data / "ci" / "webhooks").glob("pull_request.*.json"))
    assert files
    for file in files:
        payload = webhook(shared_data, file.name)
        change = payload["pull_request"]
        found = event(tmp_path, "pull_request", f"refs/pull/{payload['number']}/merge", payload)
        assert found == Event(
            provider="github",
            name="pull_request",
            ci_run="123456",
            ci_attempt=2,
            ci_job="bench",
            runner="github-hosted ubuntu24",
            branch=change["head"]["ref"],
            target=change["base"]["ref"],
            target_sha=change["base"]["sha"],
            head=change["head"]["sha"],
            merge=True,
            default_branch=payload["repository"]["default_branch"],
            pull_request=payload["number"],
            from_fork=False,
            labels=tuple(label["name"] for label in change["labels"]),
            sha=SHA,
            ref=f"refs/pull/{payload['number']}/merge",
        )


def test_a_real_workflow_run_names_the_change_it_ran_on(shared_data: Path, tmp_path: Path) -> None:
    payload = webhook(shared_data, "workflow_run.completed.0.json")
    found = event(tmp_path, "workflow_run", "refs/heads/main", payload)
    run = payload["workflow_run"]
    assert (found.head, found.branch, found.target) == (run["head_sha"], run["head_branch"], "main")
    assert (found.from_fork, found.pull_request, found.merge) == (False, None, False)
    payload["workflow_run"]["head_repository"]["id"] += 1
    assert event(tmp_path, "workflow_run", "refs/heads/main", payload).from_fork


def test_every_real_payload_of_any_event_is_read_without_complaint(shared_data: Path, tmp_path: Path) -> None:
    for file in sorted((shared_data / "ci" / "webhooks").glob("*.json")):
        found = event(tmp_path, file.name.partition(".")[0], "refs/heads/main", file.read_bytes())
        assert found.provider == "github"
        assert found.default_branch in {"main", "master"}


def test_a_real_merge_group_knows_its_target_and_base(tmp_path: Path) -> None:
    # The shape of merge_group.checks_requested in @octokit/webhooks-examples 7.6.1.
    ref = f"refs/heads/gh-readonly-queue/main/pr-1-{BASE}"
    group = {
        "head_ref": ref,
        "base_ref": "refs/heads/main",
        "head_sha": HEAD,
        "base_sha": BASE,
        "head_commit": {"id": HEAD},
    }
    found = event(tmp_path, "merge_group", ref, {"action": "checks_requested", "merge_group": group})
    assert (found.target, found.target_sha, found.head, found.pull_request) == ("main", BASE, HEAD, None)


# --- the other events, as their documentation has them ----------------------------------------------------------------


def test_a_merge_group_knows_its_target_and_base(tmp_path: Path) -> None:
    ref = f"refs/heads/gh-readonly-queue/release/2.0/pr-7-{BASE}"
    group = {"head_sha": HEAD, "head_ref": ref, "base_sha": BASE, "base_ref": "refs/heads/release/2.0"}
    found = event(tmp_path, "merge_group", ref, {"merge_group": group, "repository": {"default_branch": "main"}})
    assert (found.target, found.target_sha, found.head) == ("release/2.0", BASE, HEAD)
    assert found.pull_request is None
    broken = event(tmp_path, "merge_group", ref, b"")
    assert (broken.target, broken.target_sha, broken.head) == ("release/2.0", "", SHA)


def test_a_push_is_a_change_that_will_land_on_the_default_branch(tmp_path: Path) -> None:
    payload = {"ref": "refs/heads/feature", "before": BASE, "after": SHA, "repository": {"default_branch": "main"}}
    found = event(tmp_path, "push", "refs/heads/feature", payload)
    assert (found.branch, found.target, found.head) == ("feature", "main", SHA)
    assert event(tmp_path, "push", "refs/heads/main", payload).branch == "main"


def test_a_pushed_tag_has_no_branch(tmp_path: Path) -> None:
    found = event(tmp_path, "push", "refs/tags/v1", {"repository": {"default_branch": "main"}})
    assert (found.branch, found.target) == ("", "main")


@pytest.mark.parametrize("forced", [False, True])
def test_a_push_knows_what_it_replaced(tmp_path: Path, forced: bool) -> None:
    payload = {"before": BASE, "after": SHA, "forced": forced, "repository": {"default_branch": "main"}}
    found = event(tmp_path, "push", "refs/heads/main", payload, GITHUB_REPOSITORY="octo/repo")
    assert (found.before, found.sha, found.ref, found.repository) == (BASE, SHA, "refs/heads/main", "octo/repo")


def test_a_new_branch_replaced_nothing(tmp_path: Path) -> None:
    payload = {"before": "0" * 40, "created": True, "repository": {"default_branch": "main"}}
    assert event(tmp_path, "push", "refs/heads/feature", payload).before == ""


def test_a_deleted_branch_is_no_branch_at_all(tmp_path: Path) -> None:
    # What is checked out then is the default branch, whatever the ref says.
    payload = {"before": BASE, "after": "0" * 40, "deleted": True, "repository": {"default_branch": "main"}}
    found = event(tmp_path, "push", "refs/heads/main", payload)
    assert (found.branch, found.before) == ("", "")


@pytest.mark.parametrize("name", ["release", "repository_dispatch", "issue_comment", "registry_package"])
def test_an_event_that_names_no_change_has_its_ref_alone(tmp_path: Path, name: str) -> None:
    payload = {"action": "created", "repository": {"default_branch": "main"}}
    found = event(tmp_path, name, "refs/tags/v1" if name == "release" else "refs/heads/main", payload)
    assert (found.branch, found.target) == ("" if name == "release" else "main", "main")


def test_a_review_is_of_its_pull_request(tmp_path: Path) -> None:
    change = {"number": 3, "head": {"ref": "x", "sha": HEAD}, "base": {"ref": "main", "sha": BASE}}
    found = event(tmp_path, "pull_request_review", "refs/pull/3/merge", {"pull_request": change})
    assert (found.pull_request, found.merge, found.head, found.target_sha) == (3, True, HEAD, BASE)


def test_a_schedule_runs_on_the_default_branch_which_its_event_does_not_name(tmp_path: Path) -> None:
    found = event(tmp_path, "schedule", "refs/heads/trunk", {"schedule": "0 3 * * *"})
    assert (found.branch, found.target, found.default_branch) == ("trunk", "trunk", "trunk")


def test_a_run_started_by_hand_on_a_branch_is_not_the_default_branch(tmp_path: Path) -> None:
    payload = {"inputs": None, "repository": {"default_branch": "main"}}
    assert event(tmp_path, "workflow_dispatch", "refs/heads/feature", payload).target == "main"
    assert event(tmp_path, "workflow_dispatch", "refs/heads/feature", b"").target == ""


def test_pull_request_target_has_the_target_checked_out_and_no_merge(tmp_path: Path) -> None:
    payload = {"number": 3, "pull_request": {"number": 3, "head": {"sha": HEAD}, "base": {"ref": "main", "sha": BASE}}}
    found = event(tmp_path, "pull_request_target", "refs/heads/main", payload)
    assert (found.merge, found.pull_request, found.target) == (False, 3, "main")


@pytest.mark.parametrize(("repository", "fork"), [({"id": 1}, False), ({"id": 2}, True), (None, True)], ids=str)
def test_a_change_from_a_fork_even_a_deleted_one_is_known(
    tmp_path: Path, repository: dict[str, int] | None, fork: bool
) -> None:
    change = {
        "number": 3,
        "head": {"ref": "x", "sha": HEAD, "repo": repository},
        "base": {"ref": "main", "repo": {"id": 1}},
    }
    assert event(tmp_path, "pull_request", "refs/pull/3/merge", {"pull_request": change}).from_fork is fork


_NAMES = st.sampled_from(
    ["pull_request", "number", "head", "base", "ref", "sha", "repo", "id", "labels", "name", "merge_group", "head_ref", "base_ref",
     "base_sha", "head_sha", "before", "after", "deleted", "forced", "repository", "default_branch", "workflow_run", "head_branch",
     "head_repository"]
)  # fmt: skip
_EVENTS = ["pull_request", "pull_request_target", "push", "merge_group", "workflow_run", "schedule", "workflow_dispatch", "release", ""]  # fmt: skip


# --- broken and hostile events ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        b"\xff",
        b"[]",
        b"null",
        b'{"pull_request": 1}',
        b'{"pull_request": {"labels": {"name": 1}, "number": "7", "head": [], "base": null}}',
        b'{"pull_request": {"labels": [1, {"name": null}], "number": true, "head": {"sha": "--evil", "ref": 1}}}',
        b"[" * 100_000,
        b'{"repository": {"default_branch": NaN}}',
    ],
)
def test_a_broken_event_file_leaves_what_the_variables_say(tmp_path: Path, payload: bytes) -> None:
    found = event(
        tmp_path, "pull_request", "refs/pull/7/merge", payload, GITHUB_BASE_REF="main", GITHUB_HEAD_REF="feature"
    )
    assert (found.pull_request, found.merge, found.target, found.branch) == (7, True, "main", "feature")
    assert (found.head, found.target_sha, found.labels, found.default_branch) == ("", "", (), "")


@pytest.mark.parametrize("path", ["", "/nowhere/event.json", "/", "a\0b"])
def test_a_missing_event_file_leaves_what_the_variables_say(path: str) -> None:
    found = read_event(
        VARIABLES | {"GITHUB_EVENT_NAME": "push", "GITHUB_REF": "refs/heads/x", "GITHUB_EVENT_PATH": path}
    )
    assert (found.branch, found.head, found.target) == ("x", SHA, "")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=60) | st.just("--evil"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_NAMES | st.text(max_size=5), inner, max_size=6),
    max_leaves=25,
)


@given(st.dictionaries(_NAMES, _JSON, max_size=6) | _JSON, st.sampled_from(_EVENTS), st.text(max_size=40))
def test_any_json_as_event_is_an_event_and_nothing_unchecked_can_reach_git(
    payload: object, name: str, ref: str
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = event(Path(folder), name, ref, payload)
    for commit in (found.head, found.sha, found.before, found.target_sha, found.merge_base):
        assert commit == "" or (len(commit) in {40, 64} and set(commit) <= set("0123456789abcdef"))
    assert found.pull_request is None or 0 < found.pull_request < 10**9
    "".join((found.branch, found.target, found.default_branch, *found.labels)).encode("utf-8")


def test_text_of_the_event_can_always_be_written_again(tmp_path: Path) -> None:
    payload = rb'{"pull_request": {"head": {"ref": "x\ud800"}, "labels": [{"name": "\udfff"}]}}'
    found = event(tmp_path, "pull_request", "refs/pull/7/merge", payload)
    assert "".join((found.branch, *found.labels)).encode("utf-8")


@pytest.mark.parametrize("text", ["", "0", "-1", "²", "٣", "1" * 5000, "1.5"])
def test_an_attempt_that_is_no_number_is_the_first(text: str) -> None:
    assert read_event(VARIABLES | {"GITHUB_RUN_ATTEMPT": text}).ci_attempt == 1


def test_the_runner_is_named_coarsely_and_never_by_its_own_name() -> None:
    assert read_event(VARIABLES).runner == "github-hosted ubuntu24"
    own = {name: value for name, value in VARIABLES.items() if name != "ImageOS"} | {
        "RUNNER_ENVIRONMENT": "self-hosted"
    }
    assert read_event(own).runner == "self-hosted"
    assert read_event({"GITHUB_ACTIONS": "true", "RUNNER_OS": "Linux"}).runner == "Linux"
