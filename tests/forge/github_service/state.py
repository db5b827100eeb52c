"""What the played GitHub keeps: one repository with its pull requests, comments, labels, check runs, workflow runs and artifacts."""

from __future__ import annotations

from typing import Any, NamedTuple

REPOSITORY = "owner/name"
OWNER = {"login": "somebody", "id": 7, "node_id": "U_7", "type": "User", "site_admin": False}
ACTIONS = {"login": "github-actions[bot]", "id": 41898282, "node_id": "BOT_1", "type": "Bot", "site_admin": False}
WRITE = frozenset({"issues", "pull_requests", "checks", "contents", "actions"})
READ_ONLY = frozenset[str]()
NOW = "2026-11-21T12:00:00Z"


class Asked(NamedTuple):
    """One request as it arrived: `path` with its query, `body` parsed, `headers` in lower case."""

    method: str
    path: str
    body: Any
    headers: dict[str, str]


class Token(NamedTuple):
    """Who a token speaks for, what it may write, and whether it is an installation's, which has no GET /user."""

    user: dict[str, Any]
    writes: frozenset[str] = WRITE
    installation: bool = True


class State:
    """Everything that a request can read or change. Lists are oldest first."""

    def __init__(self) -> None:
        self.tokens: dict[str, Token] = {
            "job-token": Token(ACTIONS),
            "fork-token": Token(ACTIONS, READ_ONLY),
            "person-token": Token(OWNER, installation=False),
            "app-token": Token({**ACTIONS, "login": "our-app[bot]", "id": 99, "node_id": "BOT_99"}),
        }
        self.pulls: dict[int, dict[str, Any]] = {}
        self.locked: set[int] = set()
        self.comments: list[tuple[int, dict[str, Any]]] = []
        self.hidden: dict[str, str] = {}
        self.labels: dict[int, list[str]] = {}
        self.events: dict[int, list[dict[str, Any]]] = {}
        self.permissions: dict[str, str] = {}
        self.checks: list[dict[str, Any]] = []
        self.annotations: dict[int, list[dict[str, Any]]] = {}
        self.runs: dict[int, dict[str, Any]] = {}
        self.jobs: dict[tuple[int, int], list[dict[str, Any]]] = {}
        self.artifacts: dict[int, tuple[dict[str, Any], bytes]] = {}
        self.merge_bases: dict[tuple[str, str], str] = {}
        self.changes: dict[tuple[str, str], dict[str, Any]] = {}
        self.commit_pulls: dict[str, list[int]] = {}
        self._number = 1000

    def number(self) -> int:
        """A number that nothing has yet."""
        self._number += 1
        return self._number

    def repository(self, identity: int = 1, full_name: str = REPOSITORY) -> dict[str, Any]:
        """A repository as pull requests and runs name it."""
        login = full_name.partition("/")[0]
        owner = {**OWNER, "login": login}
        return {
            "id": identity,
            "node_id": f"R_{identity}",
            "name": full_name.partition("/")[2],
            "full_name": full_name,
            "owner": owner,
            "private": False,
            "fork": identity != 1,
            "default_branch": "main",
        }

    def add_comment(self, number: int, body: str, user: dict[str, Any], app: dict[str, Any] | None) -> dict[str, Any]:
        """A comment on an issue or pull request."""
        identity = self.number()
        made = {
            "id": identity,
            "node_id": f"IC_{identity}",
            "body": body,
            "user": dict(user),
            "html_url": f"https://github.invalid/{REPOSITORY}/pull/{number}#issuecomment-{identity}",
            "url": f"https://api.github.invalid/repos/{REPOSITORY}/issues/comments/{identity}",
            "issue_url": f"https://api.github.invalid/repos/{REPOSITORY}/issues/{number}",
            "created_at": NOW,
            "updated_at": NOW,
            "author_association": "NONE",
            "performed_via_github_app": app,
        }
        self.comments.append((number, made))
        return made
