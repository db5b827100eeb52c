"""What the histories tell, for other programs: numbers in base units, runs and commits by name."""

from __future__ import annotations

import json
import math

from perfgate.core.forecast import Forecast
from perfgate.core.trend import Drift, Move
from perfgate.render.trend import Report, Span


def as_json(report: Report) -> str:
    """The whole trend; what is not known is null."""
    trend = report.trend
    top = {
        "baseline": report.baseline.source,
        "runs": len(report.baseline.runs),
        "series": trend.series,
        "newest": report.newest,
        "alarming": trend.is_alarming,
        "drifts": [_drift(report, each) for each in trend.drifts],
        "worse": [_move(report, each) for each in trend.worse],
        "better": [_move(report, each) for each in trend.better],
        "other": [_move(report, each) for each in trend.other],
        "crossed": [
            {
                "series": str(each.track.series),
                "level": each.level,
                "limit": each.limit,
                "unit": str(each.track.kind.unit),
                "place": each.budget.place,
            }
            for each in trend.crossed
        ],
        "forecasts": [_forecast(each, a_day) for each, a_day in zip(trend.forecasts, report.a_day, strict=True)],
        "proposals": [
            {
                "series": str(each.budget.selector),
                "place": each.budget.place,
                "key": each.key,
                "now": each.now,
                "proposed": each.proposed,
                "why": each.why,
            }
            for each in report.proposals
        ],
    }
    return json.dumps(top, indent=2, ensure_ascii=False)


def _move(report: Report, move: Move) -> dict[str, object]:
    runs, change = report.baseline.runs, move.change
    return {
        "series": str(move.track.series),
        "machine": str(move.track.kind.machine),
        "unit": str(move.track.kind.unit),
        "before": change.before,
        "after": change.after,
        "worse": move.worse,
        "interval": None if move.low is None else [move.low, move.high],
        "z": change.z if math.isfinite(change.z) else None,
        "new": move.is_new,
        "run_before": runs[move.before].id,
        "run": runs[move.likely].id,
        "earliest_run": runs[move.first].id,
        "latest_run": runs[move.last].id,
        "commits": _commits(report, move.before, move.likely),
    }


def _commits(report: Report, first: int, last: int) -> dict[str, object]:
    span, runs = report.spans.get((first, last), Span()), report.baseline.runs
    return {
        "after": runs[first].commit,
        "until": runs[last].commit,
        "count": span.number,
        "named": [{"commit": commit, "subject": subject} for commit, subject in span.named],
    }


def _drift(report: Report, drift: Drift) -> dict[str, object]:
    track, anchor = drift.track, drift.track.runs[drift.track.anchor or 0]
    return {
        "series": str(track.series),
        "machine": str(track.kind.machine),
        "unit": str(track.kind.unit),
        "anchor_run": report.baseline.runs[anchor].id,
        "anchor": drift.anchor,
        "level": drift.level,
        "worse": drift.worse,
        "allowed": drift.allowed,
        "commits": _commits(report, anchor, track.runs[-1]),
    }


def _forecast(forecast: Forecast, a_day: float | None) -> dict[str, object]:
    slope = forecast.slope
    return {
        "series": str(forecast.track.series),
        "unit": str(forecast.track.kind.unit),
        "limit": forecast.limit,
        "level": forecast.level,
        "slope_a_day": slope.slope,
        "slope_interval": [slope.low, slope.high],
        "values": slope.n,
        "observed_days": forecast.days,
        "days": [forecast.soonest, forecast.latest],
        "commits": None
        if a_day is None
        else [forecast.soonest * a_day, None if forecast.latest is None else forecast.latest * a_day],
    }
