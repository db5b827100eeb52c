"""What is to be done about the comments on a pull request: a pure function of what is there and what is to be said."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from perfgate.core.budgets import Level
from perfgate.forge.marker import Marker
from perfgate.forge.telling import Mode, Told


class Author(NamedTuple):
    """Who writes our comments: by `id` where that is known, and always by `login`; an app's login ends in "[bot]"."""

    login: str
    id: int = 0

    def wrote(self, comment: dict[str, Any]) -> bool:
        """Whether a comment, as the API tells it, is by this author and no other."""
        user = comment.get("user")
        if not isinstance(user, dict) or user.get("login") != self.login:
            return False
        if self.id and user.get("id") != self.id:
            return False
        if not self.login.endswith("[bot]"):
            return True
        # No person can be called so; where the API tells the app as well, it must be the same.
        app = comment.get("performed_via_github_app")
        slug = app.get("slug") if isinstance(app, dict) else None
        return user.get("type") == "Bot" and slug in {None, self.login.removesuffix("[bot]")}


class Comment(NamedTuple):
    """One comment of ours; `node` is its id in GraphQL."""

    id: int
    node: str
    body: str
    marker: Marker


class Post(NamedTuple):
    """Write a new comment, of which people are notified."""

    body: str


class Edit(NamedTuple):
    """Write a comment anew in its place, of which nobody is notified."""

    id: int
    body: str


class Delete(NamedTuple):
    """Take a comment of ours away."""

    id: int


class Hide(NamedTuple):
    """Fold a comment of ours as resolved; it does not matter much if that fails."""

    node: str


class Show(NamedTuple):
    """Unfold it again."""

    node: str


Action = Post | Edit | Delete | Hide | Show


class Plan(NamedTuple):
    """What is to be done, in this order, and one sentence on it."""

    actions: tuple[Action, ...]
    said: str


def with_key(listed: Iterable[Any], key: str) -> list[dict[str, Any]]:
    """The comments, as the API lists them, whose first line is a marker with this key, whoever wrote them."""
    found = []
    for each in listed:
        body = each.get("body") if isinstance(each, dict) else None
        marker = Marker.read(body) if isinstance(body, str) else None
        if marker is not None and marker.key == key and type(each.get("id")) is int:
            found.append(each)
    return found


def ours(listed: Iterable[Any], author: Author, key: str) -> list[Comment]:
    """Our own comments with this key, among those that the API lists."""
    found = []
    for each in with_key(listed, key):
        marker = Marker.read(each["body"])
        if marker is not None and author.wrote(each):
            node = each.get("node_id")
            found.append(Comment(each["id"], node if isinstance(node, str) else "", each["body"], marker))
    return found


def plan(comments: Iterable[Comment], told: Told, mode: Mode, head: str) -> Plan:
    """What to do about `comments`, our own with this key, when the pull request's head is the commit `head`.

    At most one of them stays: that of the newest run of the head. A run of another commit says nothing.
    """
    marker = told.marker
    if mode is Mode.OFF:
        return Plan((), "no comment: it is switched off")
    if not marker.head or marker.head != head:
        return Plan(
            (), f"no comment: the pull request is at {head[:10]} now, and {marker.head[:10] or 'no commit'} was judged"
        )
    ranked = sorted(comments, key=lambda each: (each.marker.head == head, _age(each.marker), each.id))
    surplus = tuple(Delete(each.id) for each in ranked[:-1])
    if not ranked:
        if marker.level < Level.WARN and mode is Mode.ON:
            return Plan((), "no comment: there is no breach, and no comment that tells of one")
        return Plan((Post(told.body()),), "commented on the pull request")
    kept = ranked[-1]
    if kept.marker.head == head and _age(kept.marker) > _age(marker):
        return Plan(surplus, "no comment: a newer run of this commit has told the pull request already")
    if marker.level >= Level.WARN and marker.level > kept.marker.level:
        # An edit notifies nobody, and this is news.
        return Plan((Post(told.body()), *surplus, Delete(kept.id)), "commented on the pull request anew")
    return _edited(kept, told, mode, surplus)


def _edited(kept: Comment, told: Told, mode: Mode, surplus: tuple[Delete, ...]) -> Plan:
    resolved = told.marker.level is Level.PASS and mode is Mode.ON
    body = told.body(earlier=kept.body if resolved else None)
    # The marker counts too: were it left at an older run, a late run in between could overwrite what the newest one found.
    # What this very run has resolved already does not name any more what was breached.
    if _plain(kept.body) == _plain(body) or (resolved and kept.marker == told.marker):
        return Plan(surplus, "the comment on the pull request says so already")
    actions: list[Action] = [Edit(kept.id, body), *surplus]
    if kept.node and resolved and kept.marker.level is not Level.PASS:
        actions.append(Hide(kept.node))
    if kept.node and not resolved and kept.marker.level is Level.PASS:
        actions.append(Show(kept.node))
    return Plan(tuple(actions), f"the comment on the pull request is {'resolved' if resolved else 'up to date'}")


def _age(marker: Marker) -> tuple[int, int]:
    """Grows from run to run, and from attempt to attempt of a run."""
    return marker.run, marker.attempt


def _plain(body: str) -> str:
    """A body as it was before the host changed its line ends."""
    return body.replace("\r\n", "\n").rstrip()
