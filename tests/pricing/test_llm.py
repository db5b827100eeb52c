"""The shipped price book: what its source says, to the last digit, and a book that cannot be relied on is refused."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from perfgate.core.pricing import TokenCounts, cost
from perfgate.errors import InputError
from perfgate.pricing import llm

#: The names of the source for our rates; after them stands which calls they are for.
NAMES = {
    "input": "input_cost_per_token",
    "output": "output_cost_per_token",
    "cache_read": "cache_read_input_token_cost",
    "cache_write_5m": "cache_creation_input_token_cost",
    "cache_write_1h": "cache_creation_input_token_cost_above_1hr",
}


def test_every_price_is_that_of_its_source(shared_data: Path) -> None:
    path = shared_data / "llm" / "litellm" / "model_prices_and_context_window_backup.json"
    listed = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    book = llm.load()
    assert len(book.models) > 50
    for name, price in book.models.items():
        source = listed[name]
        assert source["litellm_provider"] in {"openai", "anthropic", "text-completion-openai"}, name
        long = f"_above_{price.long_over // 1000}k_tokens"
        assert (price.long_rates is not None) == any(
            key.startswith("input_cost_per_token_above_") and key.endswith("k_tokens") for key in source
        ), name
        for rate, key in NAMES.items():
            assert getattr(price.rates, rate) == source.get(key), (name, rate)
            if price.long_rates is not None:
                assert getattr(price.long_rates, rate) == source.get(key + long), (name, rate, long)


def test_the_book_is_not_older_than_the_models_it_lists() -> None:
    book = llm.load()
    dated = [name[-10:] for name in book.models if name[-10:-7].startswith("20")]
    assert max(dated) <= book.as_of
    assert book.id == f"llm-{book.as_of[:7]}"
    assert book.currency == "USD"


def test_long_inputs_have_their_own_rates() -> None:
    price = llm.load().models["gpt-5.4"]
    assert price.long_rates is not None
    assert cost(TokenCounts(input=price.long_over), price) == price.rates.input * price.long_over
    assert cost(TokenCounts(input=price.long_over + 1), price) == price.long_rates.input * (price.long_over + 1)


GOOD: dict[str, Any] = {
    "schema": "perfgate/llm-prices/1",
    "id": "b",
    "as_of": "2026-01-01",
    "source": "test",
    "currency": "USD",
    "models": {"m": {"input": "0.1", "output": "0.2", "long": {"over": 10, "input": "0.3", "output": "0.4"}}},
}


def model(**changes: Any) -> dict[str, Any]:
    return {**GOOD, "models": {"m": {**GOOD["models"]["m"], **changes}}}


def test_a_good_book_is_read() -> None:
    book = llm.parse(json.dumps(GOOD).encode(), "book.json")
    assert book.models["m"].rates.output == Decimal("0.2")
    assert book.models["m"].long_over == 10


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        {},
        {**GOOD, "schema": "perfgate/llm-prices/2"},
        {**GOOD, "models": []},
        {**GOOD, "models": {"m": 5}},
        {name: value for name, value in GOOD.items() if name != "as_of"},
        model(input=None),
        model(output="-0.1"),
        model(output="NaN"),
        model(output="much"),
        model(output=True),
        model(cache_read=[]),
        model(long={"over": "x", "input": "1", "output": "1"}),
        model(long={"over": -1, "input": "1", "output": "1"}),
        model(long={"input": "1", "output": "1"}),
        model(long=5),
    ],
)
def test_a_book_that_cannot_be_relied_on_is_refused(wrong: Any) -> None:
    with pytest.raises(InputError) as caught:
        llm.parse(json.dumps(wrong).encode(), "book.json")
    assert caught.value.where == "book.json"
