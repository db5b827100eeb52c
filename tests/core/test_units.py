"""Quantities as people write them, and values as people read them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfgate.core.units import Quantity, Unit, base_of, parse_ratio, write_percent, write_value, write_values
from perfgate.errors import InputError


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("15 min", "900", "s"),
        ("2 min 40 s", "160", "s"),
        ("1h30min", "5400", "s"),
        ("200ms", "0.2", "s"),
        ("80.803us", "0.000080803", "s"),
        ("$0.10", "0.10", "USD"),
        ("$500/month", "500", "USD/month"),
        ("500 USD/month", "500", "USD/month"),
        ("0.10 USD/task", "0.10", "USD/task"),
        ("€12", "12", "EUR"),
        ("1.5 GiB", "1610612736", "B"),
        ("12 MB", "12000000", "B"),
        ("10000 token/task", "10000", "token/task"),
        ("12", "12", "1"),
        ("1e3", "1000", "1"),
    ],
)
def test_a_quantity_is_read_into_base_units(text: str, value: str, unit: str) -> None:
    quantity = Quantity.parse(text)
    assert quantity.value == Decimal(value)
    assert str(quantity.unit) == unit
    assert str(quantity) == text


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("1:30", "1 min 30 s"),
        ("1:30:00", "1 min 30 s"),
        ("2,000 s", "without commas"),
        ("fast", "write for example"),
        ("", "write for example"),
        ("12 parsecs", "write for example"),
        ("2 min 40 MB", "write for example"),
        ("nan s", "write for example"),
        ("1e999 s", "write for example"),
        ("5 %", "write for example"),
    ],
)
def test_what_is_not_a_quantity_is_refused_with_what_to_write(text: str, hint: str) -> None:
    with pytest.raises(InputError) as caught:
        Quantity.parse(text)
    assert hint in caught.value.remedy


def test_a_percentage_needs_its_sign() -> None:
    assert parse_ratio("5 %") == 0.05
    assert parse_ratio("12.5%") == 0.125
    for text in ("5", "0.05", "five", "-5%", "nan%"):
        with pytest.raises(InputError):
            parse_ratio(text)


def test_a_limit_may_leave_out_what_the_series_is_counted_per() -> None:
    assert Quantity.parse("500 USD").fits(Unit("USD", "month"))
    assert not Quantity.parse("500 USD/year").fits(Unit("USD", "month"))
    assert not Quantity.parse("500").fits(Unit("USD", "month"))
    assert not Quantity.parse("500").fits(Unit("s"))
    assert Quantity.parse("500").fits(Unit("token", "task"))


def test_foreign_units_are_cleaned_at_the_door() -> None:
    assert base_of("ns/op") == (Unit("s", "op"), Decimal("1e-9"))
    assert base_of("MB/s") == (Unit("B", "s"), Decimal(10) ** 6)
    assert base_of("widgets") == (Unit("widgets"), Decimal(1))


def test_the_values_of_a_row_share_one_scale() -> None:
    assert write_values((0.0912, 1.31), Unit("s")) == ("91.2 ms", "1310 ms")
    assert write_values((118.0, 160.0), Unit("s")) == ("1 min 58 s", "2 min 40 s")
    assert write_values((None, 160.0), Unit("s")) == ("–", "2 min 40 s")


def test_a_small_price_is_told_from_nothing() -> None:
    assert write_value(Decimal("0.00042"), Unit("USD", "task")) == "0.00042 USD/task"
    assert write_value(Decimal(0), Unit("USD", "task")) == "0.00 USD/task"
    assert write_value(Decimal("1234.5"), Unit("USD", "month")) == "1,234.50 USD/month"


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (0.123, "+12.3 %"),
        (-0.5, "-50.0 %"),
        (2.0, "+200 %"),
        (20.0, "×21"),
        (0.0, "0.0 %"),
        (None, "–"),
        (float("inf"), "new"),
    ],
)
def test_a_change_is_written_so_that_it_cannot_be_misread(ratio: float | None, text: str) -> None:
    assert write_percent(ratio) == text


@given(st.floats(min_value=1e-12, max_value=1e15))
def test_every_positive_time_is_written_without_losing_its_first_digits(value: float) -> None:
    text = write_value(value, Unit("s"))
    if value < 60:
        number, unit = text.split(" ")
        factor = {"ns": 1e-9, "µs": 1e-6, "ms": 1e-3, "s": 1.0}[unit]
        assert abs(float(number) * factor - value) <= 0.006 * value
