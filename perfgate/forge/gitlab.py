"""The note on a GitLab merge request: planned as GitHub's comment is, written with a project's token, and never a quick action."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from perfgate.errors import OperationFailed, PerfgateError
from perfgate.forge.comment_keeping import keep
from perfgate.forge.comment_plan import Action, Author, Delete, Edit, Hide, Post
from perfgate.forge.rest import Client, Refused, checked_address, checked_token
from perfgate.forge.telling import Mode, Outcome, Told

#: The variables that may hold a token which can write notes, the more particular one first.
TOKENS = ("PERFGATE_GITLAB_TOKEN", "GITLAB_TOKEN")
_MAKE_ONE = "make a project access token (role Reporter, scope api) and give it to the job as PERFGATE_GITLAB_TOKEN"
_WHOLE = re.compile(r"[1-9][0-9]{0,18}")
#: What GitLab would carry out: a line that begins with a slash and a word.
_QUICK_ACTION = re.compile(r"^(?=[^\S\n]*/)", re.MULTILINE)


def client(environ: Mapping[str, str], *, sleep: Callable[[float], None] = time.sleep) -> Client:
    """The API at CI_API_V4_URL, asked with PERFGATE_GITLAB_TOKEN or GITLAB_TOKEN; InputError where either cannot be used."""
    address = checked_address(
        environ.get("CI_API_V4_URL", ""), "CI_API_V4_URL", "in GitLab CI it is set: https://HOST/api/v4"
    )
    name = next((name for name in TOKENS if environ.get(name)), TOKENS[0])
    token = checked_token(environ.get(name, ""), name)
    return Client(address, headers={"PRIVATE-TOKEN": token}, host="GitLab", sleep=sleep)


def merge_request(environ: Mapping[str, str]) -> str:
    """The path of the merge request that this pipeline is of, in the project that it is to land in; "" where it is of none."""
    project, number = environ.get("CI_MERGE_REQUEST_PROJECT_ID", ""), environ.get("CI_MERGE_REQUEST_IID", "")
    if not _WHOLE.fullmatch(project) or not _WHOLE.fullmatch(number):
        return ""
    return f"/projects/{project}/merge_requests/{number}"


def link(environ: Mapping[str, str]) -> str:
    """The address of this job's pipeline, for people; "" where the surroundings do not tell it."""
    found = environ.get("CI_PIPELINE_URL", "")
    return found if re.fullmatch(r"https?://[A-Za-z0-9.:\[\]/_-]{1,500}", found) else ""


def tell(environ: Mapping[str, str], told: Told, mode: Mode, *, sleep: Callable[[float], None] = time.sleep) -> Outcome:
    """Tell the merge request of this pipeline; never raises for anything that GitLab or the network does."""
    path = merge_request(environ)
    if mode is Mode.OFF:
        return Outcome("no note: it is switched off")
    if not path:
        return Outcome("no note: this is no pipeline of a merge request")
    if not any(environ.get(name) for name in TOKENS):
        # So it is for every merge request from a fork: its pipeline has none of the project's variables.
        why = "the job's own CI_JOB_TOKEN cannot write notes" if environ.get("CI_JOB_TOKEN") else "there is no token"
        return Outcome(f"the merge request was not told: {why}; {_MAKE_ONE}")
    try:
        plain = told._replace(
            text=without_quick_actions(told.text),
            resolved=lambda earlier: without_quick_actions(told.resolved(earlier)),
        )
        return Outcome(_of_notes(keep(_MergeRequest(client(environ, sleep=sleep), path), plain, mode)))
    except PerfgateError as error:
        return Outcome(f"the merge request could not be told: {_why(error)}", failed=True)


class _MergeRequest:
    """The notes of one merge request, at its path in the API."""

    def __init__(self, client: Client, path: str) -> None:
        self.client = client
        self._path = path

    def head(self) -> str:
        """The merge request's newest commit."""
        answer = self.client.get(self._path)
        sha = answer.get("sha") if isinstance(answer, dict) else None
        if not isinstance(sha, str):
            raise OperationFailed("GitLab's answer does not tell the merge request's head", remedy="try again later")
        return sha

    def listed(self) -> list[dict[str, Any]]:
        """All its notes."""
        return _notes(self.client.every(f"{self._path}/discussions"))

    def who(self) -> Author:
        """Whose the token is: a person, or the bot of a project's token."""
        user = self.client.get("/user")
        name, number = (user.get("username"), user.get("id")) if isinstance(user, dict) else (None, None)
        if isinstance(name, str) and type(number) is int:
            return Author(name, number)
        raise OperationFailed("GitLab's answer does not tell who we are", remedy="try again later")

    def do(self, action: Action) -> None:
        """Post, edit or delete a note, resolve its thread or open it again."""
        if isinstance(action, Post):
            self.client.send("POST", f"{self._path}/notes", {"body": action.body})
        elif isinstance(action, Edit):
            self.client.send("PUT", f"{self._path}/notes/{action.id}", {"body": action.body})
        elif isinstance(action, Delete):
            self.client.send("DELETE", f"{self._path}/notes/{action.id}")
        elif re.fullmatch(r"[0-9a-f]{1,64}", action.node):
            path = f"{self._path}/discussions/{action.node}"
            self.client.send("PUT", path, {"resolved": isinstance(action, Hide)})


def _notes(discussions: Iterable[Any]) -> list[dict[str, Any]]:
    """The notes of all discussions, in the form of GitHub's comments; `node_id` is that of a thread which can be resolved."""
    # By id: what is written between two pages moves the others on, so that one may be on both.
    found: dict[Any, dict[str, Any]] = {}
    for each in discussions:
        notes = each.get("notes") if isinstance(each, dict) else None
        for note in notes if isinstance(notes, list) else ():
            if not isinstance(note, dict) or note.get("system") or type(note.get("id")) is not int:
                continue
            author = note.get("author")
            user = {"login": author.get("username"), "id": author.get("id")} if isinstance(author, dict) else None
            thread = each.get("id") if note.get("resolvable") else ""
            found[note["id"]] = {"id": note["id"], "body": note.get("body"), "user": user, "node_id": thread}
    return list(found.values())


def without_quick_actions(body: str) -> str:
    """The note without a line that begins with a slash, which GitLab would read as a command to it.

    No sentence of ours does; before one that comes from data stands a sign that nobody sees.
    """
    return _QUICK_ACTION.sub("\u200b", body)


def _of_notes(said: str) -> str:
    return (
        said.replace("pull request", "merge request")
        .replace("commented on", "wrote a note on")
        .replace("comment", "note")
    )


def _why(error: PerfgateError) -> str:
    """An error as part of a sentence, with what to do about it."""
    status = error.status if isinstance(error, Refused) else 0
    remedy = _MAKE_ONE if status in {401, 403, 404} else error.remedy
    return f"{error.what}; {remedy}" if remedy else error.what
