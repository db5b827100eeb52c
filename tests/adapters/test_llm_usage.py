"""Usage records: every token counted once, whatever the provider's counters include; an unknown shape is an error with its line."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfgate.adapters import llm_usage
from perfgate.adapters.llm_usage import Usage, read
from perfgate.core.pricing import TokenCounts
from perfgate.errors import InputError, PerfgateError

CHAT = {"id": "c1", "model": "gpt-4o", "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120, "prompt_tokens_details": {"cached_tokens": 64}, "completion_tokens_details": {"reasoning_tokens": 5}}}  # fmt: skip
RESPONSES = {"id": "r1", "model": "gpt-5", "usage": {"input_tokens": 100, "output_tokens": 20, "input_tokens_details": {"cached_tokens": 40}, "output_tokens_details": {"reasoning_tokens": 8}}}  # fmt: skip
ANTHROPIC = {"id": "m1", "type": "message", "model": "claude-sonnet-4-5", "usage": {"input_tokens": 10, "output_tokens": 20, "cache_read_input_tokens": 1000, "cache_creation_input_tokens": 300, "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 200}}}  # fmt: skip


def parsed(*records: Any) -> Usage:
    text = "".join(json.dumps(record) + "\n" for record in records)
    return read(io.BytesIO(text.encode()), "log.jsonl")


def the(record: Any) -> TokenCounts:
    (call,) = parsed(record).calls
    return call.counts


def test_openai_counts_cached_tokens_within_its_input() -> None:
    assert the(CHAT) == TokenCounts(36, 64, 0, 0, 20, 5)
    assert the(RESPONSES) == TokenCounts(60, 40, 0, 0, 20, 8)
    assert the(CHAT).all_input == 100


def test_anthropic_counts_cached_tokens_beside_its_input() -> None:
    assert the(ANTHROPIC) == TokenCounts(10, 1000, 100, 200, 20, 0)
    assert the(ANTHROPIC).all_input == 1310


def test_wrapped_records_are_found_and_other_lines_are_no_calls() -> None:
    usage = parsed(
        {"type": "user", "message": {"content": "hi"}},
        {"requestId": "q", "message": ANTHROPIC},
        {"response": CHAT},
        {"error": {"code": 500}},
    )
    assert len(usage.calls) == 2
    assert usage.errors == 1


def test_a_call_that_is_logged_several_times_while_it_streams_is_one_call() -> None:
    partial = json.loads(json.dumps(ANTHROPIC))
    partial["usage"]["output_tokens"] = 1
    assert len(parsed({"message": partial}, {"message": ANTHROPIC}, {"message": partial}).calls) == 1
    assert parsed({"message": partial}, {"message": ANTHROPIC}).calls[0].counts.output == 20


def test_the_deltas_of_a_stream_replace_and_do_not_add() -> None:
    start = {"type": "message_start", "message": {**ANTHROPIC, "usage": {**ANTHROPIC["usage"], "output_tokens": 1}}}  # type: ignore[dict-item]
    usage = parsed(
        start,
        {"type": "message_delta", "usage": {"output_tokens": 15}},
        {"type": "message_delta", "usage": {"output_tokens": 40}},
    )
    assert [call.counts.output for call in usage.calls] == [40]


@pytest.mark.parametrize(
    ("record", "told"),
    [
        ({"usage": {"tokens": 5}}, "none of the known counters"),
        ({"usage": {"prompt_tokens": -1}}, "not a number of tokens"),
        ({"usage": {"prompt_tokens": 1.5}}, "not a number of tokens"),
        ({"usage": {"prompt_tokens": True}}, "not a number of tokens"),
        (
            {"usage": {"prompt_tokens": 10, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 11}}},
            "more than all",
        ),
        ({"usage": 5}, "no usage object"),
        ({"response": {"usage": [1]}}, "no usage object"),
        ({"usageMetadata": {"promptTokenCount": 5}}, "no usage object"),
        ({"usage": {"input_tokens": 5, "output_tokens": 10**13}}, "not a number of tokens"),
        (
            {
                "usage": {
                    "input_tokens": 1,
                    "output_tokens": 1,
                    "cache_creation_input_tokens": 5,
                    "cache_creation": {"ephemeral_5m_input_tokens": 4},
                }
            },
            "told as their sum",
        ),
        ([1], "JSON object"),
    ],
)
def test_a_record_of_unknown_shape_is_an_error_with_its_line(record: Any, told: str) -> None:
    with pytest.raises(InputError, match=told) as caught:
        parsed(CHAT, record)
    assert caught.value.where == "log.jsonl:2"


def test_a_log_that_was_cut_off_is_told() -> None:
    with pytest.raises(InputError) as caught:
        read(io.BytesIO(json.dumps(CHAT).encode() + b'\n{"id": "x", "us'), "log.jsonl")
    assert "cut off" in caught.value.remedy
    assert caught.value.where == "log.jsonl:2"


def special(**usage: Any) -> str:
    return parsed({**CHAT, "usage": {**CHAT["usage"], **usage}}).calls[0].special  # type: ignore[dict-item]


def test_what_is_not_billed_at_standard_prices_is_told() -> None:
    assert special() == special(service_tier="default") == special(service_tier=None) == ""
    assert special(service_tier="flex") == "flex"
    assert special(speed="fast") == "speed fast"
    assert special(inference_geo="us") == "inference in us"
    assert special(inference_geo="global") == ""
    assert special(prompt_tokens_details={"audio_tokens": 5}) == "audio"
    ttl = {"cache_write_tokens": 9, "cache_write_tokens_details": {"ttl_12h_tokens": 9}}
    assert special(prompt_tokens_details=ttl) == "12-hour cache writes"
    batch = {"id": "b", "custom_id": "t", "response": {"status_code": 200, "body": CHAT}}
    assert parsed(batch).calls[0].special == "batch"


def test_the_tier_of_the_response_goes_before_the_one_that_was_asked_for() -> None:
    asked = {"service_tier": "priority", "response": {**CHAT, "service_tier": "default"}}
    assert parsed(asked).calls[0].special == ""


def test_web_searches_are_counted_beside_the_tokens() -> None:
    usage = {"input_tokens": 1, "output_tokens": 1, "server_tool_use": {"web_search_requests": 3}}
    assert parsed({"usage": usage}).calls[0].searches == 3


def test_responses_that_tell_no_usage_are_counted() -> None:
    chunk = {"id": "c7", "object": "chat.completion.chunk", "usage": None}
    usage = parsed(CHAT, chunk, chunk, {"object": "response", "status": "completed"}, {"object": "response"})
    assert usage.silent == 3
    told = parsed(
        {**chunk, "id": "c1"}, CHAT, {"type": "message", "role": "assistant", "content": "a message of a log"}
    )
    assert told.silent == 0


def test_a_stream_without_usage_is_told_what_to_ask_for() -> None:
    with pytest.raises(InputError) as caught:
        parsed({"id": "c7", "object": "chat.completion.chunk", "usage": None})
    assert "include_usage" in caught.value.remedy


def test_calls_that_share_an_id_without_the_id_of_a_request_are_told() -> None:
    assert parsed(CHAT, CHAT).namesakes == 1
    logged = {"requestId": "q", "message": ANTHROPIC}
    assert parsed(logged, logged).namesakes == 0


def test_a_total_that_is_not_the_sum_is_told() -> None:
    usage = parsed({**CHAT, "usage": {**CHAT["usage"], "total_tokens": 200}}, RESPONSES)  # type: ignore[dict-item]
    assert usage.unbalanced == 1
    assert parsed(CHAT).unbalanced == 0


def test_the_sum_of_a_session_is_not_counted_beside_its_calls() -> None:
    result = {"type": "result", "num_turns": 2, "duration_ms": 9000, "usage": ANTHROPIC["usage"]}
    together = parsed({"message": ANTHROPIC}, result)
    assert len(together.calls) == 1
    assert not together.summary
    alone = parsed(result)
    assert alone.summary
    assert alone.calls[0].latency is None


def test_lines_are_counted_from_the_first_also_after_blank_ones() -> None:
    with pytest.raises(InputError) as caught:
        read(io.BytesIO(b"\n\n" + json.dumps(CHAT).encode() + b"\n{bad\n"), "log.jsonl")
    assert caught.value.where == "log.jsonl:4"


def test_a_whole_document_is_read_like_lines() -> None:
    for text in (json.dumps([CHAT, RESPONSES]), "\n" + json.dumps([CHAT, RESPONSES], indent=1)):
        assert len(read(io.BytesIO(text.encode()), "log.json").calls) == 2
    pretty = b"\xef\xbb\xbf" + json.dumps(CHAT, indent=1).encode()
    assert len(read(io.BytesIO(pretty), "log.json").calls) == 1


def test_more_calls_than_memory_should_hold_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(llm_usage, "MOST_CALLS", 3)
    with pytest.raises(InputError, match="more than 3 calls"):
        parsed(*({**CHAT, "id": f"c{n}"} for n in range(4)))


def test_a_line_that_never_ends_is_refused_without_reading_it_all() -> None:
    stream = io.BytesIO(json.dumps(CHAT).encode() + b"\n" + b"x" * (llm_usage.LINE + 10) + b"\n")
    with pytest.raises(InputError, match="longer than 16 MB") as caught:
        read(stream, "log.jsonl")
    assert caught.value.where == "log.jsonl:2"


@pytest.mark.parametrize("data", [b"", b"\n\n", b"{}\n", b"[]", b"\xff\xfe\n", b"[" * 100_000, b"null\n"])
def test_a_file_without_a_call_is_an_error(data: bytes) -> None:
    with pytest.raises(InputError):
        read(io.BytesIO(data), "log.jsonl")


def test_totals_of_real_logs_are_those_that_other_code_finds(shared_data: Path) -> None:
    checked = 0
    for path in sorted((shared_data / "llm" / "ccusage" / "claude").rglob("*.jsonl")):
        largest: dict[str, int] = {}
        for line in path.read_text(encoding="utf-8").splitlines():
            record = json.loads(line) if line.strip() else {}
            message = record.get("message") or {}
            if (
                isinstance(message, dict)
                and isinstance(message.get("usage"), dict)
                and message.get("model") != "<synthetic>"
            ):
                usage = message["usage"]
                total = sum(
                    usage.get(name) or 0
                    for name in (
                        "input_tokens",
                        "output_tokens",
                        "cache_read_input_tokens",
                        "cache_creation_input_tokens",
                    )
                )
                key = f"{message.get('id')}/{record.get('requestId')}" if message.get("id") else f"line {len(largest)}"
                largest[key] = max(largest.get(key, 0), total)
        if not largest:
            continue
        with path.open("rb") as stream:
            assert sum(call.counts.total for call in read(stream, path.name).calls) == sum(largest.values()), path.name
        checked += 1
    assert checked


@given(st.data())
@settings(deadline=None, max_examples=150)
def test_damaged_logs_give_calls_or_an_error_of_ours(data: st.DataObject) -> None:
    text = bytearray("".join(json.dumps(record) + "\n" for record in (CHAT, ANTHROPIC, RESPONSES)).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text) - 1))
        text[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    try:
        for call in read(io.BytesIO(bytes(text)), "log.jsonl").calls:
            assert min(call.counts) >= 0
    except PerfgateError as error:
        assert error.where


def test_every_real_file_gives_calls_or_an_error_of_ours(shared_data: Path) -> None:
    for path in sorted((shared_data / "llm").rglob("*")):
        if path.is_file() and path.stat().st_size < 1_000_000:
            try:
                with path.open("rb") as stream:
                    read(stream, path.name)
            except PerfgateError as error:
                assert error.where.startswith(path.name)


def test_turns_of_codex_exec_are_calls(shared_data: Path) -> None:
    path = shared_data / "llm" / "codex" / "exec-json-issue5276.jsonl"
    usage = json.loads(path.read_text(encoding="utf-8").splitlines()[0])["usage"]
    with path.open("rb") as stream:
        (call,) = read(stream, path.name).calls
    assert call.counts.all_input == usage["input_tokens"]
    assert call.counts.cache_read == usage["cached_input_tokens"]
    assert call.counts.output == usage["output_tokens"]
