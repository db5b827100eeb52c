"""Usage records of LLM calls, one JSON object a line: OpenAI Chat and Responses, Anthropic Messages, bare or wrapped as logs keep them.

Providers count differently: OpenAI's input includes cached tokens, Anthropic's does not. Here every class is counted once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, NamedTuple

from perfgate.adapters.labels import label, plain_text
from perfgate.core.pricing import TokenCounts
from perfgate.errors import InputError
from perfgate.formats import strict_json

#: A single record is never this long; a file may be.
LINE = 16 * 1024 * 1024
#: More calls than this in one file would not fit into memory.
MOST_CALLS = 250_000
_WRAPPERS = ("response", "message", "data", "body", "result")
_DEEPEST = 3
_STANDARD_TIERS = frozenset({"standard", "default", "auto", "standard_only"})
_STANDARD_PLACES = frozenset({"", "global", "not_available"})
_RESPONSES = frozenset({"chat.completion", "chat.completion.chunk", "text_completion", "response"})
#: How other providers and tools name their usage: not read, and never passed over in silence.
_FOREIGN = ("usageMetadata", "usage_metadata", "tokenUsage", "token_usage")
_BOM = b"\xef\xbb\xbf"
Detail = Mapping[str, Any]


class Call(NamedTuple):
    """One model call. `latency` is in seconds, None where the record tells none.

    `special` names what makes its price another than the standard one ("flex", "batch", …), "" for nothing; `searches` are
    billed beside the tokens.
    """

    model: str
    counts: TokenCounts
    line: int
    key: str = ""
    task: str = ""
    scenario: str = ""
    special: str = ""
    latency: float | None = None
    success: bool | None = None
    searches: int = 0


class Usage(NamedTuple):
    """The calls of a file, each once, and what a reader must know of its other records.

    `errors` records tell of a failure instead of usage. `silent` responses tell no usage, so that their tokens are missing.
    `namesakes` repeat a call's id without the id of a request, and were taken for the same call. `unbalanced` records tell a
    total that is not the sum of input and output. `summary` says that the file holds only the sum of a session.
    """

    calls: tuple[Call, ...]
    errors: int = 0
    silent: int = 0
    namesakes: int = 0
    unbalanced: int = 0
    summary: bool = False


class _Reading:
    """The calls so far, by identity: a call that streams is logged several times, the last time with all of its tokens."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.calls: dict[str, Call] = {}
        self.summaries: list[Call] = []
        self.silent: set[str] = set()
        self.told: set[str] = set()
        self.errors = self.namesakes = self.unbalanced = 0
        self._anonymous = 0
        self._last = ""

    def add(self, line: int, record: dict[str, Any]) -> None:
        place = f"{self.where}:{line}"
        container = _container(record)
        if container is None:
            self._without_usage(record, place)
            return
        usage = container["usage"]
        if record.get("type") == "message_delta" and self._last:
            # A stream's counters are cumulative: the delta replaces, it does not add.
            call = self.calls[self._last]
            output = max(call.counts.output, _count(usage, "output_tokens", place))
            self.calls[self._last] = call._replace(counts=call.counts._replace(output=output))
            return
        call = _call(record, container, place, line)
        if call.model == "<synthetic>":
            return
        if record.get("type") == "result" and "num_turns" in record:
            # The sum of a session, after its calls: counting both would count everything twice.
            self.summaries.append(call._replace(latency=None))
            return
        self._keep(call, usage, repeats=bool(_text(record, "requestId") or _text(record, "request_id")))
        if identity := _text(container, "id"):
            self.told.add(identity)

    def _keep(self, call: Call, usage: Detail, *, repeats: bool) -> None:
        self._anonymous += not call.key
        self._last = call.key or f"\0{self._anonymous}"
        total = usage.get("total_tokens")
        self.unbalanced += type(total) is int and total != call.counts.total
        known = self.calls.get(self._last)
        if known is not None and not repeats:
            self.namesakes += 1
        if known is None or call.counts.total >= known.counts.total:
            self.calls[self._last] = call
        if len(self.calls) > MOST_CALLS:
            raise InputError(
                f"more than {MOST_CALLS:,} calls in one file are not read",
                where=self.where,
                remedy="log to several files",
            )

    def _without_usage(self, record: dict[str, Any], place: str) -> None:
        inner = [record, *(part for name in _WRAPPERS if isinstance(part := record.get(name), dict))]
        if any(part.get("error") for part in inner):
            self.errors += 1
            return
        for part in inner:
            foreign = [name for name in _FOREIGN if isinstance(part.get(name), dict)]
            if foreign or part.get("usage") is not None:
                raise InputError(
                    f'"{foreign[0] if foreign else "usage"}" is no usage object of OpenAI or Anthropic',
                    where=place,
                    remedy="log the provider's own usage object",
                )
            said = part.get("type") == "message" and part.get("role") == "assistant" and "model" in part
            if said or part.get("object") in _RESPONSES:
                self.silent.add(_text(part, "id") or place)


def read(stream: BinaryIO, where: str) -> Usage:
    """The calls in JSON Lines (or one JSON value); raises InputError with the line of a record that cannot be read."""
    reading = _Reading(where)
    for line, record in _records(stream, where):
        reading.add(line, record)
    silent = len(reading.silent - reading.told)
    calls = reading.calls or {str(at): call for at, call in enumerate(reading.summaries)}
    if not calls and not reading.errors:
        streamed = 'ask for it: stream_options={"include_usage": true}'
        raise InputError(
            "no record tells the usage of a model call",
            where=where,
            remedy=streamed if silent else "log the responses of OpenAI or Anthropic, one JSON object a line",
        )
    return Usage(
        tuple(calls.values()),
        reading.errors,
        silent,
        reading.namesakes,
        reading.unbalanced,
        bool(calls) and not reading.calls,
    )


def _records(stream: BinaryIO, where: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """The JSON objects of a stream with their lines: one a line, or a whole document that is a list or an object."""
    number, first = 1, stream.readline(LINE + 1).removeprefix(_BOM)
    while first and not first.strip():
        number, first = number + 1, stream.readline(LINE + 1)
    if not first:
        raise InputError("the file is empty", where=where, remedy="check that the calls were logged")
    if first.strip() in {b"[", b"{"} or (first.lstrip().startswith(b"[") and len(first) <= LINE):
        rest = stream.read(strict_json.LIMIT + 1)
        value = strict_json.loads(b"\n" * (number - 1) + first + rest, where)
        for item in value if isinstance(value, list) else [value]:
            yield number, _object(item, f"{where}:{number}")
        return
    line = first
    while line:
        if len(line) > LINE:
            raise InputError("a line is longer than 16 MB", where=f"{where}:{number}", remedy="log one call a line")
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


def _container(record: dict[str, Any], deeper: int = _DEEPEST) -> dict[str, Any] | None:
    """The object in a record that holds `usage`, a few wrappers deep."""
    if isinstance(record.get("usage"), dict):
        return record
    for name in _WRAPPERS if deeper else ():
        inner = record.get(name)
        found = _container(inner, deeper - 1) if isinstance(inner, dict) else None
        if found is not None:
            return found
    return None


def _call(record: dict[str, Any], container: dict[str, Any], place: str, line: int) -> Call:
    usage = container["usage"]
    identity = _text(container, "id") or _text(record, "id")
    request = _text(record, "requestId") or _text(record, "request_id")
    success = record.get("success", _part(record, "metadata").get("success"))
    return Call(
        model=_text(container, "model") or _text(record, "model"),
        counts=counts(usage, place),
        line=line,
        key=f"{identity}\x1f{request}" if identity else "",
        task=_label(record, "task") or _label(record, "task_id"),
        scenario=_label(record, "scenario"),
        special=_special(usage, container, record),
        latency=_latency(record, place),
        success=success if isinstance(success, bool) else None,
        searches=_count(_part(usage, "server_tool_use"), "web_search_requests", place),
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


def _text(value: Detail, name: str) -> str:
    return plain_text(value.get(name))[:300]


def _label(record: dict[str, Any], name: str) -> str:
    found = record.get(name, _part(record, "metadata").get(name))
    return label(str(found) if type(found) is int else plain_text(found), [])


def _special(usage: Detail, container: Detail, record: Detail) -> str:
    """What makes the price of a call another than the standard one, "" for nothing. What the response tells goes before the request."""
    tier = _text(usage, "service_tier") or _text(container, "service_tier") or _text(record, "service_tier")
    speed, place = _text(usage, "speed"), _text(usage, "inference_geo")
    inputs = [_part(usage, f"{name}_tokens_details") for name in ("prompt", "input")]
    outputs = [_part(usage, f"{name}_tokens_details") for name in ("completion", "output")]
    found = [
        tier if tier and tier not in _STANDARD_TIERS else "",
        "batch" if "custom_id" in record and "response" in record else "",
        f"speed {speed}" if speed and speed not in _STANDARD_TIERS else "",
        f"inference in {place}" if place not in _STANDARD_PLACES else "",
        "audio" if any(part.get("audio_tokens") for part in (*inputs, *outputs)) else "",
        "12-hour cache writes"
        if any(_part(part, "cache_write_tokens_details").get("ttl_12h_tokens") for part in inputs)
        else "",
    ]
    return " and ".join(dict.fromkeys(each for each in found if each))


def _latency(record: dict[str, Any], place: str) -> float | None:
    for name, factor in (("latency_ms", 1e-3), ("duration_ms", 1e-3), ("latency_s", 1.0), ("duration_s", 1.0)):
        value = record.get(name)
        if value is not None:
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
                raise InputError(f'"{name}" is not a time', where=place, remedy="a time is a number of zero or more")
            return float(value) * factor
    return None
