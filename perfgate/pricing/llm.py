"""The shipped price book of LLM calls: dated, with its source, and read as strictly as anything else."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from importlib.resources import files

from perfgate.core.pricing import ModelPrice, PriceBook, Rates
from perfgate.errors import InputError
from perfgate.formats import strict_json

_SCHEMA = "perfgate/llm-prices/1"


@cache
def load() -> PriceBook:
    """The price book that perfgate ships."""
    data = (files("perfgate.pricing") / "llm_prices.json").read_bytes()
    return parse(data, "llm_prices.json")


def parse(data: bytes, where: str) -> PriceBook:
    """A price book from its JSON; raises InputError for one that cannot be relied on."""
    value = strict_json.loads(data, where)
    if not isinstance(value, dict) or value.get("schema") != _SCHEMA:
        raise InputError("this is not a price book of LLM calls", where=where)
    try:
        models = {name: _model(entry) for name, entry in value["models"].items()}
        return PriceBook(str(value["id"]), str(value["as_of"]), str(value["source"]), str(value["currency"]), models)
    except (KeyError, TypeError, AttributeError, ArithmeticError) as error:
        raise InputError(f"the price book is incomplete: {error}", where=where) from error


def _model(entry: dict[str, object]) -> ModelPrice:
    long = entry.get("long")
    if long is None:
        return ModelPrice(_rates(entry))
    if not isinstance(long, dict) or type(long.get("over")) is not int or long["over"] <= 0:
        raise TypeError("the rates of long inputs need a number of tokens, over")
    return ModelPrice(_rates(entry), long["over"], _rates(long))


def _rates(entry: dict[str, object]) -> Rates:
    def price(name: str) -> Decimal | None:
        text = entry.get(name)
        if text is None:
            return None
        value = Decimal(str(text))
        if not value.is_finite() or value < 0:
            raise ArithmeticError(f"{name} is {text}")
        return value

    plain, output = price("input"), price("output")
    if plain is None or output is None:
        raise KeyError("input or output")
    return Rates(plain, output, price("cache_read"), price("cache_write_5m"), price("cache_write_1h"))
