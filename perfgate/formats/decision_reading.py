"""decision.json in: the decision that `explain` and any later program can rely on."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from perfgate.core.baseline import BaselineRun
from perfgate.core.budgets import Budget, Enforce, Judge, Level, Relative, Side, Situation, When
from perfgate.core.compare import Anchor, Comparison
from perfgate.core.decision import Acceptance, Circumstances, Decision, Rule, Unmatched, Verdict
from perfgate.core.metrics import Assumption, Direction
from perfgate.core.model import Caveat, State
from perfgate.core.units import Number, Quantity
from perfgate.formats import decision_families, decision_timelines, evidence, nouns, strict_json
from perfgate.formats.checking import Found
from perfgate.formats.run import context_of

if TYPE_CHECKING:
    from perfgate.core.suite_change import SuiteChange

SCHEMA = "perfgate/decision/1"
_LEVELS = {level.word: level for level in Level}
_MOST = 200_000
#: An amount as it is written by `decision.dump`. Without a bound on the exponent, writing one out would take any memory.
_AMOUNT = re.compile(r"-?\d{1,60}(?:\.\d{1,60})?(?:E[+-]\d{1,2})?", re.ASCII)


def load(data: bytes, where: str) -> Decision:
    """The decision in the text of a decision.json; raises InputError that names the place of the first mistake."""
    top = Found(strict_json.loads(data, where), where)
    if isinstance(top.value, dict) and top.value.get("schema") != SCHEMA:
        top.refuse("this is not a decision that this perfgate reads", "make one: perfgate check")
    fields = top.fields(
        ("schema", "level", "circumstances", "budgets", "verdicts", "observed", "comparisons"),
        (
            "nothing_judged",
            "counts",
            "expected_false_alarms",
            "families",
            "unmatched",
            "elsewhere",
            "vanished",
            "caveats",
            "timelines",
            "tests",
        ),
    )
    budgets = [_budget(item) for item in fields["budgets"].items(_MOST)]
    unmatched = [item.fields(("budget", "level", "why")) for item in _items(fields, "unmatched")]
    elsewhere = [item.fields(("budget", "why")) for item in _items(fields, "elsewhere")]
    decision = Decision(
        level=_level(fields["level"]),
        verdicts=tuple(_verdict(item, budgets) for item in fields["verdicts"].items(_MOST)),
        observed=tuple(_verdict(item, budgets) for item in fields["observed"].items(_MOST)),
        comparisons=tuple(_comparison(item) for item in fields["comparisons"].items(_MOST)),
        unmatched=tuple(
            Unmatched(_chosen(part["budget"], budgets), _level(part["level"]), part["why"].text()) for part in unmatched
        ),
        elsewhere=tuple((_chosen(part["budget"], budgets), part["why"].text()) for part in elsewhere),
        vanished=tuple(nouns.series(item) for item in _items(fields, "vanished")),
        caveats=tuple(_caveat(item) for item in _items(fields, "caveats")),
        expected_false_alarms=fields["expected_false_alarms"].number() if "expected_false_alarms" in fields else 0.0,
        circumstances=_circumstances(fields["circumstances"]),
        families=tuple(decision_families.read(item) for item in _items(fields, "families")),
        timelines=tuple(decision_timelines.read(item) for item in _items(fields, "timelines")),
        tests=_tests(fields["tests"]) if "tests" in fields else (),
    )
    _check_whole(decision, fields)
    return decision


def _check_whole(decision: Decision, fields: dict[str, Found]) -> None:
    """Refuse what is said of the whole where the verdicts say something else: somebody, or something, has edited the file."""
    remedy = "take the file as perfgate wrote it, or decide again: perfgate gate"
    level = Decision.level_of(decision.verdicts, decision.unmatched, decision.caveats)
    if decision.circumstances.acceptance is None and any(verdict.accepted for verdict in decision.verdicts):
        fields["verdicts"].refuse("a verdict is accepted, but by no acceptance that is told", remedy)
    if decision.level is not level:
        fields["level"].refuse(f'the level is "{decision.level.word}", but its verdicts come to "{level.word}"', remedy)
    if "nothing_judged" in fields and fields["nothing_judged"].truth() is not decision.nothing_judged:
        told = "no verdict" if decision.nothing_judged else f"{decision.judged} of its verdicts"
        fields["nothing_judged"].refuse(f"{told} reached a conclusion, which this denies", remedy)
    for word, count in fields["counts"].fields((), _LEVELS).items() if "counts" in fields else ():
        number = decision.number_at(_LEVELS[word])
        if count.whole() != number:
            count.refuse(f"{count.value} verdicts are said to be {word}, but {number} are", remedy)


def _tests(found: Found) -> tuple[SuiteChange, ...]:
    from perfgate.formats import decision_tests

    return tuple(decision_tests.read(item) for item in found.items(_MOST))


def _items(fields: dict[str, Found], name: str) -> list[Found]:
    return fields[name].items(_MOST) if name in fields else []


def _texts(found: Found) -> tuple[str, ...]:
    return tuple(item.text() for item in found.items(_MOST))


def _level(found: Found) -> Level:
    return _LEVELS[found.one_of(_LEVELS)]


def _chosen(found: Found, budgets: list[Budget]) -> Budget:
    position = found.whole()
    if position >= len(budgets):
        found.refuse(f"there is no budget {position}")
    return budgets[position]


def _value(found: Found) -> Number:
    return _amount(found) if isinstance(found.value, str) else found.number()


def _amount(found: Found) -> Decimal:
    text = found.text(200)
    if not _AMOUNT.fullmatch(text):
        found.refuse('an amount is a string of digits, such as "742.64"')
    return Decimal(text)


def _optional(found: Found) -> Number | None:
    return None if found.value is None else _value(found)


def _quantity(found: Found) -> Quantity | None:
    if found.value is None:
        return None
    part = found.fields(("value", "unit", "written"))
    return Quantity(_amount(part["value"]), nouns.unit(part["unit"]), part["written"].text())


def _circumstances(found: Found) -> Circumstances:
    part = found.fields(
        ("context", "runs", "baseline", "budgets_source", "situation", "today"), ("only", "reproduce", "acceptance")
    )
    baseline = part["baseline"].fields(("source", "problem", "runs"), ("approximate",))
    situation = part["situation"].fields(("branch", "event", "labels", "paths", "ci"))
    runs = [item.fields(("id", "commit", "started_at")) for item in baseline["runs"].items(_MOST)]
    try:
        today = date.fromisoformat(part["today"].text(30))
    except ValueError:
        part["today"].refuse("a date is wanted")
    return Circumstances(
        context=context_of(part["context"]),
        runs=_texts(part["runs"]),
        baseline_source=baseline["source"].text(),
        baseline_problem=baseline["problem"].text(),
        base_approximate=baseline["approximate"].text() if "approximate" in baseline else "",
        baseline_runs=tuple(
            BaselineRun(run["id"].text(), run["commit"].text(), run["started_at"].text()) for run in runs
        ),
        budgets_source=part["budgets_source"].text(),
        situation=Situation(
            branch=situation["branch"].text(),
            event=situation["event"].text(),
            labels=_texts(situation["labels"]),
            paths=None if situation["paths"].value is None else _texts(situation["paths"]),
            ci=situation["ci"].truth(),
        ),
        today=today,
        only=part["only"].text() if "only" in part else "",
        reproduce=part["reproduce"].text() if "reproduce" in part else "",
        acceptance=_acceptance(part["acceptance"]) if "acceptance" in part else None,
    )


def _acceptance(found: Found) -> Acceptance | None:
    if found.value is None:
        return None
    part = found.fields(("rule", "subject", "reason"))
    return Acceptance(part["rule"].text(), part["subject"].text(), part["reason"].text())


def _budget(found: Found) -> Budget:
    part = found.fields((
        "series", "place", "limit", "relative", "tolerance", "min_effect", "on_missing", "on_inconclusive", "enforce", "judge", "when",
    ))  # fmt: skip
    when = part["when"].fields(("branch", "event", "label", "paths", "ci"))
    return Budget(
        selector=nouns.selector(part["series"]),
        limit=_quantity(part["limit"]),
        relative=_relative(part["relative"]),
        tolerance=part["tolerance"].number(),
        min_effect=part["min_effect"].number(),
        on_missing=_level(part["on_missing"]),
        on_inconclusive=_level(part["on_inconclusive"]),
        enforce=Enforce(part["enforce"].one_of([each.value for each in Enforce])),
        when=When(
            **{name: _texts(when[name]) for name in ("branch", "event", "label", "paths")},
            ci=None if when["ci"].value is None else when["ci"].truth(),
        ),
        judge=Judge(part["judge"].one_of([each.value for each in Judge])),
        place=part["place"].text(),
    )


def _relative(found: Found) -> Relative | None:
    if found.value is None:
        return None
    part = found.fields(("side", "warn", "block", "at_least", "stated"))
    side = Side(part["side"].one_of([each.value for each in Side]))
    return Relative(
        side,
        evidence.read_ratio(part["warn"]),
        evidence.read_ratio(part["block"]),
        _quantity(part["at_least"]),
        part["stated"].truth(),
    )


def _verdict(found: Found, budgets: list[Budget]) -> Verdict:
    part = found.fields(
        ("series", "rule", "level", "found", "reason", "notes", "remedy", "suspect", "waived", "budget"), ("accepted",)
    )
    return Verdict(
        series=nouns.series(part["series"]),
        rule=Rule(part["rule"].one_of([each.value for each in Rule])),
        level=_level(part["level"]),
        found=_level(part["found"]),
        reason=part["reason"].text(),
        budget=_chosen(part["budget"], budgets),
        notes=_texts(part["notes"]),
        remedy=part["remedy"].text(),
        suspect=part["suspect"].truth(),
        waived=part["waived"].truth(),
        accepted=part["accepted"].truth() if "accepted" in part else False,
    )


def _caveat(found: Found) -> Caveat:
    part = found.fields(("code", "message"), ("remedy",))
    return Caveat(part["code"].text(), part["message"].text(), part["remedy"].text() if "remedy" in part else "")


_COMPARISON = (
    "series", "unit", "better", "assumption", "state", "reason", "origin", "before", "after", "relative", "worse", "values", "interval",
    "used", "runs", "excluded", "anchor", "caveats", "alone", "pooled", "evidence",
)  # fmt: skip


def _comparison(found: Found) -> Comparison:
    part = found.fields(_COMPARISON)
    excluded = [item.fields(("reason", "count")) for item in part["excluded"].items(_MOST)]
    return Comparison(
        series=nouns.series(part["series"]),
        unit=nouns.unit(part["unit"]),
        better=Direction(part["better"].one_of([each.value for each in Direction])),
        assumption=Assumption(part["assumption"].one_of([each.value for each in Assumption])),
        after=_optional(part["after"]),
        before=_optional(part["before"]),
        relative=evidence.read_ratio(part["relative"]),
        worse=evidence.read_ratio(part["worse"]),
        evidence=evidence.load(part["evidence"]),
        values=tuple(_value(item) for item in part["values"].items(_MOST)),
        interval=_interval(part["interval"]),
        state=State(part["state"].one_of([each.value for each in State])),
        reason=part["reason"].text(),
        origin=part["origin"].text(),
        used=tuple(_value(item) for item in part["used"].items(_MOST)),
        runs=tuple(item.whole() for item in part["runs"].items(_MOST)),
        excluded=tuple((each["reason"].text(), each["count"].whole()) for each in excluded),
        anchor=_anchor(part["anchor"]),
        caveats=tuple(_caveat(item) for item in part["caveats"].items(_MOST)),
        alone=tuple(_value(item) for item in part["alone"].items(_MOST)),
        pooled=part["pooled"].truth(),
    )


def _interval(found: Found) -> tuple[float, float] | None:
    if found.value is None:
        return None
    ends = [item.number() for item in found.items(2)]
    if len(ends) != 2:
        found.refuse("an interval has two ends")
    return ends[0], ends[1]


def _anchor(found: Found) -> Anchor | None:
    if found.value is None:
        return None
    part = found.fields(("run", "value", "worse", "beyond"))
    return Anchor(part["run"].text(), _value(part["value"]), evidence.read_ratio(part["worse"]), part["beyond"].truth())
