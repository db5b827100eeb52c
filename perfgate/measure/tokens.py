"""Tokens, calls, latency and cost of LLM tasks, from the usage records that they left."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from pathlib import Path

from perfgate.adapters.labels import label
from perfgate.adapters.llm_usage import Call, Usage, read
from perfgate.core.entries import TokensEntry
from perfgate.core.model import Capture, Caveat, Measurement, State
from perfgate.core.pricing import PriceBook, cost
from perfgate.core.registered import measurement
from perfgate.core.units import Number
from perfgate.errors import InputError, OperationFailed
from perfgate.measure import result_files
from perfgate.measure.command import fill
from perfgate.measure.globbing import matches
from perfgate.measure.result_files import OUT, Made
from perfgate.measure.surroundings import Surroundings
from perfgate.pricing import llm


class _Scenario:
    """The calls of one scenario by file and task; a file is one task unless its records name theirs."""

    def __init__(self) -> None:
        self.tasks: dict[tuple[Path, str], list[Call]] = {}
        self.origins: dict[str, None] = {}
        self.silent = 0

    def calls(self) -> Iterable[Call]:
        return (call for calls in self.tasks.values() for call in calls)


def capture(entry: TokensEntry, surroundings: Surroundings, progress: Callable[[str], None]) -> Capture:
    """Read the usage records, after running `entry.run` where there is one; one value a task for each scenario.

    Raises CommandFailed where the command fails, and InputError for a file that is missing or that holds a record of an unknown
    shape: a call that is not counted would be a saving that nobody made.
    """
    made = result_files.make(entry.run, entry.name, surroundings, progress)
    scenarios: dict[str, _Scenario] = {}
    caveats: list[Caveat] = []
    seen: dict[str, Path] = {}
    shared: set[str] = set()
    for path, shown in _files(entry, made, surroundings).items():
        progress(f"reading {shown}")
        try:
            with path.open("rb") as stream:
                usage = read(stream, shown)
            caveats += made.stale(path, shown)
        except OSError as error:
            raise OperationFailed(f"the file cannot be read: {error.strerror}", where=shown) from error
        caveats += _caveats(usage, shown)
        default = label(entry.scenario or (entry.name if path == made.out else path.stem), caveats) or "default"
        touched = {default} if not usage.calls else set()
        for call in usage.calls:
            name = call.scenario or default
            touched.add(name)
            scenarios.setdefault(name, _Scenario()).tasks.setdefault((path, call.task), []).append(call)
            if call.key and seen.setdefault(call.key, path) != path:
                shared.add(call.key)
        for name in touched:
            scenario = scenarios.setdefault(name, _Scenario())
            scenario.origins.setdefault(shown)
            scenario.silent += usage.silent
    caveats += _across(scenarios, shared)
    book = llm.load()
    measurements = [each for name, scenario in sorted(scenarios.items()) for each in _measured(name, scenario, book)]
    rows = tuple(_row(name, scenario) for name, scenario in sorted(scenarios.items()) if scenario.tasks)
    return Capture(tuple(measurements), {"token_classes": rows} if rows else {}, tuple(caveats))


def _files(entry: TokensEntry, made: Made, surroundings: Surroundings) -> dict[Path, str]:
    """The files to read, each once, with the name that people know it by."""
    if not (entry.files or any(OUT in word for word in entry.run)):
        raise InputError("there is no usage to read", remedy="name the files, or let the command write them to {out}")
    found: dict[Path, str] = {}
    for pattern in entry.files or (OUT,):
        paths = matches(surroundings.root, fill([pattern], out=made.out)[0])
        inner = [each for path in paths for each in (sorted(path.rglob("*.jsonl")) if path.is_dir() else [path])]
        if not inner:
            what = f"the command wrote no {pattern}" if OUT in pattern else f'no file matches "{pattern}"'
            raise InputError(what, remedy="check the path, or let the command write its usage to {out}")
        for path in inner:
            found.setdefault(path, _shown(path, made.out, surroundings.root))
    return found


def _shown(path: Path, out: Path, root: Path) -> str:
    """The name that people know a file by; what lies at `{out}` is gone when they read it."""
    inside = path == out or path.is_relative_to(out)
    return OUT + path.as_posix().removeprefix(out.as_posix()) if inside else result_files.shown(path, root)


def _caveats(usage: Usage, shown: str) -> list[Caveat]:
    """What a reader must know of a file's other records."""
    found = []
    if usage.errors:
        message = f"{shown}: records of failed calls, which tell no usage and are in no number: {usage.errors}"
        found.append(Caveat("failed calls", message))
    if usage.namesakes:
        message = f"{shown}: records that repeat the id of a call, and were taken for the same call: {usage.namesakes}"
        found.append(Caveat("repeated ids", message, "give every call an id of its own, if they were different ones"))
    if usage.unbalanced:
        message = f"{shown}: records whose total of tokens is not input and output together: {usage.unbalanced}"
        found.append(Caveat("unbalanced totals", message, "input and output count; the total does not"))
    if usage.summary:
        message = f"{shown} holds only the sum of a session, which counts as one call"
        found.append(Caveat("session summary", message, "log the session's messages to count its calls"))
    return found


def _across(scenarios: dict[str, _Scenario], shared: set[str]) -> list[Caveat]:
    """What a reader must know of files that may hold the same work."""
    found = []
    if shared:
        message = f"calls that are in more than one file, and count in each: {len(shared)}"
        found.append(Caveat("calls in several files", message, "leave out copies and replayed sessions"))
    tasks = [(name, task) for name, scenario in scenarios.items() for _, task in scenario.tasks if task]
    again = len(tasks) - len(set(tasks))
    if again:
        message = f"tasks with the name of one in another file, which count as runs of their own: {again}"
        found.append(Caveat("repeated tasks", message, "keep the calls of a task in one file"))
    return found


def _measured(name: str, scenario: _Scenario, book: PriceBook) -> list[Measurement]:
    tasks = list(scenario.tasks.values())
    models = sorted({call.model or "unknown" for call in scenario.calls()})
    origins = list(scenario.origins)
    origin = origins[0] + (f" and {len(origins) - 1} more" if len(origins) > 1 else "")
    model = ("model", "+".join(models)[:300])
    missing = "" if tasks else "every call failed, so no usage was told"
    silent = (
        f"responses that tell no usage, so that their tokens are missing: {scenario.silent}" if scenario.silent else ""
    )

    def of(
        metric: str, values: Sequence[Number], *conditions: tuple[str, str], unknown: str = "", more: str = ""
    ) -> Measurement:
        made = measurement(
            metric,
            {"scenario": name},
            values,
            origin=origin,
            conditions=(model, *conditions),
            unknown=missing or unknown,
        )
        return made._replace(state=State.LOWER_BOUND, reason=more) if more and values else made

    counted = (
        ("llm.tokens", [sum(call.counts.total for call in task) for task in tasks]),
        ("llm.input_tokens", [sum(call.counts.all_input for call in task) for task in tasks]),
        ("llm.output_tokens", [sum(call.counts.output for call in task) for task in tasks]),
        ("llm.calls", [len(task) for task in tasks]),
    )
    found = [of(metric, [float(value) for value in values], more=silent) for metric, values in counted]
    latencies = [call.latency for call in scenario.calls() if call.latency is not None]
    if latencies:
        found.append(of("llm.latency", latencies))
    outcomes = [told for task in tasks if (told := _succeeded(task)) is not None]
    if outcomes:
        found.append(of("llm.success", [sum(outcomes) / len(outcomes)]))
    why = _why_unknown(scenario, book)
    prices = [] if why else [_cost(task, book) for task in tasks]
    searches = sum(call.searches for call in scenario.calls())
    billed = f"web searches, which are billed beside the tokens: {searches}" if searches else ""
    more = "; ".join(part for part in (silent, billed) if part)
    found.append(of("llm.cost", prices, ("price book", book.id), unknown=why, more=more))
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
    special = sorted({call.special for call in scenario.calls() if call.special})
    return (
        f"the price book {book.id} has only standard prices, and calls used {', '.join(special[:3])}; budget llm.tokens"
        if special
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
