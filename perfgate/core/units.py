"""Units and quantities: "15 min", "$0.10", "500 USD/month", "10 %".

Inside perfgate every value is in its base unit (second, byte, token, a currency, or a plain number); what the user wrote
is kept for messages. Money is Decimal from end to end.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from perfgate.errors import InputError

Number = float | Decimal

#: Factors to the base unit. SI prefixes for bytes are decimal (1 kB = 1000 B), IEC ones binary (1 KiB = 1024 B).
_SCALED: dict[str, tuple[str, Decimal]] = {
    "ns": ("s", Decimal("1e-9")),
    "us": ("s", Decimal("1e-6")),
    "µs": ("s", Decimal("1e-6")),
    "μs": ("s", Decimal("1e-6")),
    "ms": ("s", Decimal("1e-3")),
    "s": ("s", Decimal(1)),
    "sec": ("s", Decimal(1)),
    "secs": ("s", Decimal(1)),
    "second": ("s", Decimal(1)),
    "seconds": ("s", Decimal(1)),
    "min": ("s", Decimal(60)),
    "mins": ("s", Decimal(60)),
    "minute": ("s", Decimal(60)),
    "minutes": ("s", Decimal(60)),
    "h": ("s", Decimal(3600)),
    "hour": ("s", Decimal(3600)),
    "hours": ("s", Decimal(3600)),
    "B": ("B", Decimal(1)),
    "byte": ("B", Decimal(1)),
    "bytes": ("B", Decimal(1)),
    "kB": ("B", Decimal(1000)),
    "KB": ("B", Decimal(1000)),
    "MB": ("B", Decimal(1000) ** 2),
    "GB": ("B", Decimal(1000) ** 3),
    "TB": ("B", Decimal(1000) ** 4),
    "KiB": ("B", Decimal(1024)),
    "MiB": ("B", Decimal(1024) ** 2),
    "GiB": ("B", Decimal(1024) ** 3),
    "TiB": ("B", Decimal(1024) ** 4),
    "token": ("token", Decimal(1)),
    "tokens": ("token", Decimal(1)),
    "1": ("1", Decimal(1)),
    "": ("1", Decimal(1)),
}
_CURRENCY_SIGNS = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY"}
_CURRENCY = re.compile(r"[A-Z]{3}")
_NUMBER = r"[+-]?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?"
_QUANTITY = re.compile(rf"(?P<number>{_NUMBER})\s*(?P<unit>[^\s\d/:,]+)?(?:\s*/\s*(?P<per>[^\s/]+))?")
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([a-zµμ]+)")
_PERCENT = re.compile(rf"({_NUMBER})\s*%")


class Unit(NamedTuple):
    """What a value counts: a base, and what one value is counted per ("USD/month", "token/task", "s", "1")."""

    base: str
    per: str = ""

    def __str__(self) -> str:
        return f"{self.base}/{self.per}" if self.per else self.base

    @property
    def is_money(self) -> bool:
        """Whether values of this unit are Decimal amounts of a currency (an ISO 4217 code)."""
        return _CURRENCY.fullmatch(self.base) is not None

    @classmethod
    def parse(cls, text: str) -> Unit:
        """Read a unit as run files write it: a base, and after a slash what it is counted per."""
        base, _, per = text.strip().partition("/")
        if not base:
            raise InputError(f'"{text}" is not a unit', remedy='write a unit such as "s", "B", "USD/month" or "1"')
        return cls(base, per)


def base_of(text: str) -> tuple[Unit, Decimal]:
    """The base unit behind a foreign unit such as "ns/op" or "MB/s", and the factor that leads to it.

    Units that perfgate does not know stay as they are, with the factor 1.

    >>> base_of("MB/s")
    (Unit(base='B', per='s'), Decimal('1000000'))
    """
    name, _, per = text.strip().partition("/")
    base, factor = _SCALED.get(name, (name, Decimal(1)))
    return Unit(base, per.strip()), factor


class Quantity(NamedTuple):
    """A number with its unit, in base units, and the text that the user wrote."""

    value: Decimal
    unit: Unit
    written: str

    def __str__(self) -> str:
        return self.written

    def fits(self, unit: Unit) -> bool:
        """Whether this can be held against values of `unit`: "per month" may be left out, and so may the unit of a plain count."""
        if self.unit.per and self.unit.per != unit.per:
            return False
        plain = self.unit.base == "1" and not unit.is_money and unit.base not in {"s", "B"}
        return plain or self.unit.base == unit.base

    @classmethod
    def parse(cls, text: str) -> Quantity:
        """Read "15 min", "2 min 40 s", "$0.10", "500 USD/month", "1.5 GiB", "10000 token/task" or a plain "12".

        Raises InputError with what to write instead.
        """
        written = text.strip()
        if (sign := written[:1]) in _CURRENCY_SIGNS:
            amount, slash, per = written[1:].partition("/")
            return cls.parse_as(f"{amount.strip()} {_CURRENCY_SIGNS[sign]}{slash}{per}", written)
        return cls.parse_as(written, written)

    @classmethod
    def parse_as(cls, text: str, written: str) -> Quantity:
        """Read `text`, keeping `written` as what the user wrote."""
        whole = _QUANTITY.fullmatch(text)
        if whole is None:
            return cls(_sum_of_durations(text, written), Unit("s"), written)
        name = whole["unit"] or ""
        if _CURRENCY.fullmatch(name):
            base, factor = name, Decimal(1)
        elif name in _SCALED:
            base, factor = _SCALED[name]
        else:
            raise InputError(f'"{written}" has the unit "{name}", which perfgate does not know', remedy=_EXAMPLES)
        try:
            value = Decimal(whole["number"]) * factor
        except InvalidOperation as error:  # pragma: no cover - the pattern admits only numbers Decimal can read
            raise InputError(f'"{written}" is not a number', remedy=_EXAMPLES) from error
        if value.adjusted() > 30:
            raise InputError(f'"{written}" is larger than anything perfgate measures', remedy=_EXAMPLES)
        return cls(value, Unit(base, whole["per"] or ""), written)


_EXAMPLES = 'write for example "15 min", "200 ms", "12 MB", "$0.10", "500 USD/month" or "10000 token/task"'


def _sum_of_durations(text: str, written: str) -> Decimal:
    """The seconds in "2 min 40 s"; refuses clock notation, because "1:30" could be minutes or hours."""
    if re.fullmatch(r"\d+:\d{2}(:\d{2})?", text):
        first, second = text.split(":")[:2]
        hint = f'write "{first} min {int(second)} s" or "{first} h {int(second)} min"'
        raise InputError(f'"{written}" could be minutes or hours', remedy=hint)
    if re.search(r"\d,\d", text):
        raise InputError(f'"{written}" has a comma in the number', remedy="write 2000 or 0.5, without commas")
    parts = _DURATION_PART.findall(text)
    spelled = "".join(number + unit for number, unit in parts)
    known = all(_SCALED.get(unit, ("", 0))[0] == "s" for _, unit in parts)
    if not parts or not known or spelled != re.sub(r"\s+", "", text):
        raise InputError(f'"{written}" is not a quantity', remedy=_EXAMPLES)
    return sum((Decimal(number) * _SCALED[unit][1] for number, unit in parts), Decimal(0))


def parse_ratio(text: str) -> float:
    """The ratio (0-1) behind a per cent such as "10 %"; raises InputError for anything else."""
    match = _PERCENT.fullmatch(text.strip())
    if match is None:
        raise InputError(f'"{text.strip()}" is not a percentage', remedy='write a percentage such as "10%"')
    ratio = float(Decimal(match[1]) / 100)
    if not 0 <= ratio <= 1000:
        raise InputError(f'"{text.strip()}" is not a percentage between 0% and 100000%')
    return ratio


# --- how values are written -------------------------------------------------------------------------------------------

_TIME_STEPS = ((1e-9, "ns"), (1e-6, "µs"), (1e-3, "ms"), (1.0, "s"))
_BYTE_STEPS = ((1.0, "B"), (1e3, "kB"), (1e6, "MB"), (1e9, "GB"), (1e12, "TB"))


def write_values(values: tuple[Number | None, ...], unit: Unit, missing: str = "–") -> tuple[str, ...]:
    """Write the values of one row with one scale, so that a row never mixes ms and s; unless they are a hundredfold apart.

    >>> write_values((0.0912, 1.31), Unit("s"))
    ('91.2 ms', '1310 ms')
    >>> write_values((118.0, 160.0), Unit("s"))
    ('1 min 58 s', '2 min 40 s')
    >>> write_values((0.0006978, 0.1181), Unit("s"))
    ('697.8 µs', '118.1 ms')
    """
    present = [abs(float(value)) for value in values if value is not None and value != 0]
    smallest = min(present, default=0.0)
    largest = max(present, default=0.0)
    if unit.base in {"s", "B"} and largest >= 100 * smallest > 0:
        return tuple(missing if each is None else _alone(each, unit) for each in values)
    return tuple(missing if value is None else _write(value, unit, smallest, largest) for value in values)


def _alone(value: Number, unit: Unit) -> str:
    size = abs(float(value))
    return _write(value, unit, size, size)


def write_value(value: Number | None, unit: Unit, missing: str = "–") -> str:
    """Write one value for people: "1 min 58 s", "12.3 MB", "742.64 USD/month"."""
    return write_values((value,), unit, missing)[0]


def _write(value: Number, unit: Unit, smallest: float, largest: float) -> str:
    per = f"/{unit.per}" if unit.per else ""
    if unit.base == "s":
        if smallest >= 60:
            return _clock(float(value)) + per
        return _scaled(float(value), smallest, _TIME_STEPS) + per
    if unit.base == "B":
        return _scaled(float(value), smallest, _BYTE_STEPS) + per
    if unit.is_money:
        return f"{_money(Decimal(str(value)), largest)} {unit.base}{per}"
    number = _plain(float(value))
    return f"{number}{per}" if unit.base == "1" else f"{number} {unit.base}{per}"


def _scaled(value: float, smallest: float, steps: tuple[tuple[float, str], ...]) -> str:
    if value == 0 and smallest == 0:
        return f"0 {'s' if steps is _TIME_STEPS else 'B'}"
    factor, name = steps[0]
    for step_factor, step_name in steps:
        if smallest >= step_factor * 0.9995:
            factor, name = step_factor, step_name
    return f"{_plain(value / factor, group=False)} {name}"


def _clock(seconds: float) -> str:
    whole = round(seconds)
    sign, whole = ("-", -whole) if whole < 0 else ("", whole)
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    if hours:
        return f"{sign}{hours} h {minutes} min" if minutes else f"{sign}{hours} h"
    return f"{sign}{minutes} min {left} s" if left else f"{sign}{minutes} min"


def _plain(value: float, *, group: bool = True) -> str:
    """Four significant digits, whole numbers in full, thousands grouped where asked."""
    comma = "," if group else ""
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):{comma}d}"
    if abs(value) >= 1000:
        return f"{value:{comma}.0f}"
    if abs(value) < 1e-4:
        return f"{value:.3g}"
    digits = 3 if abs(value) < 1 else (2 if abs(value) < 10 else 1)
    text = f"{value:.{digits}f}"
    return text if abs(value) >= 1 else f"{value:.3g}"


def _money(value: Decimal, largest: float) -> str:
    """Cents, or as many places as a small price needs to be told from zero."""
    if value == 0:
        return "0.00"
    places = 2
    while places < 8 and abs(value) < Decimal(10) ** (2 - places - 1):
        places += 1
    if largest < 1:
        places = max(places, 4)
    return f"{value:,.{places}f}"


def write_threshold(ratio: float | None) -> str:
    """Write a threshold as people write it: "5 %", "12.5 %", "any" where there is none."""
    return "any" if ratio is None else f"{ratio * 100:.10g} %"


def write_percent(ratio: float | None, *, signed: bool = True) -> str:
    """Write a ratio as per cent: "+12.3 %", "×8.4" once it is beyond a tenfold, "–" where there is none."""
    if ratio is None:
        return "–"
    if abs(ratio) == float("inf"):
        return "new"
    if ratio >= 9.95:
        return f"×{ratio + 1:.3g}"
    percent = ratio * 100
    text = f"{percent:{'+' if signed else ''}.{0 if abs(percent) >= 100 else 1}f} %"
    return text.replace("-0.0 %", "0.0 %").replace("+0.0 %", "0.0 %")
