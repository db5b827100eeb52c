"""The played GitHub is held against GitHub's own OpenAPI description, so that tests against it mean something."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from perfgate.errors import OperationFailed
from perfgate.forge import github_rest
from perfgate.forge.rest import Client, Refused
from tests.forge.github_service import ACTIONS, OWNER, Asked, Service, serving
from tests.forge.github_service.prism import Prism, description, why_not

HEAD, BASE = "ab" * 20, "cd" * 20
REPO = "/repos/owner/name"


@pytest.fixture
def github() -> Iterator[Service]:
    """Without Prism: the requests here are made by hand, and some are not GitHub's."""
    with serving() as service:
        yield service


@pytest.fixture
def client(github: Service) -> Client:
    """A client with the token of a person, who may ask everything."""
    state = github.state
    github.pull(7, head=HEAD, labels=["perfgate: accepted"])
    github.comment("words", by=ACTIONS)
    state.events[7] = [{"id": 1, "event": "labeled", "label": {"name": "x", "color": "ededed"}, "actor": OWNER}]
    state.permissions["somebody"] = "triage"
    state.runs[5] = {"id": 5, "head_sha": HEAD, "run_attempt": 2, "status": "completed", "conclusion": "success"}
    state.jobs[5, 2] = [{"id": 9, "run_id": 5, "name": "test", "status": "completed", "conclusion": "success"}]
    about = {"id": 3, "name": "perfgate-decision", "expired": False, "workflow_run": {"id": 5, "head_sha": HEAD}}
    state.artifacts[3] = (about, b"PK")
    state.merge_bases["main", HEAD] = BASE
    state.commit_pulls[HEAD] = [7]
    return github_rest.client(github.environ("person-token"), sleep=lambda _: None)


#: A path of the description, and the same as it is asked.
ASKED: tuple[tuple[str, str], ...] = (
    ("/user", "/user"),
    ("/repos/{owner}/{repo}", REPO),
    ("/repos/{owner}/{repo}/pulls", f"{REPO}/pulls?state=open&head=owner%3Atopic"),
    ("/repos/{owner}/{repo}/pulls/{pull_number}", f"{REPO}/pulls/7"),
    ("/repos/{owner}/{repo}/issues/comments/{comment_id}", f"{REPO}/issues/comments/1001"),
    ("/repos/{owner}/{repo}/issues/{issue_number}/comments", f"{REPO}/issues/7/comments"),
    ("/repos/{owner}/{repo}/issues/{issue_number}/labels", f"{REPO}/issues/7/labels"),
    ("/repos/{owner}/{repo}/issues/{issue_number}/events", f"{REPO}/issues/7/events"),
    ("/repos/{owner}/{repo}/collaborators/{username}/permission", f"{REPO}/collaborators/somebody/permission"),
    ("/repos/{owner}/{repo}/commits/{ref}/check-runs", f"{REPO}/commits/{HEAD}/check-runs"),
    ("/repos/{owner}/{repo}/commits/{commit_sha}/pulls", f"{REPO}/commits/{HEAD}/pulls"),
    ("/repos/{owner}/{repo}/compare/{basehead}", f"{REPO}/compare/main...{HEAD}"),
    ("/repos/{owner}/{repo}/actions/runs", f"{REPO}/actions/runs?head_sha={HEAD}"),
    ("/repos/{owner}/{repo}/actions/runs/{run_id}", f"{REPO}/actions/runs/5"),
    ("/repos/{owner}/{repo}/actions/runs/{run_id}/attempts/{attempt_number}", f"{REPO}/actions/runs/5/attempts/1"),
    ("/repos/{owner}/{repo}/actions/runs/{run_id}/jobs", f"{REPO}/actions/runs/5/jobs"),
    (
        "/repos/{owner}/{repo}/actions/runs/{run_id}/attempts/{attempt_number}/jobs",
        f"{REPO}/actions/runs/5/attempts/2/jobs",
    ),
    ("/repos/{owner}/{repo}/actions/runs/{run_id}/artifacts", f"{REPO}/actions/runs/5/artifacts"),
)


def strangers(value: Any, schema: dict[str, Any], whole: dict[str, Any], place: str = "") -> list[str]:
    """What in a value its schema does not know, or knows to be of another type."""
    schema = _resolved(schema, whole)
    choices = schema.get("oneOf") or schema.get("anyOf")
    if choices:
        return min((strangers(value, each, whole, place) for each in choices), key=len)
    if value is None:
        return [] if schema.get("nullable") else [f"{place}: null"]
    if isinstance(value, list):
        return [
            wrong for at, each in enumerate(value) for wrong in strangers(each, schema["items"], whole, f"{place}/{at}")
        ]
    if isinstance(value, dict):
        known = schema.get("properties", {})
        found = [f"{place}/{name}" for name in value if name not in known]
        return found + [
            wrong
            for name, each in value.items()
            if name in known
            for wrong in strangers(each, known[name], whole, f"{place}/{name}")
        ]
    kinds: dict[str, tuple[type, ...]] = {
        "integer": (int,),
        "number": (int, float),
        "boolean": (bool,),
        "string": (str,),
    }
    right = isinstance(value, kinds.get(schema.get("type", ""), (object,))) and value in schema.get("enum", [value])
    return [] if right else [f"{place}: {value!r}"]


def _resolved(schema: dict[str, Any], whole: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        _, _, kind, name = schema["$ref"].split("/")
        schema = whole["components"][kind][name]
    parts = [_resolved(each, whole) for each in schema.get("allOf", [])]
    if not parts:
        return schema
    known = {name: each for part in parts for name, each in part.get("properties", {}).items()}
    return {**schema, "properties": known, "nullable": any(part.get("nullable") for part in parts)}


@pytest.mark.skipif(why_not() != "", reason=why_not() or "-")
@pytest.mark.parametrize(("path", "asked"), ASKED)
def test_what_it_answers_has_the_names_and_types_that_github_documents(client: Client, path: str, asked: str) -> None:
    whole = description()
    content = _resolved(whole["paths"][path]["get"]["responses"]["200"], whole)["content"]
    answer = client.get(asked)
    assert answer
    assert strangers(answer, content["application/json"]["schema"], whole) == []


@pytest.mark.skipif(why_not() != "", reason=why_not() or "-")
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", f"{REPO}/issues/7/comments", {}),
        ("POST", f"{REPO}/issues/seven/comments", {"body": "x"}),
        ("PATCH", f"{REPO}/issues/comments/7", {"body": 5}),
        ("POST", f"{REPO}/check-runs", {"name": "perfgate"}),
        ("PATCH", f"{REPO}/check-runs/7", {"conclusion": "warn"}),
        ("GET", f"{REPO}/commits/{HEAD}/check-runs?filter=newest", None),
        ("GET", f"{REPO}/no-such-thing", None),
    ],
)
def test_a_request_that_github_would_not_take_is_noticed(
    prism: Prism | None, method: str, path: str, body: Any
) -> None:
    assert prism is not None
    asked = Asked(method, path, body, {"content-type": "application/json"})
    assert len(prism.complaints([asked])) >= 1


def test_lists_come_in_pages_with_links(github: Service, client: Client) -> None:
    for number in range(204):
        github.comment(f"comment {number}")
    found = client.every(f"{REPO}/issues/7/comments")
    assert [each["body"] for each in found] == ["words", *(f"comment {number}" for number in range(204))]
    assert len(github.asked) == 3
    assert len(client.get(f"{REPO}/issues/7/comments")) == 30


def test_artifacts_lie_elsewhere_and_the_token_does_not_go_there(github: Service, client: Client) -> None:
    assert client.download(f"{REPO}/actions/artifacts/3/zip", 100) == b"PK"
    assert "authorization" in github.asked[-1].headers
    assert [sorted({"authorization", "x-github-api-version"} & set(each.headers)) for each in github.elsewhere] == [[]]
    with pytest.raises(OperationFailed, match="more than the 1 bytes"):
        client.download(f"{REPO}/actions/artifacts/3/zip", 1)
    with pytest.raises(OperationFailed, match="another host"):
        client.get(f"{REPO}/actions/artifacts/3/zip")


@pytest.mark.parametrize(
    ("token", "status"), [("fork-token", 403), ("job-token", 201), ("person-token", 201), ("nobody's", 401)]
)
def test_a_token_may_write_what_it_may_write(github: Service, client: Client, token: str, status: int) -> None:
    asking = github_rest.client(github.environ(token))

    def write() -> int:
        try:
            asking.send("POST", f"{REPO}/issues/7/comments", {"body": "x"})
        except Refused as error:
            return error.status
        return 201

    assert write() == status


# --- the client against it: what goes wrong on the way ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answers", "worked"),
    [
        ([{"status": 502}], True),
        ([{"drop": True}], True),
        ([{"cut": 5}], True),
        ([{"status": 503}] * 5, False),
        ([{"status": 200, "body": b"<html>"}], False),
        ([{"status": 301, "headers": {"Location": "http://localhost:1/x"}}], False),
    ],
)
def test_stumbles_are_passed_over_and_the_rest_is_told(
    github: Service, client: Client, answers: list[dict[str, Any]], worked: bool
) -> None:
    for each in answers:
        github.fault("GET", "/pulls/7", **each)
    if worked:
        assert client.get(f"{REPO}/pulls/7")["number"] == 7
        return
    with pytest.raises(OperationFailed) as caught:
        client.get(f"{REPO}/pulls/7")
    assert "person-token" not in str(caught.value)


def test_a_repository_that_was_renamed_is_written_to_at_its_place_of_today(github: Service, client: Client) -> None:
    place = f"{github.address}{REPO}/issues/7/comments"
    github.fault("POST", "/gone/issues/7/comments", 307, headers={"Location": place})
    assert client.send("POST", "/repos/owner/gone/issues/7/comments", {"body": "x"})["body"] == "x"
    github.fault("POST", "/gone/issues/7/comments", 301, headers={"Location": place})
    with pytest.raises(Refused, match="301"):
        client.send("POST", "/repos/owner/gone/issues/7/comments", {"body": "x"})


def test_a_refusal_that_echoes_the_token_does_not_tell_it(github: Service, client: Client) -> None:
    github.fault("GET", "/pulls/7", 403, body={"message": "bad person-token\n::error::x"})
    with pytest.raises(Refused) as caught:
        client.get(f"{REPO}/pulls/7")
    assert "person-token" not in str(caught.value)
    assert "\n::" not in str(caught.value)


def test_graphql_lies_beside_the_rest_of_an_own_server(github: Service, client: Client) -> None:
    client.address += "/api/v3"
    github.fault("POST", "/api/graphql", 200, body={"data": {"x": 1}})
    assert github_rest.graphql(client, "query", {}) == {"x": 1}
    github.fault("POST", "/api/graphql", 200, body=json.dumps({"data": None, "errors": [{}]}).encode())
    with pytest.raises(OperationFailed):
        github_rest.graphql(client, "query", {})
