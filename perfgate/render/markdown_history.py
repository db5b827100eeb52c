"""How each breached series came to where it is: the values it was compared with and the one now, as a line of bars."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from perfgate.core.compare import PAIRS, Comparison, Tested
from perfgate.core.decision import Decision, Verdict
from perfgate.core.units import write_values
from perfgate.render.markdown_sections import LONGEST_NAME, Section, folded
from perfgate.render.markdown_text import code, prose
from perfgate.render.sparkline import sparkline

#: Fewer values show no trend, more bars do not fit on a telephone.
_FEWEST, _WIDEST = 3, 24
#: More lines than these are folded.
_OPEN = 3


def section(decision: Decision, verdicts: Sequence[Verdict]) -> Section:
    """A line for each series of the verdicts that has a history, each once."""
    known = {comparison.series: comparison for comparison in decision.comparisons}
    series = dict.fromkeys(verdict.series for verdict in verdicts)
    found = [known[each] for each in series if each in known and _has_history(known[each])]
    lines = [_line(decision, comparison) for comparison in found[:200]]

    def write(most: int) -> str:
        if not lines or not most:
            return ""
        left = len(found) - min(most, len(lines))
        more = [f"- and {left} more series"] if left else []
        heading = f"The way of {len(found)} breached series" if len(found) > _OPEN else ""
        return folded(heading, "\n".join([*lines[:most], *more]))

    return Section(len(lines), write)


def _has_history(comparison: Comparison) -> bool:
    in_turns = isinstance(comparison.evidence, Tested) and comparison.evidence.method == PAIRS
    return comparison.after is not None and len(comparison.used) >= _FEWEST and not in_turns


def _line(decision: Decision, comparison: Comparison) -> str:
    used = [float(value) for value in comparison.used]
    after = float(comparison.after or 0)
    # One scale for both, and the value now in a column of its own.
    bars = sparkline([*_narrowed(used), after], width=_WIDEST + 1, unicode=True)
    least, most, now = write_values((min(used), max(used), after), comparison.unit)
    values = least if least == most else f"{least} … {most}"
    return (
        f"- {code(f'{bars[:-1]} {bars[-1]}')} {code(str(comparison.series), LONGEST_NAME)}: "
        f"{prose(values)} in {len(used)} runs{_since(decision, comparison)}, now {prose(now)}"
    )


def _narrowed(values: Sequence[float]) -> list[float]:
    """At most as many values as bars: medians of neighbours."""
    from perfgate.render.sparkline import pieces

    return [sorted(values[start:end])[(end - start) // 2] for start, end in pieces(len(values), _WIDEST)]


def _since(decision: Decision, comparison: Comparison) -> str:
    """The commits that the history spans, and how many days lie between them; "" where the runs do not tell."""
    runs = decision.circumstances.baseline_runs
    positions = [position for position in comparison.runs if 0 <= position < len(runs)]
    if not positions:
        return ""
    first, last = runs[min(positions)], runs[max(positions)]
    days = _days(first.started_at, last.started_at)
    commits = f" ({code(first.commit[:10])} to {code(last.commit[:10])})" if first.commit and last.commit else ""
    return f" {days}{commits}" if days else commits


def _days(first: str, last: str) -> str:
    try:
        count = (date.fromisoformat(last[:10]) - date.fromisoformat(first[:10])).days
    except ValueError:
        return ""
    if count < 1:
        return "of one day"
    return f"over {count + 1} days"
