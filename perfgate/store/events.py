"""What was decided about a baseline: retire, accept, anchor, prune, admit by hand. One immutable file each, with its reason."""

from __future__ import annotations

from typing import NamedTuple

from perfgate.core.model import Exactly, Selector
from perfgate.errors import InputError
from perfgate.formats import nouns, strict_json
from perfgate.formats.checking import Found

SCHEMA = "perfgate/baseline-event/1"
EVERYTHING = Selector("*")
KINDS = ("admit", "retire", "accept", "anchor", "prune")


class Recorded(NamedTuple):
    """One event. `at` is the time up to which a retired series' values no longer count, `run` the
    anchored or admitted run, or the first one of an accepted level, whose series may be told one by one."""

    kind: str
    reason: str
    recorded_at: str
    selector: Selector | Exactly = EVERYTHING
    at: str = ""
    run: str = ""
    removed: tuple[str, ...] = ()
    runs: tuple[str, ...] | None = None

    def sentence(self) -> str:
        """The event for people."""
        what = {
            "admit": f"run {self.run} admitted by hand",
            "retire": f"{self.selector} retired up to {self.at}",
            "accept": f"the new level of {self.selector} accepted from run {self.run} on",
            "anchor": f"{self.selector} anchored at run {self.run}",
            "prune": f"{len(self.removed)} runs removed",
        }[self.kind]
        return f"{self.recorded_at}  {what}: {self.reason}"


def load(data: bytes, where: str) -> Recorded:
    """The event in a file; raises InputError that names it."""
    top = Found(strict_json.loads(data, where), where)
    fields = top.fields(
        ("schema", "kind", "reason", "recorded_at"), ("series", "exact", "at", "run", "removed", "runs")
    )
    if fields["schema"].text() != SCHEMA:
        fields["schema"].refuse("this is not an event of a baseline that this perfgate reads", "upgrade perfgate")
    kind = fields["kind"].one_of(KINDS)
    needed = {
        "admit": ("run",),
        "retire": ("series", "at"),
        "accept": ("run",) if "exact" in fields else ("series", "run"),
        "anchor": ("series", "run"),
        "prune": ("removed",),
    }[kind]
    for name in needed:
        if name not in fields:
            top.refuse(f'"{name}" is missing for {kind}')
    for name in ("recorded_at", "at"):
        if name in fields:
            fields[name].moment()
    selector: Selector | Exactly = EVERYTHING
    try:
        if "series" in fields:
            selector = Selector.parse(fields["series"].text())
    except InputError as error:
        fields["series"].refuse(error.what, error.remedy)
    if "exact" in fields:
        if kind != "accept" or "series" in fields:
            fields["exact"].refuse("only an accepted level tells its series one by one, and then no other way")
        selector = Exactly(frozenset(nouns.series(item) for item in fields["exact"].items(100_000)))
    return Recorded(
        kind,
        fields["reason"].text(),
        fields["recorded_at"].text(),
        selector,
        fields["at"].text() if "at" in fields else "",
        fields["run"].text(300) if "run" in fields else "",
        tuple(item.text(300) for item in fields["removed"].items(100_000)) if "removed" in fields else (),
        tuple(item.text(300) for item in fields["runs"].items(100_000)) if "runs" in fields else None,
    )


def written(event: Recorded) -> tuple[str, bytes]:
    """The name of an event's file, without ".json", and its content. Raises InputError for one that could not be read again."""
    value: dict[str, object] = {
        "schema": SCHEMA,
        "kind": event.kind,
        "reason": event.reason,
        "recorded_at": event.recorded_at,
    }
    if isinstance(event.selector, Exactly):
        value["exact"] = sorted(str(each) for each in event.selector.series)
    elif event.kind in {"retire", "accept", "anchor"}:
        value["series"] = str(event.selector)
    for name in ("at", "run"):
        if getattr(event, name):
            value[name] = getattr(event, name)
    if event.removed:
        value["removed"] = list(event.removed)
    if event.runs is not None:
        value["runs"] = list(event.runs)
    import hashlib

    data = strict_json.dumps(value)
    load(data, event.kind)
    stamp = event.recorded_at.replace(":", "").replace("-", "")
    return f"{stamp}-{event.kind}-{hashlib.sha256(data).hexdigest()[:8]}", data
