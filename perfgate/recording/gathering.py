"""Gathers what no report tells in a process that runs tests: fixtures, markers, imports, and what tests record themselves."""

from __future__ import annotations

import heapq
import inspect
import os
import time
from collections.abc import Generator, MutableMapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

import pytest

from perfgate.recording.imports import Imports
from perfgate.recording.meter import Kind

#: Files and modules kept of one process: those that took longest.
MOST_FILES = 200
_MOST_MARKERS, _LONGEST_MARKER = 20, 100
#: Markers that change how pytest runs a test and say nothing about it.
_MECHANICAL = frozenset({"parametrize", "usefixtures", "filterwarnings"})
#: The function of the fixtures that pytest makes up for the arguments of "parametrize".
_ARGUMENT = "get_direct_param_fixture_func"
#: The module of the fixture `perfgate`.
_PLUGIN = "perfgate.pytest_plugin"

#: Plain values only: they travel from xdist's workers to the controller.
Told = dict[str, Any]
_clock = time.perf_counter


class _Fixture(NamedTuple):
    """A fixture as the record names it; `ends` says whether it can have something to tear down."""

    name: str
    scope: str
    file: str
    ends: bool


class _TearDown:
    """Times what runs between the two finalizers around a fixture's own."""

    __slots__ = ("_began", "_fixture", "_gatherer")

    def __init__(self, gatherer: Gatherer, fixture: _Fixture) -> None:
        self._gatherer = gatherer
        self._fixture = fixture
        self._began = 0.0

    def begin(self) -> None:
        self._began = _clock()

    def end(self) -> None:
        if self._began:
            self._gatherer.use(self._fixture, 0, 0.0, _clock() - self._began)


class Gatherer:
    """The hooks of a process that runs tests; `take` yields what was gathered since it was asked before."""

    def __init__(self, config: pytest.Config, *, imports: bool) -> None:
        self._root = os.path.join(config.rootpath, "")  # noqa: PTH118 - compared with the texts of code objects
        self._imports = Imports() if imports else None
        #: Seconds spent in fixtures that the one being set up asked for while it ran, level by level.
        self._levels: list[float] = []
        self._fixtures: dict[object, _Fixture] = {}
        self._uses: dict[_Fixture, list[Any]] = {}
        self._files: list[tuple[float, str]] = []
        self._pending: Told = {}
        self._values: dict[str, list[float]] = {}
        self._kinds: MutableMapping[str, Kind] = {}

    def take(self) -> Told:
        """What was gathered since; nothing, most of the time."""
        if not (self._pending or self._uses or self._values):
            return {}
        told, self._pending = self._pending, {}
        if self._uses:
            told["fixtures"] = [
                [name, scope, file, count, round(set_up, 7), round(torn_down, 7)]
                for name, scope, file, count, set_up, torn_down in self._uses.values()
            ]
            self._uses.clear()
        if self._values:
            kinds = self._kinds
            told["metrics"] = [[name, *kinds[name], values] for name, values in self._values.items() if values]
            self._values.clear()
        return told

    def values(self, kinds: MutableMapping[str, Kind]) -> MutableMapping[str, list[float]]:
        """Where the values go that tests record; `kinds` is what is known of their metrics."""
        self._kinds = kinds
        return self._values

    # --- collection ---

    def watching_imports(self) -> AbstractContextManager[None]:
        """A context in which imports are timed, where that was asked for."""
        return self._imports.watching() if self._imports else nullcontext()

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """Times a file's import and the search for its tests."""
        if not isinstance(collector, pytest.File):
            return (yield)
        started = _clock()
        try:
            return (yield)
        finally:
            self._files.append((_clock() - started, collector.nodeid))

    def collected(self) -> Told:
        """What collecting took in this process; once."""
        dearest = heapq.nlargest(MOST_FILES, self._files)
        told: Told = {"files": [[file, round(seconds, 6)] for seconds, file in dearest]}
        self._files.clear()
        if self._imports:
            told["imports"] = self._imports.dearest(MOST_FILES)
        return told

    def keep(self, told: Told) -> None:
        """Hand this out with what is taken next."""
        self._pending.update(told)

    # --- tests ---

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Notes a test's markers, and begins anew: values of an attempt that nobody reported do not count."""
        self._values.clear()
        names = {mark.name for mark in item.iter_markers()} - _MECHANICAL
        if names:
            self._pending["markers"] = [name[:_LONGEST_MARKER] for name in sorted(names)[:_MOST_MARKERS]]

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Generator[None, object, object]:
        """Times a fixture's own set-up, and arranges that its own teardown is timed."""
        __tracebackhide__ = True
        fixture = self._fixtures.get(fixturedef.func)
        if fixture is None:
            if self._is_nobodys(fixturedef.func):
                return (yield)
            fixture = self._fixtures[fixturedef.func] = self._named(fixturedef)
        tear_down = _TearDown(self, fixture) if fixture.ends else None
        if tear_down:
            # Finalizers run last in, first out: the fixtures that asked for this one, `begin`, the fixture's own, `end`.
            fixturedef.addfinalizer(tear_down.end)
        self._levels.append(0.0)
        started = _clock()
        try:
            return (yield)
        finally:
            spent = _clock() - started
            inner = self._levels.pop()
            if self._levels:
                self._levels[-1] += spent
            self.use(fixture, 1, spent - inner, 0.0)
            if tear_down:
                fixturedef.addfinalizer(tear_down.begin)

    @staticmethod
    def _is_nobodys(function: Any) -> bool:
        """Whether a fixture is none that the suite could do without: a parameter's value, or what tests record with."""
        return getattr(function, "__name__", "") == _ARGUMENT or getattr(function, "__module__", "") == _PLUGIN

    def use(self, fixture: _Fixture, count: int, set_up: float, torn_down: float) -> None:
        """Add to what a fixture took since `take`."""
        used = self._uses.get(fixture)
        if used is None:
            used = self._uses[fixture] = [*fixture[:3], 0, 0.0, 0.0]
        used[3] += count
        used[4] += set_up
        used[5] += torn_down

    def _named(self, fixture: pytest.FixtureDef[Any]) -> _Fixture:
        """Its home is its file below pytest's root, else its module."""
        function: Any = inspect.unwrap(fixture.func)
        code = getattr(getattr(function, "__func__", function), "__code__", None)
        file = getattr(code, "co_filename", "")
        if file.startswith(self._root):
            home = file[len(self._root) :].replace(os.sep, "/")
        else:
            home = str(getattr(function, "__module__", "") or "")
        ends = "request" in fixture.argnames or inspect.isgeneratorfunction(function)
        ends = ends or inspect.isasyncgenfunction(function)
        return _Fixture(fixture.argname, fixture.scope, home, ends)
