"""What a stranger's runs are worth: their numbers are claims, and everything else is replaced by what trusted code knows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from perfgate.core.baseline import Baseline, Kind
from perfgate.core.model import COMMAND_FAILED, Caveat, Context, Measurement, Run, Series

#: So many remarks of a stranger are passed on, each so long.
_MOST_REMARKS, _LONGEST_REMARK = 10, 300
#: What the code host measures itself.
_RECORDED = ("pipeline.", "job.")


class Weighed(NamedTuple):
    """Runs after something was taken from them, what a reader must know of that, and the series that have no value left by it."""

    runs: tuple[Run, ...]
    caveats: tuple[Caveat, ...] = ()
    refused: tuple[Series, ...] = ()


def restated(runs: Sequence[Run], known: Context) -> tuple[Run, ...]:
    """The runs with `known` for their context, but for what only they can tell: job, start, machine class, tool, state of the tree.

    What a run says of itself becomes a quotation, and it cannot except series from the baseline.
    """
    return tuple(
        run._replace(
            context=known._replace(
                worktree=run.context.worktree,
                ci_job=run.context.ci_job,
                started_at=run.context.started_at,
                machine=run.context.machine,
                tool_version=run.context.tool_version,
            ),
            caveats=_quoted(run.caveats),
            excluded=(),
            id="",
        )
        for run in runs
    )


def _quoted(remarks: Sequence[Caveat]) -> tuple[Caveat, ...]:
    told = [
        # That a command failed can only make a verdict worse, and is believed.
        Caveat(
            COMMAND_FAILED if remark.code == COMMAND_FAILED else "claimed",
            f"the change's own code remarks: {remark.message[:_LONGEST_REMARK]}",
        )
        for remark in sorted(remarks, key=lambda remark: remark.code != COMMAND_FAILED)[:_MOST_REMARKS]
    ]
    more = len(remarks) - len(told)
    return (*told, Caveat("claimed", f"and {more} more remarks")) if more > 0 else tuple(told)


def as_declared(runs: Sequence[Run], baseline: Baseline) -> Weighed:
    """The runs without what is declared otherwise than in the baseline: another unit, direction or assumption would turn a limit
    around. The series then counts as missing."""
    refused: dict[Series, str] = {}

    def fits(measurement: Measurement, run: Run) -> bool:
        history = baseline.histories.get(measurement.series)
        if history is None or not history.kinds:
            return True
        before = baseline.kinds[history.kinds[-1]]
        mine = Kind.of(measurement, run.context.machine)
        if mine[:3] == before[:3]:
            return True
        refused[measurement.series] = "; ".join(Kind(*mine[:3]).differences(Kind(*before[:3])))
        return False

    kept = _filtered(runs, fits)
    caveats = tuple(
        Caveat(
            "declared otherwise",
            f"{series} is declared otherwise than in the baseline ({how}), so its values are refused and it counts as missing",
            "land the change of its unit, direction or assumption on its own, and retire its old values",
        )
        for series, how in sorted(refused.items())
    )
    left = {measurement.series for run in kept for measurement in run.measurements}
    return Weighed(kept, caveats, tuple(series for series in sorted(refused) if series not in left))


def with_record(
    runs: Sequence[Run], workflow: str, record: Iterable[Measurement], wanted: Callable[[Series], bool]
) -> Weighed:
    """The runs with the code host's own times of this workflow in the place of claims about it; `wanted` chooses among the record's
    series those that nobody claims."""
    claimed = {each.series for run in runs for each in run.measurements if is_recorded(each.series)}
    told = tuple(each for each in record if each.series in claimed or wanted(each.series))
    elsewhere = sorted(str(series) for series in claimed if dict(series.labels).get("workflow") != workflow)
    kept = _filtered(
        runs, lambda each, _: not is_recorded(each.series) or dict(each.series.labels).get("workflow") != workflow
    )
    caveats = []
    if told:
        message = f"the times of the workflow {workflow} and its jobs are from GitHub's own record, not from the change"
        caveats.append(Caveat("from the record", message))
    if elsewhere:
        more = f" and {len(elsewhere) - 3} more" if len(elsewhere) > 3 else ""
        message = (
            f"GitHub's record of this run does not tell {', '.join(elsewhere[:3])}{more}: what is said of it is a claim"
        )
        caveats.append(Caveat("claims", message))
    if not kept or not told:
        return Weighed(kept, tuple(caveats))
    first = kept[0]._replace(measurements=(*kept[0].measurements, *told))
    return Weighed((first, *kept[1:]), tuple(caveats))


def is_recorded(series: Series) -> bool:
    """Whether this is a time that the code host takes itself."""
    return series.metric.startswith(_RECORDED)


def _filtered(runs: Sequence[Run], keep: Callable[[Measurement, Run], bool]) -> tuple[Run, ...]:
    return tuple(run._replace(measurements=tuple(each for each in run.measurements if keep(each, run))) for run in runs)
