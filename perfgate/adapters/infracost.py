"""Infracost 0.10's JSON (`infracost breakdown|diff --format json`): monthly cost before and after, and how much of it is known.

Amounts are decimals from end to end. A price that Infracost did not find comes as a cost of 0, and a cost that depends on
usage as null: neither is taken for a cost of zero.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any, NamedTuple, NoReturn

from perfgate.adapters.infracost_projects import MAKE, MOST_PROJECTS, Project, amount_of, projects_of, unsupported_of
from perfgate.adapters.labels import plain_text
from perfgate.core.metrics import Assumption, Direction
from perfgate.core.model import Capture, Caveat, Measurement, Series, State
from perfgate.core.units import Unit
from perfgate.errors import InputError
from perfgate.formats import strict_json

#: Rows of the block "resources".
MOST_ROWS = 50
#: The version of the JSON that every Infracost 0.10 writes.
VERSION = "0.2"
#: Prices come from Infracost's own service, which names no date: a price change is not told from another change.
PRICE_BOOK = "infracost"
_CURRENCY = re.compile(r"[A-Z]{3}")
_USAGE = "add an infracost-usage.yml and give it with --usage-file"
_CENT = Decimal("0.01")


class _Found(NamedTuple):
    """A cost and its coverage, of one project or of all."""

    labels: dict[str, str]
    origin: str
    told: Decimal | None
    told_before: Decimal | None
    projects: Sequence[Project]
    unsupported: int


def read(data: bytes, where: str, environment: str = "") -> Capture:
    """The cost in the text of an Infracost file; `where` names it in messages.

    Raises InputError for anything else than Infracost 0.10's JSON, with what to give instead where that is known.
    """
    top = strict_json.loads(data, where, decimal=True)
    _refuse_others(top, where)
    currency = top.get("currency") or "USD"
    if not isinstance(currency, str) or not _CURRENCY.fullmatch(currency):
        raise InputError("the currency is no code of three letters", where=f"{where}, $.currency", remedy=MAKE)
    raw = top["projects"]
    if not raw or len(raw) > MOST_PROJECTS:
        what = (
            f"{len(raw):,} projects are more than the {MOST_PROJECTS:,} that are read" if raw else "no project is in it"
        )
        raise InputError(what, where=f"{where}, $.projects", remedy=MAKE)
    caveats: list[Caveat] = []
    with localcontext() as context:
        context.prec, context.rounding = 150, ROUND_HALF_UP
        projects = projects_of(raw, _command(top), where, caveats)
        found = [_whole(top, projects, where, environment), *_single(projects, environment)]
        measurements = [each for one in found for each in _measured(one, currency, where, caveats)]
        types = {name for each in projects for name in each.unsupported_types}
        types = types or set(unsupported_of(top.get("summary"), f"{where}, $.summary")[1])
        caveats += _told_once(projects, sorted(types), where)
        rows = _rows(projects)
    return Capture(tuple(measurements), {"resources": rows} if rows else {}, tuple(caveats))


def _refuse_others(top: object, where: str) -> None:
    """Say what the file is, where it is another one that people give by mistake."""

    def refuse(what: str, remedy: str) -> NoReturn:
        raise InputError(what, where=where, remedy=remedy)

    if not isinstance(top, dict):
        refuse("this is not Infracost's JSON", MAKE)
    if "format_version" in top and top.keys() & {"planned_values", "resource_changes", "values"}:
        plan = "infracost breakdown --path plan.json --format json --out-file infracost.json"
        refuse("this is Terraform's own JSON, which holds no costs", f"run {plan}, and give infracost.json")
    projects = top.get("projects")
    first = projects[0] if isinstance(projects, list) and projects else None
    if "project_details" in top or (isinstance(first, dict) and "project_name" in first):
        refuse("this is the JSON of infracost 2, which is not read yet", "give the JSON of infracost 0.10: " + MAKE)
    if not isinstance(projects, list) or "version" not in top:
        refuse("this is not Infracost's JSON: there are no projects with a version", MAKE)
    if top["version"] != VERSION:
        written = plain_text(str(top["version"]))[:40]
        refuse(f"Infracost's JSON of version {written} is not known, only {VERSION}", "use infracost 0.10")


def _command(top: dict[str, Any]) -> str:
    metadata = top.get("metadata")
    return plain_text(metadata.get("infracostCommand")) if isinstance(metadata, dict) else ""


# --- measurements -----------------------------------------------------------------------------------------------------


def _whole(top: dict[str, Any], projects: Sequence[Project], where: str, environment: str) -> _Found:
    counted = [each.unsupported for each in projects]
    whole, _ = unsupported_of(top.get("summary"), f"{where}, $.summary")
    unsupported = whole or 0 if None in counted else sum(each or 0 for each in counted)
    return _Found(
        labels={"environment": environment},
        origin=f"{where}, $.totalMonthlyCost",
        told=amount_of(top.get("totalMonthlyCost"), f"{where}, $.totalMonthlyCost"),
        told_before=amount_of(top.get("pastTotalMonthlyCost"), f"{where}, $.pastTotalMonthlyCost"),
        projects=projects,
        unsupported=unsupported,
    )


def _single(projects: Sequence[Project], environment: str) -> list[_Found]:
    """Each project for itself, where there are several."""
    if len(projects) == 1:
        return []
    return [
        _Found(
            labels={"environment": environment, "project": each.name},
            origin=f"{each.place}.breakdown.totalMonthlyCost",
            told=each.after.told,
            told_before=each.before.told if each.before else None,
            projects=(each,),
            unsupported=each.unsupported or 0,
        )
        for each in projects
    ]


def _measured(found: _Found, currency: str, where: str, caveats: list[Caveat]) -> tuple[Measurement, Measurement]:
    after = [each.after for each in found.projects]
    total = sum((side.total for side in after), Decimal(0)) if found.told is None else found.told
    _check(total, sum((side.summed for side in after), Decimal(0)), found, where, caveats)
    state, reason = _state(found, total)
    cost = Measurement(
        series=Series.of("infra.cost", **found.labels),
        unit=Unit(currency, "month"),
        better=Direction.LOWER,
        assumption=Assumption.EXACT,
        values=() if state is State.UNKNOWN else (_kept(total),),
        origin=found.origin,
        before=() if state is State.UNKNOWN else _before(found, where, caveats),
        conditions=(("currency", currency), ("price book", PRICE_BOOK)),
        state=state,
        reason=reason,
    )
    return cost, _coverage(found)


def _state(found: _Found, total: Decimal) -> tuple[State, str]:
    sides = [each.after for each in found.projects]
    for each in found.projects:
        if each.errors:
            what = f"Infracost could not evaluate {each.name}: {each.errors[0]}"
            return State.UNKNOWN, f"{what}; mend it, and run infracost again"
    if any(side.says_nothing for side in sides) and not any(side.known for side in sides):
        return State.UNKNOWN, f"no cost is known, every one depends on usage or has no price; {_USAGE}"
    if total < 0:
        return State.UNKNOWN, "the total is below zero; look at the usage file"
    no_price = [name for side in sides for name in side.no_price]
    if no_price:
        what = f"Infracost found no price for {_some(no_price)}, and counts it as 0"
        return State.LOWER_BOUND, f"{what}; check type and region, or update infracost"
    return State.MEASURED, ""


def _before(found: _Found, where: str, caveats: list[Caveat]) -> tuple[Decimal, ...]:
    """The total before, where the file knows it for every project and it is a whole one."""
    sides = [each.before for each in found.projects if each.before is not None]
    if len(sides) < len(found.projects):
        return ()
    no_price = [name for side in sides for name in side.no_price]
    if no_price or (any(side.says_nothing for side in sides) and not any(side.known for side in sides)):
        lack = f"{_some(no_price)} had no price" if no_price else "all of it depends on usage"
        what = f"{where}: the cost before is incomplete ({lack}), so it is not compared with"
        caveat = Caveat("before-incomplete", what, "the baseline is used instead")
        if caveat not in caveats:
            caveats.append(caveat)
        return ()
    total = sum((side.total for side in sides), Decimal(0)) if found.told_before is None else found.told_before
    return (_kept(total),)


def _coverage(found: _Found) -> Measurement:
    """The share of the resources that could cost something whose cost is fully known; 1 where there are none."""
    count = sum(each.after.listed for each in found.projects) + found.unsupported
    complete = sum(each.after.complete for each in found.projects)
    errors = [each for each in found.projects if each.errors]
    return Measurement(
        series=Series.of("infra.coverage", **found.labels),
        unit=Unit("1"),
        better=Direction.HIGHER,
        assumption=Assumption.EXACT,
        values=() if errors else (complete / count if count else 1.0,),
        origin=found.projects[0].place
        if len(found.projects) == 1
        else found.origin.replace("totalMonthlyCost", "projects"),
        state=State.UNKNOWN if errors else State.MEASURED,
        reason=f"Infracost could not evaluate {errors[0].name}; mend it, and run infracost again" if errors else "",
    )


def _check(total: Decimal, summed: Decimal, found: _Found, where: str, caveats: list[Caveat]) -> None:
    if abs(total - summed) <= _CENT:
        return
    name = found.labels.get("project", "")
    of = f"the total of {name}" if name else "the total"
    message = f"{where}: {of} is {_money(total)}, but its resources add up to {_money(summed)}; the total is kept"
    caveats.append(Caveat("total-differs", message, "see whether the file was filtered or edited"))


def _told_once(projects: Sequence[Project], types: Sequence[str], where: str) -> list[Caveat]:
    """What every reader of the numbers must know: what depends on usage, is not supported, or has a price of 0."""
    caveats = []
    usage = [name for each in projects for name in each.after.usage]
    if usage:
        caveats.append(Caveat("usage-based", f"{where}: usage-based, not counted: {_some(usage)}", _USAGE))
    if types:
        message = f"{where}: Infracost does not know {_some(types)}, so the total lacks their cost"
        caveats.append(Caveat("unsupported", message, "mind their cost yourself"))
    zero = [name for each in projects for name in each.after.zero_price]
    if zero:
        message = (
            f"{where}: a price is 0 for {_some(zero)}; older versions of Infracost write 0 for a missing price too"
        )
        caveats.append(Caveat("zero-price", message, "use the newest infracost 0.10, which marks a missing price"))
    return caveats


def _some(names: Sequence[str]) -> str:
    unique = list(dict.fromkeys(names))
    more = f" and {len(unique) - 5} more" if len(unique) > 5 else ""
    return ", ".join(name[:100] for name in unique[:5]) + more


def _rows(projects: Sequence[Project]) -> tuple[dict[str, str | int | float | bool | None], ...]:
    """The dearest resources of either side, those that changed most first."""
    found: list[tuple[Decimal, Decimal, str, str, Decimal | None, Decimal | None]] = []
    for each in projects:
        before = each.before.resources if each.before else {}
        for name in dict.fromkeys((*each.after.resources, *before)):
            now, then = each.after.resources.get(name), before.get(name)
            high = max(now or Decimal(0), then or Decimal(0))
            change = abs((now or Decimal(0)) - (then or Decimal(0))) if each.before else Decimal(0)
            found.append((high, change, each.name, name, then, now))
    found.sort(key=lambda row: (-row[0], -row[1], row[2], row[3]))
    dearest = sorted(found[:MOST_ROWS], key=lambda row: (-row[1], -row[0], row[2], row[3]))
    return tuple(
        {
            "resource": name,
            "project": project,
            "monthly_before": None if then is None else _money(then),
            "monthly_after": None if now is None else _money(now),
        }
        for _, _, project, name, then, now in dearest
    )


def _kept(amount: Decimal) -> Decimal:
    """An amount to the billionth, without trailing zeros: what a run file holds."""
    return Decimal(f"{round(amount, 9).normalize():f}") or Decimal(0)


def _money(amount: Decimal) -> str:
    return f"{amount:.2f}" if abs(amount) >= 1 or not amount else f"{amount:.4f}"
