"""The evidence of a comparison in decision.json, out and in: what kind it is, and every number of the test behind it."""

from __future__ import annotations

import math
from typing import Any, NamedTuple, cast

from perfgate.core.compare import Evidence, Exact, Finding, Insufficient, Tested
from perfgate.core.stats.interleaved import Interleaved
from perfgate.core.stats.prediction import Prediction
from perfgate.core.stats.score import Score
from perfgate.formats.checking import Found

_Numbers = Prediction | Score | Interleaved
#: The numbers of each test by the word that names it in the file.
TESTS: dict[str, type[_Numbers]] = {"prediction": Prediction, "score": Score, "pairs": Interleaved}
_TESTED = (
    "kind", "method", "finding", "change_low", "change_high", "at_most_warn", "level", "settled", "test", "numbers",
)  # fmt: skip


def dump(evidence: Evidence) -> dict[str, Any]:
    """The evidence as plain JSON values."""
    if isinstance(evidence, Exact):
        return {"kind": "exact", "source": evidence.source}
    if isinstance(evidence, Insufficient):
        return {"kind": "insufficient", "code": evidence.code, "missing": evidence.missing, "remedy": evidence.remedy}
    numbers = evidence.numbers
    return {
        "kind": "tested",
        "method": evidence.method,
        "finding": evidence.finding.value,
        "change_low": ratio(evidence.change_low),
        "change_high": ratio(evidence.change_high),
        "at_most_warn": evidence.at_most_warn,
        "level": evidence.level,
        "settled": evidence.settled,
        "test": next(word for word, made in TESTS.items() if isinstance(numbers, made)),
        "numbers": {name: _plain(value) for name, value in zip(numbers._fields, numbers, strict=True)},
    }


def load(found: Found) -> Evidence:
    """The evidence at this place; InputError where it is none."""
    kind = Found(found.value.get("kind") if isinstance(found.value, dict) else None, found.where, found.place).one_of(
        ("exact", "insufficient", "tested")
    )
    if kind == "exact":
        return Exact(found.fields(("kind", "source"))["source"].text())
    if kind == "insufficient":
        part = found.fields(("kind", "code", "missing", "remedy"))
        return Insufficient(part["code"].text(), part["missing"].text(), part["remedy"].text())
    part = found.fields(_TESTED)
    made = TESTS[part["test"].one_of(TESTS)]
    fields = part["numbers"].fields(made._fields)
    # Every test is a flat tuple of numbers and truths, so its annotations say how each is read.
    numbers = {name: _read(fields[name], cast("type[NamedTuple]", made).__annotations__[name]) for name in made._fields}
    level = part["level"].number()
    if not 0 <= level <= 1:
        part["level"].refuse("a level is between 0 and 1")
    return Tested(
        part["method"].text(),
        Finding(part["finding"].one_of([each.value for each in Finding])),
        made(**numbers),
        read_ratio(part["change_low"]),
        read_ratio(part["change_high"]),
        part["at_most_warn"].truth(),
        level,
        part["settled"].text(),
    )


def _read(found: Found, wanted: object) -> Any:
    """One number of a test, by its annotation."""
    words = getattr(wanted, "__forward_arg__", wanted)
    if words == "bool":
        return found.truth()
    if words == "int":
        return found.whole(1)
    if words == "None":
        return None if found.value is None else found.refuse("there is no p-value here: null is wanted")
    if words == "float | None":
        return read_ratio(found)
    if words == "tuple[float, float, float]":
        parts = [item.number() for item in found.items(3)]
        return tuple(parts) if len(parts) == 3 else found.refuse("three numbers are wanted")
    value = read_ratio(found)
    return value if value is not None else found.refuse("a number is wanted, not null")


def _plain(value: object) -> Any:
    if isinstance(value, float):
        return ratio(value)
    return list(value) if isinstance(value, tuple) else value


def ratio(value: float | None) -> float | str | None:
    """JSON knows no infinity; growth from zero is one."""
    if value is None or math.isfinite(value):
        return value
    return "infinite" if value > 0 else "-infinite"


def read_ratio(found: Found) -> float | None:
    """The inverse of `ratio`."""
    if found.value is None:
        return None
    if isinstance(found.value, str):
        return math.inf if found.one_of(("infinite", "-infinite")) == "infinite" else -math.inf
    return found.number()
