"""The first line of perfgate's comment: whose it is and which run wrote it, in an HTML comment that nobody sees."""

from __future__ import annotations

import re
from typing import NamedTuple

from perfgate.core.budgets import Level
from perfgate.core.decision import Decision
from perfgate.core.model import Event

#: The longest first line that is read as a marker.
LONGEST = 500
_NO_EVENT = Event()
_FOREIGN = re.compile(r"[^A-Za-z0-9._/:-]")
_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_NUMBER = re.compile(r"[0-9]{1,19}")
_ATTEMPT = re.compile(r"[1-9][0-9]{0,8}")
_LINE = re.compile(
    r"<!-- perfgate:v1 key=(?P<key>[A-Za-z0-9._/:~-]{1,200}) head=(?P<head>[0-9a-f]{40}|[0-9a-f]{64}|unknown)"
    r" run=(?P<run>[0-9]{1,19}) attempt=(?P<attempt>[1-9][0-9]{0,8}) level=(?P<level>pass|inconclusive|warn|block) -->"
)


class Marker(NamedTuple):
    """`key` tells the comments of a monorepo's projects (and of several gates of one project) apart.

    `head` is the commit that was judged, "" where unknown; `run` the CI run's number, 0 outside CI; `level` the decision's.
    """

    key: str
    head: str
    run: int
    attempt: int
    level: Level

    @property
    def line(self) -> str:
        """The first line of the comment."""
        head = self.head or "unknown"
        return (
            f"<!-- perfgate:v1 key={self.key} head={head} run={self.run} attempt={self.attempt}"
            f" level={self.level.word} -->"
        )

    @classmethod
    def of(cls, decision: Decision, project: str, key: str = "", event: Event = _NO_EVENT) -> Marker:
        """The marker of a decision on `project`, its path inside the repository; `key` tells several gates of it apart.

        The run is that of `event`; of a workflow that follows another, and outside CI, the one that measured.
        """
        context = decision.circumstances.context
        head = context.head or context.tested
        follows = event.name == "workflow_run" or not event.ci_run
        run, attempt = (context.ci_run, context.ci_attempt) if follows else (event.ci_run, event.ci_attempt)
        return cls(
            key_of(project, key),
            head if _SHA.fullmatch(head) else "",
            int(run) if _NUMBER.fullmatch(run) else 0,
            attempt if _ATTEMPT.fullmatch(str(attempt)) else 1,
            decision.level,
        )

    @classmethod
    def read(cls, body: str) -> Marker | None:
        """The marker on the first line of a comment; None for anything else, however like one it looks."""
        # The host may give back the line ends of another system.
        first = body[: LONGEST + 2].partition("\n")[0].removesuffix("\r")
        match = _LINE.fullmatch(first)
        if match is None or "--" in match["key"]:
            return None
        head = "" if match["head"] == "unknown" else match["head"]
        return cls(match["key"], head, int(match["run"]), int(match["attempt"]), Level[match["level"].upper()])


def key_of(project: str, key: str = "") -> str:
    """The key of a project (its path; "" at the repository's top) and of one gate of it, in the alphabet of a marker.

    What the alphabet lacks, or what is too long for it, is replaced, with a fingerprint of the whole, so that keys stay apart.
    """
    whole = f"{project or '.'}:{key}" if key else project or "."
    plain = re.sub(r"-{2,}", "-", _FOREIGN.sub("_", whole))[:180]
    if plain == whole:
        return plain
    # Imported here: it brings OpenSSL, and few names need it.
    from hashlib import sha256

    return f"{plain}~{sha256(whole.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}"
