"""The families of scenarios in a decision.json, out and in."""

from __future__ import annotations

from typing import Any

from perfgate.core.decision import Family, Member
from perfgate.core.metrics import Direction
from perfgate.core.stats.families import Together
from perfgate.formats import nouns
from perfgate.formats.checking import Found

_MOST = 200_000
_NUMBERS = Together._fields


def value_of(family: Family) -> dict[str, Any]:
    """A family as it is written."""
    return {
        "series": str(family.series),
        "unit": str(family.unit),
        "better": family.better.value,
        "before": family.before,
        "after": family.after,
        "relative": family.relative,
        "numbers": family.numbers and {name: getattr(family.numbers, name) for name in _NUMBERS},
        "members": [
            {"series": str(each.series), "before": each.before, "after": each.after, "runs": each.runs}
            for each in family.members
        ],
        "alone": [{"series": str(series), "reason": reason} for series, reason in family.alone],
        "success": family.success and list(family.success),
        "per_success": family.per_success and list(family.per_success),
    }


def read(found: Found) -> Family:
    """A family as it was written; raises InputError that names the place of the first mistake."""
    part = found.fields((
        "series", "unit", "better", "before", "after", "relative", "numbers", "members", "alone", "success", "per_success",
    ))  # fmt: skip
    members = [item.fields(("series", "before", "after", "runs")) for item in part["members"].items(_MOST)]
    for each in members:
        for side in ("before", "after"):
            if each[side].number() <= 0:
                each[side].refuse("a mean above zero is wanted")
    alone = [item.fields(("series", "reason")) for item in part["alone"].items(_MOST)]
    return Family(
        series=nouns.series(part["series"]),
        unit=nouns.unit(part["unit"]),
        better=Direction(part["better"].one_of([each.value for each in Direction])),
        before=_optional(part["before"]),
        after=_optional(part["after"]),
        relative=_optional(part["relative"]),
        numbers=_numbers(part["numbers"]),
        members=tuple(
            Member(nouns.series(each["series"]), each["before"].number(), each["after"].number(), each["runs"].whole())
            for each in members
        ),
        alone=tuple((nouns.series(each["series"]), each["reason"].text()) for each in alone),
        success=_pair(part["success"]),
        per_success=_pair(part["per_success"]),
    )


def _numbers(found: Found) -> Together | None:
    if found.value is None:
        return None
    part = found.fields(_NUMBERS)
    method = part["method"].one_of(["sign flips", "paired t"])
    n = part["n"].whole()
    if n < 2:
        part["n"].refuse("a family has two scenarios at least")
    others = {name: _bounded(part[name]) for name in _NUMBERS if name not in {"n", "method"}}
    return Together(n=n, method=method, **others)


def _bounded(found: Found) -> float:
    """A logarithm of a ratio, or a probability: none of them is large, and the exponential of each is finite."""
    value = found.number()
    if abs(value) > 700:
        found.refuse("a number between -700 and 700 is wanted")
    return value


def _pair(found: Found) -> tuple[float, float] | None:
    if found.value is None:
        return None
    items = found.items(2)
    if len(items) != 2:
        found.refuse("two numbers are wanted: before and after")
    return items[0].number(), items[1].number()


def _optional(found: Found) -> float | None:
    return None if found.value is None else found.number()
