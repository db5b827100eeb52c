"""Token counts and what they cost: canonical classes, prices for each, and the sum. Pure arithmetic in Decimal."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple


class TokenCounts(NamedTuple):
    """The tokens of one model call in classes that do not overlap, whatever the provider's counters include.

    `reasoning` is the part of `output` that was not shown; it is not added again.
    """

    input: int = 0
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    output: int = 0
    reasoning: int = 0

    @property
    def all_input(self) -> int:
        """Every input token, cached or not."""
        return self.input + self.cache_read + self.cache_write_5m + self.cache_write_1h

    @property
    def total(self) -> int:
        """All tokens."""
        return self.all_input + self.output


class Rates(NamedTuple):
    """Prices per token. A class without a price of its own costs what plain input costs: that is how providers bill it."""

    input: Decimal
    output: Decimal
    cache_read: Decimal | None = None
    cache_write_5m: Decimal | None = None
    cache_write_1h: Decimal | None = None


class ModelPrice(NamedTuple):
    """A model's rates, and those that apply to a whole call whose input is longer than `long_over` tokens."""

    rates: Rates
    long_over: int = 0
    long_rates: Rates | None = None


class PriceBook(NamedTuple):
    """Prices from one source, as of one day."""

    id: str
    as_of: str
    source: str
    currency: str
    models: Mapping[str, ModelPrice]

    def find(self, model: str) -> ModelPrice | None:
        """The price of a model by its exact name, with or without the provider before it; None rather than a guess."""
        plain = model.removeprefix("openai/").removeprefix("anthropic/")
        return self.models.get(plain)


def cost(counts: TokenCounts, price: ModelPrice) -> Decimal:
    """What one call costs, in the book's currency."""
    rates = price.rates
    if price.long_rates is not None and counts.all_input > price.long_over:
        rates = price.long_rates

    def of(tokens: int, rate: Decimal | None) -> Decimal:
        return tokens * (rates.input if rate is None else rate)

    return (
        of(counts.input, rates.input)
        + of(counts.cache_read, rates.cache_read)
        + of(counts.cache_write_5m, rates.cache_write_5m)
        + of(counts.cache_write_1h, rates.cache_write_1h)
        + of(counts.output, rates.output)
    )
