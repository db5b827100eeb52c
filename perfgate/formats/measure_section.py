"""The `measure:` section of budgets.yaml into entries."""

from __future__ import annotations

import json
import math
import re
import shlex
from collections.abc import Callable, Collection, Mapping
from typing import Any

from perfgate.core import entries
from perfgate.core.command_lines import NO_SHELL, needs_shell
from perfgate.core.metrics import Direction
from perfgate.errors import InputError
from perfgate.formats import yaml_values as values
from perfgate.formats.strict_yaml import Node
from perfgate.formats.suggesting import meant

_PLACEHOLDER = re.compile(r"\{([a-z]+)\}")

#: The keys of each kind of entry.
KINDS: Mapping[str, tuple[str, ...]] = {
    "command": (
        *("run", "setup", "prepare", "cleanup", "runs", "warmup", "until", "max_time", "timeout"),
        *("accept", "ignore_failure", "input", "shell", "parameters", "versus", "counter", "profile"),
    ),
    "tests": ("run", "reports", "junit", "suite", "format"),
    "bench": ("run", "files", "tool", "better"),
    "pipeline": ("from", "run", "attempt", "workflow", "repository"),
    "tokens": ("run", "files", "scenario"),
    "cost": ("run", "infracost", "environment"),
    "size": ("run", "paths"),
    "resources": ("run", "interval"),
}


def read_measure(node: Node) -> tuple[entries.Entry, ...]:
    """The entries in the order written."""
    if node.value is None and not node.quoted:
        return ()
    if not isinstance(node.value, dict):
        values.refuse(
            node,
            f"{values.written(node)} stands where entries are wanted",
            'write for example "start-up: {command: {run: my-tool --version}}"',
        )
    found = []
    for name, entry in node.value.items():
        if not name.strip() or len(name) > 100:
            values.refuse(entry, "an entry needs a name of 1 to 100 characters")
        found.append(_entry(name, entry))
    return tuple(found)


def _entry(name: str, node: Node) -> entries.Entry:
    kinds = values.mapping(node, KINDS, what="as a kind of measurement")
    if len(kinds) != 1:
        values.refuse(node, f'the entry "{name}" has {len(kinds)} kinds', f"give it exactly one of {', '.join(KINDS)}")
    kind, body = next(iter(kinds.items()))
    parts = values.mapping(body, KINDS[kind], what=f"in {kind}")
    return _READERS[kind](name, body, parts)


def _versus(node: Node) -> entries.Versus:
    words = " ".join(values.text(node, "base").split())
    if words not in {"base", "base always"}:
        values.refuse(node, f"{values.written(node)} is not known here", 'write "base" or "base always"')
    return entries.Versus(words)


def _command(name: str, body: Node, parts: Mapping[str, Node]) -> entries.Entry:
    if "run" not in parts:
        values.refuse(body, '"run" is missing in command', "write the command to measure")
    parameters = _parameters(parts["parameters"]) if "parameters" in parts else ()
    known = frozenset(each for each, _ in parameters)
    shell = "shell" in parts and values.truth(parts["shell"])
    until = _until(parts["until"]) if "until" in parts else 0.0

    def argv(key: str) -> tuple[str, ...]:
        return _argv(parts[key], known) if key in parts else ()

    entry = entries.CommandEntry(
        name,
        run=(values.text(parts["run"], '"sort input | uniq"'),) if shell else argv("run"),
        runs=values.whole(parts["runs"], 1, 10_000) if "runs" in parts else entries.RUNS_UNTIL if until else 10,
        warmup=values.whole(parts["warmup"], 0, 1000) if "warmup" in parts else 1,
        prepare=argv("prepare"),
        versus=_versus(parts["versus"]) if "versus" in parts else entries.Versus.NEVER,
        setup=argv("setup"),
        cleanup=argv("cleanup"),
        until=until,
        most=_seconds(parts["max_time"]) if "max_time" in parts else 0.0,
        timeout=_seconds(parts["timeout"]) if "timeout" in parts else 0.0,
        accept=_codes(parts["accept"]) if "accept" in parts else (0,),
        ignore_failure="ignore_failure" in parts and values.truth(parts["ignore_failure"]),
        input=_text(parts, "input"),
        shell=shell,
        parameters=parameters,
        counter=values.one_of(parts["counter"], entries.COUNTERS) if "counter" in parts else "",
        profile="profile" in parts and values.truth(parts["profile"]),
    )
    if entry.counter and entry.versus is not entries.Versus.NEVER:
        values.refuse(parts["versus"], "a counter needs no runs in turns", "leave versus out, or make two entries")
    if parameters and entry.versus is not entries.Versus.NEVER:
        values.refuse(
            parts["versus"], "versus and parameters do not go together", "write an entry for each combination"
        )
    return entry


def _until(node: Node) -> float:
    ratio = values.ratio(node)
    if not 0 < ratio <= 1:
        values.refuse(node, f"{values.written(node)} is no precision", "write for example 2%")
    return ratio


def _seconds(node: Node) -> float:
    quantity = values.quantity(node)
    if quantity.unit.base != "s" or quantity.unit.per or quantity.value <= 0:
        values.refuse(node, f"{values.written(node)} is not a time", "write for example 30 s")
    return float(quantity.value)


def _codes(node: Node) -> tuple[int, ...]:
    found = node.value if isinstance(node.value, list) else [node]
    if not found:
        values.refuse(node, "no exit code would be a good one", "write for example [0, 1]")
    return tuple(values.whole(each, 0, 255) for each in found)


def _parameters(node: Node) -> tuple[tuple[str, tuple[str, ...]], ...]:
    if not isinstance(node.value, dict) or not node.value:
        values.refuse(node, f"{values.written(node)} stands where parameters are wanted", "write for example {k: 1..8}")
    found = []
    for name, each in node.value.items():
        try:
            entries.check_parameter(name)
            if isinstance(each.value, list):
                chosen = entries.distinct(values.text(member) for member in each.value)
            else:
                chosen = entries.parameter_values(values.text(each, "1..8"))
        except InputError as error:
            if error.where:
                raise
            values.refuse(each, error.what, error.remedy)
        found.append((name, chosen))
    if math.prod(len(chosen) for _, chosen in found) > entries.MOST_COMBINATIONS:
        values.refuse(node, f"these are more than {entries.MOST_COMBINATIONS:,} combinations", "leave some values out")
    return tuple(found)


def _tests(name: str, body: Node, parts: Mapping[str, Node]) -> entries.Entry:
    if not {"run", "reports", "junit"} & parts.keys():
        values.refuse(body, 'tests needs "run" or "reports"', 'write for example {run: "pytest -q --junitxml {out}"}')
    reports = (*_texts(parts, "reports"), *_texts(parts, "junit"))
    return entries.TestsEntry(name, _run(parts), reports, _text(parts, "suite") or name, _text(parts, "format"))


def _bench(name: str, body: Node, parts: Mapping[str, Node]) -> entries.Entry:
    if "files" not in parts and "{out}" not in " ".join(_run(parts)):
        values.refuse(
            body, '"files" is missing in bench', 'write for example {files: "bench.json"}, or use {out} in run'
        )
    better = values.one_of(parts["better"], ("lower", "higher")) if "better" in parts else Direction.NONE.value
    return entries.BenchEntry(name, _run(parts), _texts(parts, "files"), _text(parts, "tool"), Direction(better))


def _pipeline(name: str, body: Node, parts: Mapping[str, Node]) -> entries.Entry:
    if ("from" in parts) == ("run" in parts):
        values.refuse(body, 'pipeline needs "from" (a file of jobs) or "run" (the id of a run), and not both')
    attempt = values.whole(parts["attempt"], 1, 1000) if "attempt" in parts else 0
    return entries.PipelineEntry(
        name, _text(parts, "from"), _text(parts, "run"), attempt, _text(parts, "workflow"), _text(parts, "repository")
    )


def _tokens(name: str, body: Node, parts: Mapping[str, Node]) -> entries.Entry:
    if "files" not in parts:
        values.refuse(body, '"files" is missing in tokens', 'write for example {files: "logs/*.jsonl"}')
    return entries.TokensEntry(name, _run(parts), _texts(parts, "files"), _text(parts, "scenario"))


def _cost(name: str, body: Node, parts: Mapping[str, Node]) -> entries.Entry:
    if "infracost" not in parts and "{out}" not in " ".join(_run(parts)):
        values.refuse(
            body,
            '"infracost" is missing in cost',
            'write for example {infracost: "infracost.json"}, or use {out} in run',
        )
    return entries.CostEntry(name, _run(parts), _text(parts, "infracost"), _text(parts, "environment"))


def _size(name: str, body: Node, parts: Mapping[str, Node]) -> entries.Entry:
    if "paths" not in parts:
        values.refuse(body, '"paths" is missing in size', 'write for example {paths: "dist/*.whl"}')
    return entries.SizeEntry(name, _run(parts), _texts(parts, "paths"))


def _resources(name: str, body: Node, parts: Mapping[str, Node]) -> entries.Entry:
    if "run" not in parts:
        values.refuse(body, '"run" is missing in resources', "write the command to watch")
    interval = values.seconds(parts["interval"]) if "interval" in parts else 1.0
    return entries.ResourcesEntry(name, _run(parts), interval, aside=True)


_READERS: Mapping[str, Callable[[str, Node, Mapping[str, Node]], entries.Entry]] = {
    "command": _command,
    "tests": _tests,
    "bench": _bench,
    "pipeline": _pipeline,
    "tokens": _tokens,
    "cost": _cost,
    "size": _size,
    "resources": _resources,
}


def _text(parts: Mapping[str, Node], key: str) -> str:
    return values.text(parts[key]) if key in parts else ""


def _texts(parts: Mapping[str, Node], key: str) -> tuple[str, ...]:
    return values.texts(parts[key]) if key in parts else ()


def _run(parts: Mapping[str, Any]) -> tuple[str, ...]:
    return _argv(parts["run"]) if "run" in parts else ()


def _argv(node: Node, parameters: Collection[str] = ()) -> tuple[str, ...]:
    """The argument vector of a command: a list as it is, a line split as a shell would, but no shell is ever run."""
    if isinstance(node.value, list):
        argv = tuple(each.text for each in node.value if isinstance(each.text, str))
        if not argv or any(isinstance(each.value, list | dict) for each in node.value):
            values.refuse(node, "a command is a list of words", 'write for example ["pytest", "-q"]')
        _check_placeholders(node, argv, parameters)
        return argv
    line = values.text(node, '"pytest -q"')
    try:
        argv = tuple(shlex.split(line))
    except ValueError:
        values.refuse(node, "a quote in this command is never closed", "close it, or write the command as a list")
    if needs_shell(line, argv):
        values.refuse(
            node,
            NO_SHELL,
            f'write ["sh", "-c", {json.dumps(line[:100], ensure_ascii=False)}] if a shell is meant',
        )
    if not argv:
        values.refuse(node, "the command is empty")
    _check_placeholders(node, argv, parameters)
    return argv


def _check_placeholders(node: Node, argv: tuple[str, ...], parameters: Collection[str]) -> None:
    """Refuse a placeholder that was mistyped: any in the program's name, elsewhere one that is much like a known one.

    Other braces belong to the command: many programs have placeholders of their own.
    """
    for position, word in enumerate(argv):
        for name in _PLACEHOLDER.findall(word):
            if name in entries.PLACEHOLDERS or name in parameters:
                continue
            if position == 0 or meant(name, entries.PLACEHOLDERS, least=0.8):
                close = meant(f"{{{name}}}", (f"{{{each}}}" for each in entries.PLACEHOLDERS))
                known = ", ".join(f"{{{each}}} ({what})" for each, what in entries.PLACEHOLDERS.items())
                values.refuse(node, f"{{{name}}} is not a placeholder", f"{close} known are {known}".strip())
