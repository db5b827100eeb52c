"""A base that is only approximately known: what was found against it is worth a warning, and stops nobody."""

from __future__ import annotations

from perfgate.core.budgets import Level
from perfgate.core.decision import Rule, Verdict
from perfgate.core.model import Caveat

#: What is found by looking back at the base. An absolute limit holds whatever the base is.
_RELATIVE = frozenset({Rule.CHANGE, Rule.FAMILY, Rule.DROP, Rule.MISSING})
_NOTE = "at most warn: the base is only approximately known"
_REMEDY = "fetch the whole history, so that the base is known: actions/checkout: fetch-depth: 0, GitLab: GIT_DEPTH: 0"


def hold(verdict: Verdict, why: str) -> Verdict:
    """The verdict, at most a warning where it rests on an approximate base; `why` says why it is one, "" where it is exact.

    The target branch may have moved on since the change left it: its newer state can hold series that the change never had, and
    speed that the change never lost.
    """
    if not why or verdict.rule not in _RELATIVE or verdict.level < Level.BLOCK:
        return verdict
    return verdict._replace(
        level=Level.WARN,
        found=min(verdict.found, Level.WARN),
        notes=(*verdict.notes, _NOTE),
        remedy=verdict.remedy or _REMEDY,
    )


def caveat(why: str) -> tuple[Caveat, ...]:
    """What a reader of the decision must know of an approximate base; nothing where it is exact."""
    return (Caveat("base approximate", why, _REMEDY),) if why else ()
