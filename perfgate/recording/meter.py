"""What the fixture `perfgate` gives a test: a meter for its own metrics, which refuses in the test what nobody could compare later."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterable, Iterator, MutableMapping
from contextlib import contextmanager
from functools import partial
from typing import Literal, NamedTuple, SupportsFloat

_METRIC = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)*")
_TIMES = frozenset({"ns", "us", "µs", "μs", "ms", "s", "sec", "min", "h"})
_MOST_VALUES, _MOST_METRICS, _LONGEST_NAME, _LONGEST_UNIT = 10_000, 1000, 90, 80
_LARGEST = 1e30

Better = Literal["lower", "higher", "none", ""]


class Kind(NamedTuple):
    """What every value of a metric has in common: unit, direction ("" where the unit tells it), and whether it is exact."""

    unit: str
    better: str
    exact: bool


class Meter:
    """What a test records of its own: `perfgate.record("parse.time", 0.012, unit="s")`, `with perfgate.timer("parse.time")`.

    A value belongs to the test that records it, becomes the series `bench.parse.time{tool=perfgate,benchmark=TEST,suite=…}`, and
    of a test that is tried again the last attempt's values count. Where nothing is recorded, values are checked and forgotten.
    """

    def __init__(self, kinds: MutableMapping[str, Kind], values: MutableMapping[str, list[float]]) -> None:
        self._kinds = kinds
        self._values = values

    def record(
        self,
        name: str,
        values: SupportsFloat | Iterable[SupportsFloat],
        *,
        unit: str,
        better: Better = "",
        exact: bool = False,
    ) -> None:
        """Keep one value of a metric or several, in order.

        `name` is lower-case words joined by dots. `better` may be left out for a time (lower) or something per second (higher).
        `exact`: the same code always gives the same value, such as a count. Raises ValueError for a name that names nothing, a
        value that is no finite number, a time below zero, and a unit, direction or exactness that differs from an earlier one.
        """
        # What fails is the test's own line.
        __tracebackhide__ = True
        given = values if isinstance(values, Iterable) and not isinstance(values, str | bytes) else [values]
        known = self._kinds.get(name)
        kind = Kind(unit, better, exact)
        if known is None:
            _check_kind(name, kind)
            self._kinds[name] = kind
        elif known != kind:
            raise ValueError(f'perfgate: "{name}" was recorded as {_words(known)} before, and now as {_words(kind)}')
        found = list(map(partial(_checked, name, kind), given))
        if name not in self._values and len(self._values) >= _MOST_METRICS:
            raise ValueError(f"perfgate: one test records more than {_MOST_METRICS:,} metrics")
        kept = self._values.setdefault(name, [])
        if len(kept) + len(found) > _MOST_VALUES:
            raise ValueError(f'perfgate: one test records more than {_MOST_VALUES:,} values of "{name}"')
        kept.extend(found)

    @contextmanager
    def timer(self, name: str) -> Iterator[None]:
        """Record how long the body takes, in seconds; nothing where it raises."""
        started = time.perf_counter()
        yield
        self.record(name, time.perf_counter() - started, unit="s", better="lower")


def _check_kind(name: object, kind: Kind) -> None:
    __tracebackhide__ = True
    unit: object = kind.unit
    if not isinstance(name, str) or len(name) > _LONGEST_NAME or not _METRIC.fullmatch(name):
        raise ValueError(f'perfgate: {name!r} names no metric: write lower-case words joined by dots, as "parse.time"')
    if not isinstance(unit, str) or not unit.strip() or len(unit) > _LONGEST_UNIT:
        raise ValueError(f'perfgate: "{name}" has no unit: write for example unit="s", "ms", "B", "op/s" or "1"')
    if kind.better not in ("lower", "higher", "none", ""):
        raise ValueError(f'perfgate: "{name}": better is "lower", "higher" or "none", not {kind.better!r}')
    exact: object = kind.exact
    if type(exact) is not bool:
        raise ValueError(f'perfgate: "{name}": exact is True or False, not {_brief(exact)}')


def _checked(name: str, kind: Kind, value: object) -> float:
    """The value as a float; numbers of numpy, Decimal and the like are numbers too."""
    __tracebackhide__ = True
    number = math.nan if isinstance(value, str | bytes | bool) or not isinstance(value, SupportsFloat) else float(value)
    if not math.isfinite(number) or abs(number) > _LARGEST:
        raise ValueError(f'perfgate: a value of "{name}" is {_brief(value)}, which is no number that can be compared')
    if number < 0 and kind.unit.partition("/")[0].strip() in _TIMES:
        raise ValueError(f'perfgate: a value of "{name}" is {_brief(value)}: no time is below zero')
    return number


def _brief(value: object) -> str:
    return repr(value)[:60]


def _words(kind: Kind) -> str:
    direction = f", better {kind.better}" if kind.better else ""
    return f'unit "{kind.unit}"{direction}{", exact" if kind.exact else ""}'
