"""run.json in and out: one capture with its context. Raw values, strict on the way in, stable on the way out."""

from __future__ import annotations

import re
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from perfgate.core.metrics import MAY_VARY, Assumption, Direction, find
from perfgate.core.model import (
    NO_DETAILS,
    Caveat,
    Context,
    MachineClass,
    Measurement,
    Run,
    Series,
    State,
    is_label_name,
    is_metric_name,
)
from perfgate.core.units import Number, Unit
from perfgate.errors import InputError
from perfgate.formats import run_details, strict_json
from perfgate.formats.checking import Found
from perfgate.formats.files import read

__all__ = ["SCHEMA", "context_of", "context_value", "dump", "load", "measurement_value", "read"]

SCHEMA = "perfgate/run/1"
MOST_MEASUREMENTS, MOST_VALUES, MOST_LABELS, MOST_CAVEATS, MOST_ORIGIN = 100_000, 10_000, 20, 10_000, 2000
#: Beyond this no time, size, count or price is real, and squares of it would overflow.
LARGEST = 1e30
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}|")
_AMOUNT = re.compile(r"-?\d{1,30}(?:\.\d{1,30})?(?:E[+-]\d{1,2})?")
_DIRECTIONS = {each.value: each for each in Direction}
_ASSUMPTIONS = {each.value: each for each in Assumption}
_STATES = {each.value: each for each in State}
_CONTEXT = (
    "head",
    "base",
    "tested",
    "worktree",
    "branch",
    "target",
    "event",
    "provider",
    "ci_run",
    "ci_job",
    "started_at",
    "tool_version",
)
_MACHINE = ("os", "arch", "runner", "cpu_model")


# --- in ---------------------------------------------------------------------------------------------------------------


def load(data: bytes, where: str, *, details: bool = True) -> Run:
    """The run in the text of a run.json; `where` names the file in messages. Raises InputError; `id` stays "".

    Without `details` they are passed over unread: most of a run's text may be rows about its tests, which a verdict does not need.
    """
    if not details:
        # What is wrong, and in which line, the whole text tells.
        with suppress(InputError):
            return _load(run_details.without(data), where)._replace(details=NO_DETAILS)
    run = _load(data, where)
    return run if details else run._replace(details=NO_DETAILS)


def _load(data: bytes, where: str) -> Run:
    top = Found(strict_json.loads(data, where, shaped=True), where)
    if isinstance(top.value, dict) and top.value.get("schema") != SCHEMA:
        _refuse_schema(top)
    fields = top.fields(("schema", "context", "measurements"), ("details", "caveats", "excluded"))
    measurements = tuple(_measurement(item) for item in fields["measurements"].items(MOST_MEASUREMENTS))
    seen: set[Series] = set()
    for measurement in measurements:
        if measurement.series in seen:
            fields["measurements"].refuse(f"{measurement.series} is there twice")
        seen.add(measurement.series)
    return Run(
        context=context_of(fields["context"]),
        measurements=measurements,
        details=run_details.read(fields["details"]) if "details" in fields else {},
        caveats=tuple(_caveat(item) for item in fields["caveats"].items(MOST_CAVEATS)) if "caveats" in fields else (),
        excluded=tuple(item.text() for item in fields["excluded"].items(MOST_MEASUREMENTS))
        if "excluded" in fields
        else (),
    )


def _refuse_schema(top: Found) -> None:
    schema = top.value.get("schema")
    if isinstance(schema, str) and re.fullmatch(r"perfgate/run/\d+", schema):
        top.refuse(
            f"this run has the schema {schema}, this perfgate reads {SCHEMA}", "upgrade perfgate, or measure again"
        )
    top.refuse("this is not a run file of perfgate", "make one: perfgate measure --help")


def context_of(found: Found) -> Context:
    """The context in a run or decision file."""
    fields = found.fields((), (*_CONTEXT, "pull_request", "ci_attempt", "machine", "base_is_approximate"))
    texts = {name: fields[name].text(1000) for name in _CONTEXT if name in fields}
    for name in ("head", "base", "tested"):
        if not _COMMIT.fullmatch(texts.get(name, "")):
            fields[name].refuse("a full commit hash is wanted")
    if texts.get("started_at"):
        fields["started_at"].moment()
    return Context(
        **texts,
        pull_request=fields["pull_request"].whole() if "pull_request" in fields else None,
        ci_attempt=fields["ci_attempt"].whole(1) if "ci_attempt" in fields else 1,
        machine=_machine(fields["machine"]) if "machine" in fields else MachineClass(),
        base_is_approximate=fields["base_is_approximate"].truth() if "base_is_approximate" in fields else False,
    )


def _machine(found: Found) -> MachineClass:
    fields = found.fields((), (*_MACHINE, "cpu_count"))
    texts = {name: fields[name].text(300) for name in _MACHINE if name in fields}
    return MachineClass(**texts, cpu_count=fields["cpu_count"].whole() if "cpu_count" in fields else 0)


_REQUIRED = ("metric", "unit", "better", "assumption", "labels", "values")
_OPTIONAL = ("origin", "before", "resolution", "conditions", "state", "reason")
_KEYS = frozenset((*_REQUIRED, *_OPTIONAL))


def _measurement(found: Found) -> Measurement:
    """A measurement; the many that say nothing unusual take a short way, which decides nothing that the long way would not."""
    raw = found.value
    if type(raw) is dict and raw.keys() <= _KEYS:
        values, labels = raw.get("values"), raw.get("labels")
        if (
            type(values) is list
            and values
            and type(labels) is dict
            and _all_plain(values)
            and not raw.keys() & {"before", "state", "reason", "resolution"}
        ):
            known = _known_kind(raw, labels)
            origin = raw.get("origin", "")
            if known is not None and type(origin) is str and origin.isascii() and len(origin) <= MOST_ORIGIN:
                return known._replace(values=tuple(values), origin=origin)
    return _measurement_in_full(found)


def _all_plain(values: list[Any]) -> bool:
    return len(values) <= MOST_VALUES and all(type(value) is float and -LARGEST <= value <= LARGEST for value in values)


def _known_kind(raw: dict[str, Any], labels: dict[str, Any]) -> Measurement | None:
    """A measurement of this kind that was read in full before, without its values and origin; money is never among them."""
    try:
        return _SEEN.get(
            (
                raw["metric"],
                raw["unit"],
                raw["better"],
                raw["assumption"],
                tuple(labels.items()),
                tuple(raw.get("conditions", _NONE).items()),
            )
        )
    except (KeyError, TypeError, AttributeError):
        return None


_NONE: dict[str, str] = {}
_SEEN: dict[tuple[object, ...], Measurement] = {}


def _remember(raw: dict[str, Any], measurement: Measurement) -> None:
    if not measurement.unit.is_money and len(_SEEN) < 100_000:
        key = (
            raw["metric"],
            raw["unit"],
            raw["better"],
            raw["assumption"],
            tuple(raw["labels"].items()),
            tuple(raw.get("conditions", _NONE).items()),
        )
        _SEEN[key] = measurement._replace(
            values=(), origin="", before=(), resolution=0.0, state=State.MEASURED, reason=""
        )


def _measurement_in_full(found: Found) -> Measurement:
    parts = found.fields(_REQUIRED, _OPTIONAL)
    labels = tuple(sorted((name, value.text(1000)) for name, value in parts["labels"].pairs(MOST_LABELS)))
    series = _series(parts["metric"].text(200), labels, found)
    unit = _unit(parts["unit"].text(100), parts["unit"])
    better = _DIRECTIONS[parts["better"].one_of(_DIRECTIONS)]
    assumption = _ASSUMPTIONS[parts["assumption"].one_of(_ASSUMPTIONS)]
    _check_registry(series.metric, unit, better, assumption, found)
    state = _STATES[parts["state"].one_of(_STATES)] if "state" in parts else State.MEASURED
    values = _values(parts["values"], unit)
    if (state is State.UNKNOWN) == bool(values):
        what = "an unknown measurement has no values" if values else "there is no value"
        parts["values"].refuse(what, 'a series without a value has the state "unknown" and a reason')
    reason = parts["reason"].text() if "reason" in parts else ""
    if state is not State.MEASURED and not reason:
        found.refuse(f'the state is "{state.value}", but no reason is given')
    measurement = Measurement(
        series=series,
        unit=unit,
        better=better,
        assumption=assumption,
        values=values,
        origin=parts["origin"].text(MOST_ORIGIN) if "origin" in parts else "",
        before=_values(parts["before"], unit) if "before" in parts else (),
        resolution=_resolution(parts["resolution"]) if "resolution" in parts else 0.0,
        conditions=_conditions(parts["conditions"]) if "conditions" in parts else (),
        state=state,
        reason=reason,
    )
    _remember(found.value, measurement)
    return measurement


def _resolution(found: Found) -> float:
    value = _size_checked(found)
    if value < 0:
        found.refuse("a step of a measurement is not negative")
    return value


@lru_cache(maxsize=65_536)
def _known_series(metric: str, labels: tuple[tuple[str, str], ...]) -> Series | None:
    good = is_metric_name(metric) and all(is_label_name(name) and value for name, value in labels)
    return Series(metric, labels) if good else None


def _series(metric: str, labels: tuple[tuple[str, str], ...], found: Found) -> Series:
    series = _known_series(metric, labels)
    if series is None:
        found.refuse(
            f'"{metric[:100]}" with these labels does not name a series',
            "names are lower-case words joined by dots, labels have a value",
        )
    return series


@lru_cache(maxsize=1024)
def _known_unit(text: str) -> Unit:
    return Unit.parse(text)


def _unit(text: str, found: Found) -> Unit:
    try:
        return _known_unit(text)
    except InputError as error:
        found.refuse(error.what, error.remedy)


def _check_registry(name: str, unit: Unit, better: Direction, assumption: Assumption, found: Found) -> None:
    """A metric that perfgate knows keeps its unit, direction and assumption; only the currency of money may differ."""
    metric = find(name)
    if metric is None or metric.unit is None:
        return
    fits = unit == metric.unit or (metric.unit.is_money and unit.is_money and unit.per == metric.unit.per)
    if not fits:
        found.refuse(
            f"{name} is counted in {metric.unit}, not in {unit}", "convert the values, or use a metric bench.*"
        )
    if better is not metric.better:
        found.refuse(f'{name} has the direction "{metric.better.value}", not "{better.value}"')
    if assumption is not metric.assumption and name not in MAY_VARY:
        found.refuse(f'{name} has the assumption "{metric.assumption.value}", not "{assumption.value}"')


def _values(found: Found, unit: Unit) -> tuple[Number, ...]:
    if unit.is_money:
        return tuple(_amount(item) for item in found.items(MOST_VALUES))
    return tuple(_size_checked(item) for item in found.items(MOST_VALUES))


def _size_checked(found: Found) -> float:
    value = found.number()
    if not -LARGEST <= value <= LARGEST:
        found.refuse("the number is larger than anything that is measured")
    return value


def _amount(found: Found) -> Decimal:
    if not isinstance(found.value, str) or not _AMOUNT.fullmatch(found.value):
        found.refuse('an amount of money is a string of digits, such as "742.64"')
    try:
        return Decimal(found.value)
    except InvalidOperation:
        found.refuse("this amount cannot be read")


def _conditions(found: Found) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, value.text(2000)) for name, value in found.pairs(MOST_LABELS)))


def _caveat(found: Found) -> Caveat:
    fields = found.fields(("code", "message"), ("remedy",))
    return Caveat(
        fields["code"].text(), fields["message"].text(), fields["remedy"].text() if "remedy" in fields else ""
    )


# --- out --------------------------------------------------------------------------------------------------------------


def dump(run: Run) -> bytes:
    """The text of a run.json: the same run always gives the same bytes."""
    value: dict[str, Any] = {
        "schema": SCHEMA,
        "context": context_value(run.context),
        "measurements": [
            measurement_value(each)
            for each in sorted(run.measurements, key=lambda each: (each.series.metric, each.series.labels))
        ],
    }
    if run.details:
        value["details"] = {name: [dict(row) for row in rows] for name, rows in run.details.items()}
    if run.caveats:
        value["caveats"] = [caveat_value(each) for each in run.caveats]
    if run.excluded:
        value["excluded"] = sorted(run.excluded)
    return strict_json.dumps(value)


def context_value(context: Context) -> dict[str, Any]:
    """A context as plain JSON; what is not known is left out."""
    value: dict[str, Any] = {name: getattr(context, name) for name in _CONTEXT if getattr(context, name)}
    if context.pull_request is not None:
        value["pull_request"] = context.pull_request
    if context.ci_attempt != 1:
        value["ci_attempt"] = context.ci_attempt
    if context.base_is_approximate:
        value["base_is_approximate"] = True
    machine: dict[str, Any] = {
        name: getattr(context.machine, name) for name in _MACHINE if getattr(context.machine, name)
    }
    if context.machine.cpu_count:
        machine["cpu_count"] = context.machine.cpu_count
    if machine:
        value["machine"] = machine
    return value


def caveat_value(caveat: Caveat) -> dict[str, Any]:
    """A caveat as plain JSON."""
    value = {"code": caveat.code, "message": caveat.message}
    return value | ({"remedy": caveat.remedy} if caveat.remedy else {})


def measurement_value(measurement: Measurement) -> dict[str, Any]:
    """A measurement as plain JSON; money as strings."""
    value: dict[str, Any] = {
        "metric": measurement.series.metric,
        "labels": dict(measurement.series.labels),
        "unit": str(measurement.unit),
        "better": measurement.better.value,
        "assumption": measurement.assumption.value,
        "values": [plain(each) for each in measurement.values],
    }
    if measurement.origin:
        value["origin"] = measurement.origin
    if measurement.before:
        value["before"] = [plain(each) for each in measurement.before]
    if measurement.resolution:
        value["resolution"] = measurement.resolution
    if measurement.conditions:
        value["conditions"] = dict(measurement.conditions)
    if measurement.state is not State.MEASURED:
        value["state"] = measurement.state.value
    if measurement.reason:
        value["reason"] = measurement.reason
    return value


def plain(value: Number) -> float | str:
    """A value as JSON keeps it: money as a string of digits, everything else as a number."""
    return str(value) if isinstance(value, Decimal) else value
