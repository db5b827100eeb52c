"""The price of a call: every class at its own rate, long inputs at theirs, and nothing guessed."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfgate.core.pricing import ModelPrice, PriceBook, Rates, TokenCounts, cost

RATES = Rates(Decimal(3), Decimal(15), Decimal("0.3"), Decimal("3.75"), Decimal(6))
LONG = Rates(*(rate * 2 for rate in (Decimal(3), Decimal(15))))
TOKENS = st.integers(0, 10**6)
COUNTS = st.builds(TokenCounts, TOKENS, TOKENS, TOKENS, TOKENS, TOKENS, TOKENS)


def test_every_class_has_its_own_rate() -> None:
    for position, rate in enumerate(("3", "0.3", "3.75", "6", "15", "0")):
        counts = TokenCounts(*(10 if position == at else 0 for at in range(6)))
        assert cost(counts, ModelPrice(RATES)) == 10 * Decimal(rate), counts


def test_a_class_without_a_rate_costs_what_plain_input_costs() -> None:
    counts = TokenCounts(1, 10, 100, 1000, 0)
    assert cost(counts, ModelPrice(Rates(Decimal(3), Decimal(15)))) == 3 * 1111


def test_the_whole_call_has_the_long_rates_once_its_whole_input_is_over() -> None:
    price = ModelPrice(RATES, 1000, LONG)
    assert cost(TokenCounts(400, 600, output=1), price) == 400 * 3 + 600 * Decimal("0.3") + 15
    assert cost(TokenCounts(401, 600, output=1), price) == 1001 * 6 + 30


@given(COUNTS, COUNTS)
@settings(deadline=None, max_examples=60)
def test_prices_of_standard_calls_add_up_exactly(one: TokenCounts, two: TokenCounts) -> None:
    both = TokenCounts(*(left + right for left, right in zip(one, two, strict=True)))
    price = ModelPrice(RATES)
    assert cost(one, price) + cost(two, price) == cost(both, price)
    assert both.total == one.total + two.total == both.all_input + both.output


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("gpt-4o", True),
        ("openai/gpt-4o", True),
        ("gpt-4o-2024-08-06", True),
        ("gpt-4o-2031-01-01", False),
        ("GPT-4o", False),
        ("gpt-4", False),
        ("gpt-4o ", False),
        ("azure/gpt-4o", False),
        ("us.anthropic.gpt-4o", False),
        ("", False),
    ],
)
def test_a_model_is_found_by_its_exact_name_or_not_at_all(asked: str, found: bool) -> None:
    price = ModelPrice(RATES)
    book = PriceBook("b", "2026-01-01", "test", "USD", {"gpt-4o": price, "gpt-4o-2024-08-06": price})
    assert (book.find(asked) is not None) is found
