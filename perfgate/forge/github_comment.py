"""Does on GitHub what the plan for the pull request's comments says; whatever goes wrong there becomes one sentence."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from perfgate.errors import OperationFailed, PerfgateError
from perfgate.forge import github_rest
from perfgate.forge.comment_keeping import keep
from perfgate.forge.comment_plan import Action, Author, Delete, Edit, Hide, Post
from perfgate.forge.rest import Client, Refused
from perfgate.forge.telling import Mode, Outcome, Told

#: The author of what a job's own token writes.
ACTIONS = Author("github-actions[bot]")
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
    if not github_rest.has_token(environ):
        return Outcome("the pull request could not be told: this step has no GITHUB_TOKEN", failed=True)
    try:
        client = github_rest.client(environ, sleep=sleep)
        pull_request = _PullRequest(client, github_rest.repository(environ), number)
        return Outcome(keep(pull_request, told, mode))
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


class _PullRequest:
    """The comments of one pull request."""

    def __init__(self, client: Client, repository: str, number: int) -> None:
        self.client = client
        self._repository = repository
        self._number = number

    def head(self) -> str:
        """The pull request's newest commit."""
        pull = self.client.get(f"{self._repository}/pulls/{self._number}")
        head = pull.get("head") if isinstance(pull, dict) else None
        sha = head.get("sha") if isinstance(head, dict) else None
        if not isinstance(sha, str):
            raise OperationFailed("GitHub's answer does not tell the pull request's head", remedy="try again later")
        return sha

    def listed(self) -> list[Any]:
        """All its comments."""
        return self.client.every(f"{self._repository}/issues/{self._number}/comments")

    def who(self) -> Author:
        """Whose comments the token writes."""
        return who(self.client)

    def do(self, action: Action) -> None:
        """Post, edit, delete, fold or unfold a comment."""
        comments = f"{self._repository}/issues/comments"
        if isinstance(action, Post):
            self.client.send("POST", f"{self._repository}/issues/{self._number}/comments", {"body": action.body})
        elif isinstance(action, Edit):
            self.client.send("PATCH", f"{comments}/{action.id}", {"body": action.body})
        elif isinstance(action, Delete):
            self.client.send("DELETE", f"{comments}/{action.id}")
        else:
            github_rest.graphql(self.client, _HIDE if isinstance(action, Hide) else _SHOW, {"id": action.node})


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


def _why(error: PerfgateError) -> str:
    """An error as part of a sentence, with what to do about it."""
    status = error.status if isinstance(error, Refused) else 0
    if status == 403 and "locked" in error.what.lower():
        return "its conversation is locked"
    if status == 401:
        remedy = "the token is not one that GitHub knows, or no longer"
    elif status in {403, 404}:
        remedy = "the job needs pull-requests: write, which a fork's pull request never has"
    else:
        remedy = error.remedy
    return f"{error.what}; {remedy}" if remedy else error.what
