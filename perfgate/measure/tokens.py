"""Tokens, calls, latency and cost of LLM tasks, from the usage records that they left."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from pathlib import Path

from perfgate.adapters.llm_usage import Call, read
from perfgate.core.entries import TokensEntry
from perfgate.core.model import Capture, Caveat, Measurement
from perfgate.core.pricing import PriceBook, cost
from perfgate.core.registered import measurement
from perfgate.core.units import Number
from perfgate.errors import InputError, OperationFailed
from perfgate.measure.command import fill, run_once
from perfgate.measure.globbing import matches
from perfgate.measure.surroundings import Surroundings
from perfgate.pricing import llm


class _Scenario:
    """The calls of one scenario by task; a file is one task unless its records name theirs."""

    def __init__(self) -> None:
        self.tasks: dict[str, list[Call]] = {}
        self.origins: dict[str, None] = {}

    def calls(self) -> Iterable[Call]:
        return (call for calls in self.tasks.values() for call in calls)


def capture(entry: TokensEntry, surroundings: Surroundings, progress: Callable[[str], None]) -> Capture:
    """Read the usage records, after running `entry.run` where there is one; one value a task for each scenario.

    Raises InputError for a file that is missing or that holds a record of an unknown shape: a call that is not counted would be a
    saving that nobody made.
    """
    out = Path(tempfile.mkdtemp(dir=surroundings.work)) / "usage.jsonl"
    if entry.run:
        progress(f"running {entry.run[0]}")
        run_once(fill(entry.run, out=out), surroundings, what=f'"{entry.name}"')
    scenarios: dict[str, _Scenario] = {}
    caveats: list[Caveat] = []
    for path, shown in _files(entry, out, surroundings):
        progress(f"reading {shown}")
        try:
            with path.open("rb") as stream:
                usage = read(stream, shown)
        except OSError as error:
            raise OperationFailed(f"the file cannot be read: {error.strerror}", where=shown) from error
        if usage.errors:
            caveats.append(
                Caveat("failed calls", f"{shown}: {usage.errors} records tell of failed calls, without usage")
            )
        for call in usage.calls:
            scenario = scenarios.setdefault(
                call.scenario or entry.scenario or path.stem[:300] or "default", _Scenario()
            )
            scenario.tasks.setdefault(call.task or shown, []).append(call)
            scenario.origins.setdefault(shown)
    book = llm.load()
    measurements = [each for name, scenario in sorted(scenarios.items()) for each in _measured(name, scenario, book)]
    rows = tuple(_row(name, scenario) for name, scenario in sorted(scenarios.items()))
    return Capture(tuple(measurements), {"token_classes": rows}, tuple(caveats))


def _files(entry: TokensEntry, out: Path, surroundings: Surroundings) -> list[tuple[Path, str]]:
    found: dict[Path, str] = {}
    for pattern in entry.files:
        paths = matches(surroundings.root, fill([pattern], out=out)[0])
        inner = [each for path in paths for each in (sorted(path.rglob("*.jsonl")) if path.is_dir() else [path])]
        if not inner:
            raise InputError(
                f'no file matches "{pattern}"', remedy="check the path, or let the command write it: {out}"
            )
        for path in inner:
            shown = (
                path.relative_to(surroundings.root).as_posix() if path.is_relative_to(surroundings.root) else pattern
            )
            found.setdefault(path, "{out}" if path == out else shown)
    if not entry.files:
        if not out.exists():
            raise InputError("there is no usage to read", remedy="name the files, or let the command write them: {out}")
        found[out] = "{out}"
    return list(found.items())


def _measured(name: str, scenario: _Scenario, book: PriceBook) -> list[Measurement]:
    tasks = list(scenario.tasks.values())
    models = sorted({call.model or "unknown" for call in scenario.calls()})
    origins = list(scenario.origins)
    origin = origins[0] + (f" and {len(origins) - 1} more" if len(origins) > 1 else "")
    model = ("model", "+".join(models)[:300])

    def of(metric: str, values: Sequence[Number], *conditions: tuple[str, str], unknown: str = "") -> Measurement:
        return measurement(
            metric, {"scenario": name}, values, origin=origin, conditions=(model, *conditions), unknown=unknown
        )

    found = [
        of("llm.tokens", [float(sum(call.counts.total for call in task)) for task in tasks]),
        of("llm.input_tokens", [float(sum(call.counts.all_input for call in task)) for task in tasks]),
        of("llm.output_tokens", [float(sum(call.counts.output for call in task)) for task in tasks]),
        of("llm.calls", [float(len(task)) for task in tasks]),
    ]
    latencies = [call.latency for call in scenario.calls() if call.latency is not None]
    if latencies:
        found.append(of("llm.latency", latencies))
    outcomes = [told for task in tasks if (told := _succeeded(task)) is not None]
    if outcomes:
        found.append(of("llm.success", [sum(outcomes) / len(outcomes)]))
    book_of = ("price book", book.id)
    why = _why_unknown(scenario, book)
    if why:
        found.append(of("llm.cost", [], book_of, unknown=why))
    else:
        found.append(of("llm.cost", [_cost(task, book) for task in tasks], book_of))
    return found


def _succeeded(task: Sequence[Call]) -> bool | None:
    """What the last record of a task says of its success."""
    told = [call.success for call in task if call.success is not None]
    return told[-1] if told else None


def _why_unknown(scenario: _Scenario, book: PriceBook) -> str:
    """Why the cost of a scenario is not known; "" where every call has a price."""
    unknown = sorted({call.model or "(no model told)" for call in scenario.calls() if book.find(call.model) is None})
    if unknown:
        more = f" and {len(unknown) - 3} more" if len(unknown) > 3 else ""
        return f"the price book {book.id} has no price for {', '.join(unknown[:3])}{more}; upgrade perfgate for newer prices, or budget llm.tokens"
    tiers = sorted({call.tier for call in scenario.calls() if call.tier})
    return (
        f"the price book {book.id} has only standard prices, and calls used {', '.join(tiers)}; budget llm.tokens"
        if tiers
        else ""
    )


def _cost(task: Sequence[Call], book: PriceBook) -> Decimal:
    total = Decimal(0)
    for call in task:
        price = book.find(call.model)
        if price is None:
            raise ValueError(f"no price for {call.model}")
        total += cost(call.counts, price)
    return total


def _row(name: str, scenario: _Scenario) -> dict[str, str | int | float | bool | None]:
    """The token classes of a scenario, for people."""
    calls = list(scenario.calls())
    return {
        "scenario": name,
        "tasks": len(scenario.tasks),
        "calls": len(calls),
        "input": sum(call.counts.input for call in calls),
        "cache_read": sum(call.counts.cache_read for call in calls),
        "cache_write": sum(call.counts.cache_write_5m + call.counts.cache_write_1h for call in calls),
        "output": sum(call.counts.output for call in calls),
        "reasoning": sum(call.counts.reasoning for call in calls),
    }
