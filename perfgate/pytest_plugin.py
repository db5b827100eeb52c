"""The pytest plugin: the fixture `perfgate`, and, where somebody asks for it, a record of every test (PYTEST_DONT_REWRITE).

It is off until asked: by `--perfgate FILE`, the ini option `perfgate`, `-p perfgate`, or `perfgate measure tests`, which sets an
environment variable. pytest loads this module at every start, so what records is loaded only where something is recorded.
"""

from __future__ import annotations

import math
import os
import re
import time
from collections.abc import Iterable, Iterator, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, SupportsFloat

import pytest

from perfgate.recording import FOLDER, INSIDE

if TYPE_CHECKING:
    from perfgate.recording.gathering import Gatherer

#: Where the record goes that was asked for without a name, below pytest's root.
DEFAULT = ".perfgate/tests.jsonl"

#: What gathers in this process, absent where nothing is recorded.
GATHERER: pytest.StashKey[Gatherer] = pytest.StashKey()
_KINDS: pytest.StashKey[MutableMapping[str, Kind]] = pytest.StashKey()
_NAMES = frozenset({"perfgate", "perfgate.pytest_plugin"})
_METRIC = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)*")
_TIMES = frozenset({"ns", "us", "µs", "μs", "ms", "s", "sec", "min", "h"})
_MOST_VALUES, _MOST_METRICS, _LONGEST_NAME, _LONGEST_UNIT = 10_000, 1000, 90, 80
_LARGEST = 1e30

Better = Literal["lower", "higher", "none", ""]


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options, all of them off."""
    group = parser.getgroup("perfgate", "perfgate: what tests, fixtures and imports take")
    group.addoption(
        "--perfgate", dest="perfgate_file", metavar="FILE", help="Record every test in this file (JSON Lines)."
    )
    group.addoption(
        "--perfgate-imports",
        dest="perfgate_imports",
        action="store_true",
        help="Where tests are recorded: time the imports at collection too.",
    )
    parser.addini("perfgate", "Record every test in this file, relative to the root (JSON Lines).", default="")


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Load and register what records, where somebody asked for it."""
    if hasattr(config, "workerinput"):
        if told := config.workerinput.get("perfgate"):
            from perfgate.recording.workers import begin_in_worker

            begin_in_worker(config, imports="imports" in told)
        return
    option = config.option
    if option.collectonly or not (files := _files(config)):
        return
    from perfgate.recording.session import begin

    begin(config, files, imports=option.perfgate_imports)


def _files(config: pytest.Config) -> list[Path]:
    """The files that were asked for, none where nobody asked."""
    named: str | None = config.option.perfgate_file
    given = any(str(word).partition("=")[0] == "--perfgate" for word in config.invocation_params.args)
    if INSIDE in os.environ and not given:
        return []
    files = []
    if named:
        files.append(config.invocation_params.dir / named)
    elif ini := str(config.getini("perfgate")):
        files.append(config.rootpath / ini)
    elif _is_asked_for_by_name(config):
        files.append(config.rootpath / DEFAULT)
    if folder := os.environ.get(FOLDER):
        files.append(Path(folder) / f"{os.getpid()}-{time.monotonic_ns()}.jsonl")
    return files


def _is_asked_for_by_name(config: pytest.Config) -> bool:
    """Whether "-p perfgate" says so, or PYTEST_PLUGINS; the last word about it counts."""
    words = [*os.environ.get("PYTEST_PLUGINS", "").split(","), *config.option.plugins]
    asked = [not word.startswith("no:") for word in words if word.removeprefix("no:") in _NAMES]
    return bool(asked) and asked[-1]


# --- the fixture ------------------------------------------------------------------------------------------------------


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
        values: float | Iterable[float],
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
        given = values if isinstance(values, Iterable) else [values]
        known = self._kinds.get(name)
        kind = Kind(unit, better, exact)
        if known is None:
            _check_kind(name, kind)
            self._kinds[name] = kind
        elif known != kind:
            raise ValueError(f'perfgate: "{name}" was recorded as {_words(known)} before, and now as {_words(kind)}')
        found = [_checked(name, value, kind) for value in given]
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
    unit: object = kind.unit
    if not isinstance(name, str) or len(name) > _LONGEST_NAME or not _METRIC.fullmatch(name):
        raise ValueError(f'perfgate: {name!r} names no metric: write lower-case words joined by dots, as "parse.time"')
    if not isinstance(unit, str) or not unit.strip() or len(unit) > _LONGEST_UNIT:
        raise ValueError(f'perfgate: "{name}" has no unit: write for example unit="s", "ms", "B", "op/s" or "1"')
    if kind.better not in {"lower", "higher", "none", ""}:
        raise ValueError(f'perfgate: "{name}": better is "lower", "higher" or "none", not {kind.better!r}')


def _checked(name: str, value: object, kind: Kind) -> float:
    """The value as a float; numbers of numpy, Decimal and the like are numbers too."""
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


@pytest.fixture
def perfgate(request: pytest.FixtureRequest) -> Meter:
    """Records a test's own metrics: perfgate.record("parse.time", 0.012, unit="s"), with perfgate.timer("parse.time")."""
    stash = request.config.stash
    kinds = stash.setdefault(_KINDS, {})
    gatherer = stash.get(GATHERER, None)
    return Meter(kinds, {} if gatherer is None else gatherer.values(kinds))
