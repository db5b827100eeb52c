"""Usage records of LLM calls, one JSON object a line: OpenAI Chat and Responses, Anthropic Messages, bare or wrapped as logs keep them.

Providers count differently: OpenAI's input includes cached tokens, Anthropic's does not. Here every class is counted once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, NamedTuple

from perfgate.core.pricing import TokenCounts
from perfgate.errors import InputError
from perfgate.formats import strict_json

#: A single record is never this long; a file may be.
LINE = 16 * 1024 * 1024
_WRAPPERS = ("response", "message", "data", "body", "result")
_STANDARD_TIERS = frozenset({"", "standard", "default", "auto", "standard_only"})
Detail = Mapping[str, Any]


class Call(NamedTuple):
    """One model call. `tier` is "" for the standard one; `latency` is in seconds, None where the record tells none."""

    model: str
    counts: TokenCounts
    line: int
    key: str = ""
    task: str = ""
    scenario: str = ""
    tier: str = ""
    latency: float | None = None
    success: bool | None = None


class Usage(NamedTuple):
    """The calls of a file, each once, and how many records told of a failure instead of usage."""

    calls: tuple[Call, ...]
    errors: int


def read(stream: BinaryIO, where: str) -> Usage:
    """The calls in JSON Lines (or one JSON value); raises InputError with the line of a record that cannot be read."""
    calls: dict[str, Call] = {}
    errors = 0
    anonymous = 0
    last = ""
    for line, record in _records(stream, where):
        container = _container(record)
        if container is None:
            errors += _is_error(record)
            continue
        if record.get("type") == "message_delta" and last:
            # A stream's counters are cumulative: the delta replaces, it does not add.
            calls[last] = _with_output(calls[last], container["usage"], f"{where}:{line}")
            continue
        call = _call(record, container, where, line)
        if call.model == "<synthetic>":
            continue
        anonymous += not call.key
        last = call.key or f"\0{anonymous}"
        known = calls.get(last)
        if known is None or call.counts.total >= known.counts.total:
            calls[last] = call
    if not calls and not errors:
        raise InputError(
            "no record tells the usage of a model call",
            where=where,
            remedy="log the responses of OpenAI or Anthropic, one JSON object a line",
        )
    return Usage(tuple(calls.values()), errors)


def _records(stream: BinaryIO, where: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """The JSON objects of a stream with their lines: one a line, or a whole document that is a list or an object."""
    first = stream.readline(LINE + 1)
    while first and not first.strip():
        first = stream.readline(LINE + 1)
    if not first:
        raise InputError("the file is empty", where=where, remedy="check that the calls were logged")
    if first.strip() in {b"[", b"{"} or (first.lstrip().startswith(b"[") and len(first) <= LINE):
        rest = stream.read(strict_json.LIMIT + 1)
        value = strict_json.loads(first + rest, where)
        for item in value if isinstance(value, list) else [value]:
            yield 1, _object(item, f"{where}:1")
        return
    number, line = 1, first
    while line:
        if len(line) > LINE:
            raise InputError("a line is longer than 16 MB", where=f"{where}:{number}")
        if line.strip():
            yield number, _object(_parsed(line, f"{where}:{number}", ended=line.endswith(b"\n")), f"{where}:{number}")
        line = stream.readline(LINE + 1)
        number += 1


def _parsed(line: bytes, place: str, *, ended: bool) -> Any:
    try:
        return strict_json.loads(line, place)
    except InputError as error:
        remedy = error.remedy if ended else "this is the last line: the log may have been cut off while it was written"
        raise InputError(error.what, where=place, remedy=remedy) from error


def _object(value: Any, place: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InputError(
            "a JSON object is wanted on every line", where=place, remedy="log one record of a model call a line"
        )
    return value


def _container(record: dict[str, Any]) -> dict[str, Any] | None:
    """The object in a record that holds `usage`, at most two wrappers deep."""
    if isinstance(record.get("usage"), dict):
        return record
    for name in _WRAPPERS:
        inner = record.get(name)
        if isinstance(inner, dict):
            if isinstance(inner.get("usage"), dict):
                return inner
            deeper = inner.get("message") or inner.get("response")
            if isinstance(deeper, dict) and isinstance(deeper.get("usage"), dict):
                return deeper
    return None


def _is_error(record: dict[str, Any]) -> bool:
    response = record.get("response")
    return bool(record.get("error")) or (isinstance(response, dict) and bool(response.get("error")))


def _call(record: dict[str, Any], container: dict[str, Any], where: str, line: int) -> Call:
    place = f"{where}:{line}"
    usage = container["usage"]
    identity = _text(container, "id") or _text(record, "id")
    request = _text(record, "requestId") or _text(record, "request_id")
    success = record.get("success", _metadata(record).get("success"))
    return Call(
        model=_text(container, "model") or _text(record, "model"),
        counts=counts(usage, place),
        line=line,
        key=f"{identity}\x1f{request}" if identity else "",
        task=_label(record, "task") or _label(record, "task_id"),
        scenario=_label(record, "scenario"),
        tier=_tier(usage, container, record),
        latency=_latency(record, place),
        success=success if isinstance(success, bool) else None,
    )


def counts(usage: Detail, place: str) -> TokenCounts:
    """The canonical classes of a usage object of any known shape; InputError for an unknown one."""
    if "prompt_tokens" in usage:
        return _openai(usage, "prompt_tokens", "completion_tokens", place)
    if "input_tokens" in usage and (
        "cache_read_input_tokens" in usage or "cache_creation_input_tokens" in usage or "cache_creation" in usage
    ):
        return _anthropic(usage, place)
    if "input_tokens" in usage and "output_tokens" in usage:
        return _openai(usage, "input_tokens", "output_tokens", place)
    known = "prompt_tokens, or input_tokens and output_tokens"
    raise InputError(
        f"this usage object has none of the known counters ({known})",
        where=place,
        remedy="log the provider's own usage object",
    )


def _openai(usage: Detail, input_name: str, output_name: str, place: str) -> TokenCounts:
    """Chat Completions and Responses (and what is shaped like them): the input includes cached tokens, the output the reasoning."""
    details = _part(usage, f"{input_name}_details")
    total = _count(usage, input_name, place)
    cached = _count(details, "cached_tokens", place) or _count(usage, "cached_input_tokens", place)
    written = _count(details, "cache_write_tokens", place)
    if cached + written > total:
        raise InputError(
            f"{cached + written} cached tokens are more than all {total} input tokens",
            where=place,
            remedy="check how the record was made",
        )
    output = _count(usage, output_name, place)
    reasoning = _count(_part(usage, f"{output_name}_details"), "reasoning_tokens", place)
    return TokenCounts(total - cached - written, cached, written, 0, output, min(reasoning, output))


def _anthropic(usage: Detail, place: str) -> TokenCounts:
    """Messages: the input counter excludes what was read from or written to the cache."""
    written = _count(usage, "cache_creation_input_tokens", place)
    split = _part(usage, "cache_creation")
    hour = _count(split, "ephemeral_1h_input_tokens", place)
    minutes = _count(split, "ephemeral_5m_input_tokens", place)
    if not split:
        minutes = written
    elif written and hour + minutes != written:
        raise InputError(
            f"the cache writes of {hour} and {minutes} tokens are not the {written} told as their sum", where=place
        )
    output = _count(usage, "output_tokens", place)
    thinking = _count(_part(usage, "output_tokens_details"), "thinking_tokens", place)
    return TokenCounts(
        _count(usage, "input_tokens", place),
        _count(usage, "cache_read_input_tokens", place),
        minutes,
        hour,
        output,
        min(thinking, output),
    )


def _with_output(call: Call, usage: Detail, place: str) -> Call:
    output = max(call.counts.output, _count(usage, "output_tokens", place))
    return call._replace(counts=call.counts._replace(output=output))


def _count(usage: Detail, name: str, place: str) -> int:
    value = usage.get(name)
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 10**12:
        raise InputError(
            f'"{name}" is not a number of tokens', where=place, remedy="a count is a whole number of zero or more"
        )
    return value


def _part(value: Detail, name: str) -> Detail:
    inner = value.get(name)
    return inner if isinstance(inner, dict) else {}


def _metadata(record: dict[str, Any]) -> Detail:
    return _part(record, "metadata")


def _text(value: Detail, name: str) -> str:
    found = value.get(name)
    return found[:300] if isinstance(found, str) else ""


def _label(record: dict[str, Any], name: str) -> str:
    found = record.get(name, _metadata(record).get(name))
    return str(found)[:300] if isinstance(found, str | int) and not isinstance(found, bool) else ""


def _tier(usage: Detail, container: Detail, record: Detail) -> str:
    """The service tier where it is not the standard one: its prices differ."""
    for value in (usage, container, record):
        tier = _text(value, "service_tier")
        if tier not in _STANDARD_TIERS:
            return tier
    speed = _text(usage, "speed")
    return "" if speed in _STANDARD_TIERS else f"speed {speed}"


def _latency(record: dict[str, Any], place: str) -> float | None:
    for name, factor in (("latency_ms", 1e-3), ("duration_ms", 1e-3), ("latency_s", 1.0), ("duration_s", 1.0)):
        value = record.get(name)
        if value is not None:
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
                raise InputError(f'"{name}" is not a time', where=place, remedy="a time is a number of zero or more")
            return float(value) * factor
    return None
