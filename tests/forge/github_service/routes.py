"""What the played GitHub answers: each route a function of the state, the token and the request."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import unquote

from tests.forge.github_service.state import NOW, State, Token

#: What GitHub takes in one request, from its OpenAPI description and its manual.
_LONGEST_BODY, _LONGEST_OUTPUT, _MOST_ANNOTATIONS = 65_536, 65_535, 50


class Request(NamedTuple):
    """A request that found its route: the parts of its path, its query, its body, and who asks."""

    state: State
    token: Token
    parts: tuple[str, ...]
    query: dict[str, str]
    body: Any


class Answer(NamedTuple):
    """Status, body, and the items of a list, which the server pages."""

    status: int
    body: Any = None
    items: list[Any] | None = None
    within: str = ""
    location: str = ""


Route = Callable[[Request], Answer]


def refusal(status: int, message: str) -> Answer:
    """How GitHub words a refusal."""
    return Answer(
        status, {"message": message, "documentation_url": "https://docs.github.invalid/rest", "status": str(status)}
    )


NOT_FOUND = refusal(404, "Not Found")
FORBIDDEN = refusal(403, "Resource not accessible by integration")


def _may(need: str) -> Callable[[Route], Route]:
    def wrap(route: Route) -> Route:
        return lambda request: route(request) if need in request.token.writes else FORBIDDEN

    return wrap


def _user(request: Request) -> Answer:
    return FORBIDDEN if request.token.installation else Answer(200, request.token.user)


def _graphql(request: Request) -> Answer:
    query = str(request.body.get("query", ""))
    if "viewer" in query:
        return Answer(200, {"data": {"viewer": {"login": request.token.user["login"].removesuffix("[bot]")}}})
    node = request.body.get("variables", {}).get("id")
    theirs = [each for _, each in request.state.comments if each["node_id"] == node]
    if not theirs or "pull_requests" not in request.token.writes:
        return Answer(200, {"data": None, "errors": [{"type": "NOT_FOUND", "message": "Could not resolve to a node"}]})
    if "unminimizeComment" in query:
        request.state.hidden.pop(node, None)
    else:
        found = re.search(r"classifier: (\w+)", query)
        request.state.hidden[node] = found[1] if found else ""
    return Answer(200, {"data": {"done": {"clientMutationId": None}}})


# --- pull requests and their comments -------------------------------------------------------------------------------------


def _pull(request: Request) -> Answer:
    found = request.state.pulls.get(int(request.parts[0]))
    return Answer(200, found) if found else NOT_FOUND


def _pulls(request: Request) -> Answer:
    query = request.query
    wanted = query.get("state", "open")
    found = [
        each
        for each in request.state.pulls.values()
        if wanted in {"all", each["state"]}
        and query.get("head", each["head"]["label"]) == each["head"]["label"]
        and query.get("base", each["base"]["ref"]) == each["base"]["ref"]
    ]
    return Answer(200, items=found)


def _comments(request: Request) -> Answer:
    number = int(request.parts[0])
    if number not in request.state.pulls:
        return NOT_FOUND
    return Answer(200, items=[each for of, each in request.state.comments if of == number])


def _too_long(body: Any) -> bool:
    return not isinstance(body, str) or len(body.encode("utf-16-le")) // 2 > _LONGEST_BODY


@_may("pull_requests")
def _comment(request: Request) -> Answer:
    number = int(request.parts[0])
    if number not in request.state.pulls:
        return NOT_FOUND
    if number in request.state.locked:
        return refusal(403, "Unable to create comment because issue is locked.")
    if _too_long(request.body.get("body")):
        return refusal(422, "Validation Failed: body is too long (maximum is 65536 characters)")
    user = request.token.user
    app = {"id": 15368, "slug": user["login"].removesuffix("[bot]")} if request.token.installation else None
    return Answer(201, request.state.add_comment(number, request.body["body"], user, app))


def _one_comment(request: Request) -> Answer:
    found = [each for _, each in request.state.comments if each["id"] == int(request.parts[0])]
    return Answer(200, found[0]) if found else NOT_FOUND


@_may("pull_requests")
def _edit_comment(request: Request) -> Answer:
    found = _one_comment(request)
    if found.status != 200:
        return found
    if found.body["user"]["id"] != request.token.user["id"] and request.token.installation:
        return FORBIDDEN
    if _too_long(request.body.get("body")):
        return refusal(422, "Validation Failed: body is too long (maximum is 65536 characters)")
    found.body["body"] = request.body["body"]
    return found


@_may("pull_requests")
def _delete_comment(request: Request) -> Answer:
    found = _one_comment(request)
    if found.status != 200:
        return found
    request.state.comments = [each for each in request.state.comments if each[1] is not found.body]
    return Answer(204)


# --- labels, events, people -------------------------------------------------------------------------------------------------


def _label(name: str) -> dict[str, Any]:
    return {"id": abs(hash(name)) % 10**9, "name": name, "color": "ededed", "default": False}


def _labels(request: Request) -> Answer:
    return Answer(200, items=[_label(name) for name in request.state.labels.get(int(request.parts[0]), [])])


def _events(request: Request) -> Answer:
    return Answer(200, items=request.state.events.get(int(request.parts[0]), []))


def _permission(request: Request) -> Answer:
    login = unquote(request.parts[0])
    found = request.state.permissions.get(login)
    if found is None:
        return NOT_FOUND
    # `triage` and `maintain` are roles; in the older field they read as the permission below them.
    coarse = {"triage": "read", "maintain": "write"}.get(found, found)
    return Answer(200, {"permission": coarse, "role_name": found, "user": {"login": login, "id": 70, "type": "User"}})


# --- check runs -------------------------------------------------------------------------------------------------------------


def _wrong_output(body: Any) -> str:
    output = body.get("output") or {}
    for name in ("title", "summary", "text"):
        if len(str(output.get(name, ""))) > _LONGEST_OUTPUT:
            return f"output.{name} is too long (maximum is 65535 characters)"
    if len(output.get("annotations") or []) > _MOST_ANNOTATIONS:
        return "output.annotations has more than 50 members"
    return ""


def _take_check(state: State, check: dict[str, Any], body: dict[str, Any]) -> None:
    output = dict(body.get("output") or {})
    state.annotations.setdefault(check["id"], []).extend(output.pop("annotations", None) or [])
    for name in ("name", "status", "conclusion", "external_id", "details_url", "completed_at", "started_at"):
        if name in body:
            check[name] = body[name]
    if body.get("conclusion"):
        check["status"] = "completed"
    elif body.get("status") in {"queued", "in_progress"}:
        check["conclusion"] = None
    count = len(state.annotations[check["id"]])
    check["output"] = {**check["output"], **output, "annotations_count": count}


@_may("checks")
def _create_check(request: Request) -> Answer:
    if wrong := _wrong_output(request.body):
        return refusal(422, f"Invalid request. {wrong}")
    identity = request.state.number()
    check: dict[str, Any] = {
        "id": identity,
        "node_id": f"CR_{identity}",
        "head_sha": request.body["head_sha"],
        "external_id": "",
        "status": "queued",
        "conclusion": None,
        "started_at": NOW,
        "completed_at": None,
        "output": {"title": None, "summary": None, "text": None, "annotations_count": 0},
        "app": {"id": 15368, "slug": request.token.user["login"].removesuffix("[bot]")},
    }
    _take_check(request.state, check, request.body)
    request.state.checks.append(check)
    return Answer(201, check)


@_may("checks")
def _update_check(request: Request) -> Answer:
    found = [each for each in request.state.checks if each["id"] == int(request.parts[0])]
    if not found:
        return NOT_FOUND
    if wrong := _wrong_output(request.body):
        return refusal(422, f"Invalid request. {wrong}")
    _take_check(request.state, found[0], request.body)
    return Answer(200, found[0])


def _checks(request: Request) -> Answer:
    name = request.query.get("check_name")
    found = [
        each
        for each in request.state.checks
        if each["head_sha"] == request.parts[0] and (name is None or each["name"] == name)
    ]
    return Answer(200, items=found, within="check_runs")


# --- workflow runs, artifacts, commits --------------------------------------------------------------------------------------


def _run(request: Request) -> Answer:
    found = request.state.runs.get(int(request.parts[0]))
    if found is None:
        return NOT_FOUND
    return Answer(200, {**found, "run_attempt": int(request.parts[1])} if len(request.parts) > 1 else found)


def _runs(request: Request) -> Answer:
    sha = request.query.get("head_sha")
    found = [each for each in request.state.runs.values() if sha is None or each["head_sha"] == sha]
    return Answer(200, items=found[::-1], within="workflow_runs")


def _jobs(request: Request) -> Answer:
    run = int(request.parts[0])
    attempt = int(request.parts[1]) if len(request.parts) > 1 else request.state.runs.get(run, {}).get("run_attempt", 1)
    return Answer(200, items=request.state.jobs.get((run, attempt), []), within="jobs")


def _artifacts(request: Request) -> Answer:
    run = int(request.parts[0])
    name = request.query.get("name")
    found = [
        each
        for each, _ in request.state.artifacts.values()
        if each["workflow_run"]["id"] == run and (name is None or each["name"] == name)
    ]
    return Answer(200, items=found, within="artifacts")


def _zip(request: Request) -> Answer:
    number = int(request.parts[0])
    if number not in request.state.artifacts:
        return NOT_FOUND
    if request.state.artifacts[number][0]["expired"]:
        return refusal(410, "Artifact has expired")
    return Answer(302, location=f"/blob/{number}?sig=signed")


def _compare(request: Request) -> Answer:
    base, _, head = unquote(request.parts[0]).partition("...")
    found = request.state.merge_bases.get((base, head))
    if found is None:
        return NOT_FOUND
    plain = {"status": "ahead", "merge_base_commit": {"sha": found}, "ahead_by": 1, "behind_by": 0, "total_commits": 1}
    return Answer(200, plain | request.state.changes.get((base, head), {}))


def _commit_pulls(request: Request) -> Answer:
    numbers = request.state.commit_pulls.get(request.parts[0], [])
    return Answer(200, items=[request.state.pulls[number] for number in numbers])


def _repository(request: Request) -> Answer:
    return Answer(200, request.state.repository())


_R = r"/repos/owner/name"
_N = r"(\d+)"
#: (method, path, what answers), in no order that matters: no two of them meet the same request.
ROUTES: tuple[tuple[str, str, Route], ...] = (
    ("GET", r"/user", _user),
    ("POST", r"/graphql", _graphql),
    ("GET", _R, _repository),
    ("GET", rf"{_R}/pulls/{_N}", _pull),
    ("GET", rf"{_R}/pulls", _pulls),
    ("GET", rf"{_R}/issues/{_N}/comments", _comments),
    ("POST", rf"{_R}/issues/{_N}/comments", _comment),
    ("GET", rf"{_R}/issues/comments/{_N}", _one_comment),
    ("PATCH", rf"{_R}/issues/comments/{_N}", _edit_comment),
    ("DELETE", rf"{_R}/issues/comments/{_N}", _delete_comment),
    ("GET", rf"{_R}/issues/{_N}/labels", _labels),
    ("GET", rf"{_R}/issues/{_N}/events", _events),
    ("GET", rf"{_R}/collaborators/([^/]+)/permission", _permission),
    ("POST", rf"{_R}/check-runs", _create_check),
    ("PATCH", rf"{_R}/check-runs/{_N}", _update_check),
    ("GET", rf"{_R}/commits/([0-9a-f]+)/check-runs", _checks),
    ("GET", rf"{_R}/commits/([0-9a-f]+)/pulls", _commit_pulls),
    ("GET", rf"{_R}/compare/(.+)", _compare),
    ("GET", rf"{_R}/actions/runs", _runs),
    ("GET", rf"{_R}/actions/runs/{_N}", _run),
    ("GET", rf"{_R}/actions/runs/{_N}/attempts/{_N}", _run),
    ("GET", rf"{_R}/actions/runs/{_N}/jobs", _jobs),
    ("GET", rf"{_R}/actions/runs/{_N}/attempts/{_N}/jobs", _jobs),
    ("GET", rf"{_R}/actions/runs/{_N}/artifacts", _artifacts),
    ("GET", rf"{_R}/actions/artifacts/{_N}/zip", _zip),
)


def answer(state: State, token: Token, method: str, path: str, query: dict[str, str], body: Any) -> Answer:
    """What GitHub says to one request."""
    for verb, pattern, route in ROUTES:
        match = re.fullmatch(pattern, path) if verb == method else None
        if match is not None:
            return route(Request(state, token, match.groups(), query, body if isinstance(body, dict) else {}))
    return NOT_FOUND
