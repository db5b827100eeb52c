"""Does on GitHub what the plan for the pull request's comments says; whatever goes wrong there becomes one sentence."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from perfgate.errors import OperationFailed, PerfgateError
from perfgate.forge import github_rest
from perfgate.forge.comment_plan import Action, Author, Delete, Edit, Hide, Plan, Post, Show, ours, plan, with_key
from perfgate.forge.rest import Client, Refused
from perfgate.forge.telling import Mode, Outcome, Told

#: The author of what a job's own token writes.
ACTIONS = Author("github-actions[bot]")
#: How often the comments are read: they may change between reading and writing.
_ROUNDS = 4
_GONE = frozenset({404, 410})
_HIDE = "mutation($id: ID!) { minimizeComment(input: {subjectId: $id, classifier: RESOLVED}) { clientMutationId } }"
_SHOW = "mutation($id: ID!) { unminimizeComment(input: {subjectId: $id}) { clientMutationId } }"


def tell(
    environ: Mapping[str, str],
    number: int,
    told: Told,
    mode: Mode,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> Outcome:
    """Tell the pull request with this number; never raises for anything that GitHub or the network does."""
    if mode is Mode.OFF:
        return Outcome("no comment: it is switched off")
    try:
        client = github_rest.client(environ, sleep=sleep)
        return Outcome(_tell(client, github_rest.repository(environ), number, told, mode))
    except PerfgateError as error:
        return Outcome(f"the pull request could not be told: {_why(error)}", failed=True)


def link(environ: Mapping[str, str], run: int) -> str:
    """The address of a run's page, for people; "" where the surroundings do not tell it."""
    server, repository = environ.get("GITHUB_SERVER_URL", ""), environ.get("GITHUB_REPOSITORY", "")
    if not run or not re.fullmatch(r"https?://[A-Za-z0-9.:\[\]-]+", server):
        return ""
    if not re.fullmatch(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+", repository):
        return ""
    return f"{server}/{quote(repository)}/actions/runs/{run}"


def _tell(client: Client, repository: str, number: int, told: Told, mode: Mode) -> str:
    said = ""
    author: Author | None = None
    for turn in range(_ROUNDS):
        pull = client.get(f"{repository}/pulls/{number}")
        listed = client.every(f"{repository}/issues/{number}/comments")
        if author is None and with_key(listed, told.marker.key):
            author = who(client)
        made = plan(ours(listed, author or ACTIONS, told.marker.key), told, mode, _head(pull))
        # What was done stands; a later turn only finds nothing left to do.
        said = said if said and not made.actions else made.said
        if _done(client, repository, number, made, last=turn == _ROUNDS - 1, pause=2.0**turn):
            break
    return said


def _head(pull: Any) -> str:
    head = pull.get("head") if isinstance(pull, dict) else None
    sha = head.get("sha") if isinstance(head, dict) else None
    if not isinstance(sha, str):
        raise OperationFailed("GitHub's answer does not tell the pull request's head", remedy="try again later")
    return sha


def who(client: Client) -> Author:
    """Who the token's comments are by: a person, an app, or the jobs of GitHub Actions."""
    try:
        user = client.get("/user")
    except Refused as error:
        if error.status not in {401, 403, 404}:
            raise
        return _app(client)
    login, number = (user.get("login"), user.get("id")) if isinstance(user, dict) else (None, None)
    if isinstance(login, str) and type(number) is int:
        return Author(login, number)
    raise OperationFailed("GitHub's answer does not tell who we are", remedy="try again later")


def _app(client: Client) -> Author:
    """The app whose installation token this is; that of Actions where GraphQL does not tell another."""
    try:
        data = github_rest.graphql(client, "query { viewer { login } }", {})
        login = data["viewer"]["login"]
    except (OperationFailed, KeyError, TypeError):
        return ACTIONS
    return Author(f"{login.removesuffix('[bot]')}[bot]") if isinstance(login, str) and login else ACTIONS


def _done(client: Client, repository: str, number: int, made: Plan, *, last: bool, pause: float) -> bool:
    """Do what is planned; False where the comments must be looked at again: somebody else may have written in between."""
    again = False
    for action in made.actions:
        try:
            _do(client, repository, number, action)
        except OperationFailed as error:
            status = error.status if isinstance(error, Refused) else 0
            if isinstance(action, Hide | Show) or (isinstance(action, Delete) and status in _GONE):
                continue
            if isinstance(action, Edit) and status in _GONE and not last:
                return False
            if isinstance(action, Post) and (not status or status >= 500) and not last:
                # It may have arrived all the same; the comments tell.
                client.sleep(pause)
                return False
            raise
        again = again or isinstance(action, Post)
    return not again or last


def _do(client: Client, repository: str, number: int, action: Action) -> None:
    if isinstance(action, Post):
        client.send("POST", f"{repository}/issues/{number}/comments", {"body": action.body})
    elif isinstance(action, Edit):
        client.send("PATCH", f"{repository}/issues/comments/{action.id}", {"body": action.body})
    elif isinstance(action, Delete):
        client.send("DELETE", f"{repository}/issues/comments/{action.id}")
    else:
        github_rest.graphql(client, _HIDE if isinstance(action, Hide) else _SHOW, {"id": action.node})


def _why(error: PerfgateError) -> str:
    """An error as part of a sentence, with what to do about it."""
    status = error.status if isinstance(error, Refused) else 0
    if status == 403 and "locked" in error.what.lower():
        return "its conversation is locked"
    if status in {401, 403, 404}:
        remedy = "the job needs pull-requests: write, which a fork's pull request never has"
    else:
        remedy = error.remedy
    return f"{error.what}; {remedy}" if remedy else error.what
