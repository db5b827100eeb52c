"""What is to become of a store, worked out from what it holds: files that come, files that go. Nothing is ever rewritten.

Every function here makes a plan: a function of the files that are there. A store whose files changed meanwhile asks it again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from perfgate.core.admission import NewLevel
from perfgate.core.model import Exactly, Run, Selector
from perfgate.errors import InputError, OperationFailed
from perfgate.formats import run as run_format
from perfgate.formats.checking import is_moment
from perfgate.store import events as event_files
from perfgate.store.events import Recorded
from perfgate.store.shelf import Shelf


class Stored(NamedTuple):
    """What became of something that was to be stored: its name, whether it is new, and what it is ("run", "anchor", …)."""

    name: str
    is_new: bool
    what: str

    def told(self, place: str, *, after: str = "") -> str:
        """One sentence for people; `after` says what to do with something new."""
        if not self.is_new:
            return f"{place} has this {self.what} already ({self.name}); nothing was changed"
        return f"{self.what} stored in {place} ({self.name}){after}"


class Changes(NamedTuple):
    """Files to add, with their paths inside the store ("runs/NAME.json"), in the order in which they are written; then files to remove.

    `stored` says what became of each wish, `title` names the whole in a few words.
    """

    title: str
    added: tuple[tuple[str, bytes], ...] = ()
    removed: tuple[str, ...] = ()
    stored: tuple[Stored, ...] = ()

    @property
    def is_nothing(self) -> bool:
        """Whether the store stays as it is."""
        return not self.added and not self.removed


#: No reason is longer than this.
_LONGEST = 1000
Plan = Callable[[Shelf], Changes]


class NotAllowed(OperationFailed):
    """A store refuses to be changed, for want of rights or by a rule; trying again would not help."""


class Written(NamedTuple):
    """What was done to a store. `commit` is the commit that holds it and `attempts` how often it was pushed, where the store is a branch."""

    changes: Changes
    attempts: int = 0
    commit: str = ""


def admission(runs: Sequence[Run], *, reason: str = "", levels: Sequence[NewLevel] = ()) -> Plan:
    """Add runs, unless they are there already, and the new levels that begin with them. InputError for one without commit or time.

    A level is recorded before the run it begins with: were the writer killed in between, the old level would stay as it is.
    """
    for run in runs:
        if not run.context.tested or not run.context.started_at:
            raise InputError(
                "a run without commit and time cannot serve as baseline",
                remedy="measure in a git repository with a commit",
            )
    now = _now()

    def plan(shelf: Shelf) -> Changes:
        added: list[tuple[str, bytes]] = []
        stored: list[Stored] = []
        here: list[tuple[str, Run]] = []
        known = _levels_of(shelf) if levels else frozenset()
        for at, run in enumerate(runs):
            twin = _twin(run, shelf, here)
            name, data = (twin, b"") if twin else _named(run)
            for begun in (level for level in levels if level.run == at):
                selector = Exactly(frozenset(begun.series))
                if (name, selector) not in known:
                    event = Recorded("accept", begun.reason[:_LONGEST], now, selector=selector, run=name)
                    added.append(_event_file(event))
            if twin:
                stored.append(Stored(twin, is_new=False, what="run"))
                continue
            here.append((name, run))
            added.append((f"runs/{name}.json", data))
            if reason:
                added.append(_event_file(Recorded("admit", reason, now, run=name)))
            stored.append(Stored(name, is_new=True, what="run"))
        return Changes(
            f"baseline of {runs[0].context.tested[:10] if runs else 'nothing'}", tuple(added), (), tuple(stored)
        )

    return plan


def _levels_of(shelf: Shelf) -> frozenset[tuple[str, Selector | Exactly]]:
    """The accepted levels that are recorded: the first run of each, and its series."""
    return frozenset((event.run, event.selector) for event in shelf.recorded() if event.kind == "accept")


def _event_file(event: Recorded) -> tuple[str, bytes]:
    name, data = event_files.written(event)
    return f"events/{name}.json", data


def _named(run: Run) -> tuple[str, bytes]:
    """The name of a run's file, without ".json", and its content."""
    import hashlib

    data = run_format.dump(run._replace(id=""))
    return f"{_stem(run)}-{hashlib.sha256(data).hexdigest()[:8]}", data


def _twin(run: Run, shelf: Shelf, coming: Sequence[tuple[str, Run]]) -> str:
    """The name of the same capture, in the store or among what comes with it; "" where there is none."""
    stem = f"{_stem(run)}-"
    for file, stored in shelf.parsed([file for file in shelf.runs if file.name.startswith(stem)], details=False):
        if _is_same(run, stored):
            return file.id
    return next((name for name, other in coming if _is_same(run, other)), "")


def _is_same(run: Run, stored: Run) -> bool:
    """Whether both are one capture: same commit, CI run, attempt and job, same machine class, and a series in common.

    The parts that one job measured apart have no series in common, and the jobs of a matrix share their name but not their
    machine. Outside CI the start tells captures apart.
    """
    mine, theirs = run.context, stored.context
    if (mine.tested, mine.ci_run, mine.ci_attempt, mine.ci_job, mine.machine) != (
        theirs.tested, theirs.ci_run, theirs.ci_attempt, theirs.ci_job, theirs.machine,
    ):  # fmt: skip
        return False
    if not mine.ci_run and mine.started_at != theirs.started_at:
        return False
    series = {measurement.series for measurement in run.measurements}
    return not series or any(measurement.series in series for measurement in stored.measurements)


def _stem(run: Run) -> str:
    context = run.context
    ci_run = re.sub(r"[^A-Za-z0-9_.]", "_", context.ci_run)[:40] or "local"
    return f"{context.started_at[:10]}-{context.tested[:12]}-{ci_run}-{context.ci_attempt}"


def retirement(selector: Selector, *, reason: str, until: str = "") -> Plan:
    """From now on, values of the selected series from runs that started up to `until` (UTC) no longer count.

    Without `until` these are the runs so far: one that is admitted later in the same second is not among them.
    """
    now = _now()
    if until and not is_moment(until):
        raise InputError(f'"{until}" is not a time in UTC', where="--until", remedy="write it as 2026-11-21T10:00:00Z")

    def plan(shelf: Shelf) -> Changes:
        runs = None if until else tuple(run.id for run in shelf.all_runs() if run.context.started_at == now)
        return _one_event(Recorded("retire", reason, now, selector=selector, at=until or now, runs=runs))

    return plan


def acceptance(selector: Selector, run: str, *, reason: str) -> Plan:
    """With this admitted run a new level of the selected series begins: what ran before it no longer counts."""
    return _event(Recorded("accept", reason, _now(), selector=selector, run=run))


def anchoring(selector: Selector, run: str, *, reason: str) -> Plan:
    """Make an admitted run the fixed point of the selected series."""
    return _event(Recorded("anchor", reason, _now(), selector=selector, run=run))


def pruning(keep: int, *, reason: str) -> Plan:
    """Remove all but the newest `keep` runs (by start), never an anchored one or the first of an accepted level.

    What is to be removed is recorded first, so that a prune which is killed half-way can be repeated.
    """
    now = _now()

    def plan(shelf: Shelf) -> Changes:
        runs = shelf.all_runs()
        kept = {event.run for event in shelf.recorded() if event.kind in {"anchor", "accept"}}
        removed = tuple(run.id for run in runs[: max(0, len(runs) - keep)] if run.id not in kept)
        if not removed:
            return Changes("baseline: prune")
        changes = _one_event(Recorded("prune", reason, now, removed=removed))
        return changes._replace(removed=tuple(f"runs/{name}.json" for name in removed))

    return plan


def union(source: Shelf) -> Plan:
    """Add what another store has, byte by byte; what is there stays, and what was pruned here does not come back.

    Raises InputError for a broken file there, and for one that has another content here.
    """
    # Read once and whole: a broken file is named before anything is changed.
    list(source.parsed(source.runs))
    source.recorded()
    runs = dict(zip((file.name for file in source.runs), source.contents(source.runs), strict=True))
    events = dict(zip((file.name for file in source.events), source.contents(source.events), strict=True))

    def plan(shelf: Shelf) -> Changes:
        gone = {name for event in shelf.recorded() if event.kind == "prune" for name in event.removed}
        added: list[tuple[str, bytes]] = []
        stored: list[Stored] = []
        for part, files, here in (("runs", runs, shelf.runs), ("events", events, shelf.events)):
            known = {file.name: file for file in here}
            both = [known[name] for name in files if name in known]
            for file, data in zip(both, shelf.contents(both), strict=True):
                if data != files[file.name]:
                    raise InputError(
                        f"a file of the same name and another content is in {source.source}",
                        where=file.where,
                        remedy="admitted runs are never edited: look which of the two was, and restore it from git history",
                    )
            for name, data in files.items():
                identity = name.removesuffix(".json")
                twin = identity if name in known else ""
                if part == "runs" and not twin:
                    if identity in gone:
                        stored.append(Stored(identity, is_new=False, what="pruned run"))
                        continue
                    twin = _twin(run_format.load(data, name), shelf, ())
                if not twin:
                    added.append((f"{part}/{name}", data))
                stored.append(Stored(identity, is_new=not twin, what=part.removesuffix("s")))
        return Changes(f"baseline: {len(added)} files of {source.source}", tuple(added), (), tuple(stored))

    return plan


def joined(plans: Sequence[Plan], title: str) -> Plan:
    """Several plans as one; a file that two of them add comes once."""

    def plan(shelf: Shelf) -> Changes:
        made = [each(shelf) for each in plans]
        added: dict[str, bytes] = {}
        for each in made:
            added |= dict(each.added)
        removed = dict.fromkeys(path for each in made for path in each.removed)
        return Changes(title, tuple(added.items()), tuple(removed), tuple(one for each in made for one in each.stored))

    return plan


def _event(event: Recorded) -> Plan:
    return lambda _shelf: _one_event(event)


def _one_event(event: Recorded) -> Changes:
    name, data = event_files.written(event)
    stored = Stored(name, is_new=True, what=event.kind)
    return Changes(f"baseline: {event.kind}", ((f"events/{name}.json", data),), (), (stored,))


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
