"""Text from data made harmless, and the words that every output shares."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from perfgate.core.budgets import Enforce, Level, Side
from perfgate.core.compare import PAIRS, Exact, Tested
from perfgate.core.decision import ACCEPTED_LABEL, RUN_SHIFTED, Decision, Family, Rule, Subject, Unmatched, Verdict
from perfgate.core.units import write_percent, write_threshold, write_values

#: What does not lift a block.
NOT_TO_DO = "not by measuring until it passes, nor by looser budgets in this change: the base branch's count"

#: The usual level of an interval; tables name it once, in the heading.
_USUAL = "99 % interval "
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def lifted_by(decision: Decision) -> str:
    """How a block is lifted, as the end of a sentence."""
    usual = "lifted by a fix, or by a waiver landed on the base branch first"
    if decision.circumstances.context.provider != "github":
        return usual
    return f'{usual}; the label "{ACCEPTED_LABEL}", set by someone with triage rights, makes it a warning'


def harmless(text: str) -> str:
    """Text from data without control, format or line characters: it cannot move the cursor or hide what follows.

    >>> harmless("a\\x1b[31mb")
    'a�[31mb'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join("\N{REPLACEMENT CHARACTER}" if unicodedata.category(sign) in _UNSEEN else sign for sign in text)


def wrapped(text: str, width: int, indent: str = "") -> list[str]:
    """Text from data made harmless and folded, the lines after the first two columns further in; no number is parted from its unit.

    >>> wrapped("it took 51.9 %", 12)
    ['it took', '  51.9 %']
    """
    import re
    import textwrap

    whole = re.sub(r"(?<=\d) (?=(?:%|[µm]?s|min|h|[kMGT]?B)\b|%)", "\u00a0", harmless(text))
    lines = textwrap.wrap(whole, width, initial_indent=indent, subsequent_indent=indent + "  ", break_on_hyphens=False)
    return [line.replace("\u00a0", " ") for line in lines]


def harmless_lines(text: str) -> str:
    """The same for text of several lines."""
    return "\n".join(harmless(line.replace("\t", "    ")) for line in text.splitlines())


def before_and_after(comparison: Subject | None) -> tuple[str, str]:
    """Both values with one scale; a lower bound is marked."""
    if comparison is None:
        return "–", "gone"
    before, after = write_values((comparison.before, comparison.after), comparison.unit)
    if comparison.after is None:
        return before, "unknown"
    return before, f"≥ {after}" if comparison.state.value == "lower_bound" else after


def change(comparison: Subject | None, *, interval: bool = False) -> str:
    """The change in per cent, followed by how sure it is where that is asked for."""
    if comparison is None or comparison.relative is None:
        return "–"
    amount = write_percent(comparison.relative)
    # The heading of the column says 99 %; pairs and families have another interval, and say so.
    sure = how_sure(comparison).removeprefix(_USUAL) if interval else ""
    return f"{amount} ({sure})" if sure else amount


def against(decision: Decision) -> str:
    """What the run was compared with: runs of the baseline, or the base itself, in turns."""
    made = decision.circumstances
    methods = {each.evidence.method for each in decision.comparisons if isinstance(each.evidence, Tested)}
    if methods == {PAIRS}:
        base = f" {made.context.base[:10]}" if made.context.base else ""
        return f"measured in turns with the base{base}"
    runs = len(made.baseline_runs)
    return f"compared with {runs} run{'' if runs == 1 else 's'} of {made.baseline_source}"


def how_sure(comparison: Subject) -> str:
    """The interval of a change and the number of runs behind it, or that it was counted; "" where nothing is known of it."""
    if isinstance(comparison, Family):
        low, high = comparison.interval
        return f"98 % interval {write_percent(low)} … {write_percent(high)}" if comparison.numbers else ""
    evidence = comparison.evidence
    if isinstance(evidence, Exact):
        return "exact"
    if not isinstance(evidence, Tested):
        return ""
    pairs = " pairs" if evidence.method == PAIRS else ""
    runs = f"n = {evidence.numbers.n}{pairs}"
    if evidence.change_low is None or evidence.change_high is None:
        return runs
    level = f"{evidence.level * 100:.3g} % interval "
    return f"{level}{write_percent(evidence.change_low)} … {write_percent(evidence.change_high)}, {runs}"


def budget_of(verdict: Verdict) -> str:
    """The limit that a verdict applies, in a few words: "worse by 5 % / 10 %" warns beyond the first and blocks beyond the second."""
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
    together = "together " if verdict.rule is Rule.FAMILY else ""
    asked = [write_threshold(each) for each in (relative.warn, relative.block) if each is not None]
    thresholds = " / ".join(dict.fromkeys(asked)) + (" (warn)" if relative.block is None else "")
    side = {Side.INCREASE: "rise", Side.DECREASE: "fall"}.get(relative.side, "worse by")
    floor = f" and {relative.at_least}" if relative.at_least else ""
    return f"{together}{side} {thresholds}{floor}"


def why(verdict: Verdict, comparison: Subject | None = None) -> str:
    """The reason with what turned it into its level; of a breach, with the comparison given, also how sure it is."""
    sure = ""
    if comparison is not None and verdict.rule in {Rule.CHANGE, Rule.FAMILY} and verdict.found >= Level.WARN:
        sure = how_sure(comparison)
    return "; ".join((f"{verdict.reason} ({sure})" if sure else verdict.reason, *verdict.notes))


def sentence(verdict: Verdict, comparison: Subject | None) -> str:
    """A verdict in one sentence: series, both values, why, and what to do where that is known; untrusted text."""
    before, after = before_and_after(comparison)
    numbers = after if before == "–" else f"{before} → {after}"
    remedy = f"; {verdict.remedy}" if verdict.remedy else ""
    return f"{verdict.series}: {numbers}; {why(verdict, comparison)}{remedy}"


def headline(decision: Decision) -> str:
    """The verdicts in one sentence: "14 verdicts: 1 block, 2 warn, 11 pass"; untrusted text where a budget met no series."""
    total = len(decision.verdicts)
    if not total:
        return "nothing was judged: no budget met a series"
    counts = ((decision.number_at(level), level.word) for level in sorted(Level, reverse=True))
    told = ", ".join(f"{count} {word}" for count, word in counts if count)
    told = f"{total} verdict{'s' if total > 1 else ''}: {told}"
    for caveat in decision.caveats:
        if caveat.code == RUN_SHIFTED:
            told = f"{told}; {caveat.message}"
    idle = [each for each in decision.unmatched if each.level is decision.level]
    if idle and not decision.number_at(decision.level):
        return f"{told}; {_idle(idle)}"
    unclear = decision.level is Level.INCONCLUSIVE and not decision.nothing_judged
    return f"{told}; of what could be judged, nothing breaches a budget" if unclear else told


def _idle(budgets: Sequence[Unmatched]) -> str:
    """What a decision rests on that no verdict has brought about: budgets without a series, and what to do about them."""
    names = [f"{each.budget.selector} ({each.budget.place})" for each in budgets[:2]]
    if len(budgets) == 1:
        return f"the budget of {names[0]} met no series: measure it, or remove that budget"
    more = f" and {len(budgets) - 2} more" if len(budgets) > 2 else ""
    return f"{len(budgets)} budgets met no series, {', '.join(names)}{more}: measure these, or remove the budgets"


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


def unmatched(each: Unmatched) -> str:
    """What is wrong with a budget that met no series."""
    return f"{each.budget.place}: {each.budget.selector} met no series: {each.why}"


def shell_word(words: str) -> str:
    """Text as one word for a POSIX shell, so that a command can be pasted whatever a label holds."""
    import shlex

    return shlex.quote(words)


def title(decision: Decision) -> str:
    """The level as a word for people; a failed command or no judgement at all is not called inconclusive alone."""
    if decision.command_failed and decision.level <= Level.INCONCLUSIVE:
        return "a command failed"
    return "nothing judged" if decision.nothing_judged else decision.level.word


def comparison_of(decision: Decision) -> dict[object, Subject]:
    """The comparison of each series, and the family by the name that its verdict has."""
    found: dict[object, Subject] = {family.series: family for family in decision.families}
    found.update((comparison.series, comparison) for comparison in decision.comparisons)
    return found


def false_alarms(decision: Decision) -> str:
    """What to think of the chance in it; "" where nothing rests on statistics."""
    expected = decision.expected_false_alarms
    if expected <= 0:
        return ""
    text = f"{expected:.2g}" if expected >= 0.001 else "less than 0.001"
    return f"expected false alarms of this decision: {text}"
