"""The registry of benchmark formats: which one a file is in is found from its content, never from its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from perfgate.adapters import go_bench, hyperfine, pytest_benchmark
from perfgate.adapters.bench_reading import Reading
from perfgate.errors import InputError
from perfgate.formats import strict_json


class JsonFormat(NamedTuple):
    """A tool whose results are one JSON value: `why_not` says "" of its own files, `read` takes the value and a name."""

    tool: str
    why_not: Callable[[object], str]
    read: Callable[[Any, str], Reading]


class TextFormat(NamedTuple):
    """A tool whose results are text: `why_not` says "" of its own files, `read` takes the text and a name."""

    tool: str
    why_not: Callable[[str], str]
    read: Callable[[str, str], Reading]


JSON_FORMATS: tuple[JsonFormat, ...] = (
    JsonFormat(pytest_benchmark.TOOL, pytest_benchmark.why_not, pytest_benchmark.read),
    JsonFormat(hyperfine.TOOL, hyperfine.why_not, hyperfine.read),
)
TEXT_FORMATS: tuple[TextFormat, ...] = (TextFormat(go_bench.TOOL, go_bench.why_not, go_bench.read),)
TOOLS: tuple[str, ...] = (*(each.tool for each in JSON_FORMATS), *(each.tool for each in TEXT_FORMATS))

_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_MAKE = "make it with pytest --benchmark-json, hyperfine --export-json or go test -bench"


class UnknownFormat(InputError):
    """The file is readable, but is in no format of the registry."""


def read(data: bytes, where: str) -> Reading:
    """The benchmarks in a file's bytes; `where` names the file in messages.

    Raises UnknownFormat with a line per tool where none recognizes it, InputError where one does but the file is broken.
    """
    if not data.strip():
        raise InputError("the file is empty", where=where, remedy=_MAKE)
    text = _text(data, where)
    if text.lstrip()[:1] in {"{", "["} and not go_bench.is_stream(text):
        value = strict_json.loads(data, where)
        for json_format in JSON_FORMATS:
            if not json_format.why_not(value):
                return json_format.read(value, where)
        reasons = [f"{each.tool}: {each.why_not(value)}" for each in JSON_FORMATS]
        reasons += [f"{each.tool}: the file is JSON" for each in TEXT_FORMATS]
    else:
        for text_format in TEXT_FORMATS:
            if not text_format.why_not(text):
                return text_format.read(text, where)
        reasons = [f"{each.tool}: the file is not JSON" for each in JSON_FORMATS]
        reasons += [f"{each.tool}: {each.why_not(text)}" for each in TEXT_FORMATS]
    told = "".join(f"\n  {reason}" for reason in reasons)
    raise UnknownFormat(f"these are no benchmark results that perfgate reads{told}", where=where, remedy=_MAKE)


def _text(data: bytes, where: str) -> str:
    if data.startswith(_UTF16):
        raise InputError(
            "the text is UTF-16, not UTF-8", where=where, remedy="in PowerShell write it with Out-File -Encoding utf8"
        )
    # What benchmarks print between their results may be anything; only result lines are read.
    return data.decode("utf-8-sig", "replace")
