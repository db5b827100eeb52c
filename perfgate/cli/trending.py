"""The trend of a project: its whole baseline, its budgets, and what git knows of the commits between runs."""

from __future__ import annotations

from collections.abc import Iterable

from perfgate.cli import console, whole_history
from perfgate.cli.project import Project
from perfgate.core.baseline import Baseline
from perfgate.core.budgets import Budgets
from perfgate.core.decision import Circumstances
from perfgate.core.forecast import Forecast, moment_of
from perfgate.core.model import Selector, Series
from perfgate.core.policy import ruling_budgets
from perfgate.core.ratchet import proposals
from perfgate.core.tracks import tracks_of
from perfgate.core.trend import Ruling, Trend, trend_of
from perfgate.render.trend import Report, Span
from perfgate.store.git import Repository, is_commit_id

_DAY = 86_400.0


def report(*, only: str, newest: int, named: int, most: int) -> Report:
    """Everything that is to be told; InputError where `only` names no series of the baseline."""
    project = Project.find()
    selector = Selector.parse(only) if only else None
    whole = whole_history.load(project)
    baseline = whole.baseline
    series = sorted(each for each in baseline.histories if selector is None or selector.matches(each))
    if not series:
        raise whole_history.unknown(only, baseline, where="--only")
    with console.progress() as told:
        told(f"looking at {len(series)} series")
        tracks = tracks_of(baseline, series)
        ruling = _ruling(project, whole.budgets, series)
        defaults = whole.budgets.defaults
        trend = trend_of(baseline, tracks, ruling, allowed=defaults.block, newest=newest)
        return Report(
            trend=trend,
            baseline=baseline,
            proposals=proposals([track for track in tracks if _is_alive(track.runs, baseline, newest)], ruling),
            spans=_spans(project.repository, baseline, trend, named=named, most=most),
            a_day=tuple(_commits_a_day(project.repository, baseline, each) for each in trend.forecasts),
            newest=newest,
            most=most,
        )


def _is_alive(runs: tuple[int, ...], baseline: Baseline, newest: int) -> bool:
    return bool(runs) and runs[-1] >= len(baseline.runs) - newest


def _ruling(project: Project, budgets: Budgets, series: Iterable[Series]) -> dict[Series, Ruling]:
    """The budgets as they apply on the default branch itself, whatever the paths that changed."""
    situation = project.situation()._replace(labels=(), paths=None)
    chosen = ruling_budgets(series, budgets, Circumstances(situation=situation))
    return {each: Ruling(*pair) for each, pair in chosen.items()}


def _spans(
    repository: Repository | None, baseline: Baseline, trend: Trend, *, named: int, most: int
) -> dict[tuple[int, int], Span]:
    """The commits between the runs of every entry that will be shown."""
    wanted: dict[tuple[int, int], None] = {}
    for moves in (trend.worse, trend.better, trend.other):
        wanted |= dict.fromkeys((move.before, move.likely) for move in (moves[:most] if most else moves))
    for drift in trend.drifts[:most] if most else trend.drifts:
        wanted[drift.track.runs[drift.track.anchor or 0], drift.track.runs[-1]] = None
    return {pair: _span(repository, baseline, *pair, named=named) for pair in wanted}


def _span(repository: Repository | None, baseline: Baseline, first: int, last: int, *, named: int) -> Span:
    one, other = baseline.runs[first].commit, baseline.runs[last].commit
    if repository is None or not (is_commit_id(one) and is_commit_id(other)):
        return Span()
    found = repository.commits_between(one, other, named=named)
    return Span() if found is None else Span(*found)


def _commits_a_day(repository: Repository | None, baseline: Baseline, forecast: Forecast) -> float | None:
    """How many commits the default branch had a day while the current segment was observed; None where git does not know."""
    runs = forecast.track.runs[-forecast.slope.n :]
    span = _span(repository, baseline, runs[0], runs[-1], named=0)
    days = (moment_of(baseline.runs[runs[-1]]) - moment_of(baseline.runs[runs[0]])) / _DAY
    return span.number / days if span.number and days > 0 else None
