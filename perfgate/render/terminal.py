"""A decision on the terminal: the verdict first, then a table worst first, then what to know and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from perfgate.core.budgets import Level
from perfgate.core.decision import Decision, Verdict
from perfgate.render import text
from perfgate.render.tables import Column, render_table
from perfgate.render.text import harmless

#: Below this many verdicts every one is shown; above it the passes are counted.
_FEW = 12
#: A table of more rows is not read by anyone, and takes seconds to lay out.
_MOST, _MOST_VERBOSE = 100, 1000
#: The reasons need this many columns beside the rest; where there is less, each verdict takes several lines.
_LEAST_WHY = 34
#: Words of the last block are this far in.
_INDENT = 15
_WORDS = {level.word: level for level in Level}
_COLOURS = {Level.BLOCK: "31;1", Level.WARN: "33;1", Level.INCONCLUSIVE: "36", Level.PASS: "32"}


def render(
    decision: Decision, *, width: int, colour: bool, verbose: bool = False, folder: str = ".perfgate/decision"
) -> str:
    """The decision for people, `width` columns wide; `verbose` shows every series. `folder` is where the decision was left."""
    paint = _paint if colour else _plain
    title = text.title(decision).upper()
    lines = _wrapped(harmless(f"{title}  {text.headline(decision)}"), width)
    lines[0] = paint(title, decision.level) + lines[0].removeprefix(title)
    if decision.circumstances.baseline_source:
        lines += _wrapped(_against(decision), width)
    shown = [
        verdict
        for verdict in decision.verdicts
        if verbose or len(decision.verdicts) <= _FEW or _is_worth_a_row(verdict)
    ]
    hidden = len(decision.verdicts) - len(shown)
    shown, grouped = _grouped(shown, verbose=verbose)
    most = _MOST_VERBOSE if verbose else _MOST
    if shown:
        lines += ["", _table(decision, shown[:most], width=width, colour=colour)]
    if len(shown) > most:
        lines.append(f"and {len(shown) - most} more, in {folder}/decision.json")
    lines += [wrapped for line in grouped for wrapped in _wrapped(harmless(line), width)]
    if hidden > 0:
        lines.append(f"{hidden} more pass (--all shows them)")
    lines += _beside(decision, width=width, colour=colour, verbose=verbose)
    todo = _todo(decision, width, folder)
    return "\n".join([*lines, *([""] if todo else []), *todo])


def _is_worth_a_row(verdict: Verdict) -> bool:
    """A pass is, where something turned it into one (a waiver, a justification, a budget that only observes), and a suspect."""
    return verdict.level > Level.PASS or verdict.found > Level.PASS or verdict.suspect


def _against(decision: Decision) -> str:
    made = decision.circumstances
    line = f"{text.against(decision)}, judged by {made.budgets_source}"
    alarms = text.false_alarms(decision)
    return harmless(f"{line}; {alarms}" if alarms else line)


def _grouped(verdicts: Sequence[Verdict], *, verbose: bool) -> tuple[list[Verdict], list[str]]:
    """Inconclusive verdicts of one and the same reason become one line where there are more than two of them."""
    if verbose:
        return list(verdicts), []
    reasons: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        if verdict.level is Level.INCONCLUSIVE:
            reasons.setdefault(verdict.reason, []).append(verdict)
    many = {reason: group for reason, group in reasons.items() if len(group) > 2}
    lines = []
    for reason, group in many.items():
        names = ", ".join(str(verdict.series) for verdict in group[:3]) + (", …" if len(group) > 3 else "")
        lines.append(f"inconclusive: {len(group)} series ({names}): {reason}")
    kept = [verdict for verdict in verdicts if verdict.level is not Level.INCONCLUSIVE or verdict.reason not in many]
    return kept, lines


def _table(decision: Decision, verdicts: Iterable[Verdict], *, width: int, colour: bool) -> str:
    comparisons = text.comparison_of(decision)
    rows = []
    for verdict in verdicts:
        comparison = comparisons.get(verdict.series)
        before, after = text.before_and_after(comparison)
        cells = (
            text.level_of(verdict),
            str(verdict.series),
            before,
            after,
            text.change(comparison),
            text.budget_of(verdict),
            text.why(verdict, comparison),
        )
        rows.append(cells)
    columns = (
        Column("verdict"),
        Column("series"),
        Column("before", number=True),
        Column("now", number=True),
        Column("change", number=True),
        Column("budget"),
        Column("why"),
    )
    fixed = sum(
        max(len(column.name), *(len(row[index]) for row in rows)) + 2 for index, column in enumerate(columns[:-1])
    )
    if fixed + _LEAST_WHY <= width:
        made = render_table(columns, rows, width=width, colour=colour)
    else:
        made = _stacked(rows, width=width)
    return _with_levels_painted(made, colour=colour)


def _with_levels_painted(table: str, *, colour: bool) -> str:
    """The table with the word that begins a row in its level's colour: only a verdict can begin a line."""
    lines = table.splitlines()
    for position, line in enumerate(lines if colour else ()):
        word = line.partition(" ")[0]
        if word in _WORDS:
            lines[position] = _paint(word, _WORDS[word]) + line[len(word) :]
    return "\n".join(lines)


def _stacked(rows: Sequence[tuple[str, ...]], *, width: int) -> str:
    """Each verdict as two or more lines, for narrow terminals: what it is and its numbers, then why."""
    import textwrap

    lines: list[str] = []
    for level, series, before, after, change, budget, reason in rows:
        lines += textwrap.wrap(
            harmless(series) or " ",
            width,
            initial_indent=f"{level:<13}",
            subsequent_indent=" " * 13,
            break_on_hyphens=False,
        )
        numbers = f"{before} → {after}  {change}  ({budget})" if before != "–" else f"{after}  ({budget})"
        lines += textwrap.wrap(harmless(numbers), width, initial_indent=" " * 13, subsequent_indent=" " * 13)
        lines += textwrap.wrap(harmless(reason), width, initial_indent=" " * 13, subsequent_indent=" " * 13)
    return "\n".join(lines)


def _beside(decision: Decision, *, width: int, colour: bool, verbose: bool) -> list[str]:
    """What was not judged, and what to know."""
    lines: list[str] = []
    for unmatched in decision.unmatched:
        lines.append(f"{unmatched.level.word}: {text.unmatched(unmatched)}")
    if decision.elsewhere:
        reasons = sorted({reason for _, reason in decision.elsewhere})
        lines.append(f"{_count(len(decision.elsewhere), 'budget')} did not apply here: {'; '.join(reasons)}")
    if decision.vanished:
        lines.append(f"gone since the baseline, without a budget: {_names(decision.vanished)}")
    if decision.observed and not verbose:
        worse = [verdict for verdict in decision.observed if verdict.found >= Level.WARN]
        told = (
            f", {len(worse)} would have had something to say: {_names([verdict.series for verdict in worse])}"
            if worse
            else ""
        )
        lines.append(
            f"{_count(len({verdict.series for verdict in decision.observed}), 'series', 'series')} without a budget{told}"
        )
    lines += [
        f"note: {caveat.message}" + (f" ({caveat.remedy})" if caveat.remedy else "") for caveat in decision.caveats
    ]
    beside = [wrapped for line in lines for wrapped in _wrapped(harmless(line), width)]
    if decision.tests:
        from perfgate.render import suite_changes

        moved = suite_changes.lines(decision.tests, slowed=decision.slowed_suites)
        beside += [wrapped for line in moved for wrapped in _wrapped(line, width)]
    if verbose and decision.observed:
        beside += [
            "",
            "without a budget, judged by the defaults and without consequence:",
            _table(decision, decision.observed[:_MOST_VERBOSE], width=width, colour=colour),
        ]
    return ([""] if beside else []) + beside


def _wrapped(line: str, width: int) -> list[str]:
    import textwrap

    return textwrap.wrap(line, width, subsequent_indent="  ", break_on_hyphens=False) or [""]


def _todo(decision: Decision, width: int, folder: str) -> list[str]:
    """The next steps, worst first. Commands and lines to paste stay whole, however narrow the terminal."""
    lines = []
    worst = next((verdict for verdict in decision.verdicts if verdict.level >= Level.WARN), None)
    if worst is not None:
        lines.append(f"the numbers:   perfgate explain {text.shell_word(str(worst.series))}")
        lines.append(f"the same here: {decision.circumstances.reproduce}")
    remedies = dict.fromkeys(verdict.remedy for verdict in decision.verdicts if _needs_remedy(verdict))
    if decision.nothing_judged and not remedies:
        remedies = {"measure a series that a budget names": None}
    for remedy in list(remedies)[:3]:
        lines += _step("to judge more:" if decision.judged else "to judge:", remedy, width)
    # A block that was accepted stays a warning, whatever a commit says of it.
    warned = next((each for each in decision.verdicts if each.level is Level.WARN and not each.accepted), None)
    if warned is not None:
        lines += _step("a warning:", "a commit of the change may justify it, with the line", width)
        lines.append(" " * _INDENT + f"Perf-Justification: {warned.series} - the reason")
    if any(verdict.level is Level.BLOCK for verdict in decision.verdicts):
        lines += _step("a block:", f"{text.lifted_by(decision)} (lines: {folder}/comment.md)", width)
        lines += _step("", text.NOT_TO_DO, width)
    return [harmless(line) for line in lines]


def _needs_remedy(verdict: Verdict) -> bool:
    """Whether something can be done so that more is known: of a breach, the breach is what matters."""
    return bool(verdict.remedy) and (verdict.level is Level.INCONCLUSIVE or verdict.suspect)


def _step(what: str, words: str, width: int) -> list[str]:
    import textwrap

    indent = " " * _INDENT
    return textwrap.wrap(
        words, width, initial_indent=f"{what:<{_INDENT}}", subsequent_indent=indent, break_on_hyphens=False
    )


def _names(series: Sequence[object]) -> str:
    return ", ".join(str(each) for each in series[:5]) + (f" and {len(series) - 5} more" if len(series) > 5 else "")


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"


def _paint(words: str, level: Level) -> str:
    return f"\x1b[{_COLOURS[level]}m{words}\x1b[0m"


def _plain(words: str, level: Level) -> str:
    del level
    return words
