"""A decision as Markdown: what a pull request is told. Worst first, details folded, never longer than a comment may be.

Text from data stands in code spans or code blocks (`markdown_text`), where GitHub reads no mention, link, image or HTML.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal

from perfgate.core.budgets import Level
from perfgate.core.compare import Tested
from perfgate.core.decision import Decision, Family, Rule, Subject, Verdict
from perfgate.core.metrics import Direction
from perfgate.core.model import Series
from perfgate.render import text
from perfgate.render.markdown_text import block, code, inline, prose
from perfgate.render.text import harmless

#: GitHub takes no longer comment, counted in characters; bytes are kept below it too.
LIMIT = 65_536
#: A comment without any row is at most this long; a smaller limit cannot be kept.
LEAST = 8_000
_SIGNS = {Level.BLOCK: "⛔", Level.WARN: "⚠️", Level.INCONCLUSIVE: "❔", Level.PASS: "✅"}
_WOULD = "▫️"
#: How many rows of a section are tried, from all that anyone reads down to none.
_STEPS = (200, 100, 50, 25, 10, 5, 2, 1, 0)
#: Longer names cannot be pasted from a comment; in tables the beginning has to do.
_LONGEST_NAME, _LONGEST_WHY = 200, 500
#: A proposed ceiling is at least this much worse than the value.
_LEAST_ROOM = 0.05


class _Section:
    """A part of the comment that can be shortened: `write` gives it with a part of its rows, "" where nothing is left to say."""

    def __init__(self, rows: int, write: Callable[[int], str]) -> None:
        self.write = write
        self.most = min(rows, _STEPS[0])

    def shorten(self) -> bool:
        """Take the next smaller number of rows; whether there was one."""
        smaller = next((step for step in _STEPS if step < self.most), None)
        if smaller is not None:
            self.most = smaller
        return smaller is not None


def render(decision: Decision, *, project: str = "", limit: int = LIMIT) -> str:
    """The comment without the marker that is its first line; `project` names one of a monorepo's projects in the heading.

    At most `limit` characters and bytes (of which it needs `LEAST`): whole rows are left out, from the mild end, and said.
    """
    head = _head(decision, project)
    sections = _sections(decision)
    while True:
        body = "\n\n".join(part for part in (*head, *(each.write(each.most) for each in sections)) if part) + "\n"
        # The last sections are the mildest, and give way first; the table of breaches is the last to do so.
        if len(body.encode()) <= limit or not any(each.shorten() for each in reversed(sections)):
            return body


def resolved(decision: Decision, *, project: str = "") -> str:
    """What stays of a comment whose breach is over: that it is, and since which commit."""
    name = f" in {code(project, 100)}" if project else ""
    commit = decision.circumstances.context.head or decision.circumstances.context.tested
    since = f"At commit {code(commit[:10])} " if commit else "Now "
    told = prose(text.headline(decision), _LONGEST_WHY)
    return f"## {_SIGNS[Level.PASS]} perfgate: resolved{name}\n\n{since}nothing breaches a budget any more. {told}.\n"


def mentions(comment: str, series: Series) -> bool:
    """Whether a comment made here names this series."""
    return code(str(series), _LONGEST_NAME) in comment


def _head(decision: Decision, project: str) -> tuple[str, ...]:
    name = f" in {code(project, 100)}" if project else ""
    return (
        f"## {_SIGNS[decision.level]} perfgate: {text.title(decision)}{name}",
        f"{prose(text.headline(decision), _LONGEST_WHY)}. {_basis(decision)}",
    )


def _basis(decision: Decision) -> str:
    made = decision.circumstances
    runs = len(made.baseline_runs)
    commit = made.context.head or made.context.tested
    parts = [
        f"Commit {code(commit[:10])}" if commit else "",
        f"{runs} baseline run{'' if runs == 1 else 's'}",
        f"judged by {prose(made.budgets_source, _LONGEST_WHY)}" if made.budgets_source else "",
        text.false_alarms(decision),
    ]
    return "; ".join(part for part in parts if part) + "."


def _sections(decision: Decision) -> list[_Section]:
    loud = [verdict for verdict in decision.verdicts if verdict.level >= Level.WARN]
    unclear = [verdict for verdict in decision.verdicts if verdict.level is Level.INCONCLUSIVE]
    passed = [verdict for verdict in decision.verdicts if verdict.level is Level.PASS]
    sections = []
    if loud:
        sections += [_rows(decision, loud), *_what_to_do(decision, loud)]
    sections.append(_notes(decision))
    if unclear:
        heading = "" if decision.nothing_judged else f"{len(unclear)} inconclusive"
        sections.append(_rows(decision, unclear, heading))
    for heading, verdicts in (("pass", passed), ("without a budget (no consequence)", list(decision.observed))):
        if verdicts:
            sections.append(_rows(decision, verdicts, f"{len(verdicts)} {heading}"))
    return sections


# --- tables -----------------------------------------------------------------------------------------------------------


def _rows(decision: Decision, verdicts: Sequence[Verdict], folded: str = "") -> _Section:
    """A table of verdicts, folded under a heading where there is one."""
    comparisons = text.comparison_of(decision)
    rows = [_row(verdict, comparisons.get(verdict.series)) for verdict in verdicts[: _STEPS[0]]]
    # Four columns of two lines each: a comment is some 80 characters wide, and a wider table hides the reasons.
    head = ["| | series, budget | base → now, change (99 % interval) | why |", "|---|---|---|---|"]
    remedies = dict.fromkeys(verdict.remedy for verdict in verdicts if verdict.level is Level.INCONCLUSIVE)
    settling = "".join(f"\n\nTo judge more: {prose(remedy, _LONGEST_WHY)}" for remedy in list(remedies)[:3] if remedy)

    def write(most: int) -> str:
        left = len(verdicts) - min(most, len(rows))
        if not most:
            told = folded or f"{len(verdicts)} verdicts"
            return f"{told}: too many for a comment, all in `.perfgate/decision/decision.json`"
        more = [f"| | and {left} more, in `.perfgate/decision/decision.json` | | |"] if left else []
        return _folded(folded, "\n".join([*head, *rows[:most], *more]) + settling)

    return _Section(len(verdicts), write)


def _row(verdict: Verdict, comparison: Subject | None) -> str:
    level = text.level_of(verdict)
    sign = _WOULD if level != verdict.level.word else _SIGNS[verdict.level]
    why = text.why(verdict)
    if verdict.remedy and verdict.level >= Level.WARN:
        why = f"{why}; {verdict.remedy}"
    budget = prose(text.budget_of(verdict).replace(" %", "\u00a0%"), _LONGEST_NAME)
    cells = (
        _unbroken(f"{sign} {level}"),
        f"{code(str(verdict.series), _LONGEST_NAME)}<br>{budget}",
        _numbers(comparison, interval=verdict.rule is not Rule.LIMIT),
        prose(why.replace(" %", "\u00a0%"), _LONGEST_WHY),
    )
    return "| " + " | ".join(cells) + " |"


def _numbers(comparison: Subject | None, *, interval: bool) -> str:
    """Both values, and below them the change, with its interval where the verdict rests on it."""
    before, after = (prose(_unbroken(value)) for value in text.before_and_after(comparison))
    values = after if before == "–" else f"{before}\u00a0→ {after}"
    change = _unbroken(text.change(comparison, interval=interval)).replace("\u00a0(", " (").replace(",\u00a0", ", ")
    return values if change == "–" else f"{values}<br>{prose(change)}"


def _unbroken(words: str) -> str:
    """A number that stays on one line with its unit."""
    return words.replace(" ", "\u00a0")


def _folded(heading: str, inner: str) -> str:
    return f"<details><summary>{heading}</summary>\n\n{inner}\n\n</details>" if heading else inner


def _notes(decision: Decision) -> _Section:
    def sentences() -> Iterable[str]:
        for caveat in decision.caveats:
            remedy = f" ({prose(caveat.remedy, _LONGEST_WHY)})" if caveat.remedy else ""
            yield prose(caveat.message, _LONGEST_WHY) + remedy
        for each in decision.unmatched:
            selector = code(str(each.budget.selector), _LONGEST_NAME)
            yield f"{each.level.word}: {selector} ({prose(each.budget.place, _LONGEST_NAME)}) met no series"
        for series in decision.vanished:
            yield f"{code(str(series), _LONGEST_NAME)} is gone since the baseline; no budget names it"
        if count := len(decision.elsewhere):
            reasons = "; ".join(sorted({reason for _, reason in decision.elsewhere}))
            yield f"{count} budget{'' if count == 1 else 's'} did not apply here: {prose(reasons, _LONGEST_WHY)}"

    notes = [f"- {inline(note)}" for note in sentences()]

    def write(most: int) -> str:
        if not notes:
            return ""
        shown = notes[:most]
        more = [f"- and {len(notes) - len(shown)} more"] if len(notes) > len(shown) else []
        return _folded(f"{len(notes)} notes" if len(notes) > 3 else "", "\n".join([*shown, *more]))

    return _Section(len(notes), write)


# --- what to do -------------------------------------------------------------------------------------------------------


def _what_to_do(decision: Decision, loud: Sequence[Verdict]) -> list[_Section]:
    """How to see the numbers and repeat the measurement, how to justify or waive, all of it ready to paste; and what not to do."""
    reproduce = harmless(decision.circumstances.reproduce)
    worst = next(iter(_short(verdict.series for verdict in loud)), None)
    commands = [reproduce] if len(reproduce) <= _LONGEST_WHY else []
    if worst is not None:
        commands.append(f"perfgate explain {text.shell_word(harmless(str(worst)))}")
    sections = []
    if commands:
        repeat = "**See the numbers and repeat it locally**\n\n" + block("\n".join(commands), "sh")
        sections.append(_Section(0, lambda _: repeat))
    if any(verdict.level is Level.BLOCK for verdict in loud):
        lifted = f"**A block** is {text.LIFTED_BY}; {text.NOT_TO_DO}."
        sections.append(_Section(0, lambda _: lifted))
    comparisons = text.comparison_of(decision)
    waivers = [
        _waiver(decision, verdict, comparisons.get(verdict.series))
        for verdict in loud
        if verdict.level is Level.BLOCK and _short([verdict.series])
    ]
    warned = _short(verdict.series for verdict in loud if verdict.level is Level.WARN)
    trailers = [f"Perf-Justification: {harmless(str(series))} - why this is worth it" for series in warned]
    waive = "Accept a block for a while: a waiver in budgets.yaml, landed on the base branch first"
    justify = "Justify a warning: a line in a commit message"
    return [
        *sections,
        _paste(waive, "yaml", [each for each in dict.fromkeys(waivers) if each], first="waivers:"),
        _paste(justify, "text", trailers),
    ]


def _short(series: Iterable[Series]) -> list[Series]:
    """Those whose names are short enough to paste, each once."""
    return [each for each in dict.fromkeys(series) if len(str(each)) <= _LONGEST_NAME]


def _paste(heading: str, language: str, entries: Sequence[str], *, first: str = "") -> _Section:
    """Lines to paste, folded under what they are for."""

    def write(most: int) -> str:
        if not entries or not most:
            return ""
        left = len(entries) - min(most, len(entries))
        more = f"\n\nand {left} more like these" if left else ""
        lines = [first] if first else []
        return _folded(heading, block("\n".join([*lines, *entries[:most]]), language) + more)

    return _Section(len(entries), write)


def _waiver(decision: Decision, verdict: Verdict, comparison: Subject | None) -> str:
    if comparison is None or comparison.after is None or verdict.rule is Rule.MISSING:
        return ""
    until = decision.circumstances.today + timedelta(days=30)
    return (
        f"  - series: {_yaml_text(harmless(str(verdict.series)))}\n"
        f"    ceiling: {ceiling(comparison)}\n"
        f"    until: {until}\n"
        f'    reason: ""   # why, and what will end it\n'
        f'    owner: ""    # who answers for it'
    )


def ceiling(comparison: Subject) -> str:
    """A quantity that the next runs at this level stay within, in the series' base unit, as budgets.yaml reads it."""
    after = Decimal(str(comparison.after))
    higher = comparison.better is Direction.HIGHER
    room = abs(after) * Decimal(str(_room(comparison, higher=higher)))
    bound = after - room if higher else after + room
    context = Context(prec=3, rounding=ROUND_FLOOR if higher else ROUND_CEILING)
    number = format(context.plus(bound), "f")
    if "." in number:
        number = number.rstrip("0").rstrip(".")
    unit = comparison.unit
    return f"{number} {unit}" if unit.is_money or unit.base in {"s", "B", "token"} else number


def _room(comparison: Subject, *, higher: bool) -> float:
    """How far beyond its value a series may come to lie without being worse: as far as runs differ, from 5 % to the value itself."""
    if isinstance(comparison, Family):
        return _LEAST_ROOM
    evidence, relative = comparison.evidence, comparison.relative
    if not isinstance(evidence, Tested) or relative is None or not -1 < relative < float("inf"):
        return _LEAST_ROOM
    end = evidence.change_low if higher else evidence.change_high
    spread = abs(end - relative) / (1 + relative) if end is not None else 0.0
    # A floor is never proposed at nothing, nor a ceiling at any multiple: a waiver that accepts everything is none.
    return min(max(spread, _LEAST_ROOM), 0.5 if higher else 1.0)


def _yaml_text(words: str) -> str:
    import json

    return json.dumps(words, ensure_ascii=False)
