"""How long imports take at collection, as `python -X importtime` tells it: a module's own time, without what it imports."""

from __future__ import annotations

import builtins
import heapq
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

_LONGEST_NAME = 200


class Imports:
    """Times every import statement that loads something while `watching`, in the thread that watches."""

    def __init__(self) -> None:
        self._own: dict[str, float] = {}
        #: Seconds spent in the imports that the one under way made, level by level.
        self._levels: list[float] = []

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Import statements are timed inside; afterwards they are as they were, unless somebody else replaced them meanwhile."""
        original, thread, modules, clock = builtins.__import__, threading.get_ident(), sys.modules, time.perf_counter

        def timed(
            name: str,
            globals: Mapping[str, Any] | None = None,  # noqa: A002 - these are the names that the language gives them
            locals: Mapping[str, Any] | None = None,  # noqa: A002
            fromlist: Sequence[str] | None = (),
            level: int = 0,
        ) -> Any:
            known = len(modules)
            if threading.get_ident() != thread or (not level and not fromlist and name in modules):
                return original(name, globals, locals, fromlist or (), level)
            self._levels.append(0.0)
            started = clock()
            try:
                return original(name, globals, locals, fromlist or (), level)
            finally:
                spent = clock() - started
                inner = self._levels.pop()
                if self._levels:
                    self._levels[-1] += spent
                if len(modules) > known:
                    self._took(_absolute(name, globals, level), spent - inner)

        builtins.__import__ = timed
        try:
            yield
        finally:
            if builtins.__import__ is timed:
                builtins.__import__ = original

    def _took(self, name: str, seconds: float) -> None:
        self._own[name] = self._own.get(name, 0.0) + seconds

    def dearest(self, most: int) -> list[list[Any]]:
        """The modules whose own import took longest, each with its seconds."""
        found = heapq.nlargest(most, ((seconds, name) for name, seconds in self._own.items()))
        return [[name[:_LONGEST_NAME], round(seconds, 6)] for seconds, name in found]


def _absolute(name: str, names: Mapping[str, Any] | None, level: int) -> str:
    """The full name of what a relative import names."""
    if not level or names is None:
        return name
    package = str(names.get("__package__") or names.get("__name__") or "")
    parts = package.split(".")
    return ".".join(part for part in (*parts[: len(parts) - level + 1], name) if part)
