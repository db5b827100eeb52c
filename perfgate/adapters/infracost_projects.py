"""The parts of Infracost 0.10's JSON: projects with their breakdowns before and after, and what in them has no cost.

Schema: schema/infracost.schema.json of infracost/infracost; names of projects as in its internal/output/output.go.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from perfgate.adapters.labels import label, plain_text
from perfgate.core.model import Caveat
from perfgate.errors import InputError

MOST_PROJECTS = 2000
MAKE = "make it with infracost breakdown --path . --format json --out-file infracost.json"
_AMOUNT = re.compile(r"-?\d{1,40}(?:\.\d{1,80})?(?:[eE][+-]?\d{1,2})?", re.ASCII)
#: Project types whose `breakdown` knows the state before, because the input itself does.
_KNOWS_BEFORE = ("terraform_plan", "terraform_state", "terraform_cli")


class Side(NamedTuple):
    """One breakdown of a project: the total the file tells, the sum of its parts, and what has no cost."""

    told: Decimal | None = None
    summed: Decimal = Decimal(0)
    resources: Mapping[str, Decimal | None] = {}
    known: int = 0
    no_price: tuple[str, ...] = ()
    usage: tuple[str, ...] = ()
    zero_price: tuple[str, ...] = ()
    listed: int = 0
    complete: int = 0

    @property
    def total(self) -> Decimal:
        """The file's own total, or the sum of the parts where it tells none."""
        return self.summed if self.told is None else self.told

    @property
    def says_nothing(self) -> bool:
        """Whether there are resources, and not one of their costs is known."""
        return not self.known and bool(self.no_price or self.usage)


class Project(NamedTuple):
    """`before` is None where the file does not know it; `unsupported` where it does not count them."""

    name: str
    place: str
    errors: tuple[str, ...]
    after: Side
    before: Side | None
    unsupported: int | None
    unsupported_types: tuple[str, ...]


def projects_of(raw: Sequence[object], command: str, where: str, caveats: list[Caveat]) -> list[Project]:
    """The projects of a file; `command` is the one that made it, which decides whether a missing past means "new" or "not known".

    Raises InputError for what is not as the schema has it, and for two projects of one name.
    """
    places = [f"{where}, $.projects[{index}]" for index in range(len(raw))]
    objects = [_object(each, place) for each, place in zip(raw, places, strict=True)]
    names = [plain_text(each.get("name")).strip() or "unnamed" for each in objects]
    if len(set(names)) < len(names):
        names = [_long_name(name, each) for name, each in zip(names, objects, strict=True)]
    seen: set[str] = set()
    found = []
    for name, each, place in zip(names, objects, places, strict=True):
        if name in seen:
            what = f'the project "{name[:200]}" is there twice'
            raise InputError(what, where=place, remedy="give each its own name in infracost.yml")
        seen.add(name)
        found.append(_project(label(name, caveats), each, place, command))
    return found


def _long_name(name: str, project: dict[str, Any]) -> str:
    """A project's name as Infracost itself tells projects of one name apart."""
    metadata = project.get("metadata")
    if not isinstance(metadata, dict):
        return name
    pairs = (("Module path", "terraformModulePath"), ("Workspace", "terraformWorkspace"))
    parts = [f"{word}: {plain_text(metadata.get(key))}" for word, key in pairs if plain_text(metadata.get(key))]
    return f"{name} ({', '.join(parts)})" if parts else name


def _project(name: str, raw: dict[str, Any], place: str, command: str) -> Project:
    metadata = _object(raw.get("metadata") or {}, f"{place}.metadata")
    errors = tuple(
        dict.fromkeys(
            message
            for key in ("errors", "currentErrors", "pastErrors")
            for message in _errors(metadata.get(key), f"{place}.metadata.{key}")
        )
    )
    if raw.get("breakdown") is None and not errors:
        errors = ("there is no breakdown of it",)
    past = raw.get("pastBreakdown")
    before = None
    if command == "diff" and past is None:
        before = Side()
    elif past is not None:
        before = _side(past, f"{place}.pastBreakdown")
        kind = plain_text(metadata.get("type"))
        if command != "diff" and not before.resources and not kind.startswith(_KNOWS_BEFORE):
            before = None
    summary = raw.get("summary")
    unsupported, types = unsupported_of(summary, f"{place}.summary")
    after = Side() if raw.get("breakdown") is None else _side(raw["breakdown"], f"{place}.breakdown")
    return Project(name, place, errors, after, before, unsupported, types)


def _errors(raw: object, place: str) -> list[str]:
    found = []
    for index, each in enumerate(_list(raw, place)):
        error = _object(each, f"{place}[{index}]")
        if error.get("isError", True) is not False:
            message = " ".join(plain_text(error.get("message")).split())
            found.append(message[:200] or "an error without a message")
    return found


def unsupported_of(summary: object, place: str) -> tuple[int | None, tuple[str, ...]]:
    """How many resources Infracost cannot price, None where the summary does not tell, and their types."""
    if not isinstance(summary, dict) or summary.get("totalUnsupportedResources") is None:
        return None, ()
    count = summary["totalUnsupportedResources"]
    if type(count) is not int or not 0 <= count <= 10**9:
        raise InputError("this is no count", where=f"{place}.totalUnsupportedResources", remedy=MAKE)
    types = summary.get("unsupportedResourceCounts")
    return count, tuple(plain_text(name)[:100] for name in sorted(types)) if isinstance(types, dict) else ()


# --- breakdowns -------------------------------------------------------------------------------------------------------


def _side(raw: object, place: str) -> Side:
    breakdown = _object(raw, place)
    summed, known, listed, complete = Decimal(0), 0, 0, 0
    resources: dict[str, Decimal | None] = {}
    no_price: list[str] = []
    usage: list[str] = []
    zero_price: list[str] = []
    for index, each in enumerate(_list(breakdown.get("resources"), f"{place}.resources")):
        inner = f"{place}.resources[{index}]"
        resource = _object(each, inner)
        name = plain_text(resource.get("name"))[:300] or "unnamed"
        costs, missing, unknown, zero = _components(resource, inner)
        cost = sum(costs, Decimal(0))
        summed += cost
        known += len(costs)
        listed += 1
        complete += not missing and not unknown
        earlier = resources.get(name)
        resources[name] = (earlier or Decimal(0)) + cost if costs or not (missing or unknown) else earlier
        for names, wanted in ((no_price, missing), (usage, unknown), (zero_price, zero)):
            if wanted:
                names.append(name)
    told = amount_of(breakdown.get("totalMonthlyCost"), f"{place}.totalMonthlyCost")
    return Side(told, summed, resources, known, tuple(no_price), tuple(usage), tuple(zero_price), listed, complete)


def _components(resource: dict[str, Any], place: str) -> tuple[list[Decimal], int, int, int]:
    """The known costs of a resource and its parts; how many have no price, depend on usage, or have a suspicious price of 0."""
    costs: list[Decimal] = []
    no_price = usage = zero_price = 0
    for index, each in enumerate(_list(resource.get("costComponents"), f"{place}.costComponents")):
        inner = f"{place}.costComponents[{index}]"
        component = _object(each, inner)
        cost = amount_of(component.get("monthlyCost"), f"{inner}.monthlyCost")
        if component.get("priceNotFound") is True:
            no_price += 1
        elif cost is None:
            usage += 1
        else:
            costs.append(cost)
            zero_price += "priceNotFound" not in component and _is_zero_price(component, inner)
    for index, each in enumerate(_list(resource.get("subresources"), f"{place}.subresources")):
        inner = f"{place}.subresources[{index}]"
        parts, more_no_price, more_usage, more_zero = _components(_object(each, inner), inner)
        costs += parts
        no_price, usage, zero_price = no_price + more_no_price, usage + more_usage, zero_price + more_zero
    return costs, no_price, usage, zero_price


def _is_zero_price(component: dict[str, Any], place: str) -> bool:
    quantity = amount_of(component.get("monthlyQuantity"), f"{place}.monthlyQuantity")
    return bool(quantity) and amount_of(component.get("price"), f"{place}.price") == 0


def amount_of(value: object, place: str) -> Decimal | None:
    """An amount as Infracost writes it: a string of digits, in some versions a number, or null."""
    if value is None:
        return None
    if (
        isinstance(value, Decimal)
        or (isinstance(value, int) and not isinstance(value, bool))
        or (isinstance(value, str) and _AMOUNT.fullmatch(value))
    ):
        amount = Decimal(value)
    else:
        raise InputError("this is no amount", where=place, remedy=MAKE)
    if amount and not -60 <= amount.adjusted() <= 15:
        raise InputError("this amount is beyond any bill", where=place, remedy=MAKE)
    return amount


def _object(value: object, place: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InputError("an object is wanted here", where=place, remedy=MAKE)
    return value


def _list(value: object, place: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise InputError("a list is wanted here", where=place, remedy=MAKE)
    return value
