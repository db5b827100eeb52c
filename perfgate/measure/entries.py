"""The `measure:` section, done: every entry by the module that knows its kind."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence
from typing import cast

from perfgate.core import entries
from perfgate.core.model import Capture
from perfgate.errors import CommandFailed
from perfgate.measure.surroundings import Surroundings

#: The module whose `capture` does an entry of this kind; imported when such an entry is met.
MODULES: tuple[tuple[type[object], str], ...] = (
    (entries.CommandEntry, "perfgate.measure.session"),
    (entries.TestsEntry, "perfgate.measure.tests"),
    (entries.BenchEntry, "perfgate.measure.bench"),
    (entries.PipelineEntry, "perfgate.measure.pipeline"),
    (entries.TokensEntry, "perfgate.measure.tokens"),
    (entries.CostEntry, "perfgate.measure.cost"),
    (entries.SizeEntry, "perfgate.measure.size"),
    (entries.ResourcesEntry, "perfgate.measure.resources"),
)


def capture_all(
    wanted: Sequence[entries.Entry],
    surroundings: Surroundings,
    progress: Callable[[str], None],
    *,
    cases: bool = False,
) -> Capture:
    """Measure every entry in the order written; the first that fails ends it, so that half a run is never taken for a whole one.

    `cases` asks for a series of every test case. Raises what the entry's module raises.
    """
    return Capture.joined(each for _, each in capture_each(wanted, surroundings, progress, cases=cases))


def capture_each(
    wanted: Sequence[entries.Entry],
    surroundings: Surroundings,
    progress: Callable[[str], None],
    *,
    cases: bool = False,
    instead: Callable[[CommandFailed], Capture] | None = None,
) -> Iterator[tuple[entries.Entry, Capture]]:
    """The same entry by entry, each with what it yielded, or with what there is `instead` where its command failed."""
    for position, entry in enumerate(wanted, 1):
        prefix = f"[{position}/{len(wanted)}] {entry.name}"
        progress(prefix)
        try:
            capture = capture_one(entry, surroundings, _prefixed(progress, prefix), cases=cases)
        except CommandFailed as error:
            if instead is None:
                raise
            capture = instead(error)
        yield entry, capture


def _prefixed(progress: Callable[[str], None], prefix: str) -> Callable[[str], None]:
    return lambda text: progress(f"{prefix}: {text}")


def capture_one(
    entry: entries.Entry, surroundings: Surroundings, progress: Callable[[str], None], *, cases: bool = False
) -> Capture:
    """Measure one entry by the module that knows its kind; raises what that raises."""
    module = importlib.import_module(dict(MODULES)[type(entry)])
    if isinstance(entry, entries.TestsEntry):
        return cast("Capture", module.capture(entry, surroundings, progress, cases=cases))
    return cast("Capture", module.capture(entry, surroundings, progress))
