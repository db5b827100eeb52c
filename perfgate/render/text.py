"""Text from data made harmless, and the words that every output shares."""

from __future__ import annotations

import unicodedata

from perfgate.core.budgets import Enforce, Level, Side
from perfgate.core.compare import Comparison, Tested
from perfgate.core.decision import Decision, Rule, Verdict
from perfgate.core.units import write_percent, write_threshold, write_values

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def harmless(text: str) -> str:
    """Text from data without control, format or line characters: it cannot move the cursor or hide what follows.

    >>> harmless("a\\x1b[31mb")
    'a�[31mb'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join("\N{REPLACEMENT CHARACTER}" if unicodedata.category(sign) in _UNSEEN else sign for sign in text)


def harmless_lines(text: str) -> str:
    """The same for text of several lines."""
    return "\n".join(harmless(line.replace("\t", "    ")) for line in text.splitlines())


def before_and_after(comparison: Comparison | None) -> tuple[str, str]:
    """Both values with one scale; a lower bound is marked."""
    if comparison is None:
        return "–", "gone"
    before, after = write_values((comparison.before, comparison.after), comparison.unit)
    if comparison.after is None:
        return before, "unknown"
    return before, f"≥ {after}" if comparison.state.value == "lower_bound" else after


def change(comparison: Comparison | None, *, interval: bool = False) -> str:
    """The change in per cent, with its 99 % interval where there is one and it is asked for."""
    if comparison is None or comparison.relative is None:
        return "–"
    text = write_percent(comparison.relative)
    evidence = comparison.evidence
    if (
        interval
        and isinstance(evidence, Tested)
        and evidence.change_low is not None
        and evidence.change_high is not None
    ):
        return f"{text} ({write_percent(evidence.change_low)} … {write_percent(evidence.change_high)})"
    return text


def budget_of(verdict: Verdict) -> str:
    """The limit that a verdict applies, in a few words."""
    budget = verdict.budget
    if verdict.rule is Rule.LIMIT and budget.limit is not None:
        return f"limit {budget.limit}"
    if verdict.rule is Rule.MISSING:
        return f"missing: {budget.on_missing.word}"
    if verdict.rule is Rule.DROP:
        return "drop by half"
    relative = budget.relative
    if relative is None:
        return "no limit"
    threshold = relative.warn if verdict.found is Level.WARN or relative.block is None else relative.block
    side = {Side.INCREASE: "rise", Side.DECREASE: "fall"}.get(relative.side, "worse by")
    floor = f" and {relative.at_least}" if relative.at_least else ""
    return f"{side} {write_threshold(threshold)}{floor}"


def why(verdict: Verdict) -> str:
    """The reason with what turned it into its level."""
    return "; ".join((verdict.reason, *verdict.notes))


def headline(decision: Decision) -> str:
    """The verdicts in one sentence: "14 verdicts: 1 block, 2 warn, 11 pass"."""
    total = len(decision.verdicts)
    if not total:
        return "nothing was judged: no budget met a series"
    counts = ((decision.number_at(level), level.word) for level in sorted(Level, reverse=True))
    told = ", ".join(f"{count} {word}" for count, word in counts if count)
    told = f"{total} verdict{'s' if total > 1 else ''}: {told}"
    unclear = decision.level is Level.INCONCLUSIVE and not decision.nothing_judged
    return f"{told}; of what could be judged, nothing breaches a budget" if unclear else told


def level_of(verdict: Verdict) -> str:
    """The level as a word; of what is only observed, what it would be."""
    if (
        verdict.budget.enforce is Enforce.OBSERVE
        and verdict.level is Level.PASS
        and verdict.found > Level.INCONCLUSIVE
        and not verdict.waived
    ):
        return f"would {verdict.found.word}"
    return verdict.level.word


def title(decision: Decision) -> str:
    """The level as a word for people; a decision without any judgement is not called inconclusive alone."""
    return "nothing judged" if decision.nothing_judged else decision.level.word


def comparison_of(decision: Decision) -> dict[object, Comparison]:
    """The comparison of each series."""
    return {comparison.series: comparison for comparison in decision.comparisons}


def false_alarms(decision: Decision) -> str:
    """What to think of the chance in it; "" where nothing rests on statistics."""
    expected = decision.expected_false_alarms
    if expected <= 0:
        return ""
    text = f"{expected:.2g}" if expected >= 0.001 else "less than 0.001"
    return f"expected false alarms of this decision: {text}"
