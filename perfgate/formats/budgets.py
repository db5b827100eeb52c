"""budgets.yaml in: every value with its place, every message with line, column and what to write instead."""

from __future__ import annotations

from datetime import date

from perfgate.core.budgets import (
    DIRECTORY,
    GIT_REF,
    BaselineSettings,
    Budget,
    Budgets,
    Defaults,
    Enforce,
    Judge,
    Level,
    Relative,
    Rerun,
    Side,
    Waiver,
    When,
)
from perfgate.core.metrics import METRICS, Direction, find
from perfgate.core.model import Selector
from perfgate.core.units import Quantity
from perfgate.errors import InputError
from perfgate.formats import strict_yaml
from perfgate.formats import yaml_values as values
from perfgate.formats.files import read
from perfgate.formats.measure_section import read_measure
from perfgate.formats.strict_yaml import Node
from perfgate.formats.suggesting import meant

__all__ = ["load", "read"]

_TOP = ("version", "measure", "baseline", "defaults", "rerun", "budgets", "waivers")
_DEFAULTS = ("warn", "block", "min_effect", "tolerance", "on_missing", "on_inconclusive", "enforce")
_BUDGET = (
    "series", "limit", "max_increase", "max_decrease", "tolerance", "min_effect", "on_missing", "on_inconclusive", "enforce", "when", "judge",
)  # fmt: skip
_WAIVER = ("series", "ceiling", "until", "reason", "owner")
_MISSING = {"pass": Level.PASS, "warn": Level.WARN, "block": Level.BLOCK}


def load(data: bytes, where: str) -> Budgets:
    """The budgets, waivers, defaults and entries of a budgets.yaml; raises InputError with its place for the first mistake."""
    node = strict_yaml.load(data, where)
    top = values.mapping(node, _TOP, what="at the top of budgets.yaml")
    if "version" not in top:
        values.refuse(node, '"version" is missing', 'begin the file with "version: 1"')
    # True and 1.0 are equal to 1 in Python, and are not what was meant.
    if type(top["version"].value) is not int or top["version"].value != 1:
        values.refuse(
            top["version"],
            f"{values.written(top['version'])} is not a version that this perfgate reads",
            "write version: 1, or upgrade perfgate",
        )
    defaults = _defaults(top["defaults"]) if "defaults" in top else Defaults()
    budgets = tuple(_budget(each, defaults) for each in values.sequence(top["budgets"])) if "budgets" in top else ()
    _refuse_twins(budgets)
    return Budgets(
        budgets=budgets,
        waivers=tuple(_waiver(each) for each in values.sequence(top["waivers"])) if "waivers" in top else (),
        defaults=defaults,
        entries=read_measure(top["measure"]) if "measure" in top else (),
        baseline=_baseline(top["baseline"]) if "baseline" in top else BaselineSettings(),
        rerun=_rerun(top["rerun"]) if "rerun" in top else Rerun(times=0),
    )


def _defaults(node: Node) -> Defaults:
    parts = values.mapping(node, _DEFAULTS, what="in defaults")
    usual = Defaults()
    warn, block = _thresholds(node, parts.get("warn"), parts.get("block"), usual.warn, usual.block)
    return Defaults(
        warn=warn,
        block=block,
        min_effect=_ratio(parts.get("min_effect"), usual.min_effect),
        tolerance=_ratio(parts.get("tolerance"), usual.tolerance),
        on_missing=_level(parts.get("on_missing"), usual.on_missing),
        on_inconclusive=_level(parts.get("on_inconclusive"), usual.on_inconclusive),
        enforce=_enforce(parts.get("enforce"), usual.enforce),
    )


def _thresholds(
    node: Node, warn: Node | None, block: Node | None, usual_warn: float, usual_block: float
) -> tuple[float, float]:
    """Both thresholds; the one that is not written moves with the other where the usual one would be on its wrong side."""
    given_warn = values.ratio(warn) if warn is not None else None
    given_block = values.ratio(block) if block is not None else None
    if given_warn is not None and given_block is not None and given_block < given_warn:
        values.refuse(
            block or node,
            f"block ({block.text if block else ''}) is below warn ({warn.text if warn else ''})",
            "block on more than you warn about",
        )
    found_block = given_block if given_block is not None else max(usual_block, given_warn or 0.0)
    found_warn = given_warn if given_warn is not None else min(usual_warn, found_block)
    return found_warn, found_block


def _ratio(node: Node | None, usual: float) -> float:
    return usual if node is None else values.ratio(node)


def _level(node: Node | None, usual: Level) -> Level:
    return usual if node is None else _MISSING[values.one_of(node, _MISSING)]


def _enforce(node: Node | None, usual: Enforce) -> Enforce:
    return usual if node is None else Enforce(values.one_of(node, [each.value for each in Enforce]))


def _baseline(node: Node) -> BaselineSettings:
    parts = values.mapping(node, ("store", "path", "window", "keep", "branch", "remote"), what="in baseline")
    usual = BaselineSettings()
    store = values.one_of(parts["store"], (DIRECTORY, GIT_REF)) if "store" in parts else usual.store
    path = values.text(parts["path"], "baselines") if "path" in parts else usual.path
    if path.startswith(("/", "~")) or ".." in path.split("/") or "\\" in path or "\0" in path:
        values.refuse(
            parts["path"],
            f"{values.written(parts['path'])} leads out of the project",
            "name a folder inside it, such as baselines",
        )
    if ".git" in path.lower().split("/") or not path.isprintable():
        values.refuse(parts["path"], "a baseline cannot lie there", "name a folder such as baselines")
    if "branch" in parts and store != GIT_REF:
        values.refuse(
            parts["branch"], "only the store git-ref has a branch", "write store: git-ref, or leave branch out"
        )
    return BaselineSettings(
        store=store,
        path="/".join(part for part in path.split("/") if part not in {"", "."}) or usual.path,
        window=values.whole(parts["window"], 5, 10_000) if "window" in parts else usual.window,
        keep=values.whole(parts["keep"], 5, 100_000) if "keep" in parts else usual.keep,
        branch=_git_name(parts["branch"], usual.branch) if "branch" in parts else usual.branch,
        remote=_git_name(parts["remote"], usual.remote, of_remote=True) if "remote" in parts else usual.remote,
    )


def _git_name(node: Node, such_as: str, *, of_remote: bool = False) -> str:
    """The name of a branch or remote, which is given to git; its own rules decide."""
    from perfgate.core.git_names import branch_problem, remote_problem

    name = values.text(node, such_as)
    if problem := remote_problem(name) if of_remote else branch_problem(name):
        values.refuse(node, problem, f"write for example {such_as}")
    return name


def _rerun(node: Node) -> Rerun:
    parts = values.mapping(node, ("times", "within", "never"), what="in rerun")
    usual = Rerun()
    return Rerun(
        times=values.whole(parts["times"], 0, 100) if "times" in parts else usual.times,
        within=values.seconds(parts["within"]) if "within" in parts else usual.within,
        never=tuple(_selector(each) for each in values.sequence(parts["never"])) if "never" in parts else (),
    )


# --- one budget -------------------------------------------------------------------------------------------------------


def _budget(node: Node, defaults: Defaults) -> Budget:
    parts = values.mapping(node, _BUDGET, required=("series",), what="in a budget")
    selector = _selector(parts["series"])
    limit = values.quantity(parts["limit"]) if "limit" in parts else None
    if limit is not None:
        _check_unit(selector, limit, parts["limit"])
    return Budget(
        selector=selector,
        limit=limit,
        relative=_relative(selector, parts.get("max_increase"), parts.get("max_decrease"), defaults),
        tolerance=_ratio(parts.get("tolerance"), defaults.tolerance),
        min_effect=_ratio(parts.get("min_effect"), defaults.min_effect),
        on_missing=_level(parts.get("on_missing"), defaults.on_missing),
        on_inconclusive=_level(parts.get("on_inconclusive"), defaults.on_inconclusive),
        enforce=_enforce(parts.get("enforce"), defaults.enforce),
        when=_when(parts["when"]) if "when" in parts else When(),
        judge=Judge(values.one_of(parts["judge"], [each.value for each in Judge]))
        if "judge" in parts
        else Judge.SERIES,
        place=f"{node.where}:{node.line}",
    )


def _selector(node: Node) -> Selector:
    try:
        selector = Selector.parse(values.text(node, '"tests.duration{suite=unit}"'))
    except InputError as error:
        values.refuse(node, error.what, error.remedy)
    if "*" in selector.metric or "?" in selector.metric:
        return selector
    metric = find(selector.metric)
    if metric is None or (metric.is_family and "." not in selector.metric):
        close = meant(selector.metric, [each.name for each in METRICS])
        remedy = close or "the metrics are listed in docs/reference/metrics.md"
        values.refuse(node, f'there is no metric "{selector.metric[:100]}"', remedy)
    if not metric.is_family:
        known = (*metric.labels, "test") if metric.name == "tests.case_time" else metric.labels
        for name, _ in selector.labels:
            if name not in known:
                close = meant(name, known)
                remedy = close or f"it has {', '.join(known)}" if known else "it has none"
                values.refuse(node, f'{selector.metric} has no label "{name[:100]}"', remedy)
    return selector


def _check_unit(selector: Selector, quantity: Quantity, node: Node) -> None:
    """Refuse a unit that cannot fit, where the metric is known by name; other metrics are checked when they are measured."""
    metric = find(selector.metric)
    if metric is None or metric.unit is None or quantity.fits(metric.unit):
        return
    if metric.unit.is_money and quantity.unit.is_money and quantity.unit.per in {"", metric.unit.per}:
        return
    values.refuse(
        node,
        f'"{quantity}" is counted in {quantity.unit}, but {selector.metric} in {metric.unit}',
        f"write the limit in {metric.unit}",
    )


def _relative(selector: Selector, increase: Node | None, decrease: Node | None, defaults: Defaults) -> Relative | None:
    if increase is not None and decrease is not None:
        values.refuse(
            decrease,
            "one budget limits one side of a change",
            "give the other side a budget of its own, with the same series",
        )
    node = increase if increase is not None else decrease
    if node is None:
        return Relative(warn=defaults.warn, block=defaults.block)
    side = Side.INCREASE if increase is not None else Side.DECREASE
    metric = find(selector.metric)
    if metric is not None and not metric.is_family:
        wrong = {Direction.LOWER: Side.DECREASE, Direction.HIGHER: Side.INCREASE}.get(metric.better)
        if side is wrong:
            other = Side.INCREASE if side is Side.DECREASE else Side.DECREASE
            values.refuse(
                node,
                f"{metric.name} is better when {metric.better.value}, so its {other.value} is limited",
                f"write max_{other.value}",
            )
    if node.text == "none" and not isinstance(node.value, list | dict):
        return None
    if not isinstance(node.value, dict):
        block = values.ratio(node)
        return Relative(side, warn=min(defaults.warn, block), block=block, stated=True)
    parts = values.mapping(node, ("warn", "block", "at_least"), what="in a relative limit")
    warn, block = _thresholds(node, parts.get("warn"), parts.get("block"), defaults.warn, defaults.block)
    floor = values.quantity(parts["at_least"]) if "at_least" in parts else None
    if floor is not None:
        _check_unit(selector, floor, parts["at_least"])
    return Relative(side, warn, block, floor, stated=True)


def _when(node: Node) -> When:
    parts = values.mapping(node, ("branch", "event", "label", "paths", "ci"), what="in when")
    texts = {name: values.texts(parts[name]) for name in ("branch", "event", "label", "paths") if name in parts}
    return When(**texts, ci=values.truth(parts["ci"]) if "ci" in parts else None)


def _refuse_twins(budgets: tuple[Budget, ...]) -> None:
    """Two budgets that say the same kind of thing of the same series would make one of them silently void."""
    seen: dict[tuple[object, ...], Budget] = {}
    for budget in budgets:
        for kind in _kinds(budget):
            twin = seen.setdefault((budget.selector, budget.when, kind), budget)
            if twin is not budget:
                line = twin.place.rpartition(":")[2]
                raise InputError(
                    f"{str(budget.selector)[:100]} has a second {kind} here, the first is in line {line}",
                    where=budget.place,
                    remedy="keep one of them, or tell them apart with when:",
                )


def _kinds(budget: Budget) -> list[str]:
    """The kinds of limit that a budget states; stating none is a kind of its own."""
    kinds = ["limit"] if budget.limit is not None else []
    if budget.relative is None:
        kinds += ["limit on its increase", "limit on its decrease"]
    elif budget.relative.stated:
        kinds.append(f"limit on its {budget.relative.side.value}")
    return kinds or ["budget without a limit"]


def _waiver(node: Node) -> Waiver:
    parts = values.mapping(node, _WAIVER, required=_WAIVER, what="in a waiver")
    selector = _selector(parts["series"])
    if not selector.is_literal:
        values.refuse(parts["series"], "a waiver names one series, not a pattern", "write a waiver for each series")
    ceiling = values.quantity(parts["ceiling"])
    _check_unit(selector, ceiling, parts["ceiling"])
    return Waiver(
        selector,
        ceiling,
        _day(parts["until"]),
        reason=values.text(parts["reason"]),
        owner=values.text(parts["owner"]),
        place=f"{node.where}:{node.line}",
    )


def _day(node: Node) -> date:
    """A day as 2026-12-31; `date` also reads 20261231 and weeks, which people misread."""
    written = values.text(node, "2026-12-31")
    try:
        day = date.fromisoformat(written)
    except ValueError:
        day = None
    if day is None or day.isoformat() != written:
        values.refuse(node, f"{values.written(node)} is not a date", "write it as 2026-12-31")
    return day
