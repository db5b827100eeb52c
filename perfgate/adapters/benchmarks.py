"""The registry of benchmark formats: which one a file is in is found from its content, never from its name."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from perfgate.adapters import (
    asv,
    bench_csv,
    bencher,
    benchmark_dotnet,
    benchmark_js,
    cargo_bench,
    catch2,
    criterion,
    github_action_benchmark,
    go_bench,
    google_benchmark,
    gungraun,
    hyperfine,
    jmh,
    julia,
    k6,
    lighthouse,
    own_benchmarks,
    pyperf,
    pytest_benchmark,
    tinybench,
    valgrind,
    vitest,
)
from perfgate.adapters.bench_reading import Reading
from perfgate.errors import InputError
from perfgate.formats import strict_json


class JsonFormat(NamedTuple):
    """A tool whose results are one JSON value: `why_not` says "" of its own files, `read` takes the value and a name."""

    tool: str
    why_not: Callable[[object], str]
    read: Callable[[Any, str], Reading]


class TextFormat(NamedTuple):
    """A tool whose results are text or XML: `why_not` says "" of its own files, `read` takes the text and a name."""

    tool: str
    why_not: Callable[[str], str]
    read: Callable[[str, str], Reading]


class FolderFormat(NamedTuple):
    """A tool whose results are a folder: `why_not` judges the names of its files, `claims` says which of them are the tool's
    own, `results` which of those hold results, and `read` takes the names, what loads the JSON of one, and the folder's name.
    """

    tool: str
    why_not: Callable[[Sequence[str]], str]
    claims: Callable[[Sequence[str]], frozenset[str]]
    results: Callable[[Sequence[str]], Sequence[str]]
    read: Callable[[Sequence[str], Callable[[str], Any], str], Reading]


JSON_FORMATS: tuple[JsonFormat, ...] = (
    JsonFormat(own_benchmarks.TOOL, own_benchmarks.why_not, own_benchmarks.read),
    JsonFormat(pytest_benchmark.TOOL, pytest_benchmark.why_not, pytest_benchmark.read),
    JsonFormat(pyperf.TOOL, pyperf.why_not, pyperf.read),
    JsonFormat(asv.TOOL, asv.why_not, asv.read),
    JsonFormat(hyperfine.TOOL, hyperfine.why_not, hyperfine.read),
    JsonFormat(google_benchmark.TOOL, google_benchmark.why_not, google_benchmark.read),
    JsonFormat(jmh.TOOL, jmh.why_not, jmh.read),
    JsonFormat(benchmark_dotnet.TOOL, benchmark_dotnet.why_not, benchmark_dotnet.read),
    JsonFormat(vitest.TOOL, vitest.why_not, vitest.read),
    JsonFormat(tinybench.TOOL, tinybench.why_not, tinybench.read),
    JsonFormat(julia.TOOL, julia.why_not, julia.read),
    JsonFormat(gungraun.TOOL, gungraun.why_not, gungraun.read),
    JsonFormat(k6.TOOL, k6.why_not, k6.read),
    JsonFormat(lighthouse.TOOL, lighthouse.why_not, lighthouse.read),
    JsonFormat(bencher.TOOL, bencher.why_not, bencher.read),
    JsonFormat(github_action_benchmark.TOOL, github_action_benchmark.why_not, github_action_benchmark.read),
)
#: Streams of JSON, one value a line, are text.
TEXT_FORMATS: tuple[TextFormat, ...] = (
    TextFormat(go_bench.TOOL, go_bench.why_not, go_bench.read),
    TextFormat(cargo_bench.TOOL, cargo_bench.why_not, cargo_bench.read),
    TextFormat(benchmark_js.TOOL, benchmark_js.why_not, benchmark_js.read),
    TextFormat(catch2.TOOL, catch2.why_not, catch2.read),
    TextFormat(k6.TOOL, k6.why_not_points, k6.read_points),
    TextFormat(valgrind.CACHEGRIND, valgrind.why_not_cachegrind, valgrind.read_cachegrind),
    TextFormat(valgrind.CALLGRIND, valgrind.why_not_callgrind, valgrind.read_callgrind),
    TextFormat(gungraun.TOOL, gungraun.why_not_text, gungraun.read_text),
    TextFormat(bench_csv.TOOL, bench_csv.why_not, bench_csv.read),
)
FOLDER_FORMATS: tuple[FolderFormat, ...] = (
    FolderFormat(criterion.TOOL, criterion.why_not, criterion.claims, criterion.results, criterion.read),
    FolderFormat(gungraun.TOOL, gungraun.why_not_folder, gungraun.claims, gungraun.results, gungraun.read_folder),
    FolderFormat(asv.TOOL, asv.why_not_folder, asv.claims, asv.results, asv.read_folder),
)
TOOLS: tuple[str, ...] = tuple(
    dict.fromkeys(each.tool for formats in (JSON_FORMATS, TEXT_FORMATS, FOLDER_FORMATS) for each in formats)
)

_LONGEST_LINE = 100_000
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_MAKE = "see docs/reference/formats.md for what is read, or write perfgate's own format: perfgate schema bench"


class UnknownFormat(InputError):
    """The file is readable, but is in no format of the registry, or not in the one that was asked for."""


def read(data: bytes, where: str, tool: str = "") -> Reading:
    """The benchmarks in a file's bytes; `where` names the file in messages, `tool` insists on one format.

    Raises UnknownFormat with a line per tool where none recognizes it, InputError where two do, or where one does but the
    file is broken.
    """
    if not data.strip():
        raise InputError("the file is empty", where=where, remedy="see whether the benchmarks ran")
    text = _text(data, where)
    value = _json(data, text, where)
    reasons, readers = _asked(value, text, tool)
    if len(readers) > 1:
        names = " or ".join(readers)
        raise InputError(f"this may be of {names}", where=where, remedy="say which: --tool NAME")
    if readers:
        return next(iter(readers.values()))(where)
    told = "".join(f"\n  {line}" for line in _by_reason(reasons))
    raise UnknownFormat(f"these are no benchmark results that perfgate reads{told}", where=where, remedy=_MAKE)


def why_not(data: bytes, where: str) -> list[str]:
    """Why the tools that do not claim a file do not, a line a reason."""
    text = _text(data, where)
    return _by_reason(_asked(_json(data, text, where), text, "")[0])


def _by_reason(reasons: dict[str, str]) -> list[str]:
    """Lines "tool, tool: reason", so that what holds for many is said once."""
    tools: dict[str, list[str]] = {}
    for tool, reason in reasons.items():
        tools.setdefault(reason, []).append(tool)
    return [f"{', '.join(names)}: {reason}" for reason, names in tools.items()]


class _NoJson:
    """Stands for a file that is not one JSON value."""


_NO_JSON = _NoJson()


def _asked(value: object, text: str, tool: str) -> tuple[dict[str, str], dict[str, Callable[[str], Reading]]]:
    """What every tool says of a file: why it is not its own, or how it is read."""
    reasons: dict[str, str] = {}
    readers: dict[str, Callable[[str], Reading]] = {}
    for json_format in JSON_FORMATS:
        if tool in {"", json_format.tool}:
            reason = "the file is not one JSON value" if value is _NO_JSON else json_format.why_not(value)
            if reason:
                reasons[json_format.tool] = reason
            else:
                readers[json_format.tool] = _bound(json_format.read, value)
    for text_format in TEXT_FORMATS:
        if tool in {"", text_format.tool}:
            reason = text_format.why_not(text) if value is _NO_JSON else "the file is JSON"
            if not reason:
                readers[text_format.tool] = _bound(text_format.read, text)
            elif reason != "the file is JSON" or text_format.tool not in reasons:
                reasons[text_format.tool] = _both(reasons.get(text_format.tool), reason)
    for name in readers:
        reasons.pop(name, None)
    for folder_format in FOLDER_FORMATS:
        if tool in {"", folder_format.tool} and folder_format.tool not in readers:
            reasons.setdefault(folder_format.tool, "its results are a folder")
    return reasons, readers


def _both(first: str | None, second: str) -> str:
    return second if first is None or first.startswith("the file is not one JSON") else f"{first}; {second}"


def _bound(read: Callable[[Any, str], Reading], value: Any) -> Callable[[str], Reading]:
    return lambda where: read(value, where)


def _json(data: bytes, text: str, where: str) -> object:
    """The JSON value that a file is, or that it was to be; `_NO_JSON` for text and for streams of values."""
    if text.lstrip()[:1] not in {"{", "["} or go_bench.is_stream(text) or _is_stream(text):
        return _NO_JSON
    return strict_json.loads(data, where, words=True)


def _is_stream(text: str) -> bool:
    """Whether more follows after a first line that is an object in itself."""
    first, _, rest = text[:_LONGEST_LINE].lstrip().partition("\n")
    if not first.rstrip().endswith("}") or not rest.strip():
        return False
    try:
        return isinstance(json.loads(first), dict)
    except (ValueError, RecursionError):
        return False


def _text(data: bytes, where: str) -> str:
    if data.startswith(_UTF16):
        raise InputError(
            "the text is UTF-16, not UTF-8", where=where, remedy="in PowerShell write it with Out-File -Encoding utf8"
        )
    # What benchmarks print between their results may be anything; only result lines are read.
    return data.decode("utf-8-sig", "replace")
