"""`compare --against REF`: the entries of `measure:` on both sides, in turns, and what was measured before for the same two sides."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from perfgate.cli import console, judging
from perfgate.cli.capturing import keep, surroundings
from perfgate.cli.pairing import METRICS, Sides, asked_of, both_sides
from perfgate.cli.project import BUDGETS, SCRATCH, Project
from perfgate.core.budgets import Budgets
from perfgate.core.entries import CommandEntry, Entry
from perfgate.core.model import Capture, Caveat, Details, Run, Selector, Series
from perfgate.core.units import Unit, write_value
from perfgate.errors import PerfgateError
from perfgate.formats import run as run_format
from perfgate.measure import both_sides as measuring
from perfgate.measure.ab import BaseFailed, Until
from perfgate.measure.machine import machine_class

#: The results of so many entries are kept for later calls.
_KEPT = 200
_TOOK = "against"


class Against(NamedTuple):
    """What both sides showed: a run for each entry, and what could not be measured and why."""

    runs: tuple[Run, ...]
    caveats: tuple[Caveat, ...]


class _Known(NamedTuple):
    """An entry, where its result is kept, and the result where both sides are what they were then."""

    entry: Entry
    path: Path
    run: Run | None


def measure(project: Project, budgets: Budgets, base: str, *, only: str, within: float, fresh: bool) -> Against:
    """Measure the entries at the base and in the work tree in turns; what is known for exactly these two sides is not measured again.

    Pairs belong together: where one side changed, both are measured again, because values of another hour would not be interleaved.
    Raises what an entry raises where it fails on this side; what fails on the base is told and left out.
    """
    caveats: list[Caveat] = []
    wanted = []
    for entry in _selected(budgets.entries, Selector.parse(only) if only else None):
        if why := measuring.why_not(entry):
            caveats.append(Caveat("not measured", why))
        else:
            wanted.append(entry)
    known = _known(project, wanted, base, fresh=fresh)
    reused = [each for each in known if each.run is not None]
    missing = [each for each in known if each.run is None]
    if reused:
        names = ", ".join(each.entry.name for each in reused)
        console.say(f"both sides are unchanged since they were measured: {names} (--fresh measures anew)")
    runs = {each.path: each.run for each in reused if each.run is not None}
    if missing:
        _announce(project, missing, base, within)
        with surroundings(), both_sides(project, base, project.root) as sides, console.progress() as progress:
            caveats += sides.caveats
            for each in missing:
                try:
                    runs[each.path] = _measured(project, budgets, each, sides, within, progress)
                except BaseFailed as error:
                    caveats.append(Caveat("base not measured", error.what, error.remedy))
        _prune(project)
    return Against(tuple(runs[each.path] for each in known if each.path in runs), tuple(caveats))


def _selected(entries: Iterable[Entry], only: Selector | None) -> list[Entry]:
    """The entries that may yield a series that is asked for; of a command the series are known before."""
    return [
        entry
        for entry in entries
        if only is None
        or not isinstance(entry, CommandEntry)
        or any(only.matches(Series.of(metric, command=entry.name)) for metric in METRICS)
    ]


def _measured(
    project: Project, budgets: Budgets, known: _Known, sides: Sides, within: float, progress: Callable[[str], None]
) -> Run:
    entry, began = known.entry, time.monotonic()
    asked = asked_of(entry.name, budgets, project) if isinstance(entry, CommandEntry) else {}
    before, after = sides.named()

    def told(text: str) -> None:
        progress(f"{entry.name}: {text}")

    captured = measuring.capture(entry, before, after, Until(within=within, asked=asked), told, console.say)
    if isinstance(entry, CommandEntry):
        captured = captured._replace(caveats=(*captured.caveats, *sides.shared(entry)))
    took: Details = {_TOOK: ({"entry": _hash(repr(entry)), "seconds": time.monotonic() - began},)}
    kept = Capture(captured.measurements, {**captured.details, **took}, captured.caveats)
    based = project._replace(lineage=project.lineage._replace(base=sides.base))
    run, _ = keep(kept, known.path, based)
    return run


# --- what is kept -----------------------------------------------------------------------------------------------------


def _folder(project: Project) -> Path:
    return project.root / SCRATCH / "against"


def _known(project: Project, entries: Sequence[Entry], base: str, *, fresh: bool) -> list[_Known]:
    state = project.repository.tree_state() if project.repository is not None else ""
    machine = machine_class(project.environ, project.event.runner)
    found = []
    for entry in entries:
        key = _hash("\0".join((base, state, project.name, str(machine), repr(entry))))
        path = project.scratch() / "against" / f"{key}.json"
        found.append(_Known(entry, path, None if fresh else _load(path)))
    return found


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:32]


def _load(path: Path) -> Run | None:
    if not path.exists():
        return None
    try:
        return run_format.load(run_format.read(path, console.shown(path)), console.shown(path))
    except PerfgateError as error:
        console.say(f"measured anew, because what was kept cannot be read: {error.where}: {error.what}")
        return None


def _prune(project: Project) -> None:
    """Keep the newest results only."""
    dated = []
    for path in _folder(project).glob("*.json"):
        try:
            dated.append((path.stat().st_mtime, path))
        except OSError:
            continue
    for _, path in sorted(dated, reverse=True)[_KEPT:]:
        path.unlink(missing_ok=True)


# --- how long it will take --------------------------------------------------------------------------------------------


def _announce(project: Project, missing: Sequence[_Known], base: str, within: float) -> None:
    """Say what will be run, and about how long that takes, as far as earlier results tell."""
    names = ", ".join(each.entry.name for each in missing)
    last = _last_durations(project)
    times = [last[key] for each in missing if (key := _hash(repr(each.entry))) in last]
    how_long = f"no earlier measurement tells how long; a command at most {write_value(within, Unit('s'))}"
    if times:
        more = len(missing) - len(times)
        how_long = f"about {write_value(sum(times), Unit('s'))}" + (f", and {more} that never ran" if more else "")
    console.say(f"measuring here and at {base[:10]} in turns: {names} ({how_long})")


def _last_durations(project: Project) -> dict[str, float]:
    """How long each entry took when it was last measured against anything, in seconds."""
    found: dict[str, tuple[str, float]] = {}
    for path in _folder(project).glob("*.json"):
        run = _load(path)
        for row in run.details.get(_TOOK, ()) if run is not None else ():
            entry, seconds = row.get("entry"), row.get("seconds")
            if isinstance(entry, str) and isinstance(seconds, float) and run is not None:
                found[entry] = max(found.get(entry, ("", 0.0)), (run.context.started_at, seconds))
    return {entry: seconds for entry, (_, seconds) in found.items()}


def budgets_of(project: Project) -> Budgets | None:
    """The budgets whose entries are measured; None where there is no budgets.yaml, or it measures nothing."""
    if not (project.root / BUDGETS).is_file():
        return None
    from perfgate.formats import budgets as budgets_format

    path = project.root / BUDGETS
    found = budgets_format.load(budgets_format.read(path, console.shown(path)), console.shown(path))
    if not found.entries:
        return None
    # Limits are the ruling ones where they can be read; what is measured is the change's own.
    try:
        return judging.find_rules(project, None).budgets._replace(entries=found.entries)
    except PerfgateError:
        return found
