"""The profiles of runs beside those of the runs they are compared with, read only where there is a profile to compare."""

from __future__ import annotations

from collections.abc import Sequence

from perfgate.cli.beside import Reader
from perfgate.core.baseline import Baseline
from perfgate.core.budgets import Level
from perfgate.core.decision import Decision
from perfgate.core.frames import BLOCK, RECENT, Moved, Rows, moved
from perfgate.core.model import Caveat, Run

#: Among so many of the baseline's newest runs profiles are looked for.
_LOOKED_AT = 4 * RECENT


def profiles_of(runs: Sequence[Run]) -> list[Rows]:
    """The profiles in the details of these runs."""
    return [run.details[BLOCK] for run in runs if BLOCK in run.details]


def grown(runs: Sequence[Run], baseline: Baseline, read: Reader) -> tuple[Moved, ...]:
    """What moved in the profiles of these runs against those of the baseline's newest runs."""
    profiles = profiles_of(runs)
    if not profiles:
        return ()
    names = [run.id for run in baseline.runs[-_LOOKED_AT:]]
    details = dict(read(names))
    return moved(profiles, [details[name][BLOCK] for name in names if BLOCK in details.get(name, {})])


def with_frames(decision: Decision, runs: Sequence[Run], baseline: Baseline, read: Reader) -> Decision:
    """The decision that says, of each command which got worse and has a profile, in which frames its time went."""
    worse = {dict(each.series.labels).get("command", "") for each in decision.verdicts if each.found >= Level.WARN}
    if not worse - {""} or not profiles_of(runs):
        return decision
    from perfgate.render import frames

    told = grown(runs, baseline, read)
    sentences = [frames.sentence(each) for each in told if each.command in worse and each.frames]
    return decision._replace(caveats=(*decision.caveats, *(Caveat("frames grew", each) for each in sentences)))
