"""The note on a GitLab merge request: planned as GitHub's comment is, written with a project's token, and never a quick action."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from perfgate.errors import InputError, OperationFailed, PerfgateError
from perfgate.forge.comment_plan import Action, Author, Delete, Edit, Hide, Plan, Post, Show, ours, plan, with_key
from perfgate.forge.rest import Client, Refused
from perfgate.forge.telling import Mode, Outcome, Told

#: The variables that may hold a token which can write notes, the more particular one first.
TOKENS = ("PERFGATE_GITLAB_TOKEN", "GITLAB_TOKEN")
_MAKE_ONE = "make a project access token (role Reporter, scope api) and give it to the job as PERFGATE_GITLAB_TOKEN"
#: How often the notes are read: they may change between reading and writing.
_ROUNDS = 4
_GONE = frozenset({404, 410})
_WHOLE = re.compile(r"[1-9][0-9]{0,18}")
#: What GitLab would carry out: a line that begins with a slash and a word.
_QUICK_ACTION = re.compile(r"^(?=[^\S\n]*/)", re.MULTILINE)


def client(environ: Mapping[str, str], *, sleep: Callable[[float], None] = time.sleep) -> Client:
    """The API at CI_API_V4_URL, asked with PERFGATE_GITLAB_TOKEN or GITLAB_TOKEN; InputError where either cannot be used."""
    return Client(_address(environ), headers={"PRIVATE-TOKEN": _token(environ)}, host="GitLab", sleep=sleep)


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
        return Outcome(_tell(client(environ, sleep=sleep), path, told, mode))
    except PerfgateError as error:
        return Outcome(f"the merge request could not be told: {_why(error)}", failed=True)


def _tell(client: Client, path: str, told: Told, mode: Mode) -> str:
    resolved = told.resolved
    told = told._replace(
        text=without_quick_actions(told.text), resolved=lambda earlier: without_quick_actions(resolved(earlier))
    )
    said = ""
    author: Author | None = None
    for turn in range(_ROUNDS):
        head = _head(client.get(path))
        listed = _notes(client.every(f"{path}/discussions"))
        if author is None and with_key(listed, told.marker.key):
            author = _who(client)
        made = plan(ours(listed, author, told.marker.key) if author else (), told, mode, head)
        # What was done stands; a later turn only finds nothing left to do.
        said = said if said and not made.actions else _of_notes(made.said)
        if _done(client, path, made, last=turn == _ROUNDS - 1, pause=2.0**turn):
            break
    return said


def _head(answer: Any) -> str:
    sha = answer.get("sha") if isinstance(answer, dict) else None
    if not isinstance(sha, str):
        raise OperationFailed("GitLab's answer does not tell the merge request's head", remedy="try again later")
    return sha


def _who(client: Client) -> Author:
    """Whose the token is: a person, or the bot of a project's token."""
    user = client.get("/user")
    name, number = (user.get("username"), user.get("id")) if isinstance(user, dict) else (None, None)
    if isinstance(name, str) and type(number) is int:
        return Author(name, number)
    raise OperationFailed("GitLab's answer does not tell who we are", remedy="try again later")


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


def _done(client: Client, path: str, made: Plan, *, last: bool, pause: float) -> bool:
    """Do what is planned; False where the notes must be looked at again: somebody else may have written in between."""
    again = False
    for action in made.actions:
        try:
            _do(client, path, action)
        except OperationFailed as error:
            status = error.status if isinstance(error, Refused) else 0
            if isinstance(action, Hide | Show) or (isinstance(action, Delete) and status in _GONE):
                continue
            if isinstance(action, Edit) and status in _GONE and not last:
                return False
            if isinstance(action, Post) and (not status or status >= 500) and not last:
                # It may have arrived all the same; the notes tell.
                client.sleep(pause)
                return False
            raise
        again = again or isinstance(action, Post)
    return not again or last


def _do(client: Client, path: str, action: Action) -> None:
    if isinstance(action, Post):
        client.send("POST", f"{path}/notes", {"body": action.body})
    elif isinstance(action, Edit):
        client.send("PUT", f"{path}/notes/{action.id}", {"body": action.body})
    elif isinstance(action, Delete):
        client.send("DELETE", f"{path}/notes/{action.id}")
    elif re.fullmatch(r"[0-9a-f]{1,64}", action.node):
        client.send("PUT", f"{path}/discussions/{action.node}", {"resolved": isinstance(action, Hide)})


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


def _address(environ: Mapping[str, str]) -> str:
    """The API's address; InputError where it is none."""
    address = environ.get("CI_API_V4_URL", "").strip()
    try:
        parts = urlsplit(address)
        usable = parts.scheme in {"https", "http"} and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not re.fullmatch(r"[!-~]+", address):
        raise InputError("CI_API_V4_URL is not an address", remedy="in GitLab CI it is set: https://HOST/api/v4")
    return address


def _token(environ: Mapping[str, str]) -> str:
    """The token, without the line end that files and secrets often have; InputError where no header can carry it."""
    name = next((name for name in TOKENS if environ.get(name)), TOKENS[0])
    token = environ.get(name, "").strip()
    if not re.fullmatch(r"[!-~]+", token):
        raise InputError(
            "the token holds blanks or other characters that no token has", where=name, remedy="copy it again"
        )
    return token


def _why(error: PerfgateError) -> str:
    """An error as part of a sentence, with what to do about it."""
    status = error.status if isinstance(error, Refused) else 0
    remedy = _MAKE_ONE if status in {401, 403, 404} else error.remedy
    return f"{error.what}; {remedy}" if remedy else error.what
