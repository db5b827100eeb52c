"""Keeps one comment of ours on a change, on any host: reads, plans, does, and looks again where somebody may have written in between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from perfgate.errors import OperationFailed
from perfgate.forge.comment_plan import Action, Author, Delete, Edit, Hide, Plan, Post, Show, ours, plan, with_key
from perfgate.forge.rest import Client, Refused
from perfgate.forge.telling import Mode, Told

#: How often the comments are read: they may change between reading and writing.
_ROUNDS = 4
_GONE = frozenset({404, 410})


class Thread(Protocol):
    """The comments on one change, at one host. Every method raises OperationFailed where the host refuses or cannot be asked."""

    client: Client

    def head(self) -> str:
        """The newest commit of the change."""

    def listed(self) -> Sequence[Mapping[str, Any]]:
        """All comments, each with `id`, `body`, `user` and `node_id`."""

    def who(self) -> Author:
        """Who our comments are by."""

    def do(self, action: Action) -> None:
        """Carry out one action."""


def keep(thread: Thread, told: Told, mode: Mode) -> str:
    """Bring the comments into the state that the plan wants; what became of it, as a sentence."""
    said = ""
    author: Author | None = None
    for turn in range(_ROUNDS):
        head = thread.head()
        listed = thread.listed()
        if author is None and with_key(listed, told.marker.key):
            author = thread.who()
        made = plan(ours(listed, author, told.marker.key) if author else (), told, mode, head)
        # What was done stands; a later turn only finds nothing left to do.
        said = said if said and not made.actions else made.said
        if _done(thread, made, last=turn == _ROUNDS - 1, pause=2.0**turn):
            break
    return said


def _done(thread: Thread, made: Plan, *, last: bool, pause: float) -> bool:
    """Do what is planned; False where the comments must be looked at again: somebody else may have written in between."""
    again = False
    for action in made.actions:
        try:
            thread.do(action)
        except OperationFailed as error:
            status = error.status if isinstance(error, Refused) else 0
            if isinstance(action, Hide | Show) or (isinstance(action, Delete) and status in _GONE):
                continue
            if isinstance(action, Edit) and status in _GONE and not last:
                return False
            if isinstance(action, Post) and (not status or status >= 500) and not last:
                # It may have arrived all the same; the comments tell.
                thread.client.sleep(pause)
                return False
            raise
        again = again or isinstance(action, Post)
    return not again or last
