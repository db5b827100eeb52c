"""What the histories tell, for people: on the terminal and as Markdown, from the same sentences."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from perfgate.core.baseline import Baseline
from perfgate.core.forecast import Forecast
from perfgate.core.ratchet import Proposal
from perfgate.core.tracks import Track
from perfgate.core.trend import Crossed, Drift, Move, Trend
from perfgate.core.units import write_percent, write_threshold, write_value, write_values
from perfgate.render import markdown_text
from perfgate.render.text import harmless, shell_word


class Span(NamedTuple):
    """The commits between two runs: how many (None where they are not in this clone), and, where they are few, each with its subject."""

    number: int | None = None
    named: tuple[tuple[str, str], ...] = ()


class Report(NamedTuple):
    """The trend with what git knows of it. `spans` are by positions of runs; `a_day` are commits a day, for each forecast.

    Of each list `most` entries are shown, all where it is 0.
    """

    trend: Trend
    baseline: Baseline
    proposals: tuple[Proposal, ...]
    spans: Mapping[tuple[int, int], Span]
    a_day: tuple[float | None, ...]
    newest: int
    most: int


class _Entry(NamedTuple):
    """A sentence, what to know beside it, and commits with their subjects."""

    head: str
    details: tuple[str, ...] = ()
    commits: tuple[tuple[str, str], ...] = ()


class _Section(NamedTuple):
    title: str
    entries: list[_Entry]


def render(report: Report, *, width: int, colour: bool) -> str:
    """The trend on a terminal of `width` columns."""
    lines = textwrap.wrap(harmless(_headline(report)), width)
    for section in _sections(report):
        title = f"{section.title} ({len(section.entries)})"
        lines += ["", f"\x1b[1m{title}\x1b[0m" if colour else title]
        for entry in _shown(report, section):
            lines += _wrapped(entry.head, width, "  ", "    ")
            for detail in entry.details:
                lines += _wrapped(detail, width, "    ", "      ")
            for commit, subject in entry.commits:
                lines += _wrapped(f"{commit[:10]}  {subject}", width, "      ", "                  ")
        lines += [f"  and {more} more (--all shows them)" for more in _hidden(report, section)]
    if report.proposals:
        lines += ["", "budgets that could be tighter: replace these parts of budgets.yaml"]
        lines += [harmless(line) for line in _yaml(report.proposals)]
    return "\n".join(lines)


def markdown(report: Report) -> str:
    """The trend as Markdown."""
    lines = ["## perfgate trend", "", markdown_text.prose(_headline(report))]
    for section in _sections(report):
        lines += ["", f"### {section.title} ({len(section.entries)})", ""]
        for entry in _shown(report, section):
            lines.append(f"- {markdown_text.prose(entry.head, 1000)}")
            lines += [f"  - {markdown_text.prose(detail, 1000)}" for detail in entry.details]
            lines += [
                f"  - {markdown_text.code(commit[:10])} {markdown_text.code(subject, 200)}"
                for commit, subject in entry.commits
            ]
        lines += [f"- and {more} more" for more in _hidden(report, section)]
    if report.proposals:
        yaml = "\n".join(_yaml(report.proposals))
        lines += ["", "### budgets that could be tighter", "", markdown_text.block(yaml, "yaml")]
    return "\n".join(lines)


def _wrapped(text: str, width: int, first: str, then: str) -> list[str]:
    return textwrap.wrap(
        harmless(text), width, initial_indent=first, subsequent_indent=then, break_on_hyphens=False
    ) or [first.rstrip()]


def _shown(report: Report, section: _Section) -> Sequence[_Entry]:
    return section.entries[: report.most] if report.most else section.entries


def _hidden(report: Report, section: _Section) -> Iterator[int]:
    if report.most and len(section.entries) > report.most:
        yield len(section.entries) - report.most


def _headline(report: Report) -> str:
    trend, baseline = report.trend, report.baseline
    new = sum(move.is_new for move in trend.worse)
    told = [
        _count(new, "new worsening", "new worsenings"),
        _count(len(trend.drifts), "drift from the anchor", "drifts from their anchors"),
        _count(len(trend.crossed), "limit crossed", "limits crossed"),
        _count(len(trend.forecasts), "limit ahead", "limits ahead"),
    ]
    days = f"{baseline.runs[0].started_at[:10]} to {baseline.runs[-1].started_at[:10]}"
    what = f"{_count(trend.series, 'series', 'series')} in {_count(len(baseline.runs), 'run', 'runs')} of {baseline.source}"
    word = "WARN" if trend.is_alarming else "STEADY"
    return f"{word}  {', '.join(each for each in told if each[0] != '0') or 'nothing new'}: {what}, {days}"


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _sections(report: Report) -> list[_Section]:
    trend = report.trend
    made = [
        _Section("drifted from the anchor", [_drift(report, each) for each in trend.drifts]),
        _Section("worse", [_move(report, each) for each in trend.worse]),
        _Section("limits crossed", [_crossed(each) for each in trend.crossed]),
        _Section(
            "limits ahead",
            [_forecast(each, a_day) for each, a_day in zip(trend.forecasts, report.a_day, strict=True)],
        ),
        _Section("better", [_move(report, each) for each in trend.better]),
        _Section("changed, in neither direction better", [_move(report, each) for each in trend.other]),
    ]
    return [section for section in made if section.entries]


# --- sentences --------------------------------------------------------------------------------------------------------


def _move(report: Report, move: Move) -> _Entry:
    change, runs = move.change, report.baseline.runs
    before, after = write_values((change.before, change.after), move.track.kind.unit)
    size = write_percent(None if change.ratio is None else change.ratio - 1)
    interval = ""
    if change.low is not None and change.high is not None and change.low != change.high:
        interval = f" (95 % interval {write_percent(change.low - 1)} … {write_percent(change.high - 1)})"
    ago = len(runs) - move.likely
    when = f"since {runs[move.likely].started_at[:10]}, {_count(ago, 'run', 'runs')} ago"
    details = [f"{when}, in {_between(report, move.before, move.likely)}"]
    if move.first < move.last:
        details.append(f"it may have begun with any run from {_run(report, move.first)} to {_run(report, move.last)}")
    if move.is_new and (move.worse or 0) > 0:
        series = shell_word(str(move.track.series))
        details.append(f"to accept it: perfgate baseline accept {runs[move.likely].id} --series {series} --reason …")
    new = "new: " if move.is_new else ""
    span = report.spans.get((move.before, move.likely), Span())
    return _Entry(f"{new}{_name(report, move.track)}: {size}{interval}, {before} → {after}", tuple(details), span.named)


def _name(report: Report, track: Track) -> str:
    """The series, with its machine class where it has been measured on several."""
    history = report.baseline.histories[track.series]
    if len(set(history.kinds)) == 1:
        return str(track.series)
    machine = str(track.kind.machine)
    return f"{track.series} on {machine}" if machine else str(track.series)


def _run(report: Report, position: int) -> str:
    run = report.baseline.runs[position]
    return f"{run.commit[:10]} ({run.started_at[:10]})"


def _between(report: Report, first: int, last: int) -> str:
    """The commits between two runs, as a sentence ends."""
    span = report.spans.get((first, last), Span())
    one, other = (report.baseline.runs[position].commit[:10] or "no commit" for position in (first, last))
    if span.number is None:
        return f"{one}..{other}"
    if span.number == 0:
        return f"{one}..{other}: no commit lies between, so look at machine and surroundings"
    return f"{one}..{other}: {_count(span.number, 'commit', 'commits')}"


def _drift(report: Report, drift: Drift) -> _Entry:
    track = drift.track
    anchor = track.runs[track.anchor or 0]
    was, now = write_values((drift.anchor, drift.level), track.kind.unit)
    steps = sum(change.start > (track.anchor or 0) for change in track.changes)
    how = f"in {_count(steps, 'step', 'steps')}" if steps else "in no clear step: it crept in"
    size = write_percent(drift.level / drift.anchor - 1)
    head = (
        f"{_name(report, track)}: {size} against the anchor ({was} → {now}), more than {write_threshold(drift.allowed)}"
    )
    span = report.spans.get((anchor, track.runs[-1]), Span())
    return _Entry(
        head,
        (
            f"since {report.baseline.runs[anchor].started_at[:10]}, {how}, in {_between(report, anchor, track.runs[-1])}",
        ),
        span.named,
    )


def _crossed(crossed: Crossed) -> _Entry:
    level = write_value(crossed.level, crossed.track.kind.unit)
    return _Entry(
        f"{crossed.track.series}: {level}, beyond the limit of {crossed.budget.limit} ({crossed.budget.place})"
    )


def _forecast(forecast: Forecast, a_day: float | None) -> _Entry:
    unit = forecast.track.kind.unit
    limit, now = write_values((forecast.limit, forecast.level), unit)
    low, high = sorted((forecast.slope.low, forecast.slope.high), key=abs)
    slope, least, most = (write_value(each, unit) for each in (forecast.slope.slope, low, high))
    head = f"{forecast.track.series}: the limit of {limit} is met in {_days(forecast.soonest, forecast.latest)}"
    if a_day:
        head += f", about {_range(forecast.soonest * a_day, forecast.latest and forecast.latest * a_day)} commits"
    about = f"now {now}, {slope} a day (95 % interval {least} … {most}), seen over {_length(forecast.days)}"
    return _Entry(head, (f"{about} and {forecast.slope.n} runs",))


def _days(soonest: float, latest: float | None) -> str:
    if (latest if latest is not None else soonest) < 2:
        return f"{_range(soonest * 24, None if latest is None else latest * 24)} hours"
    return f"{_range(soonest, latest)} days"


def _range(soonest: float, latest: float | None) -> str:
    first = f"{soonest:,.0f}"
    if latest is None:
        return f"{first} or more"
    last = f"{latest:,.0f}"
    return first if first == last else f"{first}–{last}"


def _length(days: float) -> str:
    return f"{days:.0f} days" if days >= 2 else f"{days * 24:.0f} hours"


def _yaml(proposals: Sequence[Proposal]) -> Iterator[str]:
    """The proposals as lines of budgets.yaml."""
    for each in proposals:
        yield f"  # {harmless(each.budget.place)}: {each.key} is {each.now}; {each.why}"
        selector = json.dumps(str(each.budget.selector), ensure_ascii=False)
        # Signs that a terminal must not see are escaped, so that what is pasted still means the same series.
        yield f"  - series: {selector if harmless(selector) == selector else json.dumps(str(each.budget.selector))}"
        yield f"    {each.key}: {each.proposed}"
