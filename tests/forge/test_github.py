"""What GitHub says of a change, from its real payloads and from broken ones, and what a job tells GitHub."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from perfgate.core.model import Event
from perfgate.forge.environment import read_event
from perfgate.forge.github import SUMMARY_LIMIT, write_outputs, write_summary

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


# --- what a job tells -------------------------------------------------------------------------------------------------


def test_the_summary_is_added_to_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "summary"
    environ = {"GITHUB_STEP_SUMMARY": str(path)}
    assert write_summary(environ, "# one\n\n") == ""
    assert write_summary(environ, "zwei ünï \ud800") == ""
    assert path.read_text(encoding="utf-8") == "# one\nzwei ünï ?\n"


def test_a_summary_that_github_would_refuse_is_left_out_and_said(tmp_path: Path) -> None:
    path = tmp_path / "summary"
    environ = {"GITHUB_STEP_SUMMARY": str(path)}
    assert write_summary(environ, "x" * (SUMMARY_LIMIT - 1)) == ""
    assert "left out" in write_summary(environ, "y")
    assert path.stat().st_size == SUMMARY_LIMIT


@pytest.mark.parametrize("value", ["block", "", "two\nlines", "name<<EOF\nevil=1\nEOF", "\r\n"])
def test_an_output_can_hold_any_value_and_sets_nothing_else(tmp_path: Path, value: str) -> None:
    path = tmp_path / "output"
    assert write_outputs({"GITHUB_OUTPUT": str(path)}, {"verdict": value, "exit-code": "20"}) == ""
    text = path.read_bytes().decode()
    found = {}
    while text:
        head, _, text = text.partition("\n")
        name, _, delimiter = head.partition("<<")
        found[name], _, text = text.partition(f"\n{delimiter}\n")
    assert found == {"verdict": value, "exit-code": "20"}


def test_two_outputs_have_two_delimiters(tmp_path: Path) -> None:
    path = tmp_path / "output"
    write_outputs({"GITHUB_OUTPUT": str(path)}, {"a": "1", "b": "2"})
    delimiters = {line.partition("<<")[2] for line in path.read_text(encoding="utf-8").splitlines() if "<<" in line}
    assert len(delimiters) == 2
    assert all(len(each) > 32 for each in delimiters)


@pytest.mark.parametrize("name", ["", "a=b", "a\nb", "a b", "1a", "a<<b"])
def test_an_output_with_an_impossible_name_is_refused_and_nothing_is_written(tmp_path: Path, name: str) -> None:
    path = tmp_path / "output"
    assert "cannot be the name" in write_outputs({"GITHUB_OUTPUT": str(path)}, {"good": "1", name: "2"})
    assert not path.exists()


def test_without_the_files_nothing_is_told_and_nothing_fails() -> None:
    assert write_summary({}, "x") == write_outputs({}, {"a": "b"}) == ""


@pytest.mark.parametrize("path", ["/nowhere/at/all", "/", "a\0b"])
def test_a_file_that_cannot_be_written_is_a_sentence_and_never_an_exception(path: str) -> None:
    assert "could not be written" in write_summary({"GITHUB_STEP_SUMMARY": path}, "x")
    assert "could not be written" in write_outputs({"GITHUB_OUTPUT": path}, {"a": "b"})
