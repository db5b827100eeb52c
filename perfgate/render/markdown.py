"""A decision as Markdown: what a pull request is told. Worst first, details folded, never longer than a comment may be.

Text from data stands in code spans or code blocks, where GitHub reads no mention, link, image or HTML.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal

from perfgate.core.budgets import Level
from perfgate.core.compare import Comparison
from perfgate.core.decision import Decision, Rule, Verdict
from perfgate.core.metrics import Direction
from perfgate.render import text
from perfgate.render.text import harmless

#: GitHub takes no longer comment, counted in characters; bytes are kept below it too.
LIMIT = 65_536
_SIGNS = {Level.BLOCK: "⛔", Level.WARN: "⚠️", Level.INCONCLUSIVE: "❔", Level.PASS: "✅"}
# Words, numbers and the punctuation of perfgate's own sentences; nothing that Markdown or GitHub reads as more than text.
_PROSE = re.compile(r"[A-Za-z0-9 \u00a0.,;:()%+\-–…×→≥'\"/±−?=]*")
_NOT_PROSE = re.compile(r"www\.|://|:[a-z0-9_+\-]+:|\b[0-9a-f]{7,64}\b|GH-\d", re.IGNORECASE)
_CONTEXT = Context(prec=3)


def render(decision: Decision, *, project: str = "", limit: int = LIMIT) -> str:
    """The comment; `project` tells the comments of a monorepo's projects apart. At most `limit` characters and bytes."""
    for most in (200, 100, 50, 25, 10, 5, 2, 1):
        body = _body(decision, project, most)
        if len(body.encode()) <= limit:
            return body
    return _body(decision, project, 0)


def _body(decision: Decision, project: str, most: int) -> str:
    """The whole comment with at most `most` rows in each section."""
    name = f" in {code(project)}" if project else ""
    parts = [
        f"<!-- perfgate:{re.sub(r'[^A-Za-z0-9_./]', '_', project)[:200]} -->",
        f"## {_SIGNS[decision.level]} perfgate: {text.title(decision)}{name}",
        f"{text.headline(decision)}. {_basis(decision)}",
    ]
    loud = [verdict for verdict in decision.verdicts if verdict.level >= Level.WARN]
    if loud:
        parts.append(_table(decision, loud, most))
        parts += _what_to_do(decision, loud, most)
    parts += _notes(decision, most)
    for heading, verdicts in (
        ("inconclusive", [verdict for verdict in decision.verdicts if verdict.level is Level.INCONCLUSIVE]),
        ("pass", [verdict for verdict in decision.verdicts if verdict.level is Level.PASS]),
        ("without a budget (no consequence)", list(decision.observed)),
    ):
        if verdicts:
            parts.append(_folded(f"{len(verdicts)} {heading}", _table(decision, verdicts, most)))
    return "\n\n".join(parts) + "\n"


def _basis(decision: Decision) -> str:
    made = decision.circumstances
    runs = len(made.baseline_runs)
    commit = made.context.head or made.context.tested
    parts = [
        f"Commit {code(commit[:10])}" if commit else "",
        f"{runs} baseline runs",
        f"judged by {prose(made.budgets_source)}",
        text.false_alarms(decision),
    ]
    return "; ".join(part for part in parts if part) + "."


# --- tables -----------------------------------------------------------------------------------------------------------


def _table(decision: Decision, verdicts: Sequence[Verdict], most: int) -> str:
    comparisons = text.comparison_of(decision)
    lines = ["| | series | base | now | change | budget | why |", "|---|---|--:|--:|--:|---|---|"]
    for verdict in verdicts[:most]:
        comparison = comparisons.get(verdict.series)
        before, after = text.before_and_after(comparison)
        cells = (
            f"{_SIGNS[verdict.level]} {text.level_of(verdict)}",
            code(str(verdict.series)),
            prose(_unbroken(before)),
            prose(_unbroken(after)),
            prose(_unbroken(text.change(comparison, interval=True)).replace("\u00a0(", " (")),
            prose(text.budget_of(verdict).replace(" %", "\u00a0%")),
            prose(text.why(verdict).replace(" %", "\u00a0%")),
        )
        lines.append("| " + " | ".join(cells) + " |")
    if len(verdicts) > most:
        lines.append(f"| | and {len(verdicts) - most} more, in `.perfgate/decision/decision.json` | | | | | |")
    return "\n".join(lines)


def _inline(note: str) -> str:
    """A note that begins no list, quote or heading of its own."""
    return (
        f"`{note[0]}`{note[1:]}" if note[:1] in set("-+>=") or (note[:1].isdigit() and note[1:2] in set(".)")) else note
    )


def _unbroken(words: str) -> str:
    """A number that stays on one line with its unit."""
    return words.replace(" ", "\u00a0")


def _folded(heading: str, inner: str) -> str:
    return f"<details><summary>{heading}</summary>\n\n{inner}\n\n</details>"


def _notes(decision: Decision, most: int) -> list[str]:
    notes = [
        prose(caveat.message) + (f" ({prose(caveat.remedy)})" if caveat.remedy else "") for caveat in decision.caveats
    ]
    notes += [
        f"{code(str(each.budget.selector))} ({prose(each.budget.place)}) met no series" for each in decision.unmatched
    ]
    notes += [f"{code(str(series))} is gone since the baseline; no budget names it" for series in decision.vanished]
    if decision.elsewhere:
        reasons = sorted({reason for _, reason in decision.elsewhere})
        count = len(decision.elsewhere)
        notes.append(f"{count} budget{'' if count == 1 else 's'} did not apply here: {prose('; '.join(reasons))}")
    if not notes:
        return []
    more = [f"and {len(notes) - most} more"] if len(notes) > most else []
    listed = "\n".join(f"- {_inline(note)}" for note in [*notes[:most], *more])
    return [listed if len(notes) <= 3 else _folded(f"{len(notes)} notes", listed)]


# --- what to do -------------------------------------------------------------------------------------------------------


def _what_to_do(decision: Decision, loud: Sequence[Verdict], most: int) -> list[str]:
    """How to see the numbers, repeat the measurement, and justify or waive; all of it ready to paste."""
    worst = loud[0].series
    parts = [
        "**See the numbers and repeat it locally**\n\n"
        + block(f"{decision.circumstances.reproduce}\nperfgate explain {_shell_word(str(worst))}", "sh")
    ]
    warned = list(dict.fromkeys(verdict.series for verdict in loud if verdict.level is Level.WARN))[:most]
    if warned:
        lines = "\n".join(f"Perf-Justification: {series} - why this is worth it" for series in warned)
        parts.append(_folded("Justify a warning: a line in a commit message", block(lines, "text")))
    comparisons = text.comparison_of(decision)
    blocked = [verdict for verdict in loud if verdict.level is Level.BLOCK]
    waivers = [_waiver(decision, verdict, comparisons.get(verdict.series)) for verdict in blocked[:most]]
    lines = "\n".join(dict.fromkeys(waiver for waiver in waivers if waiver))
    if lines:
        heading = "Accept a block for a while: a waiver in budgets.yaml, landed on the base branch first"
        parts.append(_folded(heading, block("waivers:\n" + lines, "yaml")))
    return parts


def _waiver(decision: Decision, verdict: Verdict, comparison: Comparison | None) -> str:
    if comparison is None or comparison.after is None or verdict.rule is Rule.MISSING:
        return ""
    until = decision.circumstances.today + timedelta(days=30)
    return (
        f"  - series: {_yaml_text(str(verdict.series))}\n"
        f"    ceiling: {ceiling(comparison)}\n"
        f"    until: {until}\n"
        f'    reason: ""   # why, and what will end it\n'
        f'    owner: ""    # who answers for it'
    )


def ceiling(comparison: Comparison) -> str:
    """A quantity a little worse than the value, in the series' base unit, as budgets.yaml reads it."""
    after = Decimal(str(comparison.after))
    higher = comparison.better is Direction.HIGHER
    room = after * (Decimal("0.95") if higher else Decimal("1.05"))
    context = Context(prec=3, rounding=ROUND_FLOOR if higher else ROUND_CEILING)
    number = format(context.plus(room), "f")
    if "." in number:
        number = number.rstrip("0").rstrip(".")
    unit = comparison.unit
    return f"{number} {unit}" if unit.is_money or unit.base in {"s", "B", "token"} else number


def _yaml_text(words: str) -> str:
    import json

    return json.dumps(words, ensure_ascii=False)


def _shell_word(words: str) -> str:
    import shlex

    return shlex.quote(words)


# --- text from data ---------------------------------------------------------------------------------------------------


def code(words: str) -> str:
    """Text in a code span that no content can leave, also in a table."""
    plain = harmless(words).strip() or " "
    plain = plain.replace("|", "¦" if "\\" in plain else "\\|")
    longest = max((len(run) for run in re.findall(r"`+", plain)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if plain.startswith("`") or plain.endswith("`") else ""
    return f"{fence}{pad}{plain}{pad}{fence}"


def prose(words: str) -> str:
    """perfgate's own sentences as they are; sentences that hold anything Markdown could read as more than text, in a code span."""
    plain = harmless(words)
    if _PROSE.fullmatch(plain) and not _NOT_PROSE.search(plain):
        return plain
    return code(plain)


def block(words: str, language: str) -> str:
    """Lines in a code block that no content can leave."""
    plain = text.harmless_lines(words)
    longest = max((len(run) for run in re.findall(r"`+", plain)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{plain}\n{fence}"


#: What a renderer of decisions looks like; every output is one.
Renderer = Callable[[Decision], str]
