"""What a maintainer's word makes of a decision's blocks: warnings, each with the reason; nothing else moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from perfgate.core.budgets import Level
from perfgate.core.decision import ACCEPTED, Acceptance, Unmatched, Verdict
from perfgate.core.model import Series


def accept(
    verdicts: Sequence[Verdict],
    unmatched: Sequence[Unmatched],
    acceptance: Acceptance,
    reasons: Mapping[Series, str],
) -> tuple[list[Verdict], tuple[Unmatched, ...]]:
    """The verdicts, and the budgets that met no series, with every block turned into a warning.

    `reasons` are those of the commits' justifications. A block is no pass even with one of them: a trailer alone never lifts a
    block, and the warning keeps it in sight.
    """
    return (
        [_accepted(verdict, acceptance, reasons) if verdict.level is Level.BLOCK else verdict for verdict in verdicts],
        tuple(
            each._replace(level=Level.WARN, why=f"{each.why}; {ACCEPTED}{acceptance.why()}")
            if each.level is Level.BLOCK
            else each
            for each in unmatched
        ),
    )


def _accepted(verdict: Verdict, acceptance: Acceptance, reasons: Mapping[Series, str]) -> Verdict:
    note = f"{ACCEPTED}{acceptance.why(reasons.get(verdict.series, ''))}"
    return verdict._replace(level=Level.WARN, notes=(*verdict.notes, note), accepted=True)
