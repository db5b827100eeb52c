"""Usage records: every token counted once, whatever the provider's counters include; an unknown shape is an error with its line."""

from __future__ import annotations

import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfgate.adapters.llm_usage import Usage, read
from perfgate.core.entries import TokensEntry
from perfgate.core.model import Capture, State
from perfgate.core.pricing import TokenCounts, cost
from perfgate.errors import InputError, PerfgateError
from perfgate.measure.surroundings import Surroundings
from perfgate.measure.tokens import capture
from perfgate.pricing import llm

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


@pytest.mark.parametrize("data", [b"", b"\n\n", b"{}\n", b"[]", b"\xff\xfe\n", b"[" * 100_000, b"null\n"])
def test_a_file_without_a_call_is_an_error(data: bytes) -> None:
    with pytest.raises(InputError):
        read(io.BytesIO(data), "log.jsonl")


def captured(tmp_path: Path, files: dict[str, list[Any]], scenario: str = "") -> Capture:
    for name, records in files.items():
        (tmp_path / name).write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return capture(
        TokensEntry("it", files=tuple(files), scenario=scenario), Surroundings(tmp_path, tmp_path, {}), lambda _: None
    )


def values(made: Capture, metric: str) -> tuple[object, ...]:
    (found,) = [each for each in made.measurements if each.series.metric == metric]
    return found.values


def test_each_file_is_a_task_of_its_scenario(tmp_path: Path) -> None:
    other = {**CHAT, "id": "c2"}
    made = captured(tmp_path, {"a.jsonl": [CHAT, other], "b.jsonl": [CHAT]}, "support")
    assert values(made, "llm.tokens") == (240.0, 120.0)
    assert values(made, "llm.calls") == (2.0, 1.0)


def test_lines_may_name_their_task_and_scenario(tmp_path: Path) -> None:
    records = [
        {
            "task": name,
            "metadata": {"scenario": "s"},
            "success": name == "x",
            "latency_ms": 1500,
            "response": {**CHAT, "id": name + str(n)},
        }
        for name in "xy"
        for n in range(2)
    ]
    made = captured(tmp_path, {"a.jsonl": records})
    assert {str(each.series) for each in made.measurements} >= {"llm.tokens{scenario=s}", "llm.success{scenario=s}"}
    assert values(made, "llm.success") == (0.5,)
    assert values(made, "llm.latency") == (1.5,) * 4
    assert len(values(made, "llm.cost")) == 2


def test_the_cost_is_the_sum_over_the_classes(tmp_path: Path) -> None:
    # gpt-4o: 2.50 USD for a million input tokens, 1.25 cached, 10.00 output.
    made = captured(tmp_path, {"a.jsonl": [CHAT]})
    assert values(made, "llm.cost") == (
        Decimal("0.00000250") * 36 + Decimal("0.00000125") * 64 + Decimal("0.00001") * 20,
    )


def test_an_unknown_model_has_no_cost_rather_than_a_cost_of_nothing(tmp_path: Path) -> None:
    made = captured(tmp_path, {"a.jsonl": [CHAT, {**CHAT, "id": "c2", "model": "gpt-4o-imaginary"}]})
    (found,) = [each for each in made.measurements if each.series.metric == "llm.cost"]
    assert found.state is State.UNKNOWN
    assert found.values == ()
    assert "gpt-4o-imaginary" in found.reason


def test_another_service_tier_has_no_standard_price(tmp_path: Path) -> None:
    made = captured(tmp_path, {"a.jsonl": [{**CHAT, "service_tier": "flex"}]})
    (found,) = [each for each in made.measurements if each.series.metric == "llm.cost"]
    assert found.state is State.UNKNOWN
    assert "flex" in found.reason


def test_long_inputs_have_their_own_rates() -> None:
    price = llm.load().models["gpt-5.4"]
    assert price.long_rates is not None
    assert cost(TokenCounts(input=price.long_over), price) == price.rates.input * price.long_over
    assert cost(TokenCounts(input=price.long_over + 1), price) == price.long_rates.input * (price.long_over + 1)


def test_the_price_book_is_what_its_source_says(shared_data: Path) -> None:
    listed = json.loads(
        (shared_data / "llm" / "litellm" / "model_prices_and_context_window_backup.json").read_text(encoding="utf-8"),
        parse_float=Decimal,
    )
    book = llm.load()
    assert book.as_of >= "2026-01-01"
    assert len(book.models) > 50
    for name, price in book.models.items():
        assert price.rates.input == Decimal(listed[name]["input_cost_per_token"]), name
        assert price.rates.output == Decimal(listed[name]["output_cost_per_token"]), name
        if price.rates.cache_read is not None:
            assert price.rates.cache_read == Decimal(listed[name]["cache_read_input_token_cost"]), name


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
